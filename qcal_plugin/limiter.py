"""How many requests may be in flight: additive increase, multiplicative decrease (AIMD, DESIGN.md section 6)."""

from __future__ import annotations

from dataclasses import dataclass, field

DECREASE_FACTOR = 0.8


@dataclass(slots=True)
class Limiter:
    """A limit that falls by a fifth on overload, once per episode, and grows by one per round trip while it binds.

    Times are seconds of one monotonic clock. ``history`` holds (time, limit) at each fall and each full recovery.
    """

    ceiling: int
    limit: float = field(init=False)
    in_flight: int = 0
    peak: int = 0
    history: list[tuple[float, float]] = field(default_factory=list)
    _last_decrease: float = float("-inf")

    def __post_init__(self) -> None:
        self.limit = float(self.ceiling)

    @property
    def free(self) -> bool:
        """Whether another request may start."""
        return self.in_flight < int(self.limit)

    def started(self) -> None:
        """Count a request in."""
        self.in_flight += 1
        self.peak = max(self.peak, self.in_flight)

    def finished(self) -> None:
        """Count a request out."""
        self.in_flight -= 1

    def overloaded(self, sent_at: float, now: float) -> None:
        """Lower the limit, unless the request was sent before the last fall: then it tells of the same overload."""
        if sent_at < self._last_decrease:
            return
        self._last_decrease = now
        self.limit = max(1.0, self.limit * DECREASE_FACTOR)
        self.history.append((now, self.limit))

    def succeeded(self, now: float) -> None:
        """Raise the limit a little if it was the bound."""
        if self.limit < self.ceiling and self.in_flight >= int(self.limit):
            self.limit = min(float(self.ceiling), self.limit + 1 / self.limit)
            if self.limit == self.ceiling:
                self.history.append((now, self.limit))
