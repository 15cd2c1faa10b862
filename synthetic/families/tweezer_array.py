"""Tweezer arrays: camera images of light that is meant to hold single atoms, one spot per site.

A spot is the Fraunhofer diffraction of the pupil, |FFT(pupil exp(2 pi i W))|^2, with the wavefront error W in
waves, a sum of Zernike polynomials (Goodman, Introduction to Fourier Optics, 6.4; Noll, J. Opt. Soc. Am. 66,
207, 1976). The Strehl ratio is its peak over that without error; above 0.8 optics count as diffraction
limited (Born and Wolf, Principles of Optics, 9.3). The error changes over the field: off the axis of the
optics astigmatism and coma grow, and with them the spots get dimmer and longer. Weak ghosts lie between the
sites, from higher orders of the deflector. Photons are Poissonian, readout noise is normal. Most images are
shown as they are, without axes.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.random import Generator
from numpy.typing import NDArray

from scoring.reference import JSON
from synthetic.drawing.style import BLACK, DPI, Drawing, PlotType, Style
from synthetic.drawing.usual_looks import TAB_BLUE, TAB_ORANGE, in_usual_look, is_usual
from synthetic.family import Assessment, Family, OutcomeLabel, Scenario
from synthetic.physics.readout import Floats

Range = tuple[float, float]

COLORMAPS = ("gray", "gray", "inferno", "viridis", "magma")  # pixels without light are dark
STAMP_PX = 64
"""The side of the square in which a spot is computed.

A pupil of 1/n of it makes spots about n pixels wide.
"""
SHARP, BLURRED = 0.8, 0.65
UNIFORM, UNEVEN = 0.12, 0.17
STRAIGHT = 0.04
"""A grid is regular if its sites deviate from their places by less than this, in units of the pitch."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """One image in counts, row by row from below, with the intended and actual sites in pixels.

    ``strehl`` is the mean of every seventh site; ``white`` the counts that are shown as the brightest colour.
    """

    image: Floats
    columns: int
    rows: int
    pitch_px: float
    intended_px: Floats
    sites_px: Floats
    strehl: float
    dark: float
    white: float

    @property
    def displacement(self) -> float:
        """Root mean square distance of the sites from the intended grid, in units of its pitch."""
        return (
            float(np.sqrt(np.mean(np.sum((self.sites_px - self.intended_px) ** 2, axis=1)))) / self.pitch_px
        )

    @property
    def brightness(self) -> Floats:
        """The light within a third of a pitch of each site's centre, in units of the mean over sites."""
        x, y = np.rint(self.sites_px).astype(int).T
        light, reach = self.image - self.dark, round(self.pitch_px / 3.0)
        sums = sum(
            light[y + dy, x + dx] for dx in range(-reach, reach + 1) for dy in range(-reach, reach + 1)
        )
        return np.asarray(sums / np.mean(sums))

    @property
    def spread(self) -> float:
        """The relative standard deviation of the sites' brightness."""
        return float(np.std(self.brightness))

    @property
    def missing(self) -> int:
        """Sites with less than a fifth of the mean brightness."""
        return int(np.sum(self.brightness < 0.2))

    @property
    def sites(self) -> str:
        """The size of the grid."""
        return f"{self.columns} by {self.rows}"

    @property
    def lattice(self) -> str:
        """The regularity of the grid, as Q5 names it."""
        return "regular" if self.displacement < STRAIGHT else "irregular"


def _zernike(r: Floats, angle: Floats) -> Floats:
    """Noll's polynomials 4 to 11, of unit variance on the unit disc: defocus to spherical aberration."""
    astigmatism, coma, trefoil = (
        np.sqrt(6.0) * r**2,
        np.sqrt(8.0) * (3.0 * r**3 - 2.0 * r),
        np.sqrt(8.0) * r**3,
    )
    return np.stack(
        [
            np.sqrt(3.0) * (2.0 * r**2 - 1.0),
            astigmatism * np.sin(2.0 * angle),
            astigmatism * np.cos(2.0 * angle),
            coma * np.sin(angle),
            coma * np.cos(angle),
            trefoil * np.sin(3.0 * angle),
            trefoil * np.cos(3.0 * angle),
            np.sqrt(5.0) * (6.0 * r**4 - 6.0 * r**2 + 1.0),
        ]
    )


