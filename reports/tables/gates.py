"""Verdicts as lines of a log, a table, JSON, and annotations of GitHub."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from reports.gates.verdicts import GateReport, GateResult, GateVerdict
from reports.records.plain_text import log_line, log_text
from reports.tables.model import Cell, Column, Section, Table, Unit, printed

FAR = 50
"""If more than this many times the samples are needed, the figure is too close to its threshold to decide."""
VERDICT_WIDTH = max(map(len, GateVerdict))


def columns(report: GateReport) -> tuple[Column, ...]:
    """Return the columns of the table of verdicts."""
    return (
        Column("Gate"),
        Column("Verdict"),
        Column("Figure", Unit.SCORE, 1),
        Column(f"{_both_ends(report.file.level)} interval", Unit.SCORE, 1, span=True),
        Column("For"),
        Column("Samples", Unit.COUNT),
        Column("Repeats"),
        Column("Flips %", Unit.PERCENT, 0),
        Column("Not measured", Unit.COUNT),
        Column("Detectable", Unit.SCORE, 1),
        Column("Remark"),
    )


def _both_ends(level: float) -> str:
    """Return the level of an interval with both ends at this one-sided level."""
    return f"{100 * (2 * level - 1):.4g}%"


def log_lines(report: GateReport, run_dir: Path) -> list[str]:
    """Return the last lines of a log: the verdicts, the most alarming last, and what to do next."""
    ranked = sorted(report.results, key=lambda entry: list(GateVerdict).index(entry.verdict))
    gates = [line for entry in ranked for line in _entry_lines(entry, alone=not report.obstacles)]
    not_gated = [f"not gated: {obstacle}" for obstacle in report.obstacles]
    return [*gates, *not_gated, *map(str, notes(report)), closing_line(report, run_dir)]


def as_printed(line: str) -> str:
    """Return a line of `log_lines` without control characters, on one line, with its columns kept."""
    return log_text(" ".join(line.splitlines()))


def notes(report: GateReport) -> Iterator[str]:
    """Yield notes on the verdicts: looks, attempts, and baselines that were the best of several runs."""
    if report.look is not None:
        yield f"looked after {report.look.repeats} of at most {report.look.planned[-1]} repeats"
    if report.attempt > 1:
        yield f"attempt {report.attempt} to gate this run: a gate that is repeated until it passes proves less"
    for baseline, runs in report.chosen_from.items():
        yield f"baseline {baseline} was chosen from {runs} runs: the best of several looks better than it is"


def closing_line(report: GateReport, run_dir: Path) -> str:
    """Return the overall verdict and what to do next."""
    entries = [entry for entry in report.results if entry.verdict is report.verdict]
    count = f"{len(entries)} of {len(report.results)} gates"
    match report.verdict:
        case GateVerdict.PASS:
            words = "every gate passes"
        case GateVerdict.WORSE:
            words = f"every gate passes, {count} with a drop that is shown; next: {_look(report, entries, run_dir)}"
        case GateVerdict.FAIL:
            words = f"{count} failed; next: {_look(report, entries, run_dir)}"
        case GateVerdict.INCONCLUSIVE:
            words = f"{count} undecided, none failed; next: {_ask_more(report)}"
        case GateVerdict.CANNOT:
            words = f"{count}, none failed; next: {_remedy(report, run_dir)}"
    return f"{report.file.path}: {report.verdict} (exit status {report.exit_status}): {words}"


def _look(report: GateReport, entries: list[GateResult], run_dir: Path) -> str:
    baseline = next((entry.gate.baseline for entry in entries if entry.gate.baseline is not None), None)
    if baseline is not None:
        return f"see what broke: python -m reports compare {report.file.folder(baseline)} {run_dir}"
    return f"see which items fail: python -m reports {run_dir} --full"


def _ask_more(report: GateReport) -> str:
    look = report.look
    if look is not None and look.repeats < look.planned[-1]:
        return f"continue with --resume --max-repeats {look.planned[-1]}, which asks again while the verdict is open"
    return "ask more samples or repeats, as noted with each gate, or let a person decide"


def _remedy(report: GateReport, run_dir: Path) -> str:
    again = f"qcaleval gate {run_dir} --gate {report.file.path}"
    if any(entry.unmeasured for entry in report.results):
        return f"measure what is missing (--lf what failed, --resume all), then: {again}"
    return f"fix what is noted with each gate, then run: {again}"


# --- one gate -----------------------------------------------------------------------------------------------


def _entry_lines(entry: GateResult, *, alone: bool) -> Iterator[str]:
    yield f"{entry.verdict:<{VERDICT_WIDTH}} {entry.gate.title}: {figures(entry)}"
    if alone and (words := advice(entry)):
        yield f"{'':{VERDICT_WIDTH}} {words}"


def figures(entry: GateResult) -> str:
    """Return a gate's figure, interval, samples and smallest detectable difference, as text."""
    differential = entry.gate.differential
    column = Column("", Unit.DIFFERENCE if differential else Unit.SCORE, 1)
    parts = [printed(entry.figure, column)]
    if entry.interval is not None:
        corrected = ", corrected" if entry.corrected else ""
        span = f"{_both_ends(entry.gate.level)} interval {printed(entry.interval, column)}"
        parts.append(f"{span} ({entry.population}{corrected})")
    parts.append(f"{entry.samples} samples{_repeats(entry)}")
    if entry.flip_rate is not None:
        parts.append(f"{100 * entry.flip_rate:.0f}% of answers flip between repeats")
    if entry.unmeasured:
        parts.append(f"{entry.unmeasured} items not measured")
    if entry.detectable is not None:
        parts.append(f"detectable {100 * entry.detectable:.1f}{_edges(entry, column)}")
    if entry.repeats_share is not None:
        parts.append(f"{100 * entry.repeats_share:.0f}% of the variance from repeats")
    return ", ".join(parts)


