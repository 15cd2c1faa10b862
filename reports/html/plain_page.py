"""A document as one HTML page: charts that were drawn elsewhere, then its tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from reports.analysis.standings import Standing
from reports.html.environment import content_security_policy, environment, static
from reports.html.flips import Flip
from reports.statistics.floors import AboveFloor
from reports.tables.model import Document

STYLE = "page.css"


@dataclass(frozen=True, slots=True, kw_only=True)
class StandingsRow:
    """One run in a chart; ``floor``: see `figure_floors`."""

    name: str
    standing: Standing
    floor: AboveFloor | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StandingsChart:
    """A figure of several runs.

    Attributes:
        part: the items that it is about, empty for all.
        is_mean: the mean of several questions. Not all of them have a floor, so no floor is drawn.
    """

    title: str
    part: str
    rows: tuple[StandingsRow, ...]
    is_mean: bool = False


def render_plain_page(
    document: Document,
    charts: Sequence[tuple[str, str]] = (),
    flips: Sequence[Flip] = (),
    standings: Sequence[StandingsChart] = (),
) -> str:
    """Return the page, without scripts or requests.

    A chart is a text that describes it and a ``data:`` URL.
    """
    style = static("reports.html", (STYLE,))
    return (
        environment("reports.html", {}, {})
        .get_template("plain_page.jinja")
        .render(
            document=document,
            charts=charts,
            flips=flips,
            standings=standings,
            style=Markup(style),  # noqa: S704  # nosec B704  # the package's own
            policy=content_security_policy(style, ""),
        )
    )
