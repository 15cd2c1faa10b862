"""The published figures (``reports/published``, with their sources)."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.resources import files

from scoring.questions import Mode, Question

FILES = {Mode.ZEROSHOT: "zeroshot_2026_04.csv", Mode.ICL: "icl_2026_04.csv"}
LATER_MEANS = "means_2026_07.csv"


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedScores:
    """A model's published scores, as fractions 0..1 (rounded when they were published).

    Attributes:
        kind: ``Open``, ``Closed`` or ``NVIDIA``, as published; empty for later figures.
        questions: empty if only the mean was published.
    """

    model: str
    kind: str
    mean: float
    questions: Mapping[Question, float]


def published_scores(mode: Mode) -> tuple[PublishedScores, ...]:
    """Return the published scores of a mode, the best mean first."""
    scores = [*_april(mode), *_july(mode)]
    return tuple(sorted(scores, key=lambda row: -row.mean))


def published_rows(name: str) -> list[dict[str, str]]:
    """Return the rows of a file in ``reports/published``, as text."""
    text = (files("reports") / "published" / name).read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))


def _april(mode: Mode) -> Iterator[PublishedScores]:
    for row in published_rows(FILES[mode]):
        questions = {question: float(row[question.lower()]) / 100 for question in mode.questions}
        yield PublishedScores(
            model=row["model"], kind=row["type"], mean=float(row["mean"]) / 100, questions=questions
        )


def _july(mode: Mode) -> Iterator[PublishedScores]:
    for row in published_rows(LATER_MEANS):
        name = f"{row['model']} {row['precision']} (July)"
        yield PublishedScores(model=name, kind="", mean=float(row[f"{mode}_mean"]) / 100, questions={})
