"""Reasoning: which answers came with it, which were truncated, and how many tokens it took."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from reports.analysis.consistency import truncated
from reports.records.outcomes import counted_records
from reports.records.records import Answer, Record, Run
from scoring.flags import Flag
from scoring.questions import Mode, Question

THOUGHT_FLAGS = frozenset({Flag.REASONING, Flag.FROM_REASONING, Flag.THOUGHT})
WITHOUT_ANSWER = frozenset({Flag.EMPTY, Flag.FROM_REASONING, Flag.UNCLOSED_THOUGHT})


@dataclass(frozen=True, slots=True, kw_only=True)
class Reasoning:
    """The reasoning in the answers to one question in one mode.

    Attributes:
        answers: items with an answer, scored or not.
        with_thought: answers with reasoning, in a separate field or between tags in the text.
        cut: answers with finish_reason ``length``.
        cut_in_thought: truncated answers that never reached an answer: no text, only reasoning, or an
            unclosed tag.
        tokens: reasoning tokens that servers reported; None if no server did.
        completion_tokens: of the answers with reported reasoning tokens, including these.
    """

    answers: int
    with_thought: int
    cut: int
    cut_in_thought: int
    tokens: int | None
    completion_tokens: int | None


def reasoning(run: Run) -> dict[tuple[Mode, Question], Reasoning]:
    """Map mode and question, in the benchmark's order, to their reasoning; empty if no answer has any."""
    groups: dict[tuple[Mode, Question], list[_Answer]] = {}
    for record in counted_records(run).values():
        if record.answer is not None:
            groups.setdefault((record.key.mode, record.key.question), []).append(
                _answer(record, record.answer)
            )
    if not any(answer.has_thought for answers in groups.values() for answer in answers):
        return {}
    order = [(mode, question) for mode in Mode for question in Question]
    return {group: _summary(groups[group]) for group in order if group in groups}


class _Answer(NamedTuple):
    """What is counted of an answer."""

    has_thought: bool
    is_cut: bool
    is_without_answer: bool
    tokens: int | None
    completion_tokens: int


def _answer(record: Record, answer: Answer) -> _Answer:
    return _Answer(
        _thought(record),
        truncated(record),
        bool(WITHOUT_ANSWER & set(record.flags)),
        answer.reasoning_tokens,
        answer.completion_tokens or 0,
    )


def _summary(answers: Sequence[_Answer]) -> Reasoning:
    counted = [(answer.tokens, answer.completion_tokens) for answer in answers if answer.tokens is not None]
    return Reasoning(
        answers=len(answers),
        with_thought=sum(answer.has_thought for answer in answers),
        cut=sum(answer.is_cut for answer in answers),
        cut_in_thought=sum(answer.is_cut and answer.is_without_answer for answer in answers),
        tokens=sum(tokens for tokens, _ in counted) if counted else None,
        completion_tokens=sum(of for _, of in counted) if counted else None,
    )


def _thought(record: Record) -> bool:
    tokens = None if record.answer is None else record.answer.reasoning_tokens
    return bool(THOUGHT_FLAGS & set(record.flags) or tokens)
