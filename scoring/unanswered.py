"""The score that the reference scripts give an item without an answer (docs/protocol.md#aggregation)."""

from __future__ import annotations

from scoring.dispatch import score
from scoring.questions import Question
from scoring.reference import Reference
from scoring.score import Score


def score_without_answer(question: Question, reference: Reference, text: str = "") -> Score:
    """Return the compatible score of a missing answer, which the reference reads as an empty text.

    ``text`` is the text that came with a filtered or refused answer; the reference scores it like an answer.
    Q5 earns full credit for every field whose reference value is null or "Unreliable". Q2, Q4 and Q6 are 0,
    and so are Q1 and Q3: the reference asks its judge about the text "None", and an honest judge gives that
    0.
    """
    if question is Question.Q3:
        return Score(value=0.0, extracted=None, expected=None, components={"key_points": 0.0})
    return score(question, text, reference, [(0.0,) * len(reference.key_points)])
