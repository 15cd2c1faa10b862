"""Calls ``fsync`` once a second, so that a power failure loses at most the lines of one second."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

SYNCED_EVERY_S = 1.0


class Syncer:
    """Calls ``fsync`` for a file in a separate thread, a second after something was written, and at the end.

    The thread starts at the first line. The next call of `writing` raises an error of the disk.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._writing = threading.Lock()
        self._written = threading.Event()
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None
        self._error: OSError | None = None

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Lock the file for writing. What is written is on the disk a second later. Raises OSError."""
        with self._writing:
            if self._error is not None:
                raise self._error
            yield
            self._written.set()
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="qcal-sync", daemon=True)
                self._thread.start()

    def close(self) -> None:
        """Sync the rest. Raises OSError, also for an earlier error that has not been raised yet."""
        self._closing.set()
        self._written.set()
        if self._thread is not None:
            self._thread.join()
        if self._error is not None:
            raise self._error

    def _run(self) -> None:
        while self._written.wait():
            self._closing.wait(SYNCED_EVERY_S)
            is_last = self._closing.is_set()
            self._written.clear()
            try:
                os.fsync(self._descriptor)
            except OSError as error:
                self._error = error
            if is_last:
                return
