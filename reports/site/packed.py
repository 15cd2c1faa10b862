"""What a site keeps once for all its runs: plots as files, answers by sample, and the runs' own reports, packed.

From disk a page may load scripts and images, and nothing else. So data is a script that hands over one text: JSON or a
page, compressed (gzip, base64), which the browser unpacks when it is wanted.
"""

from __future__ import annotations

import base64
import gzip
import html
import json
import re
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from markupsafe import Markup

from reports.html.environment import content_security_policy, environment, static
from reports.html.items import TEXT_LIMITS, island, shortened
from reports.records.illustrations import SampleSheet, load_sheets, plot_files
from reports.records.run_files import RunGarbledError
from reports.site.entries import Entry
from reports.site.names import ANSWERS, PLOTS

PLOTS_BUDGET = 24_000_000
REPORTS_BUDGET = 20_000_000
ANSWERS_BUDGET = 12_000_000
"""Bytes in a site of any number of runs."""
LEAST_REPORT = 60_000
COMPRESSION = 6
ISLAND = '<script type="application/json" id="{}">'
ISLAND_END = "</script>"
LOADER = ("unpack.js", "loading.js")
DIGEST = re.compile(r"sha256-[A-Za-z0-9+/=]+")


def packed(text: str) -> str:
    """The text, compressed, in letters."""
    return base64.b64encode(gzip.compress(text.encode(), COMPRESSION, mtime=0)).decode()


def write_plots(folders: Iterable[Path], site: Path) -> dict[str, str]:
    """Copy the plots of all runs, each once; returns digest -> file name, as many as `PLOTS_BUDGET` allows.

    Raises OSError.
    """
    names: dict[str, str] = {}
    left = PLOTS_BUDGET
    (site / PLOTS).mkdir(parents=True)
    for folder in folders:
        for plot, file in plot_files(folder).items():
            if plot in names or not _is_digest(plot):
                continue
            size = file.stat().st_size
            if size <= left:
                left -= size
                names[plot] = file.name
                shutil.copyfile(file, site / PLOTS / file.name)
    return names


def collected_sheets(entries: Sequence[Entry]) -> dict[str, SampleSheet]:
    """The prompts and references of every sample, from the first run that has them. Damaged files are passed over."""
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
    """A script per sample with its references and what each run answered, by place; returns sample -> file name."""
    (site / ANSWERS).mkdir(parents=True)
    samples = sorted({sample for entry in entries for sample in entry.answers})
    limit = _answer_limit(entries)
    names = {}
    for number, sample in enumerate(samples):
        runs = {
            place: {item: [said.status, said.read, shortened(said.text, limit)] for item, said in answers.items()}
            for place, entry in enumerate(entries)
            if (answers := entry.answers.get(sample))
        }
        data = {"runs": runs, **_references(sheets.get(sample), plots)}
        names[sample] = f"{number}.js"
        script = f"unpacked({number},{json.dumps(packed(json.dumps(data, ensure_ascii=True)))});\n"
        (site / ANSWERS / names[sample]).write_text(script, encoding="ascii")
    return names


def _answer_limit(entries: Sequence[Entry]) -> int:
    """How many characters of an answer are kept, so that all of them stay within `ANSWERS_BUDGET` when compressed."""
    lengths = [len(said.text) for entry in entries for items in entry.answers.values() for said in items.values()]
    some = [said.text for items in list(entries[0].answers.values())[::10] for said in items.values()]
    sample = "\n".join(some)
    ratio = len(packed(sample)) / max(1, len(sample))
    fitting = (limit for limit in TEXT_LIMITS if ratio * sum(min(length, limit) for length in lengths) < ANSWERS_BUDGET)
    return next(fitting, TEXT_LIMITS[-1])


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


# --- the runs' own reports --------------------------------------------------------------------------------------------


def pack_report(source: Path, target: Path, plots: Mapping[str, str], budget: int) -> None:
    """Write the report ``source`` to ``target`` (in ``runs/<id>/`` of a site): packed, its plots as files of the site.

    Beyond ``budget`` bytes, long answers lose their middle. Raises OSError or ValueError (not a report).
    """
    page = source.read_text(encoding="utf-8")
    page = _with_island(page, "plots", partial(_addresses, plots=plots))
    page = page.replace("img-src data:;", "img-src data: 'self' file:;", 1)
    content = packed(page)
    for limit in TEXT_LIMITS[3:]:
        if len(content) <= budget:
            break
        page = _with_island(page, "data", partial(_shortened_items, limit=limit))
        content = packed(page)
    target.parent.mkdir(parents=True)
    target.write_text(_loading_page(page, content), encoding="utf-8")


def _addresses(embedded: Mapping[str, str], plots: Mapping[str, str]) -> dict[str, str]:
    """Where the plots of a report lie, seen from the report."""
    return {plot: f"../../{PLOTS}/{plots[plot]}" for plot in embedded if plot in plots}


def reports_budget(runs: int) -> int:
    """Bytes that each of so many reports may take."""
    return max(LEAST_REPORT, REPORTS_BUDGET // max(1, runs))


def _with_island(page: str, name: str, change: Callable[[dict[str, Any]], object]) -> str:
    start = page.index(ISLAND.format(name)) + len(ISLAND.format(name))
    end = page.index(ISLAND_END, start)
    return page[:start] + island(change(json.loads(page[start:end]))) + page[end:]


def _shortened_items(data: dict[str, Any], limit: int) -> dict[str, Any]:
    """The items with texts of at most ``limit`` characters, without thoughts."""
    for item in data["items"]:
        if item.get("answer"):
            item["answer"]["text"] = shortened(item["answer"]["text"], limit)
            item["answer"]["reasoning"] = None
        for verdict in item.get("verdicts") or ():
            if verdict["reply"] is not None:
                verdict["reply"] = shortened(verdict["reply"], limit)
    return data


def _loading_page(page: str, content: str) -> str:
    """A page that unpacks the report and takes its place. Its policy lets the report's script and style run as well."""
    style, script = static("reports.site", ("loading.css",)), static("reports.site", LOADER)
    head = page[: page.index("<style>")]
    policy = content_security_policy(style, script, beside=True)
    inner = DIGEST.findall(head)
    for directive, found in zip(("script-src", "style-src"), inner, strict=True):
        policy = policy.replace(f"{directive} ", f"{directive} '{found}' ", 1)
    title = html.unescape(head[head.index("<title>") + len("<title>") : head.index("</title>")])
    return (
        environment("reports.site", {}, {})
        .get_template("loading.jinja")
        .render(
            title=title,
            policy=policy,
            style=Markup(style),  # noqa: S704 - the package's own
            script=Markup(script),  # noqa: S704
            content=content,
        )
    )


def _is_digest(name: str) -> bool:
    return name.isalnum()
