"""From a test's report to a line of ``records.jsonl``. The controller alone writes it (ARCHITECTURE.md)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from qcal_plugin.engine.journal import Journal
from qcal_plugin.engine.result import EngineResult
from qcal_plugin.worker.measuring import Measurement
from reports.records.records import WITHHELD, ItemKey, PlannedItem, Record, Status, record_from_line, record_to_json

_KEPT_WITHOUT_SCORE = WITHHELD | {Status.UNJUDGED}
"""Statuses of items whose answer is kept but has no score; a stored answer of this kind tells nothing new."""


class Recorder:
    """Completes measurements with what the engine knows and writes each before its test's report is shown."""

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

    def take(self, measurement: Measurement, planned: PlannedItem) -> None:
        """Write one measurement. A stored answer that tells nothing new adds no second line."""
        key, outcome = planned.key, self._outcome(planned.key)
        known = measurement.status is self._latest.get(key) and measurement.status in _KEPT_WITHOUT_SCORE
        if outcome.attempts == 0 and (key in self.measured or known):
            return
        if outcome.answer is not None and key not in self._latest:  # asked by a session that did not live to record it
            outcome = replace(outcome, attempts=outcome.answer.attempts)
        self._journal.append(record_to_json(_record(measurement, planned, outcome)))
        self._note(key, measurement.status, None if measurement.score is None else measurement.score.value)

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


def _record(measurement: Measurement, planned: PlannedItem, outcome: EngineResult) -> Record:
    return Record(
        key=planned.key,
        family=planned.family,
        scenario_type=planned.scenario_type,
        status=measurement.status,
        score=measurement.score,
        other_score=measurement.other_score,
        unanswered_score=measurement.unanswered_score,
        answer=outcome.answer,
        verdicts=outcome.verdicts,
        error=outcome.error,
        request_sha256=outcome.request_sha256,
        attempts=outcome.attempts,
        flags=measurement.flags,
        floors=measurement.floors,
        finished_at=datetime.now(UTC).isoformat(timespec="milliseconds"),
    )
