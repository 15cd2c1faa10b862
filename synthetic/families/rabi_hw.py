"""Rabi oscillations on hardware: excited-state probability against the amplitude of a pulse of fixed duration.

On resonance the pulse turns the qubit by an angle a proportional to its amplitude. With a detuning that would turn the
phase by d during the pulse, the rotation is by W = sqrt(a^2 + d^2) about a tilted axis, and the probability is
(a/W)^2 sin^2(W/2) (Rabi, Phys. Rev. 51, 652, 1937; Foot, Atomic Physics, 7.3): its maxima grow with the amplitude. A
relative spread s of the amplitude from shot to shot, Gaussian, spreads W by s a^2/W and averages cos(W) down by
exp(-(s a^2/W)^2 / 2). The fitted curve is a sinusoid of constant amplitude that begins in a minimum.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
from matplotlib.axes import Axes
from numpy.random import Generator

from scoring.reference import JSON
from synthetic.drawing.style import Drawing, PlotType, Style
from synthetic.family import Assessment, Family, Outcome, Scenario
from synthetic.physics.fitting import Fit, fit, strongest_frequency
from synthetic.physics.measured import measured
from synthetic.physics.readout import Floats, measured_population

Range = tuple[float, float]

TURN = 2.0 * np.pi


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """One Rabi experiment; amplitudes are parts of full scale.

    ``period`` is the amplitude of a full turn on resonance, ``detuning_rad`` the phase that the detuning gathers during
    the pulse, below a full turn; ``spread`` is the relative spread of the amplitude.
    """

    amplitude: Floats
    population: Floats
    period: float
    detuning_rad: float
    spread: float
    qubit: int
    fit: Fit

    @property
    def window(self) -> float:
        """The end of the sweep, which begins at 0."""
        return float(self.amplitude[-1])

    @property
    def periods(self) -> float:
        """Oscillations in the sweep: from 0 to the first minimum, where W is a full turn, and on."""
        return float(np.hypot(TURN * self.window / self.period, self.detuning_rad)) / TURN

    @property
    def first_maximum(self) -> float:
        """Probability at the first maximum, at the latest at the end of the sweep, without errors of the readout."""
        dense = np.linspace(0.0, self.window, 2000)
        probability = _probability(dense, self.period, self.detuning_rad, self.spread)
        falling = np.flatnonzero(np.diff(probability) < 0.0)
        return float(probability[falling[0]] if len(falling) else probability[-1])

    @property
    def samples_per_period(self) -> float:
        """Sampled points in one oscillation."""
        return len(self.amplitude) / self.periods

    @property
    def fitted_period(self) -> float:
        """The fit's period."""
        return self.fit.values[1]

    @property
    def fitted_pi(self) -> float:
        """The fit's amplitude for a pi pulse."""
        return self.fitted_period / 2.0

    @property
    def true_pi(self) -> float:
        """The amplitude of a pi pulse on resonance."""
        return self.period / 2.0

    @property
    def better_window(self) -> float:
        """A sweep of one and a half turns."""
        return 1.5 * self.period


def _model(x: Floats, offset: float, period: float, pop_amplitude: float) -> Floats:
    return offset - pop_amplitude * np.cos(TURN * x / period)


def _probability(amplitude: Floats, period: float, detuning_rad: float, spread: float) -> Floats:
    angle = TURN * amplitude / period
    turn = np.maximum(np.hypot(angle, detuning_rad), 1e-12)  # no drive: no turn, and nothing to divide by
    coherence = np.exp(-0.5 * (spread * angle**2 / turn) ** 2)
    return (angle / turn) ** 2 * 0.5 * (1.0 - coherence * np.cos(turn))


