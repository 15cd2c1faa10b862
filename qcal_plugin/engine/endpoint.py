"""One OpenAI-compatible endpoint: retries transient errors, and stops if nothing succeeds (docs/reliability.md)."""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Protocol

from qcal_plugin.engine.adaptation import REFUSING_STATUSES, Adaptation
from qcal_plugin.engine.budget import Budget
from qcal_plugin.engine.chat import ChatBody, ChatRequest
from qcal_plugin.engine.failures import OVERLOAD_STATUSES, SPENT_CODES, EngineStopped, Repeats, RequestFailed
from qcal_plugin.engine.limiter import Limiter
from qcal_plugin.engine.pacing import Pace
from qcal_plugin.engine.reply import ChatReply
from qcal_plugin.engine.settings import EndpointSettings, Streaming
from qcal_plugin.engine.transport import Transport
from scoring.reference import JSON

LONGEST_WAIT_S = 600.0
FAILURES_BEFORE_STOP = 20
REFUSALS_BEFORE_STOP = 3
RATE_LIMITS_BEFORE_STOP = 12
"""A request is given up after this many episodes of rate limiting without a success between them."""
ABOUT_THIS_REQUEST = frozenset({400, 403, 413, 415, 422, 451})
"""Statuses that concern a single request if others succeed.

Moderation or a firewall may reject one plot with a 403.
"""
SILENCE_STATUSES = frozenset({504, 524})
SILENCE_S = 50.0
"""If a connection breaks after this time without a byte, a proxy has probably closed it for being idle."""
STREAM_FIELDS: Mapping[str, JSON] = {"stream": True, "stream_options": {"include_usage": True}}


@dataclass(slots=True)
class Pause:
    """The end of a pause that a server requested, by the monotonic clock.

    Shared by all endpoints on that server.
    """

    until: float = 0.0

    def extend(self, wait_s: float) -> None:
        """Make the pause last at least this long from now."""
        self.until = max(self.until, time.monotonic() + wait_s)

    @property
    def rest_s(self) -> float:
        """Seconds until the end of the pause, at least 0."""
        return max(0.0, self.until - time.monotonic())


class Stop(Protocol):
    """Stops a run for a reason; ``http_status`` is the status of the reply that is the reason, if there is one."""

    def __call__(self, reason: str, http_status: int | None = None) -> None:
        """Called in the engine's thread."""


