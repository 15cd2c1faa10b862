"""What a page shows of studies: charts as images, with words that say the same to those who do not see them."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import dataclass

from reports.outcomes import Evaluation, counted_records
from reports.records import Run
from reports.shots import ShotFigures, shot_figures
from reports.shots_chart import shots_chart
from reports.shots_tables import published_shots
from reports.tables import Column, Unit, printed


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """``image``: a ``data:`` URL; ``words``: what it shows."""

    words: str
    image: str


def shot_charts(evaluation: Evaluation, run: Run, label: str) -> Iterator[Chart]:
    """A chart per question asked with demonstrations; ``label`` as in `Document`."""
    model = evaluation.identity.model or "this run"
    for figures in shot_figures(evaluation.outcomes, counted_records(run)).values():
        svg = shots_chart(model, figures, published_shots(), label=label)
        yield Chart(words=_shot_words(figures), image=svg_url(svg))


def svg_url(svg: str) -> str:
    """The drawing as a ``data:`` URL."""
    return f"data:image/svg+xml;base64,{base64.b64encode(svg.encode()).decode()}"


def _shot_words(figures: tuple[ShotFigures, ...]) -> str:
    scores = ", ".join(f"{printed(entry.mean, Column('', Unit.SCORE, 1))} with {entry.shots}" for entry in figures)
    return f"{figures[0].question} score by number of demonstrations: {scores}."
