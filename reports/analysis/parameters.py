"""Q5 by field: how well each parameter is read from the plots, and in which way answers are wrong.

An answer without credit for a field is classified as a `FieldError` by comparing it with the reference value.
Only single numbers are compared in size; wrong lists and strings are not classified further.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from reports.records.floors import Floors
from reports.records.outcomes import Outcome, grouped
from reports.records.records import Record
from reports.statistics.aggregate import Coverage, coverage
from reports.statistics.floors import AboveFloor, Scored, above_field_floor
from reports.statistics.intervals import Dispersion, Interval, dispersion, mean_interval
from reports.statistics.rates import Rate, rate
from scoring.questions import Mode, Question
from scoring.reference import JSON
from scoring.score import Score

UNIT_STEP = 3
"""Units of one kind differ by powers of a thousand (ns, us, ms; Hz, kHz, MHz, GHz)."""
UNIT_TOLERANCE = 0.1
"""How far, in powers of ten, an answer may be from a power of a thousand times the reference: 26% above, 21% below."""


class FieldError(StrEnum):
    """In which way an answer without credit is wrong.

    - ``unit``: wrong by a power of a thousand (within `UNIT_TOLERANCE`).
    - ``magnitude``: not that, but at least ten times too large or too small.
    - ``declined``: null, missing or "Unreliable" in a JSON object, although the reference has a value.
    - ``invented``: a value, although the reference is null or "Unreliable".
    """

    UNIT = "unit"
    MAGNITUDE = "magnitude"
    DECLINED = "declined"
    INVENTED = "invented"


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldScore:
    """One field of one family in one mode.

    Attributes:
        coverage: of the family's Q5 items.
        items: measured items with the field in their reference; ``errors`` are rates among them.
        mean: over samples, 0..1.
        floor: how far the scores are above answers that look at no plot, in this field; None if that is not
            known.
    """

    family: str
    field: str
    coverage: Coverage
    items: int
    mean: float
    interval: Interval | None
    errors: Mapping[FieldError, Rate]
    floor: AboveFloor | None = None


class _Read(NamedTuple):
    """The answer of one field. ``credit``: 0..1; ``floors``: what each rule scores on the field."""

    sample_id: str
    mode: Mode
    credit: float
    error: FieldError | None
    floors: Floors


def field_scores(outcomes: Sequence[Outcome], records: Iterable[Record]) -> list[FieldScore]:
    """Score every field of every family, from the outcomes of one mode and their measured records.

    Questions other than Q5 are ignored. If the reference is an array, ``field`` is ``per_site``
    (docs/protocol.md#q5-parameter-extraction).
    """
    planned = grouped((o for o in outcomes if o.key.question is Question.Q5), lambda outcome: outcome.family)
    scores: dict[tuple[str, str], list[_Read]] = {}
    for record in records:
        if record.key.question is Question.Q5 and record.score is not None:
            for field, credit in record.score.components.items():
                floors = {
                    rule: by_field[field]
                    for rule, by_field in record.field_floors.items()
                    if field in by_field
                }
                error = _error(record.score, field, credit)
                read = _Read(record.key.sample_id, record.key.mode, credit, error, floors)
                scores.setdefault((record.family, field), []).append(read)
    spread = dispersion([list(_sample_means(group).values()) for group in scores.values()])
    return [
        _field_score(family, field, group, coverage(planned[family]), spread)
        for (family, field), group in sorted(scores.items())
    ]


def field_error(answer: JSON, reference: JSON, credit: float) -> FieldError | None:
    """Return in which way a field's answer is wrong; None if it got credit, or is wrong in another way."""
    if credit > 0:
        return None
    if declines(reference):
        return FieldError.INVENTED
    if declines(answer):
        return FieldError.DECLINED
    given, right = number(answer), number(reference)
    if not given or not right:
        return None
    powers = round(math.log10(abs(given)) - math.log10(abs(right)), 9)
    thousands = round(powers / UNIT_STEP)
    if thousands and abs(powers - UNIT_STEP * thousands) <= UNIT_TOLERANCE:
        return FieldError.UNIT
    return FieldError.MAGNITUDE if abs(powers) >= 1 else None


def declines(value: JSON) -> bool:
    """Whether a value says that there is none: null, "Unreliable", "null" or "none"."""
    return value is None or (isinstance(value, str) and value.lower() in {"unreliable", "null", "none"})


def number(value: JSON) -> float | None:
    """Return the value as a finite number, as ``float()`` reads it.

    None for anything else, also true and false.
    """
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        read = float(value)
    except (ValueError, OverflowError):
        return None
    return read if math.isfinite(read) else None


def _field_score(
    family: str, field: str, reads: Sequence[_Read], counts: Coverage, spread: Dispersion
) -> FieldScore:
    means = list(_sample_means(reads).values())
    return FieldScore(
        family=family,
        field=field,
        coverage=counts,
        items=len(reads),
        mean=statistics.fmean(means),
        interval=mean_interval(means, spread),
        errors={kind: rate((read.sample_id, read.error is kind) for read in reads) for kind in FieldError},
        floor=above_field_floor(
            reads[0].mode, [Scored(read.sample_id, read.credit, read.floors) for read in reads]
        ),
    )


def _sample_means(reads: Iterable[_Read]) -> dict[str, float]:
    values: dict[str, list[float]] = {}
    for read in reads:
        values.setdefault(read.sample_id, []).append(read.credit)
    return {sample: statistics.fmean(scores) for sample, scores in values.items()}


def _error(score: Score, field: str, credit: float) -> FieldError | None:
    if not isinstance(score.extracted, dict) or not isinstance(score.expected, dict):
        return None
    return field_error(score.extracted.get(field), score.expected.get(field), credit)
