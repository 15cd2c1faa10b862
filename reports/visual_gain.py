"""Visual gain: how much of a score comes from the picture (items asked again with another one, ``--control``)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from reports.comparison import Row, overall_row
from reports.outcomes import Outcome, grouped
from reports.tables import MODE_NAMES, Cell, Column, Table, Unit
from scoring.questions import Mode, Question

CONTROLS = {
    "blank": "a blank picture",
    "shuffled": "another family's plot",
    "sibling": "another scenario type's plot",
}
"""Variants that are controls, in words."""

COLUMNS = (
    Column("Group"),
    Column("Control", Unit.SCORE, 1),
    Column("Plot", Unit.SCORE, 1),
    Column("Gain", Unit.DIFFERENCE, 1),
    Column("95% interval", Unit.DIFFERENCE, 1, span=True),
    Column("Samples", Unit.COUNT),
)


def visual_gain_tables(outcomes: Sequence[Outcome]) -> Iterator[Table]:
    """A table per control and mode: score with the plot minus score with the control, by question and family."""
    variants = grouped(outcomes, lambda outcome: outcome.key.variant)
    for control, words in CONTROLS.items():
        controlled = grouped(map(_plain, variants.get(control, [])), lambda outcome: outcome.key.mode)
        for mode in (mode for mode in Mode if mode in controlled):
            plain = [outcome for outcome in variants.get("", []) if outcome.key.mode is mode]
            yield Table(
                title=f"Visual gain over {words}, {MODE_NAMES[mode]}",
                columns=COLUMNS,
                rows=tuple(_cells(row) for row in _rows(controlled[mode], plain)),
                notes=("Gain: score with the plot minus score with the control, on the same items, by sample.",),
            )


def _plain(outcome: Outcome) -> Outcome:
    return replace(outcome, key=outcome.key._replace(variant=""))


def _rows(controlled: Sequence[Outcome], plain: Sequence[Outcome]) -> Iterator[Row]:
    for question in Question:
        asked = [outcome for outcome in controlled if outcome.key.question is question]
        if asked:
            yield overall_row(asked, [o for o in plain if o.key.question is question], question.value)
    yield overall_row(controlled, plain, "Mean")
    families = grouped(plain, lambda outcome: outcome.family)
    for family, asked in sorted(grouped(controlled, lambda outcome: outcome.family).items()):
        yield overall_row(asked, families.get(family, []), family)


def _cells(row: Row) -> tuple[Cell, ...]:
    found = row.difference
    return (row.name, row.earlier_mean, row.later_mean, found.mean, found.interval, found.samples)
