"""Harmless changes of how plots look: the same experiments, drawn otherwise. Imports nothing heavy.

Ids, simulated experiments, prompts and the answers to Q2 to Q6 stay; what Q1 says about colours and axes is that of the
plot as it is then drawn. ``synthetic/drawing/restyle.py`` makes the changes.
"""

from __future__ import annotations

from enum import StrEnum


class Perturbation(StrEnum):
    """What is changed."""

    COLORMAP = "colormap"
    """Other colour maps, other inks for points and lines."""
    DPI = "dpi"
    """Another resolution; everything scales."""
    JPEG = "jpeg"
    """The image went through JPEG compression."""
    AXIS_ORDER = "axis-order"
    """The two axes of a map are exchanged. Other plots are as ever: their order is no matter of taste."""
