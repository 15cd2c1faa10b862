"""Forecast, before anything is asked, which gates against a baseline are unlikely to reach a verdict."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from pathlib import Path

from scipy.special import ndtr, ndtri

from reports.gates.evidence import MOST_REPEATS, ROUNDING
from reports.gates.file import Decision, Gate, GateFile
from reports.gates.metrics import MetricValues, metric_values
from reports.gates.populations import flip_rate, noise_by_side
from reports.gates.verdicts import look_at
from reports.records.records import Run
from reports.statistics.group_sequential import Look
from reports.statistics.paired import POWER


def forecasts(file: GateFile, run: Run, baselines: Mapping[Path, Run]) -> Iterator[str]:
    """Yield a line for each gate that an unchanged model is unlikely to pass, with what would help.

    ``run`` is planned and has no records.
    """
    asked_once: dict[Path, None] = {}
    for gate in file.gates:
        if gate.baseline is None or gate.decision is Decision.POINT or gate.threshold > -ROUNDING:
            continue
        values = metric_values(gate, run, baselines[gate.baseline])
        look = look_at(values, run.looks)
        if look.baseline_repeats < 2:
            asked_once[gate.baseline] = None
        elif look.planned[-1] < 2:
            yield (
                f"{gate.title}: with one repeat in this run the interval is about plots like these, which is wider; "
                "--max-repeats 4 makes it about this benchmark"
            )
        else:
            yield from _of_repeats(gate, values, look)
    for baseline in asked_once:
        yield (
            f"baseline {baseline} has one repeat: intervals are about plots like these, and most equally good models "
            "stay undecided; make the baseline again with --repeats 8"
        )


def _of_repeats(gate: Gate, values: MetricValues, look: Look) -> Iterator[str]:
    """Forecast from the baseline's noise, which the run is assumed to share; only the last look counts."""
    parts = next(iter(values.questions.values()))
    sides = [side for part, side in zip(parts, noise_by_side(values), strict=True) if part.of_baseline]
    if None in sides:
        return
    baseline = math.fsum(side.variance for side in sides if side is not None)
    single, quantile = baseline * look.baseline_repeats, float(ndtri(look.nominal(gate.level)))
    error = math.sqrt(single / look.planned[-1] + baseline)
    chance = float(ndtr(-gate.threshold / error - quantile)) if error > 0 else 1.0
    if chance >= POWER:
        return
    wanted = (-gate.threshold / (quantile + float(ndtri(POWER)))) ** 2
    yield (
        f"{gate.title}: {100 * (flip_rate(values) or 0.0):.0f}% of the baseline's answers flip between repeats; with "
        f"{look.planned[-1]} repeats an unchanged model passes in about {100 * chance:.0f}% of cases; "
        f"{_remedy(single, baseline, wanted, look)}"
    )


def _remedy(single: float, baseline: float, wanted: float, look: Look) -> str:
    """Return what raises the chance to 80%: more repeats here, more in both runs, or another gate."""
    option = "--max-repeats" if len(look.planned) > 1 else "--repeats"
    if wanted > baseline and (here := math.ceil(single / (wanted - baseline))) <= MOST_REPEATS:
        return f"{option} {here} makes it {100 * POWER:.0f}%"
    both = math.ceil(2 * single / wanted)
    if both <= MOST_REPEATS:
        return f"{both} repeats in both runs make it {100 * POWER:.0f}%"
    return "allow a larger max_drop, or gate on more questions"
