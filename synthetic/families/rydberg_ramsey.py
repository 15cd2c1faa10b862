"""Ramsey fringes between ground and Rydberg state: occupancy against delay, in a few short groups of delays.

p(t) = c + A exp(-(t / T2)^2) cos(2 pi f t + phase): atoms whose detuning differs from shot to shot with the
standard deviation s = sqrt(2) / T2, as by the Doppler shift, dephase like a Gaussian (Levine et al., Phys.
Rev. Lett. 121, 123603, 2018). The groups save time: the first determines the frequency roughly, each later
one more precisely, if the error so far is less than a fringe at the next group. This chain does not start if
a group covers only a part of an oscillation.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from scoring.reference import JSON
from synthetic.drawing.atom_looks import in_atom_look
from synthetic.drawing.style import Drawing, Ink, PlotType, Style
from synthetic.drawing.usual_looks import TAB_BLUE
from synthetic.family import Assessment, Family, OutcomeLabel, Scenario
from synthetic.physics.fitting import Fit, fit
from synthetic.physics.measured import Measured
from synthetic.physics.readout import Floats, measured_population

Range = tuple[float, float]

LONGEST_T2_US = 40.0
SHORTEST_T2_US = 1.5
USUAL_T2_US = 10.0
USUAL_PX = (1280, 450)
FRAME = "#808080"
SIGMA = "\N{GREEK SMALL LETTER SIGMA}"
WIDE, FLAT = 1.9, 0.85
RED_INKS = (Ink("red", "#ff0000"), TAB_BLUE, Ink("green", "#008000"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """One experiment; ``group`` is the number of each point's group of delays, ``frequency_mhz`` the true frequency."""

    experiment: int
    delay_us: Floats
    group: NDArray[np.int64]
    occupancy: Floats
    sigma: Floats
    frequency_mhz: float
    t2_us: float
    fit: Fit

    @property
    def covered(self) -> float:
        """The part of an oscillation that a group covers, the mean of all groups."""
        lengths = [np.ptp(self.delay_us[self.group == number]) for number in range(self.groups)]
        return float(np.mean(lengths)) * self.frequency_mhz

    @property
    def groups(self) -> int:
        """How many groups of delays there are."""
        return int(self.group.max()) + 1

    @property
    def count(self) -> int:
        """How many delays there are in all groups."""
        return len(self.delay_us)

    @property
    def oscillations(self) -> float:
        """The number of the fitted curve's oscillations up to the last delay."""
        return self.end_us * self.fit.values[0]

    @property
    def frequency(self) -> Measured:
        """The fitted frequency in MHz."""
        error = max(round(self.fit.errors[0], 3), 0.001)
        return Measured(value=round(self.fit.values[0], 3), error=error, decimals=3)

    @property
    def t2(self) -> Measured:
        """The fitted T2 in microseconds."""
        rate = self.fit.values[2]
        error = min(max(round(self.fit.errors[2] / rate**2, 1), 0.1), LONGEST_T2_US)
        return Measured(value=round(1.0 / rate, 1), error=error, decimals=1)

    @property
    def reduced_chi_squared(self) -> float:
        """The fit's reduced chi squared, as printed."""
        return round(self.fit.reduced_chi_squared or 0.0, 1)

    @property
    def noise_khz(self) -> float:
        """The standard deviation of the detuning that belongs to the fitted T2, as printed."""
        return round(float(1e3 * np.sqrt(2.0) / (2.0 * np.pi) * self.fit.values[2]), 1)

    @property
    def end_us(self) -> float:
        """The last delay."""
        return float(self.delay_us[-1])

    @property
    def verdict(self) -> str:
        """A description of how the fitted curve follows the groups."""
        if self.reduced_chi_squared < 3.0:
            return "passes the few points of each group, as curves of other frequencies would"
        return "misses the points of several groups, above all of the later ones"

    @property
    def better_step_ns(self) -> float:
        """The step between delays for eight points in one and a half oscillations."""
        return 1e3 * 1.5 / 7.0 / self.frequency_mhz


def _model(t: Floats, frequency: float, amplitude: float, rate: float, phase: float, centre: float) -> Floats:
    """Return the model; ``rate`` is 1 / T2, which stays finite if a fit finds no decay."""
    return centre + amplitude * np.exp(-((t * rate) ** 2)) * np.cos(2.0 * np.pi * frequency * t + phase)


