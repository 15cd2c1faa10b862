"""``--pass-mark``: the lowest passing score of each question."""

from __future__ import annotations

from collections.abc import Iterable

from qcal_plugin.studies.selection import parse_questions
from scoring.errors import BadValueError
from scoring.questions import Question


def parse_pass_marks(marks: Iterable[str]) -> dict[Question, float]:
    """Read ``50`` for all questions and ``Q6=100``, which takes precedence, for one; 0-100.

    Raises BadValueError.
    """
    marks_by_question: dict[Question, float] = {}
    for mark in sorted(marks, key=lambda mark: "=" in mark):
        question, equals, number = mark.rpartition("=")
        value = _number(number)
        if value is None or not 0 <= value <= 100:
            raise BadValueError(f"{mark!r} is not a score from 0 to 100, such as 50 or Q6=100")
        if 0 < value < 1:
            raise BadValueError(
                f"{mark!r}: scores go from 0 to 100; did you mean {question}{equals}{100 * value:g}?"
            )
        marks_by_question.update(
            dict.fromkeys(parse_questions(question) if equals else tuple(Question), value)
        )
    return marks_by_question


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
