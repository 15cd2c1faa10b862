"""Read from an answer, by question, what is then compared with the reference (docs/protocol.md#scoring)."""

from __future__ import annotations

from typing import assert_never

from scoring.classification import read_assessment, read_conclusion
from scoring.diagnosis import read_status
from scoring.json_answer import parse_json
from scoring.questions import Question
from scoring.reference import JSON


def read_compatible(question: Question, text: str) -> JSON:
    """Read as the reference scripts do: JSON (Q1, Q5), a label (Q2, Q4), a status code (Q6); None for Q3."""
    match question:
        case Question.Q1 | Question.Q5:
            return parse_json(text)
        case Question.Q2:
            return read_conclusion(text)
        case Question.Q3:
            return None
        case Question.Q4:
            return read_assessment(text)
        case Question.Q6:
            return read_status(text)
        case _:
            assert_never(question)