def spots(
    coefficients_waves: Floats, shifts_px: Floats, *, width_px: float, side_px: int = STAMP_PX
) -> Floats:
    """Return the light of spots, shape (spots, side, side): each has sum 1 and is shifted from its square's middle.

    ``coefficients_waves``, of shape (spots, 8), are those of Noll's polynomials 4 to 11.
    """
    radius = side_px / width_px / 2.0
    pixels = np.arange(-np.ceil(radius), np.ceil(radius) + 1.0)
    x, y = pixels / radius, pixels[:, None] / radius
    r, angle = np.hypot(y, x), np.arctan2(y, x)
    tilts = (shifts_px[:, 0, None, None] * pixels + shifts_px[:, 1, None, None] * pixels[:, None]) / side_px
    error = np.tensordot(coefficients_waves, _zernike(r, angle), axes=1) + tilts
    field = np.fft.fft2(np.where(r <= 1.0, np.exp(2j * np.pi * error), 0.0), (side_px, side_px))
    light = np.abs(np.fft.fftshift(field, axes=(1, 2))) ** 2
    return np.asarray(light / light.sum(axis=(1, 2), keepdims=True))


def _simulate(rng: Generator, *, waves: Range, growth: Range, unevenness: Range, fading: Range) -> Truth:
    """One image.

    Args:
        rng: the source of all random numbers.
        waves: root mean square wavefront error in the best corner of the field.
        growth: the increase of that error up to the opposite corner.
        unevenness: relative scatter of the sites' power.
        fading: the share of the power that is lost towards the opposite corner.
    """
    columns = int(rng.integers(9, 20))
    rows = columns if rng.random() < 0.7 else int(rng.integers(9, 20))
    pitch_px = float(rng.uniform(17.0, 30.0))
    margin_px = pitch_px * float(rng.uniform(0.7, 1.3))
    cells = np.stack(np.meshgrid(np.arange(float(columns)), np.arange(float(rows))), axis=-1)
    grid: Floats = np.asarray(cells.reshape(-1, 2) * pitch_px, np.float64)
    tilt = np.deg2rad(rng.uniform(-2.0, 2.0))
    turned = grid @ np.array([[np.cos(tilt), np.sin(tilt)], [-np.sin(tilt), np.cos(tilt)]])
    intended = turned - turned.min(axis=0) + margin_px
    sites = intended + rng.normal(
        0.0, rng.uniform(0.005, 0.015) * pitch_px / np.sqrt(2.0), size=intended.shape
    )
    away = _away(rng, grid)
    directions, _ = np.linalg.qr(rng.normal(size=(8, 2)))
    coefficients = (
        rng.uniform(*waves) * directions[:, 0] + rng.uniform(*growth) * away[:, None] * directions[:, 1]
    )
    power = np.clip(rng.normal(1.0, rng.uniform(*unevenness), size=len(sites)), 0.35, None)
    power *= 1.0 - away * float(rng.uniform(*fading))
    width_px = pitch_px * float(rng.uniform(0.15, 0.21))
    ideal = spots(np.zeros((1, 8)), np.zeros((1, 2)), width_px=width_px)[0].max()
    some = coefficients[::7]
    actual = spots(coefficients, sites - np.rint(sites), width_px=width_px)
    size = np.ceil(intended.max(axis=0) + margin_px).astype(int)
    ghosts = sites[:-1] + 0.5 * (sites[1:] - sites[:-1])
    light = _image(sites, power[:, None, None] * actual, size)
    light += _image(ghosts, float(rng.uniform(0.01, 0.04)) * actual[:-1], size)
    dark, peak = float(rng.uniform(15.0, 40.0)), float(rng.uniform(800.0, 2500.0))
    expected = dark + peak * light / ideal
    return Truth(
        image=rng.poisson(expected) + rng.normal(0.0, rng.uniform(2.0, 5.0), expected.shape),
        columns=columns,
        rows=rows,
        pitch_px=pitch_px,
        intended_px=intended,
        sites_px=sites,
        strehl=float(
            spots(some, np.zeros((len(some), 2)), width_px=width_px).max(axis=(1, 2)).mean() / ideal
        ),
        dark=dark,
        white=dark + peak * float(rng.uniform(0.85, 1.1)),
    )


def _away(rng: Generator, grid: Floats) -> Floats:
    """Return each site's distance from a corner of the field, in units of the diagonal."""
    corner = grid.max(axis=0) * rng.integers(2, size=2)
    distance = np.linalg.norm(grid - corner, axis=1)
    return np.asarray(distance / distance.max())


