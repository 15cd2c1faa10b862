"""Tables and documents: what a report says, before it is text, Markdown, CSV or HTML.

Numbers stay unrounded until a renderer prints them. Every string in a table may come from a model or a
server, so renderers escape it for their format.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TypeAlias

from reports.records.names import question_name
from reports.statistics.intervals import Interval
from scoring.questions import Question

Cell: TypeAlias = None | bool | int | float | str | Interval
"""One entry of a table. None means that there is no figure, which differs from 0."""


class Unit(StrEnum):
    """What the numbers of a column are."""

    TEXT = "text"
    COUNT = "items"
    SCORE = "0-100"
    """A score as a fraction, 0..1, printed times 100 as in the paper."""
    DIFFERENCE = "points"
    """A difference of two scores as a fraction, -1..1, printed times 100 with its sign."""
    PERCENT = "%"
    """A fraction, 0..1, printed times 100."""
    SECONDS = "s"
    TOKENS = "tokens"
    NUMBER = "number"


HUNDREDFOLD = frozenset({Unit.SCORE, Unit.DIFFERENCE, Unit.PERCENT})


@dataclass(frozen=True, slots=True)
class Column:
    """A column, with the format of its cells.

    Attributes:
        decimals: how many a renderer prints.
        span: the cells are intervals (CSV gives them two columns).
        questions: the cells are questions, printed with their subject: ``Q6 diagnosis``; data files keep
            ``Q6``.
        optional: left out if the table is wider than the terminal.
        families: some of the cells are families, printed as titles if the table is too wide.
    """

    name: str
    unit: Unit = Unit.TEXT
    decimals: int = 0
    span: bool = False
    questions: bool = False
    optional: bool = False
    families: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Rows under columns; ``notes`` explain how to read them.

    A table without rows is printed as its title and notes.
    """

    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for row in self.rows:
            if len(row) != len(self.columns):
                raise ValueError(
                    f"table {self.title!r}: {len(row)} cells under {len(self.columns)} columns: {row!r}"
                )


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """Tables that belong together."""

    title: str
    tables: tuple[Table, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A report.

    Attributes:
        facts: names and values that apply to all figures, such as the model and the dataset.
        warnings: shown before any figure, for example if stand-ins were measured.
        label: repeated in the title of every table, so that a single table cannot be misread.
    """

    title: str
    facts: tuple[tuple[str, str], ...]
    warnings: tuple[str, ...]
    sections: tuple[Section, ...]
    label: str = ""

    def tables(self) -> Iterator[Table]:
        """All tables, in order."""
        for section in self.sections:
            yield from section.tables


def about_part(document: Document, name: str, sentence: str) -> Document:
    """Return the document with a head and table titles that name the part of the run."""
    return replace(
        document,
        title=f"{document.title}, {name}",
        warnings=(sentence, *document.warnings),
        label="; ".join(filter(None, (name, document.label))),
    )


QUESTION = Column("Question", questions=True)
NO_FIGURE = "-"
_QUESTIONS = frozenset(Question)


def capitalised(text: str) -> str:
    """Return the text with its first letter in upper case and the others unchanged."""
    return text[:1].upper() + text[1:]


def error_notes(counted: int) -> Iterator[str]:
    """Yield a note if items without an answer enter the averages (`reports.statistics.aggregate.Coverage`)."""
    if counted:
        items = (
            "1 item without an answer counts" if counted == 1 else f"{counted} items without an answer count"
        )
        yield f"{items} here, by the rule given as Errors at the head."


def printed(cell: Cell, column: Column) -> str:
    """Return the cell as printed; figures are rounded only here.

    Strings other than questions are unchanged.
    """
    match cell:
        case None:
            return NO_FIGURE
        case str():
            return question_name(Question(cell)) if column.questions and cell in _QUESTIONS else cell
        case bool():
            return "yes" if cell else "no"
        case Interval(high=math.inf):
            return f"{_number(cell.low, column)} or more"
        case Interval():
            return f"{_number(cell.low, column)} to {_number(cell.high, column)}"
        case _:
            return _number(cell, column)


def _number(value: float, column: Column) -> str:
    if not math.isfinite(value):
        return NO_FIGURE
    scaled = 100 * value if column.unit in HUNDREDFOLD else value
    if column.unit is Unit.PERCENT and value < 1:
        scaled = min(scaled, 100 - 10**-column.decimals)  # an incomplete share is never printed as 100%
    sign = "+" if column.unit is Unit.DIFFERENCE else ""
    text = f"{scaled:{sign}.{column.decimals}f}"
    return text.replace("-0", "+0" if sign else "0", 1) if float(text) == 0 else text
