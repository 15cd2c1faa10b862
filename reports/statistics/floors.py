"""Scores beside their floor: what answers that look at no plot score on the same items (docs/baselines.md)."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from reports.records.floors import FLOORS_OF, Floor
from reports.records.outcomes import Outcome, grouped
from reports.statistics.paired import PairedDifference, paired_difference
from scoring.questions import Question

SampleScores = Mapping[str, float]
"""Sample -> its score, 0..1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AboveFloor:
    """Scores minus floors, on the same items.

    Attributes:
        rules: which rule is the floor of each question: of those that belong to the mode, the one that scores most.
        floor: mean of the floors; over several questions the mean of the question means, like ``mean``.
        mean: of the scores of the items that have a floor.
        above: the paired difference, by sample.
    """

    rules: Mapping[Question, Floor]
    floor: float
    mean: float
    above: PairedDifference


def above_floor(outcomes: Iterable[Outcome]) -> AboveFloor | None:
    """How far scores of one mode are above their floor; None if no measured item has one.

    Over several questions: of those that have a floor. Zero-shot scores are compared with the best constant, ICL scores
    with copying.
    """
    by_question = grouped(
        (o for o in outcomes if o.measured and o.floors), lambda outcome: outcome.key.question
    )
    pairs = {
        question: pair for question in Question if (pair := _question_floor(by_question.get(question, [])))
    }
    if not pairs:
        return None
    floors, scores = [pair[1] for pair in pairs.values()], [pair[2] for pair in pairs.values()]
    return AboveFloor(
        rules={question: pair[0] for question, pair in pairs.items()},
        floor=_mean_of_means(floors),
        mean=_mean_of_means(scores),
        above=paired_difference(floors, scores, tested=False),
    )


def _question_floor(outcomes: Sequence[Outcome]) -> tuple[Floor, SampleScores, SampleScores] | None:
    """Of one question the rule, and by sample its scores and those of the model; None without a floor."""
    best: tuple[float, Floor, SampleScores, SampleScores] | None = None
    for rule in dict.fromkeys(rule for outcome in outcomes for rule in FLOORS_OF[outcome.key.mode]):
        covered = [outcome for outcome in outcomes if rule in outcome.floors and outcome.value is not None]
        if covered:
            floors = _by_sample((outcome.sample, outcome.floors[rule]) for outcome in covered)
            mean = statistics.fmean(floors.values())
            if best is None or mean > best[0]:
                scores = _by_sample((outcome.sample, outcome.value or 0.0) for outcome in covered)
                best = mean, rule, floors, scores
    return None if best is None else best[1:]


def _by_sample(values: Iterable[tuple[str, float]]) -> dict[str, float]:
    """The mean of each sample's values (repeats)."""
    by_sample: dict[str, list[float]] = {}
    for sample, value in values:
        by_sample.setdefault(sample, []).append(value)
    return {sample: statistics.fmean(group) for sample, group in by_sample.items()}


def _mean_of_means(questions: Sequence[SampleScores]) -> float:
    return statistics.fmean(statistics.fmean(scores.values()) for scores in questions)
