"""Rabi oscillations, simulated: <Z> against pulse duration or pulse amplitude.

A drive of Rabi frequency f, detuned by d, turns the qubit at F = sqrt(f^2 + d^2); the excited population is (f/F)^2
sin^2(pi F t) (Rabi, Phys. Rev. 51, 652, 1937; Foot, Atomic Physics, 7.3). Under damping exp(-t/tau) of the
oscillation is left and it settles at half its contrast. With pulses of fixed duration, on resonance, the angle grows
with the amplitude instead: the same curve with amplitude for time.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Literal

import numpy as np
from numpy.random import Generator

from scoring.reference import JSON
from synthetic.drawing.style import Drawing, PlotType, Style
from synthetic.family import Assessment, Family, Outcome, Scenario
from synthetic.physics.fitting import Fit, fit, strongest_frequency
from synthetic.physics.readout import Floats, expectation_z, measured_population, signal_free

Range = tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """One Rabi experiment. ``sweep`` is in microseconds or parts of full scale; rates are per unit of the sweep."""

    axis: Literal["time", "amplitude"]
    sweep: Floats
    z: Floats
    rate: float
    detuning_ratio: float
    decay_constant: float
    shots: int
    visibility: float
    fit: Fit | None

    @property
    def window(self) -> float:
        """The end of the sweep, which begins at 0."""
        return float(self.sweep[-1])

    @property
    def turn_rate(self) -> float:
        """Oscillations per unit of the sweep, with the detuning."""
        return self.rate * float(np.hypot(1.0, self.detuning_ratio))

    @property
    def periods(self) -> float:
        """Oscillations within the window; 0 without a drive."""
        return self.turn_rate * self.window

    @property
    def samples_per_period(self) -> float:
        """Sampled points in one oscillation; inf without a drive."""
        return len(self.sweep) / self.periods if self.periods else float("inf")

    @property
    def contrast(self) -> float:
        """Peak to peak of <Z> in the first oscillation; 0 without a drive."""
        return 2.0 * self.visibility / (1.0 + self.detuning_ratio**2) if self.rate else 0.0

    @property
    def amplitude_left(self) -> float:
        """The oscillation's amplitude at the end of the window over that at its start."""
        return float(np.exp(-self.window / self.decay_constant))

    @property
    def noise(self) -> float:
        """Largest standard deviation of <Z> at one point, from the number of shots."""
        return float(1.0 / np.sqrt(self.shots))

    @property
    def pi_pulse(self) -> str:
        """The sweep's value at the first inversion, with its unit."""
        return f"{0.5 / self.turn_rate:.3g}" + (" µs" if self.axis == "time" else "")

    @property
    def better_sweep(self) -> float:
        """A window of two oscillations; the same window where there are none."""
        return 2.0 / self.turn_rate if self.turn_rate else self.window


def _model(x: Floats, rate: float, amplitude: float, decay_rate: float, offset: float) -> Floats:
    return offset + amplitude * np.exp(-decay_rate * x) * np.cos(2.0 * np.pi * rate * x)


def _swept(rng: Generator, *, time_only: bool = False) -> tuple[Literal["time", "amplitude"], float]:
    """What is swept, and how far."""
    if time_only or rng.random() < 0.6:
        return "time", float(rng.choice([0.4, 1.0, 2.0, 4.0]))
    return "amplitude", float(rng.choice([0.5, 0.8, 1.0]))


def _simulate(
    rng: Generator,
    *,
    periods: Range,
    samples_per_period: Range,
    amplitude_left: Range = (0.85, 0.97),
    detuning_ratio: Range = (0.0, 0.0),
    shots: tuple[int, int] = (300, 2000),
) -> Truth:
    axis, window = _swept(rng, time_only=detuning_ratio[1] > 0.0)
    turns, ratio = rng.uniform(*periods), rng.uniform(*detuning_ratio)
    sweep = np.linspace(0.0, window, max(round(turns * rng.uniform(*samples_per_period)), 24))
    decay_constant = -window / np.log(rng.uniform(*amplitude_left))
    visibility, count = rng.uniform(0.85, 0.97), int(rng.integers(*shots))
    swing = np.exp(-sweep / decay_constant) * np.cos(2.0 * np.pi * turns * sweep / window)
    population = 0.5 * (1.0 - swing) / (1.0 + ratio**2)
    error = (1.0 - visibility) / 2.0
    z = expectation_z(measured_population(rng, population, shots=count, error_0=error, error_1=error))
    guess = (
        strongest_frequency(sweep, z) if turns > 0.8 else turns / window,
        np.ptp(z) / 2.0,
        0.3 / window,
        float(z.mean()),
    )
    return Truth(
        axis=axis,
        sweep=sweep,
        z=z,
        rate=float(turns / window / np.hypot(1.0, ratio)),
        detuning_ratio=ratio,
        decay_constant=float(decay_constant),
        shots=count,
        visibility=visibility,
        fit=fit(_model, sweep, z, guess),
    )


