"""Statistics of paired differences between two runs on the same items, clustered by sample.

All scores are fractions, 0..1; a difference is later minus earlier, -1..1. Two answers about one plot are not
independent, so each sample yields one difference, and tests flip or count whole samples.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import bdtr, ndtri

from reports.statistics.intervals import LEVEL, Interval, cluster_values, quantile, t_interval

PERMUTATIONS = 10_000
EXACT_SAMPLES = 12
SEED = 20260428
POWER = 0.8
NO_CHANGE = 1e-12
"""Sums of differences below this are noise of floating-point numbers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PairedDifference:
    """The mean difference over the samples that both runs measured.

    Attributes:
        samples: how many samples that is.
        mean: None without shared samples.
        interval: 95%, see `change_interval`; None under two samples.
        standard_error: of ``mean``; None under two samples.
        p_value: of the sign-flip permutation test that the difference has mean 0; None under two samples, and where it
            was not asked for.
        detectable: the smallest true difference that such a comparison finds in 80% of cases (two-sided, 5%); None
            where the differences do not vary, which says nothing about their spread, and under two samples.
    """

    samples: int
    mean: float | None
    interval: Interval | None
    standard_error: float | None
    p_value: float | None
    detectable: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelChanges:
    """Right-or-wrong items that changed; ``p_value`` of McNemar's exact test, None where nothing changed."""

    fixed: int
    broken: int
    p_value: float | None


def paired_difference(
    earlier: Sequence[Mapping[str, float]], later: Sequence[Mapping[str, float]], *, tested: bool = True
) -> PairedDifference:
    """Compare two runs question by question: each mapping is one question's sample -> score, in the same order.

    With several questions the mean is the mean of the questions' mean differences, and a sample's value its
    linearisation (see `reports.statistics.intervals.cluster_values`): the errors are clustered by sample. A question
    without a shared sample leaves the mean undefined. ``tested=False`` does without the permutation test, which takes
    time.
    """
    differences = [
        {sample: after[sample] - before[sample] for sample in before.keys() & after.keys()}
        for before, after in zip(earlier, later, strict=True)
    ]
    values = cluster_values(differences) if differences and all(differences) else []
    return difference_of(values, tested=tested)


def difference_of(values: Sequence[float], *, tested: bool = True) -> PairedDifference:
    """The paired difference whose values, one per sample, are these."""
    mean = math.fsum(values) / len(values) if values else None
    if mean is None or len(values) < 2:
        return PairedDifference(
            samples=len(values), mean=mean, interval=None, standard_error=None, p_value=None, detectable=None
        )
    error = float(np.std(values, ddof=1)) / math.sqrt(len(values))
    return PairedDifference(
        samples=len(values),
        mean=mean,
        interval=change_interval(values),
        standard_error=error,
        p_value=sign_flip_p_value(values) if tested else None,
        detectable=detectable_difference(error, len(values) - 1) if error > NO_CHANGE else None,
    )


def change_interval(values: Sequence[float], *, limit: float = 1.0, level: float = LEVEL) -> Interval | None:
    """The interval of the mean of differences (-``limit``..``limit``), one per sample. None under two samples.

    It holds all means delta that the data do not reject: |d - delta| <= t * sqrt(v / n), where v is the larger of the
    differences' variance, which gives Student's t interval, and the least variance that a mean of delta allows,
    h * |delta| - delta^2. There h = sum of d_i^2 / sum of |d_i| is the size of a change, or ``limit`` where all samples
    change alike, or not at all. The second matters where few samples change, all for the worse: the plain t interval
    then misses the true mean in 13% of cases where 2.5% are claimed, and claims certainty where nothing differs. For
    right-or-wrong scores this is the idea of T. Tango 1998, Stat. Med. 17, 891; tests/test_reports_paired.py simulates
    its coverage.
    """
    plain = t_interval(values, level=level)
    if plain is None:
        return None
    alike = plain.high - plain.low < NO_CHANGE
    size = limit if alike else math.fsum(value * value for value in values) / math.fsum(map(abs, values))
    bounds = [plain.low, plain.high, *_bounds_by_least_variance(values, size, quantile(len(values) - 1, level))]
    return Interval(max(-limit, min(bounds)), min(limit, max(bounds)))


def _bounds_by_least_variance(values: Sequence[float], size: float, reach: float) -> Iterator[float]:
    """Where (d - delta)^2 = k * (size * |delta| - delta^2), k = reach^2 / n: on each side of 0 twice or never."""
    k = reach**2 / len(values)
    for sign in (-1, 1):
        toward = sign * math.fsum(values) / len(values)
        b = toward + k * size / 2
        inner = b * b - (1 + k) * toward * toward
        if b > 0 and inner >= 0:
            yield sign * (b + math.sqrt(inner)) / (1 + k)
            yield sign * (b - math.sqrt(inner)) / (1 + k)


def detectable_difference(standard_error: float, freedom: float, *, level: float = LEVEL) -> float:
    """The smallest true difference found with probability 0.8: (quantile of the test + normal quantile of 0.8) x error.

    J. Cohen 1988, Statistical Power Analysis, section 2.4, with the quantile of Student's t for ``freedom`` degrees of
    freedom. Two-sided at 1 - ``level``, or one-sided at half of that.
    """
    return (quantile(freedom, level) + float(ndtri(POWER))) * standard_error


def sign_flip_p_value(values: Sequence[float]) -> float:
    """Two-sided p-value of the mean against 0: how often random signs give a mean as far from 0.

    All sign patterns up to EXACT_SAMPLES samples, else PERMUTATIONS seeded ones with the observed one counted in
    (B. Phipson, G. K. Smyth 2010, Stat. Appl. Genet. Mol. Biol. 9, 39), so that it is never 0.
    """
    data = np.asarray(values, dtype=float)
    observed = abs(float(data.sum())) - NO_CHANGE
    if len(data) <= EXACT_SAMPLES:
        patterns = (np.arange(2 ** len(data))[:, None] >> np.arange(len(data))) & 1
        return float(np.mean(np.abs((1 - 2 * patterns) @ data) >= observed))
    signs = np.random.default_rng(SEED).choice((-1.0, 1.0), size=(PERMUTATIONS, len(data)))
    return float((1 + np.count_nonzero(np.abs(signs @ data) >= observed)) / (PERMUTATIONS + 1))


def label_changes(earlier: Mapping[str, float], later: Mapping[str, float]) -> LabelChanges:
    """McNemar's exact test on right-or-wrong scores (Q2, Q4, Q6), by sample; repeats count as right above 0.5."""
    pairs = [(earlier[sample] > 0.5, later[sample] > 0.5) for sample in earlier.keys() & later.keys()]
    fixed, broken = pairs.count((False, True)), pairs.count((True, False))
    return LabelChanges(fixed=fixed, broken=broken, p_value=_sign_test(fixed, broken))


def _sign_test(fixed: int, broken: int) -> float | None:
    """Two-sided: how often chance divides so many changes as unevenly. None without changes.

    The distribution function comes from scipy.special: importing scipy.stats for it would take a second.
    """
    changes = fixed + broken
    return min(1.0, 2 * float(bdtr(min(fixed, broken), changes, 0.5))) if changes else None
