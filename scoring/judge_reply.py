"""Read the grades in a judge's reply (docs/protocol.md#judge-replies)."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from scoring.final_answer import final_answer, thought_flags

REPAIRED = "repaired"
LAST_ARRAYS = 50
"""How many arrays are tried, from the end of a reply: a judge that repeats itself must not cost minutes."""
_ARRAY = re.compile(r"\[[^\[\]]*\]")
_FENCE = re.compile(r"```[a-zA-Z]*\s*(\[[^\[\]]*\])\s*```")


class BadReply(ValueError):
    """A judge's reply cannot be used.

    The message gives the reason; `repair_prompt` quotes it to the judge.
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class Grades:
    """One judge's grades of one answer.

    Attributes:
        grades: one per key point, 0..1.
        faults: irregularities of the reply: ``short`` (missing grades became 0), ``long`` (extra grades were
            cut), ``nan`` (NaN became 1), ``unreadable`` (a grade that is not a number became 0), ``clamped``
            (outside 0..1), ``repaired`` (the reference would have read other grades; see `read_reply`).
    """

    grades: tuple[float, ...]
    faults: tuple[str, ...] = ()


def read_reply(reply: str, n_key_points: int) -> Grades:
    """Read the grades that a judge intends.

    The reference reads the text from the first bracket to the next, wherever it is (`parse_grades`). If a
    judge thinks aloud, these brackets are in its thought. So thoughts and markup are removed first. Of the
    rest, a fenced array of the right length counts, else the last array of the right length, else the
    reference's reading. The fault ``repaired`` marks grades that differ from the reference's reading of the
    whole reply.

    Raises BadReply if there is no array, or nothing but a thought.
    """
    answer = final_answer(reply)
    if answer is None:
        raise BadReply(
            "it holds a thought and no answer" if thought_flags(reply) else "it holds no JSON array"
        )
    grades = next(_fitting(answer, n_key_points), None) or parse_grades(answer, n_key_points)
    return grades if grades == _reference_reading(reply, n_key_points) else _repaired(grades)


def parse_grades(reply: str, n_key_points: int) -> Grades:
    """Read the text from the first ``[`` of a judge's reply to the next ``]`` as a JSON array of grades.

    Each grade is read as ``float()`` reads it and clamped to 0..1; NaN becomes 1, as in the reference's
    clamping. Extra grades are cut, missing ones are 0. Raises BadReply if there is no array.
    """
    values = _first_array(reply)
    numbers = [_as_number(value) for value in values[:n_key_points]]
    read = [number for number in numbers if number is not None]
    faults = {
        "short": len(values) < n_key_points,
        "long": len(values) > n_key_points,
        "nan": any(math.isnan(number) for number in read),
        "unreadable": None in numbers,
        "clamped": any(number < 0 or number > 1 for number in read),
    }
    missing = [0.0] * (n_key_points - len(numbers))
    return Grades(
        grades=(*map(_clamped, numbers), *missing),
        faults=tuple(fault for fault, present in faults.items() if present),
    )


def _fitting(answer: str, n_key_points: int) -> Iterator[Grades]:
    """Yield the arrays with one number per key point: fenced ones first, each kind from the end of the answer."""
    if not n_key_points:
        return
    arrays = [*reversed(_FENCE.findall(answer)), *reversed(_ARRAY.findall(answer)[-LAST_ARRAYS:])]
    for array in arrays:
        try:
            grades = parse_grades(array, n_key_points)
        except BadReply:
            continue
        if not {"short", "long", "unreadable"} & set(grades.faults):
            yield grades


def _reference_reading(reply: str, n_key_points: int) -> Grades | None:
    try:
        return parse_grades(reply, n_key_points)
    except BadReply:
        return None


def _repaired(grades: Grades) -> Grades:
    return replace(grades, faults=(*grades.faults, REPAIRED))


def _first_array(reply: str) -> list[object]:
    start = reply.find("[")
    end = reply.find("]", start)
    if start < 0:
        raise BadReply("it holds no JSON array")
    if end < 0:
        raise BadReply("its JSON array is not closed")
    try:
        values: list[object] = json.loads(reply[start : end + 1])
    except (ValueError, RecursionError):
        raise BadReply(
            "the text from its first [ to the next ] is not a flat JSON array of numbers"
        ) from None
    return values


def _as_number(value: object) -> float | None:
    """Read a value as ``float()`` does; None if it does not convert."""
    if not isinstance(value, int | float | str):
        return None
    try:
        return float(value)
    except (ValueError, OverflowError):
        return None


def _clamped(number: float | None) -> float:
    """Clamp to 0..1; None gives 0, and NaN gives 1 because every comparison with it is false."""
    return 0.0 if number is None else max(0.0, min(1.0, number))
