"""Differences on a fixed benchmark: the samples are given, only answers vary, and repeats show how much.

Whether a model is worse on *these* plots does not depend on other plots. The variance of a mean of means of
repeats is

    V = sum over samples of s_i^2 / R_i / n^2

with s_i^2 the variance of a sample's value between its R_i repeats. The variance of a difference of two runs
is the sum of both. s_i^2 includes what a sample's questions share within a repeat. The degrees of freedom are
those of F. E. Satterthwaite 1946, Biometrics Bull. 2, 110, with each V_i^2 divided by R_i + 1 instead of R_i
- 1, because the estimate of V_i^2 is too large by that ratio.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import stdtrit

from reports.statistics.intervals import ROUNDING, Floats, Interval

FEWEST_FREEDOM = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerNoise:
    """The variance of a figure that comes from the randomness of answers.

    Attributes:
        variance: of the figure.
        squares: sum over samples of V_i^2 / (R_i + 1), for the degrees of freedom.
        answers: samples times repeats, of the run that has fewer.
        gained: how much variance an answer gains per unit of a drop, from `growth`.
    """

    variance: float
    squares: float
    answers: int
    gained: float = 1.0

    @property
    def freedom(self) -> float:
        """Degrees of freedom of the variance; infinite if nothing varied."""
        return max(FEWEST_FREEDOM, self.variance**2 / self.squares) if self.squares > 0 else math.inf


def noise_of_repeats(samples: Iterable[Sequence[float]], gained: float) -> AnswerNoise | None:
    """Return the noise of a sum of means, from each sample's contributions to the figure, one per repeat.

    A sample with one repeat is assumed to vary as the others do on average. None if fewer than two samples
    have more.
    """
    contributions = [np.asarray(values, dtype=float) for values in samples]
    repeated = [values for values in contributions if len(values) > 1]
    if len(repeated) < 2:
        return None
    variances = np.array([values.var(ddof=1) for values in repeated])
    counts = np.array([len(values) for values in repeated])
    single = len(contributions) - len(repeated)
    borrowed = single * float(variances.mean())
    return AnswerNoise(
        variance=float(np.sum(variances / counts)) + borrowed,
        squares=float(np.sum((variances / counts) ** 2 / (counts + 1))) + (borrowed**2 / len(repeated)),
        answers=sum(map(len, contributions)),
        gained=gained,
    )


def together(sides: Sequence[AnswerNoise]) -> AnswerNoise:
    """Return the noise of a difference of independent runs."""
    return AnswerNoise(
        variance=math.fsum(side.variance for side in sides),
        squares=math.fsum(side.squares for side in sides),
        answers=min(side.answers for side in sides),
        gained=max(side.gained for side in sides),
    )


def growth(means: Floats, variances: Floats, largest: Floats) -> Floats:
    """Return how much variance an answer gains per unit of a drop of the mean of questions (the last axis).

    Answers that are right with probability p and break to p * (1 - e) fall by e * p on average. Their
    variance r * p * (1 - p) rises by e * r * p * (2 * p - 1): most for answers that were always right, not at
    all for those that were right half of the time. r is 1 for labels and 1/k for scores of k parts.

    Args:
        means: of each question's scores.
        variances: between repeats of an item, their mean.
        largest: the mean of p * (1 - p), the variance of right-or-wrong answers.
    """
    ratio = np.where(largest > ROUNDING, variances / np.maximum(largest, ROUNDING), 1.0)
    gained = (np.minimum(ratio, 1.0) * means - 2 * variances).sum(axis=-1)
    share: Floats = np.maximum(0.0, gained) / np.maximum(means.sum(axis=-1), ROUNDING) / means.shape[-1]
    return share


def fixed_interval(mean: float, noise: AnswerNoise, *, item: float, level: float) -> Interval:
    """Return the interval of a difference on these samples, both ends at the one-sided ``level``, within -1 and 1.

    ``item``: by how much one item can change its sample's value; see `bounds`.
    """
    freedom = noise.freedom if math.isfinite(noise.freedom) else max(1.0, noise.answers - 1.0)
    low, high = bounds(
        np.array(mean),
        np.array(noise.variance),
        np.array(freedom),
        answers=noise.answers,
        item=item,
        gained=noise.gained,
        level=level,
    )
    return Interval(max(-1.0, float(low)), min(1.0, float(high)))


def bounds(
    mean: Floats,
    variance: Floats,
    freedom: Floats,
    *,
    answers: int,
    item: float | Floats,
    gained: float | Floats,
    level: float,
) -> tuple[Floats, Floats]:
    """Return the lowest and the highest differences that the data do not reject at the one-sided ``level``.

    These are the delta with |d - delta| <= t * sqrt(max(V, (h * |delta| - delta^2) / answers)), for arrays of
    d. The second term is the least variance of a difference delta if answers break independently and each
    costs its sample ``item`` = h. It matters if few answers vary (see `paired.change_interval`). If few
    happen to break, d and V are both small, and a drop larger than d would have had a larger V. So V +
    ``gained`` * (d - delta) / answers replaces V for the lower bound, as in a score test (`growth`).
    """
    reach = stdtrit(freedom, level)
    plain = reach * np.sqrt(variance)
    more = reach**2 * gained / answers
    low, high = mean - (more + np.sqrt(more**2 + 4 * plain**2)) / 2, mean + plain
    k = reach**2 / answers
    for sign in (-1.0, 1.0):
        toward = sign * mean
        b = toward + k * item / 2
        inner = b**2 - (1 + k) * toward**2
        exists = (b > 0) & (inner >= 0)
        root = np.sqrt(np.maximum(inner, 0.0))
        for bound in (sign * (b + root) / (1 + k), sign * (b - root) / (1 + k)):
            low = np.where(exists, np.minimum(low, bound), low)
            high = np.where(exists, np.maximum(high, bound), high)
    return low, high
