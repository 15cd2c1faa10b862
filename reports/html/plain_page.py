"""A document as one HTML page: its tables, below charts that were drawn elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from reports.analysis.standings import Standing
from reports.html.environment import content_security_policy, environment, static
from reports.html.flips import Flip
from reports.tables.model import Document

STYLE = "page.css"


@dataclass(frozen=True, slots=True, kw_only=True)
class StandingsChart:
    """A figure of several runs: name and standing of each. ``part``: the items that it is about, empty for all."""

    title: str
    part: str
    rows: tuple[tuple[str, Standing], ...]


def render_plain_page(
    document: Document,
    charts: Sequence[tuple[str, str]] = (),
    flips: Sequence[Flip] = (),
    standings: Sequence[StandingsChart] = (),
) -> str:
    """The page; each chart is what it shows, in words, and a ``data:`` URL. Nothing is fetched, no script runs."""
    style = static("reports.html", (STYLE,))
    return (
        environment("reports.html", {}, {})
        .get_template("plain_page.jinja")
        .render(
            document=document,
            charts=charts,
            flips=flips,
            standings=standings,
            style=Markup(style),  # noqa: S704 - the package's own
            policy=content_security_policy(style, ""),
        )
    )
