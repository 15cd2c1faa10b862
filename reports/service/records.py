"""The records of a load test (``service.jsonl``): one line per request, and one at the end of each load level.

Times are in seconds of the client's monotonic clock, and None for events that did not happen.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import pairwise
from pathlib import Path
from typing import Any

from reports.records.lines import Line, checked_lines
from reports.records.records import Failure
from reports.records.run_files import RunGarbledError
from reports.records.typed_json import DecodeError, decode
from scoring.errors import BadValueError

SERVICE_NAME = "service.jsonl"
ATTAINMENT = 0.95
"""The share of a load's requests that must meet the objectives for the load to meet them."""


class LoadKind(StrEnum):
    """How requests are sent."""

    PARALLEL = "parallel"
    """Closed loop: a number of requests in flight; the next is sent when one ends."""
    RATE = "rate"
    """Open loop: requests arrive at a rate that does not depend on the server."""
    REPLAY = "replay"
    """Open loop: requests arrive at the times of a recorded trace."""
    SEARCH = "search"
    """Closed loop, in the search for the highest load that meets the objectives."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadLevel:
    """One load to hold: ``number`` requests counted after ``warmup`` others.

    ``load`` is the number of requests in flight, or a second; of a trace the mean over its length.
    """

    kind: LoadKind
    load: float
    number: int
    warmup: int

    @property
    def name(self) -> str:
        """The name in node ids and tables, such as ``parallel=5``."""
        return f"{self.kind}={self.load:g}"

    @property
    def closed(self) -> bool:
        """Whether requests wait for one another."""
        return self.kind in {LoadKind.PARALLEL, LoadKind.SEARCH}


class RequestStatus(StrEnum):
    """The outcome of a request."""

    OK = "ok"
    FAILED = "failed"
    CACHED = "cached"
    """Answered from a cache: not counted, because it says nothing about the load."""
    CUT = "cut"
    """Cancelled by the client because the level was stopped."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceRecord:
    """One request.

    Attributes:
        level: name of its load level.
        counted: False for warm-up.
        planned_s, sent_s: since the level began; planned is the arrival (open loop) or when its place became
            free.
        duration_s: from sending to the end of the reply or of the attempt; all times below also start at
            sending.
        ttfb_s: to the reply's headers.
        token_s: to each chunk with content or reasoning in it; chunks that arrived in one read share a
            moment.
        answer_s: to the first content after any reasoning.
        estimated: the server reported no usage; ``output_tokens`` is the number of chunks.
        resent: its first connection turned out to be closed; all times are those of the second.
        cached_tokens, image_tokens: of the prompt, as the server says; None if it does not.
        score: of the answer, 0..1; None for what cannot be scored without a judge.
    """

    level: str
    number: int
    counted: bool
    planned_s: float
    sent_s: float
    duration_s: float
    status: RequestStatus
    ttfb_s: float | None = None
    token_s: tuple[float, ...] = ()
    answer_s: float | None = None
    prompt_tokens: int | None = None
    output_tokens: int | None = None
    reasoning_tokens: int | None = None
    cached_tokens: int | None = None
    image_tokens: int | None = None
    estimated: bool = False
    resent: bool = False
    finish_reason: str | None = None
    sample_id: str | None = None
    question: str | None = None
    mode: str | None = None
    answer: str | None = None
    score: float | None = None
    error: Failure | None = None

    @property
    def end_s(self) -> float:
        """When it ended, since the level began."""
        return self.sent_s + self.duration_s

    @property
    def gaps_s(self) -> tuple[float, ...]:
        """Times between successive arrivals of tokens."""
        return tuple(after - before for before, after in pairwise(sorted(set(self.token_s))))

    def figure(self, metric: Timing) -> float | None:
        """Return one of the request's times; None if it is undefined."""
        match metric:
            case Timing.QUEUE:
                return self.sent_s - self.planned_s
            case Timing.TTFB:
                return self.ttfb_s
            case Timing.TTFT:
                return self.token_s[0] if self.token_s else None
            case Timing.ANSWER:
                return self.answer_s
            case Timing.TPOT:
                return self._time_per_output_token()
            case Timing.E2E:
                return self.duration_s

    def _time_per_output_token(self) -> float | None:
        if self.output_tokens is None or self.output_tokens < 2 or len(set(self.token_s)) < 2:
            return None
        return (self.token_s[-1] - self.token_s[0]) / (self.output_tokens - 1)


class Timing(StrEnum):
    """Times of which every request has exactly one value."""

    QUEUE = "queue"
    TTFB = "ttfb"
    TTFT = "ttft"
    ANSWER = "answer"
    TPOT = "tpot"
    E2E = "e2e"


