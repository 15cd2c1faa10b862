"""Harmless changes of the plots' looks: the same experiments, drawn differently. Imports nothing heavy.

Ids, simulated experiments, prompts and the answers to Q2 to Q6 do not change. Q1's colours and axes describe
the changed plot. ``synthetic/drawing/restyle.py`` makes the changes.
"""

from __future__ import annotations

from enum import StrEnum


class Perturbation(StrEnum):
    """The kinds of change."""

    COLORMAP = "colormap"
    """Other colour maps, other inks for points and lines."""
    DPI = "dpi"
    """Another resolution; everything is scaled."""
    JPEG = "jpeg"
    """The image went through JPEG compression."""
    AXIS_ORDER = "axis-order"
    """The axes of a map are exchanged.

    Other plots are unchanged, because the order of their axes is fixed.
    """
