"""Confidence intervals for means, medians and differences of scores, clustered by sample.

Two answers about the same plot are not independent, so each sample is reduced to one number first. The
samples are treated as drawn at random. With fewer than two samples there is no interval (None).

The spread of scores depends on their mean: near 1 it must vanish. A plain mean +- t * s / sqrt(n) ignores
that. At family size (2 to 21 samples) it covers the true mean in 64-93% of cases instead of 95%, and has no
width if two scores happen to agree. `mean_interval` therefore turns the t interval into a *score* interval.
It holds all means mu that the data do not reject,

    |m - mu| <= q * sqrt(phi * mu * (1 - mu) / n)

where phi, 0 to 1, is the dispersion: the share that the scores' variance has of the largest that their mean
allows.

- Right-or-wrong scores: phi is 1 and q the normal quantile, which is Wilson's interval (E. B. Wilson 1927,
  JASA 22, 209; L. D. Brown, T. Cai, A. DasGupta 2001, Statist. Sci. 16, 101).
- Graded scores: phi is estimated and q the quantile of Student's t (the dispersion of quasi-likelihood: P.
  McCullagh, J. A. Nelder 1989, Generalized Linear Models, section 4.5). For many samples this is the t
  interval. For families phi is shrunk towards that of all families (`families`), because two samples say
  almost nothing about their spread.
- Means over several questions: the interval of the samples' pseudo-values (`cluster_values`), which has
  cluster-robust errors (K.-Y. Liang, S. L. Zeger 1986, Biometrika 73, 13; with the factor G/(G-1) and t of
  G-1 degrees of freedom of A. C. Cameron, D. L. Miller 2015, J. Human Resources 50, 317). If questions have
  different samples, phi can be above 1: it is then the design effect (L. Kish 1965, Survey Sampling, section
  8.2).
- Weighted means of parts (`--mix`): `weighted_interval`.

Medians: the bootstrap that redraws whole samples (B. Efron, R. Tibshirani 1993, An Introduction to the
Bootstrap, chapter 13), its percentiles expanded for small samples (T. Hesterberg 2015, Amer. Statist. 69,
371). A bootstrap can only return observed values, so fewer than `FEWEST_REDRAWN` samples give none.
Differences: `paired.change_interval`. Quantiles far from the middle: `quantiles.quantile_interval`.

tests/test_reports_intervals.py simulates the coverage of each interval.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri, stdtrit

LEVEL = 0.95
FEWEST_REDRAWN = 10
RESAMPLES = 2000
SEED = 20260428
LARGEST_BLOCK = 500_000
"""Most samples drawn at once (4 MB); the resamples of the benchmark's 243 samples fit into one block."""
ROUNDING = 1e-12
"""Sums of squares below this are floating-point noise."""

Floats: TypeAlias = NDArray[np.float64]
Counts: TypeAlias = NDArray[np.float32]
"""Whole numbers as float32, exact up to 2^24, so that BLAS multiplies them."""


@dataclass(frozen=True, slots=True)
class Interval:
    """An interval from ``low`` to ``high``, in the unit of its figure."""

    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Dispersion:
    """The dispersion of scores.

    Attributes:
        phi: the variance of scores over mean * (1 - mean), 0..1; above 1 only for pseudo-values
            (`cluster_values`) of samples that do not have every question.
        freedom: degrees of freedom of that estimate.
    """

    phi: float
    freedom: float


LARGEST_DISPERSION = Dispersion(1.0, math.inf)


def dispersion(groups: Iterable[Sequence[float]]) -> Dispersion:
    """Return the common dispersion of several groups of scores, each with its own mean.

    phi = sum of squares within groups / sum over groups of (n - 1) * (m * (1 - m) + s^2 / n); the bracket is
    an unbiased estimate of mu * (1 - mu). Right-or-wrong scores give exactly 1. With f degrees of freedom phi
    is at least 1 / (f + 1), because a few scores that agree do not show that all do.
    """
    samples = [np.asarray(group, dtype=float) for group in groups if len(group) > 1]
    within = sum(float(np.sum((values - values.mean()) ** 2)) for values in samples)
    largest = sum(largest_within(values) for values in samples)
    if largest < ROUNDING or all(_is_binary(values) for values in samples):
        return LARGEST_DISPERSION
    freedom = sum(len(values) - 1 for values in samples)
    return Dispersion(max(within / largest, 1 / (freedom + 1)), float(freedom))


def mean_interval(
    values: Sequence[float], spread: Dispersion | None = None, *, level: float = LEVEL
) -> Interval | None:
    """Return the interval of the mean of scores (0..1), one per sample; None for fewer than two samples.

    ``spread``: for small groups, a dispersion estimated from all groups like this one.
    """
    if len(values) < 2:
        return None
    mean = math.fsum(values) / len(values)
    return score_interval(mean, len(values), spread or dispersion([values]), level=level)


