"""Positions of points on the site's charts, in percent; ``templates/plots.jinja`` draws them."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from reports.analysis.standings import Effort, Entrant
from reports.html.charts import ChartAxis, Tick, quantity_axis
from reports.records.timestamps import TimestampError, moment
from reports.statistics.intervals import Interval
from scoring.questions import Mode

MOST_DATES = 4
STEPS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.25)
VERDICT_MARKS = {"PASS": "pass", "FAIL": "fail", "INCONCLUSIVE": "open", "CANNOT BE GATED": "cannot"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """A run on a chart: ``x`` and ``y`` (and the interval's ends) in percent, ``y`` from the top; and its ``words``.

    ``front``: no other point is at least as good in both respects and better in one.
    """

    label: str
    words: str
    x: float
    y: float
    high: float | None = None
    low: float | None = None
    front: bool = False
    mark: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plot:
    """A chart of scores over something else. ``steps``: the line along the front, as (x1, y1, x2, y2)."""

    title: str
    unit: str
    across: ChartAxis
    up: ChartAxis
    points: tuple[Point, ...]
    steps: tuple[tuple[float, float, float, float], ...] = ()


def score_axis(values: Sequence[float], *, vertical: bool = True) -> ChartAxis:
    """Return an axis of scores that holds these, from one round figure to another; labelled 0 to 100."""
    low, high = min(values, default=0.0), max(values, default=1.0)
    step = next((step for step in STEPS if (high - low) / step <= 5), STEPS[-1])
    bottom, top = max(0.0, math.floor(low / step) * step), min(1.0, math.ceil(high / step) * step)
    if top - bottom < step:
        bottom, top = (bottom, bottom + step) if bottom + step <= 1 else (top - step, top)
    axis = ChartAxis(low=bottom, high=top)
    marks = [bottom + step * number for number in range(round((top - bottom) / step) + 1)]
    ticks = tuple(
        Tick(100 - axis.at(mark) if vertical else axis.at(mark), f"{100 * mark:.0f}") for mark in marks
    )
    return ChartAxis(low=bottom, high=top, ticks=ticks)


def date_axis(moments: Sequence[float]) -> ChartAxis:
    """Return a horizontal axis of time, in seconds since 1970, labelled with days."""
    low, high = min(moments), max(moments)
    if high - low < 86_400:
        low, high = low - 43_200, high + 43_200
    reach = high - low
    axis = ChartAxis(low=low - 0.04 * reach, high=high + 0.04 * reach)
    marks = [low + reach * number / (MOST_DATES - 1) for number in range(MOST_DATES)]
    return ChartAxis(
        low=axis.low, high=axis.high, ticks=tuple(Tick(axis.at(mark), _day(mark)) for mark in marks)
    )


def effort_plots(
    entrants: Sequence[Entrant], labels: Sequence[str], mode: Mode, costs: Mapping[int, float]
) -> list[Plot]:
    """Return charts of the mode's mean over cost, tokens and latency; each needs at least two runs that know it.

    ``costs``: place -> the mean cost of the run's answers in this mode, in the currency of the prices.
    """
    measures: tuple[tuple[str, str, Callable[[int, Effort], float | None]], ...] = (
        ("Cost", "per 1,000 answers", lambda place, _: 1000 * costs[place] if place in costs else None),
        ("Answer tokens", "tokens, mean", lambda _, effort: effort.completion_tokens),
        ("Latency", "s, median", lambda _, effort: effort.latency_s),
    )
    plots = []
    for title, unit, measure in measures:
        known = [
            (place, value, mean)
            for place, entrant in enumerate(entrants)
            if (mean := entrant.mean(mode)) is not None
            and (effort := entrant.effort.get(mode)) is not None
            and (value := measure(place, effort))
        ]
        if len(known) > 1:
            plots.append(_effort_plot(title, unit, entrants, labels, mode, known))
    return plots


def _effort_plot(
    title: str,
    unit: str,
    entrants: Sequence[Entrant],
    labels: Sequence[str],
    mode: Mode,
    known: Sequence[tuple[int, float, float]],
) -> Plot:
    across = quantity_axis([value for _, value, _ in known])
    ends = [_ends(entrants[place].standings[mode, None].interval) for place, _, _ in known]
    up = score_axis([*(mean for *_, mean in known), *(end for pair in ends for end in pair)])
    front = _front([(value, mean) for _, value, mean in known])
    points = tuple(
        Point(
            label=labels[place],
            words=f"{entrants[place].name}: {100 * mean:.1f}, {title.lower()} {value:,.3g} {unit}",
            x=across.at(value),
            y=100 - up.at(mean),
            high=100 - up.at(pair[1]) if pair else None,
            low=100 - up.at(pair[0]) if pair else None,
            front=number in front,
        )
        for number, ((place, value, mean), pair) in enumerate(zip(known, ends, strict=True))
    )
    edge = sorted((point.x, point.y) for point in points if point.front)
    steps = [(a[0], a[1], b[0], a[1]) for a, b in itertools.pairwise(edge)]
    steps += [(b[0], a[1], b[0], b[1]) for a, b in itertools.pairwise(edge)]
    return Plot(title=title, unit=unit, across=across, up=up, points=points, steps=tuple(steps))


def _front(known: Sequence[tuple[float, float]]) -> set[int]:
    """Return the places of runs on the front: no other is at least as cheap and as good, and better in one."""
    return {
        place
        for place, (cost, mean) in enumerate(known)
        if not any(
            other_cost <= cost and other_mean >= mean and (other_cost, other_mean) != (cost, mean)
            for other_cost, other_mean in known
        )
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """One model's runs over time: points joined in order."""

    name: str
    plot: Plot


def histories(runs: Mapping[str, Sequence[Entrant]], mode: Mode) -> list[History]:
    """Return a time line of each model with several runs, all with the same axes."""
    shown = {
        name: [
            entrant for entrant in entrants if entrant.mean(mode) is not None and _moment(entrant) is not None
        ]
        for name, entrants in runs.items()
    }
    shown = {name: entrants for name, entrants in shown.items() if len(entrants) > 1}
    if not shown:
        return []
    everyone = [entrant for entrants in shown.values() for entrant in entrants]
    across = date_axis([_moment(entrant) or 0.0 for entrant in everyone])
    standings = [entrant.standings[mode, None] for entrant in everyone]
    up = score_axis(
        [
            *(standing.mean or 0.0 for standing in standings),
            *(end for one in standings for end in _ends(one.interval)),
        ]
    )
    return [
        History(
            name=name,
            plot=Plot(
                title=name,
                unit="",
                across=across,
                up=up,
                points=tuple(_in_time(entrant, mode, across, up) for entrant in sorted(entrants, key=_order)),
            ),
        )
        for name, entrants in shown.items()
    ]


def _in_time(entrant: Entrant, mode: Mode, across: ChartAxis, up: ChartAxis) -> Point:
    standing = entrant.standings[mode, None]
    ends = _ends(standing.interval)
    mean, moment = standing.mean or 0.0, _moment(entrant) or 0.0
    gate = f"; gates: {entrant.verdict}" if entrant.verdict else ""
    return Point(
        label=entrant.run_id,
        words=f"{_day(moment)}: {100 * mean:.1f}{gate} ({entrant.run_id})",
        x=across.at(moment),
        y=100 - up.at(mean),
        high=100 - up.at(ends[1]) if ends else None,
        low=100 - up.at(ends[0]) if ends else None,
        mark=VERDICT_MARKS.get(entrant.verdict or "", "none"),
    )


def _order(entrant: Entrant) -> tuple[str, str]:
    return entrant.started_at, entrant.run_id


def _ends(interval: Interval | None) -> tuple[float, ...]:
    return () if interval is None else (interval.low, interval.high)


def _moment(entrant: Entrant) -> float | None:
    """Return when the run began, in seconds since 1970; None if the manifest does not state it."""
    try:
        return moment(entrant.started_at).timestamp()
    except TimestampError:
        return None


def _day(moment: float) -> str:
    return f"{datetime.fromtimestamp(moment, UTC):%Y-%m-%d}"
