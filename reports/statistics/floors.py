"""Scores and their floors: what answers that look at no plot score on the same items (docs/baselines.md)."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from reports.records.floors import FLOORS_OF, Floor, Floors
from reports.records.outcomes import Outcome, grouped
from reports.statistics.paired import PairedDifference, paired_difference
from scoring.questions import Mode, Question

SampleScores = Mapping[str, float]
"""Sample -> its score, 0..1."""

Group = tuple[Mode, Question]


class Scored(NamedTuple):
    """A measured item: its sample, its score and its floors, 0..1."""

    sample: str
    score: float
    floors: Floors


@dataclass(frozen=True, slots=True, kw_only=True)
class AboveFloor:
    """Scores minus floors, on the same items.

    Attributes:
        rules: which rule is the floor of each question: of those that belong to the mode, the one that scores
            most.
        floor: mean of the floors; over several questions the mean of the question means, like ``mean``.
        mean: of the scores of the items that have a floor.
        above: the paired difference, by sample.
    """

    rules: Mapping[Question, Floor]
    floor: float
    mean: float
    above: PairedDifference


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupFloor:
    """The floor of one question in one mode: the rule, and by sample its scores and those of the model."""

    rule: Floor
    floors: SampleScores
    scores: SampleScores


def above_floor(outcomes: Iterable[Outcome]) -> AboveFloor | None:
    """Return how far scores of one mode are above their floor; None if no measured item has one.

    Over several questions: of those that have a floor. Zero-shot scores are compared with the best constant,
    ICL scores with copying.
    """
    groups = group_floors(outcomes)
    if not groups:
        return None
    floors, scores = [one.floors for one in groups.values()], [one.scores for one in groups.values()]
    return AboveFloor(
        rules={question: one.rule for (_, question), one in groups.items()},
        floor=mean_of_means(floors),
        mean=mean_of_means(scores),
        above=paired_difference(floors, scores, tested=False),
    )


def above_field_floor(mode: Mode, items: Sequence[Scored]) -> AboveFloor | None:
    """Return how far the scores of one field of Q5 are above their floor; None if no item has one."""
    best = _best_rule(mode, items)
    if best is None:
        return None
    return AboveFloor(
        rules={Question.Q5: best.rule},
        floor=statistics.fmean(best.floors.values()),
        mean=statistics.fmean(best.scores.values()),
        above=paired_difference([best.floors], [best.scores], tested=False),
    )


def group_floors(outcomes: Iterable[Outcome]) -> dict[Group, GroupFloor]:
    """Map each mode and question that has a floor to it, in the benchmark's order."""
    measured = grouped(
        (outcome for outcome in outcomes if outcome.measured and outcome.floors),
        lambda outcome: (outcome.key.mode, outcome.key.question),
    )
    order = [(mode, question) for mode in Mode for question in Question]
    return {
        key: best
        for key in order
        if (best := _best_rule(key[0], [_scored(outcome) for outcome in measured.get(key, [])]))
    }


def mean_of_means(questions: Sequence[SampleScores]) -> float:
    """Return the mean of the means of several questions, each a mapping sample -> score."""
    return statistics.fmean(statistics.fmean(scores.values()) for scores in questions)


def _scored(outcome: Outcome) -> Scored:
    return Scored(outcome.sample, outcome.value or 0.0, outcome.floors)


def _best_rule(mode: Mode, items: Sequence[Scored]) -> GroupFloor | None:
    """Return the rule of the mode that scores most, the first of equally good ones.

    None if no item has a floor.
    """
    best: GroupFloor | None = None
    for rule in FLOORS_OF[mode]:
        covered = [item for item in items if rule in item.floors]
        if covered:
            floors = _by_sample((item.sample, item.floors[rule]) for item in covered)
            if best is None or statistics.fmean(floors.values()) > statistics.fmean(best.floors.values()):
                scores = _by_sample((item.sample, item.score) for item in covered)
                best = GroupFloor(rule=rule, floors=floors, scores=scores)
    return best


def _by_sample(values: Iterable[tuple[str, float]]) -> dict[str, float]:
    """Map each sample to the mean of its values (repeats)."""
    by_sample: dict[str, list[float]] = {}
    for sample, value in values:
        by_sample.setdefault(sample, []).append(value)
    return {sample: statistics.fmean(group) for sample, group in by_sample.items()}
