"""Append-only JSON lines: ``answers.jsonl`` (answers and verdicts) and ``records.jsonl`` (measurements).

JournalError    a line cannot be written or read; the message names the file
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import BinaryIO, TypeVar

from qcal_plugin.engine.disk import Syncer
from reports.records.files import is_there, open_file, open_to_append, write_parts
from reports.records.lines import Line, checked_lines, sealed
from reports.records.records import Answer, ItemKey, Verdict, key_from_json, key_to_json
from reports.records.typed_json import DecodeError, convert, decode_object
from scoring.errors import QCalError

DAMAGED_SUFFIX = ".damaged"


class JournalError(QCalError):
    """A journal cannot be written or read. The message names the file and the cause."""


T = TypeVar("T")


class Journal:
    """A file of JSON lines. Each line is written with one call. Several threads may append.

    A line is on the disk a second after it was written (`Syncer`). Opening the file repairs it: an incomplete
    last line, left by a crash, is removed, and damaged lines are moved to a separate file. Their items count
    as not measured. If a line cannot be used for another reason, nothing is changed.

    ``read`` is called with each intact line and its offset. It raises DecodeError if the line does not belong
    in this file.
    """

    def __init__(self, path: Path, read: Callable[[bytes, int], None] | None = None) -> None:
        self.path = path
        try:
            survey = _survey(path, read) if is_there(path) else _Survey()
            self.torn_bytes, self.damaged_lines = survey.torn_bytes, len(survey.damaged)
            self._file = _repaired(path, survey)
            self._size = self._file.seek(0, 2)
            self._syncer = Syncer(self._file.fileno())
        except OSError as error:
            raise JournalError(f"cannot write {path}: {error.strerror}") from error

    def append(self, data: object) -> int:
        """Write one line and return its offset in bytes.

        Raises JournalError, for example if the disk is full.

        No incomplete line remains then.
        """
        line = sealed(data)
        try:
            with self._syncer.writing():
                offset = self._size
                self._append_whole(line)
                self._size += len(line)
        except OSError as error:
            raise JournalError(
                f"cannot write {self.path}: {error.strerror}; earlier lines are kept"
            ) from error
        return offset

    def _append_whole(self, line: bytes) -> None:
        try:
            _write_whole(self._file, line)
        except OSError:
            with contextlib.suppress(OSError):
                self._file.truncate(self._size)
            raise

    def read(self, offset: int) -> bytes:
        """Return the line at `offset`."""
        with open_file(self.path) as file:
            file.seek(offset)
            return file.readline()

    def close(self) -> None:
        """Sync and close the file. Raises JournalError if the disk reports an error."""
        try:
            self._syncer.close()
        except OSError as error:
            raise JournalError(f"cannot write {self.path}: {error.strerror}") from error
        finally:
            self._file.close()


def read_lines(path: Path, parse: Callable[[bytes], T]) -> Iterator[tuple[int, T]]:
    """Yield each intact line, parsed, with its offset. Incomplete and damaged lines are left out.

    Raises JournalError if `parse` raises DecodeError, and OSError.
    """
    offset = 0
    for line in checked_lines(path):
        if line.is_sound:
            yield offset, _parsed(path, line, parse)
        offset += len(line.content)


@dataclass(slots=True)
class _Survey:
    """The faults of a file.

    Attributes:
        lacks_end: its last line is intact except for the missing line end.
        is_bare: its lines have no checksums.
    """

    is_bare: bool = False
    torn_bytes: int = 0
    lacks_end: bool = False
    damaged: dict[int, bytes] = field(default_factory=dict)


def _survey(path: Path, read: Callable[[bytes, int], None] | None) -> _Survey:
    """Read the file as it will be after its repair. Raises JournalError, OSError."""
    survey, offset = _Survey(), 0
    for line in checked_lines(path):
        if line.is_torn:
            survey.torn_bytes = len(line.content)
        elif line.is_sound:
            content = _with_checksum(line)
            survey.is_bare = survey.is_bare or not line.has_checksum
            survey.lacks_end = not content.endswith(b"\n")
            if read is not None:
                _parsed(path, line, partial(_at, read, offset))
            offset += len(content)
        else:
            survey.damaged[line.number] = line.content
    return survey


def _at(read: Callable[[bytes, int], None], offset: int, content: bytes) -> None:
    read(content, offset)


def _repaired(path: Path, survey: _Survey) -> BinaryIO:
    """Repair the file and open it to append. Raises OSError."""
    if survey.damaged:
        with open_to_append(path.with_name(path.name + DAMAGED_SUFFIX)) as aside:
            for content in survey.damaged.values():
                _write_whole(aside, content if content.endswith(b"\n") else content + b"\n")
    if survey.damaged or survey.is_bare:
        write_parts(path, (_with_checksum(line) for line in checked_lines(path) if line.is_sound))
    file = open_to_append(path)
    if survey.torn_bytes and not (survey.damaged or survey.is_bare):
        file.truncate(file.seek(0, 2) - survey.torn_bytes)
    if survey.lacks_end:
        _write_whole(file, b"\n")
    return file


def _with_checksum(line: Line) -> bytes:
    return line.content if line.has_checksum else sealed(decode_object(line.content))


def _write_whole(file: BinaryIO, content: bytes) -> None:
    rest = memoryview(content)
    while rest:
        rest = rest[file.write(rest) :]


def _parsed(path: Path, line: Line, parse: Callable[[bytes], T]) -> T:
    try:
        return parse(line.content)
    except DecodeError as error:
        raise JournalError(f"{path}, line {line.number}: {error}; remove the line to continue") from error


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredLine:
    """A line of ``answers.jsonl``: an answer or a judge's verdict, with the digest of its request."""

    key: ItemKey
    request_sha256: str
    answer: Answer | None = None
    verdict: Verdict | None = None


