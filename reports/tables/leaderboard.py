"""The published figures (``reports/published``, with their sources) and a run's place among them."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.resources import files

from reports.analysis.comparability import comparability
from reports.records.outcomes import Evaluation
from reports.statistics.aggregate import MeanOfQuestions, by_mode, by_question
from reports.tables.model import MODE_NAMES, Cell, Column, Table, Unit
from scoring.questions import Mode, Question

FILES = {Mode.ZEROSHOT: "zeroshot_2026_04.csv", Mode.ICL: "icl_2026_04.csv"}
LATER_MEANS = "means_2026_07.csv"
SOURCE = "Published: QCalEval paper, arXiv 2604.25884 (CC BY 4.0), and its repository; April 2026, judged by GPT-5.4."
LATER_SOURCE = "July 2026: means of two judges, questions not published."


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedScores:
    """A model's published scores, as fractions 0..1 (rounded when they were published).

    Attributes:
        kind: ``Open``, ``Closed`` or ``NVIDIA``, as published; empty for later figures.
        questions: empty where only the mean was published.
    """

    model: str
    kind: str
    mean: float
    questions: Mapping[Question, float]


def published_scores(mode: Mode) -> tuple[PublishedScores, ...]:
    """The published scores of a mode, the best mean first."""
    scores = [*_april(mode), *_july(mode)]
    return tuple(sorted(scores, key=lambda row: -row.mean))


def published_q6_by_family() -> dict[str, dict[str, float]]:
    """Family -> model -> published zero-shot Q6 score (0..1), for the four models of the paper's table by family."""
    return {
        row["family"]: {name: float(value) / 100 for name, value in row.items() if name not in {"family", "samples"}}
        for row in published_rows("q6_by_family_2026_04.csv")
    }


def published_rows(name: str) -> list[dict[str, str]]:
    """The rows of a file in ``reports/published``, as text."""
    text = (files("reports") / "published" / name).read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))


def leaderboard_table(evaluation: Evaluation, mode: Mode) -> Table | None:
    """The published rows of a mode with this run's among them; None if the run did not ask the mode, or has no mean.

    The run gets a rank only where its figures are comparable.
    """
    outcomes = [outcome for outcome in evaluation.benchmark if outcome.key.mode is mode]
    mean = by_mode(outcomes).get(mode)
    if mean is None or mean.mean is None:
        return None
    reasons = comparability(evaluation)
    own = {question: summary.mean for (_, question), summary in by_question(outcomes).items()}
    name = f"> {evaluation.identity.model or 'this run'}"
    rows = [(row.mean, _cells(row.model, row.kind, row.mean, row.questions, mode)) for row in published_scores(mode)]
    rows.append((mean.mean, _cells(name, "this run", mean.mean, own, mode)))
    ranked = sorted(rows, key=lambda entry: -entry[0])
    return Table(
        title=f"Among the published models ({MODE_NAMES[mode]})",
        columns=(Column("Rank", Unit.COUNT), Column("Model"), Column("Type"), *_score_columns(mode)),
        rows=tuple(_ranked(ranked, comparable=not reasons)),
        notes=tuple(_notes(mean, reasons)),
    )


def _ranked(rows: list[tuple[float, tuple[Cell, ...]]], *, comparable: bool) -> Iterator[tuple[Cell, ...]]:
    rank = 0
    for _, cells in rows:
        counts = comparable or cells[1] != "this run"
        rank += counts
        yield (rank if counts else None, *cells)


def _notes(mean: MeanOfQuestions, reasons: tuple[str, ...]) -> Iterator[str]:
    if reasons:
        yield f"This run is not comparable: {'; '.join(reasons)}."
    if mean.interval is not None:
        low, high = (f"{100 * bound:.1f}" for bound in (mean.interval.low, mean.interval.high))
        yield f"95% interval of this run's mean: {low} to {high}. The published figures have none."
    yield SOURCE
    yield LATER_SOURCE


def _score_columns(mode: Mode) -> tuple[Column, ...]:
    return tuple(Column(name, Unit.SCORE, 1) for name in ("Mean", *mode.questions))


def _cells(model: str, kind: str, mean: float, scores: Mapping[Question, float | None], mode: Mode) -> tuple[Cell, ...]:
    return (model, kind, mean, *(scores.get(question) for question in mode.questions))


def _april(mode: Mode) -> Iterator[PublishedScores]:
    for row in published_rows(FILES[mode]):
        questions = {question: float(row[question.lower()]) / 100 for question in mode.questions}
        yield PublishedScores(model=row["model"], kind=row["type"], mean=float(row["mean"]) / 100, questions=questions)


def _july(mode: Mode) -> Iterator[PublishedScores]:
    for row in published_rows(LATER_MEANS):
        name = f"{row['model']} {row['precision']} (July)"
        yield PublishedScores(model=name, kind="", mean=float(row[f"{mode}_mean"]) / 100, questions={})
