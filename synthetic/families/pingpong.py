"""PingPong: <Z> after a pi/2 pulse and an even number of pi pulses about the same axis, against their number.

Rotations about one axis add up (Nielsen & Chuang, Quantum Computation and Quantum Information, section 4.2):
with an angle of pi + e for each pi pulse, and half of that for the first pulse, N pulses leave <Z> = -sin((N
+ 1/2) e). So a small error grows linearly with N; its sign shows whether the amplitude is too large or too
small. Decoherence during the pulses reduces it by exp(-N / N0): pulses that swap the states average
relaxation to <Z> = 0. If no pulse reaches the qubit, it stays in the ground state, <Z> = +1. A straight line
is fitted.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.random import Generator

from scoring.reference import JSON
from synthetic.drawing.style import RED, Drawing, PlotType, Style
from synthetic.drawing.trace_looks import in_trace_look
from synthetic.drawing.usual_looks import TAB_BLUE, TAB_ORANGE
from synthetic.family import Assessment, Family, OutcomeLabel, Scenario
from synthetic.physics.fitting import Fit, fit
from synthetic.physics.readout import Floats, expectation_z, measured_population

Range = tuple[float, float]

SMALL_RAD = 0.5
"""An accumulated error up to this is small: its sine differs from it by less than 5%, so a line describes it."""
MODERATE_TURNS = 1.5
"""Above this number of turns the pulse is far from a pi pulse: <Z> swings instead of drifting slowly."""
RESOLVED = 0.4
"""The largest number of turns between two points: below Nyquist's half turn, so that the eye can follow."""
SWEEPS = (
    (40, 4),
    (48, 8),
    (60, 10),
    (64, 8),
    (70, 10),
    (80, 8),
    (80, 10),
    (90, 10),
    (100, 10),
    (120, 20),
    (160, 20),
)
"""The last number of pulses and the step: 7 to 11 points."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """One PingPong calibration.

    Each pi pulse turns ``error_rad`` too far; if not ``driven``, none turns the qubit.
    """

    pulses: Floats
    z: Floats
    error_rad: float
    driven: bool
    shots: int
    fit: Fit

    @property
    def last(self) -> int:
        """The largest number of pulses."""
        return int(self.pulses[-1])

    @property
    def accumulated_rad(self) -> float:
        """The size of the error after the last pulse."""
        return abs(self.error_rad) * (self.last + 0.5)

    @property
    def turns(self) -> float:
        """The same in full turns."""
        return self.accumulated_rad / (2.0 * np.pi)

    @property
    def turns_back(self) -> bool:
        """Whether the error exceeds a quarter turn, at which |<Z>| is largest."""
        return self.accumulated_rad > np.pi / 2.0

    @property
    def slope(self) -> float:
        """The slope of the fitted line per pulse."""
        return self.fit.values[1]

    @property
    def change(self) -> float:
        """The change of <Z> along the fitted line, from the first to the last pulse."""
        return self.slope * self.last

    @property
    def count(self) -> int:
        """The number of points."""
        return len(self.pulses)

    @property
    def final_z(self) -> float:
        """<Z> after the last pulse."""
        return float(self.z[-1])

    @property
    def lowest(self) -> float:
        """The lowest value of <Z>."""
        return float(self.z.min())

    @property
    def highest(self) -> float:
        """The highest value of <Z>."""
        return float(self.z.max())

    @property
    def misfit(self) -> float:
        """The largest distance of a point from the line."""
        return float(np.abs(self.z - self.fit.at(self.pulses)).max())

    @property
    def fewer(self) -> int:
        """The number of pulses after which the error is at most a tenth of a turn."""
        return max(2 * round(0.05 * self.last / max(self.turns, 0.05)), 2)

    @property
    def error_percent(self) -> float:
        """The size of the error in percent of pi, which equals that of the amplitude's error."""
        return 100.0 * abs(self.error_rad) / np.pi

    @property
    def sign(self) -> str:
        """Whether the pulse turns too far or not far enough, as a verb."""
        return "over-rotates" if self.error_rad > 0.0 else "under-rotates"

    @property
    def remedy(self) -> str:
        """The change of the amplitude that is needed, as a verb."""
        return "lower" if self.error_rad > 0.0 else "raise"

    @property
    def trend(self) -> str:
        """The direction in which <Z> moves first, as a verb."""
        return "falls" if self.error_rad > 0.0 else "rises"


def _line(x: Floats, offset: float, slope: float) -> Floats:
    return offset + slope * x


def _simulate(rng: Generator, *, turns: Range, driven: bool = True) -> Truth:
    """Experiment and fit; ``turns``: of the error after the last pulse, as far as the points resolve them."""
    last, step = SWEEPS[rng.integers(len(SWEEPS))]
    pulses = np.arange(0.0, last + 1.0, step)
    accumulated_rad = 2.0 * np.pi * rng.uniform(turns[0], min(turns[1], RESOLVED * (len(pulses) - 1)))
    error_rad = float(accumulated_rad * rng.choice([-1.0, 1.0])) / (last + 0.5)
    shots, error_0, error_1 = (
        int(rng.integers(1500, 20000)),
        rng.uniform(0.005, 0.03),
        rng.uniform(0.01, 0.06),
    )
    turned = -np.sin((pulses + 0.5) * error_rad) * np.exp(-pulses / (last * rng.uniform(2.5, 20.0)))
    z = turned if driven else np.ones_like(pulses)
    population = measured_population(rng, (1.0 - z) / 2.0, shots=shots, error_0=error_0, error_1=error_1)
    fitted = fit(_line, pulses, expectation_z(population), (0.0, 0.0))
    assert fitted is not None  # noqa: S101 - a line always converges
    return Truth(
        pulses=pulses,
        z=expectation_z(population),
        error_rad=error_rad if driven else 0.0,
        driven=driven,
        shots=shots,
        fit=fitted,
    )


