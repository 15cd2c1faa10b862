"""From a test's report to a line of ``records.jsonl``. The controller alone writes it (DESIGN.md section 4)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from qcal_plugin.journal import Journal, read_lines
from qcal_plugin.measuring import Measurement
from qcal_plugin.outcome import Outcome
from reports.records import ItemKey, PlannedItem, Record, Status, key_from_json, record_to_json


class Recorder:
    """Completes measurements with what the engine knows and writes each before its test's report is shown."""

    def __init__(self, path: Path, outcome: Callable[[ItemKey], Outcome]) -> None:
        self.measured: dict[ItemKey, float] = {}
        self._unjudged: set[ItemKey] = set()
        self._outcome = outcome
        self._journal = Journal(path)
        for _, line in read_lines(path):
            self._note(key_from_json(line), Status(line["status"]), line["score"] and line["score"]["value"])

    def take(self, measurement: Measurement, planned: PlannedItem) -> None:
        """Write one measurement. A stored answer that tells nothing new adds no second line."""
        key, outcome = measurement.key, self._outcome(measurement.key)
        known = key in self.measured or (measurement.status is Status.UNJUDGED and key in self._unjudged)
        if known and outcome.attempts == 0:
            return
        self._journal.append(record_to_json(_record(measurement, planned, outcome)))
        self._note(key, measurement.status, None if measurement.score is None else measurement.score.value)

    def close(self) -> None:
        """Close the file."""
        self._journal.close()

    def _note(self, key: ItemKey, status: Status, value: float | None) -> None:
        if value is not None:
            self.measured.setdefault(key, value)
        elif status is Status.UNJUDGED:
            self._unjudged.add(key)


def _record(measurement: Measurement, planned: PlannedItem, outcome: Outcome) -> Record:
    return Record(
        key=measurement.key,
        family=planned.family,
        scenario_type=planned.scenario_type,
        status=measurement.status,
        score=measurement.score,
        other_score=measurement.other_score,
        answer=outcome.answer,
        verdicts=outcome.verdicts,
        error=outcome.error,
        request_sha256=outcome.request_sha256,
        attempts=outcome.attempts,
        flags=measurement.flags,
        finished_at=datetime.now(UTC).isoformat(timespec="milliseconds"),
    )
