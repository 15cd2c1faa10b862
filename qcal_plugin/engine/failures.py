"""Errors of requests, from HTTP errors and transport exceptions (docs/reliability.md).

RequestFailed        one request was given up
EngineStopped        the engine asks nothing more
NotNeeded            an item is not asked, because the verdict does not need it
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import TYPE_CHECKING

from qcal_plugin.engine.waits import asked_wait_s

if TYPE_CHECKING:
    import aiohttp
    import httpx

    from qcal_plugin.engine.redaction import Redaction

RETRIABLE_STATUSES = frozenset({408, 409, 429})
"""In addition to all 5xx."""

OVERLOAD_STATUSES = frozenset({429, 503, 529})
GATEWAY_STATUSES = frozenset({502, 504})
SPENT_CODES = frozenset({"insufficient_quota", "billing_hard_limit_reached", "billing_not_active"})
"""Codes of a 429 for which waiting does not help: the account is empty."""
MESSAGE_LENGTH = 300


@dataclass(eq=False, kw_only=True)
class RequestFailed(Exception):
    """A request was given up.

    Attributes:
        kind: a stable name: ``http_<status>``, ``timeout``, ``connect``, ``dns``, ``tls``, ``reset``,
            ``not_http``, ``encoding``, ``malformed``, ``error_in_reply``, ``upstream`` (generation broke
            off), ``too_large``, ``no_answer``, ``no_stored_answer``, ``no_image``, ``other_model``,
            ``internal``; ``context_overflow`` and ``image_refused`` for requests that this server can never
            answer.
        message: one line for the user, with the server's or the network's message.
        attempts: requests sent.
        retriable: whether the same request may succeed later.
        wait_s: how long the server asks its clients to wait, from now; None if it does not say.
        code: the error's code as text, such as ``unsupported_parameter``; None if the server gives none.
        parameter: the field of the request to which the error refers; None if the server does not say.
    """

    kind: str
    message: str
    http_status: int | None = None
    attempts: int = 0
    retriable: bool = False
    wait_s: float | None = None
    code: str | None = None
    parameter: str | None = None

    def __str__(self) -> str:
        return self.message

    @property
    def repeats(self) -> Repeats:
        """What it means if the same request fails again with exactly this error."""
        if self.kind in {"malformed", "error_in_reply", "encoding", "not_http"}:
            return Repeats.ALWAYS
        if self.http_status is None or self.http_status < 500 or self.http_status in OVERLOAD_STATUSES:
            return Repeats.NEVER
        return Repeats.WHILE_OTHERS_SUCCEED if self.http_status in GATEWAY_STATUSES else Repeats.ALWAYS


class Repeats(Enum):
    """Whether an error that came twice in the same words would come a third time.

    A gateway gives the same error whatever the cause. It concerns this request only if the server answers
    others meanwhile. Overload always passes.
    """

    NEVER = auto()
    WHILE_OTHERS_SUCCEED = auto()
    ALWAYS = auto()


class EngineStopped(Exception):
    """The engine asks nothing more. The message says why in one line."""


class NotNeeded(Exception):
    """The item need not be asked. The message says why."""


def http_failure(status: int, headers: Mapping[str, str], body: bytes) -> RequestFailed:
    """Return the failure for an unsuccessful HTTP status."""
    said = server_message(body)
    code, parameter = _error_code(body)
    retriable = (status in RETRIABLE_STATUSES or status >= 500) and code not in SPENT_CODES
    return RequestFailed(
        kind=_unaskable(status, code, said) or f"http_{status}",
        message=f"HTTP {status}" + (f": {said}" if said else ""),
        http_status=status,
        retriable=retriable,
        wait_s=asked_wait_s(headers, body if status in OVERLOAD_STATUSES else b"") if retriable else None,
        code=code,
        parameter=parameter,
    )


def reported_failure(
    error: object, headers: Mapping[str, str], body: bytes, *, partial: bool
) -> RequestFailed:
    """Return the failure that a successful reply reports in its body, as routers do.

    The status in the error object counts. If generation had begun (``partial``), the failure is like a lost
    connection: getting the same error again says nothing about this request.
    """
    status = _status_of(error.get("code") if isinstance(error, dict) else None)
    said = f"the reply reports an error: {server_message(body)}"
    if partial:
        wait_s = http_failure(status, headers, body).wait_s if status in OVERLOAD_STATUSES else None
        return RequestFailed(kind="upstream", message=said, http_status=200, retriable=True, wait_s=wait_s)
    if status is None:
        return RequestFailed(kind="error_in_reply", message=said, http_status=200, retriable=True)
    failure = http_failure(status, headers, body)
    failure.message = f"status 200 with an error in it: {failure.message}"
    return failure


def redirect_failure(status: int, location: str, server: str) -> RequestFailed:
    """Return the failure for a redirect that is not followed because it leaves the server that the user named."""
    target = message_line(location.partition("?")[0]) or "nowhere"
    return RequestFailed(
        kind=f"http_{status}",
        message=f"HTTP {status}: redirects to {target}, outside {server}; if you trust it, give its URL instead",
        http_status=status,
    )


def proxy_failure(failure: RequestFailed, proxy_url: str | None) -> RequestFailed:
    """Name the proxy if it may have caused the failure: there is no connection, or the status is a gateway's."""
    proxys_own = failure.http_status in {407, 502, 503, 504} or failure.kind in {"connect", "dns", "tls"}
    if proxy_url is not None and proxys_own:
        failure.message = f"{failure.message} (through the proxy {proxy_url}; NO_PROXY exempts a host)"
    return failure