def _image(places_px: Floats, stamps: Floats, size: NDArray[np.int64]) -> Floats:
    """Add square stamps, each centred on the pixel nearest to its place."""
    half = STAMP_PX // 2
    image = np.zeros((size[1] + 2 * half, size[0] + 2 * half))
    for (x, y), stamp in zip(np.rint(places_px).astype(int), stamps, strict=True):
        image[y : y + STAMP_PX, x : x + STAMP_PX] += stamp
    return image[half:-half, half:-half]


def _corrected(truth: Truth) -> bool:
    """Return whether the spots are diffraction limited, evenly bright and on the grid."""
    return truth.strehl >= SHARP and truth.spread < UNIFORM and truth.displacement < STRAIGHT


def _aberrated(truth: Truth) -> bool:
    """Return whether the spots are blurred and unevenly bright."""
    return truth.strehl < BLURRED and truth.spread > UNEVEN


def _draw(truth: Truth, style: Style) -> tuple[Drawing, ...]:
    bare = is_usual(style)
    axes = style.axes(height=1.15)
    height, width = truth.image.shape
    colormap = style.coloured("gray" if bare else str(style.rng.choice(COLORMAPS)), COLORMAPS)
    axes.imshow(
        truth.image,
        cmap=colormap,
        origin="lower",
        extent=(0, width, 0, height),
        vmin=truth.dark,
        vmax=truth.white,
        interpolation="bilinear",
    )
    x_label, y_label = style.rng.choice(
        [["x (pixels)", "y (pixels)"], ["x position [px]", "y position [px]"]]
    )
    style.dress(
        axes, title=str(style.rng.choice(["Tweezer array", "Trap array"])), x_label=x_label, y_label=y_label
    )
    axes.grid(visible=False)
    if bare:
        _strip(axes, width, height, zoom=float(style.rng.uniform(0.95, 1.3)))
    kind = "sharp and round" if _corrected(truth) else "dim, blurred and partly drawn out"
    even = (
        "nearly the same brightness"
        if truth.spread < UNIFORM
        else "clearly different brightness over the field"
    )
    features = (
        f"A camera image in the colours of {colormap} shows an array of {truth.sites} spots on a dark background.",
        f"The spots are {kind} and have {even}.",
        f"The grid is {truth.lattice}, without a missing spot, with a pitch of about {truth.pitch_px:.0f} pixels.",
    )
    return (style.drawing(axes, plot_type=PlotType.IMAGE, features=features),)


def _strip(axes: Axes, width: int, height: int, *, zoom: float) -> None:
    """Show only the image, with each of its pixels as large as ``zoom`` pixels of the figure."""
    figure = axes.get_figure()
    assert isinstance(figure, Figure)  # noqa: S101 - made by Style.panels()
    figure.set_layout_engine("none")
    figure.set_size_inches(round(width * zoom) / DPI, round(height * zoom) / DPI)
    axes.set_title("")
    axes.set_axis_off()
    axes.set_position((0.0, 0.0, 1.0, 1.0))


def _parameters(truth: Truth) -> JSON:
    return {
        "grid_regularity": truth.lattice,
        "spot_uniformity": "uniform" if truth.spread < UNIFORM else "non-uniform",
        "aberration_corrected": _corrected(truth),
    }


FAMILY: Family[Truth] = Family(
    name="tweezer_array",
    criteria={"CORRECTED": _corrected, "ABERRATED": _aberrated},
    # Enumerations need no tolerance; the simulations stay clear of intermediate cases.
    field_rules={
        "grid_regularity": {"type": "enum"},
        "spot_uniformity": {"type": "enum"},
        "aberration_corrected": {"type": "bool"},
    },
    draw=in_usual_look(_draw, size_px=(570, 500), inks=(TAB_BLUE, TAB_ORANGE, BLACK)),
    parameters=_parameters,
    scenarios=(
        Scenario(
            name="tweezer_array_failure_aberrated",
            status="ABERRATED",
            outcome=OutcomeLabel.ANOMALOUS,
            assessment=Assessment.NO_FIT,
            simulate=partial(
                _simulate,
                waves=(0.115, 0.14),
                growth=(0.08, 0.14),
                unevenness=(0.21, 0.29),
                fading=(0.2, 0.45),
            ),
        ),
        Scenario(
            name="tweezer_array_success",
            status="CORRECTED",
            outcome=OutcomeLabel.EXPECTED,
            assessment=Assessment.NO_FIT,
            simulate=partial(
                _simulate,
                waves=(0.015, 0.035),
                growth=(0.0, 0.02),
                unevenness=(0.03, 0.07),
                fading=(0.0, 0.1),
            ),
        ),
    ),
)
