"""``report.html``: one file that shows a run, its plots included, without network or server."""
