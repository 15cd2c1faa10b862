"""Verdicts in words: lines of a log, a table, JSON, annotations of GitHub."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from reports.gates.verdicts import GateReport, GateVerdict, Verdict
from reports.records.plain_text import log_line
from reports.tables.model import Cell, Column, Section, Table, Unit, printed

FAR = 50
"""Beyond this many times the samples nobody will ask: the figure is too close to its threshold."""
MOST_REPEATS = 100
VERDICT_WIDTH = max(map(len, Verdict))

COLUMNS = (
    Column("Gate"),
    Column("Verdict"),
    Column("Figure", Unit.SCORE, 1),
    Column("95% interval", Unit.SCORE, 1, span=True),
    Column("Samples", Unit.COUNT),
    Column("Not measured", Unit.COUNT),
    Column("Detectable", Unit.SCORE, 1),
    Column("What would help"),
)


def log_lines(report: GateReport, run_dir: Path) -> list[str]:
    """What a log ends with: the verdicts, the most alarming last, and a line that says what to do next."""
    ranked = sorted(report.verdicts, key=lambda entry: list(Verdict).index(entry.verdict))
    gates = [line for entry in ranked for line in _entry_lines(entry, alone=not report.obstacles)]
    obstacles = [f"not gated: {obstacle}" for obstacle in report.obstacles]
    return [*gates, *obstacles, closing_line(report, run_dir)]


def closing_line(report: GateReport, run_dir: Path) -> str:
    """The verdict on the whole, and what to do next."""
    entries = [entry for entry in report.verdicts if entry.verdict is report.verdict]
    count = f"{len(entries)} of {len(report.verdicts)} gates"
    match report.verdict:
        case Verdict.PASS:
            words = "every gate passes"
        case Verdict.FAIL:
            words = f"{count} failed; next: {_look(entries, run_dir)}"
        case Verdict.INCONCLUSIVE:
            words = f"{count} undecided, none failed; next: more samples or repeats as said above, or a person decides"
        case Verdict.CANNOT:
            words = f"{count}, none failed; next: {_remedy(report, run_dir)}"
    return f"{report.file.path}: {report.verdict} (exit status {report.exit_status}): {words}"


def _look(entries: list[GateVerdict], run_dir: Path) -> str:
    baseline = next((entry.gate.baseline for entry in entries if entry.gate.baseline is not None), None)
    if baseline is not None:
        return f"see what broke: python -m reports compare {baseline} {run_dir}"
    return f"see where it fails: python -m reports {run_dir} --full"


def _remedy(report: GateReport, run_dir: Path) -> str:
    again = f"python -m reports gate {run_dir} --gate {report.file.path}"
    if any(entry.unmeasured for entry in report.verdicts):
        return f"measure what is missing (--lf what failed, --resume all), then: {again}"
    return f"put right what is said above, then: {again}"


# --- one gate --------------------------------------------------------------------------------------------------------


def _entry_lines(entry: GateVerdict, *, alone: bool) -> Iterator[str]:
    yield f"{entry.verdict:<{VERDICT_WIDTH}} {entry.gate.title}: {figures(entry)}"
    if alone and (words := advice(entry)):
        yield f"{'':{VERDICT_WIDTH}} {words}"


def figures(entry: GateVerdict) -> str:
    """Figure, interval, samples and the smallest detectable difference of a gate."""
    differential = entry.gate.differential
    column = Column("", Unit.DIFFERENCE if differential else Unit.SCORE, 1)
    parts = [printed(entry.figure, column)]
    if entry.interval is not None:
        parts.append(f"95% interval {printed(entry.interval, column)}{' (Holm)' if entry.corrected else ''}")
    parts.append(f"{entry.samples} samples")
    if entry.unmeasured:
        parts.append(f"{entry.unmeasured} items not measured")
    if entry.detectable is not None:
        parts.append(f"detectable {100 * entry.detectable:.1f}{_edges(entry, column)}")
    if entry.repeats_share is not None:
        parts.append(f"{100 * entry.repeats_share:.0f}% of the variance from repeats")
    return ", ".join(parts)


def _edges(entry: GateVerdict, column: Column) -> str:
    """Where the truth would have to lie for a verdict in 80% of cases."""
    gate, reach = entry.gate, entry.detectable or 0.0
    good, bad = (gate.threshold - reach, gate.threshold + reach)[:: 1 if gate.at_most else -1]
    lowest = -1 if gate.differential else 0
    if not (lowest <= good <= 1 and lowest <= bad <= 1):
        return ""
    return f" (80% sure: fails at {printed(bad, column)}, passes at {printed(good, column)})"


def advice(entry: GateVerdict) -> str:
    """Why there is no verdict, or what would bring one; empty where there is one."""
    if entry.verdict is Verdict.CANNOT:
        return entry.reason
    if entry.outlook is None:
        return ""
    samples = entry.outlook.samples
    if samples is None:
        return "the figure lies on the threshold: no number of samples decides it"
    if samples > FAR * entry.samples:
        return f"too close to the threshold: it would take about {samples} samples"
    both = " in both runs" if entry.gate.baseline is not None else ""
    return f"about {samples} samples would decide it{both}; {_repeats_advice(entry)}"


def _repeats_advice(entry: GateVerdict) -> str:
    if entry.repeats_share is None:
        return "--repeats 3 would show how much repeats can do"
    repeats = entry.outlook and entry.outlook.repeats
    if not repeats or repeats > MOST_REPEATS:
        return "more repeats alone would not"
    return f"or --repeats {repeats} (now {entry.repeats})"


# --- for reports -----------------------------------------------------------------------------------------------------


def gate_section(report: GateReport) -> Section:
    """The verdicts as a table."""
    rows = tuple(_cells(entry) for entry in report.verdicts)
    notes = [f"{report.file.path}: {report.verdict}, exit status {report.exit_status}."]
    notes += [f"Not gated: {obstacle}." for obstacle in report.obstacles]
    notes.append("Intervals after Holm's correction for several gates, and widened by what was not measured.")
    notes.append("Detectable: how far from the threshold the truth must lie for a verdict in 80% of cases.")
    return Section(title="Gates", tables=(Table(title="Gates", columns=COLUMNS, rows=rows, notes=tuple(notes)),))


def _cells(entry: GateVerdict) -> tuple[Cell, ...]:
    return (
        entry.gate.title,
        entry.verdict.value,
        entry.figure,
        entry.interval,
        entry.samples,
        entry.unmeasured,
        entry.detectable,
        advice(entry),
    )


def gates_json(report: GateReport) -> dict[str, Any]:
    """The field ``gates`` of ``report.json``."""
    return {
        "file": str(report.file.path),
        "verdict": report.verdict,
        "exit_status": report.exit_status,
        "obstacles": list(report.obstacles),
        "gates": [_entry_json(entry) for entry in report.verdicts],
    }


def _entry_json(entry: GateVerdict) -> dict[str, Any]:
    gate = entry.gate
    return {
        "title": gate.title,
        "metric": gate.metric.name,
        "family": gate.family,
        "baseline": None if gate.baseline is None else str(gate.baseline),
        "threshold": gate.threshold,
        "at_most": gate.at_most,
        "mode": gate.decision,
        **{name: value for name, value in asdict(entry).items() if name != "gate"},
        "advice": advice(entry),
    }


# --- GitHub ----------------------------------------------------------------------------------------------------------

ANNOTATIONS = {Verdict.FAIL: "error", Verdict.CANNOT: "error", Verdict.INCONCLUSIVE: "warning"}


def github_annotations(report: GateReport) -> list[str]:
    """A workflow command of GitHub for each gate that does not pass."""
    return [
        f"::{ANNOTATIONS[entry.verdict]} title={_property(f'QCalEval gate: {entry.verdict}')}::"
        f"{_message(' - '.join(filter(None, [f'{entry.gate.title}: {figures(entry)}', advice(entry)])))}"
        for entry in report.verdicts
        if entry.verdict in ANNOTATIONS
    ]


def _message(text: str) -> str:
    """On one line and escaped as GitHub's own toolkit does it, so that no text ends the command."""
    return log_line(text).replace("%", "%25")


def _property(text: str) -> str:
    return _message(text).replace(":", "%3A").replace(",", "%2C")
