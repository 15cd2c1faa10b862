"""How often a run was gated, and of how many runs a baseline was chosen: what makes a verdict worth less.

A gate that is tried until it passes passes in the end, and the best of several runs looks better than its model is. The
first is counted in ``gates.jsonl`` in the run's folder; the second stands in ``baseline.json`` in the baseline's, if
whoever chose it said so (``python -m reports baseline RUN --chosen-from N``).

    RunGarbledError      one of these files does not hold what it should
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from reports.gates.file import GateFile
from reports.gates.verdicts import GateReport
from reports.records.files import open_to_append, read_if_there, write_file
from reports.records.run_files import RunGarbledError
from reports.records.typed_json import DecodeError, decode, encode_indented

ATTEMPTS_NAME = "gates.jsonl"
BASELINE_NAME = "baseline.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class BaselineNote:
    """``baseline.json``: of how many runs this one was chosen."""

    chosen_from: int


def with_history(report: GateReport, run_dir: Path) -> GateReport:
    """The report with what is known of earlier attempts and of its baselines; writes this attempt down.

    Raises RunGarbledError or OSError.
    """
    file = run_dir / ATTEMPTS_NAME
    earlier = len((read_if_there(file) or b"").splitlines())
    line = json.dumps(
        {
            "at": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
            "file": str(report.file.path),
            "verdict": report.verdict.value,
            "gates": {entry.gate.title: entry.verdict.value for entry in report.results},
        }
    )
    with open_to_append(file) as stream:
        stream.write(f"{line}\n".encode())
    return replace(report, attempt=earlier + 1, chosen_from=_chosen_from(report.file))


def note_baseline(run_dir: Path, chosen_from: int) -> None:
    """Write down of how many runs this one was chosen."""
    write_file(run_dir / BASELINE_NAME, encode_indented(BaselineNote(chosen_from=chosen_from)))


def _chosen_from(file: GateFile) -> dict[Path, int]:
    notes = {path: _read(file.folder(path) / BASELINE_NAME) for path in file.baselines}
    return {path: runs for path, runs in notes.items() if runs > 1}


def _read(file: Path) -> int:
    content = read_if_there(file)
    if content is None:
        return 1
    try:
        return decode(content, BaselineNote).chosen_from
    except DecodeError as error:
        raise RunGarbledError(f"{file}: not a note on a baseline ({error}); delete it") from error
