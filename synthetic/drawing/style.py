"""The look of a plot: seeded variation, and rendering that gives the same bytes everywhere.

Every style is complete: matplotlib's defaults plus its settings, so a user's matplotlibrc, locale and
fonts change nothing. The fonts are the DejaVu ones that come with matplotlib. Figures are drawn by the Agg
canvas; pyplot is not used. PNGs are RGBA and carry no metadata.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeVar

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.random import Generator
from numpy.typing import ArrayLike

from synthetic.drawing.rendering import rendered

DPI = 100
T = TypeVar("T")


class PlotType(StrEnum):
    """The kinds of plot that Q1 knows."""

    SCATTER = "scatter"
    LINE = "line"
    HEATMAP = "heatmap"
    HISTOGRAM = "histogram"
    IMAGE = "image"


@dataclass(frozen=True, slots=True)
class Ink:
    """A colour and the word for it."""

    name: str
    code: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    """An axis as Q1 describes it: its label, "linear" or "log", and the limits shown."""

    label: str
    scale: str
    limits: tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    """One image of a sample and what Q1 says about it.

    Attributes:
        png: the image, RGBA.
        features: what can be seen, one whole sentence each.
    """

    png: bytes
    plot_type: PlotType
    x_axis: Axis
    y_axis: Axis
    features: tuple[str, ...]


BLUE, RED = Ink("blue", "#1f4fd8"), Ink("red", "#d62728")
GREEN, ORANGE = Ink("green", "#1a8f3c"), Ink("orange", "#f07800")
PURPLE, TEAL, BLACK = Ink("purple", "#7b3fb5"), Ink("teal", "#008b8b"), Ink("black", "#111111")
CYAN, YELLOW = Ink("cyan", "#35d6ed"), Ink("yellow", "#ffe14d")
MAGENTA, WHITE = Ink("magenta", "#ff5fd2"), Ink("white", "#f5f5f5")

# (data, second data set, fit): three colours that cannot be confused
LIGHT_INKS = (
    (BLUE, ORANGE, RED),
    (BLACK, BLUE, RED),
    (TEAL, PURPLE, ORANGE),
    (PURPLE, GREEN, BLACK),
    (GREEN, PURPLE, BLUE),
    (BLUE, RED, BLACK),
)
DARK_INKS = ((CYAN, YELLOW, MAGENTA), (YELLOW, CYAN, WHITE), (WHITE, CYAN, YELLOW))

LOOKS: Mapping[str, dict[Any, Any]] = {
    "plain": {"font.family": "DejaVu Sans"},
    "paper": {
        "font.family": "DejaVu Serif",
        "mathtext.fontset": "dejavuserif",
        "axes.linewidth": 1.1,
        "xtick.direction": "in",
        "ytick.direction": "in",
        "xtick.top": True,
        "ytick.right": True,
        "xtick.minor.visible": True,
        "ytick.minor.visible": True,
    },
    "web": {
        "font.family": "DejaVu Sans",
        "axes.facecolor": "#eaeaf2",
        "axes.edgecolor": "#eaeaf2",
        "axes.labelcolor": "#333333",
        "axes.axisbelow": True,
        "grid.color": "white",
        "grid.linewidth": 1.2,
        "xtick.color": "#444444",
        "ytick.color": "#444444",
    },
    "dashboard": {
        "font.family": "DejaVu Sans",
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.titleweight": "bold",
        "axes.titlelocation": "left",
    },
    "instrument": {
        "font.family": "DejaVu Sans Mono",
        "figure.facecolor": "#14171c",
        "axes.facecolor": "#0b0d10",
        "axes.edgecolor": "#8a919c",
        "axes.labelcolor": "#d5d9e0",
        "text.color": "#e6e9ee",
        "xtick.color": "#b4bac4",
        "ytick.color": "#b4bac4",
        "grid.color": "#3a414c",
        "grid.linestyle": ":",
        "legend.facecolor": "#1d222a",
    },
}
LOOK_SHARES: Mapping[str, float] = {
    "plain": 0.52,
    "paper": 0.26,
    "dashboard": 0.08,
    "web": 0.06,
    "instrument": 0.08,
}
"""Of all samples: nearly all real plots are drawn on white, and at most one in ten on black."""
MARKERS = {"o": "circles", "s": "squares", "D": "diamonds", "^": "triangles", ".": "dots"}
COLORMAPS = ("viridis", "plasma", "inferno", "cividis", "RdBu_r", "Blues")


@dataclass(frozen=True, slots=True, kw_only=True)
class Style:
    """The look of one sample; all its images share it.

    Attributes:
        rng: for choices about presentation only (units, wording of labels); physics never draws from it.
        data, second, fit: inks for the data, for a second data set, for fitted curves.
        colormap: for heat maps.
        dpi: pixels per inch. Sizes in pixels are those at the usual ``DPI``.
        jpeg_quality: the quality of a compression of the images; None without compression.
        recolouring: chooses other colours than the usual ones; None to use the usual ones.
        axes_exchanged: whether x and y of heat maps are exchanged.
    """

    rng: Generator
    look: str
    width_px: int
    height_px: int
    font_size: float
    data: Ink
    second: Ink
    fit: Ink
    marker: str
    marker_size: float
    alpha: float
    line_width: float
    colormap: str
    has_title: bool
    has_legend: bool
    has_grid: bool
    dpi: int = DPI
    jpeg_quality: int | None = None
    recolouring: Generator | None = None
    axes_exchanged: bool = False

    @property
    def marker_name(self) -> str:
        """The word for the data's markers, such as "circles"."""
        return MARKERS[self.marker]

    def coloured(self, usual: T, others: Sequence[T]) -> T:
        """Return the usual colour or colour map, or one of ``others`` if the style is recoloured."""
        if self.recolouring is None:
            return usual
        fitting = [other for other in others if other != usual]
        return fitting[self.recolouring.integers(len(fitting))]

    def along(self, x: T, y: T) -> tuple[T, T]:
        """Return the quantities along a heat map's axes, x first."""
        return (y, x) if self.axes_exchanged else (x, y)

    @contextmanager
    def applied(self) -> Iterator[None]:
        """Draw in this look inside the context, independently of the user's settings, which are restored afterwards."""
        with mpl.rc_context():
            mpl.rcdefaults()
            mpl.rcParams.update(LOOKS[self.look])
            mpl.rcParams["font.size"] = self.font_size
            yield

    def axes(self, *, width: float = 1.0, height: float = 1.0) -> Axes:
        """Return the only Axes of a new figure of the style's size, or of a multiple of it."""
        return self.panels(1, width=width, height=height)[0]

    def panels(self, columns: int, *, rows: int = 1, width: float = 1.0, height: float = 1.0) -> list[Axes]:
        """Return the Axes of a new figure, row by row."""
        size = (self.width_px * width / DPI, self.height_px * height / DPI)
        figure = Figure(figsize=size, dpi=self.dpi, layout="tight")
        return [figure.add_subplot(rows, columns, k + 1) for k in range(rows * columns)]

    def points(self, axes: Axes, x: ArrayLike, y: ArrayLike, *, label: str, ink: Ink | None = None) -> None:
        """Draw measured points in the style's marker; ``ink`` is the data's unless given."""
        axes.plot(
            x,
            y,
            self.marker,
            color=(ink or self.data).code,
            markersize=self.marker_size,
            zorder=3,
            markeredgewidth=0.6,
            alpha=self.alpha,
            label=label,
        )

    def error_bars(
        self, axes: Axes, x: ArrayLike, y: ArrayLike, errors: ArrayLike, *, label: str, ink: Ink | None = None
    ) -> None:
        """Draw measured points with their standard errors."""
        self.points(axes, x, y, label=label, ink=ink)
        axes.errorbar(
            x, y, yerr=errors, fmt="none", ecolor=(ink or self.data).code, elinewidth=1.2, zorder=2.5
        )

    def curve(
        self,
        axes: Axes,
        x: ArrayLike,
        y: ArrayLike,
        *,
        label: str,
        ink: Ink | None = None,
        dashed: bool = False,
    ) -> None:
        """Draw a line; ``ink`` is the fit's unless given."""
        axes.plot(
            x,
            y,
            "--" if dashed else "-",
            color=(ink or self.fit).code,
            linewidth=self.line_width,
            label=label,
        )

    def dress(self, axes: Axes, *, title: str, x_label: str, y_label: str) -> None:
        """Set the labels, and the title, legend and grid if the style has them."""
        axes.set_xlabel(x_label)
        axes.set_ylabel(y_label)
        if self.has_title:
            axes.set_title(title)
        if self.has_grid:
            axes.grid(visible=True, alpha=0.9 if self.look in {"web", "instrument"} else 0.35)
        if self.has_legend and axes.get_legend_handles_labels()[0]:
            axes.legend(loc="best", fontsize="small")

    def drawing(self, axes: Axes, *, plot_type: PlotType, features: tuple[str, ...]) -> Drawing:
        """Return the figure of these Axes as an image; Q1's axes are read off the (first) Axes."""
        figure = axes.get_figure()
        assert isinstance(figure, Figure)  # noqa: S101 - made by panels()
        return Drawing(
            png=rendered(figure, jpeg_quality=self.jpeg_quality),
            plot_type=plot_type,
            x_axis=Axis(label=axes.get_xlabel(), scale=axes.get_xscale(), limits=_rounded(axes.get_xlim())),
            y_axis=Axis(label=axes.get_ylabel(), scale=axes.get_yscale(), limits=_rounded(axes.get_ylim())),
            features=features,
        )


