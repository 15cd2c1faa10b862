"""What would decide an inconclusive gate in 80% of cases: samples, or repeats."""

from __future__ import annotations

import math
from dataclasses import dataclass

from reports.gates.evidence import MOST_REPEATS, ROUNDING, Evidence
from reports.statistics.paired import detectable_difference


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """None where nothing would.

    Attributes:
        samples: how many, with as many repeats as now.
        repeats: how many of each item in this run, with the samples of now; None also where nobody knows how far
            answers vary.
        both: whether the baseline has to have as many repeats.
    """

    samples: int | None = None
    repeats: int | None = None
    both: bool = False


def detectable(shown: Evidence, level: float) -> float | None:
    """How far from the threshold the truth must lie for a verdict in 80% of cases.

    Against a baseline the truth is that on these samples as soon as one of the runs has repeats.
    """
    error = shown.error_at_threshold
    return None if error is None else _reach(shown, level, error, shown.deviation_at_threshold)


def _reach(shown: Evidence, level: float, error: float, deviation: float | None = None) -> float:
    nominal = 2 * shown.look.nominal(level) - 1
    return detectable_difference(error, shown.freedom, level=nominal, deviation=deviation)


def outlook(shown: Evidence, level: float) -> Outlook:
    """See `Outlook`: a detectable difference no larger than the truth's distance from the threshold.

    The truth is taken to be the figure; with a baseline, where that lies farther away, that nothing changed.
    """
    gate, reach = shown.gate, detectable(shown, level)
    gap = 0.0 if shown.figure is None else abs(shown.figure - gate.threshold)
    if gate.baseline is not None:
        gap = max(gap, -gate.threshold)
    error = shown.error_at_threshold
    if gap < ROUNDING or not reach or not error:
        return Outlook()
    wanted = gap / _reach(shown, level, 1.0)
    samples = math.ceil(shown.source.samples * (reach / gap) ** 2)
    if gate.baseline is None:
        return Outlook(samples=samples, repeats=_repeats_of_a_run(shown, error, wanted))
    repeats, both = _repeats_against_a_baseline(shown, wanted)
    return Outlook(samples=samples, repeats=repeats, both=both)


def _repeats_of_a_run(shown: Evidence, error: float, wanted: float) -> int | None:
    """What the choice of samples adds stays; the chance of answers shrinks with their number."""
    within = shown.source.variance_of_repeats()
    if within is None:
        return None
    spare = wanted**2 - max(0.0, error**2 - within)
    return _within_reason(shown.source.repeats() * within / spare) if spare > 0 else None


def _repeats_against_a_baseline(shown: Evidence, wanted: float) -> tuple[int | None, bool]:
    """On this benchmark. A run without repeats of its own is taken to vary as its baseline does, and the reverse."""
    run_repeats, baseline_repeats = (shown.source.repeats(of_baseline=side) for side in (False, True))
    run, baseline = (
        _single(shown, run_repeats, of_baseline=False),
        _single(shown, baseline_repeats, of_baseline=True),
    )
    known = run if baseline is None else baseline
    if known is None:
        return None, False
    run, baseline = known if run is None else run, known if baseline is None else baseline
    spare = wanted**2 - baseline / baseline_repeats
    if baseline_repeats > 1 and spare > 0 and (needed := _within_reason(run / spare)) is not None:
        return max(2, needed), False
    needed = _within_reason((run + baseline) / wanted**2)
    return (None if needed is None else max(2, needed)), True


def _single(shown: Evidence, repeats: int, *, of_baseline: bool) -> float | None:
    """The variance of the figure that one repeat of this side has; None where it was not measured."""
    parts = next(iter(shown.source.questions.values()))
    sides = [side for part, side in zip(parts, shown.sides, strict=True) if part.of_baseline is of_baseline]
    variances = [side.variance * repeats for side in sides if side is not None]
    return math.fsum(variances) if variances and len(variances) == len(sides) else None


def _within_reason(repeats: float) -> int | None:
    return math.ceil(repeats - ROUNDING) if repeats <= MOST_REPEATS else None
