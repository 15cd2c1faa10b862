"""Runs in notebooks and scripts: `load_run` returns records and tables as pandas frames.

from reports import load_run
results = load_run("runs/20260501T120000Z-my-vlm")
results.records.groupby(["mode", "question"])["score"].mean()
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from os import PathLike
from pathlib import Path

import pandas as pd

from reports.exchange.export import rows
from reports.html.environment import environment
from reports.records.outcomes import ErrorRule, Evaluation, counting_errors, evaluation_of
from reports.records.records import Run
from reports.records.run_files import load_run as read_run
from reports.render import text as render_text
from reports.statistics.intervals import Interval
from reports.tables.full import full_report
from reports.tables.model import Cell, Column, Document, Table
from reports.tables.overview import overview


@dataclass(frozen=True)
class Results:
    """The results of a run. A notebook shows the tables of the overview; ``print`` shows them as text.

    Attributes:
        run: manifest and records, as dataclasses (`reports.records.records`).
        evaluation: one outcome per planned item, by the chosen rule for items without an answer.
        floors: whether tables of scores have their floors.
    """

    run: Run
    evaluation: Evaluation
    floors: bool = False

    @cached_property
    def records(self) -> pd.DataFrame:
        """One row per item with a record: sample_id, question, mode, family, score (0..1; NaN if not measured), ...

        The columns are ``run_id`` and ``model``, then those of ``export --format csv``. Frames of several
        runs can be joined with `pandas.concat`. Nested values are JSON text.
        """
        frame = pd.DataFrame(rows(self.run))
        frame.insert(0, "run_id", self.run.manifest.run_id)
        frame.insert(1, "model", self.run.manifest.model)
        return frame

    @cached_property
    def scores(self) -> pd.DataFrame:
        """The means by mode and question, and of each mode's questions (question ``mean``).

        Columns: mode, question, mean, low, high (of the 95% interval), measured, planned and floor
        (docs/baselines.md). Scores are fractions, 0..1.
        """
        from reports.analysis.standings import entrant

        figures = entrant(self.run, self.evaluation)
        return pd.DataFrame(
            [
                {
                    "mode": mode.value,
                    "question": "mean" if question is None else question.value,
                    "mean": standing.mean,
                    "low": None if standing.interval is None else standing.interval.low,
                    "high": None if standing.interval is None else standing.interval.high,
                    "measured": standing.measured,
                    "planned": standing.planned,
                    "floor": figures.floors.get((mode, question)),
                }
                for (mode, question), standing in figures.standings.items()
            ]
        )

    @cached_property
    def document(self) -> Document:
        """The full report, as in ``report.md``."""
        return full_report(self.evaluation, self.run, floors=self.floors)

    @cached_property
    def tables(self) -> Mapping[str, pd.DataFrame]:
        """Every table of the full report, by title.

        Figures are unrounded; scores and shares are fractions, 0..1.

        An interval has two columns, ``... low`` and ``... high``.
        """
        return {table.title: _frame(table) for table in self.document.tables()}

    def __repr__(self) -> str:
        return render_text.render(self._overview, 100)

    def _repr_html_(self) -> str:
        """Return the overview as HTML without scripts and styles."""
        return (
            environment("reports.html", {}, {}).get_template("notebook.jinja").render(document=self._overview)
        )

    @cached_property
    def _overview(self) -> Document:
        return overview(self.evaluation, self.run, floors=self.floors)


def load_run(
    path: str | PathLike[str], *, errors: ErrorRule | str = ErrorRule.UNMEASURED, floors: bool = False
) -> Results:
    """Load the results of the run in directory ``path``.

    ``errors``: how items that the model did not answer enter the averages: ``unmeasured``, ``zero`` or
    ``as-reference`` (docs/reports.md). ``floors``: tables of scores have their floors (docs/baselines.md).
    Raises RunFileError, or ValueError for an unknown rule.
    """
    run = read_run(Path(path))
    return Results(run=run, evaluation=counting_errors(evaluation_of(run), ErrorRule(errors)), floors=floors)


def _frame(table: Table) -> pd.DataFrame:
    names = [name for column in table.columns for name in _names(column)]
    cells = [
        [value for cell, column in zip(row, table.columns, strict=True) for value in _values(cell, column)]
        for row in table.rows
    ]
    return pd.DataFrame(cells, columns=names)


def _names(column: Column) -> Iterator[str]:
    yield from (f"{column.name} low", f"{column.name} high") if column.span else (column.name,)


def _values(cell: Cell, column: Column) -> Iterator[Cell]:
    if column.span:
        yield from (cell.low, cell.high) if isinstance(cell, Interval) else (None, None)
    else:
        yield cell
