"""The scores of answers that look at no plot, on each item of a dataset, by each scorer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reports.records.floors import Floor
from scoring.dispatch import Scorer, score
from scoring.questions import Question
from scoring.reference import Reference


def floors_of(
    question: Question, reference: Reference, answers: Mapping[Floor, str | None]
) -> dict[str, dict[str, Any]]:
    """Map each scorer to the floors of the item, as JSON (`reports.records.floors.item_floors_from_json`).

    ``answers`` has the answer of each rule; None if it has none. Key points of Q1 count as missed, because
    these answers mention none of them. Q3 has no floors here, because judges grade it.
    """
    if question is Question.Q3:
        return {}
    missed = [[0.0] * len(reference.key_points)] if reference.key_points else []
    floors: dict[str, dict[str, Any]] = {}
    for scorer in Scorer:
        scores = {
            rule.value: score(question, text, reference, missed, scorer=scorer)
            for rule, text in answers.items()
            if text is not None
        }
        floors[scorer.value] = {"scores": {rule: one.value for rule, one in scores.items()}}
        if question is Question.Q5:
            floors[scorer.value]["fields"] = {rule: dict(one.components) for rule, one in scores.items()}
    return floors
