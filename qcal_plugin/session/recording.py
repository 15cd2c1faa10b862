"""From a test's report to a line of ``records.jsonl``. The controller alone writes it (ARCHITECTURE.md)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from qcal_plugin.engine.journal import Journal
from qcal_plugin.engine.result import EngineResult
from reports.records.records import WITHHELD, ItemKey, Record, Status, record_from_line, record_to_json

_KEPT_WITHOUT_SCORE = WITHHELD | {Status.UNJUDGED}
"""Statuses of items whose answer is kept but has no score; a stored answer of this kind tells nothing new."""


class Recorder:
    """Completes records with what the engine knows and writes each before its test's report is shown."""

    def __init__(self, path: Path, outcome: Callable[[ItemKey], EngineResult]) -> None:
        self.measured: dict[ItemKey, float] = {}
        self._latest: dict[ItemKey, Status] = {}
        self._outcome = outcome
        self._journal = Journal(path, self._read)

    @property
    def torn_bytes(self) -> int:
        """What a crash had left of a last line."""
        return self._journal.torn_bytes

    @property
    def damaged_lines(self) -> int:
        """How many lines were set aside."""
        return self._journal.damaged_lines

    def take(self, record: Record) -> None:
        """Write the record with the engine's part. A stored answer that tells nothing new adds no second line."""
        key, outcome = record.key, self._outcome(record.key)
        known = record.status is self._latest.get(key) and record.status in _KEPT_WITHOUT_SCORE
        if outcome.attempts == 0 and (key in self.measured or known):
            return
        attempts = outcome.attempts
        if (
            outcome.answer is not None and key not in self._latest
        ):  # asked by a session that did not live to record it
            attempts = outcome.answer.attempts
        complete = replace(
            record,
            answer=outcome.answer,
            verdicts=outcome.verdicts,
            error=outcome.error,
            request_sha256=outcome.request_sha256,
            attempts=attempts,
            finished_at=datetime.now(UTC).isoformat(timespec="milliseconds"),
        )
        self._journal.append(record_to_json(complete))
        self._note(key, record.status, None if record.score is None else record.score.value)

    def unjudged(self) -> int:
        """How many items have an answer that nobody has judged."""
        return sum(status is Status.UNJUDGED for status in self._latest.values())

    def close(self) -> None:
        """Close the file."""
        self._journal.close()

    def _read(self, line: bytes, _offset: int) -> None:
        record = record_from_line(line)
        self._note(record.key, record.status, None if record.score is None else record.score.value)

    def _note(self, key: ItemKey, status: Status, value: float | None) -> None:
        self._latest[key] = status
        if value is not None:
            self.measured.setdefault(key, value)
