"""Rabi oscillations on hardware: excited-state probability against the amplitude of a pulse of fixed duration.

On resonance the pulse rotates the qubit by an angle a, proportional to its amplitude. With a detuning that
would turn the phase by d during the pulse, the rotation is by W = sqrt(a^2 + d^2) about a tilted axis, and
the probability is (a/W)^2 sin^2(W/2) (Rabi, Phys. Rev. 51, 652, 1937; Foot, Atomic Physics, 7.3): its maxima
grow with the amplitude. A relative spread s of the amplitude from shot to shot, Gaussian, spreads W by s
a^2/W and averages cos(W) down by exp(-(s a^2/W)^2 / 2). With a drive chain that saturates, the angle grows
less than proportionally: at a share x of the sweep it is (1 + k) x / (1 + k x) of the last angle, so the
oscillations become slower. Strong pulses lose a share l x^2 to the third level, which is read as the ground
state. The fitted curve is a sinusoid of constant period and amplitude that begins in a minimum, joined at the
measured amplitudes.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
from matplotlib.axes import Axes
from numpy.random import Generator

from scoring.reference import JSON
from synthetic.drawing.style import Drawing, PlotType, Style
from synthetic.drawing.trace_looks import in_trace_look
from synthetic.drawing.usual_looks import TAB_BLUE, TAB_ORANGE
from synthetic.family import Assessment, Family, OutcomeLabel, Scenario
from synthetic.physics.fitting import Fit, fit, strongest_frequency
from synthetic.physics.measured import measured
from synthetic.physics.readout import Floats, measured_population

Range = tuple[float, float]

TURN = 2.0 * np.pi


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """One Rabi experiment; amplitudes are parts of full scale.

    ``turns`` are those of the strongest pulse on resonance, ``detuning_rad`` the phase that the detuning
    gathers during the pulse, below a full turn; ``spread`` is the relative spread of the amplitude,
    ``saturation`` k, ``leakage`` l.
    """

    amplitude: Floats
    population: Floats
    turns: float
    detuning_rad: float
    spread: float
    saturation: float
    leakage: float
    qubit: int
    fit: Fit

    @property
    def window(self) -> float:
        """The end of the sweep, which begins at 0."""
        return float(self.amplitude[-1])

    @property
    def count(self) -> int:
        """How many amplitudes were measured."""
        return len(self.amplitude)

    @property
    def periods(self) -> float:
        """Oscillations in the sweep, counted from 0.

        The first ends in the minimum at which W is a full turn.
        """
        return float(np.hypot(TURN * self.turns, self.detuning_rad)) / TURN

    @property
    def period(self) -> float:
        """The amplitude of a full turn on resonance, on average over the sweep."""
        return self.window / self.turns

    @property
    def first_period(self) -> float:
        """The amplitude of a full turn at the beginning of the sweep."""
        return self.period / (1.0 + self.saturation)

    @property
    def last_period(self) -> float:
        """The amplitude of a full turn at the end of the sweep."""
        return self.period * (1.0 + self.saturation)

    @property
    def first_maximum(self) -> float:
        """Probability at the first maximum, or at the end of the sweep if that comes first, without readout errors."""
        share = np.linspace(0.0, 1.0, 2000)
        probability = _probability(
            self.turns * _saturated(share, self.saturation), self.detuning_rad, self.spread
        )
        falling = np.flatnonzero(np.diff(probability) < 0.0)
        return float(probability[falling[0]] if len(falling) else probability[-1])

    @property
    def highest(self) -> float:
        """The highest measured probability."""
        return float(self.population.max())

    @property
    def lowest(self) -> float:
        """The lowest measured probability.

        It is negative if noise exceeds the correction for readout errors.
        """
        return float(self.population.min())

    @property
    def samples_per_period(self) -> float:
        """Sampled points in one oscillation."""
        return self.count / self.periods

    @property
    def fitted_period(self) -> float:
        """The fit's period."""
        return self.fit.values[1]

    @property
    def fitted_swing(self) -> float:
        """The fit's peak to peak."""
        return 2.0 * self.fit.values[2]

    @property
    def fitted_pi(self) -> float:
        """The fit's amplitude for a pi pulse."""
        return self.fitted_period / 2.0

    @property
    def explained(self) -> float:
        """The share of the variance that the curve explains; 0 if it is worse than a constant."""
        return max(self.fit.r_squared, 0.0)

    @property
    def true_pi(self) -> float:
        """The amplitude of the first pi pulse on resonance."""
        share = 0.5 / self.turns
        return self.window * share / (1.0 + self.saturation * (1.0 - share))

    @property
    def better_window(self) -> float:
        """A sweep of one and a half turns, at the rate of the first."""
        return 1.5 * self.first_period


def _model(x: Floats, offset: float, period: float, pop_amplitude: float) -> Floats:
    return offset - pop_amplitude * np.cos(TURN * x / period)


