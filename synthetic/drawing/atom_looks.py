"""The looks of most real plots of the neutral-atom families: matplotlib's defaults, or serifs and inward ticks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

from synthetic.drawing.style import Drawing, Ink, Style
from synthetic.drawing.usual_looks import TAB_BLUE, TAB_ORANGE, Inks, in_usual_look, is_usual

T = TypeVar("T")
Draw = Callable[[T, Style], tuple[Drawing, ...]]

TAB_GREEN = Ink("green", "#2ca02c")
FRINGE_INKS = (TAB_BLUE, TAB_GREEN, TAB_ORANGE)
CIRCUIT_INKS = (TAB_BLUE, TAB_ORANGE, TAB_GREEN)


def in_atom_look(
    draw: Draw[T],
    *,
    inks: Inks,
    size_px: tuple[int, int],
    serif: float,
    marker_size: float = 5.0,
    line_width: float = 1.5,
    font_size: float = 10.0,
    gridded: bool = False,
) -> Draw[T]:
    """Wrap ``draw``: most samples get one of these looks, a share ``serif`` with serifs, the others their style."""

    def drawn(truth: T, style: Style) -> tuple[Drawing, ...]:
        if not is_usual(style):
            return draw(truth, style)
        look = replace(
            style,
            look="paper" if style.rng.random() < serif else "plain",
            marker_size=marker_size,
            line_width=line_width,
            font_size=font_size,
            has_grid=gridded,
            has_legend=False,
        )
        with look.applied():
            return draw(truth, look)

    return in_usual_look(drawn, size_px=size_px, inks=inks)
