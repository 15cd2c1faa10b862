"""The six questions and two modes of QCalEval (docs/protocol.md#dataset)."""

from __future__ import annotations

from enum import StrEnum


class Question(StrEnum):
    """One of the six questions asked about a sample."""

    Q1 = "Q1"
    Q2 = "Q2"
    Q3 = "Q3"
    Q4 = "Q4"
    Q5 = "Q5"
    Q6 = "Q6"

    @property
    def task(self) -> str:
        """The question's name in result files of the reference, such as ``technical_description``."""
        return TASK_NAMES[self]

    @property
    def needs_judge(self) -> bool:
        """Whether key points are graded by a judge (Q1 and Q3)."""
        return self in JUDGED_QUESTIONS


class Mode(StrEnum):
    """How a question is put: on its own, or after demonstrations with their answers."""

    ZEROSHOT = "zeroshot"
    ICL = "icl"

    @property
    def questions(self) -> tuple[Question, ...]:
        """The questions that the benchmark asks in this mode."""
        return tuple(Question) if self is Mode.ZEROSHOT else ICL_QUESTIONS


TASK_NAMES = {
    Question.Q1: "technical_description",
    Question.Q2: "experimental_conclusion",
    Question.Q3: "experimental_significance",
    Question.Q4: "fit_reliability",
    Question.Q5: "parameter_extraction",
    Question.Q6: "calibration_diagnosis",
}
JUDGED_QUESTIONS = frozenset({Question.Q1, Question.Q3})
ICL_QUESTIONS = (Question.Q3, Question.Q5, Question.Q6)
