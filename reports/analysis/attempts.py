"""Further attempts: items asked again although they were measured (``--pass-mark`` with ``--lf``).

The first measured score counts in every figure. Later attempts are reported apart: they were made because the first
score was low, so their mean is biased; how often the score changed is not.
"""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from dataclasses import dataclass

from reports.records.records import ItemKey, Run
from reports.statistics.rates import Rate, rate
from scoring.questions import Mode, Question


@dataclass(frozen=True, slots=True, kw_only=True)
class FurtherAttempts:
    """The further attempts of one question in one mode.

    Attributes:
        items: how many were asked again.
        flips: further attempts whose score differs from the one that counts, of all further attempts.
        counted_mean: mean of the scores that count, of these items, 0..1.
        further_mean: mean of the further attempts' scores, 0..1.
    """

    items: int
    flips: Rate
    counted_mean: float
    further_mean: float


def further_attempts(run: Run) -> dict[tuple[Mode, Question], FurtherAttempts]:
    """By mode and question, in the benchmark's order; empty where nothing measured was asked again."""
    scores = {key: values for key, values in _measured(run).items() if len(values) > 1}
    groups: dict[tuple[Mode, Question], dict[ItemKey, list[float]]] = {}
    for key, values in scores.items():
        groups.setdefault((key.mode, key.question), {})[key] = values
    order = [(mode, question) for mode in Mode for question in Question]
    return {group: _summary(groups[group]) for group in order if group in groups}


def _measured(run: Run) -> Mapping[ItemKey, list[float]]:
    """The scores of each planned item, in the order measured."""
    scores: dict[ItemKey, list[float]] = {item.key: [] for item in run.manifest.planned}
    for record in run.records:
        if record.measured and record.score is not None and record.key in scores:
            scores[record.key].append(record.score.value)
    return scores


def _summary(items: Mapping[ItemKey, list[float]]) -> FurtherAttempts:
    return FurtherAttempts(
        items=len(items),
        flips=rate(
            (key.sample_id, value != first) for key, (first, *further) in items.items() for value in further
        ),
        counted_mean=statistics.fmean(values[0] for values in items.values()),
        further_mean=statistics.fmean(value for values in items.values() for value in values[1:]),
    )
