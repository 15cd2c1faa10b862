"""Tables of a study with 0, 1, 2, ... demonstrations (`reports.analysis.shots`)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from reports.analysis.leaderboard import published_rows
from reports.analysis.shots import ShotFigures, family_means, shot_figures
from reports.records.names import question_name
from reports.records.outcomes import Evaluation, counted_records
from reports.records.records import Run
from reports.tables.floors import floor_cells, with_floors
from reports.tables.model import Cell, Column, Section, Table, Unit, error_notes
from scoring.questions import Question

INTERVAL_NAME = "95% interval"
SHOTS_TITLE = "How many demonstrations?"
PUBLISHED_SHOTS = range(6)
PUBLISHED_NOTE = (
    "Published: Table 10 of the QCalEval paper, arXiv 2604.25884 (CC BY 4.0): Q6 on DRAG, Rabi, Ramsey and T1 "
    "(--shot-families paper), 63 samples; the choice and wording of its demonstrations are not published."
)
SHOT_COLUMNS = (
    Column("Shots", Unit.COUNT),
    Column("Planned", Unit.COUNT),
    Column("Measured", Unit.COUNT),
    Column("Mean", Unit.SCORE, 1),
    Column(INTERVAL_NAME, Unit.SCORE, 1, span=True),
    Column("Change", Unit.DIFFERENCE, 1),
    Column(INTERVAL_NAME, Unit.DIFFERENCE, 1, span=True),
    Column("Samples", Unit.COUNT),
)
COPY_COLUMNS = (
    Column("Shots", Unit.COUNT),
    Column("Measured", Unit.COUNT),
    Column("Wrong %", Unit.PERCENT, 1),
    Column("Copied", Unit.COUNT),
    Column("Copied %", Unit.PERCENT, 1),
    Column(INTERVAL_NAME, Unit.PERCENT, 1, span=True),
    Column("Last %", Unit.PERCENT, 1),
)
ORDER_COLUMNS = (
    Column("Shots", Unit.COUNT),
    Column("Orders", Unit.COUNT),
    Column("Samples", Unit.COUNT),
    Column("Lowest", Unit.SCORE, 1),
    Column("Highest", Unit.SCORE, 1),
    Column("SD", Unit.SCORE, 1),
    Column("Change %", Unit.PERCENT, 1),
    Column(INTERVAL_NAME, Unit.PERCENT, 1, span=True),
)


@dataclass(frozen=True, slots=True)
class PublishedShots:
    """A model's published Q6 scores (0..1) with 0 to 5 demonstrations."""

    model: str
    scores: tuple[float, ...]


def published_shots() -> tuple[PublishedShots, ...]:
    """Return Table 10 of the paper, as published."""
    return tuple(
        PublishedShots(row["model"], tuple(float(row[f"{shots}_shot"]) / 100 for shots in PUBLISHED_SHOTS))
        for row in published_rows("q6_by_shots_2026_04.csv")
    )


def shot_section(
    evaluation: Evaluation, run: Run | None = None, *, floors: bool = False
) -> Iterator[Section]:
    """Yield the section of the study; nothing without ``--shots``."""
    records = None if run is None else counted_records(run)
    studied = shot_figures(evaluation.outcomes, records)
    tables = [
        table
        for question, figures in studied.items()
        for table in _question_tables(question, figures, floors=floors)
    ]
    if tables:
        yield Section(title=SHOTS_TITLE, tables=tuple(tables))


def shot_details(evaluation: Evaluation) -> Iterator[Section]:
    """Yield the section by family and with the published models; nothing without ``--shots``."""
    figures = shot_figures(evaluation.outcomes).get(Question.Q6)
    published = [] if figures is None else [published_table(evaluation, figures)]
    tables = (*published, *family_tables(evaluation))
    if tables:
        yield Section(title="Demonstrations: published models and families", tables=tables)


