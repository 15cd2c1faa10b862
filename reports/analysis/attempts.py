"""Items that were asked again although they had been measured (``--pass-mark`` with ``--lf``).

Every figure uses the first measured score. The later scores are reported separately: they exist because the
first score was low, so their mean is biased, but how often the score changed is not.
"""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from dataclasses import dataclass

from reports.records.outcomes import counted_records
from reports.records.records import ItemKey, Run
from reports.statistics.rates import Rate, rate
from scoring.questions import Mode, Question


@dataclass(frozen=True, slots=True, kw_only=True)
class FurtherAttempts:
    """The items of one question in one mode that were asked again.

    Attributes:
        items: how many items.
        flips: how many of the later scores differ from the one that counts.
        counted_mean: mean of the scores that count, over these items, 0..1.
        further_mean: mean of the later scores, 0..1.
    """

    items: int
    flips: Rate
    counted_mean: float
    further_mean: float


def items_asked_again(run: Run) -> dict[tuple[Mode, Question], FurtherAttempts]:
    """Map mode and question, in the benchmark's order, to the items asked again; empty if there are none."""
    scores = {key: values for key, values in _measured(run).items() if len(values) > 1}
    groups: dict[tuple[Mode, Question], dict[ItemKey, list[float]]] = {}
    for key, values in scores.items():
        groups.setdefault((key.mode, key.question), {})[key] = values
    order = [(mode, question) for mode in Mode for question in Question]
    return {group: _summary(groups[group]) for group in order if group in groups}


def _measured(run: Run) -> Mapping[ItemKey, list[float]]:
    """Map each planned item with several records to its scores, in the order in which they were measured."""
    if len(run.records) == len(counted := counted_records(run)):
        return {}
    scores: dict[ItemKey, list[float]] = {key: [] for key in counted}
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
