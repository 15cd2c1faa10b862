"""One OpenAI-compatible endpoint: retries transient errors, notices when nothing succeeds (docs/reliability.md)."""

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
"""Episodes of rate limiting in a row, without a success between them, after which a request is given up."""
ABOUT_THIS_REQUEST = frozenset({400, 403, 413, 415, 422, 451})
"""Statuses that blame one request if others succeed. A 403 can be moderation or a firewall that dislikes one plot."""
SILENCE_STATUSES = frozenset({504, 524})
SILENCE_S = 50.0
"""A connection that breaks after so long without a byte was probably cut by a proxy for its silence."""
STREAM_FIELDS: Mapping[str, JSON] = {"stream": True, "stream_options": {"include_usage": True}}


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


class Stop(Protocol):
    """Ends all asking of a run, for this reason and, if a reply is the reason, its HTTP status."""

    def __call__(self, reason: str, http_status: int | None = None) -> None:
        """Called in the engine's thread."""


class Endpoint:
    """Sends chat requests to one URL.

    All its methods run in the engine's event loop, so its counters need no locks: between two ``await`` nothing else
    changes them. Whoever is in another thread calls the engine, which hands the call to the loop.

    A request may pass four gates before it is sent, in this order: `limiter` (how many are in flight, shared by all
    endpoints of one role), `pace` (our own limit per minute), `Pause` (a wait that the server asked for, shared by
    all endpoints on that server) and `budget` (what the user allows in all). The turn is taken first and kept while
    waiting, so that the others cannot be passed by more requests than may be in flight.

    `stop` is called with a reason when going on is pointless: the key or the model is refused, or nothing succeeds any
    more. `budget` is asked before each request, `limiter` for a turn, `pace` for the moment. `adaptation` is what was
    learned of the parameters that this model's server takes; `on_adapted` is called when something was learned.
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
        """Send `request` until a usable reply comes.

        Raises RequestFailed; EngineStopped if nothing more is asked; OSError if an image of the request is gone.
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
                    continue  # a refused parameter is no reason to wait
                if not self._may_pass(failure, heard) or not self._retries_left(failure, counted):
                    self._note_failure(failure)
                    raise
                backoff_s = backoff_bound_s(counted, self.settings)
                # a server that limits the rate has not failed: such an attempt uses up no retry
                counted += failure.http_status != 429
            else:
                self.successes += 1
                self._failures_in_a_row = self._refusals_in_a_row = self._rate_limits_in_a_row = 0
                return reply
            await self._rest(random.uniform(0.0, backoff_s))  # noqa: S311 - no secret
            attempt += 1

    def close_door(self, reason: str) -> None:
        """Send nothing any more; what is in flight may end, what waits is given up."""
        self._closing = self._closing or reason
        self._closed.set()  # wakes every request that sleeps in `_rest`

    async def close(self) -> None:
        """Close all connections."""
        await self._transport.close()

    async def _attempt(self, body: ChatBody, attempt: int) -> ChatReply:
        """One request, when its turn has come and no pause is on. Raises RequestFailed, EngineStopped."""
        # An attempt gives its turn back before any backoff: a request that waits to be tried again holds nobody up, and
        # a limit that fell meanwhile applies to the next attempt.
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
        """Wait for our own pace, then for the server's pauses, which may have grown meanwhile."""
        await self._rest(self._pace.wait_s())
        # A pause may be extended while this request sleeps, by the reply to another one: look again after each sleep.
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
        """Whether the request, changed in what the server refuses of it, is worth another attempt."""
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
        """Whether the server says that it only streams, and we did not ask it to."""
        words = failure.message.lower()
        only = "stream" in words and any(word in words for word in ("only", "must", "required", "enable"))
        if not only or "stream" in sent or self.settings.streaming is not Streaming.AUTO:
            return False
        self.streaming = True
        return True

    def _heed(self, failure: RequestFailed, sent_at: float) -> None:
        """Back off on overload. A wait that the server asks for applies to all requests to that server."""
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
        """Count an episode, unless the request was sent before the last one began: then it is part of that.

        A server that does not say how long to wait is left alone for longer and longer, by all requests alike.
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

        A wrong key (401) or model (404) is known from the first reply. A 403 is taken for a refusal of one plot until
        many have come in a row.
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
    """The longest wait after a failed attempt, counted from 1; the wait is uniform below it (full jitter)."""
    return min(settings.backoff_ceiling_s, settings.backoff_s * 2.0 ** min(attempt - 1, 60))
