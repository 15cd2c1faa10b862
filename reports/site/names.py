"""Names of files and folders in a site."""

from __future__ import annotations

INDEX = "index.html"
LEADERBOARD_MARK = ".qcaleval-site"
"""Marks a folder as a site, which may be replaced."""
ANSWERS, PLOTS, RUNS, SAMPLES = "answers", "plots", "runs", "samples"
REPORT = "report.html"
