"""Confidence intervals of quantiles from order statistics: both ends are observed values.

The number of n independent values below the true quantile q is binomial(n, q), whatever the distribution. So
[x_(l), x_(u)] covers it with at least 95% if P(count < l) and P(count >= u) are at most 2.5% (W. J. Conover
1999, Practical Nonparametric Statistics, section 3.2). The percentiles of a bootstrap cannot lie beyond the
largest value: at typical sample sizes for a p99 its 95% intervals covered the true value in 63 to 66% of
cases.

The upper end is open (infinite) if even the largest value may lie below the quantile: with fewer than 36
values for p90, 72 for p95 and 368 for p99. The lower end is still known.

Values in clusters, such as the gaps between the tokens of one reply, carry less information: n is divided by
the design effect of the share of values below the quantile (L. Kish 1965, Survey Sampling, section 8.2;
confidence limits of quantiles from those of shares: R. S. Woodruff 1952, JASA 47, 635).
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
    """Return the interval of a quantile, 0 < ``probability`` < 1, of values in clusters, none of them empty.

    ``high`` is ``inf`` if the upper end is open. None if the lower end is open, too.
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
    """Return the ranks, from 1, of the values that bound a quantile of ``n``; 0 and n + 1 mean open ends."""
    tail = (1 - level) / 2
    cumulative = np.concatenate([[0.0], bdtr(np.arange(n + 1.0), n, probability)])  # [i]: P(count < i)
    below = int(np.searchsorted(cumulative, tail, side="right")) - 1
    return below, int(np.searchsorted(cumulative, 1 - tail, side="left"))


def _effective_count(
    clusters: Sequence[Sequence[float]], values: Floats, probability: float, level: float
) -> int:
    """Return how many independent values are as informative about the share below the quantile; at most all of them.

    With few clusters the design effect is itself uncertain. It is enlarged by the ratio of Student's t to the
    normal quantile, squared.
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
