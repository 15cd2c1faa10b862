"""Key points of Q1 and Q3: a judge's reply, and the mean of the judges' grades (PROTOCOL.md section 4)."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass


class BadReply(ValueError):  # noqa: N818 - the reply is bad, not the program
    """A judge's reply that cannot be used. Its text says why, in words that fit into `repair_prompt`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Grades:
    """One judge's grades of one answer.

    Attributes:
        grades: one per key point, 0..1.
        faults: what was odd about the reply: ``short`` (missing grades became 0), ``long`` (extra ones were cut),
            ``nan`` (NaN became 1), ``unreadable`` (a grade that is no number became 0), ``clamped`` (outside 0..1).
    """

    grades: tuple[float, ...]
    faults: tuple[str, ...] = ()


def parse_reply(reply: str, n_key_points: int) -> Grades:
    """The grades in a judge's reply: what stands from the first ``[`` to the next ``]``, read as JSON.

    Each grade is read as ``float()`` reads it and clamped to 0..1; NaN comes out as 1, as in the reference's clamping.
    Extra grades are cut, missing ones are 0. Raises BadReply where there is no array.
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
        faults=tuple(fault for fault, found in faults.items() if found),
    )


def mean_grade(grades: Sequence[Sequence[float]], n_key_points: int) -> float:
    """The key-point score of an item, 0..1: the mean over judges of the mean of each judge's grades.

    Raises ValueError without judges (unjudged is not 0), and where grades are not one number of 0..1 per key point.
    """
    if not grades:
        raise ValueError(f"{n_key_points} key points and no judge's grades: unjudged, which is not a score of 0")
    for judge, given in enumerate(grades, start=1):
        if len(given) != n_key_points:
            raise ValueError(f"judge {judge} gave {len(given)} grades for {n_key_points} key points")
        if not all(0 <= grade <= 1 for grade in given):
            raise ValueError(f"judge {judge} gave grades outside 0..1: {list(given)}")
    return sum(sum(given) / n_key_points for given in grades) / len(grades)


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
        raise BadReply("what stands from its first [ to the next ] is no flat JSON array of numbers") from None
    return values


def _as_number(value: object) -> float | None:
    """The value as ``float()`` reads it; None for what does not convert."""
    if not isinstance(value, int | float | str):
        return None
    try:
        return float(value)
    except (ValueError, OverflowError):
        return None


def _clamped(number: float | None) -> float:
    """0..1; None gives 0, and NaN gives 1 because no comparison with it holds."""
    return 0.0 if number is None else max(0.0, min(1.0, number))
