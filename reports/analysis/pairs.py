"""Every pair of several runs: paired differences, p-values adjusted for their number, and who is ahead of whom."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace

from reports.analysis.standings import Entrant
from reports.statistics.holm import adjusted
from reports.statistics.intervals import LEVEL
from reports.statistics.paired import PairedDifference, paired_difference
from scoring.questions import Mode, Question


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """Two entrants, by place; the difference is ``second`` minus ``first``.

    ``adjusted_p``: Holm's, over all pairs of the same table; None without a test.
    """

    first: int
    second: int
    difference: PairedDifference
    adjusted_p: float | None

    @property
    def shown(self) -> bool:
        """Whether the difference is more than chance after correction for all pairs."""
        return self.adjusted_p is not None and self.adjusted_p <= 1 - LEVEL


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranking:
    """How many entrants one is shown to be ahead of, how many behind, and for how many neither is shown."""

    ahead: int
    behind: int
    undecided: int


def pairs(entrants: Sequence[Entrant], mode: Mode, question: Question | None = None) -> list[Pair]:
    """Compare all pairs in a question, or in the mean of the questions that both ask.

    Pairs without a shared sample are left out. Errors are clustered by sample (`reports.statistics.paired`).
    """
    all_pairs = [
        Pair(first=a, second=b, difference=difference, adjusted_p=None)
        for a, b in itertools.combinations(range(len(entrants)), 2)
        if (difference := _difference(entrants[a], entrants[b], mode, question)).mean is not None
    ]
    tested = [pair for pair in all_pairs if pair.difference.p_value is not None]
    levels = adjusted([pair.difference.p_value or 0.0 for pair in tested])
    known = dict(zip([(pair.first, pair.second) for pair in tested], levels, strict=True))
    return [replace(pair, adjusted_p=known.get((pair.first, pair.second))) for pair in all_pairs]


def ranking(place: int, compared: Sequence[Pair]) -> Ranking:
    """Count the pairs of the entrant at this place by their result."""
    signs = [
        (pair.difference.mean or 0.0) * (1 if pair.second == place else -1) if pair.shown else 0.0
        for pair in compared
        if place in {pair.first, pair.second}
    ]
    ahead, behind = sum(sign > 0 for sign in signs), sum(sign < 0 for sign in signs)
    return Ranking(ahead=ahead, behind=behind, undecided=len(signs) - ahead - behind)


def _difference(first: Entrant, second: Entrant, mode: Mode, question: Question | None) -> PairedDifference:
    questions = [question] if question else mode.questions
    asked = [one for one in questions if all((mode, one) in entrant.standings for entrant in (first, second))]
    return paired_difference(
        [first.samples[mode, one] for one in asked], [second.samples[mode, one] for one in asked]
    )
