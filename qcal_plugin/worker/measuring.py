"""Measure an answer: what a test computes, and what its report carries to the controller."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from reports.records.plain_text import one_line
from reports.records.records import Answer, PlannedItem, Record, Verdict
from scoring.dispatch import Scorer, score
from scoring.final_answer import thought_flags
from scoring.flags import Flag
from scoring.questions import Question
from scoring.reference import JSON, Reference
from scoring.score import Score
from scoring.suspicions import suspicious

if TYPE_CHECKING:
    from qcal_plugin.engine.result import EngineResult


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseUnderTest:
    """One item as its test sees it, and how its answers are scored."""

    planned: PlannedItem
    reference: Reference = field(repr=False)
    scorer: Scorer

    @property
    def question(self) -> Question:
        """The question that is asked."""
        return self.planned.key.question

    def score(self, answer: Answer, verdicts: Sequence[Verdict] = ()) -> Score:
        """Return the answer's score by the scorer of ``--scoring``."""
        return self._scored(self.scorer, answer, verdicts)

    def other_score(self, answer: Answer, verdicts: Sequence[Verdict]) -> Score:
        """Return the answer's score by the other scorer."""
        other = Scorer.STRICT if self.scorer is Scorer.COMPATIBLE else Scorer.COMPATIBLE
        return self._scored(other, answer, verdicts)

    def _scored(self, scorer: Scorer, answer: Answer, verdicts: Sequence[Verdict]) -> Score:
        grades = [verdict.grades for verdict in verdicts if verdict.grades is not None]
        return score(self.question, scored_text(answer, scorer), self.reference, grades, scorer=scorer)


ROUNDING = 1e-9
"""Scores of 0..100 that differ by no more than this count as equal."""

OUTCOME: pytest.StashKey[EngineResult] = pytest.StashKey()
"""On an item: the engine's result, fetched before the item starts."""

INTERRUPTED_WAIT: pytest.StashKey[str] = pytest.StashKey()
"""On an item: a readable reason why the wait for its outcome ended."""

RECORD: pytest.StashKey[Record] = pytest.StashKey()
"""On an item: the part of its record that a test knows.

The report carries it to the owner, which adds the rest.
"""

NOT_NEEDED: pytest.StashKey[str] = pytest.StashKey()
"""On an item: a readable reason why it was not asked."""


def answer_flags(question: Question, answer: Answer) -> tuple[Flag, ...]:
    """Return what reports count of an answer: truncated, empty, with or from reasoning, or addressed to the grader."""
    flags = {
        Flag.TRUNCATED: answer.finish_reason == "length",
        Flag.EMPTY: not answer.text,
        Flag.FROM_REASONING: answer.from_reasoning,
        Flag.REASONING: answer.reasoning is not None,
    }
    suspicions = suspicious(answer.text) if question.needs_judge else ()
    return (*(flag for flag, holds in flags.items() if holds), *thought_flags(answer.text), *suspicions)


def lost_label_flags(question: Question, compatible: Score, strict: Score) -> tuple[Flag, ...]:
    """Return ``bold_heading`` if a right label scores 0 only because it is on the line below a bold heading.

    See docs/protocol.md#labels. One more line in the prompt or chat template avoids that.
    """
    lost = question in {Question.Q2, Question.Q4} and compatible.extracted in {"*", ""} and strict.value == 1
    return (Flag.BOLD_HEADING,) if lost else ()


def scored_text(answer: Answer, scorer: Scorer) -> str:
    """Return the part of an answer that this scorer reads."""
    return answer.text if scorer is Scorer.COMPATIBLE else stated_text(answer)


def stated_text(answer: Answer) -> str:
    """Return what strict scoring reads: nothing if the text is reasoning that never reached an answer.

    A server with a reasoning parser also delivers the answer of a model that did not think as reasoning, and
    ends it with ``stop``. In that case the reasoning is the answer.
    """
    return "" if answer.from_reasoning and answer.finish_reason != "stop" else answer.text


def below_mark(score: Score, mark: float | None) -> str | None:
    """Return why a score fails ``--pass-mark`` (0-100), with what was read and expected.

    None if it passes.
    """
    if mark is None or not fails_mark(score.value, mark):
        return None
    extracted, expected = (_shown(value) for value in (score.extracted, score.expected))
    return f"score {100 * score.value:.1f} is below --pass-mark {mark:g}: extracted {extracted}, expected {expected}"


def fails_mark(value: float, mark: float) -> bool:
    """Return whether a score of 0..1 is below a mark of 0..100.

    A score at the mark passes, despite rounding errors.
    """
    return mark - 100 * value > ROUNDING


def _shown(value: JSON, length: int = 300) -> str:
    text = one_line(json.dumps(value, ensure_ascii=False))
    return text if len(text) <= length else text[: length - 1] + "…"
