"""Writes ``report.html`` from a run directory."""

from __future__ import annotations

import base64
import re
import zlib
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from itertools import chain
from pathlib import Path
from urllib.parse import urlencode

import jinja2
from markupsafe import Markup, escape

from reports.analysis.labels import BIASES
from reports.gates.verdicts import GateReport
from reports.html import figures, items, studies
from reports.html.environment import content_security_policy, environment, static
from reports.records.files import write_parts
from reports.records.floors import FLOOR_NAMES
from reports.records.illustrations import load_sheets, plot_files
from reports.records.outcomes import ErrorRule
from reports.records.records import Run
from reports.records.run_files import RunGarbledError
from reports.tables.full import full_report
from reports.tables.gates import closing_line, gate_section
from reports.tables.mix import mix_text
from reports.tables.model import about_part
from reports.tables.reported_run import ReportedRun, report_on
from reports.tables.shots import SHOTS_TITLE

HTML_NAME = "report.html"
SCRIPTS = ("dom.js", "shell.js", "math.js", "items.js", "detail.js", "csv.js", "main.js")
STYLES = ("page.css", "heat.css", "items.css")
HARD_SHOWN = 12
LARGEST_PLAIN = 8_000_000
"""Longer JSON of items is compressed; the benchmark's 2,166 items take half this many characters."""
GZIP = 16 + zlib.MAX_WBITS
"""For zlib: write gzip's header, without a time."""
_ACTIVE = re.compile(r"<(?:script|style|meta|base|link|iframe|object|embed|template)\b[^>]*>", re.IGNORECASE)
_OWN_TAGS = (
    '<meta charset="utf-8">',
    '<meta http-equiv="Content-Security-Policy" content="{policy}">',
    '<meta name="viewport" content="width=device-width, initial-scale=1">',
    '<meta name="referrer" content="no-referrer">',
    '<script type="application/json" id="data">',
    '<script type="application/json" id="plots">',
)
HISTOGRAM_HEIGHT = 96
OWN_ITEMS = "none"
"""The value of the variant filter that selects the benchmark's own items (items.js)."""


def write_page(
    run_dir: Path,
    *,
    errors: ErrorRule = ErrorRule.UNMEASURED,
    reported: ReportedRun | None = None,
    gates: GateReport | None = None,
) -> Path:
    """Write the page of the run in ``run_dir`` and return its path. Raises RunFileError or OSError.

    ``reported``: the run, if it has been read with its texts, in place of ``errors``. If samples or plots are
    missing or cannot be read, the page names them and shows the rest.
    """
    reported = reported or report_on(run_dir, errors=errors, texts=True)
    page = run_dir / reported.file_name(HTML_NAME)
    write_parts(page, (part.encode() for part in render_page(reported, run_dir, gates)))
    return page


def prepare_page() -> None:
    """Load the templates in advance, while the run waits for answers."""
    for name in _environment().list_templates():
        _environment().get_template(name)


