"""Comparing two runs on the same items: what changed, by how much, and whether that is more than chance.

UnlikeRunsError    the runs differ in more than the model; the message names the field
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import NamedTuple

from reports.records.mixes import differing, differing_settings
from reports.records.names import as_text
from reports.records.outcomes import Evaluation, Identity, Outcome, grouped
from reports.statistics.aggregate import sample_scores
from reports.statistics.floors import AboveFloor, above_floor, group_floors
from reports.statistics.paired import PairedDifference, paired_difference
from scoring.errors import QCalError
from scoring.questions import Mode, Question

LABEL_QUESTIONS = frozenset({Question.Q2, Question.Q4, Question.Q6})
FLIP = 0.5
"""An item is fixed or broken if its score rose or fell by at least this."""


class UnlikeRunsError(QCalError):
    """The runs cannot be compared as they are; ``str()`` names the field and both values."""


class ItemName(NamedTuple):
    """The name of an item without its repeat.

    Repeats are averaged: repeat 2 of two runs has nothing in common.
    """

    sample_id: str
    question: Question
    mode: Mode


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A comparison of one group of items. Means and floors are over the samples that both runs measured.

    ``earlier_floor``, ``later_floor``: how far each run is above answers that look at no plot; None if floors
    are not known or not requested.
    """

    name: str
    earlier_mean: float | None
    later_mean: float | None
    difference: PairedDifference
    earlier_floor: AboveFloor | None = None
    later_floor: AboveFloor | None = None


def unlike_fields(earlier: Identity, later: Identity, *, judged: bool = True) -> tuple[str, ...]:
    """Return the differences that keep two runs from being compared, as text; the model may differ.

    ``judged=False`` ignores differences that affect only questions with a judge.
    """
    settings = differing_settings(earlier.settings or {}, later.settings or {})
    return tuple(
        f"{name} is {as_text(before)} in one and {as_text(now)} in the other"
        for name, before, now in sorted(
            [*differing(_traits(earlier), _traits(later)), *settings], key=itemgetter(0)
        )
        if judged or not name.startswith("judge")
    )


def _traits(identity: Identity) -> dict[str, object]:
    fields = ("dataset_revision", "scorer", "scorer_version", "judges")
    return {name.replace("_", " "): getattr(identity, name) for name in fields}


def item_scores(outcomes: Iterable[Outcome]) -> dict[ItemName, float]:
    """Map each measured item to its score, 0..1, averaged over repeats; a study's variants are left out."""
    measured = [outcome for outcome in outcomes if outcome.measured and not outcome.key.variant]
    return {
        name: score
        for name, attempts in grouped(measured, item_name).items()
        for score in sample_scores(attempts).values()
    }


def item_name(outcome: Outcome) -> ItemName:
    """Name an outcome's item without its repeat."""
    return ItemName(outcome.key.sample_id, outcome.key.question, outcome.key.mode)


def overall_row(
    earlier: Sequence[Outcome],
    later: Sequence[Outcome],
    name: str,
    *,
    tested: bool = True,
    floors: bool = False,
) -> Row:
    """Compare the means of question means of two sets of outcomes of one mode, over the questions that both ask.

    The means are undefined if one of these questions has no sample that both measured.
    """
    pairs = [
        (question_scores(earlier, question), question_scores(later, question))
        for question in shared_questions(earlier, later)
    ]
    before = [{sample: first[sample] for sample in first.keys() & second.keys()} for first, second in pairs]
    now = [{sample: second[sample] for sample in first.keys() & second.keys()} for first, second in pairs]
    return Row(
        name=name,
        earlier_mean=_mean_of_means([list(scores.values()) for scores in before]),
        later_mean=_mean_of_means([list(scores.values()) for scores in now]),
        difference=paired_difference(before, now, tested=tested),
        earlier_floor=above_floor(_measured_in(earlier, later)) if floors else None,
        later_floor=above_floor(_measured_in(later, earlier)) if floors else None,
    )


def _measured_in(outcomes: Sequence[Outcome], other: Sequence[Outcome]) -> list[Outcome]:
    """Return the outcomes of the samples and questions that the others measured, too."""
    measured = {(outcome.sample, outcome.key.question) for outcome in other if outcome.measured}
    return [outcome for outcome in outcomes if (outcome.sample, outcome.key.question) in measured]


def item_floors(outcomes: Sequence[Outcome]) -> dict[ItemName, float]:
    """Map each measured item to its floor, 0..1, by the rule that is the floor of its question.

    Others are left out.
    """
    rules = {key: one.rule for key, one in group_floors(outcomes).items()}
    return {
        item_name(outcome): outcome.floors[rule]
        for outcome in outcomes
        if outcome.measured
        and (rule := rules.get((outcome.key.mode, outcome.key.question))) is not None
        and rule in outcome.floors
    }


def shared_questions(earlier: Sequence[Outcome], later: Sequence[Outcome]) -> list[Question]:
    """Return the questions that both sets of outcomes ask, in order."""
    return sorted({outcome.key.question for outcome in earlier} & {outcome.key.question for outcome in later})


def question_scores(outcomes: Sequence[Outcome], question: Question) -> dict[str, float]:
    """Map each sample that was measured on a question to its score, 0..1."""
    return sample_scores(o for o in outcomes if o.measured and o.key.question is question)


def _mean_of_means(groups: Sequence[Sequence[float]]) -> float | None:
    if not groups or not all(groups):
        return None
    return math.fsum(math.fsum(values) / len(values) for values in groups) / len(groups)


def outcomes_by_mode(evaluation: Evaluation) -> dict[Mode, list[Outcome]]:
    """Group the benchmark's own outcomes, without a study's, by mode."""
    return grouped(evaluation.benchmark, lambda outcome: outcome.key.mode)


def question_rows(
    before: Sequence[Outcome], now: Sequence[Outcome], *, floors: bool = False
) -> Iterator[Row]:
    """Compare each question that both sets of outcomes ask, then their mean."""
    for question in shared_questions(before, now):
        yield overall_row(_of(before, question), _of(now, question), question.value, floors=floors)
    yield overall_row(before, now, "Mean", floors=floors)


def _of(outcomes: Sequence[Outcome], question: Question) -> list[Outcome]:
    return [outcome for outcome in outcomes if outcome.key.question is question]


def family_rows(before: Sequence[Outcome], now: Sequence[Outcome], *, floors: bool = False) -> Iterator[Row]:
    """Compare each family that both sets of outcomes ask about."""
    families = grouped(before, lambda outcome: outcome.family)
    later = grouped(now, lambda outcome: outcome.family)
    for family in sorted(families.keys() & later.keys()):
        yield overall_row(families[family], later[family], family, floors=floors)


def flipped_items(earlier: Evaluation, later: Evaluation) -> list[tuple[ItemName, float, float]]:
    """Return the items whose score changed by at least FLIP, with both scores, from largest rise to largest fall."""
    before, now = item_scores(earlier.outcomes), item_scores(later.outcomes)
    changes = {name: now[name] - before[name] for name in before.keys() & now.keys()}
    flips = sorted(
        (name for name in changes if abs(changes[name]) >= FLIP), key=lambda name: (-changes[name], name)
    )
    return [(name, before[name], now[name]) for name in flips]
