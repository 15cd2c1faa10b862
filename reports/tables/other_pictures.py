"""Tables of items asked with other pictures (`reports.analysis.other_pictures`)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from reports.analysis.comparison import FLIP
from reports.analysis.other_pictures import CONTROLS, PERTURBATIONS, PictureRow, PictureStudy
from reports.records.names import MODE_NAMES
from reports.tables.floors import FLOOR_COLUMNS, floor_cells
from reports.tables.model import Cell, Column, Table, Unit


def gain_tables(studies: Sequence[PictureStudy], *, floors: bool = False) -> Iterator[Table]:
    """A table per control and mode: score with the plot minus score with the control, by question and family.

    With ``floors`` also how far the scores with the plot are above their floor.
    """
    for study in studies:
        if study.variant in CONTROLS:
            yield Table(
                title=f"Visual gain over {CONTROLS[study.variant]}, {MODE_NAMES[study.mode]}",
                columns=(*_columns("Control", "Plot", "Gain"), *(FLOOR_COLUMNS[:2] if floors else ())),
                rows=tuple(
                    (*_compared_cells(row), *(floor_cells(row.floor)[:2] if floors else ()))
                    for row in study.rows
                ),
                notes=(
                    "Gain: score with the plot minus score with the control, on the same items, by sample.",
                    *((_FLOOR_NOTE,) if floors else ()),
                ),
            )


_FLOOR_NOTE = "Floor, Above: of the score with the plot, over the questions that have a floor."


def change_tables(studies: Sequence[PictureStudy], *, floors: bool = False) -> Iterator[Table]:
    """A table per perturbation and mode: score under the change minus score as drawn, and how many items moved.

    With ``floors`` also how far the scores as drawn are above their floor.
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
                    "Change: score under the change minus score as drawn, on the same items, by sample.",
                    f"Moved: items whose score differs at all; Flipped: by {100 * FLIP:.0f} or more, up or down.",
                    "A mean can stand still while items move both ways.",
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
