"""Apply the harmless changes of ``synthetic/drawing/perturbation.py`` to a style."""

from __future__ import annotations

from dataclasses import replace

from numpy.random import Generator

from synthetic.drawing.perturbation import Perturbation
from synthetic.drawing.style import (
    BLACK,
    DARK_INKS,
    LIGHT_INKS,
    MAGENTA,
    ORANGE,
    RED,
    TEAL,
    WHITE,
    Ink,
    Style,
)

OTHER_DPI = (70, 160)
JPEG_QUALITY = 40

LIGHT_GREEN = Ink("light green", "#7ee787")
# every triple of a style has one here that shares no ink with it
MORE_LIGHT_INKS = (*LIGHT_INKS, (BLACK, TEAL, RED))
MORE_DARK_INKS = (
    *DARK_INKS,
    (LIGHT_GREEN, WHITE, ORANGE),
    (ORANGE, LIGHT_GREEN, MAGENTA),
    (LIGHT_GREEN, MAGENTA, ORANGE),
)


def perturbed(style: Style, perturbation: Perturbation, rng: Generator) -> Style:
    """Return the style after this change.

    ``rng`` chooses colours or resolutions, and no physics draws from it.
    """
    match perturbation:
        case Perturbation.COLORMAP:
            return _recoloured(style, rng)
        case Perturbation.DPI:
            return replace(style, dpi=int(rng.choice(OTHER_DPI)))
        case Perturbation.JPEG:
            return replace(style, jpeg_quality=JPEG_QUALITY)
        case Perturbation.AXIS_ORDER:
            return replace(style, axes_exchanged=True)


def _recoloured(style: Style, rng: Generator) -> Style:
    """Return the style with inks that it did not have."""
    inks = MORE_DARK_INKS if style.look == "instrument" else MORE_LIGHT_INKS
    before = {style.data, style.second, style.fit}
    others = [triple for triple in inks if before.isdisjoint(triple)]
    data, second, fit = others[rng.integers(len(others))]
    return replace(style, data=data, second=second, fit=fit, recolouring=rng)
