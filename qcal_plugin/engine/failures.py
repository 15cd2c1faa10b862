"""Why a request got no answer: reading HTTP errors and transport exceptions (docs/reliability.md).

RequestFailed        one request is given up; what is known of it
EngineStopped        nothing is asked any more
"""

from __future__ import annotations

import asyncio
import email.utils
import json
import os
import re
import ssl
import time
from dataclasses import dataclass
from datetime import UTC
from enum import Enum, auto
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import aiohttp
    import httpx

    from qcal_plugin.engine.redaction import Redaction

RETRIABLE_STATUSES = frozenset({408, 409, 429})
"""Besides all 5xx."""

OVERLOAD_STATUSES = frozenset({429, 503, 529})
GATEWAY_STATUSES = frozenset({502, 504})
MESSAGE_LENGTH = 300


@dataclass(eq=False, kw_only=True)
class RequestFailed(Exception):
    """A request was given up.

    Attributes:
        kind: short stable word: ``http_<status>``, ``timeout``, ``connect``, ``dns``, ``tls``, ``reset``, ``not_http``,
            ``encoding``, ``malformed``, ``too_large``, ``no_answer``, ``no_stored_answer``, ``no_image``,
            ``internal``.
        message: one line for the user: what the server or the network said.
        attempts: requests sent.
        retriable: whether the same request may succeed later.
        wait_s: how long the server asks everybody to wait, from now; None if it does not say.
    """

    kind: str
    message: str
    http_status: int | None = None
    attempts: int = 0
    retriable: bool = False
    wait_s: float | None = None

    def __str__(self) -> str:
        return self.message

    @property
    def repeats(self) -> Repeats:
        """What it means if the same request fails so again, to the letter."""
        if self.kind in {"malformed", "encoding", "not_http"}:
            return Repeats.ALWAYS
        if self.http_status is None or self.http_status < 500 or self.http_status in OVERLOAD_STATUSES:
            return Repeats.NEVER
        return Repeats.WHILE_OTHERS_SUCCEED if self.http_status in GATEWAY_STATUSES else Repeats.ALWAYS


class Repeats(Enum):
    """When a failure that came twice in the same words would come a third time.

    A gateway says the same whatever is behind it: only where the server answers other requests meanwhile does it speak
    of this one. Overload always passes.
    """

    NEVER = auto()
    WHILE_OTHERS_SUCCEED = auto()
    ALWAYS = auto()


class EngineStopped(Exception):
    """The engine asks nothing any more; ``str()`` says why in one line."""


def http_failure(status: int, headers: httpx.Headers, body: bytes) -> RequestFailed:
    """The failure that an HTTP status other than 200 stands for."""
    said = server_message(body)
    retriable = status in RETRIABLE_STATUSES or status >= 500
    return RequestFailed(
        kind=f"http_{status}",
        message=f"HTTP {status}" + (f": {said}" if said else ""),
        http_status=status,
        retriable=retriable,
        wait_s=retry_after_s(headers) if retriable else None,
    )


def transport_failure(
    error: httpx.TransportError | httpx.DecodingError | aiohttp.ClientError | TimeoutError, redaction: Redaction
) -> RequestFailed:
    """The failure behind an exception of the HTTP client; its cause, aiohttp's own exception, is the more exact."""
    import aiohttp
    import httpx

    cause = error if isinstance(error, aiohttp.ClientError) else error.__cause__ or error
    kind = _transport_kind(error, cause)
    said = one_line(redaction.text(_reason(cause)))
    return RequestFailed(
        kind=kind,
        message=_TRANSPORT_WORDS[kind] + (f" ({said})" if said else ""),
        retriable=kind != "tls" and not isinstance(error, httpx.UnsupportedProtocol),
    )


def server_message(body: bytes) -> str:
    """What an error body says, in one line, whether ``error``, ``detail``, ``message`` or plain text says it."""
    text = body[:20_000].decode("utf-8", "replace")
    try:
        said = _innermost(json.loads(text))
    except (ValueError, RecursionError):
        said = re.sub(r"<[^<>]*>", " ", text)
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
    except (ValueError, OverflowError):
        return None
    date = date if date.tzinfo is not None else date.replace(tzinfo=UTC)
    return max(0.0, date.timestamp() - (time.time() if now is None else now))


_TRANSPORT_WORDS = {
    "timeout": "no complete reply in time",
    "dns": "the host name does not resolve",
    "tls": "the TLS connection failed",
    "connect": "no connection",
    "reset": "the connection broke before the reply was complete",
    "encoding": "the reply's content encoding is broken",
    "not_http": "what came back is no HTTP",
}


def _transport_kind(error: BaseException, cause: BaseException) -> str:
    import aiohttp
    import httpx

    if isinstance(error, (TimeoutError, asyncio.TimeoutError)) or isinstance(cause, TimeoutError):
        return "timeout"
    if isinstance(error, httpx.DecodingError):
        return "encoding"
    by_cause: dict[type[BaseException] | tuple[type[BaseException], ...], str] = {
        aiohttp.ClientConnectorDNSError: "dns",
        (aiohttp.ClientSSLError, ssl.SSLError): "tls",
        aiohttp.ClientConnectorError: "connect",
        aiohttp.ClientResponseError: "not_http",
    }
    return next((kind for causes, kind in by_cause.items() if isinstance(cause, causes)), "reset")


def _reason(cause: BaseException) -> str:
    """What the operating system or the TLS library says, without the client's wrapping."""
    import aiohttp

    match cause:
        case aiohttp.ClientConnectorDNSError():
            said: object = cause.host
        case aiohttp.ClientConnectorCertificateError():
            said = getattr(cause.certificate_error, "verify_message", cause.certificate_error)
        case aiohttp.ClientConnectorError():
            said = _reason(cause.os_error)
        case OSError():  # a TLS error is one too, with a reason
            said = getattr(cause, "reason", None) or (os.strerror(cause.errno) if cause.errno else cause)
        case aiohttp.ClientPayloadError():
            said = "in its body"
        case aiohttp.ClientResponseError():
            said = cause.message.partition("\n")[0].removesuffix(":")
        case _:
            said = cause
    return str(said)


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
