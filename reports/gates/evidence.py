"""What a verdict rests on: a gate's figure, its interval, and how far what was not measured could move it."""

from __future__ import annotations

import math
import statistics
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass

from reports.gates.file import Decision, Gate
from reports.gates.metrics import MetricValues
from reports.statistics.intervals import (
    FEWEST_REDRAWN,
    LEVEL,
    Dispersion,
    Interval,
    dispersion,
    mean_interval,
    quantile,
)
from reports.statistics.paired import change_interval

ROUNDING = 1e-9
"""A figure this close to a threshold is on it."""
FEWEST_PAIRED = FEWEST_REDRAWN
"""Under ten samples no interval of a difference is good enough to decide by."""
MOST_SAMPLES = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What one gate rests on.

    Attributes:
        refusal: why there is nothing to decide by, in words; empty where there is.
        source: the values of the items.
        values: one per sample, of what was measured; their mean is the figure. Empty where a question has none.
        extremes: the same with all unmeasured items wrong and with all of them right; just ``values`` if none are.
        spread: of the scores within families, for a gate on one family.
    """

    gate: Gate
    refusal: str
    source: MetricValues
    values: Sequence[float]
    extremes: tuple[Sequence[float], ...]
    spread: Dispersion | None

    @property
    def figure(self) -> float | None:
        """The metric, as a fraction."""
        return mean(self.values) if self.values else None

    @property
    def figures(self) -> Interval:
        """The lowest and the highest figure that measuring the rest could have brought."""
        found = [mean(values) for values in self.extremes]
        return Interval(min(found), max(found))

    def intervals(self, level: float) -> list[Interval]:
        """The interval at each of the extremes."""
        found = (interval_of(self.gate, values, level, self.spread) for values in self.extremes)
        return [interval for interval in found if interval is not None]

    def interval(self, level: float) -> Interval:
        """The interval, widened by what was not measured."""
        found = self.intervals(level)
        return Interval(min(interval.low for interval in found), max(interval.high for interval in found))

    @property
    def freedom(self) -> float:
        """Degrees of freedom of the interval."""
        if self.gate.differential:
            return len(self.values) - 1
        return (self.spread or dispersion([self.values])).freedom

    @property
    def standard_error(self) -> float | None:
        """Of the figure; of scores half the interval over its quantile. None under two measured samples."""
        if self.gate.differential and len(set(self.values)) > 1:
            return statistics.stdev(self.values) / math.sqrt(len(self.values))
        interval = interval_of(self.gate, self.values, LEVEL, self.spread)
        return None if interval is None else (interval.high - interval.low) / 2 / quantile(self.freedom)

    @property
    def error_at_threshold(self) -> float | None:
        """The standard error that a figure on the threshold would have, as far as an interval decides.

        A mean of scores spreads least near 0 and 1: a good figure says too little of what a worse one would be.
        """
        if self.gate.differential or self.gate.decision is Decision.POINT or len(self.values) < 2:
            return self.standard_error
        spread = self.spread or dispersion([self.values])
        return math.sqrt(spread.phi * self.gate.threshold * (1 - self.gate.threshold) / len(self.values))


def evidence(gate: Gate, everywhere: MetricValues) -> Evidence:
    """What the gate rests on, from the values of its metric in all families."""
    source = everywhere if gate.family is None else everywhere.of_family(gate.family)
    values = source.sample_values()
    return Evidence(
        gate=gate,
        refusal=_not_asked(gate, everywhere, source) or too_few(gate, source.samples),
        source=source,
        values=values,
        extremes=(source.sample_values(0), source.sample_values(1)) if source.unmeasured else (values,),
        spread=None if gate.family is None or gate.differential else everywhere.spread(gate.family),
    )


def _not_asked(gate: Gate, everywhere: MetricValues, source: MetricValues) -> str:
    families = sorted(set(everywhere.families.values()))
    if gate.family is not None and gate.family not in families:
        return f"no sample of family {gate.family} in this run, only of {', '.join(families) or 'none'}"
    absent = [question.value for question, parts in source.questions.items() if not parts[0].items]
    both = " and its baseline" if gate.baseline is not None else ""
    return f"{', '.join(absent)} ({gate.metric.mode}) not asked in this run{both}" if absent else ""


def too_few(gate: Gate, samples: int) -> str:
    """Why so few samples cannot carry a verdict, and how many could; empty where these can.

    Two are needed for an interval, `FEWEST_PAIRED` for one of a difference, and with a threshold as many as let the
    gate pass with the best result that there is.
    """
    if gate.decision is Decision.POINT or _can_pass(gate, samples):
        return ""
    needed = bisect_left(range(MOST_SAMPLES), True, key=lambda count: _can_pass(gate, count))  # noqa: FBT003
    return f"{samples} samples cannot carry a verdict, however good the result; {needed} could"


def _can_pass(gate: Gate, samples: int) -> bool:
    if samples < (FEWEST_PAIRED if gate.differential else 2):
        return False
    worst = -1.0 if gate.differential else 0.0
    interval = interval_of(gate, [worst if gate.at_most else 1.0] * samples, LEVEL)
    return interval is not None and passes(gate, interval)


def interval_of(gate: Gate, values: Sequence[float], level: float, spread: Dispersion | None = None) -> Interval | None:
    """The interval of the mean of a gate's values, one per sample; None under two samples."""
    if gate.differential:
        limit = 2.0 if gate.metric.delta and gate.baseline is not None else 1.0
        return change_interval(values, limit=limit, level=level)
    return mean_interval(values, spread, level=level)


def passes(gate: Gate, interval: Interval) -> bool:
    """Whether all of the interval is on the good side of the threshold."""
    if gate.at_most:
        return interval.high <= gate.threshold + ROUNDING
    return interval.low >= gate.threshold - ROUNDING


def fails(gate: Gate, interval: Interval) -> bool:
    """Whether all of the interval is on the bad side of the threshold."""
    if gate.at_most:
        return interval.low > gate.threshold + ROUNDING
    return interval.high < gate.threshold - ROUNDING


def mean(values: Sequence[float]) -> float:
    """Exact but for the last rounding, whatever the order. Needs a value."""
    return math.fsum(values) / len(values)
