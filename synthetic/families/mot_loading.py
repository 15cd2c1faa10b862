"""MOT loading: camera images of the fluorescence of atoms in a magneto-optical trap.

A cold cloud that is not yet limited by its density is Gaussian (Townsend et al., Phys. Rev. A 52, 1423,
1995). Beams of unequal intensity push escaping atoms out to one side, and these leave the light after an
exponentially distributed
distance: a comet's tail. Every detected photon is drawn; background light is Poissonian, readout noise normal
(Janesick, Scientific Charge-Coupled Devices, 2001, chapter 2). A camera routine fits a Gaussian to bright
light.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Ellipse
from numpy.random import Generator
from scipy.ndimage import gaussian_filter

from scoring.reference import JSON
from synthetic.drawing.atom_looks import CIRCUIT_INKS, in_atom_look
from synthetic.drawing.style import CYAN, MAGENTA, ORANGE, Drawing, Ink, PlotType, Style
from synthetic.family import Assessment, Family, OutcomeLabel, Scenario
from synthetic.physics.fitting import Fit, fit
from synthetic.physics.readout import Floats

Range = tuple[float, float]

WIDTHS_PX = (260, 341)
COLORMAPS = ("viridis", "plasma", "inferno", "cividis", "gray")  # pixels without light are dark
MARK = Ink("white", "white")
OTHER_MARKS = {"viridis": MAGENTA, "plasma": CYAN, "inferno": CYAN, "cividis": MAGENTA, "gray": ORANGE}
BINNED_PX = 3
DETECTED = 12.0
"""The routine sees a cloud from this many standard deviations above the background; noise alone reaches 4 to 6."""
LOPSIDED = 0.08
"""A cloud has a tail if more than this share of the light lies to one side."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """One image, in shares of what the camera can show, row by row from below.

    ``atoms_px`` is the trap's centre, x and y, if there are atoms.

    ``significance`` is the highest point of the smoothed image above its median, in standard deviations of
    its noise.
    """

    image: Floats
    atoms_px: tuple[float, float] | None
    significance: float
    fit: Fit | None

    @property
    def has_cloud(self) -> bool:
        """Whether light exceeds the noise, so that a Gaussian was fitted to it."""
        return self.significance > DETECTED and self.fit is not None

    @property
    def centre_px(self) -> tuple[float, float]:
        """The fitted centre, x and y; (0, 0) without a fit, as Q5 asks."""
        return (self.fit.values[1], self.fit.values[2]) if self.fit else (0.0, 0.0)

    @property
    def width_px(self) -> float:
        """The mean of the fitted standard deviations along x and y; 0 without a fit."""
        return (abs(self.fit.values[3]) + abs(self.fit.values[4])) / 2.0 if self.fit else 0.0

    @property
    def height_to_noise(self) -> float:
        """The fitted height over the noise of a single pixel; 0 without a fit."""
        return self.fit.values[0] / _noise(self.image) if self.fit else 0.0

    @property
    def dipole(self) -> tuple[float, float]:
        """The light's mean direction around the core, along x and y: 0 for a symmetric cloud, at most 1 long.

        The core, within 1.5 standard deviations, and light beyond 6 of them do not count.
        """
        if self.fit is None:
            return 0.0, 0.0
        rows, columns = np.indices(self.image.shape)
        across, up = columns + 0.5 - self.fit.values[1], rows + 0.5 - self.fit.values[2]
        distance = np.hypot(across / self.fit.values[3], up / self.fit.values[4])
        light = np.where(distance < 6.0, self.image - self.fit.values[5], 0.0)
        outside = np.where(distance > 1.5, light, 0.0) / np.maximum(np.hypot(across, up), 1.0)
        return float(np.sum(outside * across) / np.sum(light)), float(np.sum(outside * up) / np.sum(light))

    @property
    def noise(self) -> float:
        """The noise of a single pixel of the background."""
        return _noise(self.image)

    @property
    def size_px(self) -> tuple[int, int]:
        """The image's width and height."""
        return self.image.shape[1], self.image.shape[0]

    @property
    def lopsidedness(self) -> float:
        """The length of the dipole."""
        return float(np.hypot(*self.dipole))

    @property
    def tail_side(self) -> str:
        """The side of the core with most of the light."""
        x, y = self.dipole
        if abs(x) > abs(y):
            return "right" if x > 0.0 else "left"
        return "top" if y > 0.0 else "bottom"


