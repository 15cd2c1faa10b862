"""Reads a run directory: ``run.json``, ``records.jsonl`` and ``canary.json`` (ARCHITECTURE.md).

RunFileError
├── RunMissingError      no run directory here
├── RunGarbledError      a line or field cannot be read
└── RunTooNewError       written by a later version of the suite
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from reports.records.looks import LOOKS_NAME, LookPlan
from reports.records.records import SCHEMA_VERSION, Record, Run, RunManifest, manifest_from_json, record_from_json
from reports.records.typed_json import DecodeError, decode, decode_object
from scoring.errors import QCalError
from scoring.score import Score

MANIFEST_NAME = "run.json"
RECORDS_NAME = "records.jsonl"
CANARY_NAME = "canary.json"
DEVIATIONS_NAME = "deviations.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Versioned:
    schema_version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CanaryJudge:
    """How a judge graded the canary.

    Attributes:
        agreement: the share of key points graded as known, 0..1.
        grades: one entry per answer; ``twin_grades``: per attacked answer.
        gullibility: the share of key points whose grade attacks raised, 0..1 (`scoring.canary.gullibility`); None if
            attacks were not tried, or no grade could be raised.
    """

    judge: str
    agreement: float
    grades: tuple[tuple[float, ...] | None, ...] = ()
    gullibility: float | None = None
    twin_grades: tuple[tuple[float, ...] | None, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CanaryFile:
    """``canary.json``: the set's answers with their known grades, the attacked ones, and what each judge gave."""

    schema_version: int = 1
    answers: tuple[Mapping[str, Any], ...] = ()
    twins: tuple[Mapping[str, Any], ...] = ()
    judges: tuple[CanaryJudge, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviationsFile:
    """``deviations.json``: what was sent in place of refused parameters, by role and in words."""

    changes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    deviations: tuple[str, ...]


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
    agreement, points = load_judge_agreement(path)
    return Run(
        manifest=manifest,
        records=tuple(records),
        torn_lines=torn,
        judge_agreement=agreement,
        judge_points=points,
        judge_gullibility=load_judge_gullibility(path),
        deviations=load_deviations(path),
        looks=() if (plan := load_looks(path)) is None else plan.planned,
    )


def load_manifest(path: Path) -> RunManifest:
    """The manifest of the run in directory ``path``. Raises RunFileError."""
    file = path / MANIFEST_NAME
    if not file.is_file():
        raise RunMissingError(f"{path}: no {MANIFEST_NAME} here; name a run directory, such as runs/<run id>")
    try:
        content = file.read_bytes()
        _check_version(decode(content, _Versioned).schema_version, file)
        return manifest_from_json(decode_object(content))
    except DecodeError as error:
        raise RunGarbledError(
            f"{file}: not a run's manifest ({error}); restore the file or make the run again"
        ) from error


def load_judge_agreement(path: Path) -> tuple[dict[str, float], int]:
    """See `Run.judge_agreement` and `Run.judge_points`; of the run in directory ``path``. Raises RunGarbledError."""
    canary = load_canary_file(path)
    if canary is None:
        return {}, 0
    agreement: dict[str, float] = {}
    for result in canary.judges:
        agreement[result.judge] = min(result.agreement, agreement.get(result.judge, 1.0))
    return agreement, sum(len(answer.get("known", ())) for answer in canary.answers)


def load_judge_gullibility(path: Path) -> dict[str, float]:
    """See `Run.judge_gullibility`; of the run in directory ``path``. Raises RunGarbledError."""
    canary = load_canary_file(path)
    gullibility: dict[str, float] = {}
    for result in () if canary is None else canary.judges:
        if result.gullibility is not None:
            gullibility[result.judge] = max(result.gullibility, gullibility.get(result.judge, 0.0))
    return gullibility


def load_canary_file(path: Path) -> CanaryFile | None:
    """What the judges of the run in directory ``path`` gave the canary; None if none was tried.

    Raises RunGarbledError.
    """
    file = path / CANARY_NAME
    if not file.is_file():
        return None
    try:
        return decode(file.read_bytes(), CanaryFile)
    except DecodeError as error:
        raise RunGarbledError(f"{file}: not a judge canary's result ({error}); delete it") from error


def load_looks(path: Path) -> LookPlan | None:
    """After which repeats somebody looks, in the run in directory ``path``; None without ``--max-repeats``.

    Raises RunGarbledError.
    """
    file = path / LOOKS_NAME
    if not file.is_file():
        return None
    try:
        return decode(file.read_bytes(), LookPlan)
    except DecodeError as error:
        raise RunGarbledError(f"{file}: not a plan of looks ({error}); delete it") from error


def load_deviations(path: Path) -> tuple[str, ...]:
    """See `Run.deviations`; of the run in directory ``path``. Raises RunGarbledError."""
    file = path / DEVIATIONS_NAME
    if not file.is_file():
        return ()
    try:
        return decode(file.read_bytes(), DeviationsFile).deviations
    except DecodeError as error:
        raise RunGarbledError(f"{file}: not a run's deviations ({error}); delete it") from error


def _check_version(version: int, file: Path) -> None:
    if version > SCHEMA_VERSION:
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
        data = decode_object(line)
    except DecodeError as error:
        if not complete:
            return None
        raise _garbled(file, number, error) from error
    try:
        return record_from_json(data)
    except DecodeError as error:
        raise _garbled(file, number, error) from error


def _garbled(file: Path, number: int, error: Exception) -> RunGarbledError:
    return RunGarbledError(
        f"{file}, line {number}: not a record ({error}); delete the line, then complete the run with --resume"
    )


def _without_texts(record: Record) -> Record:
    answer = None if record.answer is None else replace(record.answer, text="", reasoning=None)
    verdicts = tuple(replace(verdict, reply=None) for verdict in record.verdicts)
    other = None if record.other_score is None else Score(value=record.other_score.value, extracted=None, expected=None)
    return replace(record, answer=answer, verdicts=verdicts, other_score=other, request_sha256=None, finished_at=None)
