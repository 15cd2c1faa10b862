"""Reads a run directory: ``run.json``, ``records.jsonl`` and ``canary.json`` (ARCHITECTURE.md).

RunFileError
├── RunMissingError      no run directory here
├── RunGarbledError      a line or field cannot be read
└── RunTooNewError       written by a later version of the suite
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from reports.records.records import SCHEMA_VERSION, Record, Run, RunManifest, manifest_from_json, record_from_json
from scoring.errors import QCalError
from scoring.score import Score

MANIFEST_NAME = "run.json"
RECORDS_NAME = "records.jsonl"
CANARY_NAME = "canary.json"
DEVIATIONS_NAME = "deviations.json"


class RunFileError(QCalError):
    """A run directory that cannot be used. The message names the file, the line where there is one, and what to do."""


class RunMissingError(RunFileError):
    """There is no run at this path."""


class RunGarbledError(RunFileError):
    """A file of the run does not hold what it should."""


class RunTooNewError(RunFileError):
    """The run was written by a later version of the suite."""


def load_run(path: Path, *, texts: bool = True) -> Run:
    """The run in directory ``path``; one without ``records.jsonl`` has measured nothing yet.

    A last line that was cut while it was written (no line end, no JSON) is left out and counted in ``Run.torn_lines``.
    ``texts=False`` drops the answers' and replies' texts once read, request digests and times of day, and all but the
    value of the other scorer's scores: what only computes figures then needs little memory, whatever the models wrote.

    Raises RunFileError.
    """
    manifest = load_manifest(path)
    records_path = path / RECORDS_NAME
    torn = 0
    records: list[Record] = []
    if records_path.exists():
        for number, line, complete in _lines(records_path):
            record = _read_line(line, records_path, number, complete=complete)
            if record is None:
                torn += 1
            else:
                records.append(record if texts else _without_texts(record))
    agreement = load_judge_agreement(path)
    return Run(
        manifest=manifest,
        records=tuple(records),
        torn_lines=torn,
        judge_agreement=agreement,
        deviations=load_deviations(path),
    )


def load_manifest(path: Path) -> RunManifest:
    """The manifest of the run in directory ``path``. Raises RunFileError."""
    file = path / MANIFEST_NAME
    if not file.is_file():
        raise RunMissingError(f"{path}: no {MANIFEST_NAME} here; name a run directory, such as runs/<run id>")
    try:
        data = json.loads(file.read_bytes(), object_hook=_share_strings)
        _check_version(data, file)
        return manifest_from_json(data)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise RunGarbledError(
            f"{file}: not a run's manifest ({_reason(error)}); restore the file or make the run again"
        ) from error


def load_judge_agreement(path: Path) -> dict[str, float]:
    """See `Run.judge_agreement`; of the run in directory ``path``. Raises RunGarbledError."""
    file = path / CANARY_NAME
    if not file.is_file():
        return {}
    try:
        judges = json.loads(file.read_bytes())["judges"]
        found = [(str(judge["judge"]), float(judge["agreement"])) for judge in judges]
    except (ValueError, KeyError, TypeError) as error:
        raise RunGarbledError(f"{file}: not a judge canary's result ({_reason(error)}); delete it") from error
    return {name: min(agreement for judge, agreement in found if judge == name) for name, _ in found}


def load_deviations(path: Path) -> tuple[str, ...]:
    """See `Run.deviations`; of the run in directory ``path``. Raises RunGarbledError."""
    file = path / DEVIATIONS_NAME
    if not file.is_file():
        return ()
    try:
        stated = json.loads(file.read_bytes())["deviations"]
    except (ValueError, KeyError, TypeError) as error:
        raise RunGarbledError(f"{file}: not a run's deviations ({_reason(error)}); delete it") from error
    if not isinstance(stated, list) or not all(isinstance(text, str) for text in stated):
        raise RunGarbledError(f"{file}: not a run's deviations (expected a list of texts); delete it")
    return tuple(stated)


def _check_version(data: Mapping[str, Any], file: Path) -> None:
    version = data["schema_version"]
    if int(version) > SCHEMA_VERSION:
        raise RunTooNewError(
            f"{file}: schema version {version}, this version reads up to {SCHEMA_VERSION}; update qcaleval-pytest"
        )


def _lines(file: Path) -> Iterator[tuple[int, bytes, bool]]:
    """Each non-blank line with its number and whether it has its line end."""
    with file.open("rb") as stream:
        for number, line in enumerate(stream, start=1):
            if line.strip():
                yield number, line, line.endswith(b"\n")


def _read_line(line: bytes, file: Path, number: int, *, complete: bool) -> Record | None:
    """The record on one line; None if the line was cut while it was written."""
    try:
        data = json.loads(line, object_hook=_share_strings)
    except (ValueError, RecursionError) as error:
        if not complete:
            return None
        raise _garbled(file, number, error) from error
    try:
        return record_from_json(data)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise _garbled(file, number, error) from error


def _garbled(file: Path, number: int, error: Exception) -> RunGarbledError:
    return RunGarbledError(
        f"{file}, line {number}: not a record ({_reason(error)}); delete the line, then complete the run with --resume"
    )


def _reason(error: Exception) -> str:
    return f"no field {error}" if isinstance(error, KeyError) else str(error)


_SHARED_FIELDS = ("sample_id", "family", "scenario_type", "judge", "finish_reason")


def _share_strings(data: dict[str, Any]) -> dict[str, Any]:
    """The same object with one copy in memory of each name that thousands of records repeat."""
    for name in _SHARED_FIELDS:
        value = data.get(name)
        if isinstance(value, str):
            data[name] = sys.intern(value)
    return data


def _without_texts(record: Record) -> Record:
    answer = None if record.answer is None else replace(record.answer, text="", reasoning=None)
    verdicts = tuple(replace(verdict, reply=None) for verdict in record.verdicts)
    other = None if record.other_score is None else Score(value=record.other_score.value, extracted=None, expected=None)
    return replace(record, answer=answer, verdicts=verdicts, other_score=other, request_sha256=None, finished_at=None)
