"""Heat maps with points and curves on top, in colours that are visible on every colour map of the styles.

Callers name x and y as in most maps of their kind; if the style exchanges the axes, everything on a map is
exchanged.
"""

from __future__ import annotations

from dataclasses import replace
from operator import ne
from typing import Literal, TypeAlias

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke
from numpy.typing import ArrayLike

from synthetic.drawing.style import BLACK, CYAN, MAGENTA, RED, WHITE, YELLOW, Ink, Style
from synthetic.drawing.usual_looks import TAB_BLUE, TAB_ORANGE
from synthetic.physics.readout import Floats

# (points, fitted curve, outliers): none of them is a colour of the map
OverlayInks: TypeAlias = tuple[Ink, Ink, Ink]
LegendPlace: TypeAlias = Literal["lower center", "lower left", "upper left"]
OVERLAY_INKS: dict[str, OverlayInks] = {
    "viridis": (RED, WHITE, BLACK),
    "plasma": (CYAN, WHITE, BLACK),
    "inferno": (CYAN, WHITE, TAB_BLUE),
    "cividis": (RED, MAGENTA, WHITE),
    "Greens_r": (TAB_ORANGE, TAB_BLUE, BLACK),
    "Blues": (TAB_ORANGE, RED, BLACK),
    "RdBu_r": (YELLOW, BLACK, MAGENTA),
    "RdBu": (YELLOW, BLACK, MAGENTA),
    "gray": (TAB_ORANGE, CYAN, MAGENTA),
    "copper": (CYAN, MAGENTA, WHITE),
}


def map_colours(style: Style, usual: str) -> tuple[str, OverlayInks]:
    """Return the colour map and the inks on it; a recoloured style has another map and exchanges the inks."""
    before = OVERLAY_INKS[usual]
    others = [colormap for colormap, inks in OVERLAY_INKS.items() if all(map(ne, inks, before))]
    colormap = style.coloured(usual, others)
    return colormap, OVERLAY_INKS[colormap]


def heat_map(
    style: Style, axes: Axes, x: Floats, y: Floats, values: Floats, *, colormap: str, label: str | None = None
) -> None:
    """Draw ``values[j, i]`` as the colour of the cell around x[i], y[j]; with a colour bar if there is a label."""
    cells, _ = style.along(values, values.T)
    mesh = axes.pcolormesh(*style.along(x, y), cells, cmap=colormap, shading="nearest", zorder=1)
    if label is not None:
        figure = axes.get_figure()
        assert isinstance(figure, Figure)  # noqa: S101 - made by Style.panels()
        figure.colorbar(mesh, ax=axes, label=label)


def dress_map(
    style: Style,
    axes: Axes,
    *,
    title: str,
    x_label: str,
    y_label: str,
    legend_at: LegendPlace = "lower center",
) -> None:
    """Label like ``style.dress``, without a grid, which would hide the cells, and with the legend at a fixed place.

    Searching for the best place would take matplotlib longer than all else, because it avoids each cell.
    """
    x_label, y_label = style.along(x_label, y_label)
    replace(style, has_grid=False, has_legend=False).dress(
        axes, title=title, x_label=x_label, y_label=y_label
    )
    axes.grid(visible=False)
    if style.axes_exchanged:
        axes.locator_params(axis="x", nbins=5)  # slanted numbers, as long ones would overlap
    if style.has_legend and axes.get_legend_handles_labels()[0]:
        axes.legend(loc=legend_at, fontsize="small" if legend_at == "lower center" else "medium")


def points_on_map(
    style: Style,
    axes: Axes,
    x: ArrayLike,
    y: ArrayLike,
    *,
    ink: Ink,
    label: str,
    errors: ArrayLike | None = None,
    outlined: bool = True,
) -> None:
    """Draw points in the style's marker with a contrasting edge, and error bars of y if there are errors."""
    edge = ("black" if ink not in {BLACK, TAB_BLUE} else "white") if outlined else ink.code
    x_errors, y_errors = style.along(None, errors)
    axes.errorbar(
        *style.along(x, y),
        xerr=x_errors,
        yerr=y_errors,
        fmt=style.marker,
        color=ink.code,
        markersize=style.marker_size,
        markeredgecolor=edge,
        markeredgewidth=0.6,
        elinewidth=1.2,
        zorder=4,
        label=label,
    )


def curve_on_map(
    style: Style,
    axes: Axes,
    x: ArrayLike,
    y: ArrayLike,
    *,
    ink: Ink,
    label: str | None,
    dashed: bool = False,
    outlined: bool = True,
) -> None:
    """Draw a line with a thin contrasting outline."""
    outline = "black" if ink in {WHITE, YELLOW, CYAN, MAGENTA} else "white"
    effects = [withStroke(linewidth=style.line_width + 1.6, foreground=outline)]
    kind = "--" if dashed else "-"
    axes.plot(
        *style.along(x, y),
        kind,
        color=ink.code,
        linewidth=style.line_width,
        zorder=3,
        path_effects=effects if outlined else None,
        label=label,
    )
