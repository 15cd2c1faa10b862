"""Why a request got no answer: reading HTTP errors and transport exceptions (docs/reliability.md).

RequestFailed        one request is given up; what is known of it
EngineStopped        nothing is asked any more
"""

from __future__ import annotations

import asyncio
import email.utils
import json
import re
import ssl
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import httpx

RETRIABLE_STATUSES = frozenset({408, 409, 429})
OVERLOAD_STATUSES = frozenset({429, 503, 529})
MESSAGE_LENGTH = 300


@dataclass(eq=False, kw_only=True)
class RequestFailed(Exception):
    """A request was given up.

    Attributes:
        kind: short stable word: ``http_<status>``, ``timeout``, ``connect``, ``dns``, ``tls``, ``reset``, ``encoding``,
            ``malformed``, ``too_large``, ``no_answer``, ``no_stored_answer``, ``internal``.
        message: one line for the user: what the server or the network said.
        attempts: requests sent.
        retriable: whether the same request may succeed later.
    """

    kind: str
    message: str
    http_status: int | None = None
    attempts: int = 0
    retriable: bool = False

    def __str__(self) -> str:
        return self.message


class EngineStopped(Exception):
    """The engine asks nothing any more; ``str()`` says why in one line."""


def http_failure(status: int, body: bytes) -> RequestFailed:
    """The failure that an HTTP status other than 200 stands for."""
    said = server_message(body)
    return RequestFailed(
        kind=f"http_{status}",
        message=f"HTTP {status}" + (f": {said}" if said else ""),
        http_status=status,
        retriable=status in RETRIABLE_STATUSES or status >= 500,
    )


def transport_failure(error: httpx.TransportError | httpx.DecodingError | TimeoutError) -> RequestFailed:
    """The failure behind an exception of the HTTP client; its cause, aiohttp's own exception, is the more exact."""
    import httpx

    cause = error.__cause__ or error
    text = one_line(str(cause) or type(cause).__name__)
    kind = _transport_kind(error, cause)
    return RequestFailed(
        kind=kind,
        message=f"{_TRANSPORT_WORDS[kind]} ({text})",
        retriable=kind != "tls" and not isinstance(error, httpx.UnsupportedProtocol),
    )


def server_message(body: bytes) -> str:
    """What an error body says, in one line, whether ``error``, ``detail``, ``message`` or plain text says it."""
    text = body[:20_000].decode("utf-8", "replace")
    try:
        said = _innermost(json.loads(text))
    except (ValueError, RecursionError):
        said = re.sub(r"<[^>]*>", " ", text)
    return one_line(said)


def one_line(text: str, length: int = MESSAGE_LENGTH) -> str:
    """The text on one line, without control characters, cut at `length`."""
    line = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    return line if len(line) <= length else line[: length - 1] + "…"


def retry_after_s(headers: httpx.Headers, now: float | None = None) -> float | None:
    """How long the server asks us to wait: ``retry-after-ms``, or ``Retry-After`` in seconds or as an HTTP date."""
    milliseconds = _number(headers.get("retry-after-ms"))
    if milliseconds is not None:
        return milliseconds / 1000
    value = headers.get("retry-after")
    seconds = _number(value)
    if seconds is not None or value is None:
        return seconds
    try:
        date = email.utils.parsedate_to_datetime(value)
    except ValueError:
        return None
    return max(0.0, date.timestamp() - (time.time() if now is None else now))


_TRANSPORT_WORDS = {
    "timeout": "no complete reply in time",
    "dns": "the host name does not resolve",
    "tls": "the TLS connection failed",
    "connect": "no connection",
    "reset": "the connection broke before the reply was complete",
    "encoding": "the reply's content encoding is broken",
}


def _transport_kind(error: BaseException, cause: BaseException) -> str:
    import aiohttp
    import httpx

    if isinstance(error, (TimeoutError, asyncio.TimeoutError)) or isinstance(cause, TimeoutError):
        return "timeout"
    if isinstance(error, httpx.DecodingError):
        return "encoding"
    if isinstance(cause, aiohttp.ClientConnectorDNSError):
        return "dns"
    if isinstance(cause, (aiohttp.ClientSSLError, ssl.SSLError)):
        return "tls"
    if isinstance(cause, aiohttp.ClientConnectorError):
        return "connect"
    return "reset"


def _innermost(data: object) -> str:
    """The human part of an error body, whatever its shape."""
    if isinstance(data, dict):
        for name in ("error", "message", "detail", "msg"):
            if data.get(name):
                return _innermost(data[name])
        return json.dumps(data)
    if isinstance(data, list):
        return "; ".join(_innermost(item) for item in data)
    return str(data)


def _number(value: str | None) -> float | None:
    try:
        number = float(value) if value is not None else None
    except ValueError:
        return None
    return number if number is None or 0 <= number < float("inf") else None