def _model(
    at: Floats, height: float, x: float, y: float, width_x: float, width_y: float, floor: float
) -> Floats:
    """``at``: x and y of each point."""
    squares = ((at[0] - x) / width_x) ** 2 + ((at[1] - y) / width_y) ** 2
    return np.asarray(floor + height * np.exp(-0.5 * squares))


def _simulate(rng: Generator, *, brightness: Range, tail: Range = (0.0, 0.0)) -> Truth:
    """``brightness``: the centre, were all light in the core, over a full pixel; ``tail``: the part that is not in it.

    Camera, exposure and noise have the same distribution for all scenarios.
    """
    width = int(rng.integers(*WIDTHS_PX))
    height = round(width * rng.uniform(0.64, 0.72))
    full_counts, background = rng.uniform(250.0, 900.0), rng.uniform(0.01, 0.06)
    sigma_px = rng.uniform(7.0, 14.0) * np.array([rng.uniform(0.92, 1.08), 1.0])
    centre = np.array([rng.uniform(0.22, 0.78) * width, rng.uniform(0.3, 0.7) * height])
    count = int(rng.poisson(2.0 * np.pi * sigma_px.prod() * full_counts * rng.uniform(*brightness)))
    angle, length_px = rng.uniform(0.0, 2.0 * np.pi), rng.uniform(2.5, 3.2) * float(sigma_px[1])
    escaped = rng.random(count) < rng.uniform(*tail)
    away: Floats = np.outer(
        np.where(escaped, rng.exponential(length_px, count), 0.0), [np.cos(angle), np.sin(angle)]
    )
    places = centre + rng.normal(size=(count, 2)) * sigma_px + away
    light, *_ = np.histogram2d(
        places[:, 1], places[:, 0], bins=(height, width), range=((0, height), (0, width))
    )
    counts = light + rng.poisson(background * full_counts, (height, width))
    image = np.clip(
        counts / full_counts + rng.normal(0.0, rng.uniform(0.04, 0.12), (height, width)), 0.0, 1.0
    )
    significance = _significance(image)
    return Truth(
        image=image,
        atoms_px=(float(centre[0]), float(centre[1])) if count else None,
        significance=significance,
        fit=_fitted(image) if significance > DETECTED else None,
    )


def _noise(image: Floats) -> float:
    """Estimate the background's standard deviation from the median deviation, which a cloud does not affect."""
    return 1.4826 * float(np.median(np.abs(image - np.median(image))))


def _significance(image: Floats) -> float:
    smooth = gaussian_filter(image, 4.0)
    return float(smooth.max() - np.median(smooth)) / _noise(smooth)


