"""Lines about a run under way, printed between tests by the main thread."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from qcal_plugin.evaluation import Evaluation

EVERY_S = 10.0


class Progress:
    """Prints a line now and then: done and planned, in flight, rate, time left, refusals."""

    def __init__(self, evaluation: Evaluation, config: pytest.Config) -> None:
        self._evaluation = evaluation
        self._config = config
        self._started_at = time.monotonic()
        self._next_at = self._started_at + EVERY_S

    def report(self, report: pytest.TestReport) -> None:
        """A test has reported."""
        if report.when == "teardown":
            self.tick()

    def tick(self) -> None:
        """Some time may have passed."""
        now = time.monotonic()
        if now >= self._next_at:
            self._next_at = now + EVERY_S
            self._print(now)

    def _print(self, now: float) -> None:
        terminal = self._config.pluginmanager.get_plugin("terminalreporter")
        if terminal is None or self._config.get_verbosity() < -1:
            return
        evaluation = self._evaluation
        planned = len(evaluation.directory.manifest.planned)
        done = evaluation.engine.answered
        elapsed = now - self._started_at
        terminal.ensure_newline()
        terminal.write_line(
            f"qcal: {done}/{planned} answered, {evaluation.limiter.in_flight} in flight, {done / elapsed:.1f}/s"
        )
