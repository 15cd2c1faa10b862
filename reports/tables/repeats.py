"""The table of repeats (`reports.analysis.repeats`)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from reports.analysis.comparison import FLIP
from reports.analysis.repeats import RepeatSpread
from reports.records.names import MODE_NAMES
from reports.tables.model import Column, Table, Unit


def repeat_tables(spreads: Sequence[RepeatSpread]) -> Iterator[Table]:
    """Yield one table with a row per mode and question and one per mode; nothing without repeats."""
    if spreads:
        alike = not any(spread.differing for spread in spreads)
        yield Table(
            title="Spread over repeats",
            columns=_COLUMNS,
            rows=tuple(
                (
                    MODE_NAMES[spread.mode],
                    "All" if spread.question is None else spread.question.value,
                    spread.items,
                    spread.differing,
                    spread.differing / spread.items,
                    spread.flip_rate,
                    spread.lowest,
                    spread.highest,
                    spread.deviation,
                    spread.share,
                )
                for spread in spreads
            ),
            notes=(*_NOTES, *((_ALIKE,) if alike else ())),
        )


_COLUMNS = (
    Column("Mode"),
    Column("Question", questions=True),
    Column("Items", Unit.COUNT),
    Column("Differ", Unit.COUNT),
    Column("%", Unit.PERCENT, 1),
    Column("Flips %", Unit.PERCENT, 1),
    Column("Lowest", Unit.SCORE, 1),
    Column("Highest", Unit.SCORE, 1),
    Column("SD", Unit.SCORE, 1),
    Column("Var %", Unit.PERCENT, 1),
)
_NOTES = (
    "Differ: items with different scores in some repeats.",
    f"Flips: pairs of repeats of an item with scores that differ by {100 * FLIP:.0f} or more.",
    "Lowest, Highest: means of single repeats. SD: of an item's score from repeat to repeat.",
    "Var: share of the variance of single scores that comes from repeats; the rest comes from the items.",
)
_ALIKE = "All repeats have the same score, as at temperature 0 or from a cache, so the spread is not known."