def _simulate(
    rng: Generator, *, periods: Range, detuning_rad: Range = (0.0, 0.0), misjudged: tuple[Range, ...] = ()
) -> Truth:
    """Experiment and fit.

    The fit looks for periods of any length, from the strongest line of the spectrum, and for at least half the contrast
    of a good readout. A routine that has ``misjudged`` the period, by one of these factors, looks around its own guess
    and no further than 40% away.
    """
    window, turns = float(rng.choice([0.1, 0.15, 0.2, 0.25])), float(rng.uniform(*periods))
    detuning = float(rng.uniform(*detuning_rad))
    period = TURN * window / float(np.sqrt((TURN * turns) ** 2 - detuning**2))
    amplitude = np.linspace(0.0, window, int(rng.choice([41, 51, 61])))
    spread, shots = float(rng.uniform(0.0, 0.025)), int(rng.integers(400, 2000))
    probability = _probability(amplitude, period, detuning, spread)
    error_0, error_1 = float(rng.uniform(0.005, 0.03)), float(rng.uniform(0.02, 0.08))
    population = measured_population(rng, probability, shots=shots, error_0=error_0, error_1=error_1)
    if misjudged:
        low, high = misjudged[rng.integers(len(misjudged))]
        guess = period * float(rng.uniform(low, high))
        limits = (0.6 * guess, 1.4 * guess)
    else:
        guess = 1.0 / strongest_frequency(amplitude, population)
        limits = (window / 20.0, 10.0 * window)
    bounds = ((0.0, limits[0], 0.25), (1.0, limits[1], 0.6))
    fitted = fit(_model, amplitude, population, (0.5, guess, 0.4), bounds=bounds)
    assert fitted is not None  # noqa: S101 - a bounded sinusoid converges; the tests run many seeds
    return Truth(
        amplitude=amplitude,
        population=population,
        period=period,
        detuning_rad=detuning,
        spread=spread,
        qubit=int(rng.integers(1, 21)),
        fit=fitted,
    )


def _complete(truth: Truth) -> bool:
    return truth.periods >= 1.0


def _detuned(truth: Truth) -> bool:
    """The first maximum is below three quarters of an inversion."""
    return truth.first_maximum < 0.75


def _tracked(truth: Truth) -> bool:
    """The sinusoid explains nine tenths of the variance."""
    return truth.fit.r_squared > 0.9


def _draw(truth: Truth, style: Style) -> tuple[Drawing, ...]:
    boxed_inside, sampled_curve = bool(style.rng.random() < 0.35), bool(style.rng.random() < 0.5)
    ink = style.data if style.rng.random() < 0.4 else style.fit
    axes = style.axes(width=1.0 if boxed_inside else 1.3)
    style.points(axes, truth.amplitude, truth.population, label="_data")
    x = truth.amplitude if sampled_curve else np.linspace(0.0, truth.window, 800)
    style.curve(axes, x, truth.fit.at(x), label="_fit", ink=ink)
    axes.set_ylim(-0.08, 1.5 if boxed_inside else 1.08)
    _print_fit(truth, axes, inside=boxed_inside)
    name = f"QB{truth.qubit}"
    style.dress(
        axes,
        title=str(style.rng.choice([f"{name}: Rabi, swept amplitude", f"Amplitude Rabi {name}", f"Rabi on {name}"])),
        x_label=str(style.rng.choice([f"{name} drive amplitude []", "Pulse amplitude (a.u.)", "Drive amplitude"])),
        y_label=str(style.rng.choice([f"{name} excited-state probability", f"P(1) of {name}", "Excited population"])),
    )
    features = (
        f"The excited-state probability is shown as {style.data.name} {style.marker_name} against pulse amplitude.",
        f"The line in {ink.name} is a fitted sinusoid, and a box lists its offset, period and amplitude.",
        f"The probability lies between about {truth.population.min():.2f} and {truth.population.max():.2f}.",
        _pattern(truth),
    )
    return (style.drawing(axes, plot_type=PlotType.SCATTER, features=features),)


