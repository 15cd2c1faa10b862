"""Verdicts on a run: whether it passes the gates of a file, fails them, or cannot be decided.

A gate compares an interval with its threshold, both ends at the file's one-sided ``level``, 95% by default.

- With a threshold, the figure is a mean of scores or a rate. Its interval is `intervals.mean_interval`, for
  plots like these; for ICL deltas it is `paired.change_interval`.
- With a baseline, the figure is the mean of the paired differences and the threshold is -max_drop. If both
  runs have repeats, the interval is about this benchmark (`fixed_benchmark`); else it is
  `paired.change_interval`. PASS is the result of a non-inferiority test with margin max_drop, one-sided at 5%
  (G. Piaggio et al. 2012, JAMA 308, 2594). FAIL is the result of the test in the other direction: the drop is
  shown to be larger than allowed. WORSE BUT WITHIN means that a drop is shown, and shown to be no larger than
  allowed.
- A file passes only if all its gates pass, so PASS needs no correction for several gates. A single gate can
  make a file fail, so FAIL and WORSE BUT WITHIN are decided with Holm's correction (`holm`).
- If verdicts are taken after each repeat, each look uses a higher level (`group_sequential`).
- Unmeasured items widen the interval: its lower bound counts them as wrong, its upper bound as right. A gate
  cannot be gated if they could decide its verdict, or if its samples are too few to pass. No gate can be
  decided if the file's conditions on coverage or judges are not met.

tests/test_gates_error_rates.py simulates how often verdicts are wrong.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import partial
from pathlib import Path

from reports.gates.evidence import Evidence, evidence, fails, passes
from reports.gates.file import LEVEL, Decision, Gate, GateFile
from reports.gates.metrics import MetricValues, metric_values
from reports.gates.obstacles import obstacles
from reports.gates.outlook import Outlook, detectable, outlook
from reports.gates.populations import Population, flip_rate
from reports.records.records import Run
from reports.statistics.group_sequential import Look
from reports.statistics.holm import step_down
from reports.statistics.intervals import Interval


class GateVerdict(StrEnum):
    """The verdict on a gate, in order of severity: a file has the most severe verdict of its gates."""

    PASS = "PASS"  # noqa: S105  no password
    WORSE = "WORSE BUT WITHIN"
    INCONCLUSIVE = "INCONCLUSIVE"
    CANNOT = "CANNOT BE GATED"
    FAIL = "FAIL"


EXIT_STATUS = {
    GateVerdict.PASS: 0,
    GateVerdict.WORSE: 0,
    GateVerdict.FAIL: 1,
    GateVerdict.INCONCLUSIVE: 10,
    GateVerdict.CANNOT: 11,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class GateResult:
    """The result of one gate. Figures are fractions; None if unknown.

    Attributes:
        reason: why the gate cannot be gated; empty if it can.
        interval: the bounds that were compared with the threshold, after all corrections.
        population: the population of the interval.
        corrected: whether several gates or several looks made the interval wider.
        samples: the number of samples planned for the figure.
        unmeasured: the number of items of the figure that were not measured.
        detectable: how far from the threshold the truth must be for a verdict in 80% of cases.
        repeats: the number of repeats planned for every item of this run.
        baseline_repeats: the same of the baseline; 0 without one.
        flip_rate: the share of answers with another score in another repeat, in the baseline or else in the
            run.
        repeats_share: the share of the figure's variance that comes from single answers; the rest comes from
            the choice of samples. None without repeats, and for this benchmark, where it is always 1.
        outlook: what would decide the gate; None unless inconclusive.
    """

    gate: Gate
    verdict: GateVerdict
    reason: str
    figure: float | None
    interval: Interval | None
    population: Population
    corrected: bool
    samples: int
    unmeasured: int
    detectable: float | None
    repeats: int
    baseline_repeats: int
    flip_rate: float | None
    repeats_share: float | None
    outlook: Outlook | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GateReport:
    """The results of all gates of a file.

    Attributes:
        obstacles: why nothing can be gated, as text; empty if gates can be decided.
        look: the look at which the run was gated, with ``--max-repeats``; else None.
        attempt: how often this run has been gated, including this time.
        chosen_from: baseline -> the number of runs it was chosen from, if its folder records more than one.
    """

    file: GateFile
    obstacles: tuple[str, ...]
    results: tuple[GateResult, ...]
    look: Look | None = None
    attempt: int = 1
    chosen_from: Mapping[Path, int] = field(default_factory=dict)

    @property
    def verdict(self) -> GateVerdict:
        """The most severe verdict."""
        return max((entry.verdict for entry in self.results), key=list(GateVerdict).index)

    @property
    def exit_status(self) -> int:
        """0 if all gates pass, 1 if a gate fails, 10 if inconclusive, 11 if a gate cannot be decided (docs/ci.md)."""
        return EXIT_STATUS[self.verdict]


def judge_run(
    file: GateFile,
    run: Run,
    baselines: Mapping[Path, Run],
    *,
    interrupted: str = "",
) -> GateReport:
    """Decide all gates of a file for a run.

    ``baselines`` holds the runs that gates name, by path. ``interrupted`` is why the run ended early, if it
    did.
    """
    why_not = obstacles(file, run, interrupted)
    evidences = [
        _evidence(gate, run, None if gate.baseline is None else baselines[gate.baseline])
        for gate in file.gates
    ]
    verdicts = decide(evidences)
    if why_not:
        verdicts = [
            replace(entry, verdict=GateVerdict.CANNOT, reason=why_not[0], outlook=None) for entry in verdicts
        ]
    look = max((entry.look for entry in evidences), key=lambda look: look.repeats) if run.looks else None
    return GateReport(file=file, obstacles=why_not, results=tuple(verdicts), look=look)


def _evidence(gate: Gate, run: Run, baseline: Run | None) -> Evidence:
    values = metric_values(gate, run, baseline)
    same_run = baseline is not None and _same(run, baseline)
    return evidence(gate, values, look=look_at(values, run.looks), same_run=same_run)


def _same(run: Run, other: Run) -> bool:
    return run.manifest.run_id == other.manifest.run_id and run.records == other.records


def look_at(values: MetricValues, looks: Sequence[int]) -> Look:
    """Return which of the looks these values are; without looks, the only one."""
    repeats = max(1, values.repeats())
    baseline = values.repeats(of_baseline=True) or float("inf")
    return Look(repeats=repeats, planned=tuple(looks) or (repeats,), baseline_repeats=baseline)


def decide(gates: Sequence[Evidence]) -> list[GateResult]:
    """Decide the gates of one file; return the results in the same order."""
    tested = [each for each in gates if each.is_testable and each.gate.decision is Decision.INTERVAL]
    level = tested[0].gate.level if tested else LEVEL
    to_fail = step_down([partial(_shows_failure, each) for each in tested], level)
    levels = {
        each.gate.title: Levels(to_pass=level, to_fail=failing)
        for each, failing in zip(tested, to_fail, strict=True)
    }
    return [_verdict(each, levels.get(each.gate.title, Levels(level, level))) for each in gates]


# --- one gate -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Levels:
    """The one-sided levels at which a gate passes and at which it fails."""

    to_pass: float
    to_fail: float


def _shows_failure(shown: Evidence, level: float) -> bool:
    return fails(shown.gate, shown.interval(level))


def _verdict(shown: Evidence, levels: Levels) -> GateResult:
    gate, error = shown.gate, shown.standard_error
    bounds = None if shown.refusal or error is None else _bounds(shown, levels)
    compared = shown.figures if gate.decision is Decision.POINT and not shown.refusal else bounds
    verdict = GateVerdict.CANNOT if compared is None else _compared(shown, compared, levels)
    verdict = GateVerdict.CANNOT if shown.too_few and verdict is not GateVerdict.FAIL else verdict
    within = shown.source.variance_of_repeats() if shown.population is Population.PLOTS else None
    result = GateResult(
        gate=gate,
        verdict=verdict,
        reason=_reason(shown) if verdict is GateVerdict.CANNOT else "",
        figure=shown.figure,
        interval=bounds,
        population=shown.population,
        corrected=levels.to_fail != levels.to_pass or len(shown.look.planned) > 1,
        samples=shown.source.samples,
        unmeasured=shown.source.unmeasured,
        detectable=detectable(shown, levels.to_fail),
        repeats=shown.source.repeats(),
        baseline_repeats=shown.source.repeats(of_baseline=True),
        flip_rate=flip_rate(shown.source),
        repeats_share=min(1.0, within / error**2) if within is not None and error else None,
    )
    return (
        replace(result, outlook=outlook(shown, levels.to_pass))
        if verdict is GateVerdict.INCONCLUSIVE
        else result
    )


def _bounds(shown: Evidence, levels: Levels) -> Interval:
    passing, failing = shown.interval(levels.to_pass), shown.interval(levels.to_fail)
    if shown.gate.at_most:
        return Interval(failing.low, passing.high)
    return Interval(passing.low, failing.high)


def _compared(shown: Evidence, compared: Interval, levels: Levels) -> GateVerdict:
    """Return the verdict for these bounds; CANNOT if measuring the rest could decide the gate."""
    if passes(shown.gate, compared):
        return GateVerdict.WORSE if _shows_drop(shown, compared) else GateVerdict.PASS
    if fails(shown.gate, compared):
        return GateVerdict.FAIL
    could_pass = any(passes(shown.gate, interval) for interval in shown.intervals(levels.to_pass))
    could_fail = any(fails(shown.gate, interval) for interval in shown.intervals(levels.to_fail))
    undecided_figure = shown.gate.decision is Decision.POINT
    return GateVerdict.CANNOT if could_pass or could_fail or undecided_figure else GateVerdict.INCONCLUSIVE


def _shows_drop(shown: Evidence, compared: Interval) -> bool:
    return shown.gate.baseline is not None and shown.gate.decision is Decision.INTERVAL and compared.high < 0


def _reason(shown: Evidence) -> str:
    return (
        shown.refusal or shown.too_few or f"depends on {shown.source.unmeasured} items that were not measured"
    )
