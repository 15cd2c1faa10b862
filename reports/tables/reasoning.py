"""The table of reasoning (`reports.analysis.reasoning`)."""

from __future__ import annotations

from collections.abc import Iterator

from reports.analysis.reasoning import Reasoning, reasoning
from reports.records.names import MODE_NAMES
from reports.records.records import Run
from reports.tables.model import QUESTION, Cell, Column, Table, Unit


def reasoning_tables(run: Run) -> Iterator[Table]:
    """Yield one table with a row per mode and question; nothing if no answer came with reasoning."""
    groups = reasoning(run)
    if groups:
        rows = tuple(
            (MODE_NAMES[mode], question.value, *_cells(entry)) for (mode, question), entry in groups.items()
        )
        yield Table(title="Reasoning", columns=_COLUMNS, rows=rows, notes=_NOTES)


_COLUMNS = (
    Column("Mode"),
    QUESTION,
    Column("Answers", Unit.COUNT),
    Column("Thought", Unit.COUNT),
    Column("Cut", Unit.COUNT),
    Column("In thought", Unit.COUNT),
    Column("Tokens", Unit.TOKENS),
    Column("%", Unit.PERCENT, 1),
)
_NOTES = (
    "Thought: answers with reasoning. Cut: finish_reason length; In thought: cut before the answer began.",
    "Tokens: spent on reasoning, if servers report it; %: of all tokens of those answers.",
)


def _cells(entry: Reasoning) -> tuple[Cell, ...]:
    share = (
        entry.tokens / entry.completion_tokens
        if entry.tokens is not None and entry.completion_tokens
        else None
    )
    return (entry.answers, entry.with_thought, entry.cut, entry.cut_in_thought, entry.tokens, share)