@dataclass(frozen=True, slots=True, kw_only=True)
class Objective:
    """A limit that a good request meets: a time of at most ``limit_s``."""

    metric: Timing
    limit_s: float

    def met(self, record: ServiceRecord) -> bool:
        """Return whether an answered request meets it.

        A reply of one token has no TPOT and meets any limit on it.
        """
        figure = record.figure(self.metric)
        return self.metric is Timing.TPOT if figure is None else figure <= self.limit_s


def parse_objectives(text: str) -> tuple[Objective, ...]:
    """Parse objectives such as ``ttft<=0.5,e2e<=8`` (seconds). Raises BadValueError."""
    return tuple(_objective(part.strip()) for part in text.split(","))


def _objective(text: str) -> Objective:
    name, sign, number = text.partition("<=")
    try:
        metric, limit_s = Timing(name.strip().lower()), float(number)
    except ValueError:
        limit_s = 0.0
    if not (sign and 0 < limit_s < float("inf")):
        raise BadValueError(
            f"{text!r}: expected such as ttft<=0.5 (seconds), with one of {', '.join(Timing)}"
        )
    return Objective(metric=metric, limit_s=limit_s)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientLoad:
    """How busy the client was during a level.

    Attributes:
        late_p50_s, late_p90_s: quantiles of how late it got to what was ready; so long did replies wait to be
            read.
        cpu: of one core, the share of the time that its process used; bodies are made in further threads.
    """

    late_p50_s: float
    late_p90_s: float
    cpu: float


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasuredLevel:
    """A level that was held to its end, or stopped.

    Attributes:
        stopped: why, if it was stopped.
        client: None in files of earlier versions.
    """

    level: LoadLevel
    records: tuple[ServiceRecord, ...] = field(repr=False)
    stopped: str | None = None
    client: ClientLoad | None = None

    @property
    def counted(self) -> tuple[ServiceRecord, ...]:
        """The requests after warm-up."""
        return tuple(record for record in self.records if record.counted)

    @property
    def answered(self) -> int:
        """Counted requests with an answer."""
        return sum(record.status is RequestStatus.OK for record in self.counted)

    @property
    def first_error(self) -> str:
        """The reason why the first unanswered request has no answer."""
        errors = (record.error.message for record in self.counted if record.error is not None)
        return next(errors, "no request was counted, or a cache answered all")


def is_good(record: ServiceRecord, objectives: Iterable[Objective]) -> bool:
    """Return whether a request was answered and met every objective."""
    return record.status is RequestStatus.OK and all(objective.met(record) for objective in objectives)


def attainment(measured: MeasuredLevel, objectives: Iterable[Objective]) -> float:
    """Share of counted requests that met the objectives, 0..1; a failure meets none, a cached answer is left out.

    0 if nothing was counted.
    """
    told = [record for record in measured.counted if record.status is not RequestStatus.CACHED]
    wanted = tuple(objectives)
    return sum(is_good(record, wanted) for record in told) / len(told) if told else 0.0


# --- JSON ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class _Line:
    """A request, or a level that ended."""

    request: ServiceRecord | None = None
    level: LoadLevel | None = None
    stopped: str | None = None
    client: ClientLoad | None = None


def level_lines(measured: MeasuredLevel) -> Iterable[dict[str, Any]]:
    """Yield the lines of a level: its requests, then the level itself."""
    yield from ({"request": record} for record in measured.records)
    client = {} if measured.client is None else {"client": measured.client}
    yield {"level": measured.level, "stopped": measured.stopped, **client}


def read_levels(path: Path) -> tuple[MeasuredLevel, ...]:
    """Read the levels in a ``service.jsonl``, without those that were not finished.

    Raises RunGarbledError.
    """
    levels: list[MeasuredLevel] = []
    records: list[ServiceRecord] = []
    for line in _lines(path):
        try:
            entry = decode(line.content, _Line)
        except DecodeError as error:
            raise RunGarbledError(
                f"{path}, line {line.number}: not a line of a service study ({error})"
            ) from error
        if entry.request is not None:
            records.append(entry.request)
        elif entry.level is not None:
            level = entry.level
            held = tuple(record for record in records if record.level == level.name)
            levels.append(
                MeasuredLevel(level=level, records=held, stopped=entry.stopped, client=entry.client)
            )
            records = []
    return tuple(levels)


def _lines(path: Path) -> Iterator[Line]:
    """Yield the lines, except a torn one. Raises RunGarbledError if the file cannot be opened."""
    try:
        yield from (line for line in checked_lines(path) if not line.is_torn)
    except OSError as error:
        raise RunGarbledError(f"{path}: {error.strerror}") from error
