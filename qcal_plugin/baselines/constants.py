"""The best constant: one answer to a question for a whole family, chosen with the references known.

For Q2, Q4 and Q6 no other constant answer scores more. For Q5 each field is null, the median or the most
frequent value, whichever scores most. For Q1 it has the most frequent plot type and scales, without key
points. Q3 has no constant, because it consists of key points, which judges grade.
"""

from __future__ import annotations

import json
import math
import statistics
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import assert_never

from scoring.dispatch import score
from scoring.field_rules import as_number, score_field
from scoring.json_answer import parse_json
from scoring.questions import Question
from scoring.reading import read_compatible
from scoring.reference import JSON, FieldRules, Reference
from scoring.technical_description import read_images

FEWEST_SAMPLES = 2
"""In a family with one sample, the best constant would be the right answer itself."""

_HEADINGS = {Question.Q2: "Classification", Question.Q4: "Assessment", Question.Q6: "Status"}


def best_constant(question: Question, references: Sequence[Reference]) -> str | None:
    """Return the best constant answer for a family's references.

    None for Q3 and with fewer than `FEWEST_SAMPLES`.
    """
    if len(references) < FEWEST_SAMPLES:
        return None
    match question:
        case Question.Q1:
            return json.dumps(
                _description([read_images(parse_json(reference.answer)) for reference in references])
            )
        case Question.Q2 | Question.Q4 | Question.Q6:
            return _label(question, references)
        case Question.Q3:
            return None
        case Question.Q5:
            return json.dumps(_parameters(references))
        case _:
            assert_never(question)


def _label(question: Question, references: Sequence[Reference]) -> str | None:
    """Return the label that is right most often, the first of equally good ones."""
    read = (read_compatible(question, reference.answer) for reference in references)
    candidates = dict.fromkeys(f"{_HEADINGS[question]}: {label}" for label in read if isinstance(label, str))

    def right(answer: str) -> float:
        return sum(score(question, answer, reference).value for reference in references)

    return max(candidates, key=right, default=None)


def _description(references: Sequence[Sequence[dict[str, str | None]]]) -> JSON:
    """Return the most frequent value of each field, image by image, for as many images as most samples have."""
    (count, _), *_ = Counter(map(len, references)).most_common(1)
    images: list[JSON] = [
        _image([reference[number] for reference in references if number < len(reference)])
        for number in range(count)
    ]
    return images if count != 1 else images[0]


def _image(seen: Sequence[dict[str, str | None]]) -> JSON:
    plot_type, x_scale, y_scale = (
        _most_frequent(image[name] for image in seen if image[name] is not None)
        for name in ("plot_type", "x_scale", "y_scale")
    )
    return {"plot_type": plot_type, "x_axis": {"scale": x_scale}, "y_axis": {"scale": y_scale}}


def _parameters(references: Sequence[Reference]) -> JSON:
    """Return the best of null, median and most frequent value for each field.

    Empty if no reference is an object.
    """
    objects = [(answer, reference.field_rules) for reference in references if (answer := _object(reference))]
    names = dict.fromkeys(name for answer, _ in objects for name in answer)
    return {
        name: _field([(answer[name], rules) for answer, rules in objects if name in answer], name)
        for name in names
    }


def _object(reference: Reference) -> dict[str, JSON] | None:
    read = parse_json(reference.answer)
    return read if isinstance(read, dict) else None


def _field(expected: Sequence[tuple[JSON, FieldRules]], name: str) -> JSON:
    values = [value for value, _ in expected if value is not None and value != "Unreliable"]

    def points(candidate: JSON) -> float:
        return sum(score_field(candidate, value, rules[name]) for value, rules in expected if name in rules)

    return max([None, *_middles(values)], key=points)


def _middles(values: Sequence[JSON]) -> Iterator[JSON]:
    """Yield the most frequent value and the median; for lists, the most frequent list and the medians by position."""
    if not values:
        return
    yield _most_frequent(values)
    numbers = [number for value in values if (number := _finite(value)) is not None]
    if numbers:
        yield statistics.median(numbers)
    lists = [[_finite(item) for item in value] for value in values if isinstance(value, list)]
    if lists:
        (length, _), *_ = Counter(map(len, lists)).most_common(1)
        columns = zip(*(items for items in lists if len(items) == length), strict=True)
        medians = [
            statistics.median(seen) for column in columns if (seen := [n for n in column if n is not None])
        ]
        yield [*medians] if len(medians) == length else None


def _finite(value: JSON) -> float | None:
    """Return the value as a number; None if it is a truth value, not a number, or not finite."""
    number = math.nan if isinstance(value, bool) else as_number(value)
    return number if math.isfinite(number) else None


def _most_frequent(values: Iterable[JSON]) -> JSON:
    """Return the most frequent value, the first of equally frequent ones; None without values."""
    seen = list(values)
    counts = Counter(json.dumps(value, sort_keys=True) for value in seen)
    return max(seen, key=lambda value: counts[json.dumps(value, sort_keys=True)], default=None)
