"""Turn a test's report into a line of ``records.jsonl``.

Only the owner writes this file (ARCHITECTURE.md).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from qcal_plugin.engine.journal import Journal
from qcal_plugin.engine.result import EngineResult
from reports.records.records import WITHHELD, ItemKey, Record, Status, record_from_line, record_to_json

_KEPT_WITHOUT_SCORE = WITHHELD | {Status.UNJUDGED}
"""Statuses of items with an answer but without a score; recording such a stored answer again adds nothing."""


class Recorder:
    """Completes records with data from the engine, and writes each before its test's report is shown."""

    def __init__(self, path: Path, outcome: Callable[[ItemKey], EngineResult]) -> None:
        self.measured: dict[ItemKey, float] = {}
        self._latest: dict[ItemKey, Status] = {}
        self._outcome = outcome
        self._journal = Journal(path, self._read)

    @property
    def torn_bytes(self) -> int:
        """The size of the last line that a crash cut."""
        return self._journal.torn_bytes

    @property
    def damaged_lines(self) -> int:
        """The number of damaged lines that were set aside."""
        return self._journal.damaged_lines

    def take(self, record: Record) -> None:
        """Write the record with the engine's data.

        A stored answer that adds nothing does not get a second line.
        """
        key, outcome = record.key, self._outcome(record.key)
        known = record.status is self._latest.get(key) and record.status in _KEPT_WITHOUT_SCORE
        if outcome.attempts == 0 and (key in self.measured or known):
            return
        attempts = outcome.attempts
        if (
            outcome.answer is not None and key not in self._latest
        ):  # asked by a session that was killed before it could record it
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
        """Return the number of items with an answer that was not judged."""
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
