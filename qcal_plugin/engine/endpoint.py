"""One OpenAI-compatible endpoint: retries what may pass, notices when nothing does (docs/reliability.md)."""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from qcal_plugin.engine.budget import Budget
from qcal_plugin.engine.chat import ChatBody, ChatReply, MalformedReply, parse_reply
from qcal_plugin.engine.failures import (
    OVERLOAD_STATUSES,
    EngineStopped,
    Repeats,
    RequestFailed,
    http_failure,
    transport_failure,
)
from qcal_plugin.engine.limiter import Limiter
from qcal_plugin.engine.redaction import Redaction

if TYPE_CHECKING:
    import httpx

MAX_REPLY_BYTES = 32 * 1024 * 1024
MAX_ERROR_BYTES = 64 * 1024
CONNECT_TIMEOUT_S = 15.0
KEEPALIVE_S = 4.0  # uvicorn closes idle connections after 5 s: let go before it does, or a request meets a closed door
LONGEST_WAIT_S = 600.0
FAILURES_BEFORE_STOP = 20
REFUSALS_BEFORE_STOP = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointSettings:
    """How to reach an endpoint.

    Attributes:
        url: the full chat-completions URL.
        public_url: the same for messages: base URL without user info and query.
        authorization: value of the Authorization header, or None to send none; in no repr, record or message.
        redaction: what may not be repeated of what the server says.
        retries: further attempts after the first.
        request_timeout_s: total time of one attempt, from sending to the last byte.
        backoff_s: before attempt n + 1, uniform in [0, backoff_s x 2^(n - 1)], at most ``backoff_ceiling_s``.
    """

    url: str = field(repr=False)
    public_url: str
    authorization: str | None = field(repr=False, default=None)
    redaction: Redaction = field(default_factory=Redaction)
    retries: int = 5
    request_timeout_s: float = 900.0
    backoff_s: float = 1.0
    backoff_ceiling_s: float = 60.0


@dataclass(slots=True)
class Pause:
    """Until when a server asked to be left alone, by the monotonic clock; shared by all endpoints on that server."""

    until: float = 0.0

    def extend(self, wait_s: float) -> None:
        """Wait at least so long, from now."""
        self.until = max(self.until, time.monotonic() + wait_s)

    @property
    def rest_s(self) -> float:
        """What is left of it."""
        return max(0.0, self.until - time.monotonic())


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """A reply and what it took: attempts sent, seconds of the one that succeeded, and when that was sent."""

    reply: ChatReply
    attempts: int
    latency_s: float
    sent_at: float


