"""A run among the published models."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from reports.analysis.comparability import comparability
from reports.analysis.leaderboard import published_scores
from reports.records.names import MODE_NAMES, question_name
from reports.records.outcomes import Evaluation
from reports.statistics.aggregate import MeanOfQuestions, Summary, by_mode, by_question
from reports.tables.model import Cell, Column, Table, Unit
from scoring.questions import Mode, Question

SOURCE = "Published: QCalEval paper, arXiv 2604.25884 (CC BY 4.0), and its repository; April 2026, judged by GPT-5.4."
LATER_SOURCE = "July 2026: means of two judges, questions not published."


def leaderboard_table(evaluation: Evaluation, mode: Mode, *, floors: bool = False) -> Table | None:
    """Return the published rows of a mode with this run's among them; None if the run has no mean in this mode.

    The run gets a rank only if its figures are comparable. With ``floors`` the last row shows those of its
    items.
    """
    outcomes = [outcome for outcome in evaluation.benchmark if outcome.key.mode is mode]
    mean = by_mode(outcomes).get(mode)
    if mean is None or mean.mean is None:
        return None
    reasons = comparability(evaluation)
    own = {question: summary.mean for (_, question), summary in by_question(outcomes).items()}
    name = f"> {evaluation.identity.model or 'this run'}"
    rows = [
        (row.mean, _cells(row.model, row.kind, row.mean, row.questions, mode))
        for row in published_scores(mode)
    ]
    rows.append((mean.mean, _cells(name, "this run", mean.mean, own, mode)))
    ranked = [*_ranked(sorted(rows, key=lambda entry: -entry[0]), comparable=not reasons)]
    if floors:
        floor_values = {question: _floor(summary) for (_, question), summary in by_question(outcomes).items()}
        ranked.append((None, *_cells("floor of this run's items", "", None, floor_values, mode)))
    return Table(
        title=f"Among the published models ({MODE_NAMES[mode]})",
        columns=(Column("Rank", Unit.COUNT), Column("Model"), Column("Type"), *_score_columns(mode)),
        rows=tuple(ranked),
        notes=tuple(_notes(mean, reasons, mode)),
    )


def _ranked(rows: list[tuple[float, tuple[Cell, ...]]], *, comparable: bool) -> Iterator[tuple[Cell, ...]]:
    rank = 0
    for _, cells in rows:
        counts = comparable or cells[1] != "this run"
        rank += counts
        yield (rank if counts else None, *cells)


def _notes(mean: MeanOfQuestions, reasons: tuple[str, ...], mode: Mode) -> Iterator[str]:
    if reasons:
        yield "This run is not comparable, for the reasons at the head of the report, and has no rank."
    if mean.interval is not None:
        low, high = (f"{100 * bound:.1f}" for bound in (mean.interval.low, mean.interval.high))
        yield f"95% interval of this run's mean: {low} to {high}. The published figures have none."
    yield f"{', '.join(map(question_name, mode.questions))}."
    yield SOURCE
    yield LATER_SOURCE


def _score_columns(mode: Mode) -> tuple[Column, ...]:
    return tuple(Column(name, Unit.SCORE, 1) for name in ("Mean", *mode.questions))


def _floor(summary: Summary) -> float | None:
    return None if summary.floor is None else summary.floor.floor


def _cells(
    model: str, kind: str, mean: float | None, scores: Mapping[Question, float | None], mode: Mode
) -> tuple[Cell, ...]:
    return (model, kind, mean, *(scores.get(question) for question in mode.questions))
