"""Rabi oscillations, simulated: <Z> against the duration of a drive pulse.

A drive of Rabi frequency f, detuned by d, rotates the qubit at F = sqrt(f^2 + d^2); the excited population is
(f/F)^2 sin^2(pi F t) (Rabi, Phys. Rev. 51, 652, 1937; Foot, Atomic Physics, 7.3). Dephasing at a rate g damps
the oscillation by exp(-g t) and keeps its mean; loss at a rate l, to levels that are read as the ground
state, reduces the whole population by exp(-l t), so it is (f/F)^2 / 2 (exp(-l t) - exp(-(l + g) t) cos(2 pi F
t)). The fitted curve is a sinusoid of constant amplitude.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.random import Generator

from scoring.reference import JSON
from synthetic.drawing.style import Drawing, PlotType, Style
from synthetic.drawing.trace_looks import in_trace_look
from synthetic.family import Assessment, Family, OutcomeLabel, Scenario
from synthetic.physics.fitting import Fit, fit, strongest_frequency
from synthetic.physics.readout import Floats, expectation_z, measured_population, signal_free

Range = tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """One Rabi experiment. ``detuning_ratio`` is d/f; without ``driven`` no pulse reaches the qubit."""

    time_us: Floats
    z: Floats
    driven: bool
    rabi_mhz: float
    detuning_ratio: float
    loss_per_us: float
    dephasing_per_us: float
    shots: int
    visibility: float
    fit: Fit | None

    @property
    def window_us(self) -> float:
        """The longest pulse."""
        return float(self.time_us[-1])

    @property
    def count(self) -> int:
        """How many durations were measured."""
        return len(self.time_us)

    @property
    def turn_mhz(self) -> float:
        """Oscillations per microsecond, with the detuning."""
        return self.rabi_mhz * float(np.hypot(1.0, self.detuning_ratio))

    @property
    def periods(self) -> float:
        """Oscillations within the window; 0 without a drive."""
        return self.turn_mhz * self.window_us if self.driven else 0.0

    @property
    def samples_per_period(self) -> float:
        """Sampled points per oscillation; inf without a drive."""
        return self.count / self.periods if self.driven else float("inf")

    @property
    def contrast(self) -> float:
        """Peak to peak of <Z> in the first oscillation; 0 without a drive."""
        return 2.0 * self.visibility / (1.0 + self.detuning_ratio**2) if self.driven else 0.0

    @property
    def damping_us(self) -> float:
        """The time in which the oscillation falls to 1/e."""
        return 1.0 / (self.loss_per_us + self.dephasing_per_us)

    @property
    def amplitude_left(self) -> float:
        """The ratio of the oscillation's amplitude at the end of the window to that at its start."""
        return float(np.exp(-self.window_us / self.damping_us))

    @property
    def strong_periods(self) -> float:
        """Oscillations that keep at least half of the first amplitude."""
        return self.turn_mhz * min(self.window_us, math.log(2.0) * self.damping_us)

    @property
    def noise(self) -> float:
        """Largest standard deviation of <Z> at one point, from the number of shots."""
        return float(1.0 / np.sqrt(self.shots))

    @property
    def highest(self) -> float:
        """The highest value of <Z>."""
        return float(self.z.max())

    @property
    def lowest(self) -> float:
        """The lowest value of <Z>."""
        return float(self.z.min())

    @property
    def scatter(self) -> float:
        """The standard deviation of all values of <Z>."""
        return float(self.z.std())

    @property
    def settled(self) -> float:
        """The mean of <Z> over the last tenth of the window."""
        return float(self.z[-max(self.count // 10, 3) :].mean())

    @property
    def fit_share(self) -> float:
        """The share of the variance that the fitted curve explains.

        0 without one or if it is worse than a constant.
        """
        return max(self.fit.r_squared, 0.0) if self.fit else 0.0

    @property
    def pi_pulse(self) -> str:
        """The duration of the first inversion, with its unit."""
        return _time(0.5 / self.turn_mhz)

    @property
    def period(self) -> str:
        """The duration of one oscillation, with its unit."""
        return _time(1.0 / self.turn_mhz)

    @property
    def damping(self) -> str:
        """The damping time, with its unit."""
        return _time(self.damping_us)

    @property
    def better_us(self) -> float:
        """A window of two and a half oscillations; the present window if there are none."""
        return 2.5 / self.turn_mhz if self.driven else self.window_us


def _time(us: float) -> str:
    return f"{1e3 * us:.0f} ns" if us < 1.0 else f"{us:.1f} µs"


def _model(t: Floats, frequency: float, amplitude: float, phase: float, offset: float) -> Floats:
    return offset + amplitude * np.cos(2.0 * np.pi * frequency * t + phase)


def _sweep(rng: Generator) -> Floats:
    """Draw the durations in microseconds, from the same distribution for all scenarios."""
    window_us, count = np.exp(rng.uniform(np.log([0.8, 120.0]), np.log([8.0, 800.0])))
    return np.linspace(0.0, float(window_us), round(float(count)))


def _simulate(
    rng: Generator,
    *,
    periods: Range | None = None,
    samples_per_period: Range = (0.0, 0.0),
    amplitude_left: Range = (0.75, 0.97),
    damping_turns: Range | None = None,
    detuning_ratio: Range = (0.0, 0.0),
) -> Truth:
    """Experiment and fit.

    ``periods``: within the window; if None, as follows from ``samples_per_period``. The damping follows from
    the amplitude that is left at the end or, if given, from the oscillations until it has fallen to 1/e.
    """
    time_us = _sweep(rng)
    turns = (
        float(rng.uniform(*periods)) if periods else len(time_us) / float(rng.uniform(*samples_per_period))
    )
    turn_mhz, ratio = turns / float(time_us[-1]), float(rng.uniform(*detuning_ratio))
    if damping_turns:
        rate_per_us = turn_mhz / float(rng.uniform(*damping_turns))
    else:
        rate_per_us = -np.log(float(rng.uniform(*amplitude_left))) / float(time_us[-1])
    loss_per_us = rate_per_us * float(rng.uniform(0.3, 1.0))
    swing = np.exp(-rate_per_us * time_us) * np.cos(2.0 * np.pi * turn_mhz * time_us)
    population = 0.5 * (np.exp(-loss_per_us * time_us) - swing) / (1.0 + ratio**2)
    error_0, error_1, shots = rng.uniform(0.01, 0.09), rng.uniform(0.02, 0.1), int(rng.integers(250, 1300))
    z = expectation_z(measured_population(rng, population, shots=shots, error_0=error_0, error_1=error_1))
    return Truth(
        time_us=time_us,
        z=z,
        driven=True,
        rabi_mhz=turn_mhz / float(np.hypot(1.0, ratio)),
        detuning_ratio=ratio,
        loss_per_us=loss_per_us,
        dephasing_per_us=rate_per_us - loss_per_us,
        shots=shots,
        visibility=1.0 - error_0 - error_1,
        fit=_fitted(time_us, z),
    )


def _simulate_no_drive(rng: Generator) -> Truth:
    """Simulate that drive and readout fail: the trace is noise around 0."""
    time_us, shots = _sweep(rng), int(rng.integers(10, 80))
    z = signal_free(rng, len(time_us), shots=shots)
    return Truth(
        time_us=time_us,
        z=z,
        driven=False,
        rabi_mhz=0.0,
        detuning_ratio=0.0,
        loss_per_us=0.0,
        dephasing_per_us=0.0,
        shots=shots,
        visibility=1.0,
        fit=_fitted(time_us, z),
    )


def _fitted(time_us: Floats, z: Floats) -> Fit | None:
    start_mhz = strongest_frequency(time_us, z)
    bounds = ((0.0, 0.0, -np.pi, -1.5), (2.0 * start_mhz, 1.5, np.pi, 1.5))
    return fit(_model, time_us, z, (start_mhz, float(np.ptp(z)) / 2.5, 0.0, float(z.mean())), bounds=bounds)


def _visible(truth: Truth) -> bool:
    return truth.contrast > 3.0 * truth.noise and float(np.ptp(truth.z)) > 3.0 * truth.noise


def _resolved(truth: Truth) -> bool:
    """Return whether there are four points per oscillation, twice Nyquist's limit, so that its shape is visible."""
    return truth.samples_per_period >= 4.0


def _oscillating(truth: Truth) -> bool:
    return _visible(truth) and _resolved(truth) and truth.periods >= 1.0


def _lasting(truth: Truth) -> bool:
    return truth.amplitude_left >= 0.5


def _tracked(truth: Truth) -> bool:
    """Return whether the curve explains nine tenths of the variance."""
    return truth.fit_share > 0.9


def _draw(truth: Truth, style: Style) -> tuple[Drawing, ...]:
    in_ns = truth.window_us < 1.5 and style.rng.random() < 0.4
    scale, unit = (1e3, "ns") if in_ns else (1.0, "µs")
    axes = style.axes()
    style.points(axes, truth.time_us * scale, truth.z, label="data")
    if truth.fit is not None:
        style.curve(axes, truth.time_us * scale, truth.fit.at(truth.time_us), label="fit")
    style.dress(
        axes,
        title=str(style.rng.choice(["Time Rabi", "Time Rabi", "Rabi oscillations"])),
        x_label=str(style.rng.choice([f"Time ({unit})", f"Time ({unit})", f"Pulse duration ({unit})"])),
        y_label=str(style.rng.choice(["<z>", "<z>", "<Z>", "⟨Z⟩"])),
    )
    features = (
        f"<Z> is shown as {style.data.name} {style.marker_name} for pulses of up to {truth.window_us:.1f} µs.",
        f"A {style.fit.name} curve is fitted to them." if truth.fit else "No fitted curve is shown.",
        f"The values lie between about {truth.lowest:.2f} and {truth.highest:.2f}.",
        _pattern(truth),
    )
    return (style.drawing(axes, plot_type=PlotType.SCATTER, features=features),)


def _pattern(truth: Truth) -> str:
    if not _visible(truth):
        return "The points scatter at random around zero without any oscillation."
    if truth.periods < 1.0:
        return f"The response is smooth and covers only about {truth.periods:.1f} of an oscillation."
    if not _resolved(truth):
        return "The points fill a band of constant height; there are too few in each oscillation to show its shape."
    if not _lasting(truth):
        return f"The oscillation dies away early in the sweep, and <Z> settles near {truth.settled:.2f}."
    return f"About {truth.periods:.1f} sinusoidal oscillations of nearly constant amplitude are visible."


def _parameters(truth: Truth) -> JSON:
    if not _visible(truth):
        return {"periods_visible": None, "amplitude_decay": None, "signal_quality": "noisy"}
    return {
        "periods_visible": round(truth.periods if _lasting(truth) else truth.strong_periods, 1),
        "amplitude_decay": "stable" if _lasting(truth) else "decaying",
        "signal_quality": "clean" if _resolved(truth) and _lasting(truth) else "distorted",
    }


FAMILY: Family[Truth] = Family(
    name="rabi",
    criteria={
        "SUCCESS": lambda truth: _oscillating(truth) and _lasting(truth) and _tracked(truth),
        "FIT_POOR": lambda truth: _oscillating(truth) and _lasting(truth) and not _tracked(truth),
        "RANGE_TOO_NARROW": lambda truth: _visible(truth) and truth.periods < 1.0,
        "NO_SIGNAL": lambda truth: not _visible(truth),
        "DAMPED": lambda truth: _oscillating(truth) and not _lasting(truth),
        "UNDERSAMPLED": lambda truth: _visible(truth) and not _resolved(truth),
    },
    # A count is anything from a quarter of a period to two hundred, so its error is a share of it: a fraction
    # of the first period, one of seven.
    field_rules={
        "periods_visible": {"type": "pct", "tol_full": 0.15, "tol_half": 0.35},
        "amplitude_decay": {"type": "enum"},
        "signal_quality": {"type": "enum"},
    },
    draw=in_trace_look(_draw, font_size=10.0, marker_size=6.0),
    parameters=_parameters,
    scenarios=(
        Scenario(
            name="rabi_failure_damped_oscillations",
            status="DAMPED",
            outcome=OutcomeLabel.ANOMALOUS,
            assessment=Assessment.UNRELIABLE,
            simulate=partial(_simulate, periods=(4.5, 14.0), damping_turns=(0.35, 1.7)),
        ),
        Scenario(
            name="rabi_failure_random_signal",
            status="NO_SIGNAL",
            outcome=OutcomeLabel.APPARATUS,
            assessment=Assessment.UNRELIABLE,
            simulate=_simulate_no_drive,
        ),
        # too fast, too slow: the experiment works and only its sweep has to change; no fit of a failure is to
        # be used. At least two points per period: an alias can look like a success.
        Scenario(
            name="rabi_failure_too_fast",
            status="UNDERSAMPLED",
            outcome=OutcomeLabel.SUBOPTIMAL,
            assessment=Assessment.UNRELIABLE,
            simulate=partial(_simulate, samples_per_period=(2.02, 3.2)),
        ),
        Scenario(
            name="rabi_failure_too_slow",
            status="RANGE_TOO_NARROW",
            outcome=OutcomeLabel.SUBOPTIMAL,
            assessment=Assessment.UNRELIABLE,
            simulate=partial(_simulate, periods=(0.2, 0.75)),
        ),
        Scenario(
            name="rabi_success",
            status="SUCCESS",
            outcome=OutcomeLabel.EXPECTED,
            assessment=Assessment.RELIABLE,
            simulate=partial(_simulate, periods=(2.7, 11.0)),
            telling=lambda truth: truth.periods >= 2.5 and truth.contrast > 1.5,
        ),
        # a success by name: detuning lowers the contrast, oscillations and fit are good, so labelled like
        # rabi_success
        Scenario(
            name="rabi_success_off_resonance",
            status="SUCCESS",
            outcome=OutcomeLabel.EXPECTED,
            assessment=Assessment.RELIABLE,
            simulate=partial(_simulate, periods=(2.7, 11.0), detuning_ratio=(0.75, 1.5)),
            telling=lambda truth: truth.periods >= 2.5 and truth.contrast < 1.3,
        ),
        # a success by name: the criterion requires more than one period, so labelled like rabi_success
        Scenario(
            name="rabi_successful_limited_range",
            status="SUCCESS",
            outcome=OutcomeLabel.EXPECTED,
            assessment=Assessment.RELIABLE,
            simulate=partial(_simulate, periods=(1.12, 2.2)),
            telling=lambda truth: truth.periods < 2.5,
        ),
    ),
)
