"""A run with what all of its reports are made of, read and computed once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from reports.analysis.breakdown import Breakdown, break_down
from reports.records.outcomes import ErrorRule, Evaluation, counting_errors, evaluation_of
from reports.records.records import Run
from reports.records.run_files import load_run
from reports.tables.full import full_report
from reports.tables.model import Document
from reports.tables.overview import overview
from scoring.questions import Mode


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportedRun:
    """A run, its figures, and the ``short`` and the ``complete`` report."""

    run: Run
    evaluation: Evaluation
    breakdowns: Mapping[Mode, Breakdown]
    short: Document
    complete: Document


def report_on(
    run_dir: Path, *, errors: ErrorRule = ErrorRule.UNMEASURED, floors: bool = False, texts: bool = False
) -> ReportedRun:
    """Read the run in ``run_dir``; ``texts``, which only its page shows, need memory. ``floors``: see `overview`.

    Raises RunFileError.
    """
    run = load_run(run_dir, texts=texts)
    evaluation = counting_errors(evaluation_of(run), errors)
    breakdowns, short = break_down(evaluation, run), overview(evaluation, run, floors=floors)
    complete = full_report(evaluation, run, breakdowns=breakdowns, short=short, floors=floors)
    return ReportedRun(run=run, evaluation=evaluation, breakdowns=breakdowns, short=short, complete=complete)
