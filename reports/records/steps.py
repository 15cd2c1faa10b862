"""Progress of slow steps before and after the tests: a bar on a terminal, a line every ten seconds in a log."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

from reports.records.plain_text import log_line

if TYPE_CHECKING:
    from tqdm import tqdm

LOG_EVERY_S = 10.0
WORTH_A_LINE = 20
"""Steps with this many parts are logged at once; shorter ones only if they take longer than `PATIENCE_S`."""
PATIENCE_S = 1.0


class StepProgress:
    """Shows progress; a `qcal_plugin.dataset.prepare.Progress`. Silent at ``-qq``."""

    def __init__(self, verbosity: int) -> None:
        self._silent = verbosity <= -2
        self._step = ""
        self._began_at = self._said_at = 0.0
        self._bar: tqdm[None] | None = None

    def __call__(self, what: str, done: int, planned: int) -> None:
        """Show that ``done`` of ``planned`` parts of a step are done."""
        if self._silent or not planned:
            return
        if what != self._step:
            self._begin(what, planned)
        if self._bar is not None:
            self._draw(self._bar, done, planned)
        elif self._is_due(done, planned):
            self._said_at = time.monotonic()
            sys.stdout.write(log_line(f"qcal: {what} {done}/{planned}") + "\n")
            sys.stdout.flush()

    def _begin(self, what: str, planned: int) -> None:
        self._step, self._began_at, self._said_at = what, time.monotonic(), 0.0
        if sys.stdout.isatty():
            from tqdm import tqdm

            self._bar = tqdm(
                total=planned,
                desc=log_line(f"qcal: {what}"),
                file=sys.stdout,
                leave=False,
                dynamic_ncols=True,
            )

    def _draw(self, bar: tqdm[None], done: int, planned: int) -> None:
        bar.update(done - bar.n)
        if done == planned:
            bar.close()
            self._bar, self._step = None, ""

    def _is_due(self, done: int, planned: int) -> bool:
        now = time.monotonic()
        if not self._said_at:
            return planned >= WORTH_A_LINE or (done < planned and now - self._began_at >= PATIENCE_S)
        return done < planned and now - self._said_at >= LOG_EVERY_S
