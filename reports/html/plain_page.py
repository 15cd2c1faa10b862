"""A document as one HTML page: its tables, below charts that were drawn elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources import files

import jinja2
from markupsafe import Markup

from reports.html.flips import Flip
from reports.html.page import content_security_policy
from reports.records.plain_text import visible
from reports.tables.model import Column, Document, Unit, printed

STYLE = "page.css"
SCORE = Column("", Unit.SCORE, 1)


def render_plain_page(document: Document, charts: Sequence[tuple[str, str]] = (), flips: Sequence[Flip] = ()) -> str:
    """The page; each chart is what it shows, in words, and a ``data:`` URL. Nothing is fetched, no script runs."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("reports.html"),
        autoescape=True,
        finalize=lambda value: visible(value) if type(value) is str else value,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"cell": printed, "score": lambda value: printed(value, SCORE)}
    environment.globals["text_unit"] = Unit.TEXT
    style = (files("reports.html") / "static" / STYLE).read_text(encoding="utf-8")
    return environment.get_template("plain_page.jinja").render(
        document=document,
        charts=charts,
        flips=flips,
        style=Markup(style),  # noqa: S704 - the package's own
        policy=content_security_policy(style, ""),
    )
