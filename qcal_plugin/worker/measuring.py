"""From an answer to a measurement: what a test computes, and what its report carries to the controller."""

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
    """One item as its test sees it: what it is, and how an answer to it is scored."""

    planned: PlannedItem
    reference: Reference = field(repr=False)
    scorer: Scorer

    @property
    def question(self) -> Question:
        """Which of the six questions is asked."""
        return self.planned.key.question

    def score(self, answer: Answer, verdicts: Sequence[Verdict] = ()) -> Score:
        """The answer's score by the scorer in force (``--scoring``)."""
        return self._scored(self.scorer, answer, verdicts)

    def other_score(self, answer: Answer, verdicts: Sequence[Verdict]) -> Score:
        """The answer's score by the scorer that is not in force."""
        other = Scorer.STRICT if self.scorer is Scorer.COMPATIBLE else Scorer.COMPATIBLE
        return self._scored(other, answer, verdicts)

    def _scored(self, scorer: Scorer, answer: Answer, verdicts: Sequence[Verdict]) -> Score:
        grades = [verdict.grades for verdict in verdicts if verdict.grades is not None]
        return score(self.question, scored_text(answer, scorer), self.reference, grades, scorer=scorer)


ROUNDING = 1e-9
"""What scores of 0..100 may differ by without being different."""

OUTCOME: pytest.StashKey[EngineResult] = pytest.StashKey()
"""On an item: what the engine found out, taken before the item starts."""

INTERRUPTED_WAIT: pytest.StashKey[str] = pytest.StashKey()
"""On an item: what ended the wait for its outcome, in words."""

RECORD: pytest.StashKey[Record] = pytest.StashKey()
"""On an item: its record as far as a test knows it. Its report carries it to the owner, who adds the engine's part."""

NOT_NEEDED: pytest.StashKey[str] = pytest.StashKey()
"""On an item: why it was not asked, in words."""


def answer_flags(question: Question, answer: Answer) -> tuple[Flag, ...]:
    """What is worth counting about an answer: cut, empty, only a thought, with one, or addressed to the grader."""
    flags = {
        Flag.TRUNCATED: answer.finish_reason == "length",
        Flag.EMPTY: not answer.text,
        Flag.FROM_REASONING: answer.from_reasoning,
        Flag.REASONING: answer.reasoning is not None,
    }
    suspicions = suspicious(answer.text) if question.needs_judge else ()
    return (*(flag for flag, holds in flags.items() if holds), *thought_flags(answer.text), *suspicions)


def lost_label_flags(question: Question, compatible: Score, strict: Score) -> tuple[Flag, ...]:
    """``bold_heading`` if a right label scores 0 for one reason alone: it is on the line below a bold heading.

    See docs/protocol.md#labels. Model teams want to know: the cure is one line of their prompt or template.
    """
    lost = question in {Question.Q2, Question.Q4} and compatible.extracted in {"*", ""} and strict.value == 1
    return (Flag.BOLD_HEADING,) if lost else ()


def scored_text(answer: Answer, scorer: Scorer) -> str:
    """What this scorer reads of an answer."""
    return answer.text if scorer is Scorer.COMPATIBLE else stated_text(answer)


def stated_text(answer: Answer) -> str:
    """What strict scoring may read: nothing where the text is a thought that never came to its answer.

    A server whose reasoning parser is set delivers the answer of a model that did not think as reasoning, too, and
    ends it with ``stop``; then the reasoning is the answer.
    """
    return "" if answer.from_reasoning and answer.finish_reason != "stop" else answer.text


def below_mark(score: Score, mark: float | None) -> str | None:
    """Why a score fails ``--pass-mark`` (0-100), with what was read and what was expected; None if it does not."""
    if mark is None or not fails_mark(score.value, mark):
        return None
    extracted, expected = (_shown(value) for value in (score.extracted, score.expected))
    return f"score {100 * score.value:.1f} is below --pass-mark {mark:g}: extracted {extracted}, expected {expected}"


def fails_mark(value: float, mark: float) -> bool:
    """Whether a score of 0..1 is below a mark of 0..100. At the mark it passes, whatever binary fractions do to it."""
    return mark - 100 * value > ROUNDING


def _shown(value: JSON, length: int = 300) -> str:
    text = one_line(json.dumps(value, ensure_ascii=False))
    return text if len(text) <= length else text[: length - 1] + "…"
