"""Scores by number of demonstrations (``--shots``; paper, appendix F), per question.

All orders of a set of demonstrations are averaged by sample first. The zero-shot item is the one with 0
demonstrations.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from reports.records.conditions import Shots, parse_shots
from reports.records.outcomes import Outcome, grouped
from reports.records.records import ItemKey, Record
from reports.statistics.aggregate import Coverage, coverage, sample_scores
from reports.statistics.floors import AboveFloor, above_floor
from reports.statistics.intervals import Interval, mean_interval
from reports.statistics.paired import PairedDifference, paired_difference
from reports.statistics.rates import Rate, rate
from scoring.flags import Flag
from scoring.questions import Mode, Question


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderFigures:
    """The effect of the order of the demonstrations, on the samples measured in every order.

    Attributes:
        samples: how many samples these are; without any the other figures are None.
        lowest, highest: of the means of the orders.
        deviation: standard deviation of a sample's score over the orders, root mean square over samples,
            0..1.
        sensitive: samples with different scores in different orders.
    """

    orders: int
    samples: int
    lowest: float | None
    highest: float | None
    deviation: float | None
    sensitive: Rate


@dataclass(frozen=True, slots=True, kw_only=True)
class ShotFigures:
    """One question with one number of demonstrations.

    Attributes:
        coverage: in items; every order is one item.
        samples: how many samples ``mean`` is based on.
        change: against no demonstrations, on the samples measured with both; None if zero-shot was not asked.
        order: None if only one order was asked.
        copied, copied_last: measured items that repeat the answer of a demonstration, or of the last one,
            although another answer is right; None without the run's records, and for 0 demonstrations.
        wrong: measured items below the full score.
        floor: how far the scores are above copying; for 0 demonstrations, above the best constant.
    """

    question: Question
    shots: int
    coverage: Coverage
    samples: int
    mean: float | None
    interval: Interval | None
    change: PairedDifference | None
    order: OrderFigures | None
    wrong: Rate
    copied: Rate | None
    copied_last: Rate | None
    floor: AboveFloor | None


def shot_outcomes(outcomes: Sequence[Outcome]) -> dict[Question, dict[int, list[Outcome]]]:
    """Group the outcomes by question and number of demonstrations, ascending; empty without ``--shots``.

    Zero-shot outcomes are included for the samples and questions that were also asked with demonstrations.
    """
    asked = [
        (shots, outcome) for outcome in outcomes if (shots := parse_shots(outcome.key.variant)) is not None
    ]
    queries = {(outcome.key.sample_id, outcome.key.question) for _, outcome in asked}
    zeroshot = [
        (Shots(0), outcome)
        for outcome in outcomes
        if outcome.key[:2] in queries and outcome.key.mode is Mode.ZEROSHOT and not outcome.key.variant
    ]
    by_shots: dict[Question, dict[int, list[Outcome]]] = {}
    for shots, outcome in sorted(
        [*zeroshot, *asked], key=lambda entry: (entry[1].key.question, entry[0].number)
    ):
        by_shots.setdefault(outcome.key.question, {}).setdefault(shots.number, []).append(outcome)
    return by_shots


def shot_figures(
    outcomes: Sequence[Outcome], records: Mapping[ItemKey, Record] | None = None
) -> dict[Question, tuple[ShotFigures, ...]]:
    """Return the figures of each question, by number of demonstrations; counting copies needs the run's ``records``."""
    return {
        question: tuple(
            _figures(question, shots, group, by_shots.get(0), records) for shots, group in by_shots.items()
        )
        for question, by_shots in shot_outcomes(outcomes).items()
    }


def family_means(outcomes: Sequence[Outcome]) -> dict[Question, dict[str, dict[int, float]]]:
    """Map question -> family -> number of demonstrations -> mean score; numbers with nothing measured are left out."""
    return {
        question: {
            family: {
                shots: statistics.fmean(scores)
                for shots, group in by_shots.items()
                if (scores := sample_scores(o for o in group if o.family == family).values())
            }
            for family in sorted({outcome.family for group in by_shots.values() for outcome in group})
        }
        for question, by_shots in shot_outcomes(outcomes).items()
    }


def _figures(
    question: Question,
    shots: int,
    outcomes: Sequence[Outcome],
    zeroshot: Sequence[Outcome] | None,
    records: Mapping[ItemKey, Record] | None,
) -> ShotFigures:
    scores = sample_scores(outcomes)
    flagged = None if records is None or shots == 0 else list(_flags(outcomes, records))
    return ShotFigures(
        question=question,
        shots=shots,
        coverage=coverage(outcomes),
        samples=len(scores),
        mean=statistics.fmean(scores.values()) if scores else None,
        interval=mean_interval(list(scores.values())),
        change=_change(zeroshot, outcomes) if zeroshot is not None and shots else None,
        order=_order_figures(outcomes),
        wrong=rate((o.key.sample_id, o.value < 1) for o in outcomes if o.measured and o.value is not None),
        copied=None
        if flagged is None
        else rate((sample, Flag.COPIES_DEMONSTRATION in flags) for sample, flags in flagged),
        copied_last=None
        if flagged is None
        else rate((sample, Flag.COPIES_LAST_DEMONSTRATION in flags) for sample, flags in flagged),
        floor=above_floor(outcomes),
    )


def _change(zeroshot: Sequence[Outcome], outcomes: Sequence[Outcome]) -> PairedDifference:
    return paired_difference(
        [sample_scores(measured(zeroshot))], [sample_scores(measured(outcomes))], tested=False
    )


def measured(outcomes: Iterable[Outcome]) -> list[Outcome]:
    """Return the measured outcomes, so that pairs never contain zeros that were given for errors."""
    return [outcome for outcome in outcomes if outcome.measured]


def _flags(
    outcomes: Sequence[Outcome], records: Mapping[ItemKey, Record]
) -> Iterator[tuple[str, tuple[str, ...]]]:
    for outcome in outcomes:
        record = records.get(outcome.key)
        if record is not None and record.measured:
            yield outcome.key.sample_id, record.flags


def _order_figures(outcomes: Sequence[Outcome]) -> OrderFigures | None:
    orders = grouped(outcomes, _order)
    if len(orders) < 2:
        return None
    by_order = [sample_scores(measured(group)) for group in orders.values()]
    complete = set.intersection(*(set(scores) for scores in by_order))
    by_sample = {sample: [scores[sample] for scores in by_order] for sample in sorted(complete)}
    means = (
        [statistics.fmean(scores[sample] for sample in complete) for scores in by_order] if complete else []
    )
    variances = [statistics.variance(scores) for scores in by_sample.values()]
    return OrderFigures(
        orders=len(orders),
        samples=len(complete),
        lowest=min(means, default=None),
        highest=max(means, default=None),
        deviation=math.sqrt(statistics.fmean(variances)) if variances else None,
        sensitive=rate((sample, len(set(scores)) > 1) for sample, scores in by_sample.items()),
    )


def _order(outcome: Outcome) -> int:
    shots = parse_shots(outcome.key.variant)
    return 1 if shots is None else shots.order
