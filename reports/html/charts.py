"""Positions on a chart, in percent of its width. ``templates/charts.jinja`` draws it."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
BINS = 36
MOST_LABELS = 7


@dataclass(frozen=True, slots=True)
class Tick:
    """``at``: percent of the width. A tick without a label is only a line."""

    at: float
    label: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChartAxis:
    """A horizontal axis from ``low`` to ``high``, linear or logarithmic (then ``low`` is above 0)."""

    low: float
    high: float
    ticks: tuple[Tick, ...] = ()
    logarithmic: bool = False

    def at(self, value: float) -> float:
        """Return the position in percent of the width, 0..100; values outside the axis are at its edge."""
        low, high, here = map(self._scaled, (self.low, self.high, min(max(value, self.low), self.high)))
        return 100 * (here - low) / (high - low)

    def value(self, percent: float) -> float:
        """Inverse of `at`."""
        low, high = self._scaled(self.low), self._scaled(self.high)
        here = low + percent / 100 * (high - low)
        return math.exp(here) if self.logarithmic else here

    def _scaled(self, value: float) -> float:
        return math.log(value) if self.logarithmic else value


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """A bar of a histogram: left edge and width in percent, height as a share of the highest; what it counts."""

    at: float
    width: float
    height: float
    count: int
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """The quantiles (`QUANTILES`) and the largest of ``n`` values."""

    n: int
    quantiles: tuple[float, ...]
    largest: float


SCORE_AXIS = ChartAxis(low=0.0, high=1.0, ticks=tuple(Tick(at, str(at)) for at in range(0, 101, 25)))
"""Scores as fractions, labelled 0 to 100."""


def difference_axis(values: Iterable[float]) -> ChartAxis:
    """Return a symmetric axis, in whole tenths, that holds all these differences of scores; labelled in points."""
    reach = max([1, *(math.ceil(10 * abs(value) - 1e-9) for value in values)]) / 10
    labels = ((at, f"{reach * (2 * at - 100):+.3g}" if at != 50 else "0") for at in (0, 25, 50, 75, 100))
    return ChartAxis(low=-reach, high=reach, ticks=tuple(Tick(at, label) for at, label in labels))


def quantity_axis(values: Sequence[float]) -> ChartAxis:
    """Return a logarithmic axis for times or tokens, from one of 1, 2 or 5 times a power of ten to another."""
    positive = [value for value in values if value > 0] or [1.0]
    powers = range(math.floor(math.log10(min(positive))), math.ceil(math.log10(max(positive))) + 2)
    marks = [step * 10.0**power for power in powers for step in (1, 2, 5)]
    low = max(mark for mark in marks if mark <= min(positive) * (1 + 1e-9))
    high = min(mark for mark in marks if mark >= max(positive) and mark > low)
    inside = [mark for mark in marks if low <= mark <= high]
    axis = ChartAxis(low=low, high=high, logarithmic=True)
    every_third = 1 if len(inside) <= MOST_LABELS else 3
    ticks = (
        Tick(axis.at(mark), f"{mark:,g}" if index % every_third == 0 else "")
        for index, mark in enumerate(inside)
    )
    return replace(axis, ticks=tuple(ticks))


def histogram(values: Sequence[float], axis: ChartAxis) -> tuple[Bar, ...]:
    """Return the bars of `BINS` equal steps along the axis, without empty ones."""
    counts = Counter(min(BINS - 1, int(axis.at(value) / 100 * BINS)) for value in values)
    highest = max(counts.values(), default=1)
    width = 100 / BINS
    return tuple(
        Bar(
            at=index * width,
            width=width,
            height=count / highest,
            count=count,
            low=axis.value(index * width),
            high=axis.value((index + 1) * width),
        )
        for index, count in sorted(counts.items())
    )


def box(values: Sequence[float]) -> Box:
    """Return the box of these values, at least one."""
    quantiles = np.quantile(np.asarray(values, dtype=float), QUANTILES)
    return Box(n=len(values), quantiles=tuple(map(float, quantiles)), largest=max(values))
