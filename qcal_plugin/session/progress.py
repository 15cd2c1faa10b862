"""Lines about a run under way, printed between tests by the main thread; never redrawn, so that nothing is torn."""

from __future__ import annotations

import math
import shutil
import statistics
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING

import pytest

from reports.records.records import ItemKey
from scoring.questions import Mode

if TYPE_CHECKING:
    from qcal_plugin.session.evaluation import Evaluation

TERMINAL_EVERY_S = 10.0
LOG_LINES = 10
SHORTEST_PAUSE_S = 2.0


class Progress:
    """Prints a line now and then: on a terminal by the clock, in a log each time another tenth is done."""

    def __init__(self, evaluation: Evaluation, config: pytest.Config) -> None:
        self._evaluation = evaluation
        self._config = config
        self._started_at = self._printed_at = time.monotonic()
        self._printed_done = 0

    def report(self, report: pytest.TestReport) -> None:
        """A test has reported."""
        if report.when == "teardown":
            self.tick()

    def tick(self) -> None:
        """Some time may have passed, something may have been answered."""
        now = time.monotonic()
        terminal = self._config.pluginmanager.get_plugin("terminalreporter")
        if (
            terminal is not None
            and self._config.get_verbosity() > -2
            and self._is_due(now, to_terminal=terminal.isatty)
        ):
            self._printed_at, self._printed_done = now, self._evaluation.engine.answered
            self._start_line(terminal)
            terminal.write_line(self._line(now))

    def _is_due(self, now: float, *, to_terminal: bool) -> bool:
        waited_s = now - self._printed_at
        if to_terminal:
            return waited_s >= TERMINAL_EVERY_S
        done = self._evaluation.engine.answered - self._printed_done
        return waited_s >= SHORTEST_PAUSE_S and done * LOG_LINES >= self._planned

    def _start_line(self, terminal: pytest.TerminalReporter) -> None:
        """End a line of dots; under xdist and at -q, where no file's name leads it, pytest does not know of it."""
        verbosity = self._config.get_verbosity()
        if self._config.getoption("dist", "no") == "no" and verbosity >= 0:
            terminal.ensure_newline()
        elif verbosity <= 0:
            terminal.write("\n")

    @property
    def _planned(self) -> int:
        return len(self._evaluation.directory.manifest.planned)

    def _line(self, now: float) -> str:
        """As much as fits the terminal, the most wanted first."""
        evaluation = self._evaluation
        done, elapsed_s = evaluation.engine.answered, now - self._started_at
        rate = done / elapsed_s
        refused = sum(endpoint.rate_limited for endpoint in evaluation.endpoints)
        parts = [
            f"qcal: {done}/{self._planned}",
            *([f"{_duration((self._planned - done) / rate)} left"] if rate > 0 and done < self._planned else []),
            f"{evaluation.limiter.in_flight}+{evaluation.judge_limiter.in_flight} in flight",
            *([f"{refused}x 429"] if refused else []),
            *running_means(evaluation.recorder.measured),
            f"{evaluation.budget.requests_sent / elapsed_s:.1f} requests/s",
        ]
        width = shutil.get_terminal_size().columns
        while len(", ".join(parts)) >= width and len(parts) > 1:
            parts.pop()
        return ", ".join(parts)


def running_means(measured: Mapping[ItemKey, float]) -> list[str]:
    """Per mode the mean score so far, 0-100, with half of its 95% interval.

    Of the benchmark's own items; normal approximation over the samples' means, clustered by sample; none below two
    samples. For the eye only: the tables use the intervals of reports.statistics.intervals.
    """
    lines = []
    for mode in Mode:
        samples: dict[str, list[float]] = {}
        for key, value in measured.items():
            if key.mode is mode and not key.variant:
                samples.setdefault(key.sample_id, []).append(100 * value)
        means = [statistics.fmean(values) for values in samples.values()]
        if len(means) >= 2:
            margin = 1.96 * statistics.stdev(means) / math.sqrt(len(means))
            lines.append(f"{mode} {statistics.fmean(means):.1f} ±{margin:.1f}")
    return lines


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