def stored_line(line: bytes) -> StoredLine:
    """Read a line. Raises DecodeError, also if it holds neither an answer nor a verdict."""
    data = decode_object(line)
    stored = convert({**data, "key": key_from_json(data)}, StoredLine)
    if (stored.answer is None) == (stored.verdict is None):
        raise DecodeError("expected an answer or a verdict")
    return stored


class AnswerJournal:
    """``answers.jsonl``: answers and verdicts, each with the digest of its request.

    Only offsets are kept in memory, so that texts do not accumulate there.
    """

    def __init__(self, path: Path) -> None:
        self._answers: dict[ItemKey, int] = {}
        self._verdicts: dict[tuple[ItemKey, str], int] = {}
        self._journal = Journal(path, self._read)

    @property
    def torn_bytes(self) -> int:
        """Length of the incomplete last line that a crash had left."""
        return self._journal.torn_bytes

    @property
    def damaged_lines(self) -> int:
        """Number of damaged lines that were moved to a separate file."""
        return self._journal.damaged_lines

    def answer(self, key: ItemKey, request_sha256: str) -> Answer | None:
        """Return the stored answer to exactly this request, if there is one."""
        stored = self._stored(self._answers.get(key), request_sha256)
        return None if stored is None else stored.answer

    def verdict(self, key: ItemKey, judge: str, request_sha256: str) -> Verdict | None:
        """Return this judge's stored verdict on exactly this submission, if there is a usable one."""
        stored = self._stored(self._verdicts.get((key, judge)), request_sha256)
        verdict = None if stored is None else stored.verdict
        return verdict if verdict is not None and verdict.grades is not None else None

    def forget(self, key: ItemKey) -> None:
        """Forget the stored answer, so that the item is asked again."""
        self._answers.pop(key, None)

    def add_answer(self, key: ItemKey, request_sha256: str, answer: Answer) -> None:
        """Store an answer."""
        line = {"type": "answer", **key_to_json(key), "request_sha256": request_sha256, "answer": answer}
        self._index(key, None, self._journal.append(line))

    def add_verdict(self, key: ItemKey, request_sha256: str, verdict: Verdict) -> None:
        """Store a verdict. Failed verdicts are stored too, with the judge's reply."""
        line = {"type": "verdict", **key_to_json(key), "request_sha256": request_sha256, "verdict": verdict}
        self._index(key, verdict, self._journal.append(line))

    def close(self) -> None:
        """Close the file."""
        self._journal.close()

    def _read(self, line: bytes, offset: int) -> None:
        stored = stored_line(line)
        self._index(stored.key, stored.verdict, offset)

    def _stored(self, offset: int | None, request_sha256: str) -> StoredLine | None:
        """Return the line at the offset if it belongs to exactly this request."""
        stored = None if offset is None else stored_line(self._journal.read(offset))
        return stored if stored is not None and stored.request_sha256 == request_sha256 else None

    def _index(self, key: ItemKey, verdict: Verdict | None, offset: int) -> None:
        if verdict is None:
            self._answers[key] = offset
        else:
            self._verdicts[key, verdict.judge] = offset