def _simulate(rng: Generator, *, covered: Range) -> Truth:
    """Simulate: ``covered`` is the part of an oscillation that a group covers; all else is the same for both types.

    The frequency differs from the intended one by about one fringe over the first gap.
    """
    gaps_us = np.array([rng.uniform(1.1, 1.7), *rng.uniform(0.8, 2.7, int(rng.integers(2, 5)))])
    set_mhz = float(rng.uniform(4.0, 10.5))
    frequency = set_mhz + float(rng.choice([-1.0, 1.0]) * rng.uniform(0.7, 1.3) / gaps_us[0])
    starts_us = rng.uniform(0.05, 0.2) + np.concatenate([[0.0], np.cumsum(gaps_us)])
    sizes = [int(rng.integers(7, 9)), *rng.integers(4, 9, len(gaps_us))]
    lengths_us = rng.uniform(*covered, len(sizes)) / frequency
    delay_us = np.concatenate(
        [
            start + np.linspace(0.0, length, size)
            for start, length, size in zip(starts_us, lengths_us, sizes, strict=True)
        ]
    )
    group = np.repeat(np.arange(len(sizes)), sizes)
    t2_us, shots = float(rng.uniform(7.0, 14.0)), int(rng.integers(100, 250))
    phase, amplitude = float(rng.uniform(-0.5, 0.5)), rng.uniform(0.4, 0.46)
    expected = _model(delay_us, frequency, amplitude, 1.0 / t2_us, phase, rng.uniform(0.49, 0.53))
    occupancy = measured_population(rng, expected, shots=shots)
    sigma = np.sqrt((occupancy * shots + 1.0) * ((1.0 - occupancy) * shots + 1.0) / (shots + 3.0)) / (
        shots + 2.0
    )
    coarse = max(covered) < 1.0
    return Truth(
        experiment=int(rng.integers(300_000, 480_000)),
        delay_us=delay_us,
        group=group,
        occupancy=occupancy,
        sigma=sigma,
        frequency_mhz=frequency,
        t2_us=t2_us,
        fit=_fitted(delay_us, group, occupancy, sigma, set_mhz=set_mhz, coarse=coarse),
    )


def _fitted(
    delay_us: Floats,
    group: NDArray[np.int64],
    occupancy: Floats,
    sigma: Floats,
    *,
    set_mhz: float,
    coarse: bool,
) -> Fit:
    """Fit two groups, then three, then all; each fit starts from the result of the last one.

    The first starts at the strongest line near the intended frequency; or at that frequency itself, if the
    groups cover too little of an oscillation to distinguish the fringes (``coarse``).
    """
    start = set_mhz if coarse else _strongest(delay_us, occupancy, set_mhz)
    values: tuple[float, ...] = (start, 0.4, 0.1, 0.0, 0.5)
    bounds = (
        (0.5 * set_mhz, 0.05, 1.0 / LONGEST_T2_US, -2.0 * np.pi, 0.3),
        (1.5 * set_mhz, 0.5, 1.0 / SHORTEST_T2_US, 2.0 * np.pi, 0.7),
    )
    for last in range(1, int(group.max()) + 1):
        t, p, s = (array[group <= last] for array in (delay_us, occupancy, sigma))
        fitted = fit(_model, t, p, values, bounds=bounds, sigma=s)
        values = fitted.values if fitted else values
    assert fitted is not None  # noqa: S101 - a bounded sinusoid through all groups converges; the tests run many seeds
    return fitted


def _strongest(t: Floats, p: Floats, set_mhz: float) -> float:
    """Return the frequency within 1.6 MHz of ``set_mhz`` whose decaying sine and cosine fit all groups best."""
    frequencies = set_mhz + np.arange(-1.6, 1.6, 0.1 / t[-1])
    angles = 2.0 * np.pi * frequencies[:, None] * t
    decay = np.exp(-((t / USUAL_T2_US) ** 2))
    waves = np.stack([decay * np.cos(angles), decay * np.sin(angles), np.ones_like(angles)], axis=-1)
    left = [float(np.sum((p - wave @ np.linalg.lstsq(wave, p)[0]) ** 2)) for wave in waves]
    return float(frequencies[int(np.argmin(left))])


def _undersampled(truth: Truth) -> bool:
    """Return whether a group covers clearly less than an oscillation."""
    return truth.covered < 0.7


def _consistent(truth: Truth) -> bool:
    """Return whether the residuals of all groups together are noise."""
    return truth.covered >= 0.7 and truth.reduced_chi_squared < 3.0


