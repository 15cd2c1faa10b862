"""The files of a site next to its page: plots, answers by sample, and the runs' reports, compressed.

A page opened from disk can load scripts and images, nothing else. So data are scripts that pass on one text,
JSON or a page, compressed (gzip, base64), which the browser unpacks when needed.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import html
import json
import os
import re
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from markupsafe import Markup

from reports.html.environment import content_security_policy, environment, static
from reports.html.items import TEXT_LIMITS, island, shortened
from reports.html.page import GZIP, is_own_page, render_page
from reports.records.files import read_file
from reports.records.illustrations import SampleSheet, load_sheets, plot_files
from reports.records.run_files import RunGarbledError
from reports.site.entries import Entry
from reports.site.names import ANSWERS, PLOTS, SAMPLES
from reports.tables.reported_run import report_on

PLOTS_BUDGET = 16_000_000
REPORTS_BUDGET = 30_000_000
ANSWERS_BUDGET = 12_000_000
"""The most bytes in a site, for any number of runs."""
LEAST_REPORT = 60_000
LARGEST_ISLAND = 500_000_000
SHARED_MARK = "<@shared@>"
"""Marks the place of shared data. Data never contain it, because every ``<`` in them is escaped."""
LIMITS = (*TEXT_LIMITS, 300, 200, 140, 80)
"""Limits for the characters of a text, the largest first."""
FRAME, PACKED = 145_000, 0.5
"""The size of a packed report: letters without any text of the run, and letters per character of text."""
TRIED_SAMPLES = 6
COMPRESSION = 6
LOADER = ("unpack.js", "loading.js")
DIGEST = re.compile(r"sha256-[A-Za-z0-9+/=]+")


def packed(text: str) -> str:
    """Return the text, compressed, in letters."""
    return base64.b64encode(gzip.compress(text.encode(), COMPRESSION, mtime=0)).decode()


def write_plots(folders: Iterable[Path], site: Path) -> dict[str, str]:
    """Copy the plots of all runs, each once, as many as fit into `PLOTS_BUDGET`; return digest -> file name.

    Raises OSError.
    """
    names: dict[str, str] = {}
    left = PLOTS_BUDGET
    (site / PLOTS).mkdir(parents=True)
    for folder in folders:
        for plot, file in plot_files(folder).items():
            if plot in names or not _is_digest(plot):
                continue
            size = file.lstat().st_size
            if size <= left:
                left -= size
                names[plot] = file.name
                (site / PLOTS / file.name).write_bytes(read_file(file))
    return names


def collected_sheets(entries: Sequence[Entry]) -> dict[str, SampleSheet]:
    """Return the prompts and references of every sample, from the first run that has them; skip damaged files."""
    sheets: dict[str, SampleSheet] = {}
    for entry in entries:
        wanted = {name.sample_id for name in entry.entrant.planned}
        if wanted <= sheets.keys():
            continue
        try:
            sheets = {**load_sheets(entry.folder), **sheets}
        except RunGarbledError:
            continue
    return sheets


def write_answers(
    entries: Sequence[Entry], sheets: Mapping[str, SampleSheet], plots: Mapping[str, str], site: Path
) -> dict[str, str]:
    """Write a script per sample with its references and each run's answers by place; return sample -> file name."""
    (site / ANSWERS).mkdir(parents=True)
    samples = sorted({sample for entry in entries for sample in entry.answers})
    limit = _answer_limit(entries, samples)
    names = {}
    for number, sample in enumerate(samples):
        data = {"runs": _answers(entries, sample, limit), **_references(sheets.get(sample), plots)}
        names[sample] = f"{number}.js"
        script = f'unpacked({number},"{packed(json.dumps(data))}");\n'
        (site / ANSWERS / names[sample]).write_text(script, encoding="ascii")
    return names


def _answers(entries: Sequence[Entry], sample: str, limit: int) -> dict[int, dict[str, list[str]]]:
    return {
        place: {item: [said.status, said.read, _cut(said.text, limit)] for item, said in answers.items()}
        for place, entry in enumerate(entries)
        if (answers := entry.answers.get(sample))
    }


