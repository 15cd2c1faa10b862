"""The table of reasoning (`reports.analysis.reasoning`)."""

from __future__ import annotations

from collections.abc import Iterator

from reports.analysis.reasoning import Reasoning, reasoning
from reports.records.names import MODE_NAMES
from reports.records.records import Run
from reports.tables.model import QUESTION, Cell, Column, Table, Unit


def reasoning_tables(run: Run) -> Iterator[Table]:
    """One table, a row per mode and question; none where no answer came with a thought."""
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
    "Thought: answers that came with one. Cut: finish_reason length; In thought: cut before there was an answer.",
    "Tokens: spent on reasoning, as far as servers report it; %: of the tokens of those answers.",
)


def _cells(entry: Reasoning) -> tuple[Cell, ...]:
    share = (
        entry.tokens / entry.completion_tokens
        if entry.tokens is not None and entry.completion_tokens
        else None
    )
    return (entry.answers, entry.with_thought, entry.cut, entry.cut_in_thought, entry.tokens, share)
