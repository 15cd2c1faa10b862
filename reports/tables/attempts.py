"""The table of items that were asked again (`reports.analysis.attempts`)."""

from __future__ import annotations

from collections.abc import Iterator

from reports.analysis.attempts import FurtherAttempts, items_asked_again
from reports.records.names import MODE_NAMES
from reports.records.records import Run
from reports.tables.model import QUESTION, Cell, Column, Table, Unit


def attempt_tables(run: Run) -> Iterator[Table]:
    """Yield one table with a row per mode and question; nothing if no item was asked again."""
    attempts = items_asked_again(run)
    if attempts:
        rows = tuple(
            (MODE_NAMES[mode], question.value, *_cells(entry)) for (mode, question), entry in attempts.items()
        )
        yield Table(title="Asked again", columns=_COLUMNS, rows=rows, notes=_NOTES)


_COLUMNS = (
    Column("Mode"),
    QUESTION,
    Column("Items", Unit.COUNT),
    Column("Attempts", Unit.COUNT),
    Column("Flips", Unit.COUNT),
    Column("%", Unit.PERCENT, 1),
    Column("Counted", Unit.SCORE, 1),
    Column("Again", Unit.SCORE, 1),
)
_NOTES = (
    "Measured items asked again (--pass-mark, --lf). The first score counts; a flip is an attempt with another score.",
    "Again: the mean over items chosen for a low first score, so it does not estimate the model.",
)


def _cells(entry: FurtherAttempts) -> tuple[Cell, ...]:
    flips = entry.flips
    return (entry.items, flips.of, flips.count, flips.share, entry.counted_mean, entry.further_mean)
