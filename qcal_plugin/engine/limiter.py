"""Limits requests in flight by additive increase, multiplicative decrease (AIMD; docs/reliability.md)."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass, field
from types import TracebackType

DECREASE_FACTOR = 0.8


@dataclass(slots=True)
class Limiter:
    """Grants turns to send a request, in order of arrival: ``async with limiter``. Belongs to one event loop.

    The limit falls by a fifth on overload, once per episode, and grows by one per round trip while it is
    reached. A retry takes a new turn, so that a lowered limit applies to retries too.

    Attributes:
        ceiling: the initial limit, which is never exceeded.
        peak: the largest number of requests in flight so far.
        history: (time, limit) at each fall and each full recovery; times are seconds of the monotonic clock.
    """

    ceiling: int
    limit: float = field(init=False)
    in_flight: int = 0
    peak: int = 0
    history: list[tuple[float, float]] = field(default_factory=list)
    _last_decrease: float = float("-inf")
    _queue: deque[asyncio.Future[None]] = field(default_factory=deque)

    def __post_init__(self) -> None:
        self.limit = float(self.ceiling)

    async def __aenter__(self) -> None:
        # Each waiter has a future. An asyncio.Semaphore does not fit: the limit changes while requests wait,
        # and the order of arrival must be kept.
        turn = asyncio.get_running_loop().create_future()
        self._queue.append(turn)
        self._grant()
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():  # granted and cancelled at once
                self._leave()
            raise

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._leave()

    def overloaded(self, sent_at: float, now: float) -> None:
        """Lower the limit, unless the request was sent before the last fall and so belongs to the same episode."""
        if sent_at < self._last_decrease:
            return
        self._last_decrease = now
        self.limit = max(1.0, self.limit * DECREASE_FACTOR)
        self.history.append((now, self.limit))

    def succeeded(self, now: float) -> None:
        """Raise the limit a little if it was reached."""
        if self.limit < self.ceiling and self.in_flight >= int(self.limit):
            self.limit = min(float(self.ceiling), self.limit + 1 / self.limit)
            if self.limit == self.ceiling:
                self.history.append((now, self.limit))

    def _leave(self) -> None:
        self.in_flight -= 1
        self._grant()

    def _grant(self) -> None:
        while self._queue and self.in_flight < int(self.limit):
            turn = self._queue.popleft()
            if not turn.done():
                turn.set_result(None)
                self.in_flight += 1
                self.peak = max(self.peak, self.in_flight)
