"""The user's limits on the rate of requests: ``--rate-limit 300/min`` and ``--tokens-per-minute``."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

MINUTE_S = 60.0


@dataclass(slots=True, kw_only=True)
class Pace:
    """Schedules the requests to one endpoint. Belongs to the engine's thread.

    Requests are spaced evenly, so that they also comply with a quota that is counted in fixed windows. Tokens
    are known only after a reply. So the next request waits until the tokens of the last minute are below the
    limit.

    Attributes:
        requests_per_s: None for no limit.
        tokens_per_minute: prompt and completion tokens; None for no limit.
    """

    requests_per_s: float | None = None
    tokens_per_minute: int | None = None
    clock: Callable[[], float] = time.monotonic
    _next_at: float = 0.0
    _spent: deque[tuple[float, int]] = field(default_factory=deque)
    _tokens: int = 0

    def wait_s(self) -> float:
        """Reserve the next turn and return how long to wait for it.

        Only requests reserve a turn; tokens do not.
        """
        now = self.clock()
        turn_at = max(now, self._next_at)
        if self.requests_per_s is not None:
            self._next_at = turn_at + 1.0 / self.requests_per_s
        return turn_at - now

    def tokens_wait_s(self) -> float:
        """Return how long to wait until the tokens of the last minute are below the limit."""
        now = self.clock()
        while self._spent and self._spent[0][0] <= now - MINUTE_S:
            self._tokens -= self._spent.popleft()[1]
        if self.tokens_per_minute is None or self._tokens < self.tokens_per_minute:
            return 0.0
        return self._spent[0][0] + MINUTE_S - now

    def used(self, tokens: int) -> None:
        """Count the tokens of a reply."""
        if self.tokens_per_minute is not None and tokens:
            self._spent.append((self.clock(), tokens))
            self._tokens += tokens