def transport_failure(
    error: httpx.TransportError | httpx.DecodingError | aiohttp.ClientError | TimeoutError,
    redaction: Redaction,
) -> RequestFailed:
    """Return the failure for an exception of the HTTP client.

    Its cause, an exception of aiohttp, is more precise.
    """
    import aiohttp
    import httpx

    cause = error if isinstance(error, aiohttp.ClientError) else error.__cause__ or error
    kind = _transport_kind(error, cause)
    said = message_line(redaction.text(_reason(cause)))
    return RequestFailed(
        kind=kind,
        message=_TRANSPORT_WORDS[kind] + (f" ({said})" if said else ""),
        retriable=kind != "tls" and not isinstance(error, httpx.UnsupportedProtocol),
    )


def server_message(body: bytes) -> str:
    """Return the message of an error body in one line, from ``error``, ``detail``, ``message`` or plain text."""
    text = body[:20_000].decode("utf-8", "replace")
    try:
        said = _innermost(json.loads(text))
    except (ValueError, RecursionError):
        said = re.sub(r"<[^<>]*>", " ", text)
    return message_line(said)


def message_line(text: str, length: int = MESSAGE_LENGTH) -> str:
    """Return the text on one line, without control characters, truncated to `length`."""
    line = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    return line if len(line) <= length else line[: length - 1] + "…"


_TRANSPORT_WORDS = {
    "timeout": "no complete reply in time",
    "dns": "the host name does not resolve",
    "tls": "the TLS connection failed",
    "connect": "no connection",
    "reset": "the connection broke before the reply was complete",
    "encoding": "the reply's content encoding is broken",
    "not_http": "the server did not answer with HTTP",
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
    fallback = (
        "connect" if isinstance(error, (httpx.ConnectError, httpx.ProxyError)) else "reset"
    )  # a SOCKS proxy's
    return next((kind for causes, kind in by_cause.items() if isinstance(cause, causes)), fallback)


def _reason(cause: BaseException) -> str:
    """Return the message of the operating system or the TLS library, without the client's wrapping."""
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
    """Return the readable part of an error body of any shape."""
    if isinstance(data, dict):
        for name in ("error", "message", "detail", "msg"):
            if data.get(name):
                return _innermost(data[name])
        return json.dumps(data)
    if isinstance(data, list):
        return "; ".join(_innermost(item) for item in data)
    return str(data)


_CONTEXT_OVERFLOW = re.compile(
    r"context.{0,20}(length|size|window)|maximum context|prompt is too long|too many (input )?tokens"
    r"|exceeds? the (model's )?(available )?context|input (is )?too long",
    re.IGNORECASE,
)
_IMAGE_REFUSED = re.compile(
    r"\bimages?\b.*\b(at most|too (large|many|big)|unsupported|not support|invalid|exceeds?|limit|maximum|format)"
    r"|\b(at most|too many|unsupported|invalid|decode|process)\b.*\bimages?\b|image_parse_error|multimodal",
    re.IGNORECASE,
)


def _unaskable(status: int, code: str | None, said: str) -> str | None:
    """Return the kind of a request that this server can never answer: it is too long, or its images are refused."""
    if status not in {400, 413, 415, 422}:
        return None
    if code in {"context_length_exceeded", "exceed_context_size_error"} or _CONTEXT_OVERFLOW.search(said):
        return "context_overflow"
    return "image_refused" if _IMAGE_REFUSED.search(said) else None


_WORDS_FOR_STATUS = {
    "rate_limit_exceeded": 429,
    "rate_limit_error": 429,
    "resource_exhausted": 429,
    "insufficient_quota": 429,
    "overloaded_error": 529,
    "overloaded": 529,
    "server_error": 500,
    "internal_server_error": 500,
    "api_error": 500,
    "timeout": 504,
    "unavailable": 503,
    "invalid_api_key": 401,
    "authentication_error": 401,
    "permission_error": 403,
    "model_not_found": 404,
    "not_found_error": 404,
    "invalid_request_error": 400,
    "context_length_exceeded": 400,
}
"""Textual error codes, as in bodies without a number -> the equivalent status."""


def _status_of(code: object) -> int | None:
    """Return the HTTP status equivalent to an error's code; None if there is none."""
    text = str(code).strip().lower()
    number = (
        int(text) if text.isascii() and text.isdecimal() and len(text) == 3 else _WORDS_FOR_STATUS.get(text)
    )
    return number if number is not None and 400 <= number < 600 else None


def _error_code(body: bytes) -> tuple[str | None, str | None]:
    """Return the textual code of an error body and the parameter to which it refers.

    None if it does not say.
    """
    try:
        data = json.loads(body)
    except (ValueError, RecursionError):
        return None, None
    data = data[0] if isinstance(data, list) and data else data
    error = data.get("error", data) if isinstance(data, dict) else None
    if not isinstance(error, dict):
        return None, None
    code, parameter = error.get("code") or error.get("type"), error.get("param")
    return (code if isinstance(code, str) else None, parameter if isinstance(parameter, str) else None)