def _print_fit(truth: Truth, axes: Axes, *, inside: bool) -> None:
    """The fitted values in a box, in the plot's upper right corner or beside it."""
    names = ("offset", "period", "amplitude")
    values = [_printed(value, error) for value, error in zip(truth.fit.values, truth.fit.errors, strict=True)]
    lines = [f"Fit to QB{truth.qubit}:", *(f"{name}: {value}" for name, value in zip(names, values, strict=True))]
    axes.text(
        0.98 if inside else 1.03,
        0.97 if inside else 1.0,
        "\n".join(lines),
        transform=axes.transAxes,
        horizontalalignment="right" if inside else "left",
        verticalalignment="top",
        fontsize="small",
        bbox={"boxstyle": "round", "facecolor": axes.get_facecolor(), "edgecolor": "gray", "alpha": 0.9},
    )


def _printed(value: float, error: float) -> str:
    """With its error, unless the data do not constrain it."""
    return measured(value, error, digits=2).plus_minus if 0.0 < error < np.inf else f"{value:.3g}"


def _pattern(truth: Truth) -> str:
    if not _complete(truth):
        return f"The response is smooth and covers only about {truth.periods:.1f} of an oscillation."
    if _detuned(truth):
        return "The first oscillation is weak and later ones are larger, and the sinusoid does not follow them."
    if not _tracked(truth):
        return f"The points oscillate about {truth.periods:.1f} times, at another period than the curve."
    return f"About {truth.periods:.1f} oscillations of even height are visible, and the curve follows them."


def _parameters(truth: Truth) -> JSON:
    detuned = _complete(truth) and _detuned(truth)
    return {
        "periods_visible": round(truth.periods, 1),
        "amplitude_decay": "growing" if detuned else "stable",
        "signal_quality": "distorted" if detuned else "clean",
    }


FAMILY: Family[Truth] = Family(
    name="rabi_hw",
    criteria={
        "SUCCESS": lambda truth: _complete(truth) and not _detuned(truth) and _tracked(truth),
        "FIT_POOR": lambda truth: _complete(truth) and not _detuned(truth) and not _tracked(truth),
        "OFF_RESONANCE": lambda truth: _complete(truth) and _detuned(truth),
        "RANGE_TOO_NARROW": lambda truth: not _complete(truth),
    },
    # Where a sweep ends in mid-oscillation, the eye counts to half a period; a miscount by one is half right.
    field_rules={
        "periods_visible": {"type": "count_float", "tol_full": 0.5, "tol_half": 1.0},
        "amplitude_decay": {"type": "enum"},
        "signal_quality": {"type": "enum"},
    },
    draw=_draw,
    parameters=_parameters,
    scenarios=(
        Scenario(
            name="rabi_hw_failure_incorrect_fit",
            status="FIT_POOR",
            outcome=Outcome.SUBOPTIMAL,
            assessment=Assessment.UNRELIABLE,
            simulate=partial(_simulate, periods=(1.4, 3.0), misjudged=((0.3, 0.45), (2.2, 3.2))),
        ),
        Scenario(
            name="rabi_hw_failure_insufficient_amplitude_range",
            status="RANGE_TOO_NARROW",
            outcome=Outcome.SUBOPTIMAL,
            assessment=Assessment.UNRELIABLE,
            simulate=partial(_simulate, periods=(0.4, 0.75)),
        ),
        # the frequency of the qubit, an earlier step, is off: anomalous, like a detuned drive of microwave_ramsey
        Scenario(
            name="rabi_hw_failure_off_resonant_drive",
            status="OFF_RESONANCE",
            outcome=Outcome.ANOMALOUS,
            assessment=Assessment.UNRELIABLE,
            simulate=partial(_simulate, periods=(1.8, 3.2), detuning_rad=(2.4, 4.2)),
        ),
        Scenario(
            name="rabi_hw_success",
            status="SUCCESS",
            outcome=Outcome.EXPECTED,
            assessment=Assessment.RELIABLE,
            simulate=partial(_simulate, periods=(1.2, 3.0)),
        ),
    ),
)