def style_from(rng: Generator) -> Style:
    """Draw a legible style at random."""
    look = str(rng.choice(list(LOOK_SHARES), p=list(LOOK_SHARES.values())))
    inks = DARK_INKS if look == "instrument" else LIGHT_INKS
    data, second, fit = inks[rng.integers(len(inks))]
    marker = str(rng.choice(list(MARKERS)))
    return Style(
        rng=rng,
        look=look,
        width_px=int(rng.integers(60, 86)) * 10,
        height_px=int(rng.integers(44, 58)) * 10,
        font_size=float(rng.choice([10.0, 11.0, 12.0])),
        data=data,
        second=second,
        fit=fit,
        marker=marker,
        marker_size=float(rng.uniform(4.0, 6.5)) * (1.6 if marker == "." else 1.0),
        alpha=float(rng.uniform(0.65, 1.0)),
        line_width=float(rng.uniform(1.4, 2.4)),
        colormap=str(rng.choice(COLORMAPS)),
        has_title=bool(rng.random() < 0.8),
        has_legend=bool(rng.random() < 0.7),
        has_grid=look == "web" or bool(rng.random() < 0.5),
    )


def _rounded(limits: tuple[float, float]) -> tuple[float, float]:
    """Round limits as one reads them, to a thousandth of the axis's span."""
    step = 10.0 ** np.floor(np.log10(abs(limits[1] - limits[0])) - 2)
    return float(f"{round(limits[0] / step) * step:.6g}"), float(f"{round(limits[1] / step) * step:.6g}")
