"""What GitHub Actions reads from a run besides its log: annotations, the job's summary, and the step's output."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from reports.gates.verdicts import GateReport
from reports.publish import SUMMARY_NAME
from reports.records.files import is_there, read_file
from reports.tables.gates import github_annotations


def annotation_lines(report: GateReport | None, environment: Mapping[str, str]) -> list[str]:
    """Return the lines to print for GitHub Actions; none elsewhere."""
    return [] if report is None or environment.get("GITHUB_ACTIONS") != "true" else github_annotations(report)


def add_job_summary(run_dir: Path, environment: Mapping[str, str]) -> None:
    """Append the run's ``summary.md`` to the job summary, if GitHub provides one. Raises OSError."""
    target, summary = environment.get("GITHUB_STEP_SUMMARY"), run_dir / SUMMARY_NAME
    if target and is_there(summary):
        with Path(target).open("a", encoding="utf-8") as stream:
            stream.write(read_file(summary).decode() + "\n")


def add_job_output(report: GateReport | None, environment: Mapping[str, str]) -> None:
    """Append the verdict to the step's outputs, if there are any. Raises OSError."""
    target = environment.get("GITHUB_OUTPUT")
    if target and report is not None:
        with Path(target).open("a", encoding="utf-8") as stream:
            stream.write(f"verdict={report.verdict.value}\n")
