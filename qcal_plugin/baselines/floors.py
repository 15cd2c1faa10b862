"""What answers that look at no plot score on each item of a dataset, by either scorer."""

from __future__ import annotations

from collections.abc import Mapping

from reports.records.floors import Floor
from scoring.dispatch import Scorer, score
from scoring.questions import Question
from scoring.reference import Reference


def floors_of(
    question: Question, reference: Reference, answers: Mapping[Floor, str | None]
) -> dict[str, dict[str, float]]:
    """Scorer -> rule -> what its answer scores, 0..1, as JSON holds it; without answers that are None.

    Key points of Q1 count as missed: these answers mention none. Q3, which judges grade, has no floors here.
    """
    if question is Question.Q3:
        return {}
    missed = [[0.0] * len(reference.key_points)] if reference.key_points else []
    return {
        scorer.value: {
            rule.value: score(question, text, reference, missed, scorer=scorer).value
            for rule, text in answers.items()
            if text is not None
        }
        for scorer in Scorer
    }