class Endpoint:
    """Sends chat requests to one URL.

    All methods run in the engine's event loop, so the counters need no locks: between two ``await`` nothing
    else changes them. Other threads call the engine, which passes the call to the loop.

    A request passes four gates before it is sent, in this order: `limiter` (how many are in flight, shared by
    all endpoints of one role), `pace` (the user's limit per minute), `Pause` (a wait that the server
    requested, shared by all endpoints on that server) and `budget` (the user's limit for the whole run). A
    request takes its turn at the limiter first and keeps it while it waits. So no more requests pass the
    other gates than may be in flight.

    `stop` is called with a reason when continuing is pointless: the key or the model is refused, or nothing
    succeeds any more. `adaptation` holds the changes to requests that this model's server is known to need;
    `on_adapted` is called when a change is added.
    """

    def __init__(
        self,
        settings: EndpointSettings,
        limiter: Limiter,
        *,
        stop: Stop,
        budget: Budget,
        pause: Pause | None = None,
        pace: Pace | None = None,
        adaptation: Adaptation | None = None,
        on_adapted: Callable[[], None] = lambda: None,
    ) -> None:
        self.settings = settings
        self.limiter = limiter
        self.adaptation = adaptation or Adaptation()
        self.streaming = settings.streaming is Streaming.ALWAYS
        self.requests_sent = 0
        self.rate_limited = 0
        self.successes = 0
        self._on_adapted = on_adapted
        self._closing: str | None = None
        self._closed = asyncio.Event()
        self._stop = stop
        self._budget = budget
        self._pause = pause or Pause()
        self._pace = pace or Pace()
        self._transport = Transport(settings)
        self._failures_in_a_row = 0
        self._refusals_in_a_row = 0
        self._rate_limits_in_a_row = 0
        self._last_rate_limit_at = float("-inf")

    async def chat(self, request: ChatRequest) -> ChatReply:
        """Send `request`, with retries, until there is a usable reply.

        Raises RequestFailed; EngineStopped if nothing more is asked; OSError if an image of the request is
        gone.
        """
        heard: dict[str, int] = {}
        attempt, counted = 1, 1
        while True:
            fields = self._fields(request)
            try:
                reply = await self._attempt(request.body(fields), attempt)
            except RequestFailed as failure:
                failure.attempts = attempt
                if self._adapted(failure, fields):
                    attempt += 1
                    continue  # a refused parameter needs no backoff
                if not self._may_pass(failure, heard) or not self._retries_left(failure, counted):
                    self._note_failure(failure)
                    raise
                backoff_s = backoff_bound_s(counted, self.settings)
                # rate limiting is not a failure of the server, so such an attempt does not use up a retry
                counted += failure.http_status != 429
            else:
                self.successes += 1
                self._failures_in_a_row = self._refusals_in_a_row = self._rate_limits_in_a_row = 0
                return reply
            await self._rest(random.uniform(0.0, backoff_s))  # noqa: S311 - no secret
            attempt += 1

    def close_door(self, reason: str) -> None:
        """Send nothing more. Requests in flight may finish; waiting requests are given up."""
        self._closing = self._closing or reason
        self._closed.set()  # wakes every request that sleeps in `_rest`

    async def close(self) -> None:
        """Close all connections."""
        await self._transport.close()

    async def _attempt(self, body: ChatBody, attempt: int) -> ChatReply:
        """Send one request after waiting for its turn and for pauses. Raises RequestFailed, EngineStopped."""
        # An attempt gives its turn back before any backoff. So a request that waits for its retry blocks no
        # other, and a limit that fell meanwhile applies to the retry.
        async with self.limiter:
            await self._wait_for_turn()
            self._budget.request()
            self.requests_sent += 1
            sent_at = time.monotonic()
            try:
                reply = await self._transport.chat(body)
            except RequestFailed as failure:
                self._heed(failure, sent_at)
                raise
            now = time.monotonic()
            self.limiter.succeeded(now)
        self._count(reply, body)
        return replace(reply, attempts=attempt, latency_s=now - sent_at, sent_at=sent_at)

    async def _wait_for_turn(self) -> None:
        """Wait for the user's pace, then for the server's pauses, which may have been extended meanwhile."""
        await self._rest(self._pace.wait_s())
        # The reply to another request may extend the pause while this one sleeps, so check again after each
        # sleep.
        while (
            rest_s := max(self._pause.rest_s, self._pace.tokens_wait_s())
        ) > 0 or self._closing is not None:
            await self._rest(rest_s)

    def _count(self, reply: ChatReply, body: ChatBody) -> None:
        reported = (reply.prompt_tokens or 0) + (reply.completion_tokens or 0)
        tokens = reported or self._budget.estimated(body, reply)
        self._budget.reply(tokens)
        self._pace.used(tokens)

    def _fields(self, request: ChatRequest) -> dict[str, JSON]:
        return self.adaptation.apply({**request.fields, **(STREAM_FIELDS if self.streaming else {})})

    def _adapted(self, failure: RequestFailed, sent: Mapping[str, JSON]) -> bool:
        """Learn what the server refused. Returns whether to send the changed request."""
        if failure.http_status not in REFUSING_STATUSES:
            return False
        known = len(self.adaptation.changes)
        again = self.adaptation.learn(
            sent, code=failure.code, parameter=failure.parameter, message=failure.message
        ) or self._only_streams(failure, sent)
        if len(self.adaptation.changes) > known:
            self._on_adapted()
        return again

    def _only_streams(self, failure: RequestFailed, sent: Mapping[str, JSON]) -> bool:
        """Whether the server says that it only streams, and a stream was not requested."""
        words = failure.message.lower()
        only = "stream" in words and any(word in words for word in ("only", "must", "required", "enable"))
        if not only or "stream" in sent or self.settings.streaming is not Streaming.AUTO:
            return False
        self.streaming = True
        return True

    def _heed(self, failure: RequestFailed, sent_at: float) -> None:
        """Back off on overload. A Retry-After applies to all requests to that server."""
        now = time.monotonic()
        if failure.http_status == 429:
            self._note_rate_limit(failure, sent_at, now)
        if failure.http_status in OVERLOAD_STATUSES:
            self.limiter.overloaded(sent_at, now)
        if failure.wait_s is not None and failure.wait_s > LONGEST_WAIT_S:
            self._stop(f"{self.settings.public_url} asks to wait {failure.wait_s:.0f} s ({failure.message})")
        elif failure.wait_s is not None:
            self._pause.extend(failure.wait_s)
        silent = failure.kind in {"reset", "timeout"} and now - sent_at > SILENCE_S
        if (silent or failure.http_status in SILENCE_STATUSES) and self.settings.streaming is Streaming.AUTO:
            self.streaming = True  # bytes that arrive keep the connection alive

    def _note_rate_limit(self, failure: RequestFailed, sent_at: float, now: float) -> None:
        """Count an episode of rate limiting.

        A request that was sent before the last episode began belongs to that one.

        If the server does not say how long to wait, all requests pause, longer with each episode.
        """
        self.rate_limited += 1
        if sent_at < self._last_rate_limit_at or not failure.retriable:
            return
        self._last_rate_limit_at = now
        self._rate_limits_in_a_row += 1
        if failure.wait_s is None:
            self._pause.extend(backoff_bound_s(self._rate_limits_in_a_row, self.settings))

    def _retries_left(self, failure: RequestFailed, counted: int) -> bool:
        if failure.http_status == 429:
            return self._rate_limits_in_a_row < RATE_LIMITS_BEFORE_STOP and self.settings.retries > 0
        return counted <= self.settings.retries

    def _may_pass(self, failure: RequestFailed, heard: dict[str, int]) -> bool:
        """Whether the same request may succeed later. It may not if the same error came before (`Repeats`).

        `heard` maps earlier errors of this request to the number of requests that had succeeded by then.
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
            failure.message += " (same error twice)"
        return not final

    async def _rest(self, seconds: float) -> None:
        """Sleep. Raises EngineStopped as soon as the endpoint is closed."""
        if seconds > 0 and self._closing is None:
            await self._sleep(seconds)
        if self._closing is not None:
            raise EngineStopped(self._closing)

    async def _sleep(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._closed.wait()

    def _note_failure(self, failure: RequestFailed) -> None:
        """Open the circuit breaker if the endpoint as a whole fails, not one request.

        The first reply shows a wrong key (401) or model (404). A 403 counts as the refusal of one plot until
        there are many in a row.
        """
        about_this_request = failure.http_status in ABOUT_THIS_REQUEST and self.successes
        self._failures_in_a_row += not about_this_request or failure.http_status == 403
        refused = failure.http_status == 401 or (failure.http_status == 404 and not self.successes)
        self._refusals_in_a_row = self._refusals_in_a_row + 1 if refused else 0
        if failure.code in SPENT_CODES:
            self._stop(f"{self.settings.public_url}: the account is empty: {failure.message}")
        elif refused and (not self.successes or self._refusals_in_a_row >= REFUSALS_BEFORE_STOP):
            self._stop(f"{self.settings.public_url} refuses: {failure.message}", failure.http_status)
        elif self._failures_in_a_row >= FAILURES_BEFORE_STOP:
            self._stop(
                f"{self.settings.public_url}: {self._failures_in_a_row} requests in a row failed, "
                f"the last with: {failure.message}"
            )


def backoff_bound_s(attempt: int, settings: EndpointSettings) -> float:
    """Return the longest wait after an attempt, counted from 1.

    The wait is uniform below it (full jitter).
    """
    return min(settings.backoff_ceiling_s, settings.backoff_s * 2.0 ** min(attempt - 1, 60))
