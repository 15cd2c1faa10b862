"""The judge canary: a small frozen set of graded answers, ours and synthetic, that shows when a judge drifts.

``canary.json`` holds answers with planted omissions, wrong numbers and conclusions, answers that name topics without
saying anything, and answers that flatter or instruct the grader; each with grades of 0, 0.5 or 1 that leave no room for
taste. A judge that gives the same grade to everything agrees on at most half of the key points.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources

from scoring.questions import Question
from scoring.reference import Reference

SAME_GRADE = 0.25
"""Two grades agree if they differ by less than this: half a step between 0, 0.5 and 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CanaryAnswer:
    """An answer with known grades, one per key point of ``reference``; ``trait`` says what was planted in it."""

    name: str
    trait: str
    question: Question
    text: str
    reference: Reference
    grades: tuple[float, ...]


@cache
def load_canary() -> tuple[CanaryAnswer, ...]:
    """The frozen set, in the order of its file."""
    data = json.loads(resources.files("scoring").joinpath("canary.json").read_text(encoding="utf-8"))
    return tuple(
        CanaryAnswer(
            name=answer["name"],
            trait=answer["trait"],
            question=Question(entry["question"]),
            text=answer["text"],
            reference=Reference(
                answer=entry["answer"],
                plot_description=entry["plot_description"],
                scenario_type=entry["scenario_type"],
                key_points=tuple(entry["key_points"]),
            ),
            grades=tuple(map(float, answer["grades"])),
        )
        for entry in data["references"]
        for answer in entry["answers"]
    )


def agreement(known: Sequence[Sequence[float]], got: Sequence[Sequence[float] | None]) -> float:
    """The share of key points, over all answers, whose grade is the known one (within `SAME_GRADE`), 0..1.

    An answer for which no grades arrived (None) agrees on none of its key points: such a judge cannot be relied on.
    Raises ValueError where the two do not fit together, or nothing is known.
    """
    if any(given is not None and len(given) != len(grades) for grades, given in zip(known, got, strict=True)):
        raise ValueError("an answer has not as many grades as key points")
    agreed = [
        given is not None and abs(grade - given[i]) < SAME_GRADE
        for grades, given in zip(known, got, strict=True)
        for i, grade in enumerate(grades)
    ]
    if not agreed:
        raise ValueError("agreement of no grades is undefined")
    return sum(agreed) / len(agreed)
