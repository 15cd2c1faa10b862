"""How often a run was gated, and from how many runs a baseline was chosen: both weaken a verdict.

A gate that is repeated until it passes will pass in the end, and the best of several runs looks better than
its model. Attempts are counted in ``gates.jsonl`` in the run's folder. ``baseline.json`` in the baseline's
folder holds the number of runs it was chosen from, if ``python -m reports baseline RUN --chosen-from N``
recorded it.

    RunGarbledError      one of these files has unexpected content
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
    """``baseline.json``: the number of runs this one was chosen from."""

    chosen_from: int


def with_history(report: GateReport, run_dir: Path) -> GateReport:
    """Record this attempt; return the report with the number of attempts and the notes on its baselines.

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
    """Record the number of runs this one was chosen from."""
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
