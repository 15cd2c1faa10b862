"""DRAG calibration: <Z> after two pulse sequences against the inverse DRAG coefficient 1/alpha.

The derivative quadrature of a DRAG pulse cancels the phase error from the third level at one value of 1/alpha
(Motzoi et al., Phys. Rev. Lett. 103, 110501, 2009). The sequences X90-Y180 and Y90-X180 turn a phase error
phi into <Z> = +sin(phi) and -sin(phi) (Reed, PhD thesis, Yale 2013, on tuning up pulses); phi is linear in
the distance from the optimum. So the two curves cross there and are straight lines nearby.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.random import Generator

from scoring.field_rules import UNRELIABLE
from scoring.reference import JSON
from synthetic.drawing.style import BLACK, Drawing, PlotType, Style
from synthetic.drawing.trace_looks import PURE_BLUE, PURE_RED, in_trace_look
from synthetic.family import Assessment, Family, OutcomeLabel, Scenario
from synthetic.physics.fitting import Fit, fit
from synthetic.physics.readout import Floats, expectation_z, measured_population, signal_free

Range = tuple[float, float]

ALPHA = "\N{GREEK SMALL LETTER ALPHA}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """One DRAG calibration: ``optimum`` is the 1/alpha of the crossing; nan if no pulse reaches the qubit."""

    alpha_inv: Floats
    z_first: Floats
    z_second: Floats
    optimum: float
    fit_first: Fit
    fit_second: Fit

    @property
    def window(self) -> float:
        """The width of the sweep."""
        return float(self.alpha_inv[-1] - self.alpha_inv[0])

    @property
    def count(self) -> int:
        """How many values of 1/alpha were swept."""
        return len(self.alpha_inv)

    @property
    def place(self) -> float:
        """Where the fitted lines cross: 0 is the beginning of the sweep, 1 its end."""
        return (self.fitted_optimum - float(self.alpha_inv[0])) / self.window

    @property
    def fitted_optimum(self) -> float:
        """Where the two fitted lines cross."""
        (offset_1, slope_1), (offset_2, slope_2) = self.fit_first.values, self.fit_second.values
        return (offset_2 - offset_1) / (slope_1 - slope_2)

    @property
    def scatter(self) -> float:
        """Root mean square distance of all points from their lines."""
        return float(np.hypot(self.fit_first.residual_rms, self.fit_second.residual_rms) / np.sqrt(2.0))

    @property
    def highest(self) -> float:
        """The highest value of <Z>."""
        return float(max(self.z_first.max(), self.z_second.max()))

    @property
    def lowest(self) -> float:
        """The lowest value of <Z>."""
        return float(min(self.z_first.min(), self.z_second.min()))

    @property
    def upper(self) -> float:
        """The mean of the data set that lies higher."""
        return float(max(self.z_first.mean(), self.z_second.mean()))

    @property
    def lower(self) -> float:
        """The mean of the data set that lies lower."""
        return float(min(self.z_first.mean(), self.z_second.mean()))

    @property
    def change(self) -> float:
        """The change of <Z> along a line over the sweep; the mean of both lines."""
        return (abs(self.fit_first.values[1]) + abs(self.fit_second.values[1])) / 2.0 * self.window

    @property
    def explained(self) -> float:
        """The share of the variance that the lines explain; the mean of both."""
        return (self.fit_first.r_squared + self.fit_second.r_squared) / 2.0

    @property
    def beyond(self) -> int:
        """The number of values of 1/alpha beyond the crossing, on its shorter side."""
        left = int(np.sum(self.alpha_inv < self.fitted_optimum))
        return min(left, self.count - left)

    @property
    def separation(self) -> float:
        """The largest distance between the two fitted lines within the sweep."""
        ends = self.alpha_inv[[0, -1]]
        return float(np.abs(self.fit_first.at(ends) - self.fit_second.at(ends)).max())

    @property
    def side(self) -> str:
        """On which side of the sweep's centre the optimum lies."""
        return "left" if self.place < 0.5 else "right"

    @property
    def centred_sweep(self) -> str:
        """A sweep of the same width, centred on the optimum."""
        return f"({self.optimum - self.window / 2:.2g}, {self.optimum + self.window / 2:.2g})"

    @property
    def mirrored_sweep(self) -> str:
        """A sweep of twice the width around zero, to start again from."""
        return f"({-self.window:.2g}, {self.window:.2g})"

    @property
    def fitted(self) -> str:
        """The crossing of the lines as text."""
        return f"{self.fitted_optimum:.4f}"

    @property
    def begin(self) -> str:
        """The sweep's first value as text."""
        return f"{self.alpha_inv[0]:.4f}"

    @property
    def end(self) -> str:
        """The sweep's last value as text."""
        return f"{self.alpha_inv[-1]:.4f}"


