"""Where things lie in a site."""

from __future__ import annotations

INDEX = "index.html"
LEADERBOARD_MARK = ".qcaleval-site"
"""Says that a folder was made as a site, so that it may be made anew."""
ANSWERS, PLOTS, RUNS, SAMPLES = "answers", "plots", "runs", "samples"
REPORT = "report.html"