def _saturated(share: Floats, saturation: float) -> Floats:
    """The angle at each share of the sweep, as a share of the last angle."""
    return (1.0 + saturation) * share / (1.0 + saturation * share)


def _probability(turns: Floats, detuning_rad: float, spread: float) -> Floats:
    """Return the probability after pulses that would make these turns on resonance."""
    angle = TURN * turns
    turn = np.maximum(np.hypot(angle, detuning_rad), 1e-12)  # no drive: no turn, and nothing to divide by
    coherence = np.exp(-0.5 * (spread * angle**2 / turn) ** 2)
    return (angle / turn) ** 2 * 0.5 * (1.0 - coherence * np.cos(turn))


def _simulate(
    rng: Generator, *, periods: Range, detuning_rad: Range = (0.0, 0.0), saturation: Range = (0.0, 0.05)
) -> Truth:
    """Experiment and fit, which starts from the strongest line of the spectrum.

    The sweep has the same distribution for all scenarios.
    """
    window = float(rng.choice([0.1, 0.2, 0.25, 0.3, 0.4, 0.5, 0.8, 1.0]))
    amplitude = np.linspace(0.0, window, int(rng.choice([41, 51, 51, 61])))
    detuning, bend = float(rng.uniform(*detuning_rad)), float(rng.uniform(*saturation))
    turns = float(np.sqrt((TURN * rng.uniform(*periods)) ** 2 - detuning**2)) / TURN
    spread, leakage, shots = (
        float(rng.uniform(0.0, 0.02)),
        float(rng.uniform(0.0, 0.4)),
        int(rng.integers(150, 1000)),
    )
    share = amplitude / window
    probability = _probability(turns * _saturated(share, bend), detuning, spread) * (1.0 - leakage * share**2)
    error_0, error_1 = float(rng.uniform(0.01, 0.06)), float(rng.uniform(0.02, 0.1))
    read = measured_population(rng, probability, shots=shots, error_0=error_0, error_1=error_1)
    drift = float(rng.normal(0.0, 0.008))  # of the errors since they were measured
    population = (read - error_0 - drift) / (1.0 - error_0 - error_1)
    guess = 1.0 / strongest_frequency(amplitude, population)
    bounds = ((0.0, window / 20.0, 0.0), (1.0, 10.0 * window, 0.7))
    fitted = fit(_model, amplitude, population, (0.5, guess, 0.4), bounds=bounds)
    assert fitted is not None  # noqa: S101 - a bounded sinusoid converges; the tests run many seeds
    return Truth(
        amplitude=amplitude,
        population=population,
        turns=turns,
        detuning_rad=detuning,
        spread=spread,
        saturation=bend,
        leakage=leakage,
        qubit=int(rng.integers(1, 21)),
        fit=fitted,
    )


def _complete(truth: Truth) -> bool:
    return truth.periods >= 1.0


def _detuned(truth: Truth) -> bool:
    """Return whether the first maximum is below three quarters of an inversion."""
    return truth.first_maximum < 0.75


def _tracked(truth: Truth) -> bool:
    """Return whether the sinusoid explains most of the variance."""
    return truth.explained > 0.75


def _draw(truth: Truth, style: Style) -> tuple[Drawing, ...]:
    boxed_inside, heavy = bool(style.rng.random() < 0.15), bool(style.rng.random() < 0.85)
    axes = style.axes(width=1.0 if boxed_inside or style.width_px > 1000 else 1.4)
    _hollow_points(truth, style, axes)
    style.curve(axes, truth.amplitude, truth.fit.at(truth.amplitude), label="_fit")
    if boxed_inside:
        low, high = axes.get_ylim()
        axes.set_ylim(low, high + 0.4 * (high - low))
    if heavy:
        axes.spines[:].set_linewidth(2.5)
        axes.tick_params(width=2.0)
    _print_fit(truth, axes, inside=boxed_inside)
    name = f"QB{truth.qubit}"
    style.dress(
        axes,
        title=str(
            style.rng.choice(
                [f"{name} excited state probability vs pulse amplitude", f"{name}: amplitude Rabi"]
            )
        ),
        x_label=str(style.rng.choice([f"PRX({name}) pulse i channel\namplitude []", "Pulse amplitude []"])),
        y_label=str(style.rng.choice([f"{name} excited state probability\n[]", f"P(1) of {name} []"])),
    )
    axes.title.set_fontsize("medium")
    features = (
        f"The excited-state probability of {name} is shown as {style.data.name} open markers against pulse amplitude.",
        f"The line in {style.fit.name} is a fitted sinusoid, and a box lists its offset, period and amplitude.",
        f"The probability lies between about {truth.lowest:z.2f} and {truth.highest:.2f}.",
        _pattern(truth),
    )
    return (style.drawing(axes, plot_type=PlotType.SCATTER, features=features),)