def _line(x: Floats, offset: float, slope: float) -> Floats:
    return offset + slope * x


def _sweep(rng: Generator) -> Floats:
    """Draw negative values of 1/alpha, from the same distribution for all scenarios."""
    width = float(np.exp(rng.uniform(np.log(0.004), np.log(0.09))))
    begin = -width * float(rng.uniform(1.03, 2.6))
    return np.linspace(begin, begin + width, int(rng.integers(18, 25)))


def _simulate(rng: Generator, *, place: Range, relative_noise: Range) -> Truth:
    """Simulate; ``place``: of the optimum in the sweep, 0 to 1; ``relative_noise``: a point's, over phi's range."""
    alpha_inv = _sweep(rng)
    width = float(alpha_inv[-1] - alpha_inv[0])
    optimum = float(alpha_inv[0]) + width * float(rng.uniform(*place))
    span = float(rng.uniform(0.25, 1.1))
    shots = round(1.0 / (span * float(rng.uniform(*relative_noise))) ** 2)
    return _measured(rng, alpha_inv, span * (alpha_inv - optimum) / width, optimum=optimum, shots=shots)


def _simulate_far_offset(rng: Generator) -> Truth:
    """Simulate a sweep over which phi is about a quarter turn: both curves are flat and far apart.

    The optimum is negative, so that it can lie above the sweep only if there is room.
    """
    alpha_inv = _sweep(rng)
    width, middle = float(alpha_inv[-1] - alpha_inv[0]), float(alpha_inv.mean())
    room = -middle / width
    above = room > 1.35 and rng.random() < 0.8
    distance = float(rng.uniform(1.3, room)) if above else -float(rng.uniform(1.5, 4.0))
    phase = float(rng.uniform(1.3, 1.75)) * (1.0 + (middle - alpha_inv) / (distance * width))
    return _measured(
        rng, alpha_inv, phase, optimum=middle + distance * width, shots=int(rng.integers(60, 500))
    )


def _measured(rng: Generator, alpha_inv: Floats, phase: Floats, *, optimum: float, shots: int) -> Truth:
    error, sign = float(rng.uniform(0.01, 0.06)), float(rng.choice([-1.0, 1.0]))
    traces = [
        expectation_z(measured_population(rng, (1.0 - z) / 2.0, shots=shots, error_0=error, error_1=error))
        for z in (sign * np.sin(phase), -sign * np.sin(phase))
    ]
    return _fitted(alpha_inv, *traces, optimum=optimum)


def _simulate_no_signal(rng: Generator) -> Truth:
    """Simulate that no pulse reaches the qubit: both traces are noise around 0."""
    alpha_inv, shots = _sweep(rng), int(rng.integers(10, 40))
    traces = [signal_free(rng, len(alpha_inv), shots=shots) for _ in range(2)]
    return _fitted(alpha_inv, *traces, optimum=float("nan"))


def _fitted(alpha_inv: Floats, first: Floats, second: Floats, *, optimum: float) -> Truth:
    fit_first, fit_second = (
        fit(_line, alpha_inv, first, (0.0, 0.0)),
        fit(_line, alpha_inv, second, (0.0, 0.0)),
    )
    assert fit_first is not None  # noqa: S101 - a line always converges
    assert fit_second is not None  # noqa: S101
    return Truth(
        alpha_inv=alpha_inv,
        z_first=first,
        z_second=second,
        optimum=optimum,
        fit_first=fit_first,
        fit_second=fit_second,
    )


def _signal(truth: Truth) -> bool:
    """Return whether the lines are farther apart than the points scatter, somewhere in the sweep."""
    return truth.separation > 3.0 * truth.scatter


def _crossing_seen(truth: Truth) -> bool:
    """Return whether the lines cross within the sweep."""
    return 0.0 <= truth.place <= 1.0


def _centred(truth: Truth) -> bool:
    """Return whether the lines cross in the middle half of the sweep."""
    return 0.25 <= truth.place <= 0.75


