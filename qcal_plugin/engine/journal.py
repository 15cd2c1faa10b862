"""Append-only JSON lines: ``answers.jsonl`` (what was paid for) and ``records.jsonl`` (what was measured).

JournalError    a line cannot be written or read; the message names the file
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from reports.records.records import Answer, ItemKey, Verdict, key_from_json, key_to_json
from reports.records.typed_json import DecodeError, convert, decode_object, encode
from scoring.errors import QCalError


class JournalError(QCalError):
    """A journal cannot be written or read; ``str()`` names the file and the cause."""


T = TypeVar("T")


class Journal:
    """A file of JSON lines, each handed to the operating system whole; safe to append to from several threads.

    A torn last line, left by a crash, is cut off when the file is opened: its item counts as not measured.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        try:
            self.torn_bytes = _cut_torn_line(path)
            self._file = path.open("ab", buffering=0)
            self._size = path.stat().st_size
        except OSError as error:
            raise JournalError(f"cannot write {path}: {error.strerror}") from error

    def append(self, data: object) -> int:
        """Write one line; returns its offset in bytes. Raises JournalError, as on a full disk; no half line stays."""
        line = encode(data) + b"\n"
        with self._lock:
            offset = self._size
            try:
                self._write(line)
            except OSError as error:
                with contextlib.suppress(OSError):
                    self._file.truncate(offset)
                raise JournalError(f"cannot write {self.path}: {error.strerror}; what was measured stays") from error
            self._size += len(line)
        return offset

    def _write(self, line: bytes) -> None:
        rest = memoryview(line)
        while rest:
            rest = rest[self._file.write(rest) :]

    def read(self, offset: int) -> bytes:
        """The line at `offset`."""
        with self.path.open("rb") as file:
            file.seek(offset)
            return file.readline()

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._file.close()


def read_lines(path: Path, parse: Callable[[bytes], T]) -> Iterator[tuple[int, T]]:
    """What `parse` makes of each line, with its offset; a torn last line is left out.

    Raises JournalError on a line for which `parse` raises DecodeError.
    """
    offset = 0
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            if not line.endswith(b"\n"):
                return
            try:
                parsed = parse(line)
            except DecodeError as error:
                raise JournalError(f"{path}, line {number}: {error}; remove the line to go on") from error
            yield offset, parsed
            offset += len(line)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredLine:
    """A line of ``answers.jsonl``: an answer, or a judge's verdict, with the digest of the request that it answers."""

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
    """``answers.jsonl``: answers and verdicts, each with the digest of the request that it answers.

    Keeps offsets, not texts: memory stays flat however long the run is.
    """

    def __init__(self, path: Path) -> None:
        self._journal = Journal(path)
        self._answers: dict[ItemKey, int] = {}
        self._verdicts: dict[tuple[ItemKey, str], int] = {}
        for offset, stored in read_lines(path, stored_line):
            self._index(stored.key, stored.verdict, offset)

    @property
    def torn_bytes(self) -> int:
        """What a crash had left of a last line."""
        return self._journal.torn_bytes

    def answer(self, key: ItemKey, request_sha256: str) -> Answer | None:
        """The stored answer to this very request, if there is one."""
        stored = self._stored(self._answers.get(key), request_sha256)
        return None if stored is None else stored.answer

    def verdict(self, key: ItemKey, judge: str, request_sha256: str) -> Verdict | None:
        """The stored verdict of this judge on this very submission, if there is a usable one."""
        stored = self._stored(self._verdicts.get((key, judge)), request_sha256)
        verdict = None if stored is None else stored.verdict
        return verdict if verdict is not None and verdict.grades is not None else None

    def forget(self, key: ItemKey) -> None:
        """Ask this item again although it is answered: what comes is a further attempt."""
        self._answers.pop(key, None)

    def add_answer(self, key: ItemKey, request_sha256: str, answer: Answer) -> None:
        """Store an answer."""
        line = {"type": "answer", **key_to_json(key), "request_sha256": request_sha256, "answer": answer}
        self._index(key, None, self._journal.append(line))

    def add_verdict(self, key: ItemKey, request_sha256: str, verdict: Verdict) -> None:
        """Store a verdict, a failed one too: what the judge said is kept."""
        line = {"type": "verdict", **key_to_json(key), "request_sha256": request_sha256, "verdict": verdict}
        self._index(key, verdict, self._journal.append(line))

    def close(self) -> None:
        """Close the file."""
        self._journal.close()

    def _stored(self, offset: int | None, request_sha256: str) -> StoredLine | None:
        """The line at the offset, if it belongs to this very request."""
        stored = None if offset is None else stored_line(self._journal.read(offset))
        return stored if stored is not None and stored.request_sha256 == request_sha256 else None

    def _index(self, key: ItemKey, verdict: Verdict | None, offset: int) -> None:
        if verdict is None:
            self._answers[key] = offset
        else:
            self._verdicts[key, verdict.judge] = offset


def _cut_torn_line(path: Path) -> int:
    """Remove what stands after the last line break; returns how many bytes that were."""
    if not path.exists():
        return 0
    with path.open("rb+") as file:
        size = file.seek(0, 2)
        end = size
        while end > 0:
            start = max(0, end - 65536)
            file.seek(start)
            position = file.read(end - start).rfind(b"\n")
            if position >= 0:
                end = start + position + 1
                break
            end = start
        file.truncate(end)
        return size - end