class Endpoint:
    """Sends chat requests to one URL. Lives in the engine's event loop.

    `stop` is called with a reason when going on is pointless: the key or the model is refused, or nothing succeeds any
    more. `budget` is asked before each request, `limiter` for a turn.
    """

    def __init__(
        self,
        settings: EndpointSettings,
        limiter: Limiter,
        *,
        stop: Callable[[str], None],
        budget: Budget,
        pause: Pause | None = None,
    ) -> None:
        self.settings = settings
        self.limiter = limiter
        self.requests_sent = 0
        self.rate_limited = 0
        self.successes = 0
        self._closing: str | None = None
        self._closed = asyncio.Event()
        self._stop = stop
        self._budget = budget
        self._pause = pause or Pause()
        self._client: httpx.AsyncClient | None = None
        self._failures_in_a_row = 0
        self._refusals_in_a_row = 0

    async def chat(self, body: ChatBody) -> Exchange:
        """Send `body` until a usable reply comes. Raises RequestFailed; EngineStopped where nothing more is asked."""
        heard: dict[str, int] = {}
        attempt = 1
        while True:
            try:
                exchange = await self._attempt(body, attempt)
            except RequestFailed as failure:
                failure.attempts = attempt
                if not self._may_pass(failure, heard) or attempt > self.settings.retries:
                    self._note_failure(failure)
                    raise
            else:
                self.successes += 1
                self._failures_in_a_row = self._refusals_in_a_row = 0
                return exchange
            await self._rest(random.uniform(0.0, backoff_bound_s(attempt, self.settings)))  # noqa: S311 - no secret
            attempt += 1

    def close_door(self, reason: str) -> None:
        """Send nothing any more; what is in flight may end, what waits is given up."""
        self._closing = self._closing or reason
        self._closed.set()

    async def close(self) -> None:
        """Close all connections."""
        if self._client is not None:
            await self._client.aclose()

    async def _attempt(self, body: ChatBody, attempt: int) -> Exchange:
        """One request, when its turn has come and no pause is on. Raises RequestFailed, EngineStopped."""
        async with self.limiter:
            while (rest_s := self._pause.rest_s) > 0 or self._closing is not None:
                await self._rest(rest_s)
            self._budget.request()
            self.requests_sent += 1
            sent_at = time.monotonic()
            try:
                reply = await self._exchange(body)
            except RequestFailed as failure:
                self._heed(failure, sent_at)
                raise
            now = time.monotonic()
            self.limiter.succeeded(now)
        self._budget.reply((reply.prompt_tokens or 0) + (reply.completion_tokens or 0))
        return Exchange(reply=reply, attempts=attempt, latency_s=now - sent_at, sent_at=sent_at)

    async def _exchange(self, body: ChatBody) -> ChatReply:
        status, headers, reply = await self._send(body)
        redaction = self.settings.redaction
        if status != 200:
            raise http_failure(status, headers, redaction.error(reply))
        try:
            return parse_reply(redaction.reply(reply))
        except MalformedReply as error:
            message = redaction.text(str(error))
            raise RequestFailed(kind="malformed", message=message, http_status=200, retriable=True) from error

    async def _send(self, body: ChatBody) -> tuple[int, httpx.Headers, bytes]:
        import aiohttp
        import httpx

        client = self._client = self._client or new_client(self.settings)
        try:
            async with asyncio.timeout(self.settings.request_timeout_s):
                length = {"Content-Length": f"{body.size_bytes}"}
                async with client.stream("POST", self.settings.url, content=_sent(body), headers=length) as response:
                    return response.status_code, response.headers, await _read(response)
        except (httpx.TransportError, httpx.DecodingError, aiohttp.ClientError, TimeoutError) as error:
            raise transport_failure(error, self.settings.redaction) from error

    def _heed(self, failure: RequestFailed, sent_at: float) -> None:
        """Slow down on overload; where the server says how long, every request to it waits, not only this one."""
        if failure.http_status == 429:
            self.rate_limited += 1
        if failure.http_status in OVERLOAD_STATUSES:
            self.limiter.overloaded(sent_at, time.monotonic())
        if failure.wait_s is not None and failure.wait_s > LONGEST_WAIT_S:
            self._stop(f"{self.settings.public_url} asks to wait {failure.wait_s:.0f} s ({failure.message})")
        elif failure.wait_s is not None:
            self._pause.extend(failure.wait_s)

    def _may_pass(self, failure: RequestFailed, heard: dict[str, int]) -> bool:
        """Whether the same request may succeed later; not if it already failed in the same words (`Repeats`).

        `heard` holds what this request was told before, with how many requests had succeeded by then.
        """
        if not failure.retriable or failure.wait_s is not None:
            return failure.retriable
        successes_before = heard.get(failure.message)
        heard.setdefault(failure.message, self.successes)
        match failure.repeats:
            case Repeats.NEVER:
                final = False
            case Repeats.WHILE_OTHERS_SUCCEED:
                final = successes_before is not None and successes_before < self.successes
            case Repeats.ALWAYS:
                final = successes_before is not None
        if final:
            failure.message += " (twice the same)"
        return not final

    async def _rest(self, seconds: float) -> None:
        """Sleep. Raises EngineStopped as soon as nothing is asked any more."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._closed.wait()
        if self._closing is not None:
            raise EngineStopped(self._closing)

    def _note_failure(self, failure: RequestFailed) -> None:
        """Open the circuit breaker when the endpoint as a whole fails, not one request."""
        refused = failure.http_status in {401, 403} or (failure.http_status == 404 and not self.successes)
        self._refusals_in_a_row = self._refusals_in_a_row + 1 if refused else 0
        about_this_request = failure.http_status in {400, 413, 422} and self.successes
        self._failures_in_a_row += not about_this_request
        if refused and (not self.successes or self._refusals_in_a_row >= REFUSALS_BEFORE_STOP):
            self._stop(f"{self.settings.public_url} refuses: {failure.message}")
        elif self._failures_in_a_row >= FAILURES_BEFORE_STOP:
            self._stop(
                f"{self.settings.public_url}: {self._failures_in_a_row} requests in a row failed, "
                f"the last with: {failure.message}"
            )


def new_client(settings: EndpointSettings) -> httpx.AsyncClient:
    """A pool of connections without a limit of its own: whoever sends keeps count."""
    import httpx
    from httpx_aiohttp import HttpxAiohttpClient

    headers = httpx.Headers({"Content-Type": "application/json", "User-Agent": "qcaleval-pytest"})
    if settings.authorization:
        headers["Authorization"] = settings.authorization
    return HttpxAiohttpClient(
        headers=headers,
        limits=httpx.Limits(max_connections=0, keepalive_expiry=KEEPALIVE_S),  # 0: aiohttp sets no limit
        timeout=httpx.Timeout(None, connect=CONNECT_TIMEOUT_S),
    )


def backoff_bound_s(attempt: int, settings: EndpointSettings) -> float:
    """The longest wait after a failed attempt, counted from 1; the wait is uniform below it (full jitter)."""
    return min(settings.backoff_ceiling_s, settings.backoff_s * 2.0 ** min(attempt - 1, 60))


async def _sent(body: ChatBody) -> AsyncIterator[bytes]:
    for chunk in body.chunks():
        yield chunk


async def _read(response: httpx.Response) -> bytes:
    """The body, decompressed, up to MAX_REPLY_BYTES; of an error the beginning. Raises RequestFailed past that."""
    chunks: list[bytes] = []
    size = 0
    limit = MAX_REPLY_BYTES if response.status_code == 200 else MAX_ERROR_BYTES
    async for chunk in response.aiter_bytes():
        size += len(chunk)
        chunks.append(chunk)
        if size > limit:
            break
    if size > MAX_REPLY_BYTES:
        raise RequestFailed(
            kind="too_large", message=f"the reply is longer than {MAX_REPLY_BYTES // 2**20} MiB", http_status=200
        )
    return b"".join(chunks)