def _draw(truth: Truth, style: Style) -> tuple[Drawing, ...]:
    scale, unit = (1e3, "ns") if style.rng.random() < 0.8 else (1.0, "µs")
    axes = style.axes(width=WIDE, height=FLAT)
    if style.look != "instrument" and style.rng.random() < 0.8:
        axes.figure.set_facecolor(FRAME)
    label = "data"
    for number in range(truth.groups):
        delay_us, occupancy, sigma = (
            a[truth.group == number] for a in (truth.delay_us, truth.occupancy, truth.sigma)
        )
        axes.errorbar(
            delay_us * scale, occupancy, sigma, fmt="none", ecolor=style.data.code, alpha=0.3, zorder=2.5
        )
        style.points(axes, delay_us * scale, occupancy, label=label)
        axes.plot(
            delay_us * scale, occupancy, "-", color=style.data.code, linewidth=style.line_width, zorder=2.8
        )
        label = "_"  # one entry in the legend
    dense = np.linspace(0.0, truth.end_us, 4000)
    axes.plot(
        dense * scale, truth.fit.at(dense), "-", color=style.fit.code, linewidth=style.line_width, label="fit"
    )
    axes.set_xlim(0.0, truth.end_us * scale)
    axes.set_ylim(0.0, 1.0)
    style.dress(
        axes,
        title="",
        x_label=str(style.rng.choice([f"time [{unit}]", f"time [{unit}]", f"delay [{unit}]"])),
        y_label=str(style.rng.choice(["occupancy", "occupancy", "ground-state occupancy"])),
    )
    axes.set_title(  # Q5 asks for its values, so every style has it
        f"Exp ID: {truth.experiment}\nFreq={_printed(truth.frequency)} MHz\nT2={_printed(truth.t2)} us\n"
        f"RChi2={truth.reduced_chi_squared:.1f} (Frequency Noise {SIGMA} = sqrt(2)/T2 = {truth.noise_khz:.1f} kHz)"
    )
    return (style.drawing(axes, plot_type=PlotType.SCATTER, features=_features(truth, style)),)


def _printed(result: Measured) -> str:
    return result.plus_minus.replace("±", "+/-")


def _features(truth: Truth, style: Style) -> tuple[str, ...]:
    where = "only a part of an oscillation" if _undersampled(truth) else "about an oscillation or more"
    points = f"{style.data.name.capitalize()} {style.marker_name}"
    values = f"{truth.frequency.plus_minus} MHz, a T2 of {truth.t2.plus_minus} µs"
    return (
        f"{points} are in {truth.groups} short groups of delays up to {truth.end_us:.1f} µs.",
        f"Each group covers {where} of the signal.",
        f"The {style.fit.name} curve is a fast oscillation with a decaying amplitude, fitted to all groups.",
        f"The title gives {values} and a reduced chi squared of {truth.reduced_chi_squared:.1f}.",
    )


def _parameters(truth: Truth) -> JSON:
    return {
        "frequency_MHz": truth.frequency.value,
        "frequency_MHz_unc": truth.frequency.error,
        "T2_us": truth.t2.value,
        "T2_us_unc": truth.t2.error,
        "RChi2": truth.reduced_chi_squared,
        "frequency_noise_kHz": truth.noise_khz,
    }


FAMILY: Family[Truth] = Family(
    name="rydberg_ramsey",
    criteria={"SUCCESS": _consistent, "UNDERSAMPLED": _undersampled},
    # All values are printed: tolerances only allow for a misread last digit. A standard error has few digits,
    # and a wrong one is at most half right.
    field_rules={
        "frequency_MHz": {"type": "pct", "tol_full": 0.005, "tol_half": 0.02},
        "frequency_MHz_unc": {"type": "pct", "tol_full": 0.1, "tol_half": 0.5},
        "T2_us": {"type": "pct", "tol_full": 0.05, "tol_half": 0.2},
        "T2_us_unc": {"type": "pct", "tol_full": 0.1, "tol_half": 0.5},
        "RChi2": {"type": "pct", "tol_full": 0.1, "tol_half": 0.3},
        "frequency_noise_kHz": {"type": "pct", "tol_full": 0.05, "tol_half": 0.2},
    },
    draw=in_atom_look(
        _draw,
        inks=RED_INKS,
        size_px=(round(USUAL_PX[0] / WIDE), round(USUAL_PX[1] / FLAT)),
        serif=1.0,
        marker_size=7.0,
    ),
    parameters=_parameters,
    scenarios=(
        Scenario(
            name="rydberg_ramsey_failure_undersampled",
            status="UNDERSAMPLED",
            outcome=OutcomeLabel.SUBOPTIMAL,
            assessment=Assessment.UNRELIABLE,
            simulate=partial(_simulate, covered=(0.25, 0.6)),
        ),
        Scenario(
            name="rydberg_ramsey_success",
            status="SUCCESS",
            outcome=OutcomeLabel.EXPECTED,
            assessment=Assessment.RELIABLE,
            simulate=partial(_simulate, covered=(0.85, 1.5)),
        ),
    ),
)
