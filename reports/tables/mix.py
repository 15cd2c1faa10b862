"""The table of a mix of datasets, which comes before the tables by mode and question."""

from __future__ import annotations

from collections.abc import Iterator

from reports.analysis.mix_scores import MixFloor, MixScore, PartScore
from reports.records.mixes import Mix
from reports.records.names import MODE_NAMES
from reports.tables.floors import UNKNOWN, floor_cells, rules_by_question, with_floors
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


def mix_table(score: MixScore, *, floors: bool = False) -> Table:
    """Return the table with a row per part and the weighted score; with their ``floors``."""
    counts = score.coverage
    total = ("Weighted", "", 1.0, counts.planned, counts.measured, counts.share, score.mean, score.interval)
    rows: list[tuple[Cell, ...]] = [*map(_cells, score.parts), total]
    if floors:
        of_rows = [*(part.floor for part in score.parts), score.floor]
        rows = [(*row, *floor_cells(floor)) for row, floor in zip(rows, of_rows, strict=True)]
    return Table(
        title=f"Mix: {score.mix.title}",
        columns=with_floors(COLUMNS) if floors else COLUMNS,
        rows=tuple(rows),
        notes=(*_notes(score), *(_floor_notes(score) if floors else ())),
    )


def mix_text(mix: Mix) -> str:
    """``published 75%, fresh 25%``."""
    return ", ".join(f"{part.name} {_percent(mix.share(part))}" for part in mix.parts)


def _percent(share: float) -> str:
    return f"{printed(share, Column('', Unit.PERCENT, 1)).removesuffix('.0')}%"


def _cells(score: PartScore) -> tuple[Cell, ...]:
    counts = score.coverage
    figures = (counts.planned, counts.measured, counts.share, score.mean, score.interval)
    return (score.part.name, _short(score.part.dataset), score.share, *figures)


def _short(dataset: str) -> str:
    """Return the last part of a Hub id or path; ``synthetic`` for synthetic samples."""
    name = (
        dataset.partition(":")[0]
        if dataset.startswith("synthetic:")
        else dataset.rstrip("/").rsplit("/", 1)[-1]
    )
    return name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 3]}..."


def _notes(score: MixScore) -> Iterator[str]:
    yield "Score: the mean of the part's means by mode and question. Weighted: the sum of weight times score."
    yield "An item that several parts select belongs to the first one. The other tables pool all items without weights."
    for part in score.parts:
        if not part.coverage.planned:
            yield f"The weighted score is undefined: no item of part {part.part.name} was planned."
        elif part.unmeasured:
            missing = ", ".join(f"{MODE_NAMES[mode]} {question}" for mode, question in part.unmeasured)
            yield f"The weighted score is undefined: nothing was measured in {missing} of part {part.part.name}."
    yield from error_notes(score.coverage.counted_errors)


def _floor_notes(score: MixScore) -> Iterator[str]:
    """Yield the notes on floors, once for parts with the same rules."""
    if all(part.floor is None for part in score.parts):
        yield UNKNOWN
        return
    by_rules: dict[str, list[str]] = {}
    for part in score.parts:
        words = "none is known" if part.floor is None else floor_rules(part.floor)
        by_rules.setdefault(words, []).append(part.part.name)
    yield "Floor: what answers that ignore the plot score. Above: Score minus Floor on the same items."
    for words, names in by_rules.items():
        yield f"Floor of {', '.join(names)}: {words}." if len(by_rules) > 1 else f"Floor: {words}."
    yield "Floor and Above are over the questions named with a rule; Score is over all questions."


def floor_rules(floor: MixFloor) -> str:
    """``zero-shot: best constant (Q1-Q2, Q4-Q6); ICL: copy last (Q5-Q6)``."""
    return "; ".join(f"{MODE_NAMES[mode]}: {rules_by_question(rules)}" for mode, rules in floor.rules.items())
