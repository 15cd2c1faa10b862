"""Figures of a load level, from its requests (docs/service.md).

**The window** is the time in which the load was what it says. Closed loop: from the first counted request
until a place stays empty because nothing is left to send. Open loop: from the first counted arrival to the
last. Warm-up lies before it, the drain after it.

**Times** are those of all counted requests that were answered. All of them start within the window; leaving
out those that end after it would leave out the slowest.

**Rates** credit each answered request, warm-up included, with the share of its duration within the window,
and divide by the window's length. Requests that cross an edge of the window therefore count in part.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from reports.service.records import (
    ATTAINMENT,
    ClientLoad,
    LoadKind,
    LoadLevel,
    MeasuredLevel,
    Objective,
    RequestStatus,
    ServiceRecord,
    Timing,
    attainment,
    is_good,
)
from reports.statistics.intervals import (
    Floats,
    Interval,
    bootstrap_interval,
    mean_interval,
    score_interval,
    t_interval,
)
from reports.statistics.paired import change_interval, unpaired_values
from reports.statistics.quantiles import quantile_interval

PROBABILITIES = (0.5, 0.9, 0.95, 0.99)
TOLERATED_S = 0.002
TOLERATED_SHARE = 0.02
"""What a client may add to the median TTFT, in seconds and as a share of it, before a report warns."""


@dataclass(frozen=True, slots=True)
class Window:
    """A time span of a level, from ``start_s`` to ``end_s``."""

    start_s: float
    end_s: float

    @property
    def length_s(self) -> float:
        """Above 0."""
        return self.end_s - self.start_s

    def share(self, record: ServiceRecord) -> float:
        """Return the share of a request's duration within the window, 0..1."""
        inside = min(record.end_s, self.end_s) - max(record.sent_s, self.start_s)
        return max(0.0, inside) / record.duration_s if record.duration_s > 0 else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Distribution:
    """``n`` values of ``requests`` requests: their mean and quantiles, each with an interval.

    A quantile q needs 1 / (1 - q) requests: p90 ten, p95 twenty, p99 a hundred; None below that. The upper
    end of an interval is open (``inf``) if there are too few requests to bound it
    (`reports.statistics.quantiles`).
    """

    n: int
    requests: int
    mean: float | None
    mean_interval: Interval | None
    quantiles: Mapping[float, float | None]
    quantile_intervals: Mapping[float, Interval | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Accuracy:
    """Scores of a level's answers, fractions 0..1; one value per sample, the mean if it was asked repeatedly.

    Attributes:
        change: mean minus that of the first level, on the items that both asked; None for the first.
        right_rate: answers with the full score per second.
    """

    scored: int
    samples: int
    mean: float
    interval: Interval | None
    change: float | None
    change_interval: Interval | None
    right_rate: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompts:
    """What the server reports about the prompts of answered requests; None for what it does not report.

    Attributes:
        tokens: mean of a prompt.
        image_tokens: of these, mean of those that stand for images.
        prefix_hits: share of all prompt tokens that came from a prefix cache, 0..1.
    """

    tokens: float
    image_tokens: float | None
    prefix_hits: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelFigures:
    """The figures of a level. Rates are per second, and None without a window.

    Attributes:
        statuses: counted requests by status.
        success: answered / (answered + failed).
        in_flight: mean over the window.
        output_rate, total_rate: tokens a second, output alone and with those of the prompts.
        estimated: share of answers whose tokens are counted as chunks, for want of usage.
        offered_rate: requests a second that were sent in an open loop; None in a closed one.
        client: how busy the client was; None if that is not known.
        prompts: tokens of the prompts; None if no server reports any.
        good: share of counted requests that kept the objectives; None without objectives.
    """

    level: LoadLevel
    stopped: str | None
    statuses: Mapping[RequestStatus, int]
    success: float | None
    success_interval: Interval | None
    window_s: float | None
    in_flight: float | None
    request_rate: float | None
    output_rate: float | None
    total_rate: float | None
    estimated: float | None
    offered_rate: float | None
    client: ClientLoad | None
    prompts: Prompts | None
    good: float | None
    good_interval: Interval | None
    goodput: float | None
    times: Mapping[Timing, Distribution]
    gaps: Distribution
    accuracy: Accuracy | None = field(default=None)

    @property
    def client_bound(self) -> bool:
        """Whether the times are the client's more than the server's: see `TOLERATED_S`."""
        first = self.times[Timing.TTFT].quantiles[0.5]
        if self.client is None or first is None:
            return False
        return self.client.late_p90_s > TOLERATED_S + TOLERATED_SHARE * first


def level_figures(
    measured: MeasuredLevel, objectives: Sequence[Objective], first: MeasuredLevel | None = None
) -> LevelFigures:
    """Return all figures of a level; scores are compared with those of the level ``first``."""
    statuses = {
        status: sum(record.status is status for record in measured.counted) for status in RequestStatus
    }
    answered, failed = statuses[RequestStatus.OK], statuses[RequestStatus.FAILED]
    told = len(measured.counted) - statuses[RequestStatus.CACHED]
    success = answered / (answered + failed) if answered + failed else None
    good = attainment(measured, objectives) if objectives and told else None
    window = window_of(measured)
    ok = [record for record in measured.records if record.status is RequestStatus.OK]
    counted = [record for record in ok if record.counted]

    def rate(worth: Callable[[ServiceRecord], float]) -> float | None:
        return None if window is None else math.fsum(window.share(r) * worth(r) for r in ok) / window.length_s

    return LevelFigures(
        level=measured.level,
        stopped=measured.stopped,
        statuses=statuses,
        success=success,
        success_interval=None if success is None else score_interval(success, answered + failed),
        window_s=None if window is None else window.length_s,
        in_flight=None if window is None else _in_flight(measured.records, window),
        request_rate=rate(lambda _: 1.0),
        output_rate=rate(lambda record: record.output_tokens or 0),
        total_rate=rate(_tokens) if all(record.prompt_tokens is not None for record in ok) else None,
        estimated=sum(record.estimated for record in counted) / len(counted) if counted else None,
        offered_rate=None if measured.level.closed else _offered(measured.counted),
        client=measured.client,
        prompts=_prompts(measured.counted),
        good=good,
        good_interval=None if good is None else score_interval(good, told),
        goodput=rate(lambda record: float(is_good(record, objectives))) if objectives else None,
        times={metric: distribution(_times(counted, metric)) for metric in Timing},
        gaps=distribution([record.gaps_s for record in counted if record.gaps_s]),
        accuracy=_accuracy(counted, () if first is None else first.counted, rate),
    )


def highest_load(figures: Iterable[LevelFigures]) -> float | None:
    """Return the highest load of a search that met the objectives.

    None if none did, or nothing was searched.
    """
    tried = (level for level in figures if level.level.kind is LoadKind.SEARCH)
    return max((level.level.load for level in tried if (level.good or 0.0) >= ATTAINMENT), default=None)


def _offered(counted: Sequence[ServiceRecord]) -> float | None:
    """Return the requests a second from the first sent to the last; None if all were sent at once."""
    sent = [record.sent_s for record in counted]
    span = max(sent, default=0.0) - min(sent, default=0.0)
    return (len(sent) - 1) / span if span > 0 else None


def _prompts(counted: Sequence[ServiceRecord]) -> Prompts | None:
    told = [
        record
        for record in counted
        if record.status in {RequestStatus.OK, RequestStatus.CACHED} and record.prompt_tokens
    ]
    if not told:
        return None
    pictured = [record.image_tokens for record in told if record.image_tokens is not None]
    cached = [record for record in told if record.cached_tokens is not None]
    return Prompts(
        tokens=math.fsum(record.prompt_tokens or 0 for record in told) / len(told),
        image_tokens=math.fsum(pictured) / len(pictured) if pictured else None,
        prefix_hits=math.fsum(record.cached_tokens or 0 for record in cached)
        / math.fsum(record.prompt_tokens or 0 for record in cached)
        if cached
        else None,
    )


def window_of(measured: MeasuredLevel) -> Window | None:
    """Return the level's window; None if it has no length, as with a single request in an open loop."""
    counted = measured.counted
    if not counted:
        return None
    if measured.level.closed:
        last_sent = max(record.sent_s for record in measured.records)
        start = min(record.sent_s for record in counted)
        end = min((record.end_s for record in measured.records if record.end_s > last_sent), default=start)
    else:
        arrivals = [record.planned_s for record in counted]
        start, end = min(arrivals), max(arrivals)
    return Window(start, end) if end > start else None


def distribution(clusters: Sequence[Sequence[float]]) -> Distribution:
    """Return the summary of values that come in clusters, one per request.

    Intervals are clustered by them.
    """
    values = np.array([value for cluster in clusters for value in cluster])
    return Distribution(
        n=len(values),
        requests=len(clusters),
        mean=float(values.mean()) if len(values) else None,
        mean_interval=_mean_interval(clusters),
        quantiles={q: _quantile(values, q) if _tells(q, clusters) else None for q in PROBABILITIES},
        quantile_intervals={
            q: quantile_interval(clusters, q) if _tells(q, clusters) else None for q in PROBABILITIES
        },
    )


def _tells(probability: float, clusters: Sequence[Sequence[float]]) -> bool:
    return len(clusters) * (1 - probability) >= 1 - 1e-9


def _quantile(values: Floats, probability: float) -> float:
    """Return the smallest value that at least this share of the values does not exceed."""
    return float(np.quantile(values, probability, method="inverted_cdf"))


def _mean_interval(clusters: Sequence[Sequence[float]]) -> Interval | None:
    if all(len(cluster) == 1 for cluster in clusters):
        interval = t_interval([cluster[0] for cluster in clusters])
        return interval and Interval(max(0.0, interval.low), interval.high)  # no time is negative
    sums, sizes = np.array([math.fsum(cluster) for cluster in clusters]), np.array([len(c) for c in clusters])
    return bootstrap_interval(len(clusters), lambda tallies: (tallies @ sums) / (tallies @ sizes))


def _times(records: Iterable[ServiceRecord], metric: Timing) -> list[tuple[float]]:
    return [(figure,) for record in records if (figure := record.figure(metric)) is not None]


def _tokens(record: ServiceRecord) -> float:
    return (record.prompt_tokens or 0) + (record.output_tokens or 0)


def _in_flight(records: Iterable[ServiceRecord], window: Window) -> float:
    """Return the time that requests of any outcome spent in the window, divided by its length."""
    return math.fsum(window.share(record) * record.duration_s for record in records) / window.length_s


def _accuracy(
    records: Sequence[ServiceRecord],
    first: Sequence[ServiceRecord],
    rate: Callable[[Callable[[ServiceRecord], float]], float | None],
) -> Accuracy | None:
    scores = _by_sample(records)
    if not scores:
        return None
    after, before = _by_sample(_asked_in(first, records)), _by_sample(_asked_in(records, first))
    return Accuracy(
        scored=sum(record.score is not None for record in records),
        samples=len(scores),
        mean=_mean(scores),
        interval=mean_interval(list(scores.values())),
        change=_mean(after) - _mean(before) if before else None,
        change_interval=change_interval(unpaired_values(after, before)),
        right_rate=rate(lambda record: float(record.score == 1.0)),
    )


def _asked_in(others: Iterable[ServiceRecord], records: Iterable[ServiceRecord]) -> list[ServiceRecord]:
    """Return the records whose item also has a score among the others."""
    items = {
        (record.sample_id, record.question, record.mode) for record in others if record.score is not None
    }
    return [record for record in records if (record.sample_id, record.question, record.mode) in items]


def _by_sample(records: Iterable[ServiceRecord]) -> dict[str, float]:
    by_sample: dict[str, list[float]] = {}
    for record in records:
        if record.score is not None:
            by_sample.setdefault(record.sample_id or "", []).append(record.score)
    return {sample: math.fsum(scores) / len(scores) for sample, scores in by_sample.items()}


def _mean(scores: Mapping[str, float]) -> float:
    return math.fsum(scores.values()) / len(scores)
