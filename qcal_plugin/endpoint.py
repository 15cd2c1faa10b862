"""One OpenAI-compatible endpoint: sends bodies, retries what may pass, notices when nothing does."""

from __future__ import annotations

import asyncio
import hashlib
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from qcal_plugin.budget import Budget
from qcal_plugin.chat import ChatReply, MalformedReply, parse_reply
from qcal_plugin.failures import (
    OVERLOAD_STATUSES,
    RETRIABLE_STATUSES,
    EngineStopped,
    RequestFailed,
    http_failure,
    retry_after_s,
    transport_failure,
)
from qcal_plugin.limiter import Limiter

if TYPE_CHECKING:
    import httpx

MAX_REPLY_BYTES = 32 * 1024 * 1024
CONNECT_TIMEOUT_S = 15.0
KEEPALIVE_S = 4.0  # uvicorn closes idle connections after 5 s: let go before it does, or a request meets a closed door
BACKOFF_BASE_S = 1.0
BACKOFF_CEILING_S = 60.0
LONGEST_PAUSE_S = 600.0
FAILURES_BEFORE_STOP = 20
REFUSALS_BEFORE_STOP = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointSettings:
    """How to reach an endpoint.

    Attributes:
        url: the full chat-completions URL.
        public_url: the same for messages: base URL without user info and query.
        key: the API key, or None; in no repr, record or message.
        authorization: value of the Authorization header, or None to send none.
        retries: further attempts after the first.
        request_timeout_s: total time of one attempt, from sending to the last byte.
    """

    url: str = field(repr=False)
    public_url: str
    key: str | None = field(repr=False, default=None)
    authorization: str | None = field(repr=False, default=None)
    retries: int = 5
    request_timeout_s: float = 900.0

    def redact(self, text: str) -> str:
        """The text without the key, which some servers repeat in their errors."""
        return text.replace(self.key, "[key]") if self.key else text


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """A reply and what it took: attempts sent, seconds of the one that succeeded, seconds waited before it was sent."""

    reply: ChatReply
    attempts: int
    latency_s: float
    sent_at: float


