"""Whether answers can be read, and whether the answers about one sample fit together.

"Expected behavior" and NO_SIGNAL contradict each other, whatever the reference says. But some reference
answers have such pairs, too, so each rate is reported with that of the references.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from reports.analysis.labels import (
    EXPECTED,
    GOOD_STATUSES,
    NOTHING,
    OTHER,
    SUCCESS,
    UNRELIABLE,
    answered_label,
    expected_label,
)
from reports.analysis.parameters import declines, number
from reports.records.records import Record
from reports.statistics.rates import Rate, rate
from scoring.questions import Question
from scoring.reference import JSON


@dataclass(frozen=True, slots=True, kw_only=True)
class Legibility:
    """How many answers to one question were cut or unreadable.

    Attributes:
        truncated: answers cut at ``max_tokens`` (finish reason ``length``), of all answers.
        unreadable: measured answers without JSON (Q1, Q5), without a label that the question offers (Q2, Q4)
            or without a status code (Q6); None for Q3, which is free text.
    """

    truncated: Rate
    unreadable: Rate | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Contradiction:
    """Two answers about one sample that cannot both be right.

    ``answers``: of the samples whose two answers could be read; ``references``: the same for their
        references.
    """

    name: str
    answers: Rate
    references: Rate


def legibility(records: Iterable[Record], question: Question) -> Legibility:
    """Count the answers to one question that were cut or unreadable, from the records of one mode."""
    cut: list[tuple[str, bool]] = []
    read: list[tuple[str, bool]] = []
    for record in records:
        if record.key.question is question and record.answer is not None:
            cut.append((record.key.sample_id, truncated(record)))
            if record.measured:
                read.append((record.key.sample_id, unreadable(record)))
    return Legibility(truncated=rate(cut), unreadable=None if question is Question.Q3 else rate(read))


def truncated(record: Record) -> bool:
    """Whether the answer was cut at ``max_tokens``."""
    return record.answer is not None and record.answer.finish_reason == "length"


def unreadable(record: Record) -> bool:
    """Whether nothing that the question asks for was found in a measured answer; see `Legibility`."""
    if record.key.question in {Question.Q2, Question.Q4, Question.Q6}:
        return answered_label(record) in {OTHER, NOTHING}
    return record.score is None or record.score.extracted is None


def contradictions(records: Iterable[Record]) -> tuple[Contradiction, ...]:
    """Count the contradictions within samples (and repeats) among measured records of one mode.

    - Q2 says Expected behavior, but Q6 gives a code that is not one of `GOOD_STATUSES`.
    - Q6 says SUCCESS, but Q2 does not say Expected behavior.
    - Q4 says Unreliable, but Q5 has a number for a parameter of the fit. A parameter of the fit is a field
      that some reference of the family declines (null or "Unreliable"). Other fields, such as the number of
      fringes, can be read from a plot with a bad fit.
    """
    answered: dict[tuple[str, int], _Statements] = {}
    expected: dict[tuple[str, int], _Statements] = {}
    for record in records:
        if record.measured and record.score is not None:
            sample = (record.key.sample_id, record.key.repeat)
            for statements, label, read in (
                (answered, answered_label, record.score.extracted),
                (expected, expected_label, record.score.expected),
            ):
                if sample not in statements:
                    statements[sample] = _Statements(sample_id=record.key.sample_id, family=record.family)
                statements[sample].add(record, label, read)
    answers, references = list(answered.values()), list(expected.values())
    kinds: dict[str, Callable[[Sequence[_Statements]], Rate]] = {
        "Q2 Expected behavior, Q6 failure": _hidden_failures,
        "Q6 SUCCESS, Q2 not Expected behavior": _denied_successes,
        "Q4 Unreliable, Q5 numbers from the fit": partial(
            _numbers_from_bad_fits, _fit_parameters(references)
        ),
    }
    return tuple(
        Contradiction(name=name, answers=share(answers), references=share(references))
        for name, share in kinds.items()
    )


@dataclass(slots=True, kw_only=True)
class _Statements:
    """What the answers (or references) about one sample say; None if it was not asked or cannot be read.

    Attributes:
        numbers: the parameters that have a number.
        declined: the parameters for which no value is given (null or "Unreliable").
    """

    sample_id: str
    family: str
    conclusion: str | None = None
    assessment: str | None = None
    status: str | None = None
    numbers: tuple[str, ...] | None = None
    declined: tuple[str, ...] = ()

    def add(self, record: Record, label: Callable[[Record], str], read: JSON) -> None:
        """Note what one answer says; of several to one question the last counts."""
        match record.key.question:
            case Question.Q2:
                self.conclusion = _known(label(record))
            case Question.Q4:
                self.assessment = _known(label(record))
            case Question.Q6:
                self.status = _known(label(record))
            case Question.Q5 if isinstance(read, dict):
                self.numbers = tuple(name for name, value in read.items() if number(value) is not None)
                self.declined = tuple(name for name, value in read.items() if declines(value))


def _known(label: str) -> str | None:
    return None if label in {OTHER, NOTHING} else label


def _hidden_failures(statements: Sequence[_Statements]) -> Rate:
    return rate(
        (s.sample_id, s.conclusion == EXPECTED and s.status not in GOOD_STATUSES)
        for s in statements
        if s.conclusion and s.status
    )


def _denied_successes(statements: Sequence[_Statements]) -> Rate:
    return rate(
        (s.sample_id, s.conclusion != EXPECTED and s.status == SUCCESS)
        for s in statements
        if s.conclusion and s.status
    )


def _numbers_from_bad_fits(fitted: Mapping[str, set[str]], statements: Sequence[_Statements]) -> Rate:
    return rate(
        (s.sample_id, s.assessment == UNRELIABLE and not fitted.get(s.family, set()).isdisjoint(s.numbers))
        for s in statements
        if s.assessment and s.numbers is not None
    )


def _fit_parameters(references: Iterable[_Statements]) -> dict[str, set[str]]:
    """Map each family to the fields that one of its reference answers declines."""
    fields: dict[str, set[str]] = {}
    for reference in references:
        fields.setdefault(reference.family, set()).update(reference.declined)
    return fields
