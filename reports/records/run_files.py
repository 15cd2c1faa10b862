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
from typing import Any, TypeVar

from reports.records.files import is_there, read_if_there
from reports.records.lines import Line, checked_lines
from reports.records.looks import LOOKS_NAME, LookPlan
from reports.records.records import (
    SCHEMA_VERSION,
    Record,
    Run,
    RunManifest,
    manifest_from_json,
    record_from_line,
)
from reports.records.shared import Shared
from reports.records.typed_json import DecodeError, decode, decode_object
from scoring.errors import QCalError
from scoring.score import Score

T = TypeVar("T")

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

    A last line that was cut while it was written (no line end, no JSON) is left out and counted in ``Run.torn_lines``,
    a line whose checksum is wrong in ``Run.damaged_lines``: `--resume` asks their items again.
    ``texts=False`` drops the answers' and replies' texts once read, request digests and times of day, and all but the
    value of the other scorer's scores: what only computes figures then needs little memory, whatever the models wrote.

    Raises RunFileError.
    """
    manifest = load_manifest(path)
    torn = damaged = 0
    records: list[Record] = []
    shared = Shared(manifest.planned)
    for line in _lines(path / RECORDS_NAME):
        record = _read_line(line, path / RECORDS_NAME)
        if record is not None:
            records.append(shared.of(record if texts else _without_texts(record)))
        elif line.is_torn:
            torn += 1
        else:
            damaged += 1
    canary = load_canary_file(path) or CanaryFile(judges=())
    changed = _optional(path / DEVIATIONS_NAME, DeviationsFile, "a run's deviations")
    plan = load_looks(path)
    return Run(
        manifest=manifest,
        records=tuple(records),
        torn_lines=torn,
        damaged_lines=damaged,
        judge_agreement=_agreement(canary),
        judge_points=sum(len(answer.get("known", ())) for answer in canary.answers),
        judge_gullibility=_gullibility(canary),
        deviations=() if changed is None else changed.deviations,
        looks=() if plan is None else plan.planned,
    )


def load_manifest(path: Path) -> RunManifest:
    """The manifest of the run in directory ``path``. Raises RunFileError."""
    file = path / MANIFEST_NAME
    content = _content(file)
    if content is None:
        raise RunMissingError(f"{path}: no {MANIFEST_NAME} here; name a run directory, such as runs/<run id>")
    try:
        _check_version(decode(content, _Versioned).schema_version, file)
        return manifest_from_json(decode_object(content))
    except DecodeError as error:
        raise RunGarbledError(
            f"{file}: not a run's manifest ({error}); restore the file or make the run again"
        ) from error


def load_canary_file(path: Path) -> CanaryFile | None:
    """What the judges of the run in directory ``path`` gave the canary; None if none was tried.

    Raises RunGarbledError.
    """
    return _optional(path / CANARY_NAME, CanaryFile, "a judge canary's result")


def load_looks(path: Path) -> LookPlan | None:
    """After which repeats somebody looks, in the run in directory ``path``; None without ``--max-repeats``.

    Raises RunGarbledError.
    """
    return _optional(path / LOOKS_NAME, LookPlan, "a plan of looks")


def _optional(file: Path, kind: type[T], what: str) -> T | None:
    """A file that a run need not have, decoded; None if there is none. Raises RunGarbledError."""
    content = _content(file)
    if content is None:
        return None
    try:
        return decode(content, kind)
    except DecodeError as error:
        raise RunGarbledError(f"{file}: not {what} ({error}); delete it") from error


def _agreement(canary: CanaryFile) -> dict[str, float]:
    """See `Run.judge_agreement`."""
    agreement: dict[str, float] = {}
    for result in canary.judges:
        agreement[result.judge] = min(result.agreement, agreement.get(result.judge, 1.0))
    return agreement


def _gullibility(canary: CanaryFile) -> dict[str, float]:
    """See `Run.judge_gullibility`."""
    gullibility: dict[str, float] = {}
    for result in canary.judges:
        if result.gullibility is not None:
            gullibility[result.judge] = max(result.gullibility, gullibility.get(result.judge, 0.0))
    return gullibility


def _check_version(version: int, file: Path) -> None:
    if version > SCHEMA_VERSION:
        raise RunTooNewError(
            f"{file}: schema version {version}, this version reads up to {SCHEMA_VERSION}; update qcaleval-pytest"
        )


def _content(file: Path) -> bytes | None:
    """The content of a run's file; None if there is none. Raises RunGarbledError for one that is not opened."""
    try:
        return read_if_there(file)
    except OSError as error:
        raise RunGarbledError(f"{file}: {error.strerror}") from error


def _lines(file: Path) -> Iterator[Line]:
    """The lines of a run's file; none if there is no such file. Raises RunGarbledError for one that is not opened."""
    try:
        if is_there(file):
            yield from checked_lines(file)
    except OSError as error:
        raise RunGarbledError(f"{file}: {error.strerror}") from error


def _read_line(line: Line, file: Path) -> Record | None:
    """The record on one line; None if the line is torn or damaged."""
    if not line.is_sound:
        return None
    try:
        return record_from_line(line.content)
    except DecodeError as error:
        raise _garbled(file, line.number, error) from error


def _garbled(file: Path, number: int, error: Exception) -> RunGarbledError:
    return RunGarbledError(
        f"{file}, line {number}: not a record ({error}); delete the line, then complete the run with --resume"
    )


def _without_texts(record: Record) -> Record:
    answer = None if record.answer is None else replace(record.answer, text="", reasoning=None)
    verdicts = tuple(replace(verdict, reply=None) for verdict in record.verdicts)
    other = (
        None
        if record.other_score is None
        else Score(value=record.other_score.value, extracted=None, expected=None)
    )
    return replace(
        record, answer=answer, verdicts=verdicts, other_score=other, request_sha256=None, finished_at=None
    )