def _repeats(entry: GateResult) -> str:
    if entry.gate.baseline is not None:
        return f" x {entry.repeats} against x {entry.baseline_repeats}"
    return f" x {entry.repeats}" if entry.repeats > 1 else ""


def _edges(entry: GateResult, column: Column) -> str:
    """Return the true figures that give a verdict in 80% of cases, as text."""
    gate, reach = entry.gate, entry.detectable or 0.0
    good, bad = (gate.threshold - reach, gate.threshold + reach)[:: 1 if gate.at_most else -1]
    lowest = -1 if gate.differential else 0
    if not (lowest <= good <= 1 and lowest <= bad <= 1):
        return ""
    return f" (80% sure: fails at {printed(bad, column)}, passes at {printed(good, column)})"


def advice(entry: GateResult) -> str:
    """Return why there is no verdict, or what would give one; empty for PASS and FAIL."""
    if entry.verdict is GateVerdict.CANNOT:
        return entry.reason
    if entry.verdict is GateVerdict.WORSE:
        return "a drop is shown, and shown to be no larger than allowed"
    return "" if entry.outlook is None else _outlook_words(entry, entry.outlook.samples)


def _outlook_words(entry: GateResult, samples: int | None) -> str:
    if samples is None:
        return "the figure is on the threshold: no number of samples decides it"
    if entry.gate.baseline is not None:
        return f"{_repeats_advice(entry)}; or about {samples} samples in both runs"
    if samples > FAR * entry.samples:
        return f"too close to the threshold: it would take about {samples} samples"
    return f"about {samples} samples would decide it; {_repeats_advice(entry)}"


def _repeats_advice(entry: GateResult) -> str:
    outlook, against_baseline = entry.outlook, entry.gate.baseline is not None
    if outlook is None or entry.flip_rate is None:
        return "--repeats 3 would show how much repeats can do" if not against_baseline else _REPEATS_WANTED
    if not outlook.repeats:
        return "more repeats alone would not"
    now = (
        f"now {entry.repeats} against {entry.baseline_repeats}"
        if against_baseline
        else f"now {entry.repeats}"
    )
    both = " in both runs" if outlook.both else ""
    words = f"--repeats {outlook.repeats}{both} ({now})"
    return f"{words} would decide it" if against_baseline else f"or {words}"


