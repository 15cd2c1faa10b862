"""T1 fluctuations: the lifetime of a qubit, measured repeatedly.

Each value is the least-squares lifetime of a decay p(t) = exp(-t / T1) of counts. A defect (two-level system)
adds loss only while it is resonant. Without one, T1 is stable. If a single defect switches in and out of
resonance, as a thermal fluctuator does, T1 has two levels (Mueller, Lisenfeld, Shnirman & Poletto, Phys. Rev.
B 92, 035442, 2015; Klimov et al., Phys. Rev. Lett. 121, 090502, 2018). If its frequency diffuses, T1 makes a
random walk (Klimov et al.; Burnett et al., npj Quantum Inf. 5, 54, 2019).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from scoring.field_rules import UNRELIABLE
from scoring.reference import JSON
from synthetic.drawing.style import Drawing, PlotType, Style
from synthetic.drawing.trace_looks import in_trace_look
from synthetic.family import Assessment, Family, OutcomeLabel, Scenario
from synthetic.physics.readout import Floats, measured_population

SHOTS = (11, 80)
"""Shots per delay, the same for all scenarios: an estimated lifetime scatters by about 3 to 13%."""
DWELL = 6
"""The least number of repetitions that a telegraphic T1 stays at a level."""
TOPS_US = (*np.outer([1.0, 10.0, 100.0, 1000.0], [10.0, 15.0, 20.0, 30.0, 40.0, 60.0, 80.0]).ravel(),)
"""Possible upper ends of the axis of T1."""
NEAR = 4
"""Repetitions on either side that are averaged to see a jump."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """One run.

    ``actual_us`` holds the true lifetimes, ``t1_us`` the measured ones, repetition by repetition.
    """

    t1_us: Floats
    actual_us: Floats
    interval_min: float

    @property
    def count(self) -> int:
        """The number of repetitions."""
        return len(self.t1_us)

    @property
    def mean_us(self) -> float:
        """The mean of the measured values."""
        return float(self.t1_us.mean())

    @property
    def spread_us(self) -> float:
        """The standard deviation of the measured values."""
        return float(self.t1_us.std())

    @property
    def scatter_us(self) -> float:
        """The standard deviation from one value to the next, over sqrt(2): the spread if nothing else happened."""
        return float(np.sqrt(np.mean(np.diff(self.t1_us) ** 2) / 2.0))

    @property
    def excess(self) -> float:
        """The spread in units of the scatter (the root of von Neumann's ratio); 1 for independent values."""
        return self.spread_us / self.scatter_us

    @property
    def abruptness(self) -> float:
        """The largest jump between two repetitions over the range of all values, both of means of ``NEAR`` values."""
        means = np.convolve(self.t1_us, np.full(NEAR, 1.0 / NEAR), mode="valid")
        return float(np.abs(means[NEAR:] - means[:-NEAR]).max() / np.ptp(means))

    @property
    def low_us(self) -> float:
        """The lowest actual lifetime."""
        return float(self.actual_us.min())

    @property
    def high_us(self) -> float:
        """The highest actual lifetime."""
        return float(self.actual_us.max())

    @property
    def switches(self) -> int:
        """The number of steps by which the actual lifetime changes by more than half of its range."""
        return int(np.sum(np.abs(np.diff(self.actual_us)) > 0.5 * (self.high_us - self.low_us)))

    @property
    def percent(self) -> float:
        """The spread in percent of the mean."""
        return 100.0 * self.spread_us / self.mean_us

    @property
    def ratio(self) -> float:
        """The highest actual lifetime over the lowest."""
        return self.high_us / self.low_us


def _estimated_us(rng: Generator, actual_us: Floats, *, shots: int) -> Floats:
    """The least-squares lifetime of each decay, on a grid of 0.5% steps, from binomial counts at 20 delays."""
    typical_us = float(np.median(actual_us))
    delay_us = np.linspace(0.1, 3.0, 20) * typical_us
    counted = measured_population(rng, np.exp(-delay_us / actual_us[:, None]), shots=shots)
    grid_us = typical_us * np.geomspace(0.1, 8.0, 877)
    decays = np.exp(-delay_us / grid_us[:, None])
    misfit = np.sum(decays**2, axis=1) - 2.0 * counted @ decays.T
    return np.asarray(grid_us[np.argmin(misfit, axis=1)])


def _measured(rng: Generator, actual_us: Floats, *, shots: tuple[int, int]) -> Truth:
    return Truth(
        t1_us=_estimated_us(rng, actual_us, shots=int(rng.integers(*shots))),
        actual_us=actual_us,
        interval_min=float(rng.choice([1.0, 2.0, 5.0, 10.0])),
    )


def _run(rng: Generator) -> tuple[float, int]:
    """A typical T1 in microseconds and a number of repetitions."""
    return float(np.exp(rng.uniform(np.log(9.0), np.log(90.0)))), int(
        rng.choice([80, 100, 100, 100, 120, 150])
    )


def _simulate_stable(rng: Generator) -> Truth:
    t1_us, count = _run(rng)
    return _measured(rng, np.full(count, t1_us), shots=SHOTS)


def _simulate_telegraphic(rng: Generator) -> Truth:
    """Simulate a random telegraph: its switches, of given number, are evenly distributed, with a least dwell time."""
    high_us, count = _run(rng)
    low_us = high_us * float(rng.uniform(0.35, 0.55))
    switches = int(rng.integers(2, 7))
    free = np.sort(rng.uniform(0.0, count - DWELL * (switches + 1), size=switches))
    places = np.ceil(free + DWELL * np.arange(1, switches + 1))
    visits = np.searchsorted(places, np.arange(count), side="right") + int(rng.integers(2))
    return _measured(rng, np.where(visits % 2 == 0, high_us, low_us), shots=SHOTS)


def _simulate_random_walk(rng: Generator) -> Truth:
    """Simulate a Gaussian walk of log T1, with a step chosen so that T1 changes by a factor of 2.5 to 4.

    It ends one to two standard deviations from where it began; given its end, a walk is a bridge and a
    straight line (Karatzas & Shreve, Brownian Motion and Stochastic Calculus, 5.6.B).
    """
    t1_us, count = _run(rng)
    free = np.cumsum(rng.normal(size=count))
    end = np.sqrt(count) * float(rng.uniform(1.0, 2.0)) * float(rng.choice([-1.0, 1.0]))
    walk = free + (end - free[-1]) * np.arange(1, count + 1) / count
    walk *= np.log(rng.uniform(2.5, 4.0)) / np.ptp(walk)
    return _measured(rng, t1_us * np.exp(walk - np.median(walk)), shots=SHOTS)


def _changing(truth: Truth) -> bool:
    """Return whether the spread exceeds what the scatter explains by half."""
    return truth.excess > 1.5


def _abrupt(truth: Truth) -> bool:
    """Return whether one jump covers most of the range."""
    return truth.abruptness > 0.75


def _draw(truth: Truth, style: Style) -> tuple[Drawing, ...]:
    in_hours = style.rng.random() < 0.15
    x = np.arange(truth.count) * (truth.interval_min / 60.0 if in_hours else 1.0)
    x_label = "Time (h)" if in_hours else str(style.rng.choice(["Time step", "Time step", "Repetition"]))
    axes = style.axes()
    style.curve(axes, x, truth.t1_us, label="T1", ink=style.data)
    marked = bool(style.rng.random() < 0.2)
    if marked:
        style.points(axes, x, truth.t1_us, label="_T1")
    axes.set_ylim(0.0, next(top for top in TOPS_US if top > 1.1 * truth.t1_us.max()))
    style.dress(
        axes,
        title=str(style.rng.choice(["T1 Measurement", "T1 over time", "T1 stability"])),
        x_label=x_label,
        y_label=str(style.rng.choice(["T1 (µs)", "T1 (µs)", "$T_1$ [µs]"])),
    )
    marks = f" with {style.marker_name}" if marked else ""
    features = (
        f"The measured T1 is shown as a {style.data.name} line{marks} over {truth.count} repetitions.",
        f"The values lie between about {truth.t1_us.min():.0f} and {truth.t1_us.max():.0f} µs.",
        _course(truth),
    )
    return (style.drawing(axes, plot_type=PlotType.LINE, features=features),)


def _course(truth: Truth) -> str:
    if not _changing(truth):
        return f"The values scatter evenly around a constant level of about {truth.mean_us:.0f} µs."
    if _abrupt(truth):
        return f"T1 switches abruptly between two levels near {truth.low_us:.0f} and {truth.high_us:.0f} µs."
    return "T1 wanders continuously over a wide range, without discrete levels."


def _parameters(truth: Truth) -> JSON:
    pattern = "stable" if not _changing(truth) else "telegraphic" if _abrupt(truth) else "random_walk"
    return {
        "classification": pattern,
        "mean_t1_us": UNRELIABLE if _changing(truth) else round(truth.mean_us, 1),
    }


FAMILY: Family[Truth] = Family(
    name="t1_fluctuations",
    criteria={
        "STABLE": lambda truth: not _changing(truth),
        "TELEGRAPHIC": lambda truth: _changing(truth) and _abrupt(truth),
        "RANDOM_WALK": lambda truth: _changing(truth) and not _abrupt(truth),
    },
    # The middle of a scatter of 10 to 20% can be read off an axis from zero to better than 10%.
    field_rules={
        "classification": {"type": "enum"},
        "mean_t1_us": {"type": "pct", "tol_full": 0.1, "tol_half": 0.25},
    },
    draw=in_trace_look(_draw, line_width=1.2),
    parameters=_parameters,
    scenarios=(
        # like its telegraphic sibling: the device drifts, and the settings of the measurement are fine
        Scenario(
            name="t1_fluctuations_random_walk",
            status="RANDOM_WALK",
            outcome=OutcomeLabel.ANOMALOUS,
            assessment=Assessment.NO_FIT,
            simulate=_simulate_random_walk,
        ),
        Scenario(
            name="t1_fluctuations_stable",
            status="STABLE",
            outcome=OutcomeLabel.EXPECTED,
            assessment=Assessment.NO_FIT,
            simulate=_simulate_stable,
        ),
        Scenario(
            name="t1_fluctuations_telegraphic_fluctuations",
            status="TELEGRAPHIC",
            outcome=OutcomeLabel.ANOMALOUS,
            assessment=Assessment.NO_FIT,
            simulate=_simulate_telegraphic,
        ),
    ),
)
