"""A document as plain text for a terminal of a given width.

Data never becomes a control sequence: characters that could move the cursor, change colours or reorder text
are printed as escapes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import zip_longest

from reports.records.names import family_title
from reports.records.plain_text import character_width, display_width, log_text, one_line
from reports.tables.model import Column, Document, Section, Table, Unit, printed

GAP = "  "
NARROWEST = 8
TALLEST = 4


def render(document: Document, width: int = 80) -> str:
    """Return the document as lines of at most ``width`` columns (at least 20), ending with a newline."""
    return "".join(pages(document, width))


def pages(document: Document, width: int = 80) -> list[str]:
    """Return the document in parts: the head with the first section, then each other section."""
    width = max(20, width)
    lines = [*_wrapped(document.title, width), ""]
    lines += [
        line for name, value in document.facts for line in _wrapped(f"{name}: {value}", width, indent=2)
    ]
    for warning in document.warnings:
        lines += ["", *_wrapped(f"! {warning}", width, indent=2)]
    sections = [list(_section(section, width, document.label)) for section in document.sections]
    parts = [lines + sections[0], *sections[1:]] if sections else [lines]
    return [log_text("\n".join(line.rstrip() for line in part)) + "\n" for part in parts]


def _section(section: Section, width: int, label: str) -> Iterator[str]:
    yield from ("", *_wrapped(section.title, width), "=" * min(width, display_width(one_line(section.title))))
    for table in section.tables:
        yield from ("", *_table(table, width, label))


def _table(table: Table, width: int, label: str) -> Iterator[str]:
    title = f"{table.title} [{label}]" if label else table.title
    yield from _wrapped(title, width)
    columns = table.columns
    cells = [
        [one_line(printed(cell, column)) for cell, column in zip(row, columns, strict=True)]
        for row in table.rows
    ]
    if _total(_needed_widths(columns, cells)) > width:
        kept = [index for index, column in enumerate(columns) if not column.optional]
        columns, cells = (
            tuple(columns[index] for index in kept),
            [[row[index] for index in kept] for row in cells],
        )
    if _total(_needed_widths(columns, cells)) > width:
        cells = _with_titles(columns, cells)
    widths = _column_widths(columns, cells, width)
    blocks = _blocks(widths, width) if cells else []
    for block in blocks:
        if block[0:2] != [0, 1] and len(widths) > 1:
            yield ""
        yield from _lines([one_line(column.name) for column in columns], columns, widths, block)
        yield GAP.join("-" * widths[index] for index in block)
        for row in cells:
            yield from _lines(row, columns, widths, block)
    for note in table.notes:
        yield from _wrapped(note, width, indent=2)


def _with_titles(columns: Sequence[Column], cells: Sequence[Sequence[str]]) -> list[list[str]]:
    """Return the rows with families as titles in columns whose names would be broken at an underscore."""
    titled = {
        index
        for index, column in enumerate(columns)
        if column.families and any("_" in row[index] for row in cells)
    }
    return [
        [family_title(cell) if index in titled else cell for index, cell in enumerate(row)] for row in cells
    ]


def _column_widths(columns: Sequence[Column], cells: Sequence[Sequence[str]], width: int) -> list[int]:
    """Return the width of each column.

    Text columns are narrowed, the widest first, if the table then fits on one line.

    No column becomes narrower than its longest word, unless that takes half of the line.
    """
    widths, half = _needed_widths(columns, cells), (width - len(GAP)) // 2
    narrowest = {
        index: min(half, max(NARROWEST, *map(_longest_word, [column.name, *(row[index] for row in cells)])))
        for index, column in enumerate(columns)
        if column.unit is Unit.TEXT
    }
    excess = _total(widths) - width
    if excess > sum(max(0, widths[index] - least) for index, least in narrowest.items()):
        return [min(needed, half) for needed in widths]
    for _ in range(excess):
        wide = [index for index, least in narrowest.items() if widths[index] > least]
        widths[max(wide, key=lambda index: widths[index])] -= 1
    return widths


def _needed_widths(columns: Sequence[Column], cells: Sequence[Sequence[str]]) -> list[int]:
    return [
        max([display_width(one_line(column.name)), *(display_width(row[index]) for row in cells)])
        for index, column in enumerate(columns)
    ]


def _total(widths: Sequence[int]) -> int:
    return sum(widths) + len(GAP) * (len(widths) - 1)


def _longest_word(text: str) -> int:
    """Return the width of the longest part that `_wrapped` does not break: up to a space or an underscore."""
    return max(map(display_width, re.findall(r"[^\s_]+_?|_", one_line(text))), default=0)


def _blocks(widths: Sequence[int], width: int) -> list[list[int]]:
    """Distribute the columns over as few blocks as fit the width, each beginning with the first column."""
    blocks, used = [[0]], widths[0]
    for index in range(1, len(widths)):
        if used + len(GAP) + widths[index] > width and len(blocks[-1]) > 1:
            blocks.append([0])
            used = widths[0]
        blocks[-1].append(index)
        used += len(GAP) + widths[index]
    return blocks


def _lines(
    cells: Sequence[str], columns: Sequence[Column], widths: Sequence[int], block: Sequence[int]
) -> Iterator[str]:
    """Yield the lines of one row: as many as its longest text needs, at most `TALLEST`."""
    folded = [_folded(cells[index], widths[index]) for index in block]
    for line in zip_longest(*folded, fillvalue=""):
        fitted = (
            _padded(text, widths[index], columns[index].unit) for text, index in zip(line, block, strict=True)
        )
        yield GAP.join(fitted)


def _folded(text: str, width: int) -> list[str]:
    lines = _wrapped(text, width)
    if len(lines) > TALLEST:
        lines[TALLEST - 1 :] = [_cut(lines[TALLEST - 1], width - 1) + "…"]
    return lines


def _padded(text: str, width: int, unit: Unit) -> str:
    """Pad the text to ``width`` columns: text is aligned left, numbers right."""
    padding = " " * (width - display_width(text))
    return text + padding if unit is Unit.TEXT else padding + text


def _cut(text: str, width: int) -> str:
    kept, used = [], 0
    for character in text:
        used += character_width(character)
        if used > width:
            break
        kept.append(character)
    return "".join(kept)


def _wrapped(text: str, width: int, *, indent: int = 0) -> list[str]:
    """Wrap the text at ``width``; lines after the first are indented."""
    lines = [""]
    for word in one_line(text).split():
        if lines[-1].strip() and display_width(lines[-1]) + 1 + display_width(word) > width:
            lines.append(" " * indent)
        lines[-1] += word if not lines[-1].strip() else f" {word}"
        while display_width(lines[-1]) > width:
            head = _cut(lines[-1], width)
            head = head[: head.rfind("_") + 1] or head
            lines[-1:] = [head, " " * indent + lines[-1][len(head) :]]
    return lines
