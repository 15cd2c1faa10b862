"""The evidence for a verdict: a gate's figure, its interval, and how far unmeasured items could move it."""

from __future__ import annotations

import math
import statistics
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from reports.gates.file import Decision, Gate
from reports.gates.metrics import MetricValues
from reports.gates.populations import Population, noise_by_side
from reports.statistics.fixed_benchmark import AnswerNoise, bounds, fixed_interval, together
from reports.statistics.group_sequential import Look
from reports.statistics.intervals import Dispersion, Interval, dispersion, mean_interval, quantile
from reports.statistics.paired import change_interval, size_of_change

ROUNDING = 1e-9
"""A figure this close to a threshold counts as equal to it."""
ONE_LOOK = Look(repeats=1, planned=(1,))
MOST_SAMPLES = 100_000
MOST_REPEATS = 32
"""More repeats than this are never advised."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """The evidence for one gate.

    Attributes:
        refusal: why the gate cannot be decided, as text; empty if it can be.
        too_few: why the gate cannot pass, however good the run is; it can still fail. Empty if it can pass.
        source: the values of the items.
        values: one value per measured sample; their mean is the figure. Empty if a question has no measured
            sample.
        extremes: the values with all unmeasured items wrong, and with all of them right; only ``values`` if
            all items were measured.
        spread: the dispersion of the scores within families, for a gate on one family.
        noise: the noise of single answers in both runs together, for a gate on this benchmark; else None.
        sides: the noise of each side; None for a side without repeats.
        look: the look at which the gate is decided.
        same_run: whether the baseline is the run itself, so that nothing can differ.
    """

    gate: Gate
    refusal: str
    source: MetricValues
    values: Sequence[float]
    extremes: tuple[Sequence[float], ...]
    too_few: str = ""
    spread: Dispersion | None = None
    noise: AnswerNoise | None = None
    sides: tuple[AnswerNoise | None, ...] = ()
    look: Look = ONE_LOOK
    same_run: bool = False

    @property
    def is_testable(self) -> bool:
        """Whether there is an interval."""
        return not self.refusal and all(len(values) > 1 for values in self.extremes)

    @property
    def population(self) -> Population:
        """The population of the interval."""
        return Population.PLOTS if self.noise is None else Population.BENCHMARK

    @property
    def figure(self) -> float | None:
        """The metric as a fraction; None without measured samples."""
        return mean(self.values) if self.values else None

    @property
    def figures(self) -> Interval:
        """The lowest and the highest figure possible if all items had been measured."""
        averages = [mean(values) for values in self.extremes]
        return Interval(min(averages), max(averages))

    def intervals(self, level: float) -> list[Interval]:
        """Return the interval at each of the extremes, both ends at this one-sided level over all looks."""
        candidates = (self._interval_of(values, self.look.nominal(level)) for values in self.extremes)
        return [interval for interval in candidates if interval is not None]

    def interval(self, level: float) -> Interval:
        """Return the interval, widened by the unmeasured items."""
        all_intervals = self.intervals(level)
        return Interval(
            min(interval.low for interval in all_intervals), max(interval.high for interval in all_intervals)
        )

    def _interval_of(self, values: Sequence[float], level: float) -> Interval | None:
        if self.same_run:
            return Interval(0.0, 0.0)
        if self.noise is None or not values:
            return self._of_plots_like_these(values, level)
        return fixed_interval(mean(values), self.noise, item=item_of(self.gate), level=level)

    def _of_plots_like_these(self, values: Sequence[float], level: float) -> Interval | None:
        """With a baseline, the lower bound takes a larger drop to have more variance (`fixed_benchmark.bounds`)."""
        drawn = interval_of(self.gate, values, level, self.spread)
        if drawn is None or self.gate.baseline is None:
            return drawn
        known = [side.gained for side in self.sides if side is not None]
        size = size_of_change(values, item=item_of(self.gate))
        low, _ = bounds(
            np.array(mean(values)),
            np.array(statistics.variance(values) / len(values)),
            np.array(len(values) - 1.0),
            answers=len(values),
            item=size,
            gained=min(size, max(known)) if known else size,
            level=level,
        )
        return Interval(max(-2.0, min(drawn.low, float(low))), drawn.high)

    @property
    def freedom(self) -> float:
        """Degrees of freedom of the interval."""
        if self.noise is not None:
            return self.noise.freedom
        if self.gate.differential:
            return len(self.values) - 1
        return (self.spread or dispersion([self.values])).freedom

    @property
    def standard_error(self) -> float | None:
        """Standard error of the figure; None with fewer than two measured samples.

        For scores it is half of the 95% interval divided by the quantile.
        """
        if self.noise is not None:
            return math.sqrt(self.noise.variance)
        if len(self.values) < 2:
            return None
        if self.gate.differential:
            return statistics.stdev(self.values) / math.sqrt(len(self.values))
        interval = mean_interval(self.values, self.spread)
        return None if interval is None else (interval.high - interval.low) / 2 / quantile(self.freedom)

    @property
    def error_at_threshold(self) -> float | None:
        """Standard error of a figure on the threshold, if an interval decides.

        A mean of scores varies least near 0 and 1, and a difference varies least if few answers change. The
        standard error of a good figure is therefore too small for a worse one.
        """
        error, threshold = self.standard_error, self.gate.threshold
        if error is None or self.gate.decision is Decision.POINT:
            return error
        if self.gate.differential:
            return math.sqrt(max(error**2, self._least_variance))
        spread = self.spread or dispersion([self.values])
        return math.sqrt(spread.phi * threshold * (1 - threshold) / len(self.values))

    @property
    def deviation_at_threshold(self) -> float | None:
        """Standard deviation of a figure on the threshold from the truth on these samples; None if unknown.

        With a baseline, repeats on one side are enough: the other side is assumed to vary as much. Verdicts
        make no such assumption, so the interval of such a gate is wider than this deviation suggests.
        """
        error, within = self.error_at_threshold, self.source.variance_of_repeats()
        if error is None or within is None or self.gate.baseline is None:
            return error
        return min(error, math.sqrt(max(within, self._least_variance)))

    @property
    def _least_variance(self) -> float:
        """The least variance of a difference on the threshold (`fixed_benchmark.bounds`)."""
        threshold = self.gate.threshold
        answers = len(self.values) if self.noise is None else self.noise.answers
        return (item_of(self.gate) * abs(threshold) - threshold**2) / answers


def evidence(
    gate: Gate, everywhere: MetricValues, *, look: Look = ONE_LOOK, same_run: bool = False
) -> Evidence:
    """Return the evidence for the gate, from the values of its metric in all families."""
    source = everywhere if gate.family is None else everywhere.of_family(gate.family)
    values = source.sample_values()
    sides = noise_by_side(source) if gate.baseline is not None and gate.decision is Decision.INTERVAL else []
    noisy = [side for side in sides if side is not None]
    return Evidence(
        gate=gate,
        refusal=_not_asked(gate, everywhere, source),
        too_few=""
        if same_run
        else too_few(gate, source.samples, look, repeats=_repeats_in_both(source, look)),
        source=source,
        values=values,
        extremes=(source.sample_values(0), source.sample_values(1)) if source.unmeasured else (values,),
        spread=None if gate.family is None or gate.differential else everywhere.spread(gate.family),
        noise=together(noisy) if noisy and len(noisy) == len(sides) else None,
        sides=tuple(sides),
        look=look,
        same_run=same_run,
    )


def _not_asked(gate: Gate, everywhere: MetricValues, source: MetricValues) -> str:
    families = sorted(set(everywhere.families.values()))
    if gate.family is not None and gate.family not in families:
        return f"no sample of family {gate.family} in this run, only of {', '.join(families) or 'none'}"
    absent = [question.value for question, parts in source.questions.items() if not parts[0].items]
    both = " and its baseline" if gate.baseline is not None else ""
    return f"{', '.join(absent)} ({gate.metric.mode}) not asked in this run{both}" if absent else ""


def _repeats_in_both(source: MetricValues, look: Look) -> int:
    """Return how many repeats both runs will have after the last look."""
    most = max(source.repeats(), look.planned[-1])
    return min(most, source.repeats(of_baseline=True) or most)


def too_few(gate: Gate, samples: int, look: Look = ONE_LOOK, *, repeats: int = 1) -> str:
    """Return why the gate cannot pass with these samples, and how many would be enough; empty if it can pass.

    It cannot pass if the best possible result would not: all items right or, with a baseline, no difference
    in any of the ``repeats`` of an item. With a ``max_drop`` of 0 the best result is an improvement of all
    items.
    """
    if gate.decision is Decision.POINT or _can_pass(gate, samples, look, repeats):
        return ""
    needed = bisect_left(range(MOST_SAMPLES), True, key=lambda count: _can_pass(gate, count, look, repeats))  # noqa: FBT003
    if gate.baseline is None:
        return f"{samples} samples are too few to pass, however good the result; {needed} would be enough"
    enough = (count for count in range(2, MOST_REPEATS + 1) if _can_pass(gate, samples, look, count))
    in_both = next((f", or {count} repeats in both runs" for count in enough), "")
    return (
        f"{samples} samples are too few to pass, even if nothing changed; {needed} would be enough{in_both}"
    )


def _can_pass(gate: Gate, samples: int, look: Look, repeats: int) -> bool:
    if samples < 2:
        return False
    level = look.nominal(gate.level)
    if gate.baseline is not None and gate.threshold < -ROUNDING:
        unchanged = AnswerNoise(variance=0.0, squares=0.0, answers=samples * repeats, gained=item_of(gate))
        return passes(gate, fixed_interval(0.0, unchanged, item=item_of(gate), level=level))
    worst = -1.0 if gate.differential else 0.0
    interval = interval_of(gate, [worst if gate.at_most else 1.0] * samples, level)
    return interval is not None and passes(gate, interval)


def interval_of(
    gate: Gate, values: Sequence[float], level: float, spread: Dispersion | None = None
) -> Interval | None:
    """Return the interval for plots like these, both ends at the one-sided ``level``.

    None with under two samples.
    """
    both = 2 * level - 1
    if gate.differential:
        limit = 2.0 if gate.metric.delta and gate.baseline is not None else 1.0
        return change_interval(values, limit=limit, item=item_of(gate), level=both)
    return mean_interval(values, spread, level=both)


def item_of(gate: Gate) -> float:
    """Return how far one item can move its sample's value: 1 for one question, 1/6 for the mean of six."""
    return 1 / len(gate.metric.questions)


def passes(gate: Gate, interval: Interval) -> bool:
    """Return whether all of the interval is on the good side of the threshold."""
    if gate.at_most:
        return interval.high <= gate.threshold + ROUNDING
    return interval.low >= gate.threshold - ROUNDING


def fails(gate: Gate, interval: Interval) -> bool:
    """Return whether all of the interval is on the bad side of the threshold."""
    if gate.at_most:
        return interval.low > gate.threshold + ROUNDING
    return interval.high < gate.threshold - ROUNDING


def mean(values: Sequence[float]) -> float:
    """Return the mean, exact up to the last rounding, in any order. Needs at least one value."""
    return math.fsum(values) / len(values)
