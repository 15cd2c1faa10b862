"""What a session says: its head, the tables at its end, and the last lines, which tell what to do next."""

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
    """What is measured, on what, where it is written, and what the user should know beforehand."""
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
    """What ``--repeats`` can show depends on whether the server draws anew for each request."""
    sampling = run.who.sampling
    drawn_anew = sampling.temperature > 0 or "temperature" in sampling.extra_body or run.who.model is None
    if any(item.key.repeat for item in run.items) and not drawn_anew:
        yield (
            "--repeats at temperature 0: many servers answer each repeat alike, which says nothing about the spread; "
            "--temperature 0.7 would, but its scores are not comparable"
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
    """Write the reports and print the tables of the whole run, from what is on disk; they are silent at -qq.

    Returns what was read for `write_page`, with its ``texts`` or without; None where there is no report.
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
        remedy = f"when that is put right: python -m reports {shown(path)}"
        terminal.write_line(log_line(f"qcal: no report: {error}; {remedy}"))
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
    """Write ``report.html`` with its plots; returns lines for the user, also about what went wrong.

    The figures are on disk already: what fails here costs the page, or its pictures, and never the run.
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
        lines.append(f"qcal: to look at: {shown(file)}")
    except (OSError, RunFileError) as error:
        lines.append(f"qcal: no report.html: {error}")
    return tuple(lines)


def closing_lines(evaluation: ActiveRun, trouble: str | None) -> list[str]:
    """Why it stopped, what is missing and how to go on, where it all is."""
    planned = evaluation.directory.manifest.planned
    measured, path = evaluation.recorder.measured, shown(evaluation.directory.path)
    lines = [f"qcal: {line}" for line in dict.fromkeys(evaluation.restored)]
    lines += (
        [f"qcal: stopped asking: {trouble}{_remedy(evaluation.engine.stopped_by_status)}"] if trouble else []
    )
    if unjudged := evaluation.recorder.unjudged():
        lines.append(
            f"qcal: {unjudged} items wait for a judge: the same command with --resume --judge-url URL, "
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
        f"qcal: written to {path}; the tables again: python -m reports {path}",
    ]


def _meaning(measured: Mapping[ItemKey, float]) -> Iterator[str]:
    """What a green line of passed tests does not say."""
    if scores := ", ".join(mean_scores(measured)):
        yield f"qcal: passed means measured, not correct; mean score, 0-100: {scores}"


def mean_scores(measured: Mapping[ItemKey, float]) -> Iterator[str]:
    """Per mode the mean of the question means of the benchmark's own items, and over which questions."""
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
    """What to do about a reply with this status that ended the run, in the words of the command line."""
    match http_status:
        case 404:
            return "; check the model's name and the URL, which for most servers ends in /v1"
        case 401 | 403:
            return "; check the key: --model-key-env and --judge-key-env name its variable"
        case _:
            return ""


def shown(path: Path) -> Path:
    """The path as a person would type it here."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
