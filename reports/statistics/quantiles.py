"""Intervals of quantiles from order statistics: two of the values themselves, found by counting.

How many of n independent values lie below the true quantile q is binomial(n, q), whatever the distribution is, so that
[x_(l), x_(u)] holds it with at least 95% if P(count < l) and P(count >= u) are at most 2.5% (W. J. Conover 1999,
Practical Nonparametric Statistics, section 3.2). A bootstrap's percentiles cannot lie beyond the largest value; at the
sizes at which a p99 is asked for its 95% intervals held the truth in 63 to 66% of cases.

The upper end is open (infinite) where even the largest value may lie below the quantile: under 36 values for p90, 72
for p95 and 368 for p99. The lower end is then still known.

Values that come in clusters, such as the gaps between the tokens of one reply, count for fewer: n is divided by the
design effect of the share of values below the quantile (L. Kish 1965, Survey Sampling, section 8.2; the confidence
limits of quantiles by those of shares: R. S. Woodruff 1952, JASA 47, 635).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from scipy.special import bdtr

from reports.statistics.intervals import LEVEL, ROUNDING, Floats, Interval, quantile


def quantile_interval(
    clusters: Sequence[Sequence[float]], probability: float, *, level: float = LEVEL
) -> Interval | None:
    """The interval of a quantile, 0 < ``probability`` < 1, of values in clusters, none of them empty.

    ``high`` is ``inf`` where it is open. None where the lower end is open as well: so few values say nothing.
    """
    values = np.sort([value for cluster in clusters for value in cluster])
    if not len(values):
        return None
    count = _effective_count(clusters, values, probability, level)
    below, above = order_statistics(count, probability, level=level)
    if below < 1:
        return None
    scale = len(values) / count
    high = math.inf if above > count else float(values[math.ceil(above * scale - ROUNDING) - 1])
    return Interval(float(values[max(1, math.floor(below * scale + ROUNDING)) - 1]), high)


def order_statistics(n: int, probability: float, *, level: float = LEVEL) -> tuple[int, int]:
    """The ranks (from 1) of the values that bound a quantile of ``n``; 0 and n + 1 stand for open ends."""
    tail = (1 - level) / 2
    cumulative = np.concatenate([[0.0], bdtr(np.arange(n + 1.0), n, probability)])  # [i]: P(count < i)
    below = int(np.searchsorted(cumulative, tail, side="right")) - 1
    return below, int(np.searchsorted(cumulative, 1 - tail, side="left"))


def _effective_count(
    clusters: Sequence[Sequence[float]], values: Floats, probability: float, level: float
) -> int:
    """How many independent values know as much of the share below the quantile; at most as many as there are.

    With few clusters the design effect is itself uncertain, so that it is enlarged as Student's t is against the
    normal quantile.
    """
    sizes = np.array([len(cluster) for cluster in clusters], dtype=float)
    if (sizes == 1).all() or len(clusters) < 2:
        return len(values) if (sizes == 1).all() else 1
    limit = values[math.ceil(probability * len(values) - ROUNDING) - 1]
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]]).astype(int)
    flat = np.array([value for cluster in clusters for value in cluster])
    below = np.add.reduceat((flat <= limit).astype(float), starts)
    share = below.sum() / len(values)
    variance = (
        len(clusters) / (len(clusters) - 1) * float(((below - share * sizes) ** 2).sum()) / len(values) ** 2
    )
    if variance < ROUNDING:
        return len(clusters)
    inflated = variance * (quantile(len(clusters) - 1, level) / quantile(math.inf, level)) ** 2
    return max(1, min(len(values), int(share * (1 - share) / inflated + ROUNDING)))
