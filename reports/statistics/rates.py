"""Rates: the share of answers that do something, such as calling a bad measurement good."""

from __future__ import annotations

import statistics
from collections.abc import Iterable
from dataclasses import dataclass

from reports.statistics.intervals import Interval, mean_interval


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """A count of items and the share that it is of ``of`` items.

    Attributes:
        share: 0..1, the mean over samples of each sample's own share; without repeats ``count / of``. None if
            there are no items.
        interval: of the share, clustered by sample; None under two samples.
    """

    count: int
    of: int
    share: float | None
    interval: Interval | None


def rate(cases: Iterable[tuple[str, bool]]) -> Rate:
    """Return the rate of true cases; each case is given with its sample."""
    samples: dict[str, list[bool]] = {}
    for sample, holds in cases:
        samples.setdefault(sample, []).append(holds)
    shares = [statistics.fmean(held) for held in samples.values()]
    return Rate(
        count=sum(map(sum, samples.values())),
        of=sum(map(len, samples.values())),
        share=statistics.fmean(shares) if shares else None,
        interval=mean_interval(shares),
    )
