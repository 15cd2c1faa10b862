"""Tweezer arrays: camera images of the light that is to hold single atoms, one spot per site.

A spot is the Fraunhofer diffraction of the pupil, |FFT(pupil exp(2 pi i W))|^2, with the wavefront error W in waves, a
sum of Zernike polynomials (Goodman, Introduction to Fourier Optics, 6.4; Noll, J. Opt. Soc. Am. 66, 207, 1976). The
Strehl ratio is its peak over that without error; above 0.8 optics count as diffraction limited (Born and Wolf,
Principles of Optics, 9.3). Holograms that do not compensate for the optics leave sites dim, missing or displaced.
Photons are Poissonian, readout noise is normal.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from scipy.signal import fftconvolve

from scoring.reference import JSON
from synthetic.drawing.style import Drawing, PlotType, Style
from synthetic.family import Assessment, Family, Outcome, Scenario
from synthetic.physics.readout import Floats

Range = tuple[float, float]

COLORMAPS = ("gray", "gray", "inferno", "viridis", "magma")  # dark where there is no light
STAMP_PX = 128
"""The side of the square in which a spot is computed; a pupil of 1/n of it makes spots about n pixels wide."""
SHARP, BLURRED = 0.8, 0.55
UNIFORM, UNEVEN = 0.12, 0.18
STRAIGHT, CROOKED = 0.04, 0.09


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """One image in counts, row by row from below, and where its sites should be and are, in pixels."""

    image: Floats
    columns: int
    rows: int
    pitch_px: float
    intended_px: Floats
    sites_px: Floats
    wavefront_waves: float
    strehl: float

    @property
    def displacement(self) -> float:
        """Root mean square distance of the sites from the intended grid, in units of its pitch."""
        return float(np.sqrt(np.mean(np.sum((self.sites_px - self.intended_px) ** 2, axis=1)))) / self.pitch_px

    @property
    def brightness(self) -> Floats:
        """The light within two pixels of each site's centre, in units of the mean site's."""
        x, y = np.rint(self.sites_px).astype(int).T
        light = self.image - np.median(self.image)
        sums = sum(light[y + dy, x + dx] for dx in range(-2, 3) for dy in range(-2, 3))
        return np.asarray(sums / np.mean(sums))

    @property
    def spread(self) -> float:
        """How much the sites' brightness scatters: its relative standard deviation."""
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
        """How regular the grid is."""
        return "regular" if self.displacement < STRAIGHT else "irregular"


def _zernike(r: Floats, angle: Floats) -> Floats:
    """Noll's polynomials 4 to 11, of unit variance on the unit disc: defocus to spherical aberration."""
    astigmatism, coma, trefoil = np.sqrt(6.0) * r**2, np.sqrt(8.0) * (3.0 * r**3 - 2.0 * r), np.sqrt(8.0) * r**3
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


def spot(coefficients_waves: Floats, *, width_px: float) -> Floats:
    """The light of one spot, of sum 1, for the coefficients of Noll's polynomials 4 to 11."""
    radius = STAMP_PX / width_px / 2.0
    at = np.arange(-np.ceil(radius), np.ceil(radius) + 1.0) / radius
    r, angle = np.hypot(at[:, None], at), np.arctan2(at[:, None], at)
    error = np.tensordot(coefficients_waves, _zernike(r, angle), axes=1)
    field = np.fft.fft2(np.where(r <= 1.0, np.exp(2j * np.pi * error), 0.0), (STAMP_PX, STAMP_PX))
    light = np.abs(np.fft.fftshift(field)) ** 2
    return np.asarray(light / light.sum())


def _simulate(rng: Generator, *, wavefront_waves: Range, unevenness: Range, absent: Range, crooked: float) -> Truth:
    """``absent``: the part of the sites without light; ``crooked``: how likely the grid is distorted."""
    columns, rows = int(rng.integers(9, 17)), int(rng.integers(9, 17))
    pitch_px, margin_px = float(rng.uniform(28.0, 36.0)), 30.0
    grid = np.stack(np.meshgrid(np.arange(columns), np.arange(rows)), axis=-1).reshape(-1, 2) * pitch_px
    tilt = np.deg2rad(rng.uniform(-2.0, 2.0))
    turned = grid @ np.array([[np.cos(tilt), np.sin(tilt)], [-np.sin(tilt), np.cos(tilt)]])
    intended = turned - turned.min(axis=0) + margin_px
    shift = rng.uniform(0.12, 0.16) if rng.random() < crooked else rng.uniform(0.005, 0.015)
    sites = intended + rng.normal(0.0, shift * pitch_px / np.sqrt(2.0), size=intended.shape)
    power = np.clip(rng.normal(1.0, rng.uniform(*unevenness), size=len(sites)), 0.1, None)
    power *= rng.random(len(sites)) >= rng.uniform(*absent)
    width_px, waves = rng.uniform(3.6, 4.8), float(rng.uniform(*wavefront_waves))
    coefficients = rng.normal(size=8)
    coefficients *= waves / np.linalg.norm(coefficients)
    ideal, actual = spot(np.zeros(8), width_px=width_px), spot(coefficients, width_px=width_px)
    size = np.ceil(intended.max(axis=0) + margin_px).astype(int)
    light = fftconvolve(_points(sites, power, (size[1], size[0])), actual, mode="same")
    expected = rng.uniform(15.0, 40.0) + rng.uniform(800.0, 2500.0) * np.clip(light, 0.0, None) / ideal.max()
    return Truth(
        image=rng.poisson(expected) + rng.normal(0.0, rng.uniform(2.0, 5.0), expected.shape),
        columns=columns,
        rows=rows,
        pitch_px=pitch_px,
        intended_px=intended,
        sites_px=sites,
        wavefront_waves=waves,
        strehl=float(actual.max() / ideal.max()),
    )


