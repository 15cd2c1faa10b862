"""The chart of a service study: times and throughput over load, closed and open loops in separate rows."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from reports.render.colours import BLUE, GREEN, GREY, ORANGE
from reports.service.figures import LevelFigures, highest_load
from reports.service.records import Timing
from reports.statistics.intervals import Interval

if TYPE_CHECKING:
    from matplotlib.axes import Axes

ROW_INCHES = 3.4


def load_chart(figures: Sequence[LevelFigures]) -> str:
    """Return an SVG; the same figures give the same text."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    rows = [
        (f"Requests {unit}", sorted(chosen, key=lambda level: level.level.load))
        for unit, closed in (("in flight", True), ("a second", False))
        if (chosen := [level for level in figures if level.level.closed is closed])
    ]
    with mpl.rc_context({"svg.hashsalt": "qcaleval", "svg.fonttype": "none", "font.size": 9}):
        chart = Figure(figsize=(10, ROW_INCHES * max(1, len(rows))), layout="constrained")
        panels = chart.subplots(max(1, len(rows)), 2, squeeze=False)
        for (load_name, levels), (times, throughput) in zip(rows, panels, strict=False):
            _draw_times(times, levels, load_name)
            _draw_throughput(throughput, levels, load_name)
            _mark_highest(times, throughput, levels)
        file = io.StringIO()
        chart.savefig(file, format="svg", metadata={"Date": None, "Creator": None})
    return file.getvalue()


def _draw_times(axes: Axes, levels: Sequence[LevelFigures], load_name: str) -> None:
    for metric, colour, marker in ((Timing.TTFT, BLUE, "o"), (Timing.E2E, ORANGE, "s")):
        for probability, dashed in ((0.5, False), (0.9, True)):
            find = partial(_quantile, metric, probability)
            _line(axes, levels, f"{metric} p{100 * probability:g}", colour, marker, find, dashed=dashed)
        for level in levels:
            _whisker(axes, level.level.load, level.times[metric].quantile_intervals[0.5], colour)
    axes.set(
        title="Times",
        xlabel=load_name,
        xticks=[level.level.load for level in levels],
        ylabel="seconds",
        ylim=(0, None),
    )
    axes.legend(frameon=False)


def _draw_throughput(axes: Axes, levels: Sequence[LevelFigures], load_name: str) -> None:
    _line(axes, levels, "answered", BLUE, "o", lambda level: level.request_rate)
    _line(axes, levels, "good", GREEN, "^", lambda level: level.goodput)
    _line(axes, levels, "right", ORANGE, "s", _right_rate)
    axes.set(
        title="Throughput",
        xlabel=load_name,
        xticks=[level.level.load for level in levels],
        ylabel="requests a second",
        ylim=(0, None),
    )
    axes.legend(frameon=False)
    tokens = axes.twinx()
    _line(tokens, levels, "output tokens", GREY, "x", lambda level: level.output_rate, dashed=True)
    tokens.set(ylabel="output tokens a second", ylim=(0, None))
    tokens.legend(frameon=False, loc="lower right")


def _mark_highest(times: Axes, throughput: Axes, levels: Sequence[LevelFigures]) -> None:
    """A line at the highest load that a search has found, in both panels.

    None if nothing was searched or met.
    """
    highest = highest_load(levels)
    if highest is not None:
        for axes in (times, throughput):
            axes.axvline(highest, color=GREY, linestyle=":", label=f"highest load, {highest:g}")
            axes.legend(frameon=False)


def _quantile(metric: Timing, probability: float, level: LevelFigures) -> float | None:
    return level.times[metric].quantiles[probability]


def _right_rate(level: LevelFigures) -> float | None:
    return None if level.accuracy is None else level.accuracy.right_rate


def _line(
    axes: Axes,
    levels: Sequence[LevelFigures],
    name: str,
    colour: str,
    marker: str,
    figure: Callable[[LevelFigures], float | None],
    *,
    dashed: bool = False,
) -> None:
    points = [(level.level.load, value) for level in levels if (value := figure(level)) is not None]
    if points:
        style = {"linestyle": "--", "alpha": 0.6} if dashed else {"linestyle": "-"}
        axes.plot(*zip(*points, strict=True), color=colour, marker=marker, label=name, **style)


def _whisker(axes: Axes, load: float, interval: Interval | None, colour: str) -> None:
    if interval is not None:
        axes.vlines(load, interval.low, interval.high, color=colour, alpha=0.5)