def _simulate_no_drive(rng: Generator) -> Truth:
    """No drive reaches the qubit: the trace is noise around 0."""
    axis, window = _swept(rng)
    sweep = np.linspace(0.0, window, int(rng.integers(40, 90)))
    shots = int(rng.integers(12, 60))
    z = signal_free(rng, len(sweep), shots=shots)
    guess = (strongest_frequency(sweep, z), np.ptp(z) / 2.0, 0.3 / window, 0.0)
    return Truth(
        axis=axis,
        sweep=sweep,
        z=z,
        rate=0.0,
        detuning_ratio=0.0,
        decay_constant=float("inf"),
        shots=shots,
        visibility=1.0,
        fit=fit(_model, sweep, z, guess),
    )


def _visible(truth: Truth) -> bool:
    return truth.contrast > 3.0 * truth.noise and float(np.ptp(truth.z)) > 3.0 * truth.noise


def _resolved(truth: Truth) -> bool:
    """Four points in each oscillation: twice what Nyquist asks for, so that the shape is seen, not only the rate."""
    return truth.samples_per_period >= 4.0


def _tracked(truth: Truth) -> bool:
    """The residuals are what the shots explain, up to half as much again."""
    return truth.fit is not None and truth.fit.residual_rms < 1.5 * truth.noise


def _oscillating(truth: Truth) -> bool:
    return _visible(truth) and _resolved(truth) and truth.periods >= 1.0


def _usable(truth: Truth) -> bool:
    return _oscillating(truth) and truth.amplitude_left >= 0.5


def _draw(truth: Truth, style: Style) -> tuple[Drawing, ...]:
    scale, x_label = _axis(truth, style)
    y_label = str(style.rng.choice(["<Z>", "⟨Z⟩", "Expectation value <Z>"]))
    axes = style.axes()
    style.points(axes, truth.sweep * scale, truth.z, label="data")
    dense = np.linspace(0.0, truth.window, 1000)
    if truth.fit is not None:
        style.curve(axes, dense * scale, truth.fit.at(dense), label="fit")
    style.dress(axes, title="Time Rabi" if truth.axis == "time" else "Amplitude Rabi", x_label=x_label, y_label=y_label)
    swept = "pulse duration" if truth.axis == "time" else "pulse amplitude"
    features = (
        f"Measured values of <Z> are shown as {style.data.name} {style.marker_name} against the {swept}.",
        f"A {style.fit.name} curve is fitted to them." if truth.fit else "No fitted curve is shown.",
        f"The values lie between about {truth.z.min():.2f} and {truth.z.max():.2f}.",
        _pattern(truth),
    )
    return (style.drawing(axes, plot_type=PlotType.SCATTER, features=features),)


def _axis(truth: Truth, style: Style) -> tuple[float, str]:
    """The factor from the sweep to the axis' unit, and the axis' label."""
    if truth.axis == "amplitude":
        return 1.0, str(style.rng.choice(["Pulse amplitude (a.u.)", "Drive amplitude", "Amplitude [full scale]"]))
    if style.rng.random() < 0.4:
        return 1000.0, "Pulse duration (ns)"
    return 1.0, str(style.rng.choice(["Time (µs)", "Pulse length [µs]"]))


def _pattern(truth: Truth) -> str:
    if not _visible(truth):
        return "The points scatter at random around zero without any oscillation."
    if truth.periods < 1.0:
        return f"The response is smooth and covers only about {truth.periods:.1f} of an oscillation."
    if not _resolved(truth):
        return f"About {truth.periods:.0f} oscillations are crowded into the sweep, with few points in each."
    trend = "shrink strongly towards the end" if truth.amplitude_left < 0.5 else "keep nearly the same amplitude"
    return f"About {truth.periods:.1f} sinusoidal oscillations are visible, which {trend}."


