"""What all pages share: Jinja's environment, filters for figures, and a content security policy."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Mapping
from functools import cache
from importlib.resources import files

import jinja2
from markupsafe import Markup

from reports.html.charts import SCORE_AXIS, ChartAxis
from reports.records.names import MODE_NAMES
from reports.records.plain_text import visible
from reports.statistics.intervals import Interval
from reports.tables.model import Column, Unit, capitalised, printed
from scoring.questions import Mode, Question

_SCORE, _SHARE, _POINTS = (Column("", unit, 1) for unit in (Unit.SCORE, Unit.PERCENT, Unit.DIFFERENCE))


def environment(
    package: str, filters: Mapping[str, Callable[..., object]], names: Mapping[str, object]
) -> jinja2.Environment:
    """Return an environment with the templates of ``package`` and of all pages, and these further filters and names.

    All output is escaped, and control characters in text are made visible.
    """
    packages = dict.fromkeys((package, "reports.html"))
    made = jinja2.Environment(
        loader=jinja2.ChoiceLoader([jinja2.PackageLoader(name) for name in packages]),
        autoescape=True,
        finalize=lambda value: visible(value) if type(value) is str else value,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {
        "score": lambda value: printed(value, _SCORE),
        "share": lambda value: printed(value, _SHARE),
        "points": lambda value: printed(value, _POINTS),
        "interval": _interval,
        "level": lambda value: "h-none" if value is None else f"h{round(20 * value)}",
        "quantity": quantity,
        "breakable": _breakable,
        "mode_name": mode_name,
        "cell": printed,
        "at_on": _at_on,
        **filters,
    }
    made.globals |= {
        "score_axis": SCORE_AXIS,
        "modes": MODE_NAMES,
        "questions": {question: question.task.replace("_", " ").capitalize() for question in Question},
        "text_unit": Unit.TEXT,
        **names,
    }
    return made


def mode_name(mode: Mode) -> str:
    """Return the mode as a heading begins with it."""
    return capitalised(MODE_NAMES[mode])


def quantity(value: float) -> str:
    """Return a time or a count in few digits."""
    return f"{value:,.1f}" if value < 10 else f"{value:,.0f}"


def content_security_policy(style: str, script: str, *, own_files: bool = False) -> str:
    """Return a policy for this style, this script and embedded images: nothing is fetched, no other script runs.

    ``own_files``: also allow scripts and images of the page's own site, which may be opened from disk.
    """
    own = " 'self' file:" if own_files else ""
    return (
        f"default-src 'none'; script-src '{digest(script)}'{own}; style-src '{digest(style)}'; img-src data:{own}; "
        "base-uri 'none'; form-action 'none'"
    )


@cache
def static(package: str, names: tuple[str, ...]) -> str:
    """Return the joined content of files in the package's folder ``static``."""
    folder = files(package) / "static"
    return "\n".join((folder / name).read_text(encoding="utf-8") for name in names)


def digest(text: str) -> str:
    """Return the hash by which a policy names a script or a style."""
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def _at_on(value: float, axis: ChartAxis) -> float:
    return axis.at(value)


def _interval(interval: Interval | None, points: bool = False) -> str:  # noqa: FBT001, FBT002 - a filter's argument
    return "no interval" if interval is None else printed(interval, _POINTS if points else _SCORE)


def _breakable(name: str) -> Markup:
    """Return the name with a place to break after each underscore."""
    return Markup("_<wbr>").join(visible(name).split("_"))
