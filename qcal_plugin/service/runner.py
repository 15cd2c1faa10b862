"""Hold one load level against an endpoint, and record what became of every request.

Nothing is written, scored or parsed twice while the level lasts, because that would slow down the
measurement.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from qcal_plugin.engine.failures import RequestFailed
from qcal_plugin.engine.settings import EndpointSettings
from qcal_plugin.engine.stream import StreamedReply
from qcal_plugin.service.client import StreamClient, Timed
from qcal_plugin.service.lag import watched
from qcal_plugin.service.load import Load
from qcal_plugin.service.schedule import arrival_times, burstiness_of, over_saturated
from reports.records.records import Failure
from reports.service.records import (
    ClientLoad,
    LoadKind,
    LoadLevel,
    MeasuredLevel,
    RequestStatus,
    ServiceRecord,
)
from scoring.reference import JSON

STREAMED: Mapping[str, JSON] = {"stream": True, "stream_options": {"include_usage": True}}
BARE: Mapping[str, JSON] = {"stream": True}
"""For servers that refuse ``stream_options``.

They report usage without being asked, or tokens are estimated.
"""
REFUSED = frozenset({"http_400", "http_422", "context_overflow", "image_refused"})
FAILURES_BEFORE_STOP = 10
CACHED_SHARE = 0.5
"""The share of a prompt's tokens above which a reply counts as cached.

