"""A document as GitHub-flavoured Markdown.

Strings are data. Everything with a meaning in Markdown or HTML is escaped, so that text from a model cannot
make a link, mention a user or refer to an issue when the report is posted.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from reports.records.plain_text import one_line
from reports.tables.model import Cell, Column, Document, Table, Unit, printed

_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
_SPECIAL = re.compile(r"[\\`*_{}\[\]|~$!]|(?<=:)/(?=/)|(?<=www)\.", re.IGNORECASE)
_REFERENCE = re.compile(r"[@#](?=\w)")
"""A mention or an issue number.

GitHub finds them after Markdown has removed backslashes, so these do not help.
"""
_LINE_START = re.compile(r"^(\d+)([.)])|^([-+=#])")


def render(document: Document) -> str:
    """Return the document as Markdown, ending with a newline."""
    lines = [f"# {escape(document.title)}", ""]
    lines += [f"- **{escape(name)}**: {escape(value)}" for name, value in document.facts]
    for warning in document.warnings:
        lines += ["", f"> **Note**: {escape(warning)}"]
    for section in document.sections:
        lines += ["", f"## {escape(section.title)}"]
        for table in section.tables:
            lines += ["", *_table(table, document.label)]
    return "\n".join(lines) + "\n"


def escape(text: str) -> str:
    """Return the text on one line, with everything escaped that Markdown, HTML or GitHub would interpret."""
    safe = _SPECIAL.sub(lambda match: "\\" + match[0], one_line(text))
    safe = "".join(_ENTITIES.get(character, character) for character in safe)
    safe = _REFERENCE.sub(r"\g<0><!-- -->", safe)
    return _LINE_START.sub(lambda match: f"{match[1]}\\{match[2]}" if match[2] else f"\\{match[3]}", safe)


def _table(table: Table, label: str) -> Iterator[str]:
    yield f"### {escape(f'{table.title} [{label}]' if label else table.title)}"
    if table.rows:
        yield ""
        yield _row(escape(column.name) for column in table.columns)
        yield _row("---" if column.unit is Unit.TEXT else "---:" for column in table.columns)
    for row in table.rows:
        yield _row(_cell(cell, column) for cell, column in zip(row, table.columns, strict=True))
    for note in table.notes:
        yield ""
        yield f"*{escape(note)}*"


def _cell(cell: Cell, column: Column) -> str:
    text = printed(cell, column)
    return escape(text) if isinstance(cell, str) else text


def _row(cells: Iterator[str]) -> str:
    return "| " + " | ".join(cells) + " |"
