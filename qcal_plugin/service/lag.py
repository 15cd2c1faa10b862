"""Measure how late this client reads replies while it holds a load, which adds to the server's times."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from reports.service.records import ClientLoad

EVERY_S = 0.02


@dataclass(slots=True)
class LagWatch:
    """Wakes up every `EVERY_S` and notes how late it was. Replies that have arrived wait as long to be read.

    An event loop handles ready tasks one after the other. A wake-up is late for the same reasons as a read:
    other replies come first, or the machine has no core for this process.
    """

    late_s: list[float] = field(default_factory=list)
    _began_s: float = field(default_factory=time.perf_counter)
    _cpu_s: float = field(default_factory=time.process_time)

    def figures(self) -> ClientLoad | None:
        """Return quantiles of the delays and the CPU share.

        None if the level ended before the first wake-up.
        """
        if not self.late_s:
            return None
        late = sorted(self.late_s)
        elapsed = time.perf_counter() - self._began_s
        return ClientLoad(
            late_p50_s=late[len(late) // 2],
            late_p90_s=late[int(0.9 * (len(late) - 1))],
            cpu=(time.process_time() - self._cpu_s) / elapsed,
        )

    async def _watch(self) -> None:
        while True:
            before = time.perf_counter()
            await asyncio.sleep(EVERY_S)
            self.late_s.append(max(0.0, time.perf_counter() - before - EVERY_S))


@asynccontextmanager
async def watched() -> AsyncIterator[LagWatch]:
    """Yield a watch that runs as long as the context."""
    watch = LagWatch()
    task = asyncio.create_task(watch._watch())  # noqa: SLF001 - this module's own
    try:
        yield watch
    finally:
        task.cancel()
