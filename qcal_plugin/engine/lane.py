"""Jobs that wait for a free slot, those that somebody waits for first."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeAlias

from reports.records.records import ItemKey

Start: TypeAlias = Callable[[], Coroutine[Any, Any, None]]

JobId: TypeAlias = tuple[ItemKey, str]
"""An item, and the judge whose job it is; empty for the model's."""


class Lane:
    """Runs jobs, up to `slots` at once. All methods must be called in the event loop's thread.

    A lane bounds how many items are being worked on, a `Limiter` how many requests are in flight. The two share a
    number at the start. The limiter's falls when a server is overloaded; the lane's stays, because a job that waits
    before a retry keeps its slot: otherwise a failing server would be asked about ever more items.

    Urgent jobs go first, in the order in which they became urgent, so that no xdist worker starves; the others go in
    the order in which they were added. `may_run_ahead` holds back jobs that no test waits for. `on_error` is called
    with each job that raised.
    """

    def __init__(
        self,
        *,
        slots: int,
        may_run_ahead: Callable[[], bool],
        on_error: Callable[[JobId, BaseException], None],
    ) -> None:
        self._slots = slots
        self.running: dict[
            asyncio.Task[None], JobId
        ] = {}  # an item may come again before its task has quite ended
        self._may_run_ahead = may_run_ahead
        self._on_error = on_error
        self._urgent: dict[JobId, Start] = {}
        self._waiting: dict[JobId, Start] = {}

    def add(self, job: JobId, start: Start, *, urgent: bool) -> None:
        """Queue a job; it starts as soon as there is a slot."""
        (self._urgent if urgent else self._waiting)[job] = start
        self.pump()

    def add_all(self, jobs: dict[JobId, Start]) -> None:
        """Queue many jobs that nobody waits for yet."""
        self._waiting.update(jobs)
        self.pump()

    def promote(self, job: JobId) -> None:
        """Let a queued job go first, because somebody waits for it."""
        start = self._waiting.pop(job, None)
        if start is not None:
            self.add(job, start, urgent=True)

    def pump(self) -> None:
        """Start what can start now."""
        # Asked again for each job: `may_run_ahead` depends on what has just been started.
        while len(self.running) < self._slots:
            queue = self._urgent or (self._waiting if self._may_run_ahead() else None)
            if not queue:
                return
            job = next(iter(queue))
            task = asyncio.get_running_loop().create_task(queue.pop(job)())
            self.running[task] = job  # the loop keeps weak references only; this one keeps the task alive
            task.add_done_callback(self._finished)

    def clear(self) -> None:
        """Drop what has not started."""
        self._urgent.clear()
        self._waiting.clear()

    async def cancel(self) -> None:
        """Drop what waits and cancel what runs; returns when all of it has ended."""
        self.clear()
        for task in self.running:
            task.cancel()
        await asyncio.gather(*self.running, return_exceptions=True)

    def _finished(self, task: asyncio.Task[None]) -> None:
        job = self.running.pop(task)
        error = None if task.cancelled() else task.exception()
        if error is not None:
            self._on_error(job, error)
        self.pump()
