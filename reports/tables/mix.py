"""The table of a mix of datasets, which stands before the tables by mode and question."""

from __future__ import annotations

from collections.abc import Iterator

from reports.analysis.mix_scores import MixScore, PartScore
from reports.records.mixes import Mix
from reports.records.names import MODE_NAMES
from reports.tables.model import Cell, Column, Table, Unit, error_notes, printed

COLUMNS = (
    Column("Part"),
    Column("Dataset"),
    Column("Weight %", Unit.PERCENT, 1),
    Column("Planned", Unit.COUNT),
    Column("Measured", Unit.COUNT),
    Column("%", Unit.PERCENT, 1),
    Column("Score", Unit.SCORE, 1),
    Column("95% interval", Unit.SCORE, 1, span=True),
)
LONGEST_NAME = 20


def mix_table(score: MixScore) -> Table:
    """A row per part, and the weighted score."""
    counts = score.coverage
    total = ("Weighted", "", 1.0, counts.planned, counts.measured, counts.share, score.mean, score.interval)
    return Table(
        title=f"Mix: {score.mix.title}",
        columns=COLUMNS,
        rows=(*map(_cells, score.parts), total),
        notes=tuple(_notes(score)),
    )


def mix_in_words(mix: Mix) -> str:
    """``published 75%, fresh 25%``."""
    return ", ".join(f"{part.name} {_percent(mix.share(part))}" for part in mix.parts)


def _percent(share: float) -> str:
    return f"{printed(share, Column('', Unit.PERCENT, 1)).removesuffix('.0')}%"


def _cells(score: PartScore) -> tuple[Cell, ...]:
    counts = score.coverage
    figures = (counts.planned, counts.measured, counts.share, score.mean, score.interval)
    return (score.part.name, _short(score.part.dataset), score.share, *figures)


def _short(dataset: str) -> str:
    """The last part of a Hub id or path; of synthetic samples only what they are."""
    name = (
        dataset.partition(":")[0]
        if dataset.startswith("synthetic:")
        else dataset.rstrip("/").rsplit("/", 1)[-1]
    )
    return name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 3]}..."


def _notes(score: MixScore) -> Iterator[str]:
    yield "Score: the mean of the part's means by mode and question; Weighted: the sum of weight times score."
    yield "An item that several parts select belongs to the first of them. The other tables pool all items unweighted."
    for part in score.parts:
        if not part.coverage.planned:
            yield f"The weighted score is undefined: no item of part {part.part.name} was planned."
        elif part.unmeasured:
            missing = ", ".join(f"{MODE_NAMES[mode]} {question}" for mode, question in part.unmeasured)
            yield f"The weighted score is undefined: nothing was measured in {missing} of part {part.part.name}."
    yield from error_notes(score.coverage.counted_errors)
