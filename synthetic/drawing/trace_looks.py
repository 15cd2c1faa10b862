"""The look that most real plots of the trace families have: matplotlib's defaults on a light grid, in larger type."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

from synthetic.drawing.style import GREEN, Drawing, Ink, Style
from synthetic.drawing.usual_looks import Inks, in_usual_look, is_usual

T = TypeVar("T")
Draw = Callable[[T, Style], tuple[Drawing, ...]]

PURE_BLUE, PURE_RED = Ink("blue", "#0000ff"), Ink("red", "#ff0000")
TRACE_INKS = (PURE_BLUE, GREEN, PURE_RED)
TRACE_PX = (640, 480)


def in_trace_look(
    draw: Draw[T],
    *,
    inks: Inks = TRACE_INKS,
    size_px: tuple[int, int] = TRACE_PX,
    font_size: float = 11.0,
    marker_size: float = 7.0,
    line_width: float = 2.0,
    alpha: float = 0.7,
    gridded: bool = True,
) -> Draw[T]:
    """Wrap ``draw``: most samples get this look, the others their style."""

    def drawn(truth: T, style: Style) -> tuple[Drawing, ...]:
        if not is_usual(style):
            return draw(truth, style)
        plain = replace(
            style,
            font_size=font_size,
            marker_size=marker_size,
            line_width=line_width,
            alpha=alpha,
            has_grid=gridded,
        )
        with plain.applied():
            return draw(truth, plain)

    return in_usual_look(drawn, size_px=size_px, inks=inks)
