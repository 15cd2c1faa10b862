"""Tables of how judges agree (`reports.analysis.judges`)."""

from __future__ import annotations

from collections.abc import Iterator

from reports.analysis.judges import JudgeReport, item_grades
from reports.records.names import MODE_NAMES, question_name
from reports.tables.model import QUESTION, Cell, Column, Table, Unit


def judge_tables(report: JudgeReport) -> Iterator[Table]:
    """Yield tables of agreement, of scores by each judge alone, and of the items on which judges differ most."""
    yield _agreement_table(report)
    yield _alone_table(report)
    yield _disputed_table(report)


def _agreement_table(report: JudgeReport) -> Table:
    columns = (
        Column("Judges"),
        Column("Weighted kappa", Unit.NUMBER, 2),
        Column("Difference", Unit.DIFFERENCE, 1),
        Column("95% interval", Unit.DIFFERENCE, 1, span=True),
        Column("Key points", Unit.COUNT),
        Column("Items", Unit.COUNT),
        Column("Samples", Unit.COUNT),
    )
    rows = tuple(
        (f"{p.first} - {p.second}", p.kappa, p.difference, p.interval, p.key_points, p.items, p.samples)
        for p in report.pairs
    )
    alpha = "undefined" if report.alpha is None else f"{report.alpha:.2f}"
    notes = (
        f"Krippendorff's alpha of all judges: {alpha}. Difference: of the items' mean grades, clustered by sample.",
    )
    return Table(title="Agreement of the judges", columns=columns, rows=rows, notes=notes)


def _alone_table(report: JudgeReport) -> Table:
    columns = (
        QUESTION,
        Column("Together", Unit.SCORE, 1),
        *(Column(judge, Unit.SCORE, 1) for judge in report.judges),
        Column("Items", Unit.COUNT),
    )
    rows: tuple[tuple[Cell, ...], ...] = tuple(
        (
            f"{question_name(entry.question)}, {MODE_NAMES[entry.mode]}",
            entry.together,
            *entry.alone,
            entry.items,
        )
        for entry in report.alone
    )
    return Table(title="Scores by each judge alone", columns=columns, rows=rows)


def _disputed_table(report: JudgeReport) -> Table:
    columns = (
        Column("Item"),
        *(Column(judge, Unit.SCORE, 1) for judge in report.judges),
        Column("Gap", Unit.SCORE, 1),
    )
    rows: tuple[tuple[Cell, ...], ...] = tuple(
        (
            f"{record.key.sample_id} {record.key.question} {MODE_NAMES[record.key.mode]}",
            *item_grades(record),
            gap,
        )
        for record, gap in report.disputed
    )
    notes = ("Mean grades of the items' key points, 0 to 100; the widest gaps first.",)
    return Table(title="Items on which the judges differ most", columns=columns, rows=rows, notes=notes)
