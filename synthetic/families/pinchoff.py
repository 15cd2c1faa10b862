"""Pinch-off: the current of electrons on helium through a gated channel, against the index of the gate voltage.

A barrier that the gate raises passes electrons by thermal activation, so its resistance grows as exp(barrier
/ kT) (thermionic emission; Sze & Ng, Physics of Semiconductor Devices, chapter 3). In series with the rest of
the channel this gives I = I_open / (1 + exp((i - midpoint) / width)); I_open falls linearly, because the
gate's capacitance thins out the electrons. Such a point contact on helium: Rees et al., Phys. Rev. Lett. 106,
026803 (2011). The lock-in amplifier adds Gaussian noise. A trace of noise alone also has drifts, and a charge
nearby that jumps between two places (random telegraph noise; Machlup, J. Appl. Phys. 25, 341, 1954).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.random import Generator

from scoring.reference import JSON
from synthetic.drawing.atom_looks import in_atom_look
from synthetic.drawing.style import Drawing, PlotType, Style
from synthetic.drawing.trace_looks import TRACE_INKS, TRACE_PX
from synthetic.family import Assessment, Family, OutcomeLabel, Scenario
from synthetic.physics.readout import Floats

Range = tuple[float, float]

KNEE = math.log(9.0)
"""Distance from the midpoint, in widths, at which the barrier passes 90% or 10%."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """One trace, in arbitrary units of current.

    ``midpoint`` and ``width`` are in indices; inf without a transition.
    """

    current: Floats
    midpoint: float
    width: float
    noise: float

    @property
    def last_index(self) -> int:
        """The last index of the gate voltage; the first is 0."""
        return len(self.current) - 1

    @property
    def high(self) -> float:
        """The mean current of the first three points."""
        return float(self.current[:3].mean())

    @property
    def low(self) -> float:
        """The mean current of the last three points."""
        return float(self.current[-3:].mean())

    @property
    def left(self) -> float:
        """The ratio of the current at the end to that at the beginning."""
        return self.low / self.high

    @property
    def lowest(self) -> float:
        """The lowest current."""
        return float(self.current.min())

    @property
    def highest(self) -> float:
        """The highest current."""
        return float(self.current.max())

    @property
    def mean(self) -> float:
        """The mean current."""
        return float(self.current.mean())

    @property
    def spread(self) -> float:
        """The standard deviation of all currents."""
        return float(self.current.std())

    @property
    def steepness(self) -> float:
        """The number of indices over which the current falls from 90% to 10%."""
        return 2.0 * KNEE * self.width

    @property
    def settled(self) -> int:
        """How many points are on the low plateau."""
        return self.last_index - self.cut_off_index + 1

    @property
    def saturation_index(self) -> int:
        """The last index on the high plateau."""
        return math.floor(self.midpoint - KNEE * self.width)

    @property
    def transition_index(self) -> int:
        """The index nearest to the middle of the fall."""
        return round(self.midpoint)

    @property
    def cut_off_index(self) -> int:
        """The first index on the low plateau."""
        return math.ceil(self.midpoint + KNEE * self.width)

    @property
    def needed_index(self) -> int:
        """The index up to which a sweep would show the low plateau."""
        return math.ceil(self.midpoint + 2.0 * KNEE * self.width)


def _index(rng: Generator) -> Floats:
    """Draw the gate indices, from the same distribution for all scenarios."""
    return np.arange(int(rng.choice([31, 36, 41, 51])), dtype=np.float64)


def _simulate(
    rng: Generator, *, floor: Range, width: Range = (0.25, 1.2), widths_beyond: Range | None = None
) -> Truth:
    """A pinch-off.

    ``floor``: the current of a closed channel, as a share of that of an open one, from a leak or a wrong
        zero;
    ``widths_beyond``: how far, in widths, the midpoint lies beyond the end of the sweep; within the sweep if
        None.
    """
    index = _index(rng)
    spread, end = float(rng.uniform(*width)), float(index[-1])
    inside = rng.uniform(6.0, 0.7 * end)
    midpoint = float(inside if widths_beyond is None else end + spread * rng.uniform(*widths_beyond))
    full = float(rng.uniform(150.0, 800.0))
    noise = full * float(rng.uniform(0.003, 0.02))
    thinned = 1.0 - float(rng.uniform(0.0, 0.3)) * index / midpoint
    opened = thinned / (1.0 + np.exp((index - midpoint) / spread))
    share = float(rng.uniform(*floor))
    # a leak or an offset lifts or lowers the whole trace; full is the current at the start
    current = full * (share + (1.0 - share) * opened) + rng.normal(0.0, noise, size=len(index))
    return Truth(current=current, midpoint=midpoint, width=spread, noise=noise)


def _simulate_no_transition(rng: Generator) -> Truth:
    """Simulate a gate without effect: the channel stays open, or there are no electrons, and the trace is noise."""
    index = _index(rng)
    level = float(rng.uniform(100.0, 600.0) if rng.random() < 0.8 else rng.uniform(-3.0, 3.0))
    noise = max(abs(level), 200.0) * float(rng.uniform(0.02, 0.06))
    jumped = np.cumsum(rng.random(len(index)) < rng.uniform(0.05, 0.2)) % 2
    drift = np.cumsum(rng.normal(0.0, 0.1, len(index)))
    slow = noise * (float(rng.uniform(-2.5, 2.5)) * jumped + drift - drift.mean())
    return Truth(
        current=level + slow + rng.normal(0.0, noise, size=len(index)),
        midpoint=math.inf,
        width=1.0,
        noise=noise,
    )


def _falling(truth: Truth) -> bool:
    return truth.high - truth.low > 9.0 * truth.noise


def _rising(truth: Truth) -> bool:
    return truth.low - truth.high > 9.0 * truth.noise


def _pinched(truth: Truth) -> bool:
    """Return whether the current falls and settles, with at least four points on the low plateau."""
    return _falling(truth) and truth.cut_off_index <= truth.last_index - 3


def _near_zero(truth: Truth) -> bool:
    """Return whether less than an eighth of the current is left, of either sign."""
    return abs(truth.left) < 0.125


def _draw(truth: Truth, style: Style) -> tuple[Drawing, ...]:
    index, marked = np.arange(len(truth.current)), bool(style.rng.random() < 0.85)
    axes = style.axes()
    style.curve(axes, index, truth.current, label="_Current", ink=style.data)
    if marked:
        style.points(axes, index, truth.current, label="_Current")
    style.dress(
        axes,
        title=str(style.rng.choice(["Pinch-off Trace", "Pinch-off", "Pinch-off Trace", "Gate sweep"])),
        x_label=str(
            style.rng.choice(["Gate Voltage Index", "Gate voltage index", "Gate Voltage Index", "Gate index"])
        ),
        y_label=str(style.rng.choice(["Current (a.u.)", "Current (a.u.)", "Lock-in current (a.u.)"])),
    )
    marks = f" with {style.marker_name}" if marked else ""
    features = (
        f"The current is shown as a {style.data.name} line{marks} against the gate index.",
        f"The gate index runs from 0 to {truth.last_index}.",
        f"The current lies between about {truth.lowest:.0f} and {truth.highest:.0f}.",
        _course(truth),
    )
    return (style.drawing(axes, plot_type=PlotType.LINE, features=features),)


def _course(truth: Truth) -> str:
    if not _falling(truth):
        return "The current fluctuates strongly from point to point, without a clear and lasting fall."
    if not _pinched(truth):
        return "The current begins to fall late in the sweep and is still falling at its end."
    if _near_zero(truth):
        return f"The current falls steeply around index {truth.transition_index} and then stays near zero."
    place = "a positive value well above zero" if truth.left > 0.0 else "a negative value, below zero"
    return f"The current falls steeply around index {truth.transition_index} and then stays at {place}."


def _parameters(truth: Truth) -> JSON:
    """Return Q5's reference, all null unless both plateaus are visible: else knees and midpoint are undefined."""
    known = _pinched(truth)
    return {
        "cut_off_index": truth.cut_off_index if known else None,
        "transition_index": truth.transition_index if known else None,
        "saturation_index": truth.saturation_index if known else None,
    }


