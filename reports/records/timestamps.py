"""Timestamps of runs and records, which are text in files and may be anything in files from others."""

from __future__ import annotations

from datetime import UTC, datetime

from scoring.errors import QCalError


class TimestampError(QCalError):
    """A text that is not a timestamp."""


def moment(text: str) -> datetime:
    """Parse an ISO 8601 timestamp; without a zone it is UTC. Raises TimestampError."""
    try:
        parsed = datetime.fromisoformat(text)
    except ValueError as error:
        raise TimestampError(f"{text[:80]!r} is not a time; expected ISO 8601, as in run.json") from error
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)