def _draw(truth: Truth, style: Style) -> tuple[Drawing, ...]:
    axes = style.axes()
    for z, line, ink in (
        (truth.z_first, truth.fit_first, style.data),
        (truth.z_second, truth.fit_second, style.second),
    ):
        style.points(axes, truth.alpha_inv, z, label="_data", ink=ink)
        style.curve(axes, truth.alpha_inv, line.at(truth.alpha_inv), label="_fit", ink=ink)
    replace(style, has_legend=False).dress(
        axes,
        title=str(style.rng.choice(["DRAG Calibration", "DRAG Calibration", "DRAG coefficient sweep"])),
        x_label=str(style.rng.choice([f"1/{ALPHA} (Inverse DRAG coefficient)"] * 2 + [f"1/{ALPHA}"])),
        y_label=str(style.rng.choice(["<z>", "<z>", "<Z>", "⟨Z⟩"])),
    )
    features = (
        f"<Z> is shown against 1/alpha in two data sets, {style.data.name} and {style.second.name}.",
        "A straight line in the same colour is fitted to each data set.",
        f"1/alpha runs from about {truth.begin} to {truth.end}.",
        _crossing(truth),
    )
    return (style.drawing(axes, plot_type=PlotType.SCATTER, features=features),)


def _crossing(truth: Truth) -> str:
    if not _signal(truth):
        return "Both data sets scatter widely around zero without a trend, and their lines are nearly flat."
    if not _crossing_seen(truth):
        return "The two lines are nearly flat and far apart and do not cross within the sweep."
    place = "near the centre" if _centred(truth) else f"near the {truth.side} edge"
    return f"The two lines have opposite slopes and cross at about {truth.fitted}, {place} of the sweep."


def _parameters(truth: Truth) -> JSON:
    seen = _signal(truth) and _crossing_seen(truth)
    return {
        "optimal_alpha_inv": float(f"{truth.fitted_optimum:.2g}") if seen else UNRELIABLE,
        "intersection_clear": seen,
    }


FAMILY: Family[Truth] = Family(
    name="drag",
    criteria={
        "SUCCESS": lambda truth: _signal(truth) and _crossing_seen(truth) and _centred(truth),
        "NO_SIGNAL": lambda truth: not _signal(truth),
        "OPTIMAL_NOT_CENTERED": lambda truth: _signal(truth) and not _centred(truth),
    },
    # The crossing can be read to a marker's width or two, 1 to 3% of the sweep; it is about as far from zero
    # as the sweep is wide, mostly from half to twice that.
    field_rules={
        "optimal_alpha_inv": {"type": "pct", "tol_full": 0.05, "tol_half": 0.15},
        "intersection_clear": {"type": "bool"},
    },
    draw=in_trace_look(
        _draw,
        inks=(PURE_BLUE, PURE_RED, BLACK),
        font_size=10.0,
        marker_size=6.5,
        line_width=1.5,
        alpha=0.5,
        gridded=False,
    ),
    parameters=_parameters,
    scenarios=(
        Scenario(
            name="drag_failure_no_signal",
            status="NO_SIGNAL",
            outcome=OutcomeLabel.APPARATUS,
            assessment=Assessment.UNRELIABLE,
            simulate=_simulate_no_signal,
        ),
        Scenario(
            name="drag_failure_position_far_offset",
            status="OPTIMAL_NOT_CENTERED",
            outcome=OutcomeLabel.SUBOPTIMAL,
            assessment=Assessment.UNRELIABLE,
            simulate=_simulate_far_offset,
            telling=lambda truth: not _crossing_seen(truth),
        ),
        # first and last quarter: labelled like the far offset, with the same status; in Q5 the crossing is
        # visible
        Scenario(
            name="drag_failure_position_first_quarter",
            status="OPTIMAL_NOT_CENTERED",
            outcome=OutcomeLabel.SUBOPTIMAL,
            assessment=Assessment.UNRELIABLE,
            simulate=partial(_simulate, place=(0.1, 0.16), relative_noise=(0.03, 0.09)),
            telling=lambda truth: _crossing_seen(truth) and truth.place < 0.25,
        ),
        Scenario(
            name="drag_failure_position_last_quarter",
            status="OPTIMAL_NOT_CENTERED",
            outcome=OutcomeLabel.SUBOPTIMAL,
            assessment=Assessment.UNRELIABLE,
            simulate=partial(_simulate, place=(0.84, 0.9), relative_noise=(0.03, 0.09)),
            telling=lambda truth: _crossing_seen(truth) and truth.place > 0.75,
        ),
        Scenario(
            name="drag_success",
            status="SUCCESS",
            outcome=OutcomeLabel.EXPECTED,
            assessment=Assessment.RELIABLE,
            simulate=partial(_simulate, place=(0.31, 0.69), relative_noise=(0.03, 0.15)),
        ),
    ),
)
