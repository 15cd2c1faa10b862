"""Compare one extracted parameter of Q5 with its reference value (docs/protocol.md#q5-parameter-extraction)."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from typing import Any, NamedTuple

from scoring.reference import JSON

UNRELIABLE = "Unreliable"
_DECLINED = frozenset({"unreliable", "null", "none"})


class FieldType(StrEnum):
    """The kinds of comparison that a rule can name."""

    BOOL = "bool"
    ENUM = "enum"
    PCT = "pct"
    ABS = "abs"
    INT_COUNT = "int_count"
    COUNT_FLOAT = "count_float"
    COORD_LIST = "coord_list"
    ARRAY_INT_MATCH = "array_int_match"
    ARRAY_FLOAT_MATCH = "array_float_match"


class Tolerance(NamedTuple):
    """The largest errors that get full and half credit, absolute or relative; NaN if the rule names none."""

    full: float
    half: float

    def credit(self, error: float) -> float:
        """Return 1, 0.5 or 0; an error or a tolerance of NaN gives no credit."""
        if error <= self.full:
            return 1.0
        return 0.5 if error <= self.half else 0.0


def score_field(answer: JSON, reference: JSON, rule: Mapping[str, Any]) -> float:
    """Return how well a field's value agrees with the reference, 0..1, by the rule's ``type``; an unknown type gives 0.

    If the reference is "Unreliable" or null, the answer has to decline too. Numbers are read as ``float()``
    reads them. A tolerance that the rule lacks gives no credit. `rule_problems` names unknown types and
    missing tolerances.
    """
    if reference is None or reference == UNRELIABLE:
        return float(_declines(answer))
    compare = _COMPARISONS.get(str(rule.get("type")))
    if answer is None or compare is None:
        return 0.0
    return compare(
        answer, reference, Tolerance(as_number(rule.get("tol_full")), as_number(rule.get("tol_half")))
    )


def rule_problems(rule: Mapping[str, Any]) -> tuple[str, ...]:
    """Return why a rule cannot give credit, as messages; empty if it can."""
    kind = str(rule.get("type"))
    if kind not in _COMPARISONS:
        return (f"unknown type {kind!r}: every answer scores 0",)
    return tuple(
        f"{name} is not a number" for name in _tolerances_of(kind) if math.isnan(as_number(rule.get(name)))
    )


def as_number(value: object) -> float:
    """Read a value as ``float()`` does; NaN, which agrees with nothing, if it does not convert."""
    if not isinstance(value, int | float | str):
        return math.nan
    try:
        return float(value)
    except (ValueError, OverflowError):
        return math.nan


def _tolerances_of(kind: str) -> tuple[str, ...]:
    if kind in {FieldType.BOOL, FieldType.ENUM}:
        return ()
    if kind in {FieldType.ARRAY_INT_MATCH, FieldType.ARRAY_FLOAT_MATCH}:
        return ("tol_full",)
    return ("tol_full", "tol_half")


def _declines(answer: JSON) -> bool:
    return answer is None or (isinstance(answer, str) and answer.lower() in _DECLINED)


def _compare_bools(answer: JSON, reference: JSON, _: Tolerance) -> float:
    read = _as_bool(answer)
    return float(read is not None and read == _as_bool(reference))


def _as_bool(value: JSON) -> bool | None:
    """Read a bool, the integers 0 and 1, or "true" and "false" in any case.

    None for all else, such as 1.0 and "1".
    """
    match value:
        case bool():
            return value
        case int() if value in {0, 1}:
            return bool(value)
        case str() if value.lower() in {"true", "false"}:
            return value.lower() == "true"
        case _:
            return None


def _compare_enums(answer: JSON, reference: JSON, _: Tolerance) -> float:
    if not (isinstance(answer, str) and isinstance(reference, str)):
        return 0.0
    return float(answer.strip().lower() == reference.strip().lower())


def _compare_relative(answer: JSON, reference: JSON, tolerance: Tolerance) -> float:
    """Compare by |a-r|/|r|. That is undefined for r = 0: then 1 if |a| < 0.01, else 0."""
    expected = as_number(reference)
    if expected == 0:
        return float(abs(as_number(answer)) < 0.01)
    return tolerance.credit(_absolute_error(answer, reference) / abs(expected))


def _compare_absolute(answer: JSON, reference: JSON, tolerance: Tolerance) -> float:
    return tolerance.credit(_absolute_error(answer, reference))


def _absolute_error(answer: JSON, reference: JSON) -> float:
    return abs(as_number(answer) - as_number(reference))


def _compare_counts(answer: JSON, reference: JSON, tolerance: Tolerance) -> float:
    """Compare by absolute error; if either side is a list, position by position.

    A scalar then counts as a list of one. Two empty lists agree.
    """
    if not (isinstance(answer, list) or isinstance(reference, list)):
        return _compare_absolute(answer, reference, tolerance)
    answers = answer if isinstance(answer, list) else [answer]
    references = reference if isinstance(reference, list) else [reference]
    if not answers and not references:
        return 1.0
    return _by_position(_compare_absolute, answers, references, tolerance)


def _compare_coordinates(answer: JSON, reference: JSON, tolerance: Tolerance) -> float:
    """Average the elements' credit by absolute error.

    0 unless both are non-empty lists of the same length.
    """
    if (
        not (isinstance(answer, list) and isinstance(reference, list))
        or len(answer) != len(reference)
        or not answer
    ):
        return 0.0
    return _by_position(_compare_absolute, answer, reference, tolerance)


def _compare_matches(answer: JSON, reference: JSON, tolerance: Tolerance) -> float:
    """Return F1 of greedy matches: each element of the answer, in order, takes the first free reference in reach."""
    if not (isinstance(answer, list) and isinstance(reference, list)):
        return 0.0
    if not answer and not reference:
        return 1.0
    free = [as_number(expected) for expected in reference]
    for value in map(as_number, answer):
        taken = next((i for i, expected in enumerate(free) if abs(value - expected) <= tolerance.full), None)
        if taken is not None:
            del free[taken]
    return 2 * (len(reference) - len(free)) / (len(answer) + len(reference))


def _compare_arrays(answer: JSON, reference: JSON, tolerance: Tolerance) -> float:
    """Compare position by position, each right or wrong by its relative error.

    An empty reference accepts any list.
    """
    if not (isinstance(answer, list) and isinstance(reference, list)):
        return 0.0
    if not reference:
        return 1.0
    return _by_position(_compare_relative, answer, reference, tolerance._replace(half=math.nan))


def _by_position(
    compare: Callable[[JSON, JSON, Tolerance], float],
    answer: Sequence[JSON],
    reference: Sequence[JSON],
    tolerance: Tolerance,
) -> float:
    """Return the mean over the shorter list times shorter/longer, that is, the sum divided by the longer length."""
    scores = [compare(a, r, tolerance) for a, r in zip(answer, reference, strict=False)]
    return sum(scores) / max(len(answer), len(reference))


_COMPARISONS: Mapping[str, Callable[[JSON, JSON, Tolerance], float]] = {
    FieldType.BOOL: _compare_bools,
    FieldType.ENUM: _compare_enums,
    FieldType.PCT: _compare_relative,
    FieldType.ABS: _compare_absolute,
    FieldType.INT_COUNT: _compare_counts,
    FieldType.COUNT_FLOAT: _compare_counts,
    FieldType.COORD_LIST: _compare_coordinates,
    FieldType.ARRAY_INT_MATCH: _compare_matches,
    FieldType.ARRAY_FLOAT_MATCH: _compare_arrays,
}
