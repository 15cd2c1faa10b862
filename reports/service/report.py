"""Write the reports of a load test next to its records.

``report.json``, ``report.md`` and ``report.html`` hold all tables, ``service.svg`` the chart of times and
throughput.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from reports.html.plain_page import render_plain_page
from reports.html.studies import svg_url
from reports.records.files import is_there, write_file
from reports.records.records import RunManifest
from reports.records.run_files import load_manifest
from reports.render import markdown as render_markdown
from reports.service.chart import load_chart
from reports.service.figures import LevelFigures, level_figures
from reports.service.records import SERVICE_NAME, parse_objectives, read_levels
from reports.service.tables import highest_load_words, service_overview, service_sections, slow_client_notes
from reports.tables.model import Document, Section

CHART_NAME = "service.svg"
SCHEMA_VERSION = 1


def is_service_study(run_dir: Path) -> bool:
    """Return whether the run measured a service under load, and not the benchmark."""
    return is_there(run_dir / SERVICE_NAME)


def publish_service(run_dir: Path, *, full: bool = False) -> Document:
    """Write the reports of the study in ``run_dir`` again; return the document to print, the overview or all of it.

    The files always hold the full report. Raises RunFileError or OSError.
    """
    manifest, levels = load_manifest(run_dir), read_levels(run_dir / SERVICE_NAME)
    settings = _study(manifest)
    objectives = parse_objectives(settings["slo"]) if settings.get("slo") else ()
    figures = [
        level_figures(level, objectives, levels[0] if level is not levels[0] else None) for level in levels
    ]
    highest = highest_load_words(figures)
    slow = tuple(slow_client_notes(figures))
    document = service_document(
        manifest, service_sections(figures, levels, objectives), highest, warnings=slow
    )
    chart = load_chart(figures)
    report = json.dumps(service_json(manifest, figures), indent=1, ensure_ascii=False, allow_nan=False)
    image = svg_url(chart)
    for name, text in {
        CHART_NAME: chart,
        "report.json": report + "\n",
        "report.md": render_markdown.render(document),
        "report.html": render_plain_page(document, ((_chart_words(figures), image),)),
    }.items():
        write_file(run_dir / name, text.encode())
    return (
        document
        if full
        else service_document(manifest, service_overview(figures, levels, objectives), highest, warnings=slow)
    )


def service_document(
    manifest: RunManifest,
    sections: tuple[Section, ...],
    highest: str | None,
    *,
    warnings: tuple[str, ...] = (),
) -> Document:
    """Tables, with what they are about; the answer of a search for the ``highest`` load comes first."""
    stand_ins = "; ".join(manifest.stand_ins)
    study = _study(manifest)
    return Document(
        title=f"Service under load: {manifest.model}",
        facts=(
            *((("Highest load", highest),) if highest else ()),
            ("Model", f"{manifest.model} at {manifest.base_url}"),
            ("Sent", f"{study.get('load')}, dataset {manifest.dataset} at {manifest.dataset_revision}"),
            (
                "Asked",
                f"max_tokens {manifest.settings.get('max_tokens')}, min_tokens {study.get('min_tokens')}",
            ),
            ("Started", manifest.started_at),
        ),
        warnings=(
            *((f"Stand-ins, not a measurement of any real service: {stand_ins}.",) if stand_ins else ()),
            *warnings,
        ),
        sections=sections,
        label=f"stand-ins: {stand_ins}" if stand_ins else "",
    )


def service_json(manifest: RunManifest, figures: Sequence[LevelFigures]) -> dict[str, Any]:
    """The content of ``report.json``; seconds and fractions, null without a figure."""
    return {
        "schema_version": SCHEMA_VERSION,
        "run_id": manifest.run_id,
        "started_at": manifest.started_at,
        "model": manifest.model,
        "stand_ins": list(manifest.stand_ins),
        "settings": dict(manifest.settings),
        "levels": [_without_open_ends(asdict(level)) for level in figures],
    }


def _without_open_ends(value: Any) -> Any:  # noqa: ANN401 - JSON
    """Return the value with null for infinities, such as the open end of an interval: JSON has none."""
    match value:
        case dict():
            return {name: _without_open_ends(entry) for name, entry in value.items()}
        case float() if math.isinf(value):
            return None
        case _:
            return value


def _study(manifest: RunManifest) -> dict[str, Any]:
    study = manifest.settings.get("service")
    return study if isinstance(study, dict) else {}


def _chart_words(figures: Sequence[LevelFigures]) -> str:
    loads = ", ".join(level.level.name for level in figures)
    return f"Times and throughput over load ({loads}); the tables below have the figures."