A chat template's beginning is always cached.
"""


CACHED_TOKENS = (
    ("prompt_tokens_details", "cached_tokens"),
    ("prompt_cache_hit_tokens",),
    ("cache_read_input_tokens",),
)
"""Their places in ``usage``: OpenAI, vLLM, SGLang and llama.cpp; DeepSeek; Anthropic."""


@dataclass(slots=True)
class _Sent:
    """A request in flight or complete. ``planned_at`` is on the clock of `Timed`."""

    number: int
    planned_at: float
    timed: Timed


@dataclass(slots=True)
class LevelRun:
    """A level while it lasts."""

    level: LoadLevel
    began_at: float
    sent: list[_Sent] = field(default_factory=list)
    over: list[_Sent] = field(default_factory=list)
    failures_in_a_row: int = 0
    stopped: str | None = None
    client: ClientLoad | None = None


class LoadRunner:
    """Runs load levels, one after the other, each with new connections."""

    def __init__(
        self,
        settings: EndpointSettings,
        load: Load,
        *,
        burstiness: float,
        seed: int,
        min_tokens: int | None,
        trace: Sequence[float] = (),
    ) -> None:
        self._settings = settings
        self._load = load
        self._burstiness = burstiness
        self._seed = seed
        self._trace = trace
        self._asked: Mapping[str, JSON] = {} if min_tokens is None else {"min_tokens": min_tokens}
        self._extra: Mapping[str, JSON] | None = None

    def measure(self, level: LoadLevel) -> MeasuredLevel:
        """Hold the level. Raises RequestFailed if the endpoint streams nothing at all."""
        run = asyncio.run(self._measure(level))
        records = sorted((self._record(run, sent) for sent in run.over), key=lambda record: record.number)
        return MeasuredLevel(level=level, records=tuple(records), stopped=run.stopped, client=run.client)

    async def _measure(self, level: LoadLevel) -> LevelRun:
        client = StreamClient(self._settings)
        try:
            if self._extra is None:
                self._extra = await self._probe(client)
            run = LevelRun(level=level, began_at=time.perf_counter())
            async with watched() as watch:
                await (self._hold_closed(run, client) if level.closed else self._hold_open(run, client))
                run.client = watch.figures()
            return run
        finally:
            await client.close()

    async def _probe(self, client: StreamClient) -> Mapping[str, JSON]:
        """Return the further fields that this server accepts, after one request, or two without ``stream_options``."""
        extra = {**self._asked, **STREAMED}
        failure = (await client.send(self._load.body(0, extra))).failure
        if failure is not None and failure.kind in REFUSED and "stream_options" in failure.message:
            extra = {**self._asked, **BARE}
            failure = (await client.send(self._load.body(0, extra))).failure
        if failure is not None:
            raise failure
        return extra

    async def _hold_closed(self, run: LevelRun, client: StreamClient) -> None:
        """Keep a number of requests in flight: each place sends its next request when the previous one has ended."""
        numbers = iter(range(run.level.warmup + run.level.number))

        async def place() -> None:
            for number in numbers:
                if run.stopped is not None:
                    return
                await self._send(run, client, number, time.perf_counter())

        await asyncio.gather(*(place() for _ in range(int(run.level.load))))

    async def _hold_open(self, run: LevelRun, client: StreamClient) -> None:
        """Send requests at their arrival times, with any number in flight.

        Stopping the level cancels them.
        """
        times, burstiness = self._arrivals(run.level)
        tasks: list[asyncio.Task[None]] = []
        for number, at in enumerate(times):
            planned_at = run.began_at + at
            await asyncio.sleep(max(0.0, planned_at - time.perf_counter()))
            if run.stopped is None and self._is_over_saturated(run, burstiness):
                run.stopped = (
                    f"over-saturated after {number} requests: they came faster than they were answered"
                )
            if run.stopped is not None:
                break
            tasks.append(asyncio.create_task(self._send(run, client, number, planned_at)))
        if run.stopped is not None:
            for task in tasks:
                task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _arrivals(self, level: LoadLevel) -> tuple[Sequence[float], float]:
        """Return the arrival times of a level, and their burstiness."""
        if level.kind is LoadKind.REPLAY:
            return self._trace, burstiness_of(self._trace)
        seed = f"{self._seed}/{level.name}"  # with the same gaps, the loads would not be independent
        total = level.warmup + level.number
        times = arrival_times(level.load, total, burstiness=self._burstiness, seed=seed)
        return times, self._burstiness

    async def _send(self, run: LevelRun, client: StreamClient, number: int, planned_at: float) -> None:
        body = await asyncio.to_thread(self._load.body, number, self._extra or {})
        sent = _Sent(number, planned_at, Timed(sent_at=time.perf_counter()))
        run.sent.append(sent)
        try:
            await client.send(body, sent.timed)
        finally:
            run.over.append(sent)
        failed = sent.timed.failure is not None
        run.failures_in_a_row = run.failures_in_a_row + 1 if failed else 0
        if run.failures_in_a_row >= FAILURES_BEFORE_STOP and run.stopped is None:
            run.stopped = (
                f"{FAILURES_BEFORE_STOP} requests in a row failed, the last with: {sent.timed.failure}"
            )

    def _is_over_saturated(self, run: LevelRun, burstiness: float) -> bool:
        begun = [(sent.timed.sent_at, wait) for sent in run.sent if (wait := _wait_s(sent.timed)) is not None]
        if not begun:
            return False
        first_tokens = sorted(sent_at + wait for sent_at, wait in begun)
        arrivals = [sent.timed.sent_at for sent in run.sent]
        return over_saturated(arrivals, first_tokens, [wait for _, wait in begun], burstiness=burstiness)

    def _record(self, run: LevelRun, sent: _Sent) -> ServiceRecord:
        record = timed_record(run, sent.number, sent.planned_at, sent.timed)
        item = self._load.item(sent.number)
        answered = record.status is RequestStatus.OK and record.answer is not None
        return replace(
            record,
            answer=None if record.answer is None else self._settings.redaction.answer(record.answer),
            sample_id=None if item is None else item.key.sample_id,
            question=None if item is None else item.key.question.value,
            mode=None if item is None else item.key.mode.value,
            score=self._load.score(sent.number, record.answer or "") if answered else None,
        )


def timed_record(run: LevelRun, number: int, planned_at: float, timed: Timed) -> ServiceRecord:
    """Return the record of a request, without what it asked."""
    reply = timed.reply
    cached, prompt_tokens = _cached_tokens(reply), reply.count("prompt_tokens")
    reported = reply.count("completion_tokens")
    return ServiceRecord(
        level=run.level.name,
        number=number,
        counted=number >= run.level.warmup,
        planned_s=planned_at - run.began_at,
        sent_s=timed.sent_at - run.began_at,
        duration_s=timed.duration_s,
        status=_status(timed, cached, prompt_tokens),
        ttfb_s=timed.ttfb_s,
        token_s=tuple(reply.token_s),
        answer_s=reply.answer_s,
        prompt_tokens=prompt_tokens,
        output_tokens=len(reply.token_s) if reported is None else reported,
        reasoning_tokens=reply.count("completion_tokens_details", "reasoning_tokens"),
        cached_tokens=cached,
        image_tokens=reply.count("prompt_tokens_details", "image_tokens"),
        estimated=reported is None,
        resent=timed.resent,
        finish_reason=reply.finish_reason,
        answer=None if timed.failure is not None else reply.text,
        error=None if timed.failure is None else _failure(timed.failure),
    )


def _cached_tokens(reply: StreamedReply) -> int | None:
    """Return the prompt's tokens that came from a cache, under any of the `CACHED_TOKENS` names."""
    counts = (reply.count(*path) for path in CACHED_TOKENS)
    return next((count for count in counts if count is not None), None)


def _status(timed: Timed, cached: int | None, prompt_tokens: int | None) -> RequestStatus:
    if timed.failure is not None:
        return RequestStatus.FAILED
    if not timed.reply.ended:
        return RequestStatus.CUT
    from_cache = cached is not None and prompt_tokens is not None and cached > CACHED_SHARE * prompt_tokens
    return RequestStatus.CACHED if from_cache else RequestStatus.OK


def _wait_s(timed: Timed) -> float | None:
    """Return how long a request waited for its first token, or for its end if there was no token."""
    if timed.reply.token_s:
        return timed.reply.token_s[0]
    return timed.duration_s or None


def _failure(failure: RequestFailed) -> Failure:
    return Failure(kind=failure.kind, message=failure.message, http_status=failure.http_status)
