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
    """What is asked: an `ActiveRun`, or as much of it as looks leave open (`qcal_plugin.session.looks`)."""

    def declare(self, planned: Sequence[PlannedItem]) -> None:
        """Say which items will be demanded."""
        ...

    def demand(self, key: ItemKey) -> Future[EngineResult]:
        """The item's outcome, when there is one."""
        ...


class LocalSource:
    """See `qcal_plugin.worker.runner.Source`."""

    def __init__(self, evaluation: Asked, progress: Progress) -> None:
        self._evaluation = evaluation
        self._progress = progress

    def declare(self, planned: Sequence[PlannedItem]) -> None:
        """See `Source`."""
        self._evaluation.declare(planned)

    def demand(self, key: ItemKey) -> EngineResult:
        """See `Source`."""
        future = self._evaluation.demand(key)
        while True:
            try:
                return future.result(timeout=TICK_S)
            except TimeoutError:
                if future.done():  # the job's own
                    raise
                self._progress.tick()