def score_interval(
    mean: float, n: int, spread: Dispersion = LARGEST_DISPERSION, *, level: float = LEVEL
) -> Interval | None:
    """Return the interval of the mean of ``n`` scores with this dispersion, by default Wilson's.

    None for n < 2.
    """
    if n < 2:
        return None
    mean = min(1.0, max(0.0, mean))
    a = spread.phi * quantile(spread.freedom, level) ** 2 / n
    centre = (mean + a / 2) / (1 + a)
    half = math.sqrt(a * mean * (1 - mean) + a * a / 4) / (1 + a)
    low = 0.0 if mean < ROUNDING else max(0.0, centre - half)  # exact ends: rounding made 99.9 of 100%
    return Interval(low, 1.0 if mean > 1 - ROUNDING else min(1.0, centre + half))


def t_interval(values: Sequence[float], *, level: float = LEVEL) -> Interval | None:
    """Return mean +- t * s / sqrt(n), for unbounded quantities, one value per cluster.

    None for fewer than two.
    """
    if len(values) < 2:
        return None
    data = np.asarray(values, dtype=float)
    mean, error = float(data.mean()), float(data.std(ddof=1)) / math.sqrt(len(data))
    half = quantile(len(data) - 1, level) * error
    return Interval(mean - half, mean + half)


def cluster_values(questions: Sequence[Mapping[str, float]]) -> list[float]:
    """Return one value per sample, such that their mean is the mean of the question means.

    ``questions``: each maps samples to scores and has at least one. The value of sample s is the
    linearisation of the mean M: M + G * sum over questions of (y - mean of the question) / (number of
    questions * its samples), for G samples. If every sample has every question, it is the mean of the
    sample's scores.
    """
    samples = sorted(set().union(*questions))
    if len(questions) == 1:
        return [questions[0][sample] for sample in samples]  # exact: right-or-wrong scores stay so
    means = [math.fsum(scores.values()) / len(scores) for scores in questions]
    overall = math.fsum(means) / len(means)
    return [
        overall
        + len(samples)
        * math.fsum(
            (scores[sample] - mean) / (len(questions) * len(scores))
            for scores, mean in zip(questions, means, strict=True)
            if sample in scores
        )
        for sample in samples
    ]


def weighted_interval(
    weights: Sequence[float], parts: Sequence[Mapping[str, float]], *, level: float = LEVEL
) -> Interval | None:
    """Return the interval of M = sum of w * m over parts; weights add up to 1, and each part has values by sample.

    The mean of a part's values is its score m (`cluster_values`), with the interval l to u (`mean_interval`).
    The margins of the parts are combined like errors, each with its own degrees of freedom:

        low = M - sqrt(sum over parts p, q of r_pq * w_p * (m_p - l_p) * w_q * (m_q - l_q)), high with u - m

    This is the method of variance estimates recovery (G. Y. Zou, W. Huang, X. Zhang 2009, Comput. Stat. Data
    Anal. 53, 1080; for dependent figures G. Y. Zou 2007, Psychol. Methods 12, 399). The result is within 0
    and 1. For a single part it is the part's interval. r_pq is the correlation of two parts' scores through
    shared samples: the sum over these of (v_p - m_p) * (v_q - m_q), divided by the root of the two sums of
    squares over all samples. Without shared samples it is 0. To be conservative, it is 1 if the values of one
    part do not vary, and 0 if it would be negative.

    None if a part has fewer than two samples.
    """
    intervals = [mean_interval(list(values.values()), level=level) for values in parts]
    together = combined_interval(weights, parts, intervals)
    return None if together is None else Interval(max(0.0, together.low), min(1.0, together.high))


def combined_interval(
    weights: Sequence[float], parts: Sequence[Mapping[str, float]], intervals: Sequence[Interval | None]
) -> Interval | None:
    """Combine the intervals of the parts' means by the method of `weighted_interval`, for any kind of interval.

    None if a part has no interval.
    """
    known = [interval for interval in intervals if interval is not None]
    if len(known) < len(parts):
        return None
    means = [math.fsum(values.values()) / len(values) for values in parts]
    correlations = _correlations(parts, means)
    weighted = [*zip(weights, means, known, strict=True)]
    below = np.array([weight * max(0.0, mean - interval.low) for weight, mean, interval in weighted])
    above = np.array([weight * max(0.0, interval.high - mean) for weight, mean, interval in weighted])
    overall = math.fsum(weight * mean for weight, mean, _ in weighted)
    low, high = (math.sqrt(float(margins @ correlations @ margins)) for margins in (below, above))
    return Interval(overall - low, overall + high)