class Endpoint:
    """Sends chat requests to one URL. Lives in the engine's event loop.

    `stop` is called with a reason when going on is pointless: the key or the model is refused, or nothing succeeds any
    more. `budget` is asked before each request.
    """

    def __init__(
        self,
        settings: EndpointSettings,
        limiter: Limiter,
        stop: Callable[[str], None],
        budget: Budget,
    ) -> None:
        self.settings = settings
        self.limiter = limiter
        self.requests_sent = 0
        self.rate_limited = 0
        self.closing: str | None = None  # why nothing is tried again; set by the engine
        self._stop = stop
        self._budget = budget
        self._client: httpx.AsyncClient | None = None
        self._resume_at = 0.0
        self._failures_in_a_row = 0
        self._refusals_in_a_row = 0
        self._succeeded = False

    async def chat(self, body: bytes) -> Exchange:
        """Send `body` until a usable reply comes. Raises RequestFailed; EngineStopped where nothing more is asked."""
        seen: set[tuple[int | None, bytes]] = set()
        attempt = 0
        while True:
            attempt += 1
            await self._wait_out_pause()
            try:
                exchange = await self._attempt(body, attempt, seen)
            except RequestFailed as failure:
                failure.attempts = attempt
                if not failure.retriable or attempt > self.settings.retries:
                    self._note_failure(failure)
                    raise
                if self.closing is not None:
                    raise EngineStopped(self.closing) from failure
                await asyncio.sleep(_backoff_s(attempt) if self._resume_at <= time.monotonic() else 0)
            else:
                self._succeeded = True
                self._failures_in_a_row = self._refusals_in_a_row = 0
                return exchange

    async def close(self) -> None:
        """Close all connections."""
        if self._client is not None:
            await self._client.aclose()

    async def _attempt(self, body: bytes, attempt: int, seen: set[tuple[int | None, bytes]]) -> Exchange:
        self._budget.request()
        sent_at = time.monotonic()
        self.requests_sent += 1
        status, headers, reply_body = await self._send(body)
        now = time.monotonic()
        if status != 200:
            self._heed(status, headers, sent_at, now)
            raise self._final_if_repeated(http_failure(status, self._redacted(reply_body)), reply_body, seen)
        try:
            reply = parse_reply(reply_body if len(self.settings.key or "") < 16 else self._redacted(reply_body))
        except MalformedReply as error:
            message = self.settings.redact(str(error))
            failure = RequestFailed(kind="malformed", message=message, http_status=200, retriable=True)
            raise self._final_if_repeated(failure, reply_body, seen) from error
        self.limiter.succeeded(now)
        self._budget.reply((reply.prompt_tokens or 0) + (reply.completion_tokens or 0))
        return Exchange(reply=reply, attempts=attempt, latency_s=now - sent_at, sent_at=sent_at)

    async def _send(self, body: bytes) -> tuple[int, httpx.Headers, bytes]:
        import httpx

        client = self._client = self._client or self._new_client()
        try:
            async with asyncio.timeout(self.settings.request_timeout_s):
                async with client.stream("POST", self.settings.url, content=body) as response:
                    return response.status_code, response.headers, await _read(response)
        except (httpx.TransportError, httpx.DecodingError, TimeoutError) as error:
            raise transport_failure(error) from error

    def _new_client(self) -> httpx.AsyncClient:
        import httpx
        from httpx_aiohttp import HttpxAiohttpClient

        headers = {"Content-Type": "application/json", "User-Agent": "qcaleval-pytest"}
        if self.settings.authorization:
            headers["Authorization"] = self.settings.authorization
        return HttpxAiohttpClient(
            headers=headers,
            limits=httpx.Limits(max_connections=None, keepalive_expiry=KEEPALIVE_S),
            timeout=httpx.Timeout(None, connect=CONNECT_TIMEOUT_S),
        )

    def _redacted(self, body: bytes) -> bytes:
        key = self.settings.key
        return body.replace(key.encode(), b"[key]") if key else body

    def _heed(self, status: int, headers: httpx.Headers, sent_at: float, now: float) -> None:
        """Slow down on overload; a Retry-After pauses every request to this endpoint, not only the one that got it."""
        if status == 429:
            self.rate_limited += 1
        if status in OVERLOAD_STATUSES:
            self.limiter.overloaded(sent_at, now)
        wait_s = retry_after_s(headers) if status in OVERLOAD_STATUSES or status == 408 else None
        if wait_s is None:
            return
        if wait_s > LONGEST_PAUSE_S:
            self._stop(f"{self.settings.public_url} asks to wait {wait_s:.0f} s; go on later with --resume")
            return
        self._resume_at = max(self._resume_at, now + wait_s)

    @staticmethod
    def _final_if_repeated(failure: RequestFailed, body: bytes, seen: set[tuple[int | None, bytes]]) -> RequestFailed:
        """Give up on a failure that repeats itself to the letter: it would do so a third time."""
        if failure.retriable and failure.http_status not in OVERLOAD_STATUSES | RETRIABLE_STATUSES:
            digest = (failure.http_status, hashlib.sha256(body).digest())
            if digest in seen:
                failure.retriable = False
                failure.message += " (twice the same)"
            seen.add(digest)
        return failure

    async def _wait_out_pause(self) -> None:
        while (wait_s := self._resume_at - time.monotonic()) > 0:  # noqa: ASYNC110 - a clock, not a state
            await asyncio.sleep(wait_s)

    def _note_failure(self, failure: RequestFailed) -> None:
        """Open the circuit breaker when the endpoint as a whole fails, not one request."""
        self._failures_in_a_row += 1
        refused = failure.http_status in {401, 403} or (failure.http_status == 404 and not self._succeeded)
        self._refusals_in_a_row = self._refusals_in_a_row + 1 if refused else 0
        about_this_request = failure.http_status in {400, 413, 422} and self._succeeded
        if refused and (not self._succeeded or self._refusals_in_a_row >= REFUSALS_BEFORE_STOP):
            self._stop(f"{self.settings.public_url} refuses: {failure.message}")
        elif self._failures_in_a_row >= FAILURES_BEFORE_STOP and not about_this_request:
            self._stop(
                f"{self.settings.public_url}: {self._failures_in_a_row} requests in a row failed, "
                f"the last with: {failure.message}"
            )


async def _read(response: httpx.Response) -> bytes:
    """The body, decompressed, up to MAX_REPLY_BYTES. Raises RequestFailed past that."""
    chunks: list[bytes] = []
    size = 0
    async for chunk in response.aiter_bytes():
        size += len(chunk)
        if size > MAX_REPLY_BYTES:
            raise RequestFailed(
                kind="too_large",
                message=f"the reply is longer than {MAX_REPLY_BYTES // 2**20} MiB",
                http_status=response.status_code,
            )
        chunks.append(chunk)
    return b"".join(chunks)


def _backoff_s(attempt: int) -> float:
    """Exponential backoff with full jitter: uniform in [0, base x 2^(attempt - 1)]."""
    return random.uniform(0.0, min(BACKOFF_CEILING_S, BACKOFF_BASE_S * 2 ** (attempt - 1)))  # noqa: S311 - no secret