def _answer_limit(entries: Sequence[Entry], samples: Sequence[str]) -> int:
    """Return how many characters of each answer to keep, so that all fit into `ANSWERS_BUDGET` when compressed.

    The size is extrapolated from a few samples.
    """
    some = samples[:: max(1, len(samples) // TRIED_SAMPLES)]
    for limit in LIMITS:
        size = sum(len(packed(json.dumps(_answers(entries, sample, limit)))) for sample in some)
        if size * len(samples) / len(some) <= ANSWERS_BUDGET:
            return limit
    return LIMITS[-1]


def _references(sheet: SampleSheet | None, plots: Mapping[str, str]) -> dict[str, Any]:
    if sheet is None:
        return {"plots": [], "answers": {}, "points": {}, "asked": {}}
    return {
        "plots": [plots[plot] for plot in sheet.plots if plot in plots],
        "answers": {
            f"{question}/{mode}": text
            for mode, answers in sheet.references.answers.items()
            for question, text in answers.items()
        },
        "points": {question: list(points) for question, points in sheet.references.key_points.items()},
        "asked": {
            f"{question}/{mode}": "\n\n".join(part.text for part in parts if part.text is not None)
            for mode, prompts in sheet.prompts.items()
            if mode == "zeroshot"
            for question, parts in prompts.items()
        },
    }


# --- the runs' own reports ----------------------------------------------------------------------------------


def pack_report(source: Path, target: Path, plots: Mapping[str, str], budget: int) -> None:
    """Write the report ``source`` to ``target`` (``runs/<id>/`` of a site): compressed, plots as files of the site.

    To keep it within about ``budget`` bytes, long answers lose their middle, then their end. A report that
    another version wrote, or that somebody changed, is made again from the run's records. Raises OSError,
    RunFileError, or ValueError if its data are not those of a report.
    """
    page = read_file(source).decode(errors="replace")
    if not is_own_page(page):
        page = "".join(render_page(report_on(source.parent, texts=True), source.parent))
    page = _with_island(page, "plots", island(_addresses(_island(page, "plots"), plots)))
    page = page.replace("img-src data:;", "img-src data: 'self' file:;", 1)
    data = _island(page, "data")
    shared = _write_shared(data, target.parents[2])
    lengths = [len(text) for text in _texts(data)]
    fitting = [
        limit for limit in LIMITS if FRAME + PACKED * sum(min(length, limit) for length in lengths) <= budget
    ]
    if not fitting or fitting[0] < LIMITS[0]:
        data = _shortened_items(data, fitting[0] if fitting else LIMITS[-1])
    content = packed(_with_data(page, data))
    if len(content) > budget:
        content = packed(_with_data(page, _shortened_items(data, LIMITS[-1])))
    target.parent.mkdir(parents=True)
    target.write_text(_loading_page(page, content, shared), encoding="utf-8")


def _write_shared(data: dict[str, Any], site: Path) -> str:
    """Move prompts and references, which most runs share, out of the data into a file named by its content.

    Returns the name of the file in the site's folder of samples.
    """
    text = ",".join(f'"{name}":{island(data.pop(name))}' for name in ("samples", "texts"))
    name = f"{hashlib.sha256(text.encode()).hexdigest()[:16]}.js"
    file = site / SAMPLES / name
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        aside = file.with_name(f".{os.getpid()}.{name}")
        aside.write_text(f'shared("{packed(text)}");\n', encoding="ascii")
        aside.replace(file)
    return name


def _with_data(page: str, data: Mapping[str, Any]) -> str:
    """Return the page with these data, and a mark at the place of the shared ones (static/loading.js)."""
    return _with_island(page, "data", f"{island(data)[:-1]},{SHARED_MARK}}}")


def _addresses(embedded: Mapping[str, str], plots: Mapping[str, str]) -> dict[str, str]:
    """Return the addresses of a report's plots, relative to the report."""
    return {plot: f"../../{PLOTS}/{plots[plot]}" for plot in embedded if plot in plots}


def reports_budget(runs: int) -> int:
    """Return the bytes that each of this number of reports may take."""
    return max(LEAST_REPORT, REPORTS_BUDGET // max(1, runs))


def _island(page: str, name: str) -> dict[str, Any]:
    """Return the JSON in one of the page's elements, unpacked if necessary.

    Raises ValueError if there is none.
    """
    element = _element(page, name)
    text = element["content"]
    data = json.loads(_unpacked(text) if element["type"] == "gzip" else text)
    if not isinstance(data, dict):
        raise ValueError(f"{name!r} in the page is not an object")  # noqa: TRY004 - of a file, not of an argument
    return data


def _unpacked(letters: str) -> bytes:
    unpacker = zlib.decompressobj(wbits=GZIP)
    content = unpacker.decompress(base64.b64decode(letters), LARGEST_ISLAND)
    if unpacker.unconsumed_tail:
        raise ValueError(f"the page holds more than {LARGEST_ISLAND:,} bytes of items")
    return content


def _with_island(page: str, name: str, text: str) -> str:
    """Return the page with this JSON in the element."""
    element = _element(page, name)
    opening = f'<script type="application/json" id="{name}">'
    return f"{page[: element.start()]}{opening}{text}{page[element.end('content') :]}"


def _element(page: str, name: str) -> re.Match[str]:
    match = re.search(rf'<script type="application/(?P<type>json|gzip)" id="{name}">(?P<content>[^<]*)', page)
    if match is None:
        raise ValueError(f"no data {name!r} in the page")
    return match


def _texts(data: Mapping[str, Any]) -> Iterator[str]:
    """Yield the texts of models and judges."""
    for item in data["items"]:
        if item.get("answer"):
            yield item["answer"]["text"]
            yield item["answer"]["reasoning"] or ""
        yield from (verdict["reply"] or "" for verdict in item.get("verdicts") or ())


def _shortened_items(data: dict[str, Any], limit: int) -> dict[str, Any]:
    """Return the items with texts of at most ``limit`` characters, without reasoning and digests of requests."""
    for item in data["items"]:
        item["request"] = None
        if item.get("answer"):
            item["answer"]["text"] = _cut(item["answer"]["text"], limit)
            item["answer"]["reasoning"] = None
        for verdict in item.get("verdicts") or ():
            verdict["reply"] = None if verdict["reply"] is None else _cut(verdict["reply"], limit)
    return data


def _cut(text: str, limit: int) -> str:
    """Return the text without its middle; for very small limits, its beginning."""
    if len(text) <= limit:
        return text
    return shortened(text, limit) if limit >= TEXT_LIMITS[-1] else f"{text[:limit]} [...]"


def _loading_page(page: str, content: str, shared: str) -> str:
    """Return a page that unpacks the report in its place.

    Its policy also allows the report's script and style.
    """
    style, script = static("reports.site", ("loading.css",)), static("reports.site", LOADER)
    head = page[: page.index("<style>")]
    policy = content_security_policy(style, script, own_files=True)
    inner = DIGEST.findall(head)
    for directive, source in zip(("script-src", "style-src"), inner, strict=True):
        policy = policy.replace(f"{directive} ", f"{directive} '{source}' ", 1)
    title = html.unescape(head[head.index("<title>") + len("<title>") : head.index("</title>")])
    return (
        environment("reports.site", {}, {})
        .get_template("loading.jinja")
        .render(
            title=title,
            policy=policy,
            style=Markup(style),  # noqa: S704  # nosec B704  # the package's own
            script=Markup(script),  # noqa: S704  # nosec B704  # the package's own
            shared=f"../../{SAMPLES}/{shared}",
            content=Markup(content),  # noqa: S704  # nosec B704  # letters of base64
        )
    )


def _is_digest(name: str) -> bool:
    return name.isalnum()