def _fitted(image: Floats) -> Fit | None:
    """Fit a Gaussian to binned pixels, starting from the maximum of the smoothed image."""
    height, width = (size // BINNED_PX * BINNED_PX for size in image.shape)
    squares = image[:height, :width].reshape(height // BINNED_PX, BINNED_PX, width // BINNED_PX, BINNED_PX)
    counts = squares.mean(axis=(1, 3))
    rows, columns = (np.indices(counts.shape) + 0.5) * BINNED_PX
    smooth = gaussian_filter(counts, 1.5)
    top = np.unravel_index(int(np.argmax(smooth)), smooth.shape)
    floor = float(np.median(counts))
    guess = (float(smooth.max()) - floor, float(columns[top]), float(rows[top]), 10.0, 10.0, floor)
    return fit(_model, np.stack([columns.ravel(), rows.ravel()]), counts.ravel(), guess)


def _draw(truth: Truth, style: Style) -> tuple[Drawing, ...]:
    normalized = bool(style.rng.random() < 0.85)
    shown = truth.image if normalized else np.round(255.0 * truth.image)
    usual = COLORMAPS[0] if style.rng.random() < 0.8 else str(style.rng.choice(COLORMAPS))
    colormap = style.coloured(usual, COLORMAPS)
    mark = style.coloured(MARK, [OTHER_MARKS[colormap]])
    axes = style.axes()
    width, height = truth.size_px
    picture = axes.imshow(
        shown,
        cmap=colormap,
        vmin=0.0,
        vmax=1.0 if normalized else 255.0,
        origin="lower",
        extent=(0, width, 0, height),
        interpolation="nearest",
    )
    figure = axes.figure
    figure.colorbar(picture, ax=axes, label="Intensity (a.u.)" if normalized else "Counts")
    if truth.fit is not None:
        _mark(axes, truth.fit, mark)
    x_label, y_label = style.rng.choice(
        [["X (pixels)", "Y (pixels)"], ["X (pixels)", "Y (pixels)"], ["x [px]", "y [px]"]]
    )
    style.dress(
        axes,
        title=str(style.rng.choice(["MOT Loading", "MOT Loading", "MOT fluorescence"])),
        x_label=x_label,
        y_label=y_label,
    )
    axes.grid(visible=False)
    features = (
        f"A camera image of {width} by {height} pixels shows the fluorescence in the colours of {colormap}.",
        _sight(truth),
        _contours(truth, mark),
    )
    return (style.drawing(axes, plot_type=PlotType.IMAGE, features=features),)


def _mark(axes: Axes, fitted: Fit, ink: Ink) -> None:
    """Draw the fit's centre, and its contours at 1, 2 and 3 standard deviations."""
    _, x, y, width_x, width_y, _ = fitted.values
    axes.plot([x], [y], "+", color=ink.code, markersize=10.0, markeredgewidth=2.0)
    for deviations in (1, 2, 3):
        size = 2.0 * deviations * abs(width_x), 2.0 * deviations * abs(width_y)
        axes.add_patch(Ellipse((x, y), *size, fill=False, edgecolor=ink.code, linewidth=1.0, alpha=0.85))


def _sight(truth: Truth) -> str:
    x, y = truth.centre_px
    if not truth.has_cloud:
        return "The whole field shows nothing but uniform noise, without a bright spot."
    if truth.lopsidedness > LOPSIDED:
        return f"A bright cloud near x = {x:.0f}, y = {y:.0f} has a tail towards the {truth.tail_side}."
    return f"A bright, compact and round cloud lies near x = {x:.0f}, y = {y:.0f} on a dark background."


def _contours(truth: Truth, ink: Ink) -> str:
    if truth.fit is None:
        return "No fit is drawn into the image."
    drawn = f"{ink.name.capitalize()} ellipses show a Gaussian fit at 1, 2 and 3 standard deviations"
    return f"{drawn}, and a {ink.name} cross its centre."


def _parameters(truth: Truth) -> JSON:
    x, y = truth.centre_px
    return {
        "has_cloud": truth.has_cloud,
        "center_x": round(x, 1),
        "center_y": round(y, 1),
        "cloud_present": truth.has_cloud,
    }


FAMILY: Family[Truth] = Family(
    name="mot_loading",
    criteria={
        "SUCCESS": lambda truth: truth.has_cloud and truth.lopsidedness <= LOPSIDED,
        "NO_SIGNAL": lambda truth: not truth.has_cloud,
        "ASYMMETRIC": lambda truth: truth.has_cloud and truth.lopsidedness > LOPSIDED,
    },
    # The axes can be read to about 2% of 260 to 340 pixels; the brightest place of a cloud with a tail, which
    # one might give instead of the drawn centre, is about 10 pixels away from it at most.
    field_rules={
        "has_cloud": {"type": "bool"},
        "center_x": {"type": "abs", "tol_full": 10, "tol_half": 20},
        "center_y": {"type": "abs", "tol_full": 10, "tol_half": 20},
        "cloud_present": {"type": "bool"},
    },
    draw=in_atom_look(_draw, inks=CIRCUIT_INKS, size_px=(640, 480), serif=0.0, font_size=11.0),
    parameters=_parameters,
    scenarios=(
        Scenario(
            name="mot_loading_good",
            status="SUCCESS",
            outcome=OutcomeLabel.EXPECTED,
            assessment=Assessment.RELIABLE,
            simulate=partial(_simulate, brightness=(0.4, 0.95)),
        ),
        Scenario(
            name="mot_loading_no_signal",
            status="NO_SIGNAL",
            outcome=OutcomeLabel.APPARATUS,
            assessment=Assessment.NO_FIT,
            simulate=partial(_simulate, brightness=(0.0, 0.0)),
        ),
        # like tweezer_array_failure_aberrated and the other neutral-atom failures with a clear but distorted
        # signal: an earlier step, here the beams' balance, has to be repeated; no Gaussian describes the tail
        Scenario(
            name="mot_loading_tailed",
            status="ASYMMETRIC",
            outcome=OutcomeLabel.ANOMALOUS,
            assessment=Assessment.UNRELIABLE,
            simulate=partial(_simulate, brightness=(0.7, 1.6), tail=(0.5, 0.7)),
        ),
    ),
)
