"""The studies on a page: charts as images, with alternative text."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from reports.analysis.other_pictures import CONTROLS, PERTURBATIONS, PictureRow, PictureStudy, picture_studies
from reports.analysis.shots import ShotFigures, shot_figures
from reports.html.charts import ChartAxis, difference_axis
from reports.html.shots_chart import shots_chart
from reports.records.names import MODE_NAMES
from reports.records.outcomes import Evaluation, counted_records
from reports.records.records import Run
from reports.tables.model import Column, Unit, printed
from reports.tables.shots import published_shots


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """A chart. ``image``: a ``data:`` URL; ``words``: the alternative text."""

    words: str
    image: str


def shot_charts(evaluation: Evaluation, run: Run, label: str) -> Iterator[Chart]:
    """Yield a chart per question asked with demonstrations; ``label`` as in `Document`."""
    model = evaluation.identity.model or "this run"
    for figures in shot_figures(evaluation.outcomes, counted_records(run)).values():
        svg = shots_chart(model, figures, published_shots(), label=label)
        yield Chart(words=_shot_words(figures), image=svg_url(svg))


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureChart:
    """One control or perturbation in one mode: the change of scores, by question and overall."""

    title: str
    rows: tuple[PictureRow, ...]


def picture_charts(evaluation: Evaluation) -> tuple[PictureChart, ...]:
    """Return a chart per control and perturbation and mode; none without such items."""
    return tuple(
        PictureChart(
            title=f"{_picture_title(study.variant)}, {MODE_NAMES[study.mode]}", rows=_shown_rows(study)
        )
        for study in picture_studies(evaluation.outcomes)
    )


def picture_axis(charts: Iterable[PictureChart]) -> ChartAxis:
    """Return one axis for all charts, so that they can be compared."""
    differences = [row.compared.difference for chart in charts for row in chart.rows]
    bounds = [
        bound
        for difference in differences
        if (span := difference.interval)
        for bound in (span.low, span.high)
    ]
    return difference_axis(
        [*bounds, *(difference.mean for difference in differences if difference.mean is not None)]
    )


def _picture_title(variant: str) -> str:
    if variant in CONTROLS:
        return f"Gain over {CONTROLS[variant]}"
    return f"Change with {PERTURBATIONS[variant]}"


def _shown_rows(study: PictureStudy) -> tuple[PictureRow, ...]:
    """Return the rows to show: the mean adds nothing to a single question."""
    return (*study.questions, study.mean) if len(study.questions) > 1 else study.questions


def svg_url(svg: str) -> str:
    """Return the drawing as a ``data:`` URL."""
    return f"data:image/svg+xml;base64,{base64.b64encode(svg.encode()).decode()}"


def _shot_words(figures: tuple[ShotFigures, ...]) -> str:
    scores = ", ".join(
        f"{printed(entry.mean, Column('', Unit.SCORE, 1))} with {entry.shots}" for entry in figures
    )
    return f"{figures[0].question} score by number of demonstrations: {scores}."
