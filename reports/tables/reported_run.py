"""A run with the figures and documents of its reports, read and computed once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from reports.analysis.breakdown import Breakdown, break_down
from reports.records.families import FamilyPart, families_of, read_families, restricted
from reports.records.outcomes import ErrorRule, Evaluation, counting_errors, evaluation_of
from reports.records.records import Run
from reports.records.run_files import load_run
from reports.tables.full import full_report
from reports.tables.model import Document, about_part
from reports.tables.overview import overview
from scoring.questions import Mode


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportedRun:
    """A run with its figures and its ``short`` and ``complete`` report.

    ``part``: the families that everything is restricted to; None for the whole run.
    """

    run: Run
    evaluation: Evaluation
    breakdowns: Mapping[Mode, Breakdown]
    short: Document
    complete: Document
    part: FamilyPart | None = None

    def file_name(self, name: str) -> str:
        """Return the name of a file of the report: ``report.json``, or ``report-trained.json`` for a part."""
        stem, _, ending = name.partition(".")
        return name if self.part is None else f"{stem}-{self.part.slug}.{ending}"


def report_on(
    run_dir: Path,
    *,
    errors: ErrorRule = ErrorRule.UNMEASURED,
    floors: bool = False,
    texts: bool = False,
    families: Path | None = None,
) -> ReportedRun:
    """Read the run in ``run_dir`` and make its reports.

    ``floors``: as in `overview`. ``texts``: read the texts that only the page shows; they need memory.
    ``families``: a file that names the families to report on; None for all. Raises RunFileError and
    FamilyFileError.
    """
    run = load_run(run_dir, texts=texts)
    part = None if families is None else read_families(families, families_of([run]))
    run = run if part is None else restricted(run, part.families)
    evaluation = counting_errors(evaluation_of(run), errors)
    breakdowns, short = break_down(evaluation, run), overview(evaluation, run, floors=floors)
    complete = full_report(evaluation, run, breakdowns=breakdowns, short=short, floors=floors)
    return ReportedRun(
        run=run,
        evaluation=evaluation,
        breakdowns=breakdowns,
        short=short if part is None else about_part(short, part.name, part.sentence),
        complete=complete if part is None else about_part(complete, part.name, part.sentence),
        part=part,
    )
