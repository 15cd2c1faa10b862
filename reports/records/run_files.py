"""Reads a run directory: ``run.json``, ``records.jsonl`` and ``canary.json`` (ARCHITECTURE.md).

RunFileError
├── RunMissingError      no run directory here
├── RunGarbledError      a line or field cannot be read
└── RunTooNewError       written by a later version of the suite
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

from reports.records.files import is_there, open_file, read_if_there
from reports.records.lines import Line, checked_lines
from reports.records.looks import LOOKS_NAME, LookPlan
from reports.records.records import (
    SCHEMA_VERSION,
    ItemKey,
    Record,
    Run,
    RunManifest,
    manifest_from_file,
    record_from_line,
)
from reports.records.shared import Shared
from reports.records.stored import StoredRecords, final_places
from reports.records.typed_json import DecodeError, decode
from scoring.errors import QCalError
from scoring.score import Score

T = TypeVar("T")

KEPT_ITEMS = 25_000
"""In runs with more planned items, records are read from the disk each time they are used."""
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
        gullibility: the share of key points whose grade attacks raised, 0..1 (`scoring.canary.gullibility`);
            None if attacks were not tried, or no grade could be raised.
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
    """``deviations.json``: what was sent in place of refused parameters, by role and as text."""

    changes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    deviations: tuple[str, ...]


class RunFileError(QCalError):
    """A run directory that cannot be used.

    The message names the file, the line if there is one, and what to do.
    """


class RunMissingError(RunFileError):
    """There is no run at this path."""


class RunGarbledError(RunFileError):
    """A file of the run has unexpected content."""


class RunTooNewError(RunFileError):
    """The run was written by a later version of the suite."""


def load_run(path: Path, *, texts: bool = True) -> Run:
    """Read the run in directory ``path``. Without ``records.jsonl``, nothing has been measured yet.

    A last line that was cut while it was written (no line end, no JSON) is left out and counted in
    ``Run.torn_lines``, and a line with a wrong checksum in ``Run.damaged_lines``. `--resume` asks their items
    again. ``texts=False`` drops the texts of answers and replies, request digests and times of day, and all
    but the value of the other scorer's scores, to save memory where only figures are computed. The records of
    runs with more than `KEPT_ITEMS` planned items stay on disk in any case (`StoredRecords`).

    Raises RunFileError.
    """
    manifest = load_manifest(path)
    reading = _RecordsReading(path / RECORDS_NAME, manifest, texts=texts)
    records = reading.records()
    canary = load_canary_file(path) or CanaryFile(judges=())
    changed = _optional(path / DEVIATIONS_NAME, DeviationsFile, "a run's deviations")
    plan = load_looks(path)
    return Run(
        manifest=manifest,
        records=records,
        torn_lines=reading.torn,
        damaged_lines=reading.damaged,
        judge_agreement=_agreement(canary),
        judge_points=sum(
            len(known) for answer in canary.answers if isinstance(known := answer.get("known"), list)
        ),
        judge_gullibility=_gullibility(canary),
        deviations=() if changed is None else changed.deviations,
        looks=() if plan is None else plan.planned,
    )


def load_manifest(path: Path) -> RunManifest:
    """Return the manifest of the run in directory ``path``. Raises RunFileError."""
    file = path / MANIFEST_NAME
    content = _content(file)
    if content is None:
        raise RunMissingError(f"{path}: no {MANIFEST_NAME} here; name a run directory, such as runs/<run id>")
    try:
        _check_version(decode(content, _Versioned).schema_version, file)
        return manifest_from_file(content)
    except DecodeError as error:
        raise RunGarbledError(
            f"{file}: not a run's manifest ({error}); restore the file or make the run again"
        ) from error


def load_canary_file(path: Path) -> CanaryFile | None:
    """Read the grades that the judges of the run in ``path`` gave the canary; None if none was tried.

    Raises RunGarbledError.
    """
    return _optional(path / CANARY_NAME, CanaryFile, "a judge canary's result")


def load_looks(path: Path) -> LookPlan | None:
    """Read the plan of looks of the run in directory ``path``; None without ``--max-repeats``.

    Raises RunGarbledError.
    """
    return _optional(path / LOOKS_NAME, LookPlan, "a plan of looks")


def _optional(file: Path, kind: type[T], what: str) -> T | None:
    """Return a file that a run need not have, decoded; None if there is none. Raises RunGarbledError."""
    content = _content(file)
    if content is None:
        return None
    try:
        return decode(content, kind)
    except DecodeError as error:
        raise RunGarbledError(f"{file}: not {what} ({error}); delete it") from error


def _agreement(canary: CanaryFile) -> dict[str, float]:
    """Return each judge's lowest agreement (`Run.judge_agreement`)."""
    agreement: dict[str, float] = {}
    for result in canary.judges:
        agreement[result.judge] = min(result.agreement, agreement.get(result.judge, 1.0))
    return agreement


def _gullibility(canary: CanaryFile) -> dict[str, float]:
    """Return each judge's highest gullibility (`Run.judge_gullibility`)."""
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
    """Return the content of a run's file; None if there is none.

    Raises RunGarbledError if it cannot be opened.
    """
    try:
        return read_if_there(file)
    except OSError as error:
        raise RunGarbledError(f"{file}: {error.strerror}") from error


def _lines(file: Path) -> Iterator[Line]:
    """Yield the lines of a run's file; none if there is no such file.

    Raises RunGarbledError if it cannot be opened.
    """
    try:
        if is_there(file):
            yield from checked_lines(file)
    except OSError as error:
        raise RunGarbledError(f"{file}: {error.strerror}") from error


class _RecordsReading:
    """Reads and checks all lines of a run's records once; of large runs it keeps only their places in the file."""

    def __init__(self, file: Path, manifest: RunManifest, *, texts: bool) -> None:
        self._file, self._manifest, self._texts = file, manifest, texts
        self._shared = Shared(manifest.planned) if len(manifest.planned) <= KEPT_ITEMS else None
        self._kept: list[Record] = []
        self._starts, self._sizes = array("q"), array("q")
        self.torn = self.damaged = 0

    def records(self) -> Sequence[Record]:
        """Return the records in the order written."""
        places = final_places(self._read(), (item.key for item in self._manifest.planned))
        if self._shared is not None:
            return tuple(self._kept)
        return StoredRecords(
            open_file(self._file), self._again, starts=self._starts, sizes=self._sizes, places=places
        )

    def _read(self) -> Iterator[tuple[ItemKey, bool]]:
        for line in _lines(self._file):
            if not line.is_sound:
                self.torn += line.is_torn
                self.damaged += not line.is_torn
                continue
            record = self._record(line)
            self._starts.append(line.start)
            self._sizes.append(len(line.content))
            if self._shared is not None:
                self._kept.append(self._shared.of(record if self._texts else _without_texts(record)))
            yield record.key, record.measured

    def _record(self, line: Line) -> Record:
        try:
            return record_from_line(line.content)
        except DecodeError as error:
            place = f"{self._file}, line {line.number}"
            remedy = "delete the line, then complete the run with --resume"
            raise RunGarbledError(f"{place}: not a record ({error}); {remedy}") from error

    def _again(self, content: bytes) -> Record:
        try:
            return record_from_line(content)
        except DecodeError as error:
            raise RunGarbledError(f"{self._file}: changed while it was read ({error}); try again") from error


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
