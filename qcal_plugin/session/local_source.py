"""Outcomes from the engine in this process, with progress while a test waits."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future
from typing import Protocol

from qcal_plugin.engine.result import EngineResult
from qcal_plugin.session.progress import Progress
from reports.records.records import ItemKey, PlannedItem

TICK_S = 0.5


class Asked(Protocol):
    """An `ActiveRun`, or the part of it that looks have opened (`qcal_plugin.session.looks`)."""

    def declare(self, planned: Sequence[PlannedItem]) -> None:
        """Declare the items that will be demanded."""
        ...

    def demand(self, key: ItemKey) -> Future[EngineResult]:
        """Return a future of the item's outcome."""
        ...


class LocalSource:
    """A `qcal_plugin.worker.runner.Source` that asks the engine of this process."""

    def __init__(self, evaluation: Asked, progress: Progress) -> None:
        self._evaluation = evaluation
        self._progress = progress

    def declare(self, planned: Sequence[PlannedItem]) -> None:
        """Declare the items that will be demanded."""
        self._evaluation.declare(planned)

    def demand(self, key: ItemKey) -> EngineResult:
        """Wait for the item's outcome, and print progress meanwhile."""
        future = self._evaluation.demand(key)
        while True:
            try:
                return future.result(timeout=TICK_S)
            except TimeoutError:
                if future.done():  # raised by the job, not by the wait
                    raise
                self._progress.tick()
