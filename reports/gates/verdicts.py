"""Verdicts on a run: whether it passes the gates of a file, fails them, or nobody can tell.

A gate compares a 95% interval with its threshold: it passes if the whole interval is on the good side, fails if the
whole interval is on the bad side, and is inconclusive where the interval holds the threshold.

- Against a threshold the figure is a mean of scores or a rate, and its interval `intervals.mean_interval`; of ICL
  deltas it is `paired.change_interval`.
- Against a baseline the figure is the mean of the paired differences, one per sample, its interval
  `paired.change_interval`, and the threshold -max_drop. PASS is then the verdict of a non-inferiority test with margin
  max_drop, one-sided at 2.5% (G. Piaggio et al. 2012, JAMA 308, 2594); FAIL is that of the test in the other
  direction: the drop is shown to be larger than allowed. Two runs of one model differ by 0 in truth, which is no drop
  at all, so that they fail in about 2.5% of cases at most, whatever max_drop is; and a true drop of max_drop + d, where
  d is the smallest detectable difference, fails in 80%.
- The gates of a file are tested together (`holm`): 2.5% is the chance that any of them fails wrongly, and also that any
  passes wrongly.
- Items that were not measured widen the interval: its lower bound takes them as wrong, its upper bound as right. Where
  they could decide the verdict, the gate cannot be gated. Nor can it where its samples are too few to pass however good
  they were, and nothing can where the file's conditions on coverage or judges are not met.

tests/test_gates_error_rates.py simulates how often verdicts are wrong.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import partial
from pathlib import Path

from reports.analysis.consistency import truncated
from reports.gates.evidence import ROUNDING, Evidence, evidence, fails, passes
from reports.gates.file import Decision, Gate, GateFile
from reports.gates.judges import judge_obstacles
from reports.gates.metrics import metric_values
from reports.records.outcomes import benchmark_records
from reports.records.records import Run
from reports.statistics.holm import step_down
from reports.statistics.intervals import LEVEL, Interval
from reports.statistics.paired import detectable_difference


class Verdict(StrEnum):
    """What is known. In the order of alarm: the last of a file's gates is the file's verdict."""

    PASS = "PASS"  # noqa: S105  no password
    INCONCLUSIVE = "INCONCLUSIVE"
    CANNOT = "CANNOT BE GATED"
    FAIL = "FAIL"


EXIT_STATUS = {Verdict.PASS: 0, Verdict.FAIL: 1, Verdict.INCONCLUSIVE: 10, Verdict.CANNOT: 11}


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """What would decide a gate in 80% of cases (see `outlook`); None where nothing would.

    Attributes:
        samples: how many, with as many repeats as now.
        repeats: how many of each item, with the samples of now; None also where no item was repeated.
    """

    samples: int | None = None
    repeats: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GateVerdict:
    """What came out for one gate. Figures are fractions; None where there is none.

    Attributes:
        reason: why the gate cannot be gated; empty otherwise.
        interval: after all corrections: the bounds that were compared with the threshold.
        corrected: whether several gates made it wider.
        samples: those planned behind the figure.
        unmeasured: the items behind the figure that were not measured.
        detectable: how far from the threshold the truth must lie for a verdict in 80% of cases.
        repeats: how often every item was planned, with a baseline in both runs.
        repeats_share: how much of the figure's variance is the chance of single answers; the rest is the choice of
            samples. None without repeats.
        outlook: None unless inconclusive.
    """

    gate: Gate
    verdict: Verdict
    reason: str
    figure: float | None
    interval: Interval | None
    corrected: bool
    samples: int
    unmeasured: int
    detectable: float | None
    repeats: int
    repeats_share: float | None
    outlook: Outlook | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GateReport:
    """What came out for a file. ``obstacles``: why nothing can be gated, in words; empty where something can."""

    file: GateFile
    obstacles: tuple[str, ...]
    verdicts: tuple[GateVerdict, ...]

    @property
    def verdict(self) -> Verdict:
        """The most alarming one."""
        return max((entry.verdict for entry in self.verdicts), key=list(Verdict).index)

    @property
    def exit_status(self) -> int:
        """0 all gates pass, 1 a gate fails, 10 inconclusive, 11 cannot be gated (docs/ci.md)."""
        return EXIT_STATUS[self.verdict]


def judge_run(file: GateFile, run: Run, baselines: Mapping[Path, Run], *, interrupted: str = "") -> GateReport:
    """The verdicts on a run.

    ``baselines``: the runs that gates name. ``interrupted``: why the run ended early, if it did.
    """
    obstacles = (*filter(None, [interrupted]), *coverage_obstacles(file, run), *judge_obstacles(file, run))
    sources = [None if gate.baseline is None else baselines[gate.baseline] for gate in file.gates]
    values = [metric_values(gate, run, source) for gate, source in zip(file.gates, sources, strict=True)]
    verdicts = decide([evidence(gate, found) for gate, found in zip(file.gates, values, strict=True)])
    if obstacles:
        verdicts = [replace(entry, verdict=Verdict.CANNOT, reason=obstacles[0], outlook=None) for entry in verdicts]
    return GateReport(file=file, obstacles=obstacles, verdicts=tuple(verdicts))


def decide(gates: Sequence[Evidence]) -> list[GateVerdict]:
    """The verdicts on gates of one file, in their order."""
    tested = [found for found in gates if not found.refusal and found.gate.decision is Decision.INTERVAL]
    to_pass = step_down([partial(_shows_pass, found) for found in tested], LEVEL)
    to_fail = step_down([partial(_shows_failure, found) for found in tested], LEVEL)
    levels = {
        found.gate.title: Levels(to_pass=passing, to_fail=failing)
        for found, passing, failing in zip(tested, to_pass, to_fail, strict=True)
    }
    return [_verdict(found, levels.get(found.gate.title, Levels())) for found in gates]


def coverage_obstacles(file: GateFile, run: Run) -> Iterator[str]:
    """How the run misses the file's [coverage]; items of studies are left out."""
    records = benchmark_records(run)
    planned = sum(not item.key.variant for item in run.manifest.planned)
    missing = planned - sum(record.measured for record in records)
    if file.max_unmeasured is not None and missing > file.max_unmeasured:
        yield f"{missing} of {planned} items not measured (max_unmeasured {file.max_unmeasured})"
    answered, cut = sum(record.answer is not None for record in records), sum(map(truncated, records))
    if file.max_truncated is not None and cut > file.max_truncated * answered:
        yield f"{cut} of {answered} answers cut at max_tokens (max_truncated {file.max_truncated:g})"


