"""T1 relaxation: the excited population against the delay after a pi pulse.

p(t) = p_thermal + (p_start - p_thermal) exp(-t / T1) (Bloch, Phys. Rev. 70, 460, 1946; Krantz et al.,
Appl. Phys. Rev. 6, 021318, 2019, section III.B).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.random import Generator

from scoring.field_rules import UNRELIABLE
from scoring.reference import JSON
from synthetic.drawing.style import Drawing, PlotType, Style
from synthetic.drawing.trace_looks import in_trace_look
from synthetic.family import Assessment, Family, OutcomeLabel, Scenario
from synthetic.physics.fitting import Fit, fit
from synthetic.physics.readout import Floats, measured_population

Range = tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """One T1 experiment.

    ``start`` and ``thermal`` are the populations after the pi pulse and in equilibrium.
    """

    delay_us: Floats
    population: Floats
    t1_us: float
    start: float
    thermal: float
    shots: int
    fit: Fit | None

    @property
    def window_us(self) -> float:
        """The last delay."""
        return float(self.delay_us[-1])

    @property
    def step_us(self) -> float:
        """The time between two delays."""
        return float(self.delay_us[1] - self.delay_us[0])

    @property
    def lifetimes(self) -> float:
        """The window in units of T1."""
        return self.window_us / self.t1_us

    @property
    def points_per_lifetime(self) -> float:
        """The number of delays within one T1."""
        return self.t1_us / self.step_us

    @property
    def noise(self) -> float:
        """Largest standard deviation of one point, from the number of shots."""
        return float(0.5 / np.sqrt(self.shots))

    @property
    def left(self) -> float:
        """The share of the excitation that is left at the end of the window."""
        return float(np.exp(-self.lifetimes))

    @property
    def fitted_t1_us(self) -> float:
        """The fit's T1; nan if the fit did not converge."""
        return self.fit.values[2] if self.fit else float("nan")

    @property
    def count(self) -> int:
        """How many delays were measured."""
        return len(self.delay_us)

    @property
    def step_lifetimes(self) -> float:
        """The time between two delays in units of T1."""
        return self.step_us / self.t1_us

    @property
    def scatter(self) -> float:
        """The standard deviation of all populations."""
        return float(self.population.std())

    @property
    def first(self) -> float:
        """The first measured population."""
        return float(self.population[0])

    @property
    def last(self) -> float:
        """The mean of the last tenth of the points, at least two of them."""
        return float(self.population[-max(len(self.population) // 10, 2) :].mean())

    @property
    def long_window_us(self) -> float:
        """A window of five lifetimes, after which less than 1% of the excitation is left."""
        return 5.0 * self.t1_us

    @property
    def usual_window_us(self) -> float:
        """A range to use if nothing is known about T1: three times the present one."""
        return 3.0 * self.window_us


def _model(t: Floats, amplitude: float, offset: float, t1: float) -> Floats:
    return amplitude * np.exp(-t / t1) + offset


def _sweep(rng: Generator) -> tuple[float, int]:
    """Draw the last delay in microseconds and the number of delays, from the same distribution for all scenarios."""
    return float(np.exp(rng.uniform(np.log(40.0), np.log(500.0)))), int(rng.integers(40, 106))


def _simulate(rng: Generator, *, lifetimes: Range) -> Truth:
    """``lifetimes``: the window in units of T1."""
    window_us, count = _sweep(rng)
    start, thermal = float(rng.uniform(0.9, 1.0)), float(rng.uniform(0.0, 0.06))
    t1_us = window_us / float(rng.uniform(*lifetimes))
    return _measured(rng, np.linspace(0.0, window_us, count), t1_us=t1_us, start=start, thermal=thermal)


def _simulate_too_coarse(rng: Generator) -> Truth:
    """Simulate delays whose first step takes most of the decay; all other points are on the floor."""
    window_us, count = _sweep(rng)
    t1_us = window_us / (count - 1) / float(rng.uniform(1.1, 3.2))
    start, thermal = float(rng.uniform(0.9, 1.0)), float(rng.uniform(0.0, 0.06))
    return _measured(rng, np.linspace(0.0, window_us, count), t1_us=t1_us, start=start, thermal=thermal)


def _simulate_no_signal(rng: Generator) -> Truth:
    """Simulate that the pi pulse does not reach the qubit, which stays in thermal equilibrium."""
    window_us, count = _sweep(rng)
    thermal = float(rng.uniform(0.01, 0.12))
    delay_us = np.linspace(0.0, window_us, count)
    return _measured(
        rng, delay_us, t1_us=window_us / float(rng.uniform(3.5, 8.0)), start=thermal, thermal=thermal
    )


def _measured(rng: Generator, delay_us: Floats, *, t1_us: float, start: float, thermal: float) -> Truth:
    shots = int(rng.integers(300, 3000))
    expected = thermal + (start - thermal) * np.exp(-delay_us / t1_us)
    population = measured_population(
        rng, expected, shots=shots, error_0=rng.uniform(0.0, 0.01), error_1=rng.uniform(0.0, 0.03)
    )
    window_us = float(delay_us[-1])
    guess = (float(np.ptp(population)), float(population[-1]), window_us / 3.0)
    bounds = ((-2.0, -2.0, window_us / 1000.0), (2.0, 2.0, 100.0 * window_us))
    return Truth(
        delay_us=delay_us,
        population=population,
        t1_us=t1_us,
        start=start,
        thermal=thermal,
        shots=shots,
        fit=fit(_model, delay_us, population, guess, bounds=bounds),
    )


def _decaying(truth: Truth) -> bool:
    return (
        truth.start - truth.thermal > 8.0 * truth.noise
        and float(np.ptp(truth.population)) > 8.0 * truth.noise
    )


def _complete(truth: Truth) -> bool:
    """Return whether less than a tenth of the excitation is left."""
    return truth.left < 0.1


def _resolved(truth: Truth) -> bool:
    """Return whether the first step loses less than half of the excitation."""
    return truth.step_us < math.log(2.0) * truth.t1_us


def _draw(truth: Truth, style: Style) -> tuple[Drawing, ...]:
    in_ms = truth.window_us > 300.0 and style.rng.random() < 0.3
    scale, unit = (1e-3, "ms") if in_ms else (1.0, "µs")
    axes = style.axes()
    style.points(axes, truth.delay_us * scale, truth.population, label="Data")
    dense = np.linspace(0.0, truth.window_us, 400)
    if truth.fit is not None:
        style.curve(axes, dense * scale, truth.fit.at(dense), label=f"Fit: T1 = {truth.fitted_t1_us:.1f} µs")
    axes.set_ylim(-0.05, 1.05)
    style.dress(
        axes,
        title=str(style.rng.choice(["T1 Relaxation Measurement", "T1 relaxation", "Energy relaxation"])),
        x_label=str(style.rng.choice([f"Delay Time ({unit})", f"Delay ({unit})", f"Wait time ({unit})"])),
        y_label=str(style.rng.choice(["Excited State Population", "Excited-state population", "P(|1⟩)"])),
    )
    features = (
        f"The excited-state population is shown as {style.data.name} {style.marker_name} against the delay.",
        f"The delay runs from 0 to about {truth.window_us:.0f} µs in {len(truth.delay_us)} points.",
        f"A {style.fit.name} curve is fitted to the points." if truth.fit else "No fitted curve is shown.",
        _course(truth),
    )
    return (style.drawing(axes, plot_type=PlotType.SCATTER, features=features),)


def _course(truth: Truth) -> str:
    if not _decaying(truth):
        return f"The population stays flat at about {truth.population.mean():.2f}."
    if not _complete(truth):
        return (
            f"The population falls from about {truth.first:.2f} to only about {truth.last:.2f}, without "
            "levelling off."
        )
    if not _resolved(truth):
        return (
            f"The population drops from about {truth.first:.2f} to near its floor within the first one "
            "or two points."
        )
    return f"The population decays exponentially from about {truth.first:.2f} to a floor of about {truth.last:.2f}."


def _usable(truth: Truth) -> bool:
    return _decaying(truth) and _complete(truth) and _resolved(truth)


def _parameters(truth: Truth) -> JSON:
    return {
        "T1_us": round(truth.fitted_t1_us, 1) if _usable(truth) else UNRELIABLE,
        "decay_visible": _decaying(truth),
    }


FAMILY: Family[Truth] = Family(
    name="t1",
    criteria={
        "SUCCESS": _usable,
        "NO_SIGNAL": lambda truth: not _decaying(truth),
        "WINDOW_TOO_SHORT": lambda truth: _decaying(truth) and not _complete(truth),
        "SAMPLING_TOO_COARSE": lambda truth: _decaying(truth) and _complete(truth) and not _resolved(truth),
    },
    # Without a legend T1 is read at 1/e: a few pixels of delay and the scatter of the points make up to 10%.
    field_rules={
        "T1_us": {"type": "pct", "tol_full": 0.1, "tol_half": 0.25},
        "decay_visible": {"type": "bool"},
    },
    draw=in_trace_look(_draw),
    parameters=_parameters,
    scenarios=(
        Scenario(
            name="t1_failure_no_signal",
            status="NO_SIGNAL",
            outcome=OutcomeLabel.APPARATUS,
            assessment=Assessment.UNRELIABLE,
            simulate=_simulate_no_signal,
        ),
        Scenario(
            name="t1_failure_sampling_too_coarse",
            status="SAMPLING_TOO_COARSE",
            outcome=OutcomeLabel.SUBOPTIMAL,
            assessment=Assessment.UNRELIABLE,
            simulate=_simulate_too_coarse,
        ),
        # like its sibling with steps that are too coarse: the decay is there and only the sweep has to change
        Scenario(
            name="t1_failure_window_too_short",
            status="WINDOW_TOO_SHORT",
            outcome=OutcomeLabel.SUBOPTIMAL,
            assessment=Assessment.UNRELIABLE,
            simulate=partial(_simulate, lifetimes=(0.25, 1.4)),
        ),
        Scenario(
            name="t1_success",
            status="SUCCESS",
            outcome=OutcomeLabel.EXPECTED,
            assessment=Assessment.RELIABLE,
            simulate=partial(_simulate, lifetimes=(3.2, 8.5)),
        ),
    ),
)
