"""What answers that look at no plot score on each item of a dataset, by either scorer."""

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
    """Map each scorer to the floors of the item, as JSON: see `reports.records.floors.item_floors_from_json`.

    ``answers``: what each rule answers; None if it has no answer. Key points of Q1 count as missed, because these
    answers mention none. Q3, which judges grade, has no floors here.
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
