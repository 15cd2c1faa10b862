"""Intervals of the means for plots like these, and for experiment families outside the benchmark."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

from reports.records.names import MODE_NAMES
from reports.records.outcomes import Evaluation, Outcome, grouped
from reports.statistics.aggregate import sample_scores
from reports.statistics.families import new_family_interval
from reports.statistics.floors import above_floor
from reports.statistics.intervals import cluster_values, mean_interval
from reports.tables.floors import FLOOR_COLUMNS, floor_cells
from reports.tables.model import QUESTION, Cell, Column, Section, Table, Unit, capitalised
from scoring.questions import Mode, Question

COLUMNS = (
    QUESTION,
    Column("Mean", Unit.SCORE, 1),
    Column("95%, plots like these", Unit.SCORE, 1, span=True),
    Column("95%, new families", Unit.SCORE, 1, span=True),
    Column("Families", Unit.COUNT),
)
NOTES = (
    "Plots like these: other samples of these families.",
    "New families: other families, as if these had been drawn at random from many; clustered by family.",
)

FLOOR_NOTE = "Floor, Above: over the questions that have a floor; the interval is about plots like these."


def new_family_section(evaluation: Evaluation, *, floors: bool = False) -> Section:
    """Return a table per mode, with each question and the mean of the questions; with their ``floors``."""
    modes = grouped(evaluation.benchmark, lambda outcome: outcome.key.mode)
    tables = tuple(
        Table(
            title=f"{capitalised(MODE_NAMES[mode])}: how sure the means are",
            columns=(*COLUMNS, *(FLOOR_COLUMNS if floors else ())),
            rows=tuple(_rows(modes[mode], floors=floors)),
            notes=(*NOTES, *((FLOOR_NOTE,) if floors else ())),
        )
        for mode in Mode
        if mode in modes
    )
    return Section(title="New families", tables=tables)


def _rows(outcomes: Sequence[Outcome], *, floors: bool) -> Iterator[tuple[Cell, ...]]:
    families = {outcome.sample: outcome.family for outcome in outcomes}
    by_question = grouped(outcomes, lambda outcome: outcome.key.question)
    scores = {
        question: sample_scores(by_question[question]) for question in Question if question in by_question
    }
    for question, intervals in scores.items():
        above = floor_cells(above_floor(by_question[question])) if floors else ()
        yield (*_row(question.value, intervals, families), *above)
    if len(scores) > 1:
        complete = all(scores.values())
        samples = sorted(set().union(*scores.values()))
        values = dict(zip(samples, cluster_values(list(scores.values())), strict=True)) if complete else {}
        yield (*_row("Mean", values, families), *(floor_cells(above_floor(outcomes)) if floors else ()))


def _row(name: str, values: Mapping[str, float], families: Mapping[str, str]) -> tuple[Cell, ...]:
    groups = [families[sample] for sample in values]
    return (
        name,
        math.fsum(values.values()) / len(values) if values else None,
        mean_interval(list(values.values())),
        new_family_interval(list(values.values()), groups),
        len(set(groups)),
    )
