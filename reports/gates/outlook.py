"""How many samples or repeats would decide an inconclusive gate in 80% of cases."""

from __future__ import annotations

import math
from dataclasses import dataclass

from reports.gates.evidence import MOST_REPEATS, ROUNDING, Evidence
from reports.statistics.paired import detectable_difference


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """What would decide a gate.

    Attributes:
        samples: the number of samples, with the repeats of this run; None if no number would.
        repeats: the number of repeats in this run, with its samples; None if no number would, or if it is
            unknown how far answers vary.
        both: whether the baseline needs as many repeats.
    """

    samples: int | None = None
    repeats: int | None = None
    both: bool = False


def detectable(shown: Evidence, level: float) -> float | None:
    """Return how far from the threshold the truth must be for a verdict in 80% of cases.

    With a baseline, and repeats in at least one of the runs, the truth is the difference on these samples.
    """
    error = shown.error_at_threshold
    return None if error is None else _reach(shown, level, error, shown.deviation_at_threshold)


def _reach(shown: Evidence, level: float, error: float, deviation: float | None = None) -> float:
    nominal = 2 * shown.look.nominal(level) - 1
    return detectable_difference(error, shown.freedom, level=nominal, deviation=deviation)


def outlook(shown: Evidence, level: float) -> Outlook:
    """Return what makes the detectable difference no larger than the distance of the truth from the threshold.

    The truth is assumed to be the figure or, with a baseline, no change, whichever is farther from the
    threshold.
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
    """Repeats reduce the variance of answers, but not the variance between samples."""
    within = shown.source.variance_of_repeats()
    if within is None:
        return None
    spare = wanted**2 - max(0.0, error**2 - within)
    return _within_reason(shown.source.repeats() * within / spare) if spare > 0 else None


def _repeats_against_a_baseline(shown: Evidence, wanted: float) -> tuple[int | None, bool]:
    """Return the repeats that decide on this benchmark, and whether the baseline needs them too.

    A run without repeats is assumed to vary as its baseline does, and the other way round.
    """
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
    """Return the variance of this side's figure with one repeat; None if it was not measured."""
    parts = next(iter(shown.source.questions.values()))
    sides = [side for part, side in zip(parts, shown.sides, strict=True) if part.of_baseline is of_baseline]
    variances = [side.variance * repeats for side in sides if side is not None]
    return math.fsum(variances) if variances and len(variances) == len(sides) else None


def _within_reason(repeats: float) -> int | None:
    return math.ceil(repeats - ROUNDING) if repeats <= MOST_REPEATS else None