def _parameters(truth: Truth) -> JSON:
    return {
        "periods_visible": round(truth.periods, 1),
        "amplitude_decay": "decaying" if truth.amplitude_left < 0.5 else "stable",
        "signal_quality": "noisy" if not _visible(truth) else "clean" if _resolved(truth) else "distorted",
    }


FAMILY: Family[Truth] = Family(
    name="rabi",
    criteria={
        "SUCCESS": lambda truth: _usable(truth) and _tracked(truth),
        "FIT_POOR": lambda truth: _usable(truth) and not _tracked(truth),
        "RANGE_TOO_NARROW": lambda truth: _visible(truth) and truth.periods < 1.0,
        "NO_SIGNAL": lambda truth: not _visible(truth),
        "DAMPED": lambda truth: _oscillating(truth) and truth.amplitude_left < 0.5,
        "UNDERSAMPLED": lambda truth: _visible(truth) and not _resolved(truth),
    },
    # A count by eye is good to half a period, where the sweep ends in mid-oscillation; a miscount by one is half right.
    field_rules={
        "periods_visible": {"type": "count_float", "tol_full": 0.5, "tol_half": 1.5},
        "amplitude_decay": {"type": "enum"},
        "signal_quality": {"type": "enum"},
    },
    draw=_draw,
    parameters=_parameters,
    scenarios=(
        Scenario(
            name="rabi_failure_damped_oscillations",
            status="DAMPED",
            outcome=Outcome.ANOMALOUS,
            assessment=Assessment.UNRELIABLE,
            simulate=partial(_simulate, periods=(3, 7), samples_per_period=(10, 20), amplitude_left=(0.03, 0.3)),
        ),
        Scenario(
            name="rabi_failure_random_signal",
            status="NO_SIGNAL",
            outcome=Outcome.APPARATUS,
            assessment=Assessment.UNRELIABLE,
            simulate=_simulate_no_drive,
        ),
        # too fast, too slow: the experiment works and only its sweep has to change; no fit of a failure is to be used
        Scenario(
            name="rabi_failure_too_fast",
            status="UNDERSAMPLED",
            outcome=Outcome.SUBOPTIMAL,
            assessment=Assessment.UNRELIABLE,
            simulate=partial(_simulate, periods=(12, 20), samples_per_period=(2.2, 3.0)),
        ),
        Scenario(
            name="rabi_failure_too_slow",
            status="RANGE_TOO_NARROW",
            outcome=Outcome.SUBOPTIMAL,
            assessment=Assessment.UNRELIABLE,
            simulate=partial(_simulate, periods=(0.25, 0.7), samples_per_period=(60, 120)),
        ),
        Scenario(
            name="rabi_success",
            status="SUCCESS",
            outcome=Outcome.EXPECTED,
            assessment=Assessment.RELIABLE,
            simulate=partial(_simulate, periods=(3, 8), samples_per_period=(14, 40)),
            telling=lambda truth: truth.periods >= 2.5 and truth.contrast > 1.5,
        ),
        # a success by name: detuning lowers the contrast, oscillations and fit stay good, so labelled as rabi_success
        Scenario(
            name="rabi_success_off_resonance",
            status="SUCCESS",
            outcome=Outcome.EXPECTED,
            assessment=Assessment.RELIABLE,
            simulate=partial(_simulate, periods=(3, 8), samples_per_period=(14, 40), detuning_ratio=(0.8, 1.5)),
            telling=lambda truth: truth.periods >= 2.5 and truth.contrast < 1.3,
        ),
        # a success by name: more than one period is what the criterion asks for, so labelled as rabi_success
        Scenario(
            name="rabi_successful_limited_range",
            status="SUCCESS",
            outcome=Outcome.EXPECTED,
            assessment=Assessment.RELIABLE,
            simulate=partial(_simulate, periods=(1.15, 1.9), samples_per_period=(25, 60)),
            telling=lambda truth: truth.periods < 2.5,
        ),
    ),
)
