"""Changes on a benchmark whose samples are fixed: only the answers vary, and repeats say how much.

Whether a model is worse on *these* plots needs no guess at other plots. The variance of a mean of means of repeats is

    V = sum over samples of s_i^2 / R_i / n^2

with s_i^2 the variance of a sample's value between its R_i repeats; of a difference of two runs it is the sum of both.
Everything that a sample's questions share within a repeat is in s_i^2. The degrees of freedom are those of F. E.
Satterthwaite 1946, Biometrics Bull. 2, 110, each V_i^2 divided by R_i + 1 in place of R_i - 1, because its estimate is
too large by that ratio.
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
    """What the chance of single answers adds to the variance of a figure.

    Attributes:
        variance: of the figure.
        squares: sum over samples of V_i^2 / (R_i + 1), for the degrees of freedom.
        answers: samples times repeats, of the run that has fewer.
        gained: how much variance an answer gains per unit of a drop; see `growth`.
    """

    variance: float
    squares: float
    answers: int
    gained: float = 1.0

    @property
    def freedom(self) -> float:
        """Degrees of freedom of the variance; those of a constant, many, where nothing varied."""
        return max(FEWEST_FREEDOM, self.variance**2 / self.squares) if self.squares > 0 else math.inf


def noise_of_repeats(samples: Iterable[Sequence[float]], gained: float) -> AnswerNoise | None:
    """The noise of a sum of means: each sample's contributions to the figure, one per repeat.

    A sample with one repeat is taken to vary as the others do on average. None where fewer than two have more.
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
    """The noise of a difference of independent runs."""
    return AnswerNoise(
        variance=math.fsum(side.variance for side in sides),
        squares=math.fsum(side.squares for side in sides),
        answers=min(side.answers for side in sides),
        gained=max(side.gained for side in sides),
    )


def growth(means: Floats, variances: Floats, largest: Floats) -> Floats:
    """How much variance an answer gains per unit of a drop of the mean of questions, the last axis of all three.

    Answers that are right with chances p and break to p * (1 - e) fall by e * p on average, and their variance
    r * p * (1 - p) rises by e * r * p * (2 * p - 1): most for what was always right, not at all for what flips every
    other time. r is 1 for labels and 1/k for scores of k parts.

    Args:
        means: of each question's scores.
        variances: between repeats of an item, their mean.
        largest: the mean of p * (1 - p), which the variances are for right-or-wrong answers.
    """
    ratio = np.where(largest > ROUNDING, variances / np.maximum(largest, ROUNDING), 1.0)
    gained = (np.minimum(ratio, 1.0) * means - 2 * variances).sum(axis=-1)
    share: Floats = np.maximum(0.0, gained) / np.maximum(means.sum(axis=-1), ROUNDING) / means.shape[-1]
    return share


def fixed_interval(mean: float, noise: AnswerNoise, *, item: float, level: float) -> Interval:
    """The interval of a difference on these samples, both ends at the one-sided ``level``; within -1 and 1.

    ``item``: what one item can do to its sample's value; see `bounds`.
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
    """Of many differences at once: the lowest and the highest that the data do not reject at the one-sided ``level``.

    |d - delta| <= t * sqrt(max(V, (h * |delta| - delta^2) / answers)). The second is the least variance that the
    difference delta has if each of so many answers breaks by itself and costs its sample ``item`` = h; it matters where
    few answers vary (see `paired.change_interval`). Where few break by chance d and V are small together, so that a
    drop that is larger than d would also have come with a larger V: to the lower bound V is taken as
    V + ``gained`` * (d - delta) / answers, as in a score test (`growth`).
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
