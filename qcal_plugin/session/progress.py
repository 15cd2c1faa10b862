"""Progress of a run, printed by the main thread between tests: redrawn on a terminal, as lines in a log."""

from __future__ import annotations

import math
import shutil
import statistics
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING

import pytest

from qcal_plugin.session.status_line import StatusLine
from reports.records.names import MODE_NAMES
from reports.records.plain_text import log_line
from reports.records.records import ItemKey
from scoring.questions import Mode

if TYPE_CHECKING:
    from qcal_plugin.session.active_run import ActiveRun

REDRAWN_EVERY_S = 0.5
LOG_LINES = 20
SHORTEST_PAUSE_S = 2.0


class Progress:
    """Prints progress: below the dots on a terminal; in a log, whenever another twentieth is done."""

    def __init__(self, evaluation: ActiveRun, config: pytest.Config) -> None:
        self._evaluation = evaluation
        self._config = config
        self._started_at = self._printed_at = time.monotonic()
        self._printed_done = 0
        self._status_line = StatusLine(config) if StatusLine.is_possible() else None
        self._notice: str | None = None

    def report(self, report: pytest.TestReport) -> None:
        """Take a test's report."""
        if report.when == "teardown":
            self.tick()

    def make_way(self) -> None:
        """Erase the status line, because pytest is about to write."""
        if self._status_line is not None:
            self._status_line.erase()

    def tick(self) -> None:
        """Print progress if it is due."""
        now = time.monotonic()
        terminal = self._config.pluginmanager.get_plugin("terminalreporter")
        if terminal is not None:
            self._print_notice(terminal)
        if terminal is None or self._config.get_verbosity() <= -2 or not self._is_due(now):
            return
        self._printed_at, self._printed_done = now, self._evaluation.engine.answered
        if self._status_line is not None:
            self._status_line.draw(self._line(now))
        else:
            self._start_line(terminal)
            terminal.write_line(self._line(now))

    def _print_notice(self, terminal: pytest.TerminalReporter) -> None:
        """Print, once and immediately, what the user must know during the run."""
        notice = self._evaluation.budget.notice
        if notice is not None and self._notice is None:
            self._notice = notice
            self.make_way()
            self._start_line(terminal)
            terminal.write_line(log_line(f"qcal: {notice}"))

    def say(self, line: str) -> None:
        """Print a line immediately, between two tests."""
        terminal = self._config.pluginmanager.get_plugin("terminalreporter")
        if terminal is not None:
            self.make_way()
            self._start_line(terminal)
            terminal.write_line(f"qcal: {line}")

    def _is_due(self, now: float) -> bool:
        waited_s = now - self._printed_at
        if self._status_line is not None:
            return waited_s >= REDRAWN_EVERY_S
        done = self._evaluation.engine.answered - self._printed_done
        return waited_s >= SHORTEST_PAUSE_S and done * LOG_LINES >= self._planned

    def _start_line(self, terminal: pytest.TerminalReporter) -> None:
        """End a line of dots; under xdist and at -q pytest does not know of it, as it has no file name."""
        verbosity = self._config.get_verbosity()
        if self._config.getoption("dist", "no") == "no" and verbosity >= 0:
            terminal.ensure_newline()
        elif verbosity <= 0:
            terminal.write("\n")

    @property
    def _planned(self) -> int:
        return len(self._evaluation.directory.manifest.planned)

    def _line(self, now: float) -> str:
        """Return the status, most important first, as far as it fits the terminal."""
        evaluation = self._evaluation
        done, elapsed_s = evaluation.engine.answered, now - self._started_at
        rate = done / elapsed_s
        refused = sum(endpoint.rate_limited for endpoint in evaluation.endpoints)
        parts = [
            f"qcal: {done}/{self._planned}",
            *(
                [f"{_duration((self._planned - done) / rate)} left"]
                if rate > 0 and done < self._planned
                else []
            ),
            f"asking {evaluation.limiter.in_flight}",
            *([f"judging {evaluation.judge_limiter.in_flight}"] if evaluation.judges else []),
            *([f"{refused}x 429"] if refused else []),
            *running_means(evaluation.recorder.measured),
            f"{evaluation.budget.requests_sent / elapsed_s:.1f} requests/s",
        ]
        width = shutil.get_terminal_size().columns
        while len(", ".join(parts)) >= width and len(parts) > 1:
            parts.pop()
        return ", ".join(parts)


def running_means(measured: Mapping[ItemKey, float]) -> list[str]:
    """Return the mean score so far of each mode, 0-100, with half of its 95% interval; none below two samples.

    Only items of the benchmark count, without those of studies. The interval is a normal approximation over
    the means of samples. It is only for the display: tables use the intervals of
    `reports.statistics.intervals`.
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
            lines.append(f"{MODE_NAMES[mode]} {statistics.fmean(means):.1f} ±{margin:.1f}")
    return lines


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