_REPEATS_WANTED = "--repeats 4 in the baseline and 2 here would decide on this benchmark alone"


# --- for reports --------------------------------------------------------------------------------------------


def gate_section(report: GateReport) -> Section:
    """Return the verdicts as a section with one table."""
    rows = tuple(_cells(entry) for entry in report.results)
    lines = [f"{report.file.path}: {report.verdict}, exit status {report.exit_status}."]
    lines += [f"Not gated: {obstacle}." for obstacle in report.obstacles]
    lines += [f"{line[:1].upper()}{line[1:]}." for line in notes(report)]
    lines.append(
        f"Each end of an interval is at {100 * report.file.level:g}%, widened by what was not measured."
    )
    lines.append("This benchmark: only answers vary. Plots like these: samples vary, too.")
    lines.append("Failures and drops are shown after Holm's correction for several gates.")
    lines.append("Flips: answers whose score changes by half or more from one repeat to another.")
    lines.append(
        "Detectable: how far from the threshold the true figure must be for a verdict in 80% of cases."
    )
    table = Table(title="Verdicts", columns=columns(report), rows=rows, notes=tuple(lines))
    return Section(title="Gates", tables=(table,))


def _cells(entry: GateResult) -> tuple[Cell, ...]:
    against = f"{entry.repeats} against {entry.baseline_repeats}"
    return (
        entry.gate.title,
        entry.verdict.value,
        entry.figure,
        entry.interval,
        entry.population.value,
        entry.samples,
        against if entry.gate.baseline is not None else str(entry.repeats),
        entry.flip_rate,
        entry.unmeasured,
        entry.detectable,
        advice(entry),
    )


def gates_json(report: GateReport) -> dict[str, Any]:
    """Return the field ``gates`` of ``report.json``."""
    return {
        "file": str(report.file.path),
        "verdict": report.verdict,
        "exit_status": report.exit_status,
        "level": report.file.level,
        "attempt": report.attempt,
        "look": None
        if report.look is None
        else {"repeats": report.look.repeats, "planned": list(report.look.planned)},
        "chosen_from": {str(path): runs for path, runs in report.chosen_from.items()},
        "obstacles": list(report.obstacles),
        "gates": [_entry_json(entry) for entry in report.results],
    }


def _entry_json(entry: GateResult) -> dict[str, Any]:
    gate = entry.gate
    return {
        "title": gate.title,
        "metric": gate.metric.name,
        "family": gate.family,
        "baseline": None if gate.baseline is None else str(gate.baseline),
        "anchor": gate.anchor,
        "threshold": gate.threshold,
        "at_most": gate.at_most,
        "mode": gate.decision,
        **{name: value for name, value in asdict(entry).items() if name != "gate"},
        "advice": advice(entry),
    }


# --- GitHub -------------------------------------------------------------------------------------------------

ANNOTATIONS = {
    GateVerdict.FAIL: "error",
    GateVerdict.CANNOT: "error",
    GateVerdict.INCONCLUSIVE: "warning",
    GateVerdict.WORSE: "warning",
}


def github_annotations(report: GateReport) -> list[str]:
    """Return a workflow command of GitHub for each gate that does not pass without a warning."""
    return [
        f"::{ANNOTATIONS[entry.verdict]} title={_property(f'QCalEval gate: {entry.verdict}')}::"
        f"{_message(' - '.join(filter(None, [f'{entry.gate.title}: {figures(entry)}', advice(entry)])))}"
        for entry in report.results
        if entry.verdict in ANNOTATIONS
    ]


def _message(text: str) -> str:
    """Return the text on one line, escaped as GitHub's toolkit does, so that no text ends the command."""
    return log_line(text).replace("%", "%25")


def _property(text: str) -> str:
    return _message(text).replace(":", "%3A").replace(",", "%2C")
