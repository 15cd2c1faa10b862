"""Tables of items asked with other pictures (`reports.analysis.other_pictures`)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from reports.analysis.comparison import FLIP
from reports.analysis.other_pictures import CONTROLS, MEAN, PERTURBATIONS, PictureRow, PictureStudy
from reports.records.names import MODE_NAMES
from reports.statistics.paired import PairedDifference
from reports.tables.floors import FLOOR_COLUMNS, floor_cells
from reports.tables.model import Cell, Column, Table, Unit, printed
from scoring.questions import Mode, Question


def gain_tables(studies: Sequence[PictureStudy], *, floors: bool = False) -> Iterator[Table]:
    """Yield all gains of a mode in one table, if there are several controls; then a table per control, also by family.

    ``floors`` adds how far the scores with the plot are above their floor.
    """
    controls = [study for study in studies if study.variant in CONTROLS]
    for mode in Mode:
        of_mode = [study for study in controls if study.mode is mode]
        if len(of_mode) > 1:
            yield _gains_table(of_mode, mode)
    yield from (_gain_table(study, floors=floors) for study in controls)


def _gains_table(studies: Sequence[PictureStudy], mode: Mode) -> Table:
    gains = [{row.compared.name: row.compared.difference for row in study.by_question} for study in studies]
    columns = [Column("Group", questions=True)]
    for study in studies:
        columns.append(Column(f"Over {study.variant}", Unit.DIFFERENCE, 1))
        columns.append(Column("95% interval", Unit.DIFFERENCE, 1, span=True))
    rows = [
        (name, *(cell for gain in gains for cell in _gain_cells(gain.get(name))))
        for name in [*filter(set().union(*gains).__contains__, Question), MEAN]
    ]
    notes = [
        "Over ...: score with the plot minus score with the control, on the same items, paired by sample."
    ]
    ceilings = [
        f"{printed(study.mean.ceiling.possible, GAIN)} over {study.variant}"
        for study in studies
        if study.mean.ceiling is not None
    ]
    if ceilings:
        notes.append(
            f"Ceiling, the gain of a reader who is always right about the plot shown: {', '.join(ceilings)} "
            "(questions scored without a judge)."
        )
    return Table(
        title=f"Visual gain, {MODE_NAMES[mode]}",
        columns=tuple(columns),
        rows=tuple(rows),
        notes=tuple(notes),
    )


def _gain_cells(gain: PairedDifference | None) -> tuple[Cell, ...]:
    return (None, None) if gain is None else (gain.mean, gain.interval)


def _gain_table(study: PictureStudy, *, floors: bool) -> Table:
    limited = any(row.ceiling is not None for row in study.rows)
    return Table(
        title=f"Visual gain over {CONTROLS[study.variant]}, {MODE_NAMES[study.mode]}",
        columns=(
            *_columns("Control", "Plot", "Gain"),
            *(CEILING_COLUMNS if limited else ()),
            *(FLOOR_COLUMNS[:2] if floors else ()),
        ),
        rows=tuple(
            (
                *_compared_cells(row),
                *(_ceiling_cells(row) if limited else ()),
                *(floor_cells(row.floor)[:2] if floors else ()),
            )
            for row in study.rows
        ),
        notes=(
            "Gain: score with the plot minus score with the control, on the same items, paired by sample.",
            *(_CEILING_NOTES if limited else ()),
            *((_FLOOR_NOTE,) if floors else ()),
        ),
    )


def _ceiling_cells(row: PictureRow) -> tuple[Cell, ...]:
    return (None, None) if row.ceiling is None else (row.ceiling.possible, row.ceiling.share)


GAIN = Column("Gain", Unit.DIFFERENCE, 1)
CEILING_COLUMNS = (Column("Ceiling", Unit.DIFFERENCE, 1), Column("Share %", Unit.PERCENT))
_CEILING_NOTES = (
    "Ceiling: the gain of a reader who is always right about the plot shown.",
    "It is under 100 if some of the plots shown have the right answer of the plots that they replace.",
    "Share: of the ceiling. Both are over the questions scored without a judge (Q2, Q4, Q5, Q6).",
)
_FLOOR_NOTE = "Floor, Above: of the score with the plot, over the questions that have a floor."


def change_tables(studies: Sequence[PictureStudy], *, floors: bool = False) -> Iterator[Table]:
    """Yield a table per perturbation and mode: changed score minus score as drawn, and how many items moved.

    ``floors`` adds how far the scores as drawn are above their floor.
    """
    for study in studies:
        if study.variant in PERTURBATIONS:
            yield Table(
                title=f"With {PERTURBATIONS[study.variant]}, {MODE_NAMES[study.mode]}",
                columns=(
                    *_columns("As drawn", "Changed", "Change", "Items", "Moved", "Flipped"),
                    *(FLOOR_COLUMNS[:2] if floors else ()),
                ),
                rows=tuple(
                    (
                        *_compared_cells(row),
                        row.items,
                        row.moved,
                        row.flipped,
                        *(floor_cells(row.floor)[:2] if floors else ()),
                    )
                    for row in study.rows
                ),
                notes=(
                    "Change: changed score minus score as drawn, on the same items, paired by sample.",
                    f"Moved: items with a different score; Flipped: different by {100 * FLIP:.0f} or more, up or down.",
                    "A mean can stay the same while items move both ways.",
                    *(
                        ("Floor, Above: of the score as drawn, over the questions that have a floor.",)
                        if floors
                        else ()
                    ),
                ),
            )


def _columns(earlier: str, later: str, difference: str, *counts: str) -> tuple[Column, ...]:
    return (
        Column("Group", questions=True, families=True),
        Column(earlier, Unit.SCORE, 1),
        Column(later, Unit.SCORE, 1),
        Column(difference, Unit.DIFFERENCE, 1),
        Column("95% interval", Unit.DIFFERENCE, 1, span=True),
        *(Column(name, Unit.COUNT) for name in ("Samples", *counts)),
    )


def _compared_cells(row: PictureRow) -> tuple[Cell, ...]:
    difference = row.compared.difference
    means = row.compared.earlier_mean, row.compared.later_mean
    return (row.compared.name, *means, difference.mean, difference.interval, difference.samples)
