"""Tables as CSV, with full precision, fractions as 0..1, and empty cells for missing figures.

Spreadsheets run cells that begin like a formula, also with full-width signs. Such text gets a leading
apostrophe (OWASP, "CSV injection").
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterator

from reports.records.plain_text import visible
from reports.statistics.intervals import Interval
from reports.tables.model import Cell, Column, Document, Table

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def render(document: Document, table: Table) -> str:
    """Return one table as CSV, with the document's facts in the first columns of every row.

    The facts are repeated because CSV files are often read without their report. An interval has two columns,
    ``... low`` and ``... high``.
    """
    facts = document.facts + ((("Label", document.label),) if document.label else ())
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(
        [neutral(name) for name, _ in facts] + [name for column in table.columns for name in _names(column)]
    )
    for row in table.rows:
        cells = [
            value for cell, column in zip(row, table.columns, strict=True) for value in _values(cell, column)
        ]
        writer.writerow([neutral(value) for _, value in facts] + cells)
    return stream.getvalue()


def neutral(text: str) -> str:
    """Escape unprintable characters, and put an apostrophe before text that a spreadsheet would run as a formula."""
    text = visible(text)
    return "'" + text if text.lstrip(" ").startswith(_FORMULA_STARTS) else text


def _names(column: Column) -> Iterator[str]:
    name = neutral(column.name)
    yield from (f"{name} low", f"{name} high") if column.span else (name,)


def _values(cell: Cell, column: Column) -> Iterator[str]:
    if isinstance(cell, Interval):
        yield from (_number(cell.low), _number(cell.high))
    elif column.span:
        yield from ("", "")
    elif isinstance(cell, str):
        yield neutral(cell)
    else:
        yield "" if cell is None else str(cell).lower() if isinstance(cell, bool) else _number(cell)


def _number(value: float) -> str:
    return repr(value) if math.isfinite(value) else ""