def _question_tables(question: Question, figures: Sequence[ShotFigures], *, floors: bool) -> Iterator[Table]:
    yield Table(
        title=f"{question_name(question)} by number of demonstrations",
        columns=with_floors(SHOT_COLUMNS) if floors else SHOT_COLUMNS,
        rows=tuple((*_shot_cells(entry), *(floor_cells(entry.floor) if floors else ())) for entry in figures),
        notes=(
            "All orders of a sample's demonstrations are averaged first. Samples: how many Mean is based on.",
            "Change: against 0 shots, on the samples measured with both.",
            *((_FLOOR_NOTE,) if floors else ()),
            *error_notes(sum(entry.coverage.counted_errors for entry in figures)),
        ),
    )
    if any(entry.copied is not None for entry in figures):
        yield Table(
            title=f"{question_name(question)}: answers that repeat a demonstration",
            columns=COPY_COLUMNS,
            rows=tuple(_copy_cells(entry) for entry in figures if entry.copied is not None),
            notes=(
                "Copied: answers that repeat a demonstration's, although another is right; Last: that of the last one.",
                "Some of them the model would give anyway. Shares are of measured items, clustered by sample.",
            ),
        )
    if any(entry.order is not None for entry in figures):
        yield Table(
            title=f"{question_name(question)}: effect of the order of the demonstrations",
            columns=ORDER_COLUMNS,
            rows=tuple(_order_cells(entry) for entry in figures if entry.order is not None),
            notes=(
                "On the samples measured in every order. Lowest, Highest: of the means of single orders.",
                "SD: of a sample's score over orders, root mean square. Change: samples whose score varies.",
            ),
        )


_FLOOR_NOTE = (
    "Floor: what the best constant scores (0 shots), or repeating a demonstration's answer. "
    "Above: Mean minus Floor."
)


def family_tables(evaluation: Evaluation) -> Iterator[Table]:
    """Yield a table per question, with a row per family and a column per number of demonstrations."""
    for question, families in family_means(evaluation.outcomes).items():
        counts = sorted({shots for means in families.values() for shots in means})
        yield Table(
            title=f"{question_name(question)} by family and number of demonstrations",
            columns=(
                Column("Family", families=True),
                *(Column(f"{shots}-shot", Unit.SCORE, 1) for shots in counts),
            ),
            rows=tuple(
                (family, *(means.get(shots) for shots in counts)) for family, means in families.items()
            ),
        )


def published_table(evaluation: Evaluation, figures: Sequence[ShotFigures]) -> Table:
    """Return the table with the run's Q6 above the published models, in the order of the paper."""
    own: Mapping[int, float | None] = {entry.shots: entry.mean for entry in figures}
    name = f"> {evaluation.identity.model or 'this run'}"
    rows: list[tuple[Cell, ...]] = [(name, *(own.get(shots) for shots in PUBLISHED_SHOTS))]
    rows += [(row.model, *row.scores) for row in published_shots()]
    return Table(
        title="Q6 by number of demonstrations, with the published models",
        columns=(Column("Model"), *(Column(f"{shots}-shot", Unit.SCORE, 1) for shots in PUBLISHED_SHOTS)),
        rows=tuple(rows),
        notes=(PUBLISHED_NOTE, "Compare the shape of this run's row with the others, not its rank."),
    )


def _shot_cells(entry: ShotFigures) -> tuple[Cell, ...]:
    counts, change = entry.coverage, entry.change
    return (
        entry.shots,
        counts.planned,
        counts.measured,
        entry.mean,
        entry.interval,
        None if change is None else change.mean,
        None if change is None else change.interval,
        entry.samples,
    )


def _copy_cells(entry: ShotFigures) -> tuple[Cell, ...]:
    copied, last = entry.copied, entry.copied_last
    assert copied is not None  # noqa: S101 - the caller's condition
    assert last is not None  # noqa: S101
    return (
        entry.shots,
        copied.of,
        entry.wrong.share,
        copied.count,
        copied.share,
        copied.interval,
        last.share,
    )


def _order_cells(entry: ShotFigures) -> tuple[Cell, ...]:
    order = entry.order
    assert order is not None  # noqa: S101 - the caller's condition
    changed = order.sensitive
    return (
        entry.shots,
        order.orders,
        order.samples,
        order.lowest,
        order.highest,
        order.deviation,
        changed.share,
        changed.interval,
    )