def _correlations(parts: Sequence[Mapping[str, float]], means: Sequence[float]) -> Floats:
    """Return r_pq of `weighted_interval` for all pairs of parts."""
    deviations = [
        {sample: value - mean for sample, value in values.items()}
        for values, mean in zip(parts, means, strict=True)
    ]
    sizes = [math.sqrt(math.fsum(value * value for value in values.values())) for values in deviations]
    matrix: Floats = np.eye(len(parts))
    for p, q in itertools.combinations(range(len(parts)), 2):
        shared = deviations[p].keys() & deviations[q].keys()
        common = math.fsum(deviations[p][sample] * deviations[q][sample] for sample in shared)
        size = sizes[p] * sizes[q]
        matrix[p, q] = matrix[q, p] = (max(0.0, common / size) if size > ROUNDING else 1.0) if shared else 0.0
    return matrix


def bootstrap_interval(n: int, statistic: Callable[[Counts], Floats]) -> Interval | None:
    """Return the interval of a statistic of ``n`` samples; None for fewer than `FEWEST_REDRAWN`.

    ``statistic`` takes how often each sample was drawn, shape (resamples, n), and returns one value per
    resample. Resamples with an undefined value (NaN) are left out. The percentile is Hesterberg's,
    Phi(-sqrt(n / (n - 1)) * t). The seed is fixed, so the interval is reproducible.
    """
    if n < FEWEST_REDRAWN:
        return None
    values = np.concatenate([statistic(tallies) for tallies in _tallies(n)])
    tail = float(ndtr(-math.sqrt(n / (n - 1)) * quantile(n - 1)))
    low, high = np.quantile(values[~np.isnan(values)], [tail, 1 - tail])
    return Interval(float(low), float(high))


def median_interval(values: Sequence[float]) -> Interval | None:
    """Return the interval of the median of one value per sample.

    None for fewer than `FEWEST_REDRAWN` samples.
    """
    return _median_interval(tuple(values))


@lru_cache(maxsize=256)
def _median_interval(values: tuple[float, ...]) -> Interval | None:
    """Cached: several tables, files and charts of a report need the interval of the same scores."""
    levels, places = np.unique(np.asarray(values, dtype=float), return_inverse=True)
    at_level = np.equal.outer(places, np.arange(len(levels))).astype(np.float32)
    return bootstrap_interval(len(values), lambda tallies: _medians(levels, tallies @ at_level))


def _medians(levels: Floats, counts: Counts) -> Floats:
    """Return the median of each row; a row counts how often each level occurs, and levels ascend."""
    up_to = counts.cumsum(axis=1)
    total = up_to[:, -1:]
    lower, upper = ((up_to >= rank).argmax(axis=1) for rank in (np.ceil(total / 2), np.floor(total / 2) + 1))
    medians: Floats = (levels[lower] + levels[upper]) / 2
    return medians


def _tallies(n: int) -> Iterator[Counts]:
    """Yield how often each of ``n`` samples is drawn, shape (resamples, n), in blocks of a bounded size."""
    if RESAMPLES * n <= LARGEST_BLOCK:
        yield _kept_tallies(n)
        return
    rng, rows = np.random.default_rng(SEED), max(1, LARGEST_BLOCK // n)
    for first in range(0, RESAMPLES, rows):
        yield _tally(rng, min(rows, RESAMPLES - first), n)


@lru_cache(maxsize=16)
def _kept_tallies(n: int) -> Counts:
    """Cached and read-only: a report needs many intervals of the same number of samples."""
    tallies = _tally(np.random.default_rng(SEED), RESAMPLES, n)
    tallies.flags.writeable = False
    return tallies


def _tally(rng: np.random.Generator, rows: int, n: int) -> Counts:
    draws = rng.integers(0, n, size=(rows, n)) + n * np.arange(rows)[:, None]
    return np.bincount(draws.ravel(), minlength=rows * n).reshape(rows, n).astype(np.float32)


def quantile(freedom: float, level: float = LEVEL) -> float:
    """Return how many standard errors a two-sided interval reaches: Student's t, or the normal quantile for ``inf``."""
    tail = (1 + level) / 2
    return float(ndtri(tail)) if math.isinf(freedom) else float(stdtrit(freedom, tail))


def largest_within(values: Floats) -> float:
    """Return an unbiased estimate of (n - 1) * mu * (1 - mu), the largest sum of squares of scores with this mean."""
    n, mean = len(values), float(values.mean())
    return (n - 1) * (mean * (1 - mean) + float(values.var(ddof=1)) / n)


def _is_binary(values: Floats) -> bool:
    return bool((np.minimum(np.abs(values), np.abs(1 - values)) < ROUNDING).all())