def _hollow_points(truth: Truth, style: Style, axes: Axes) -> None:
    axes.plot(
        truth.amplitude,
        truth.population,
        style.marker if style.marker != "." else "o",
        markerfacecolor="none",
        markeredgecolor=style.data.code,
        markeredgewidth=2.0,
        markersize=style.marker_size,
        zorder=3,
    )


def _print_fit(truth: Truth, axes: Axes, *, inside: bool) -> None:
    """Draw the fitted values in a box, in the plot's upper right corner or next to the plot."""
    names = ("offset", "period", "pop_amplitude")
    values = [_printed(value, error) for value, error in zip(truth.fit.values, truth.fit.errors, strict=True)]
    lines = [
        f"Fit to QB{truth.qubit}_excited_state_probability:",
        *(f"{name}: {value}" for name, value in zip(names, values, strict=True)),
    ]
    axes.text(
        0.98 if inside else 1.01,
        0.97 if inside else 1.0,
        "\n".join(lines),
        transform=axes.transAxes,
        horizontalalignment="right" if inside else "left",
        verticalalignment="top",
        bbox={"facecolor": axes.get_facecolor(), "edgecolor": "lightgray", "alpha": 0.9},
    )


def _printed(value: float, error: float) -> str:
    """Return a value as text, with its error unless the data do not constrain it."""
    return (
        measured(value, error, digits=2).plus_minus.replace(" ", "")
        if 0.0 < error < np.inf
        else f"{value:.3g}"
    )


def _pattern(truth: Truth) -> str:
    if not _complete(truth):
        return f"The response is smooth and covers only about {truth.periods:.1f} of an oscillation."
    if _detuned(truth):
        return (
            "The first oscillation is weak and later ones are larger, and the sinusoid does not follow them."
        )
    if not _tracked(truth):
        return (
            f"The points oscillate about {truth.periods:.1f} times and scatter far above and below the curve."
        )
    return f"About {truth.periods:.1f} oscillations are visible, and the curve follows them."


def _parameters(truth: Truth) -> JSON:
    detuned = _complete(truth) and _detuned(truth)
    return {
        "periods_visible": round(truth.periods, 1),
        "amplitude_decay": "growing" if detuned else "stable",
        "signal_quality": "distorted" if detuned else "clean" if _tracked(truth) else "noisy",
    }


FAMILY: Family[Truth] = Family(
    name="rabi_hw",
    criteria={
        "SUCCESS": lambda truth: _complete(truth) and not _detuned(truth) and _tracked(truth),
        "FIT_POOR": lambda truth: _complete(truth) and not _detuned(truth) and not _tracked(truth),
        "OFF_RESONANCE": lambda truth: _complete(truth) and _detuned(truth),
        "RANGE_TOO_NARROW": lambda truth: not _complete(truth),
    },
    # If a sweep ends in mid-oscillation, the eye counts to half a period; a miscount by one is half right.
    field_rules={
        "periods_visible": {"type": "count_float", "tol_full": 0.5, "tol_half": 1.0},
        "amplitude_decay": {"type": "enum"},
        "signal_quality": {"type": "enum"},
    },
    draw=in_trace_look(
        _draw,
        inks=(TAB_BLUE, TAB_ORANGE, TAB_BLUE),
        size_px=(1270, 950),
        font_size=10.0,
        marker_size=5.5,
        gridded=False,
    ),
    parameters=_parameters,
    scenarios=(
        Scenario(
            name="rabi_hw_failure_incorrect_fit",
            status="FIT_POOR",
            outcome=OutcomeLabel.SUBOPTIMAL,
            assessment=Assessment.UNRELIABLE,
            simulate=partial(_simulate, periods=(3.8, 7.5), saturation=(0.25, 0.6)),
        ),
        Scenario(
            name="rabi_hw_failure_insufficient_amplitude_range",
            status="RANGE_TOO_NARROW",
            outcome=OutcomeLabel.SUBOPTIMAL,
            assessment=Assessment.UNRELIABLE,
            simulate=partial(_simulate, periods=(0.35, 0.8)),
        ),
        # the frequency of the qubit, an earlier step, is off: anomalous, like a detuned drive of
        # microwave_ramsey
        Scenario(
            name="rabi_hw_failure_off_resonant_drive",
            status="OFF_RESONANCE",
            outcome=OutcomeLabel.ANOMALOUS,
            assessment=Assessment.UNRELIABLE,
            simulate=partial(_simulate, periods=(1.8, 3.2), detuning_rad=(2.4, 4.2)),
        ),
        Scenario(
            name="rabi_hw_success",
            status="SUCCESS",
            outcome=OutcomeLabel.EXPECTED,
            assessment=Assessment.RELIABLE,
            simulate=partial(_simulate, periods=(1.2, 4.0)),
        ),
    ),
)
