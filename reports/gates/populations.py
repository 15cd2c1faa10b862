"""The two populations that a verdict can be about, and how far single answers vary.

- *This benchmark*: the samples are fixed and only answers vary. This needs repeats in both runs
  (`fixed_benchmark`).
- *Plots like these*: samples are drawn at random. This needs no repeats. The interval is wider, because other
  samples would have given other figures.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum
from itertools import combinations

import numpy as np

from reports.gates.metrics import MetricValues, Part
from reports.statistics.fixed_benchmark import AnswerNoise, growth, noise_of_repeats
from scoring.questions import Question

FLIP = 0.5
"""An answer flips if its score differs from that of another repeat by at least this much."""


class Population(StrEnum):
    """What an interval is about."""

    BENCHMARK = "this benchmark"
    PLOTS = "plots like these"


def noise_by_side(values: MetricValues) -> list[AnswerNoise | None]:
    """Return the noise of each run and mode of a figure, in the order of a question's parts.

    None without repeats.
    """
    sides = [
        dict(zip(values.questions, parts, strict=True))
        for parts in zip(*values.questions.values(), strict=True)
    ]
    return [noise_of_repeats(_contributions(parts), _gained(parts.values())) for parts in sides]


def _gained(parts: Iterable[Part]) -> float:
    """Return `fixed_benchmark.growth` of these parts; without repeats, the growth of answers that are always right."""
    questions = [
        [measured for repeats in part.items.values() if len(measured := _measured(repeats)) > 1]
        for part in parts
    ]
    if not all(questions):
        return 1 / max(1, len(questions))
    means, variances, largest = [], [], []
    for items in questions:
        spreads = [statistics.variance(item) for item in items]
        centres = [math.fsum(item) / len(item) for item in items]
        means.append(statistics.fmean(centres))
        variances.append(statistics.fmean(spreads))
        largest.append(
            statistics.fmean(
                centre * (1 - centre) + spread / len(item)
                for item, centre, spread in zip(items, centres, spreads, strict=True)
            )
        )
    return float(growth(np.array(means), np.array(variances), np.array(largest)))


def _measured(repeats: Iterable[float | None]) -> list[float]:
    return [value for value in repeats if value is not None]


def flip_rate(values: MetricValues) -> float | None:
    """Return the share of pairs of repeats with scores that differ by `FLIP` or more; None without repeats.

    It is measured in the baseline if that has repeats, else in the run.
    """
    for of_baseline in (True, False):
        items = [
            measured for measured in _measured_items(values, of_baseline=of_baseline) if len(measured) > 1
        ]
        if items:
            return math.fsum(_flips(measured) for measured in items) / len(items)
    return None


def _measured_items(values: MetricValues, *, of_baseline: bool) -> Iterator[list[float]]:
    for parts in values.questions.values():
        for part in parts:
            if part.of_baseline is of_baseline:
                for repeats in part.items.values():
                    yield _measured(repeats)


def _flips(measured: Sequence[float]) -> float:
    pairs = list(combinations(measured, 2))
    return sum(abs(first - second) >= FLIP for first, second in pairs) / len(pairs)


def _contributions(parts: dict[Question, Part]) -> Iterator[list[float]]:
    """Yield, for each sample, the contribution of each repeat: sum over questions of value / (questions * samples)."""
    measured = {
        question: {
            sample: scores_of_sample
            for sample, repeats in part.items.items()
            if (scores_of_sample := _measured(repeats))
        }
        for question, part in parts.items()
    }
    for sample in sorted(set().union(*measured.values())):
        asked = [
            (question, scores_of_sample[sample])
            for question, scores_of_sample in measured.items()
            if sample in scores_of_sample
        ]
        count = min(len(scores_of_sample) for _, scores_of_sample in asked)
        yield [
            math.fsum(
                scores_of_sample[repeat] / (len(parts) * len(measured[question]))
                for question, scores_of_sample in asked
            )
            for repeat in range(count)
        ]
