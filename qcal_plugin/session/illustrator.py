"""Makes what a report shows besides the records, while the run waits for answers and a core is idle."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from qcal_plugin.dataset.cases import Case
from qcal_plugin.session.illustrations import illustrate
from reports.records.records import ItemKey, PlannedItem


def prepare_reports() -> None:
    """Load the modules that write reports.

    This takes half a second, and a run that stops early may not need them.
    """
    from reports import github, publish  # noqa: F401
    from reports.html import page

    page.prepare_page()


class Illustrator:
    """Runs `illustrate` in a thread; `finish` does what the thread has not done.

    ``planned`` returns the items planned so far, ``cases`` what each of them asks.
    """

    def __init__(
        self, run_dir: Path, planned: Callable[[], Sequence[PlannedItem]], cases: Callable[[ItemKey], Case]
    ) -> None:
        self._run_dir = run_dir
        self._planned = planned
        self._cases = cases
        self._illustrated: Sequence[PlannedItem] | None = None
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Start the thread, unless it was started or stopped."""
        if self._thread is None and not self._stopping.is_set():
            self._thread = threading.Thread(target=self._work, name="qcal-illustrator", daemon=True)
            self._thread.start()

    def finish(self, progress: Callable[[int, int], None]) -> None:
        """Write everything that is still missing. ``progress`` and exceptions are those of `illustrate`."""
        self.stop()
        planned = self._planned()
        if self._illustrated is None or list(self._illustrated) != list(planned):
            illustrate(self._run_dir, planned, self._cases, progress=progress)
            self._illustrated = planned

    def stop(self) -> None:
        """Start no further image, and wait for the current one."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()

    def _work(self) -> None:
        planned = self._planned()
        try:
            done = illustrate(self._run_dir, planned, self._cases, threads=1, stopping=self._stopping)
        except (OSError, ValueError, KeyError):
            return  # `finish` tries again and reports the error
        if done:
            self._illustrated = planned
            prepare_reports()
