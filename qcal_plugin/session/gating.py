"""``--gate`` at the end of a session: decide from what is on disk, and report the verdicts."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path

import pytest

from qcal_plugin.session.directory import RunDirectory
from reports.gates.file import GateFile
from reports.gates.history import with_history
from reports.gates.verdicts import GateReport, GateResult, GateVerdict, judge_run
from reports.github import annotation_lines
from reports.records.records import Run
from reports.records.run_files import RunFileError, load_run
from reports.tables.gates import advice, as_printed, figures, log_lines

COUNTING = ("terminalreporter", "terminalprogress", "session", "lfplugin", "stepwiseplugin", "qcal-session")
"""Plugins that treat every report as a test: they would count verdicts, stop at them, or run them again."""


def gate_session(
    session: pytest.Session,
    file: GateFile,
    baselines: Mapping[Path, Run],
    directory: RunDirectory,
    trouble: str | None,
) -> GateReport:
    """Decide the gates, and pass the results to plugins that collect test results (JUnit)."""
    ended_early = _ended_early(session, trouble)
    try:
        run = load_run(directory.path, texts=False)
    except RunFileError as error:
        run, ended_early = Run(manifest=directory.manifest, records=()), str(error)
    report = with_history(judge_run(file, run, baselines, interrupted=ended_early), directory.path)
    _tell_plugins(session.config, report)
    return report


def gate_lines(report: GateReport, run_dir: Path) -> Iterator[str]:
    """Yield the last lines of the log."""
    yield from annotation_lines(report, os.environ)
    yield from (as_printed(f"qcal: {line}") for line in log_lines(report, run_dir))


def _ended_early(session: pytest.Session, trouble: str | None) -> str:
    """Return why the session ended early; empty if it did not."""
    if session.exitstatus != pytest.ExitCode.INTERRUPTED and not session.shouldfail:
        return ""
    stop = next(
        (reason for reason in (trouble, session.shouldfail, session.shouldstop) if isinstance(reason, str)),
        "",
    )
    return f"the session was interrupted{f': {stop}' if stop else ''}"


def _tell_plugins(config: pytest.Config, report: GateReport) -> None:
    manager = config.pluginmanager
    counting = [plugin for name in COUNTING if (plugin := manager.get_plugin(name)) is not None]
    tell = manager.subset_hook_caller("pytest_runtest_logreport", counting)
    for entry in report.results:
        for test_report in gate_reports(entry, report.file.path):
            tell(report=test_report)


def gate_reports(entry: GateResult, file: Path) -> Iterator[pytest.TestReport]:
    """Yield a gate as a test: passed, failed, skipped if inconclusive, an error if it cannot be gated."""
    words = " - ".join(filter(None, [f"{entry.verdict}: {figures(entry)}", advice(entry)]))
    make = partial(
        pytest.TestReport,
        nodeid=f"{file}::{entry.gate.title}",
        location=(str(file), None, entry.gate.title),
        keywords={},
        user_properties=[("qcal_gate_verdict", entry.verdict.value), ("qcal_gate_figures", words)],
    )
    match entry.verdict:
        case GateVerdict.PASS | GateVerdict.WORSE:
            yield make(outcome="passed", longrepr=None, when="call")
        case GateVerdict.FAIL:
            yield make(outcome="failed", longrepr=words, when="call")
        case GateVerdict.INCONCLUSIVE:
            yield make(outcome="skipped", longrepr=(str(file), 0, words), when="call")
        case GateVerdict.CANNOT:
            yield make(outcome="failed", longrepr=words, when="setup")
    yield make(outcome="passed", longrepr=None, when="teardown")
