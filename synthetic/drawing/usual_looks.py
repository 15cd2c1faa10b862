"""The two looks that most real plots of the map and spectroscopy families have: matplotlib's defaults, and Plotly's.

A family is drawn in its usual look in a share ``USUAL`` of all samples, and in the sample's style in the
others. The style's generator makes this choice of presentation, so it says nothing about the scenario type.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeVar

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from synthetic.drawing.style import BLACK, DPI, GREEN, MAGENTA, PURPLE, RED, TEAL, Drawing, Ink, Style
from synthetic.physics.readout import Floats

T = TypeVar("T")
Draw = Callable[[T, Style], tuple[Drawing, ...]]
Inks = tuple[Ink, Ink, Ink]

USUAL = 0.8

TAB_BLUE, TAB_ORANGE, TAB_RED = Ink("blue", "#1f77b4"), Ink("orange", "#ff7f0e"), Ink("red", "#d62728")

PLOTLY_PX = (640, 480)
PLOTLY_INK = "#2a3f5f"


def in_usual_look(draw: Draw[T], *, size_px: tuple[int, int], inks: Inks) -> Draw[T]:
    """Wrap ``draw``: most samples get matplotlib's default look and these inks (data, second, fit).

    If the style is recoloured, all inks are different.
    """

    def drawn(truth: T, style: Style) -> tuple[Drawing, ...]:
        if style.rng.random() >= USUAL:
            return draw(truth, style)
        plain = _plain(style, size_px, style.coloured(inks, _others(inks)))
        with plain.applied():
            return draw(truth, plain)

    return drawn


def in_plotly_look(usual: Draw[T], otherwise: Draw[T]) -> Draw[T]:
    """Draw ``usual``, which makes :func:`plotly_axes`, in most samples, and ``otherwise`` in the others' style."""

    def drawn(truth: T, style: Style) -> tuple[Drawing, ...]:
        if style.rng.random() >= USUAL:
            return otherwise(truth, style)
        inks = (TAB_BLUE, TAB_ORANGE, TAB_RED)
        plain = _plain(style, PLOTLY_PX, style.coloured(inks, _others(inks)))
        with plain.applied():
            return usual(truth, plain)

    return drawn


def is_usual(style: Style) -> bool:
    """Return whether the style comes from :func:`in_usual_look`."""
    return style.look == "plain" and (style.marker_size, style.alpha) == (6.0, 1.0)


def plotly_axes(style: Style, *, title: str, has_bar: bool = False) -> Axes:
    """Return Axes as Plotly draws them on white: no frame, no grid, the title on the left, room for a bar."""
    axes = style.axes()
    figure = _figure(axes)
    figure.set_layout_engine("none")
    axes.set_position(_box(80, 100, 449 if has_bar else 480, 300))
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0, colors=PLOTLY_INK, labelsize=_points(12))
    figure.text(
        32 / PLOTLY_PX[0], 1.0 - 44 / PLOTLY_PX[1], title, color=PLOTLY_INK, size=_points(16), va="center"
    )
    return axes


def plotly_labels(axes: Axes, *, x_label: str, y_label: str) -> None:
    """Label the axes as Plotly does."""
    axes.set_xlabel(x_label, color=PLOTLY_INK, size=_points(14), labelpad=12)
    axes.set_ylabel(y_label, color=PLOTLY_INK, size=_points(14))


def plotly_map(
    style: Style, axes: Axes, x: Floats, y: Floats, values: Floats, *, colormap: str, label: str
) -> None:
    """Draw ``values[j, i]`` as the colour of the cell around x[i], y[j], and a colour bar with its label above it."""
    cells, _ = style.along(values, values.T)
    mesh = axes.pcolormesh(*style.along(x, y), cells, cmap=colormap, shading="nearest", zorder=1)
    figure = _figure(axes)
    bar_axes: Any = figure.add_axes(_box(548, 134, 30, 256), label="<colorbar>")
    bar: Any = figure.colorbar(mesh, cax=bar_axes)
    bar.outline.set_visible(False)
    bar_axes.tick_params(length=0, colors=PLOTLY_INK, labelsize=_points(12))
    figure.text(
        548 / PLOTLY_PX[0], 1.0 - 119 / PLOTLY_PX[1], label, color=PLOTLY_INK, size=_points(14), va="center"
    )


def _figure(axes: Axes) -> Figure:
    figure = axes.get_figure()
    assert isinstance(figure, Figure)  # noqa: S101 - made by Style.panels()
    return figure


def _box(left: int, top: int, width: int, height: int) -> tuple[float, float, float, float]:
    """Convert a box in pixels, from the top left corner, to matplotlib's units."""
    all_width, all_height = PLOTLY_PX
    return left / all_width, 1.0 - (top + height) / all_height, width / all_width, height / all_height


def _points(pixels: float) -> float:
    """Convert a font size from pixels to points."""
    return pixels * 72.0 / DPI


def _plain(style: Style, size_px: tuple[int, int], inks: Inks) -> Style:
    data, second, fit = inks
    return replace(
        style,
        look="plain",
        width_px=size_px[0],
        height_px=size_px[1],
        font_size=10.0,
        data=data,
        second=second,
        fit=fit,
        marker="o",
        marker_size=6.0,
        alpha=1.0,
        line_width=1.5,
        has_title=True,
        has_legend=True,
        has_grid=False,
    )


def _others(inks: Inks) -> list[Inks]:
    """Return triples without a colour of the usual one."""
    pools = ((PURPLE, GREEN, RED), (GREEN, MAGENTA, BLACK), (TEAL, PURPLE, MAGENTA), (RED, TEAL, PURPLE))
    names = {ink.name for ink in inks}
    return [pool for pool in pools if names.isdisjoint(ink.name for ink in pool)]
