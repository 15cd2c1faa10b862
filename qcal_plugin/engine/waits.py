"""Reads how long a server asks its clients to wait, from headers, error bodies and messages.

Observed shapes: ``Retry-After`` (seconds or a date) and ``retry-after-ms``; the same behind a proxy's prefix
(``llm_provider-retry-after``); ``x-ratelimit-reset-requests: 6m0s``, ``anthropic-ratelimit-tokens-reset``
with a date, ``X-RateLimit-Reset`` with a time stamp in seconds or milliseconds; Google's
``RetryInfo.retryDelay``; headers of the upstream server inside a router's error body; and prose such as "try
again in 1.2s".
"""

from __future__ import annotations

import email.utils
import json
import re
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

TIME_STAMP_S = 1e9
TIME_STAMP_MS = 1e12
"""Larger numbers are points in time and not durations: seconds or milliseconds since 1970."""

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_DURATION = re.compile(
    r"(\d+(?:\.\d+)?)\s*(ms|milliseconds?|s|secs?|seconds?|m|mins?|minutes?|h|hours?|d|days?)(?![a-z])",
    re.IGNORECASE,
)
_PROSE = re.compile(r"\b(?:again|retry|wait|retrying)\s+(?:in|after|for)?\s*(\d[^,;]{0,40})", re.IGNORECASE)
_RESET = re.compile(r"(?:^|-)ratelimit-(?:reset(?:-(?P<what>.+))?|(?P<first>.+)-reset)$")
_DEEPEST = 8


def asked_wait_s(headers: Mapping[str, str], body: bytes, now: float | None = None) -> float | None:
    """Return the wait that a reply asks for, in seconds from now; None if it does not say.

    ``now`` is in seconds since 1970. An explicit wait has precedence over the reset of a limit, a header over
    the body, and a number over prose.
    """
    clock = time.time() if now is None else now
    lowered = {name.lower(): value for name, value in headers.items()}
    inner = _parsed(body)
    upstream = {name.lower(): value for group in _header_objects(inner) for name, value in group.items()}
    for source in (lowered, upstream):
        for wait_s in (_retry_after_s(source, clock), _reset_s(source, clock)):
            if wait_s is not None:
                return wait_s
    delay_s = next((wait_s for text in _delays(inner) if (wait_s := duration_s(text)) is not None), None)
    return delay_s if delay_s is not None else _prose_s(body)


def duration_s(text: str) -> float | None:
    """Read ``20ms``, ``1.5s``, ``6m0s``, ``26 seconds`` or a bare number of seconds.

    None for anything else.
    """
    number = _number(text)
    if number is not None:
        return number
    parts = _DURATION.findall(text)
    if not parts or _DURATION.sub("", text).strip(" ,"):
        return None
    return sum(float(amount) * _UNITS[_unit(unit)] for amount, unit in parts)


def _unit(word: str) -> str:
    word = word.lower()
    return "ms" if word.startswith(("ms", "milli")) else word[0]


def _retry_after_s(headers: Mapping[str, str], now: float) -> float | None:
    """Return an explicit wait.

    The server's header has precedence over one that a proxy passes on with a prefix.
    """
    for suffix, scale in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        for name in sorted((name for name in headers if name.endswith(suffix)), key=len):
            number = _number(headers[name])
            if number is not None:
                return number * scale
            moment = _date(headers[name])
            if moment is not None:
                return max(0.0, moment - now)
    return None


def _reset_s(headers: Mapping[str, str], now: float) -> float | None:
    """Return the time until the reset of a limit: the latest of exhausted limits, else the earliest."""
    resets: list[tuple[bool, float]] = []
    for name, value in headers.items():
        match = _RESET.search(name)
        wait_s = None if match is None else _moment_s(value, now)
        if match is not None and wait_s is not None:
            resets.append((_remaining(headers, name) == 0, wait_s))
    exhausted = [wait_s for is_exhausted, wait_s in resets if is_exhausted]
    if exhausted:
        return max(exhausted)
    return min((wait_s for _, wait_s in resets), default=None)


def _remaining(headers: Mapping[str, str], reset: str) -> float | None:
    return _number(headers.get(reset.replace("reset", "remaining")))


def _moment_s(value: str, now: float) -> float | None:
    """Convert a duration, a time stamp or a date to seconds from now."""
    number = _number(value)
    if number is not None:
        stamp = number / 1000 if number >= TIME_STAMP_MS else number
        return max(0.0, stamp - now) if number >= TIME_STAMP_S else number
    moment = _date(value)
    return duration_s(value) if moment is None else max(0.0, moment - now)


def _date(value: str) -> float | None:
    """Convert an HTTP or ISO 8601 date to seconds since 1970. Without a zone it is UTC."""
    for parse in (email.utils.parsedate_to_datetime, datetime.fromisoformat):
        try:
            date = parse(value)
        except (ValueError, OverflowError):
            continue
        return (date if date.tzinfo is not None else date.replace(tzinfo=UTC)).timestamp()
    return None


def _prose_s(body: bytes) -> float | None:
    """Return a wait in prose: the longest duration after "again in", "retry after" and the like."""
    for match in _PROSE.finditer(body[:20_000].decode("utf-8", "replace")):
        words = re.match(rf"(?:{_DURATION.pattern}\s*)+", match[1], re.IGNORECASE)
        if words is not None:
            return duration_s(words[0])
    return None


def _parsed(body: bytes) -> object:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def _nested(value: object, depth: int = 0) -> Iterator[Mapping[str, object]]:
    """Yield every object inside a JSON value, the outermost first."""
    if depth > _DEEPEST:
        return
    if isinstance(value, dict):
        yield value
    children = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for child in children:
        yield from _nested(child, depth + 1)


def _header_objects(value: object) -> Iterator[dict[str, str]]:
    """Yield headers of an upstream server that a router repeats in its error body."""
    for entry in _nested(value):
        headers = entry.get("headers")
        if isinstance(headers, dict):
            yield {name: str(text) for name, text in headers.items() if isinstance(text, str | int | float)}


def _delays(value: object) -> Iterator[str]:
    """Yield the values of fields that state a wait: Google's ``retryDelay`` and similar ones."""
    for entry in _nested(value):
        for name in ("retryDelay", "retry_delay", "retry_after", "retryAfter", "retry_after_seconds"):
            stated = entry.get(name)
            if isinstance(stated, dict):  # protobuf's Duration as JSON: {"seconds": 12}
                stated = stated.get("seconds")
            if isinstance(stated, str | int | float) and not isinstance(stated, bool):
                yield str(stated)


def _number(value: str | None) -> float | None:
    try:
        number = float(value) if value is not None else None
    except ValueError:
        return None
    return number if number is None or 0 <= number < float("inf") else None
