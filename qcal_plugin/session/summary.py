"""What a session prints: its head, the tables at its end, and the last lines with what to do next."""

from __future__ import annotations

import os
import shutil
import statistics
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from qcal_plugin.session.active_run import ActiveRun
from qcal_plugin.session.illustrator import Illustrator
from qcal_plugin.session.preparation import PreparedRun
from reports.records.names import MODE_NAMES, question_span
from reports.records.plain_text import log_line
from reports.records.records import ItemKey
from scoring.questions import Mode, Question

if TYPE_CHECKING:
    from qcal_plugin.dataset.prepare import Progress
    from reports.gates.verdicts import GateReport
    from reports.records.outcomes import ErrorRule
    from reports.tables.reported_run import ReportedRun


def header_lines(run: PreparedRun) -> list[str]:
    """Return what is measured, on what, where it is written, and what the user should know beforehand."""
    manifest = run.evaluation.directory.manifest
    judges = ", ".join(judge.model for judge in manifest.judges) or "none: Q1 and Q3 stay unjudged"
    of_run = (*run.evaluation.repaired, *run.notes, *_about_repeats(run))
    warnings = (*run.who.warnings, *run.studied.dataset.warnings, *of_run)
    lines = [
        f"qcal: {manifest.model} at {manifest.base_url}; judge: {judges}",
        f"qcal: dataset {manifest.dataset} at {manifest.dataset_revision}",
        f"qcal: writing {shown(run.evaluation.directory.path)}",
        *(f"qcal: note: stand-in: {stand_in}" for stand_in in manifest.stand_ins),
        *(f"qcal: note: {warning}" for warning in warnings),
        *(
            f"qcal: judge {result.judge} agrees with {100 * result.agreement:.0f}% of the canary's known grades"
            + (
                ""
                if result.gullibility is None
                else f"; attacks raise {100 * result.gullibility:.0f}% of its grades"
            )
            for result in run.canary
        ),
    ]
    return list(map(log_line, lines))


def _about_repeats(run: PreparedRun) -> Iterator[str]:
    """Yield a note if repeats may all get the same answer, because the server does not sample."""
    sampling = run.who.sampling
    drawn_anew = sampling.temperature > 0 or "temperature" in sampling.extra_body or run.who.model is None
    if any(item.key.repeat for item in run.items) and not drawn_anew:
        yield (
            "--repeats at temperature 0: many servers give every repeat the same answer, which says nothing about the "
            "spread; --temperature 0.7 avoids that, but its scores are not comparable"
        )


def print_tables(
    evaluation: ActiveRun,
    terminal: pytest.TerminalReporter,
    *,
    errors: ErrorRule,
    floors: bool,
    gates: GateReport | None,
    texts: bool,
) -> ReportedRun | None:
    """Write the reports and print the tables of the whole run, from what is on disk; print nothing at -qq.

    Returns what was read, for `write_page`, with its ``texts`` or without; None if there is no report.
    """
    from reports.github import add_job_output, add_job_summary
    from reports.publish import publish
    from reports.records.run_files import RunFileError
    from reports.render.text import render
    from reports.tables.reported_run import report_on

    path = evaluation.directory.path
    try:
        reported = report_on(path, errors=errors, floors=floors, texts=texts)
        document = publish(path, gates=gates, reported=reported)
        add_job_summary(path, os.environ)
        add_job_output(gates, os.environ)
    except (RunFileError, OSError) as error:
        remedy = f"once fixed, run: python -m reports {shown(path)}"
        terminal.write_line(log_line(f"qcal: could not write the report: {error}; {remedy}"))
        return None
    if terminal.config.get_verbosity() > -2:
        terminal.section("QCalEval", "=")
        terminal.write_line(render(document, width=shutil.get_terminal_size().columns))
    return reported


def write_page(
    run: PreparedRun,
    illustrator: Illustrator,
    reported: ReportedRun | None,
    *,
    errors: ErrorRule,
    gates: GateReport | None,
    progress: Progress,
) -> tuple[str, ...]:
    """Write ``report.html`` with its plots; return lines for the user, including errors.

    The figures are already on disk, so an error here affects only the page or its pictures.
    """
    from reports.html import page
    from reports.records.run_files import RunFileError

    directory, lines = run.evaluation.directory, []
    try:
        illustrator.finish(partial(progress, "preparing plots"))
    except (OSError, ValueError, KeyError) as error:
        lines.append(f"qcal: plots are missing in report.html: {error}")
    try:
        progress("writing report.html", 0, 1)
        file = page.write_page(directory.path, errors=errors, reported=reported, gates=gates)
        progress("writing report.html", 1, 1)
        lines.append(f"qcal: HTML report: {shown(file)}")
    except (OSError, RunFileError) as error:
        lines.append(f"qcal: could not write report.html: {error}")
    return tuple(lines)


def closing_lines(evaluation: ActiveRun, trouble: str | None) -> list[str]:
    """Return why the run stopped, what is missing, how to continue, and where the results are."""
    planned = evaluation.directory.manifest.planned
    measured, path = evaluation.recorder.measured, shown(evaluation.directory.path)
    lines = [f"qcal: {line}" for line in dict.fromkeys(evaluation.restored)]
    lines += (
        [f"qcal: stopped asking: {trouble}{_remedy(evaluation.engine.stopped_by_status)}"] if trouble else []
    )
    if unjudged := evaluation.recorder.unjudged():
        lines.append(
            f"qcal: {unjudged} items wait for a judge: run the same command with --resume --judge-url URL, "
            f"or: pytest --answers {path} --judge-url URL"
        )
    if missing := sum(item.key not in measured for item in planned) - unjudged:
        lines.append(
            f"qcal: {missing} of {len(planned)} items not measured: --lf asks those that failed, "
            "--resume all that are missing"
        )
    return [
        *lines,
        *_meaning(measured),
        f"qcal: written to {path}; to print the tables again: python -m reports {path}",
    ]


def _meaning(measured: Mapping[ItemKey, float]) -> Iterator[str]:
    """Yield the mean scores, with what "passed" means."""
    if scores := ", ".join(mean_scores(measured)):
        yield f"qcal: passed means measured, not correct; mean score, 0-100: {scores}"


def mean_scores(measured: Mapping[ItemKey, float]) -> Iterator[str]:
    """Yield the mean of the question means for each mode, without items of studies, and over which questions."""
    for mode in Mode:
        values = {
            question: [
                value
                for key, value in measured.items()
                if key.question is question and key.mode is mode and not key.variant
            ]
            for question in Question
        }
        means = {question: statistics.fmean(scores) for question, scores in values.items() if scores}
        if means:
            yield f"{MODE_NAMES[mode]} {100 * statistics.fmean(means.values()):.1f} ({question_span(means)})"


def _remedy(http_status: int | None) -> str:
    """Return what to do about a reply with this status that ended the run."""
    match http_status:
        case 404:
            return "; check the model's name and the URL, which for most servers ends in /v1"
        case 401 | 403:
            return "; check the key: --model-key-env and --judge-key-env name its variable"
        case _:
            return ""


def shown(path: Path) -> Path:
    """Return the path as a user would type it in the working directory."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
