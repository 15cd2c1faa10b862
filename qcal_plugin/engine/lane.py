"""A queue of jobs with a limited number of slots. Jobs for which a test waits go first."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeAlias

from reports.records.records import ItemKey

Start: TypeAlias = Callable[[], Coroutine[Any, Any, None]]

JobId: TypeAlias = tuple[ItemKey, str]
"""An item, and the name of the judge; empty for the model."""


class Lane:
    """Runs jobs, up to `slots` at once. All methods must be called in the event loop's thread.

    A lane limits how many items are in progress, a `Limiter` how many requests are in flight. Both start with
    the same number. The limiter's number falls when a server is overloaded. The lane's does not: a job that
    waits for a retry keeps its slot, so that no further items are sent to a failing server.

    Urgent jobs go first, in the order in which they became urgent, so that no xdist worker starves. The
    others follow in the order in which they were added; they start only while `may_run_ahead` allows it.
    `on_error` is called with each job that raised.
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
        ] = {}  # by task: an item may be added again before its first task has ended
        self._may_run_ahead = may_run_ahead
        self._on_error = on_error
        self._urgent: dict[JobId, Start] = {}
        self._waiting: dict[JobId, Start] = {}

    def add(self, job: JobId, start: Start, *, urgent: bool) -> None:
        """Queue a job; it starts as soon as there is a slot."""
        (self._urgent if urgent else self._waiting)[job] = start
        self.pump()

    def add_all(self, jobs: dict[JobId, Start]) -> None:
        """Queue many jobs for which no test waits yet."""
        self._waiting.update(jobs)
        self.pump()

    def promote(self, job: JobId) -> None:
        """Let a queued job go first, because a test waits for it."""
        start = self._waiting.pop(job, None)
        if start is not None:
            self.add(job, start, urgent=True)

    def pump(self) -> None:
        """Start as many jobs as possible."""
        # Check again for each job: `may_run_ahead` depends on the jobs that have just been started.
        while len(self.running) < self._slots:
            queue = self._urgent or (self._waiting if self._may_run_ahead() else None)
            if not queue:
                return
            job = next(iter(queue))
            task = asyncio.get_running_loop().create_task(queue.pop(job)())
            self.running[task] = job  # the loop keeps only weak references; this one keeps the task alive
            task.add_done_callback(self._finished)

    def clear(self) -> None:
        """Remove jobs that have not started."""
        self._urgent.clear()
        self._waiting.clear()

    async def cancel(self) -> None:
        """Remove waiting jobs and cancel running ones. Returns when all have ended."""
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
