"""The Q5 score of a model that repeats the answer of its demonstration."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean

from scoring.dispatch import score
from scoring.questions import Question
from scoring.reference import Reference
from synthetic.icl import IclRow, icl_rows
from synthetic.sample import Sample


def copy_score(samples: Sequence[Sample]) -> float | None:
    """Return the mean score, 0 to 1, over the in-context rows of these samples; None without rows."""
    scores = [_score(row) for row in icl_rows(samples)]
    return fmean(scores) if scores else None


def _score(row: IclRow) -> float:
    (shown,) = row.demonstrations[Question.Q5]
    reference = Reference(
        answer=row.query.answers[Question.Q5],
        plot_description=row.query.answers[Question.Q1],
        scenario_type=row.query.key.scenario,
        key_points=(),
        field_rules=row.query.field_rules,
    )
    return score(Question.Q5, shown.answers[Question.Q5], reference, []).value