def render_page(reported: ReportedRun, run_dir: Path, gates: GateReport | None = None) -> Iterator[str]:
    """Return the page of this run in parts, with the verdicts if it was gated; samples and plots are in ``run_dir``."""
    run, evaluation = reported.run, reported.evaluation
    notes: list[str] = []
    try:
        sheets = load_sheets(run_dir, {item.key.sample_id for item in items.listed_items(run)})
    except RunGarbledError as error:
        sheets = {}
        notes.append(str(error))
    stored = plot_files(run_dir)
    if reported.part is not None:
        samples = {item.key.sample_id for item in run.manifest.planned}
        sheets = {sample_id: sheet for sample_id, sheet in sheets.items() if sample_id in samples}
        shown = frozenset().union(*(sheet.images for sheet in sheets.values()))
        stored = {digest: file for digest, file in stored.items() if digest in shown}
    plots = items.plots_json(stored)
    document = full_report(evaluation, run, breakdowns=reported.breakdowns, floors=True)
    if reported.part is not None:
        document = about_part(document, reported.part.name, reported.part.sentence)
    pictures = studies.picture_charts(evaluation)
    variants = sorted({item.key.variant for item in run.manifest.planned} - {""})
    style, script = static("reports.html", STYLES), static("reports.html", SCRIPTS)
    return (
        _environment()
        .get_template("page.jinja")
        .generate(
            document=document,
            part=reported.part,
            figures=figures.figures(evaluation, run, reported.breakdowns),
            gates=None if gates is None else gate_section(gates),
            gates_closing="" if gates is None else closing_line(gates, run_dir),
            manifest=run.manifest,
            settings=run.manifest.settings,
            notes=[*notes, *_absent(run, sheets, stored, plots)],
            hard_shown=HARD_SHOWN,
            shots_title=SHOTS_TITLE,
            picture_charts=pictures,
            picture_axis=studies.picture_axis(pictures),
            shot_charts=list(studies.shot_charts(evaluation, run, document.label)),
            families=sorted({item.family for item in run.manifest.planned}),
            variants=variants,
            own_items=OWN_ITEMS if variants else None,
            data=_held(items.items_island(run, sheets)),
            plots=Markup(items.island(plots)),  # noqa: S704  # nosec B704  # escaped by `island`
            style=Markup(style),  # noqa: S704  # nosec B704  # the package's own
            script=Markup(script),  # noqa: S704  # nosec B704  # the package's own
            policy=content_security_policy(style, script),
        )
    )


def is_own_page(page: str) -> bool:
    """Return whether a page has exactly the scripts, styles and meta elements of this version's pages.

    If it does, whatever else somebody changed in it is only text: a site can show the page without running
    their code.
    """
    style, script = static("reports.html", STYLES), static("reports.html", SCRIPTS)
    own = page.replace(f"<style>{style}</style>", "", 1).replace(
        f'<script type="module">{script}</script>', "", 1
    )
    policy = escape(content_security_policy(style, script))
    tags = [tag.group().replace('gzip" id="data"', 'json" id="data"') for tag in _ACTIVE.finditer(own)]
    return tags == [tag.format(policy=policy) for tag in _OWN_TAGS]


def items_link(**filters: str | None) -> str:
    """Return a link within the page to the items that pass these filters; None does not filter."""
    return f"#items?{urlencode({name: value for name, value in filters.items() if value is not None})}"


def _held(parts: Iterator[str]) -> dict[str, object]:
    """Return type and text of the ``<script>`` element for an island, given in parts; large ones are compressed."""
    size, plain = 0, []
    for part in parts:
        plain.append(part)
        size += len(part)
        if size > LARGEST_PLAIN:
            packed = base64.b64encode(_packed(chain(plain, parts))).decode()
            return {"type": "application/gzip", "text": Markup(packed)}  # noqa: S704  # nosec B704  # letters of base64
    return {"type": "application/json", "text": Markup("".join(plain))}  # noqa: S704  # nosec B704  # escaped by `island`


def _packed(parts: Iterable[str]) -> bytes:
    compressor = zlib.compressobj(level=4, wbits=GZIP)
    packed = [compressor.compress(part.encode()) for part in parts]
    return b"".join([*packed, compressor.flush()])


def _absent(
    run: Run, sheets: Mapping[str, object], stored: Mapping[str, Path], plots: Mapping[str, str]
) -> list[str]:
    notes = []
    listed, planned = len(items.listed_items(run)), len(run.manifest.planned)
    if listed < planned:
        notes.append(
            f"{planned - listed:,} of {planned:,} items are left out of the list to keep the page small; "
            f"python -m reports export writes all of them, as CSV or Parquet."
        )
    if not sheets:
        notes.append("The run directory has no samples.jsonl: prompts and reference answers are not shown.")
    if not stored:
        notes.append("The run directory has no plots: none are shown.")
    elif len(plots) < len(stored):
        notes.append(
            f"{len(stored) - len(plots)} of {len(stored)} plots are left out to keep the page small."
        )
    return notes


@cache
def _environment() -> jinja2.Environment:
    names = {
        "items_link": items_link,
        "floor_names": FLOOR_NAMES,
        "histogram_height": HISTOGRAM_HEIGHT,
        "bias_definitions": {bias.name: bias.definition for bias in BIASES},
    }
    return environment("reports.html", {"mix_text": mix_text}, names)
