"""The tables of a service study; each says how its columns are computed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise

from reports.service.figures import PROBABILITIES, Accuracy, Distribution, LevelFigures, highest_load
from reports.service.records import ATTAINMENT, LoadKind, MeasuredLevel, Objective, RequestStatus, Timing
from reports.statistics.intervals import Interval
from reports.tables.model import Cell, Column, Section, Table, Unit

INTERVAL_NAME = "95% interval"
RATE_DECIMALS = 2
DECIMALS_S = 4
SHOWN_ERRORS = 10

GAPS = "ITL, between arrivals of tokens"
GAPS_FORMULA = (
    "time from one arrival of tokens to the next, all gaps of all requests; one read is one arrival."
)
TIMES = {
    Timing.TTFT: (
        "TTFT, to the first token",
        "moment of the first chunk with content or reasoning - moment sent.",
    ),
    Timing.ANSWER: (
        "To the first token of the answer",
        "moment of the first content after any reasoning - moment sent; requests with content only.",
    ),
    Timing.TPOT: (
        "TPOT, per output token",
        "(moment of the last token - moment of the first) / (output tokens - 1); replies of two tokens or more.",
    ),
    Timing.E2E: ("End to end", "end of the reply - moment sent."),
    Timing.TTFB: ("TTFB, to the first byte", "moment of the reply's headers - moment sent."),
    Timing.QUEUE: (
        "In the client's queue",
        "moment sent - moment planned (closed loop: when its place was free; open loop: its arrival).",
    ),
}


def service_sections(
    figures: Sequence[LevelFigures], levels: Sequence[MeasuredLevel], objectives: Sequence[Objective]
) -> tuple[Section, ...]:
    """Everything, by subject."""
    gaps = time_table(GAPS, GAPS_FORMULA, figures, [level.gaps for level in figures])
    times = [_times(metric, figures) for metric in (Timing.ANSWER, Timing.TTFB, Timing.QUEUE)]
    return (
        *service_overview(figures, levels, objectives),
        Section(title="More about times", tables=(gaps, *times)),
    )


def service_overview(
    figures: Sequence[LevelFigures], levels: Sequence[MeasuredLevel], objectives: Sequence[Objective]
) -> tuple[Section, ...]:
    """Yield the tables for the terminal."""
    behind = tuple(error_tables(levels))
    times = tuple(_times(metric, figures) for metric in (Timing.TTFT, Timing.TPOT, Timing.E2E))
    return (
        Section(
            title="Load",
            tables=(
                load_table(figures),
                rate_table(figures),
                *prompt_tables(figures),
                *goodput_tables(figures, objectives),
            ),
        ),
        *(
            (Section(title="Scores under load", tables=tuple(accuracy_tables(figures))),)
            if _scored(figures)
            else ()
        ),
        Section(title="Times", tables=times),
        *((Section(title="Requests without an answer", tables=behind),) if behind else ()),
    )


def load_table(figures: Sequence[LevelFigures]) -> Table:
    """Return requests and rates, a row per level."""
    columns = (
        Column("Load"),
        *(Column(name, Unit.COUNT) for name in ("Requests", "Answered", "Failed", "Cut", "Cached")),
        Column("Success %", Unit.PERCENT, 1),
        Column(INTERVAL_NAME, Unit.PERCENT, 1, span=True),
        Column("Window", Unit.SECONDS, 1),
        Column("In flight", Unit.NUMBER, RATE_DECIMALS),
    )
    return Table(
        title="Load levels", columns=columns, rows=tuple(map(_load_row, figures)), notes=_load_notes(figures)
    )


def _load_row(level: LevelFigures) -> tuple[Cell, ...]:
    return (
        level.level.name,
        sum(level.statuses.values()),
        *(level.statuses[status] for status in _STATUSES),
        level.success,
        level.success_interval,
        level.window_s,
        level.in_flight,
    )


def rate_table(figures: Sequence[LevelFigures]) -> Table:
    """What was offered and what was answered, a second; and whether the client kept up."""
    columns = (
        Column("Load"),
        *(Column(name, Unit.NUMBER, RATE_DECIMALS) for name in ("Offered/s", "Requests/s")),
        *(Column(name, Unit.NUMBER, 1) for name in ("Output tok/s", "Total tok/s")),
        Column("Estimated %", Unit.PERCENT, 1, optional=True),
        *(Column(name, Unit.SECONDS, DECIMALS_S) for name in ("Sent late", "Read late")),
        Column("CPU %", Unit.PERCENT),
    )
    rows = tuple(
        (
            level.level.name,
            level.offered_rate,
            level.request_rate,
            level.output_rate,
            level.total_rate,
            level.estimated,
            level.times[Timing.QUEUE].quantiles[0.9],
            None if level.client is None else level.client.late_p90_s,
            None if level.client is None else level.client.cpu,
        )
        for level in figures
    )
    return Table(title="Rates, and how busy this client was", columns=columns, rows=rows, notes=_RATE_NOTES)


_RATE_NOTES = (
    "Offered/s: open loop, requests after the first / time from the first sent to the last.",
    "Requests/s: sum over answered requests of the share of their duration in the window / window.",
    "Output tok/s, Total tok/s: the same sum, of the share times output tokens, or prompt and output tokens.",
    "Estimated: answers whose tokens are counted as chunks, because the server reports no usage.",
    "Sent late: p90 of moment sent - moment planned. CPU: of one core, used by this client.",
    "Read late: p90 of the time that this client needs to get to what has arrived; TTFT and ITL hold it.",
)


def slow_client_notes(figures: Sequence[LevelFigures]) -> Iterator[str]:
    """Loads at which the client was slower than it may be; see `LevelFigures.client_bound`."""
    bound = [level for level in figures if level.client_bound and level.client is not None]
    if bound:
        levels = ", ".join(
            f"{level.level.name} ({1000 * level.client.late_p90_s:.0f} ms)"  # type: ignore[union-attr]
            for level in bound
        )
        yield (
            f"The client was a bottleneck: replies waited to be read at {levels}, in a tenth of the cases for longer. "
            "TTFT and ITL are too long by as much: lower the load, or send it from an idle machine."
        )


def prompt_tables(figures: Sequence[LevelFigures]) -> Iterator[Table]:
    """What the server says of the prompts; nothing if it says no more than their length."""
    told = [(level, level.prompts) for level in figures if level.prompts is not None]
    if all(prompts.image_tokens is None and prompts.prefix_hits is None for _, prompts in told):
        return
    columns = (
        Column("Load"),
        Column("Prompt tokens", Unit.NUMBER, 1),
        Column("Image tokens", Unit.NUMBER, 1),
        Column("Prefix hits %", Unit.PERCENT, 1),
    )
    rows = tuple(
        (level.level.name, prompts.tokens, prompts.image_tokens, prompts.prefix_hits)
        for level, prompts in told
    )
    notes = (
        "As the server reports them in usage. Prompt tokens, Image tokens: mean of a request.",
        "Prefix hits: prompt tokens from a prefix cache / prompt tokens.",
        "Each prompt begins with a new line, so only the beginning of a chat template can be cached.",
    )
    yield Table(title="Prompts", columns=columns, rows=rows, notes=notes)


_STATUSES = (RequestStatus.OK, RequestStatus.FAILED, RequestStatus.CUT, RequestStatus.CACHED)


def _load_notes(figures: Sequence[LevelFigures]) -> tuple[str, ...]:
    return (
        "Requests: sent after warm-up. Success: answered / (answered + failed). Cut: cancelled as the level stopped.",
        "Window: closed loop, first counted request to first place left empty; open loop, first to last arrival.",
        "In flight: time spent by requests in the window / window.",
        *(f"{level.level.name} stopped: {level.stopped}." for level in figures if level.stopped is not None),
        *saturation_notes(figures),
    )


def saturation_notes(figures: Sequence[LevelFigures]) -> Iterator[str]:
    """Yield the closed loops after which a higher load did not bring more answers."""
    held = [level for level in figures if level.level.kind is LoadKind.PARALLEL and level.request_rate]
    for before, after in pairwise(held):
        gain = (after.request_rate or 0.0) / (before.request_rate or 1.0) - 1
        if after.level.load > before.level.load and gain < 0.05:
            yield f"Saturated: {after.level.name} answers {100 * gain:+.0f}% requests/s against {before.level.name}."


def goodput_tables(figures: Sequence[LevelFigures], objectives: Sequence[Objective]) -> Iterator[Table]:
    """Yield the table of requests that kept the objectives; none without objectives."""
    if not objectives:
        return
    wanted = ", ".join(f"{objective.metric} <= {objective.limit_s:g} s" for objective in objectives)
    columns = (
        Column("Load"),
        Column("Good %", Unit.PERCENT, 1),
        Column(INTERVAL_NAME, Unit.PERCENT, 1, span=True),
        Column("Goodput/s", Unit.NUMBER, RATE_DECIMALS),
    )
    rows = tuple((level.level.name, level.good, level.good_interval, level.goodput) for level in figures)
    notes = (
        "Good: answered and within every objective / requests, cached ones left out; failed and cut ones are not good.",
        "Goodput/s: as Requests/s, good requests only.",
    )
    yield Table(title=f"Goodput: {wanted}", columns=columns, rows=rows, notes=notes)


def highest_load_words(figures: Sequence[LevelFigures]) -> str | None:
    """What ``--find-max-load`` has found; None without a search."""
    tried = [level for level in figures if level.level.kind is LoadKind.SEARCH]
    if not tried:
        return None
    met = highest_load(tried)
    highest = "none that was tried" if met is None else f"{met:g} requests in flight"
    return f"{highest} with {100 * ATTAINMENT:.0f}% good requests (doubling, then bisection)"


def accuracy_tables(figures: Sequence[LevelFigures]) -> Iterator[Table]:
    """Yield the scores under load; nothing if no answers were scored."""
    columns = (
        Column("Load"),
        Column("Scored", Unit.COUNT),
        Column("Samples", Unit.COUNT),
        Column("Mean", Unit.SCORE, 1),
        Column(INTERVAL_NAME, Unit.SCORE, 1, span=True),
        Column("Change", Unit.DIFFERENCE, 1),
        Column(INTERVAL_NAME, Unit.DIFFERENCE, 1, span=True),
        Column("Right/s", Unit.NUMBER, RATE_DECIMALS),
    )
    rows = tuple(
        (level.level.name, *_accuracy_row(level.accuracy)) for level in figures if level.accuracy is not None
    )
    notes = (
        "Answers to Q2, Q4, Q5 and Q6, which need no judge. Each prompt begins with a new number.",
        "So compare these scores with each other, and not with the benchmark's.",
        "Mean: over samples, of a sample's mean score. Change: mean - mean of the first load, on items asked in both.",
        "Right/s: as Requests/s, only answers with the full score.",
    )
    yield Table(title="Scores under load", columns=columns, rows=rows, notes=notes)


def _accuracy_row(accuracy: Accuracy) -> tuple[Cell, ...]:
    return (
        accuracy.scored,
        accuracy.samples,
        accuracy.mean,
        accuracy.interval,
        accuracy.change,
        accuracy.change_interval,
        accuracy.right_rate,
    )


def _times(metric: Timing, figures: Sequence[LevelFigures]) -> Table:
    return time_table(*TIMES[metric], figures, [level.times[metric] for level in figures])


def time_table(
    title: str, formula: str, figures: Sequence[LevelFigures], times: Sequence[Distribution]
) -> Table:
    """Return the distribution of one time, a row per level."""
    quantiles = [f"p{100 * q:g}" for q in PROBABILITIES]
    columns = [Column("Load"), Column("Requests", Unit.COUNT)]
    for name in ("Mean", *quantiles):
        columns += [
            Column(name, Unit.SECONDS, DECIMALS_S, optional=name == "p95"),
            Column(
                INTERVAL_NAME,
                Unit.SECONDS,
                DECIMALS_S,
                span=True,
                optional=name not in {"p50", "p90"},
            ),
        ]
    rows = tuple(
        (level.level.name, time.requests, *_time_cells(time))
        for level, time in zip(figures, times, strict=True)
    )
    return Table(title=title, columns=tuple(columns), rows=rows, notes=(f"Each: {formula}", _QUANTILE_NOTE))


_QUANTILE_NOTE = (
    "Seconds, of counted requests that were answered. p90 from 10 requests, p95 from 20, p99 from 100. Intervals: mean "
    "by Student's t, quantiles by order statistics; an upper end needs 36 requests for p90, 72 for p95, 368 for p99."
)


def _time_cells(time: Distribution) -> Iterator[float | Interval | None]:
    yield from (time.mean, time.mean_interval)
    for probability in PROBABILITIES:
        yield from (time.quantiles[probability], time.quantile_intervals[probability])


def error_tables(levels: Sequence[MeasuredLevel]) -> Iterator[Table]:
    """Yield the reasons of failures, the most frequent first; nothing if no request failed."""
    errors = Counter(
        (measured.level.name, record.error.kind, record.error.message)
        for measured in levels
        for record in measured.records
        if record.error is not None
    )
    if errors:
        columns = (
            Column("Load"),
            Column("Kind"),
            Column("Requests", Unit.COUNT),
            Column("What the server said"),
        )
        ranked = errors.most_common(SHOWN_ERRORS)
        rows = tuple((level, kind, count, message) for (level, kind, message), count in ranked)
        notes = (f"{len(errors) - len(ranked)} more kinds.",) if len(errors) > len(ranked) else ()
        yield Table(title="Failed requests, warm-up included", columns=columns, rows=rows, notes=notes)


def _scored(figures: Sequence[LevelFigures]) -> bool:
    return any(level.accuracy is not None for level in figures)
