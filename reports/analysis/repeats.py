"""How much answers to the same item differ from repeat to repeat (``--repeats``)."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from typing import Any

from reports.analysis.comparison import FLIP
from reports.records.outcomes import Outcome, grouped
from reports.statistics.sign_flips import NO_CHANGE
from scoring.questions import Mode, Question


@dataclass(frozen=True, slots=True, kw_only=True)
class RepeatSpread:
    """The spread of the scores of one group of items over their repeats; scores 0..1.

    Attributes:
        mode: the mode of the items.
        question: the question of the items; None for all questions of the mode.
        items: how many items have at least two measured repeats.
        differing: how many of these have repeats with different scores.
        flip_rate: the share of pairs of repeats of an item with scores that differ by `FLIP` or more; mean
            over items.
        lowest: the lowest mean of a single repeat, over the items measured in every repeat; None if there are
            none.
        highest: the highest.
        within: the variance of an item's score from repeat to repeat; mean over items.
        between: the variance of the items' true scores: that of their means minus the part from repeats; at
            least 0.
    """

    mode: Mode
    question: Question | None
    items: int
    differing: int
    flip_rate: float
    lowest: float | None
    highest: float | None
    within: float
    between: float

    @property
    def deviation(self) -> float:
        """The standard deviation of an item's score from repeat to repeat."""
        return math.sqrt(self.within)

    @property
    def share(self) -> float | None:
        """The share of a single score's variance that comes from repeats; None if nothing varies."""
        return self.within / total if (total := self.within + self.between) > 0 else None


def repeat_spreads(outcomes: Iterable[Outcome]) -> tuple[RepeatSpread, ...]:
    """Return a spread per mode and question, and one per mode; none without repeats. Studies are left out."""
    measured = grouped(
        (outcome for outcome in outcomes if outcome.measured and not outcome.key.variant),
        lambda outcome: outcome.key.mode,
    )
    spreads = []
    for mode in Mode:
        of_mode = grouped(measured.get(mode, ()), lambda outcome: outcome.key.question)
        asked = [question for question in Question if question in of_mode]
        rows = [(question, of_mode[question]) for question in asked]
        everything = [(None, measured[mode])] if len(asked) > 1 else []
        for question, group in [*rows, *everything]:
            if spread := _spread(mode, question, group):
                spreads.append(spread)
    return tuple(spreads)


def repeats_json(spreads: Sequence[RepeatSpread]) -> list[dict[str, Any]]:
    """Return the entries of ``repeats`` in ``report.json``."""
    return [{**asdict(spread), "share": spread.share} for spread in spreads]


def _spread(mode: Mode, question: Question | None, outcomes: Sequence[Outcome]) -> RepeatSpread | None:
    by_item = grouped(outcomes, lambda outcome: (outcome.key.sample_id, outcome.key.question))
    items = [
        {outcome.key.repeat: outcome.value or 0.0 for outcome in group}
        for group in by_item.values()
        if len(group) > 1
    ]
    if not items:
        return None
    scores = [list(item.values()) for item in items]
    variances = [statistics.variance(item) for item in scores]
    within = statistics.fmean(variances)
    from_repeats = statistics.fmean(
        variance / len(item) for variance, item in zip(variances, scores, strict=True)
    )
    centres = [statistics.fmean(item) for item in scores]
    between = statistics.variance(centres) - from_repeats if len(centres) > 1 else 0.0
    means = _means_of_repeats(items)
    return RepeatSpread(
        mode=mode,
        question=question,
        items=len(items),
        differing=sum(max(item) - min(item) > NO_CHANGE for item in scores),
        flip_rate=statistics.fmean(map(_flip_rate, scores)),
        lowest=min(means, default=None),
        highest=max(means, default=None),
        within=within,
        between=max(0.0, between),
    )


def _flip_rate(scores: Sequence[float]) -> float:
    return statistics.fmean(abs(first - second) >= FLIP for first, second in combinations(scores, 2))


def _means_of_repeats(items: Sequence[dict[int, float]]) -> list[float]:
    """Return the mean of each repeat, over the items that were measured in all of them."""
    repeats = set().union(*items)
    complete = [item for item in items if repeats == item.keys()]
    return [statistics.fmean(item[repeat] for item in complete) for repeat in sorted(repeats) if complete]