def _points(sites_px: Floats, power: Floats, shape: tuple[int, int]) -> Floats:
    """An image of points, each shared by the four pixels around it."""
    image = np.zeros(shape)
    whole: NDArray[np.int64] = np.floor(sites_px).astype(np.int64)
    part = sites_px - whole
    for dx, dy in ((0, 0), (1, 0), (0, 1), (1, 1)):
        share = np.abs(1 - dx - part[:, 0]) * np.abs(1 - dy - part[:, 1])
        np.add.at(image, (whole[:, 1] + dy, whole[:, 0] + dx), power * share)
    return image


def _corrected(truth: Truth) -> bool:
    """Diffraction limited, evenly bright and in line."""
    return truth.strehl >= SHARP and truth.spread < UNIFORM and truth.displacement < STRAIGHT


def _aberrated(truth: Truth) -> bool:
    """Blurred, unevenly bright or out of line."""
    return truth.strehl < BLURRED or truth.spread > UNEVEN or truth.displacement > CROOKED


def _draw(truth: Truth, style: Style) -> tuple[Drawing, ...]:
    axes = style.axes(height=1.15)
    height, width = truth.image.shape
    colormap = style.coloured(str(style.rng.choice(COLORMAPS)), COLORMAPS)
    axes.imshow(
        truth.image,
        cmap=colormap,
        origin="lower",
        extent=(0, width, 0, height),
        vmin=float(np.median(truth.image)),
        vmax=float(np.quantile(truth.image, 0.999)),
    )
    x_label, y_label = style.rng.choice([["x (pixels)", "y (pixels)"], ["x position [px]", "y position [px]"]])
    style.dress(axes, title=str(style.rng.choice(["Tweezer array", "Trap array"])), x_label=x_label, y_label=y_label)
    axes.grid(visible=False)
    spots = "sharp, round" if _corrected(truth) else "blurred, misshapen"
    even = "nearly the same brightness" if truth.spread < UNIFORM else "very different brightness"
    features = (
        f"A camera image in the colours of {colormap} shows an array of {truth.sites} spots on a dark background.",
        f"The spots are {spots} and have {even}.",
        f"The grid is {truth.lattice}, with a pitch of about {truth.pitch_px:.0f} pixels.",
    )
    return (style.drawing(axes, plot_type=PlotType.IMAGE, features=features),)


def _parameters(truth: Truth) -> JSON:
    return {
        "grid_regularity": truth.lattice,
        "spot_uniformity": "uniform" if truth.spread < UNIFORM else "non-uniform",
        "aberration_corrected": _corrected(truth),
    }


FAMILY: Family[Truth] = Family(
    name="tweezer_array",
    criteria={"CORRECTED": _corrected, "ABERRATED": _aberrated},
    # Enumerations need no tolerance; the simulations keep away from what lies between their values.
    field_rules={
        "grid_regularity": {"type": "enum"},
        "spot_uniformity": {"type": "enum"},
        "aberration_corrected": {"type": "bool"},
    },
    draw=_draw,
    parameters=_parameters,
    scenarios=(
        Scenario(
            name="tweezer_array_failure_aberrated",
            status="ABERRATED",
            outcome=Outcome.ANOMALOUS,
            assessment=Assessment.NO_FIT,
            simulate=partial(
                _simulate, wavefront_waves=(0.15, 0.25), unevenness=(0.25, 0.4), absent=(0.03, 0.1), crooked=0.5
            ),
        ),
        Scenario(
            name="tweezer_array_success",
            status="CORRECTED",
            outcome=Outcome.EXPECTED,
            assessment=Assessment.NO_FIT,
            simulate=partial(
                _simulate, wavefront_waves=(0.02, 0.05), unevenness=(0.02, 0.06), absent=(0.0, 0.0), crooked=0.0
            ),
        ),
    ),
)
