"""Floors in tables: what answers that ignore the plot score, and how far above it a model is (docs/baselines.md)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from reports.analysis.mix_scores import MixFloor
from reports.records.floors import COPYING, FLOOR_NAMES, Floor
from reports.records.names import question_span
from reports.statistics.aggregate import Summary
from reports.statistics.floors import AboveFloor
from reports.tables.model import QUESTION, Cell, Column, Table, Unit
from scoring.questions import Question

INTERVAL_NAME = "95% interval"
FLOOR_COLUMNS = (
    Column("Floor", Unit.SCORE, 1),
    Column("Above", Unit.DIFFERENCE, 1),
    Column(INTERVAL_NAME, Unit.DIFFERENCE, 1, span=True),
)
COPYING_COLUMNS = (
    QUESTION,
    Column("Copying"),
    Column("Floor", Unit.SCORE, 1),
    Column("ICL", Unit.SCORE, 1),
    Column("Above", Unit.DIFFERENCE, 1),
    Column(INTERVAL_NAME, Unit.DIFFERENCE, 1, span=True),
    Column("Samples", Unit.COUNT),
)
SPARED = frozenset({"Planned", "%", "Median"})
"""Columns left out for the floors if the table is wider than the terminal."""


def with_floors(columns: Sequence[Column]) -> tuple[Column, ...]:
    """Return the columns of a table of scores with those of floors at the end."""
    spared = (replace(column, optional=column.optional or column.name in SPARED) for column in columns)
    return (*spared, *FLOOR_COLUMNS)


def floor_cells(floor: AboveFloor | MixFloor | None) -> tuple[Cell, ...]:
    """Return the cells of `FLOOR_COLUMNS`."""
    return (None, None, None) if floor is None else (floor.floor, floor.above.mean, floor.above.interval)


UNKNOWN = "Floor: not known; runs of earlier versions and files of other tools do not contain it."


def floor_notes(floor: AboveFloor | None, summaries: Mapping[Question, Summary]) -> Iterator[str]:
    """Yield the notes on a table's floors; ``floor`` is over all its questions."""
    if floor is None:
        yield UNKNOWN
        return
    yield f"Floor: what answers that ignore the plot score: {rules_text(floor)}."
    yield "Above: Mean minus Floor on the same items, paired by sample."
    if Question.Q1 in floor.rules:
        yield "The floor of Q1 names plot type and scales, but no key points."
    partly = [
        f"{question} {summary.floor.above.samples} of {summary.samples}"
        for question, summary in summaries.items()
        if summary.floor is not None and summary.floor.above.samples < summary.samples
    ]
    if partly:
        yield f"Floor and Above are over the samples that have a floor: {', '.join(partly)}."
    if len(floor.rules) > 1:
        yield f"Floor and Above of the Mean are over {question_span(floor.rules)}."


def field_floor_notes(floors: Sequence[AboveFloor | None]) -> Iterator[str]:
    """Yield the notes on the floors of the fields of Q5."""
    known = [floor for floor in floors if floor is not None]
    if not known:
        yield UNKNOWN
        return
    counts = Counter(rule for floor in known for rule in floor.rules.values())
    rules = ", ".join(FLOOR_NAMES[rule] for rule in FLOOR_NAMES if rule in counts)
    yield f"Floor: what answers that ignore the plot score in the field: {rules}."
    yield "Above: Mean minus Floor on the same items, paired by sample."
    if len(known) < len(floors):
        yield "Fields without a floor: families with one sample have no best constant."


def rules_text(floor: AboveFloor) -> str:
    """``copy last (Q5), copy most frequent (Q6)``."""
    return rules_by_question(floor.rules)


def rules_by_question(rules: Mapping[Question, Floor]) -> str:
    """Return rules as `rules_text` does."""
    return ", ".join(
        f"{FLOOR_NAMES[rule]} ({question_span(asked)})" for rule, asked in _by_rule(rules).items()
    )


def copying_table(title: str, summaries: Mapping[Question, Summary]) -> Iterator[Table]:
    """Yield the table of ICL minus copying, with a row per question; nothing if no floor is known."""
    floors = {question: summary.floor for question, summary in summaries.items() if summary.floor is not None}
    if floors:
        rows = tuple(
            (
                question.value,
                FLOOR_NAMES[above.rules[question]],
                above.floor,
                above.mean,
                above.above.mean,
                above.above.interval,
                above.above.samples,
            )
            for question, above in floors.items()
        )
        yield Table(title=title, columns=COPYING_COLUMNS, rows=rows, notes=_COPYING_NOTES)


_COPYING_NOTES = (
    f"Copying: the rule that scores most of {', '.join(FLOOR_NAMES[rule] for rule in COPYING)}.",
    "Above: ICL score minus that of copying, on the same items, paired by sample.",
)


def _by_rule(rules: Mapping[Question, Floor]) -> dict[Floor, list[Question]]:
    by_rule: dict[Floor, list[Question]] = {}
    for question, rule in rules.items():
        by_rule.setdefault(rule, []).append(question)
    return by_rule
