"""One table as a report prints it, without the rest of the report."""

from __future__ import annotations

from reports.render import markdown, text
from reports.tables.model import Document, Section, Table


def as_text(table: Table, width: int = 80, label: str = "") -> str:
    """The lines of a table in a report for a terminal."""
    return text.render(_document(table, label), width).partition("=\n\n")[2]


def as_markdown(table: Table, label: str = "") -> str:
    """The lines of a table in a Markdown report."""
    return markdown.render(_document(table, label)).partition("## S\n\n")[2]


def _document(table: Table, label: str) -> Document:
    section = Section(title="S", tables=(table,))
    return Document(title="D", facts=(), warnings=(), sections=(section,), label=label)
