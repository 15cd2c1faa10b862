"""Colours of charts drawn with matplotlib."""

from __future__ import annotations

BLUE, ORANGE, GREEN, GREY = "#0072b2", "#d55e00", "#009e73", "#666666"
"""From the palette of Okabe and Ito, safe for colour-blind readers; each line also has its own marker."""
