"""Score an answer to any question: `score` makes its `Score` from its text (docs/protocol.md#scoring)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from enum import StrEnum
from typing import assert_never

from scoring.diagnosis import statuses_match
from scoring.excerpt import excerpt
from scoring.final_answer import final_answer
from scoring.key_points import mean_grade
from scoring.labels import labels_match
from scoring.parameter_extraction import PER_SITE, compare_parameters, compare_sites, mean_field
from scoring.questions import Question
from scoring.reading import read_compatible
from scoring.reference import JSON, Reference
from scoring.score import Score
from scoring.strict_reading import read_strict
from scoring.technical_description import compare_images, read_images, show_images

SCORER_VERSION = "2"
"""Raise it with each change that gives the same text, reference and grades another score."""


class Scorer(StrEnum):
    """How to read an answer's text: as the reference scripts do, or only what its final answer states."""

    COMPATIBLE = "compatible"
    STRICT = "strict"


def score(
    question: Question,
    text: str,
    reference: Reference,
    grades: Sequence[Sequence[float]] = (),
    *,
    scorer: Scorer = Scorer.COMPATIBLE,
) -> Score:
    """Return how good an answer is, 0..1, unrounded.

    ``grades`` holds one sequence per judge, with one grade of 0..1 per key point; only Q1 and Q3 use them.
    Q1 without key points gets 0 for that half and needs no judge (docs/protocol.md#q1-technical-description).
    A reference answer that cannot be read matches nothing.

    Raises ValueError if key points have no grades (unjudged is not 0), if the grades do not fit the key
    points, and for Q3 without key points (undefined). It never raises because of ``text``.
    """
    match scorer:
        case Scorer.COMPATIBLE:
            return _compare(question, read_compatible(question, text), reference, grades)
        case Scorer.STRICT:
            return _score_strictly(question, final_answer(text), reference, grades)
        case _:
            assert_never(scorer)


def _score_strictly(
    question: Question, answer: str | None, reference: Reference, grades: Sequence[Sequence[float]]
) -> Score:
    """Score what the final answer states.

    No final answer, or for Q5 no JSON, counts as not answered: 0 throughout.
    """
    read = None if answer is None else read_strict(question, answer)
    result = _compare(question, read, reference, grades)
    if answer is None or (question is Question.Q5 and read is None):
        return replace(result, value=0.0, components=dict.fromkeys(result.components, 0.0))
    return result


def _compare(
    question: Question, read: JSON, reference: Reference, grades: Sequence[Sequence[float]]
) -> Score:
    """Score what was read from an answer."""
    expected = read_compatible(question, reference.answer)
    match question:
        case Question.Q1:
            return _score_description(read, expected, reference.key_points, grades)
        case Question.Q2 | Question.Q4:
            return _score_name(read, expected, labels_match)
        case Question.Q3:
            return _score_significance(reference.key_points, grades)
        case Question.Q5:
            return _score_parameters(read, expected, reference)
        case Question.Q6:
            return _score_name(read, expected, statuses_match)
        case _:
            assert_never(question)


def _score_description(
    read: JSON, expected: JSON, key_points: Sequence[str], grades: Sequence[Sequence[float]]
) -> Score:
    """Score Q1: half fields, half key points."""
    fields = compare_images(read_images(read), read_images(expected))
    halves = {
        "fields": sum(fields.values()) / len(fields),
        "key_points": mean_grade(grades, len(key_points)) if key_points else 0.0,
    }
    return Score(
        value=0.5 * halves["fields"] + 0.5 * halves["key_points"],
        extracted=show_images(read),
        expected=show_images(expected),
        components={**fields, **halves},
    )


def _score_name(read: JSON, expected: JSON, matches: Callable[[str, str], bool]) -> Score:
    """Score Q2, Q4 and Q6: one name, right or wrong."""
    right = isinstance(read, str) and isinstance(expected, str) and matches(read, expected)
    return Score(value=float(right), extracted=excerpt(read), expected=excerpt(expected))


def _score_significance(key_points: Sequence[str], grades: Sequence[Sequence[float]]) -> Score:
    """Score Q3: key points alone."""
    if not key_points:
        raise ValueError("Q3 consists of key points, and this reference has none: its score is undefined")
    mean = mean_grade(grades, len(key_points))
    return Score(value=mean, extracted=None, expected=None, components={"key_points": mean})


def _score_parameters(read: JSON, expected: JSON, reference: Reference) -> Score:
    """Score Q5: the mean of its fields.

    0 if the reference is an array, with the per-site score as a component.
    """
    fields = compare_parameters(read, expected, reference.field_rules)
    per_site = compare_sites(read, expected, reference.field_rules)
    return Score(
        value=mean_field(fields),
        extracted=excerpt(read),
        expected=excerpt(expected),
        components=fields if per_site is None else {PER_SITE: per_site},
    )
