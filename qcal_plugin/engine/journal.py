"""Append-only JSON lines: ``answers.jsonl`` (what was paid for) and ``records.jsonl`` (what was measured).

JournalError    a line cannot be written or read; the message names the file
"""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeVar

from reports.records.records import (
    Answer,
    ItemKey,
    Verdict,
    answer_from_json,
    key_from_json,
    key_to_json,
    verdict_from_json,
)
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

    def append(self, data: Mapping[str, Any]) -> int:
        """Write one line; returns its offset in bytes. Raises JournalError, as on a full disk; no half line stays."""
        line = json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
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

    def read(self, offset: int) -> dict[str, Any]:
        """The line at `offset`."""
        with self.path.open("rb") as file:
            file.seek(offset)
            return dict(json.loads(file.readline()))

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._file.close()


def read_lines(path: Path, parse: Callable[[dict[str, Any]], T]) -> Iterator[tuple[int, T]]:
    """What `parse` makes of each line, with its offset; a torn last line is left out.

    Raises JournalError on a garbled line, and on one that `parse` refuses.
    """
    offset = 0
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            if not line.endswith(b"\n"):
                return
            try:
                parsed = parse(json.loads(line))
            except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
                reason = f"no field {error}" if isinstance(error, KeyError) else str(error)
                raise JournalError(f"{path}, line {number}: {reason}; remove the line to go on") from error
            yield offset, parsed
            offset += len(line)


class AnswerJournal:
    """``answers.jsonl``: answers and verdicts, each with the digest of the request that it answers.

    Keeps offsets, not texts: memory stays flat however long the run is.
    """

    def __init__(self, path: Path) -> None:
        self._journal = Journal(path)
        self._answers: dict[ItemKey, int] = {}
        self._verdicts: dict[tuple[ItemKey, str], int] = {}
        for offset, (key, judge) in read_lines(path, _identity):
            self._index(key, judge, offset)

    @property
    def torn_bytes(self) -> int:
        """What a crash had left of a last line."""
        return self._journal.torn_bytes

    def answer(self, key: ItemKey, request_sha256: str) -> Answer | None:
        """The stored answer to this very request, if there is one."""
        line = self._line(self._answers.get(key), request_sha256)
        return None if line is None else answer_from_json(line["answer"])

    def verdict(self, key: ItemKey, judge: str, request_sha256: str) -> Verdict | None:
        """The stored verdict of this judge on this very submission, if there is a usable one."""
        line = self._line(self._verdicts.get((key, judge)), request_sha256)
        verdict = None if line is None else verdict_from_json(line["verdict"])
        return verdict if verdict is not None and verdict.grades is not None else None

    def forget(self, key: ItemKey) -> None:
        """Ask this item again although it is answered: what comes is a further attempt."""
        self._answers.pop(key, None)

    def add_answer(self, key: ItemKey, request_sha256: str, answer: Answer) -> None:
        """Store an answer."""
        line = {"type": "answer", **key_to_json(key), "request_sha256": request_sha256, "answer": asdict(answer)}
        self._index(key, None, self._journal.append(line))

    def add_verdict(self, key: ItemKey, request_sha256: str, verdict: Verdict) -> None:
        """Store a verdict, a failed one too: what the judge said is kept."""
        line = {"type": "verdict", **key_to_json(key), "request_sha256": request_sha256, "verdict": asdict(verdict)}
        self._index(key, verdict.judge, self._journal.append(line))

    def close(self) -> None:
        """Close the file."""
        self._journal.close()

    def _line(self, offset: int | None, request_sha256: str) -> dict[str, Any] | None:
        """What stands at the offset, if it belongs to this very request."""
        line = None if offset is None else self._journal.read(offset)
        return line if line is not None and line["request_sha256"] == request_sha256 else None

    def _index(self, key: ItemKey, judge: str | None, offset: int) -> None:
        if judge is None:
            self._answers[key] = offset
        else:
            self._verdicts[key, judge] = offset


def _identity(line: Mapping[str, Any]) -> tuple[ItemKey, str | None]:
    """Item and judge (None: the model's answer) of a line. Raises what `read_lines` expects."""
    if "request_sha256" not in line:
        raise KeyError("request_sha256")
    if line["type"] == "answer":
        answer_from_json(line["answer"])
        return key_from_json(line), None
    return key_from_json(line), verdict_from_json(line["verdict"]).judge


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
