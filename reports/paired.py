"""Statistics of paired differences between two runs on the same items, clustered by sample.

All scores are fractions, 0..1; a difference is later minus earlier, -1..1. Two answers about one plot are not
independent, so each sample yields one difference, and tests flip or count whole samples.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri, stdtrit
from scipy.stats import binomtest

from reports.intervals import LEVEL, Interval, cluster_values, t_interval

PERMUTATIONS = 10_000
EXACT_SAMPLES = 12
SEED = 20260428
POWER = 0.8
NO_SPREAD = 1e-12


@dataclass(frozen=True, slots=True, kw_only=True)
class PairedDifference:
    """The mean difference over the samples that both runs measured.

    Attributes:
        samples: how many samples that is.
        mean: None without shared samples.
        interval: 95%, Student's t over the samples; None under two samples.
        standard_error: of ``mean``; None under two samples.
        p_value: of the sign-flip permutation test that the difference has mean 0; None under two samples.
        detectable: the smallest true difference that such a comparison finds in 80% of cases (two-sided, 5%); None
            where the differences do not vary, which says nothing about their spread.
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


def paired_difference(earlier: Sequence[Mapping[str, float]], later: Sequence[Mapping[str, float]]) -> PairedDifference:
    """Compare two runs question by question: each mapping is one question's sample -> score, in the same order.

    With several questions the mean is the mean of the questions' mean differences, and a sample's value its
    linearisation (see `reports.intervals.cluster_values`): the errors are clustered by sample. A question without a
    shared sample leaves the mean undefined.
    """
    differences = [
        {sample: after[sample] - before[sample] for sample in before.keys() & after.keys()}
        for before, after in zip(earlier, later, strict=True)
    ]
    values = cluster_values(differences) if differences and all(differences) else []
    return difference_of(values)


def difference_of(values: Sequence[float]) -> PairedDifference:
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
        interval=t_interval(values) if error > NO_SPREAD else unchanged_interval(mean, len(values)),
        standard_error=error,
        p_value=sign_flip_p_value(values),
        detectable=detectable_difference(error, len(values)) if error > NO_SPREAD else None,
    )


def unchanged_interval(mean: float, samples: int) -> Interval:
    """The interval where every sample has the same difference, for which Student's t would claim certainty.

    With 97.5% confidence no more than 1 - 0.025^(1/n) of all samples would differ (C. J. Clopper, E. S. Pearson 1934,
    Biometrika 26, 404, for 0 of n), and each by 1 at most.
    """
    half = 1 - ((1 - LEVEL) / 2) ** (1 / samples)
    return Interval(max(-1.0, mean - half), min(1.0, mean + half))


def detectable_difference(standard_error: float, samples: int, *, one_sided: bool = False) -> float:
    """The smallest true difference found with probability 0.8: (t quantile of the test + z quantile of 0.8) x error.

    J. Cohen 1988, Statistical Power Analysis, section 2.4, with Student's t of samples - 1 degrees of freedom. Needs
    two samples.
    """
    level = LEVEL if one_sided else (1 + LEVEL) / 2
    return float(stdtrit(samples - 1, level) + ndtri(POWER)) * standard_error


def sign_flip_p_value(values: Sequence[float]) -> float:
    """Two-sided p-value of the mean against 0: how often random signs give a mean as far from 0.

    All sign patterns up to EXACT_SAMPLES samples, else PERMUTATIONS seeded ones with the observed one counted in
    (B. Phipson, G. K. Smyth 2010, Stat. Appl. Genet. Mol. Biol. 9, 39), so that it is never 0.
    """
    data = np.asarray(values, dtype=float)
    observed = abs(float(data.sum())) - NO_SPREAD
    if len(data) <= EXACT_SAMPLES:
        patterns = (np.arange(2 ** len(data))[:, None] >> np.arange(len(data))) & 1
        return float(np.mean(np.abs((1 - 2 * patterns) @ data) >= observed))
    signs = np.random.default_rng(SEED).choice((-1.0, 1.0), size=(PERMUTATIONS, len(data)))
    return float((1 + np.count_nonzero(np.abs(signs @ data) >= observed)) / (PERMUTATIONS + 1))


def label_changes(earlier: Mapping[str, float], later: Mapping[str, float]) -> LabelChanges:
    """McNemar's exact test on right-or-wrong scores (Q2, Q4, Q6), by sample; repeats count as right above 0.5."""
    pairs = [(earlier[sample] > 0.5, later[sample] > 0.5) for sample in earlier.keys() & later.keys()]
    fixed, broken = pairs.count((False, True)), pairs.count((True, False))
    p_value = float(binomtest(fixed, fixed + broken).pvalue) if fixed + broken else None
    return LabelChanges(fixed=fixed, broken=broken, p_value=p_value)