def _started(truth: Truth) -> bool:
    """Return whether the first pulse brought the qubit near the equator."""
    return float(truth.z[0]) < 0.5


def _draw(truth: Truth, style: Style) -> tuple[Drawing, ...]:
    axes = style.axes()
    style.points(axes, truth.pulses, truth.z, label="Data")
    style.curve(axes, truth.pulses, truth.fit.at(truth.pulses), label="Linear Fit")
    axes.set_ylim(-1.1, 1.1)
    style.dress(
        axes,
        title=str(style.rng.choice(["Ping-Pong Amplitude Calibration", "PingPong amplitude calibration"])),
        x_label=str(style.rng.choice(["Pulse Count", "Number of pi pulses"])),
        y_label=str(style.rng.choice(["⟨Z⟩ Expectation", "⟨Z⟩", "<Z>"])),
    )
    features = (
        f"<Z> is shown as {style.data.name} {style.marker_name} for up to {truth.last} pulses.",
        f"A straight line in {style.fit.name} is fitted to the points.",
        f"<Z> begins near {truth.z[0]:z.2f} and ends near {truth.z[-1]:z.2f}.",
        _course(truth),
    )
    return (style.drawing(axes, plot_type=PlotType.SCATTER, features=features),)


def _course(truth: Truth) -> str:
    if not _started(truth):
        return "The points stay close to +1 at every number of pulses."
    if truth.accumulated_rad < SMALL_RAD:
        return f"The points follow a slightly sloped line: <Z> {truth.trend} slowly and stays close to zero."
    if truth.turns >= MODERATE_TURNS:
        return f"The points oscillate through about {truth.turns:.1f} periods, and the line misses them."
    if truth.accumulated_rad > np.pi:
        return f"<Z> first {truth.trend}, then swings through zero to the other side; the line misses this."
    if truth.turns_back:
        return f"<Z> first {truth.trend} to an extremum and then turns back towards zero, unlike the line."
    return f"<Z> {truth.trend} along a bent curve, which the line only roughly follows."


def _parameters(truth: Truth) -> JSON:
    """Return Q5's reference; the slope is null unless there is a response that does not turn back."""
    described = _started(truth) and not truth.turns_back
    return {
        "error_per_gate": float(f"{truth.slope:.2g}") if described else None,
        "accumulation_type": "none"
        if not _started(truth)
        else "oscillatory"
        if truth.turns_back
        else "linear",
    }


FAMILY: Family[Truth] = Family(
    name="pingpong",
    criteria={
        "SUCCESS": lambda truth: _started(truth) and truth.accumulated_rad < SMALL_RAD,
        "NO_EXCITATION": lambda truth: not _started(truth),
        "MODERATE_ERROR": lambda truth: (
            _started(truth) and truth.accumulated_rad >= SMALL_RAD and truth.turns < MODERATE_TURNS
        ),
        "LARGE_ERROR": lambda truth: _started(truth) and truth.turns >= MODERATE_TURNS,
    },
    # Both ends of the line can be read to a pixel or two, 0.01 of <Z>: 5 to 15% of the change in a success.
    field_rules={
        "error_per_gate": {"type": "pct", "tol_full": 0.2, "tol_half": 0.5},
        "accumulation_type": {"type": "enum"},
    },
    draw=in_trace_look(_draw, inks=(TAB_BLUE, TAB_ORANGE, RED), marker_size=7.5),
    parameters=_parameters,
    scenarios=(
        Scenario(
            name="pingpong_failure_large_error",
            status="LARGE_ERROR",
            outcome=OutcomeLabel.ANOMALOUS,
            assessment=Assessment.UNRELIABLE,
            simulate=partial(_simulate, turns=(1.9, 3.8)),
        ),
        # a swing that turns back, of at most about a turn; about a quarter turn, which could be either, is
        # left out
        Scenario(
            name="pingpong_failure_moderate_error",
            status="MODERATE_ERROR",
            outcome=OutcomeLabel.SUBOPTIMAL,
            assessment=Assessment.UNRELIABLE,
            simulate=partial(_simulate, turns=(0.36, 1.2)),
        ),
        # the readout works, but an earlier step, frequency or drive, does not: labelled like
        # gmm_failure_no_excitation
        Scenario(
            name="pingpong_failure_no_excitation",
            status="NO_EXCITATION",
            outcome=OutcomeLabel.ANOMALOUS,
            assessment=Assessment.UNRELIABLE,
            simulate=partial(_simulate, turns=(0.0, 0.0), driven=False),
        ),
        Scenario(
            name="pingpong_success_well_calibrated",
            status="SUCCESS",
            outcome=OutcomeLabel.EXPECTED,
            assessment=Assessment.RELIABLE,
            simulate=partial(_simulate, turns=(0.008, 0.05)),
        ),
    ),
)