FAMILY: Family[Truth] = Family(
    name="pinchoff",
    criteria={
        "SUCCESS": lambda truth: _pinched(truth) and _near_zero(truth),
        "INVERTED": _rising,
        "INCOMPLETE": lambda truth: _falling(truth) and not _pinched(truth),
        "NO_TRANSITION": lambda truth: not _falling(truth) and not _rising(truth),
        "NEGATIVE_OFFSET": lambda truth: _pinched(truth) and not _near_zero(truth) and truth.left < 0.0,
        "POSITIVE_OFFSET": lambda truth: _pinched(truth) and not _near_zero(truth) and truth.left > 0.0,
    },
    # The knees of a rounded step can be read to a point or two, and the midpoint falls between two points.
    field_rules={
        "cut_off_index": {"type": "int_count", "tol_full": 1, "tol_half": 2},
        "transition_index": {"type": "int_count", "tol_full": 1, "tol_half": 2},
        "saturation_index": {"type": "int_count", "tol_full": 1, "tol_half": 2},
    },
    draw=in_atom_look(_draw, inks=TRACE_INKS, size_px=TRACE_PX, serif=0.0, font_size=11.0, gridded=True),
    parameters=_parameters,
    scenarios=(
        Scenario(
            name="pinchoff_failure_incomplete_transition",
            status="INCOMPLETE",
            outcome=OutcomeLabel.SUBOPTIMAL,
            assessment=Assessment.NO_FIT,
            simulate=partial(_simulate, floor=(0.0, 0.085), width=(0.8, 3.5), widths_beyond=(-0.5, 0.6)),
        ),
        Scenario(
            name="pinchoff_failure_noisy_no_transition",
            status="NO_TRANSITION",
            outcome=OutcomeLabel.APPARATUS,
            assessment=Assessment.NO_FIT,
            simulate=_simulate_no_transition,
        ),
        # there is a signal, unlike in noisy_no_transition, and another sweep would not help, unlike in
        # incomplete_transition: the zero of the current has to be calibrated first, or a leak of the device
        # stopped
        Scenario(
            name="pinchoff_failure_stabilize_negative",
            status="NEGATIVE_OFFSET",
            outcome=OutcomeLabel.ANOMALOUS,
            assessment=Assessment.NO_FIT,
            simulate=partial(_simulate, floor=(-0.7, -0.2)),
        ),
        Scenario(
            name="pinchoff_failure_stabilize_positive",
            status="POSITIVE_OFFSET",
            outcome=OutcomeLabel.ANOMALOUS,
            assessment=Assessment.NO_FIT,
            simulate=partial(_simulate, floor=(0.2, 0.55)),
        ),
        Scenario(
            name="pinchoff_success",
            status="SUCCESS",
            outcome=OutcomeLabel.EXPECTED,
            assessment=Assessment.NO_FIT,
            simulate=partial(_simulate, floor=(0.0, 0.085)),
        ),
    ),
)