# --- one gate --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Levels:
    """The levels of confidence at which a gate is read to see whether it passes, and whether it fails."""

    to_pass: float = LEVEL
    to_fail: float = LEVEL


def _shows_pass(found: Evidence, level: float) -> bool:
    return passes(found.gate, found.interval(level))


def _shows_failure(found: Evidence, level: float) -> bool:
    return fails(found.gate, found.interval(level))


def _verdict(found: Evidence, levels: Levels) -> GateVerdict:
    gate, error = found.gate, found.standard_error
    bounds = None if found.refusal or error is None else _bounds(found, levels)
    compared = found.figures if gate.decision is Decision.POINT and not found.refusal else bounds
    verdict = Verdict.CANNOT if compared is None else _compared(found, compared, levels)
    within = found.source.variance_of_repeats()
    level, near = max(levels.to_pass, levels.to_fail), found.error_at_threshold
    detectable = None if near is None else detectable_difference(near, found.freedom, level=level)
    result = GateVerdict(
        gate=gate,
        verdict=verdict,
        reason=_reason(found) if verdict is Verdict.CANNOT else "",
        figure=found.figure,
        interval=bounds,
        corrected=levels != Levels(),
        samples=found.source.samples,
        unmeasured=found.source.unmeasured,
        detectable=detectable,
        repeats=found.source.repeats,
        repeats_share=min(1.0, within / error**2) if within is not None and error else None,
    )
    return replace(result, outlook=outlook(result)) if verdict is Verdict.INCONCLUSIVE else result


def _bounds(found: Evidence, levels: Levels) -> Interval:
    passing, failing = found.interval(levels.to_pass), found.interval(levels.to_fail)
    if found.gate.at_most:
        return Interval(failing.low, passing.high)
    return Interval(passing.low, failing.high)


def _compared(found: Evidence, compared: Interval, levels: Levels) -> Verdict:
    """The verdict by these bounds. It cannot be had where measuring the rest could bring a verdict."""
    if passes(found.gate, compared):
        return Verdict.PASS
    if fails(found.gate, compared):
        return Verdict.FAIL
    could_pass = any(passes(found.gate, interval) for interval in found.intervals(levels.to_pass))
    could_fail = any(fails(found.gate, interval) for interval in found.intervals(levels.to_fail))
    undecided_figure = found.gate.decision is Decision.POINT
    return Verdict.CANNOT if could_pass or could_fail or undecided_figure else Verdict.INCONCLUSIVE


def _reason(found: Evidence) -> str:
    return found.refusal or f"depends on {found.source.unmeasured} items that were not measured"


def outlook(result: GateVerdict) -> Outlook:
    """What would decide an inconclusive gate: a detectable difference no larger than the truth's distance.

    The truth is taken to be the figure; with a baseline, where that lies farther away, that nothing changed.
    """
    gap = 0.0 if result.figure is None else abs(result.figure - result.gate.threshold)
    if result.gate.baseline is not None:
        gap = max(gap, -result.gate.threshold)
    if gap < ROUNDING or not result.detectable:
        return Outlook()
    ratio = (gap / result.detectable) ** 2  # of the variance that would do to the variance that there is
    share = result.repeats_share
    spare = None if share is None else ratio - (1 - share)
    return Outlook(
        samples=math.ceil(result.samples / ratio),
        repeats=math.ceil(result.repeats * share / spare) if share and spare and spare > 0 else None,
    )
