"""``engine.json``: for each session of a run, the requests to its endpoints and the history of the limits.

There is one entry per session, in order, except for killed sessions. Times are seconds since the session
began.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from qcal_plugin.engine.endpoint import Endpoint
from qcal_plugin.engine.limiter import Limiter
from reports.records.files import read_file, write_file
from reports.records.typed_json import DecodeError, decode, encode_indented

ENGINE_FILE = "engine.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Log:
    sessions: list[dict[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineLog:
    """Gathers one session's figures.

    ``limiter`` is for model requests, ``judge_limiter`` for those of all judges.
    """

    limiter: Limiter
    judge_limiter: Limiter
    endpoints: Iterable[Endpoint]
    started_at: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))
    began: float = field(default_factory=time.monotonic)

    def append_to(self, folder: Path, stopped: str | None) -> None:
        """Add the session to the run's file.

        `stopped` is the reason why asking ended early. Raises OSError.
        """
        path = folder / ENGINE_FILE
        entry = {
            "started_at": self.started_at,
            "duration_s": round(time.monotonic() - self.began, 3),
            "stopped": stopped,
            "model": self._figures(self.limiter),
            "judges": self._figures(self.judge_limiter),
        }
        write_file(path, encode_indented(_Log(sessions=[*_sessions(path), entry])))

    def _figures(self, limiter: Limiter) -> dict[str, Any]:
        return {
            "in_flight_limit": limiter.ceiling,
            "in_flight_peak": limiter.peak,
            "limit_history": [[round(at - self.began, 3), round(limit, 2)] for at, limit in limiter.history],
            "endpoints": [
                {
                    "url": endpoint.settings.public_url,
                    "requests_sent": endpoint.requests_sent,
                    "replies_used": endpoint.successes,
                    "rate_limited": endpoint.rate_limited,
                }
                for endpoint in self.endpoints
                if endpoint.limiter is limiter
            ],
        }


def _sessions(path: Path) -> list[Any]:
    """Return the earlier sessions.

    None are returned, and no error is raised, if the file is missing or not ours.
    """
    try:
        return decode(read_file(path), _Log).sessions
    except (OSError, DecodeError):
        return []
