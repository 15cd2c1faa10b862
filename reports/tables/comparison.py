"""The comparison of two runs as a document (`reports.analysis.comparison`)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from reports.analysis.breakdown import HARD_BELOW, hard_for_all
from reports.analysis.comparison import (
    FLIP,
    LABEL_QUESTIONS,
    Row,
    UnlikeRunsError,
    family_rows,
    flipped_items,
    item_floors,
    item_name,
    item_scores,
    outcomes_by_mode,
    question_rows,
    question_scores,
    shared_questions,
    unlike_fields,
)
from reports.records.names import MODE_NAMES
from reports.records.outcomes import Evaluation
from reports.statistics.floors import AboveFloor
from reports.statistics.holm import adjusted
from reports.statistics.paired import FEWEST_TESTED, LabelChanges, label_changes
from reports.tables.floors import INTERVAL_NAME, UNKNOWN, rules_text
from reports.tables.model import QUESTION, Cell, Column, Document, Section, Table, Unit, capitalised
from scoring.questions import Mode, Question

DIFFERENCE_COLUMNS = (
    Column("Group", questions=True, families=True),
    Column("Earlier", Unit.SCORE, 1),
    Column("Later", Unit.SCORE, 1),
    Column("Difference", Unit.DIFFERENCE, 1),
    Column("95% interval", Unit.DIFFERENCE, 1, span=True),
    Column("p", Unit.NUMBER, 3),
    Column("p (Holm)", Unit.NUMBER, 3),
    Column("Detectable", Unit.SCORE, 1),
    Column("Samples", Unit.COUNT),
)
FLOOR_COLUMNS = (
    Column("Floor", Unit.SCORE, 1),
    Column("Earlier above", Unit.DIFFERENCE, 1),
    Column(INTERVAL_NAME, Unit.DIFFERENCE, 1, span=True),
    Column("Later above", Unit.DIFFERENCE, 1),
    Column(INTERVAL_NAME, Unit.DIFFERENCE, 1, span=True),
)
SPARED = frozenset({"p", "Detectable"})
"""Columns left out for the floors if the table is wider than the terminal."""
CHANGE_COLUMNS = (
    QUESTION,
    Column("Fixed", Unit.COUNT),
    Column("Broken", Unit.COUNT),
)
FLIP_COLUMNS = (
    Column("Item"),
    Column("Mode"),
    Column("Earlier", Unit.SCORE, 1),
    Column("Later", Unit.SCORE, 1),
)


def compare(
    earlier: Evaluation, later: Evaluation, *, anyway: bool = False, floors: bool = False
) -> Document:
    """Compare two runs, later minus earlier, on the items that both measured.

    ``floors`` adds the floors of scores (docs/baselines.md). ``anyway`` compares runs that differ in dataset
    revision, scorer, judges or settings, and labels every table; without it they raise UnlikeRunsError.
    """
    differences = unlike_fields(earlier.identity, later.identity)
    if differences and not anyway:
        raise UnlikeRunsError(f"{'; '.join(differences)} (--anyway compares them and labels every table)")
    names = tuple(evaluation.identity.model or "not stated" for evaluation in (earlier, later))
    stand_ins = sorted({name for evaluation in (earlier, later) for name in evaluation.identity.stand_ins})
    labels = [f"stand-ins: {'; '.join(stand_ins)}"] if stand_ins else []
    return Document(
        title=f"QCalEval: {names[1]} against {names[0]}",
        facts=(
            ("Earlier", names[0]),
            ("Later", names[1]),
            ("Dataset", f"{earlier.identity.dataset} at {earlier.identity.dataset_revision}"),
            ("Items", _items_fact(earlier, later)),
        ),
        warnings=tuple(f"Unlike runs: {difference}." for difference in differences),
        sections=(
            Section(title="Scores", tables=tuple(_score_tables(earlier, later, floors=floors))),
            Section(title="Changes", tables=tuple(_change_tables(earlier, later, floors=floors))),
        ),
        label="; ".join([*labels, *(["compared although unlike"] if differences else [])]),
    )


def hard_section(evaluations: Sequence[Evaluation]) -> Section:
    """Return the scenario types and questions that no run answers, by mode (the paper's Table 9 for several models)."""
    columns = (Column("Family", families=True), Column("Scenario type"), QUESTION)
    tables = []
    for mode in Mode:
        rows = tuple(hard_for_all(evaluations, mode))
        notes = () if rows else ("There is none.",)
        title = f"{capitalised(MODE_NAMES[mode])}: below {100 * HARD_BELOW:.0f} in each of {len(evaluations)} runs"
        tables.append(Table(title=title, columns=columns, rows=rows, notes=notes))
    return Section(title="Hard for all", tables=tuple(tables))


def _items_fact(earlier: Evaluation, later: Evaluation) -> str:
    planned = {item_name(outcome) for outcome in (*earlier.benchmark, *later.benchmark)}
    shared = item_scores(earlier.outcomes).keys() & item_scores(later.outcomes).keys()
    return f"{len(shared)} measured in both, of {len(planned)} planned in either"


def _score_tables(earlier: Evaluation, later: Evaluation, *, floors: bool) -> Iterator[Table]:
    before, now = outcomes_by_mode(earlier), outcomes_by_mode(later)
    rows_by_title: dict[str, tuple[Row, ...]] = {}
    for mode in (mode for mode in Mode if mode in before and mode in now):
        name = capitalised(MODE_NAMES[mode])
        rows_by_title[f"{name} by question"] = tuple(question_rows(before[mode], now[mode], floors=floors))
        rows_by_title[f"{name} by family"] = tuple(family_rows(before[mode], now[mode], floors=floors))
    tested = [row for rows in rows_by_title.values() for row in rows if row.difference.p_value is not None]
    together = dict(
        zip(map(id, tested), adjusted([row.difference.p_value or 0.0 for row in tested]), strict=True)
    )
    for title, rows in rows_by_title.items():
        table = _table(title, rows, together)
        yield _with_floors(table, rows) if floors else table


def _with_floors(table: Table, rows: Sequence[Row]) -> Table:
    spared = (replace(column, optional=column.name in SPARED) for column in table.columns)
    return replace(
        table,
        columns=(*spared, *FLOOR_COLUMNS),
        rows=tuple((*cells, *_floor_cells(row)) for cells, row in zip(table.rows, rows, strict=True)),
        notes=(*table.notes, *_floor_notes([row.later_floor for row in rows])),
    )


def _floor_cells(row: Row) -> tuple[Cell, ...]:
    earlier, later = row.earlier_floor, row.later_floor
    known = later or earlier
    return (
        None if known is None else known.floor,
        *((None, None) if earlier is None else (earlier.above.mean, earlier.above.interval)),
        *((None, None) if later is None else (later.above.mean, later.above.interval)),
    )


def _floor_notes(floors: Sequence[AboveFloor | None]) -> Iterator[str]:
    known = [floor for floor in floors if floor is not None]
    if not known:
        yield UNKNOWN
        return
    widest = max(known, key=lambda floor: len(floor.rules))
    yield f"Floor: what answers that ignore the plot score: {rules_text(widest)}."
    yield "Above: Earlier or Later minus Floor, on the items measured in both that have a floor, paired by sample."


def _table(title: str, rows: Sequence[Row], together: Mapping[int, float]) -> Table:
    return Table(
        title=title,
        columns=DIFFERENCE_COLUMNS,
        rows=tuple(_cells(row, together.get(id(row))) for row in rows),
        notes=(
            "Difference: later minus earlier, on the samples measured in both. Mean: of the questions asked in both.",
            f"p: exact sign-flip test by sample; none for fewer than {FEWEST_TESTED} samples, which cannot reach 0.05.",
            f"p (Holm): corrected for all {len(together)} rows tested here; use p for a single row chosen beforehand.",
            "Detectable: the smallest true difference that this comparison would find in 80% of cases.",
        ),
    )


def _cells(row: Row, together: float | None) -> tuple[Cell, ...]:
    difference = row.difference
    means = (row.earlier_mean, row.later_mean)
    return (
        row.name,
        *means,
        difference.mean,
        difference.interval,
        difference.p_value,
        together,
        difference.detectable,
        difference.samples,
    )


def _change_tables(earlier: Evaluation, later: Evaluation, *, floors: bool) -> Iterator[Table]:
    before, now = outcomes_by_mode(earlier), outcomes_by_mode(later)
    for mode in (mode for mode in Mode if mode in before and mode in now):
        asked = [
            question for question in shared_questions(before[mode], now[mode]) if question in LABEL_QUESTIONS
        ]
        rows = [
            _change_cells(
                question,
                label_changes(question_scores(before[mode], question), question_scores(now[mode], question)),
            )
            for question in asked
        ]
        if rows:
            title = f"{capitalised(MODE_NAMES[mode])}: labels fixed and broken"
            yield Table(title=title, columns=CHANGE_COLUMNS, rows=tuple(rows))
    yield flip_table(earlier, later, floors=floors)


def _change_cells(question: Question, changes: LabelChanges) -> tuple[Cell, ...]:
    return (question.value, changes.fixed, changes.broken)


def flip_table(earlier: Evaluation, later: Evaluation, *, floors: bool = False) -> Table:
    """Return the table of items fixed or broken, from the largest rise to the largest fall; with their ``floors``."""
    flips = flipped_items(earlier, later)
    of_items = item_floors(later.benchmark) if floors else {}
    rows = tuple(
        (
            f"{name.sample_id} {name.question}",
            MODE_NAMES[name.mode],
            before,
            now,
            *((of_items.get(name),) if floors else ()),
        )
        for name, before, now in flips
    )
    fixed = sum(now > before for _, before, now in flips)
    return Table(
        title="Items fixed and broken",
        columns=(*FLIP_COLUMNS, *(FLOOR_COLUMNS[:1] if floors else ())),
        rows=rows,
        notes=(
            f"{fixed} fixed, {len(flips) - fixed} broken: scores that changed by at least {100 * FLIP:.0f}.",
        ),
    )
