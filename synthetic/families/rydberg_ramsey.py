"""Ramsey fringes between ground and Rydberg state: occupancy against delay, in a few short groups of delays.

p(t) = c + A exp(-(t / T2)^2) cos(2 pi f t + phase): atoms whose detuning differs from shot to shot with the standard
deviation s = sqrt(2) / T2, as by the Doppler shift, dephase like a Gaussian (Levine et al., Phys. Rev. Lett. 121,
123603, 2018). The groups save time: the first fixes the frequency roughly, each later one more finely, if
the error so far is less than a fringe at the next group. Where a group covers only a part of an oscillation, that chain
does not start.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.random import Generator

from scoring.reference import JSON
from synthetic.drawing.style import Drawing, PlotType, Style
from synthetic.family import Assessment, Family, Outcome, Scenario
from synthetic.physics.fitting import Fit, fit
from synthetic.physics.measured import Measured, measured
from synthetic.physics.readout import Floats, measured_population

Range = tuple[float, float]

LONGEST_T2_US = 40.0
GROUPS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """One experiment. A row of the arrays is a group of delays; ``frequency_mhz`` is the true one."""

    delay_us: Floats
    occupancy: Floats
    sigma: Floats
    frequency_mhz: float
    t2_us: float
    fit: Fit

    @property
    def covered(self) -> float:
        """The part of an oscillation that a group covers."""
        return float(np.ptp(self.delay_us[0])) * self.frequency_mhz

    @property
    def per_group(self) -> int:
        """Points in each group."""
        return int(self.delay_us.shape[1])

    @property
    def frequency(self) -> Measured:
        """The fitted frequency in MHz."""
        return measured(self.fit.values[0], self.fit.errors[0], digits=1)

    @property
    def t2(self) -> Measured:
        """The fitted T2 in microseconds."""
        rate = self.fit.values[2]
        return measured(1.0 / rate, self.fit.errors[2] / rate**2, digits=1)

    @property
    def reduced_chi_squared(self) -> float:
        """Of the fit, as printed."""
        return round(self.fit.reduced_chi_squared or 0.0, 1)

    @property
    def noise_khz(self) -> float:
        """The standard deviation of the detuning that belongs to the fitted T2, as printed."""
        return float(f"{1e3 * np.sqrt(2.0) / (2.0 * np.pi) * self.fit.values[2]:.3g}")

    @property
    def end_us(self) -> float:
        """The last delay."""
        return float(self.delay_us[-1, -1])

    @property
    def verdict(self) -> str:
        """How the fitted curve relates to the groups."""
        if self.reduced_chi_squared < 2.0:
            return "passes the few points of each group, as curves of other frequencies would"
        return "misses points of several groups"

    @property
    def better_step_ns(self) -> float:
        """The step between delays for eight points in one and a half oscillations."""
        return 1e3 * 1.5 / 7.0 / self.frequency_mhz


def _model(t: Floats, frequency: float, amplitude: float, rate: float, phase: float, centre: float) -> Floats:
    """``rate`` is 1 / T2: where a fit finds no decay, that is a number."""
    return centre + amplitude * np.exp(-((t * rate) ** 2)) * np.cos(2.0 * np.pi * frequency * t + phase)


def _simulate(rng: Generator, *, covered: Range, per_group: tuple[int, int]) -> Truth:
    """The oscillation is about one fringe of the first gap off the frequency that was set."""
    set_mhz, first_gap_us = float(rng.uniform(6.0, 9.0)), rng.uniform(0.7, 0.9)
    frequency = set_mhz + float(rng.choice([-1.0, 1.0]) * rng.uniform(0.8, 1.2) / first_gap_us)
    gaps_us = first_gap_us * np.array([0.0, 1.0, rng.uniform(2.2, 2.8), rng.uniform(3.6, 4.4)])
    length_us, points = rng.uniform(*covered) / frequency, int(rng.integers(*per_group))
    delay_us = (rng.uniform(0.08, 0.2) + np.cumsum(gaps_us))[:, None] + np.linspace(0.0, length_us, points)
    t2_us, shots = float(rng.uniform(7.0, 14.0)), int(rng.integers(150, 350))
    phase, amplitude = float(rng.uniform(-0.5, 0.5)), rng.uniform(0.42, 0.46)
    expected = _model(delay_us, frequency, amplitude, 1.0 / t2_us, phase, rng.uniform(0.49, 0.52))
    occupancy = measured_population(rng, expected, shots=shots)
    sigma = np.sqrt((occupancy * shots + 1.0) * ((1.0 - occupancy) * shots + 1.0) / (shots + 3.0)) / (shots + 2.0)
    return Truth(
        delay_us=delay_us,
        occupancy=occupancy,
        sigma=sigma,
        frequency_mhz=frequency,
        t2_us=t2_us,
        fit=_fitted(delay_us, occupancy, sigma, set_mhz=set_mhz),
    )


def _fitted(delay_us: Floats, occupancy: Floats, sigma: Floats, *, set_mhz: float) -> Fit:
    """Two groups, then three, then all, each fit starting where the last one ended.

    The first starts at the strongest line of the first group, if that has two points more than the three parameters of
    a sinusoid of a given frequency; else at the frequency that was set.
    """
    start = _strongest(delay_us[:2].ravel(), occupancy[:2].ravel(), set_mhz) if delay_us.shape[1] > 5 else set_mhz
    values: tuple[float, ...] = (start, 0.4, 0.1, 0.0, 0.5)
    bounds = (
        (0.5 * set_mhz, 0.05, 1.0 / LONGEST_T2_US, -2.0 * np.pi, 0.3),
        (1.5 * set_mhz, 0.5, 2.0, 2.0 * np.pi, 0.7),
    )
    for groups in range(2, GROUPS + 1):
        t, p, s = (array[:groups].ravel() for array in (delay_us, occupancy, sigma))
        fitted = fit(_model, t, p, values, bounds=bounds, sigma=s)
        values = fitted.values if fitted else values
    assert fitted is not None  # noqa: S101 - a bounded sinusoid through all groups converges; the tests run many seeds
    return fitted


def _strongest(t: Floats, p: Floats, set_mhz: float) -> float:
    """The frequency within a third of ``set_mhz`` whose sine and cosine leave least of a group."""
    frequencies = set_mhz * np.linspace(0.65, 1.35, 141)
    angles = 2.0 * np.pi * frequencies[:, None] * t
    waves = np.stack([np.cos(angles), np.sin(angles), np.ones_like(angles)], axis=-1)
    left = [float(np.sum((p - wave @ np.linalg.lstsq(wave, p)[0]) ** 2)) for wave in waves]
    return float(frequencies[int(np.argmin(left))])


def _undersampled(truth: Truth) -> bool:
    """A group covers less than half an oscillation: not both a maximum and a minimum."""
    return truth.covered < 0.5


def _consistent(truth: Truth) -> bool:
    """What is left over between curve and points is noise, in all groups together."""
    return truth.covered >= 0.75 and truth.reduced_chi_squared < 3.0


def _draw(truth: Truth, style: Style) -> tuple[Drawing, ...]:
    scale, unit = (1.0, "µs") if style.rng.random() < 0.5 else (1e3, "ns")
    axes = style.axes(width=1.9, height=0.85)
    label = "data"
    for delay_us, occupancy, sigma in zip(truth.delay_us, truth.occupancy, truth.sigma, strict=True):
        style.error_bars(axes, delay_us * scale, occupancy, sigma, label=label)
        axes.plot(delay_us * scale, occupancy, "-", color=style.data.code, linewidth=1.0, zorder=2.8)
        label = "_"  # one entry in the legend
    dense = np.linspace(0.0, 1.01 * truth.end_us, 4000)
    axes.plot(dense * scale, truth.fit.at(dense), "-", color=style.fit.code, linewidth=1.1, label="fit")
    axes.set_xlim(0.0, 1.01 * truth.end_us * scale)
    axes.set_ylim(-0.03, 1.03)
    style.dress(
        axes,
        title="",
        x_label=str(style.rng.choice([f"Delay ({unit})", f"Time [{unit}]", f"Time between pulses ({unit})"])),
        y_label=str(style.rng.choice(["Occupancy", "Ground-state occupancy", "Retention"])),
    )
    axes.set_title(  # Q5 asks for what it says, so every style has it
        f"f = {truth.frequency.plus_minus} MHz, T2 = {truth.t2.plus_minus} µs\n"
        f"Reduced χ²: {truth.reduced_chi_squared:.1f}, frequency noise {truth.noise_khz:g} kHz"
    )
    return (style.drawing(axes, plot_type=PlotType.SCATTER, features=_features(truth, style)),)


def _features(truth: Truth, style: Style) -> tuple[str, ...]:
    where = "only a part of an oscillation" if _undersampled(truth) else "at least a whole oscillation"
    points = f"{style.data.name.capitalize()} {style.marker_name}"
    values = f"{truth.frequency.plus_minus} MHz, a T2 of {truth.t2.plus_minus} µs"
    return (
        f"{points} stand in {GROUPS} short groups of delays up to {truth.end_us:.1f} µs.",
        f"Each group of {truth.per_group} points covers {where} of the signal.",
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
    # All values are printed: tolerances only forgive a misread last digit. A standard error has a single digit, and a
    # wrong one is at most half right.
    field_rules={
        "frequency_MHz": {"type": "pct", "tol_full": 0.005, "tol_half": 0.02},
        "frequency_MHz_unc": {"type": "pct", "tol_full": 0.1, "tol_half": 0.5},
        "T2_us": {"type": "pct", "tol_full": 0.05, "tol_half": 0.2},
        "T2_us_unc": {"type": "pct", "tol_full": 0.1, "tol_half": 0.5},
        "RChi2": {"type": "pct", "tol_full": 0.1, "tol_half": 0.3},
        "frequency_noise_kHz": {"type": "pct", "tol_full": 0.05, "tol_half": 0.2},
    },
    draw=_draw,
    parameters=_parameters,
    scenarios=(
        Scenario(
            name="rydberg_ramsey_failure_undersampled",
            status="UNDERSAMPLED",
            outcome=Outcome.SUBOPTIMAL,
            assessment=Assessment.UNRELIABLE,
            simulate=partial(_simulate, covered=(0.15, 0.35), per_group=(4, 6)),
        ),
        Scenario(
            name="rydberg_ramsey_success",
            status="SUCCESS",
            outcome=Outcome.EXPECTED,
            assessment=Assessment.RELIABLE,
            simulate=partial(_simulate, covered=(1.0, 1.5), per_group=(7, 10)),
        ),
    ),
)
