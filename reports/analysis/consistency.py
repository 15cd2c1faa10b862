"""Whether answers can be read, and whether the answers about one sample fit together.

"Expected behavior" and NO_SIGNAL contradict each other, whatever the reference says. But some reference answers have
such pairs, too, so each rate is reported with that of the references.
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
        unreadable: measured answers without JSON (Q1, Q5), without a label that the question offers (Q2, Q4) or
            without a status code (Q6); None for Q3, which is free text.
    """

    truncated: Rate
    unreadable: Rate | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Contradiction:
    """Two answers about one sample that cannot both be right.

    ``answers``: of the samples whose two answers could be read; ``references``: the same for their references.
    """

    name: str
    answers: Rate
    references: Rate


def legibility(records: Sequence[Record], question: Question) -> Legibility:
    """Count the answers to one question that were cut or unreadable, from the records of one mode."""
    answered = [record for record in records if record.key.question is question and record.answer is not None]
    measured = [record for record in answered if record.measured]
    return Legibility(
        truncated=rate(
            (r.key.sample_id, r.answer is not None and r.answer.finish_reason == "length") for r in answered
        ),
        unreadable=None
        if question is Question.Q3
        else rate((r.key.sample_id, unreadable(r)) for r in measured),
    )


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
    - Q4 says Unreliable, but Q5 has a number for a parameter of the fit. A parameter of the fit is a field that some
      reference of the family declines (null or "Unreliable"). Other fields, such as the number of fringes, can be read
      from a plot with a bad fit.
    """
    samples: dict[tuple[str, int], dict[Question, Record]] = {}
    for record in records:
        if record.measured:
            samples.setdefault((record.key.sample_id, record.key.repeat), {})[record.key.question] = record
    answers = [_statements(group, answered_label, _answered_fields) for group in samples.values()]
    references = [_statements(group, expected_label, _expected_fields) for group in samples.values()]
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


@dataclass(frozen=True, slots=True, kw_only=True)
class _Statements:
    """What the answers (or references) about one sample say; None if it was not asked or cannot be read."""

    sample_id: str
    family: str
    conclusion: str | None
    assessment: str | None
    status: str | None
    parameters: Mapping[str, JSON] | None


def _statements(
    records: Mapping[Question, Record], label: Callable[[Record], str], fields: Callable[[Record], JSON]
) -> _Statements:
    def labelled(question: Question) -> str | None:
        read = label(records[question]) if question in records else NOTHING
        return None if read in {OTHER, NOTHING} else read

    any_record = next(iter(records.values()))
    parameters = fields(records[Question.Q5]) if Question.Q5 in records else None
    return _Statements(
        sample_id=any_record.key.sample_id,
        family=any_record.family,
        conclusion=labelled(Question.Q2),
        assessment=labelled(Question.Q4),
        status=labelled(Question.Q6),
        parameters=parameters if isinstance(parameters, dict) else None,
    )


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
        (s.sample_id, s.assessment == UNRELIABLE and _has_number(s.parameters, fitted.get(s.family, set())))
        for s in statements
        if s.assessment and s.parameters is not None
    )


def _has_number(parameters: Mapping[str, JSON], fields: set[str]) -> bool:
    return any(number(parameters.get(field)) is not None for field in fields)


def _fit_parameters(references: Iterable[_Statements]) -> dict[str, set[str]]:
    """Map each family to the fields that one of its reference answers declines."""
    fields: dict[str, set[str]] = {}
    for reference in references:
        declined = {name for name, value in (reference.parameters or {}).items() if declines(value)}
        fields.setdefault(reference.family, set()).update(declined)
    return fields


def _answered_fields(record: Record) -> JSON:
    return None if record.score is None else record.score.extracted


def _expected_fields(record: Record) -> JSON:
    return None if record.score is None else record.score.expected
