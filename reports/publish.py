"""Writes a run's reports into its directory.

``report.json`` (schema in docs/reports.md) and ``report.md`` contain everything, ``summary.md`` what fits a
comment.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from reports.analysis.attempts import items_asked_again
from reports.analysis.breakdown import Breakdown
from reports.analysis.comparability import comparability
from reports.analysis.mix_scores import mix_json, mix_score
from reports.analysis.other_pictures import picture_studies, pictures_json
from reports.analysis.reasoning import reasoning
from reports.analysis.repeats import repeat_spreads, repeats_json
from reports.analysis.shots import shot_figures
from reports.gates.verdicts import GateReport
from reports.records.files import write_file
from reports.records.outcomes import ErrorRule, Evaluation, counted_records, grouped
from reports.records.records import Run
from reports.records.typed_json import json_safe
from reports.render import markdown as render_markdown
from reports.statistics.aggregate import by_mode, by_question, icl_deltas
from reports.tables.gates import gate_section, gates_json
from reports.tables.model import Document
from reports.tables.overview import findings
from reports.tables.reported_run import ReportedRun, report_on
from scoring.questions import Mode

REPORT_SCHEMA_VERSION = 1
JSON_NAME = "report.json"
MARKDOWN_NAME = "report.md"
SUMMARY_NAME = "summary.md"


def publish(
    run_dir: Path,
    *,
    errors: ErrorRule = ErrorRule.UNMEASURED,
    full: bool = False,
    floors: bool = False,
    gates: GateReport | None = None,
    reported: ReportedRun | None = None,
) -> Document:
    """Write the reports of the run in ``run_dir``; return the document to print: the overview, or the ``full`` report.

    ``floors``: as in `overview`. ``gates``: verdicts on this run, for the files. ``reported``: the run if it
    has been read already, instead of ``errors`` and ``floors``. Raises RunFileError.
    """
    reported = reported or report_on(run_dir, errors=errors, floors=floors)
    short, complete = reported.short, reported.complete
    report = report_json(reported.evaluation, reported.run, reported.breakdowns)
    if reported.part is not None:
        report["families"] = sorted(reported.part.families)
    if gates is not None:
        report["gates"] = gates_json(gates)
    text = json.dumps(report, indent=1, ensure_ascii=False, allow_nan=False)
    _write(run_dir / reported.file_name(JSON_NAME), f"{text}\n")
    _write(run_dir / reported.file_name(MARKDOWN_NAME), render_markdown.render(_with_gates(complete, gates)))
    _write(run_dir / reported.file_name(SUMMARY_NAME), render_markdown.render(_with_gates(short, gates)))
    return complete if full else short


def _with_gates(document: Document, gates: GateReport | None) -> Document:
    return (
        document if gates is None else replace(document, sections=(gate_section(gates), *document.sections))
    )


def report_json(evaluation: Evaluation, run: Run, breakdowns: Mapping[Mode, Breakdown]) -> dict[str, Any]:
    """Return the content of ``report.json``: scores and shares as fractions 0..1, null for missing figures."""
    manifest = run.manifest
    reasons = comparability(evaluation)
    return {
        "schema_version": REPORT_SCHEMA_VERSION,
        "run_id": manifest.run_id,
        "started_at": manifest.started_at,
        "identity": _identity_json(evaluation),
        "scorer_version": manifest.scorer_version,
        "dataset_warnings": list(manifest.dataset_warnings),
        "comparable": not reasons,
        "not_comparable_because": list(reasons),
        **({} if (mixed := mix_score(evaluation)) is None else {"mix": mix_json(mixed)}),
        **figures_json(evaluation),
        "breakdown": {mode: asdict(breakdown) for mode, breakdown in breakdowns.items()},
        "further_attempts": [
            {"mode": mode, "question": question, **asdict(entry)}
            for (mode, question), entry in items_asked_again(run).items()
        ],
        "reasoning": [
            {"mode": mode, "question": question, **asdict(entry)}
            for (mode, question), entry in reasoning(run).items()
        ],
        **_shots_json(evaluation, run),
        **_pictures_json(evaluation),
        **_repeats_json(evaluation),
        "findings": findings(run),
        "errors": evaluation.errors,
        "judge_agreement": dict(run.judge_agreement),
        "judge_gullibility": dict(run.judge_gullibility),
    }


def _shots_json(evaluation: Evaluation, run: Run) -> dict[str, Any]:
    figures = shot_figures(evaluation.outcomes, counted_records(run)).values()
    return {"shots": [asdict(entry) for by_shots in figures for entry in by_shots]} if figures else {}


def _pictures_json(evaluation: Evaluation) -> dict[str, Any]:
    studies = pictures_json(picture_studies(evaluation.outcomes))
    return {name: rows for name, rows in studies.items() if rows}


def _repeats_json(evaluation: Evaluation) -> dict[str, Any]:
    spreads = repeat_spreads(evaluation.outcomes)
    return {"repeats": repeats_json(spreads)} if spreads else {}


def figures_json(evaluation: Evaluation) -> dict[str, Any]:
    """Return the ``questions``, ``means`` and ``icl_deltas`` of an evaluation, with one entry per row of the tables."""
    figures: dict[str, Any] = {"questions": [], "means": [], "icl_deltas": []}
    for variant, group in sorted(grouped(evaluation.outcomes, lambda outcome: outcome.key.variant).items()):
        for (mode, question), summary in by_question(group).items():
            figures["questions"].append(
                {"variant": variant, "mode": mode, "question": question, **asdict(summary)}
            )
        for mode, mean in by_mode(group).items():
            figures["means"].append({"variant": variant, "mode": mode, **asdict(mean)})
        for question, delta in icl_deltas(group).items():
            figures["icl_deltas"].append({"variant": variant, "question": question, **asdict(delta)})
    return figures


def _identity_json(evaluation: Evaluation) -> dict[str, Any]:
    identity = evaluation.identity
    settings = None if identity.settings is None else json_safe(dict(identity.settings))
    stated = asdict(replace(identity, settings=None)) | {"settings": settings}
    del stated["mix"]  # part of the settings
    return stated


def _write(file: Path, text: str) -> None:
    write_file(file, text.encode())
