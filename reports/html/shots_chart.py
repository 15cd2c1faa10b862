"""The chart of Table 10: Q6 over the number of demonstrations, this run before the published models."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING

from reports.analysis.shots import ShotFigures
from reports.records.plain_text import one_line
from reports.render.colours import BLUE, GREY
from reports.tables.shots import PUBLISHED_SHOTS, PublishedShots
from scoring.questions import Question

if TYPE_CHECKING:
    from matplotlib.axes import Axes

PALE = "#b5b5b5"
SIZE_INCHES = (10, 6)
LONGEST_NAME = 60
LONGEST_LABEL = 170
LABEL_GAP = 3.0
"""The least distance of two labels, in points of score."""


def shots_chart(
    model: str, figures: Sequence[ShotFigures], published: Sequence[PublishedShots], *, label: str = ""
) -> str:
    """Return an SVG; the same figures give the same text. Only Q6 also shows the published curves.

    ``label``: a note that must accompany the figures, such as the use of stand-ins.
    """
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context({"svg.hashsalt": "qcaleval", "svg.fonttype": "none", "font.size": 9}):
        chart = Figure(figsize=SIZE_INCHES, layout="constrained")
        axes = chart.subplots()
        question = figures[0].question
        if question is Question.Q6:
            _draw_published(axes, published)
        _draw_own(axes, model, figures)
        axes.set(
            xlabel="demonstrations in the prompt",
            ylabel=f"{question} score",
            xticks=sorted({*PUBLISHED_SHOTS, *(entry.shots for entry in figures)}),
            ylim=(0, 100),
        )
        axes.spines[["top", "right"]].set_visible(False)
        axes.legend(frameon=False, loc="upper left")
        axes.set_title(_as_label(label, LONGEST_LABEL), loc="left", fontsize=8, color=GREY)
        file = io.StringIO()
        chart.savefig(file, format="svg", metadata={"Date": None, "Creator": None})
    return file.getvalue()


def spread_labels(places: Sequence[float], gap: float = LABEL_GAP) -> list[float]:
    """Return places for labels near the wanted ones: in the same order, at least ``gap`` apart, moved minimally.

    Labels that would overlap become a block around the mean of their places (pool adjacent violators).
    """
    order = sorted(range(len(places)), key=lambda index: places[index])
    blocks: list[tuple[float, int]] = []  # centre and number of labels
    for index in order:
        blocks.append((places[index], 1))
        while len(blocks) > 1 and blocks[-1][0] - blocks[-2][0] < gap * (blocks[-1][1] + blocks[-2][1]) / 2:
            (high, many), (low, few) = blocks.pop(), blocks.pop()
            blocks.append(((high * many + low * few) / (many + few), many + few))
    heights = [centre + gap * (number - (size - 1) / 2) for centre, size in blocks for number in range(size)]
    placed = dict(zip(order, heights, strict=True))
    return [placed[index] for index in range(len(places))]


def _as_label(text: str, longest: int) -> str:
    """Return the text for a label: not read as a formula, without control characters, and short enough."""
    text = one_line(text)
    return (text if len(text) <= longest else f"{text[: longest - 1]}…").replace("$", r"\$")


def _draw_published(axes: Axes, published: Sequence[PublishedShots]) -> None:
    for row in published:
        axes.plot(PUBLISHED_SHOTS, [100 * score for score in row.scores], color=PALE, linewidth=1, zorder=1)
    axes.plot([], [], color=PALE, linewidth=1, label="published models (DRAG, Rabi, Ramsey, T1)")
    last = PUBLISHED_SHOTS[-1]
    ends = [100 * row.scores[-1] for row in published]
    for row, end, height in zip(published, ends, spread_labels(ends), strict=True):
        axes.plot([last + 0.03, last + 0.12], [end, height], color=PALE, linewidth=0.6, clip_on=False)
        axes.text(last + 0.15, height, row.model, color=GREY, fontsize=8, va="center")
    axes.set_xlim(-0.15, last + 1.1)


def _draw_own(axes: Axes, model: str, figures: Sequence[ShotFigures]) -> None:
    measured = [
        (entry.shots, 100 * entry.mean, entry.interval) for entry in figures if entry.mean is not None
    ]
    for shots, _, interval in measured:
        if interval is not None:
            axes.vlines(
                shots, 100 * interval.low, 100 * interval.high, color=BLUE, alpha=0.5, linewidth=2, zorder=3
            )
    if measured:
        places, means, _ = zip(*measured, strict=True)
        name = f"{_as_label(model, LONGEST_NAME)}, 95% intervals"
        axes.plot(places, means, color=BLUE, marker="o", linewidth=2, zorder=4, label=name)
