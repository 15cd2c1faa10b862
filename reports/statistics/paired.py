"""Statistics of paired differences between two runs on the same items, clustered by sample.

All scores are fractions, 0..1; a difference is later minus earlier, -1..1. Two answers about one plot are not
independent, so each sample gives one difference, and tests flip or count whole samples.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri

from reports.statistics.intervals import (
    LEVEL,
    ROUNDING,
    Interval,
    cluster_values,
    combined_interval,
    quantile,
    t_interval,
)
from reports.statistics.sign_flips import NO_CHANGE, fewest_for, sign_flip_p_value

POWER = 0.8
FEWEST_TESTED = fewest_for(1 - LEVEL)
"""With fewer samples no p-value can reach 5%, so none is given."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PairedDifference:
    """The mean difference over the samples that both runs measured.

    Attributes:
        samples: how many samples that is.
        mean: None without shared samples.
        interval: 95%, from `change_interval`; None for fewer than two samples.
        standard_error: of ``mean``; None for fewer than two samples and for a weighted mean of parts.
        p_value: of the exact sign-flip test that the mean difference is 0 (`sign_flips`); None for fewer than
            `FEWEST_TESTED` samples, and if no test was requested.
        detectable: the smallest true difference that such a comparison finds in 80% of cases (two-sided, 5%);
            None for fewer than two samples, and if the differences do not vary, because their spread is then
            unknown.
    """

    samples: int
    mean: float | None
    interval: Interval | None
    standard_error: float | None
    p_value: float | None
    detectable: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelChanges:
    """How many right-or-wrong items changed, each way."""

    fixed: int
    broken: int


def paired_difference(
    earlier: Sequence[Mapping[str, float]], later: Sequence[Mapping[str, float]], *, tested: bool = True
) -> PairedDifference:
    """Compare two runs question by question: each mapping is one question's sample -> score, in the same order.

    With several questions the mean is the mean of the questions' mean differences, with errors clustered by
    sample (`reports.statistics.intervals.cluster_values`). The mean is undefined if a question has no shared
    sample. ``tested=False`` leaves the p-value out.
    """
    differences = [
        {sample: after[sample] - before[sample] for sample in before.keys() & after.keys()}
        for before, after in zip(earlier, later, strict=True)
    ]
    values = cluster_values(differences) if differences and all(differences) else []
    return difference_of(values, item=1 / max(1, len(differences)), tested=tested)


def unpaired_values(first: Mapping[str, float], second: Mapping[str, float]) -> list[float]:
    """Return one value per sample, such that their mean is mean(first) - mean(second).

    The values are the linearisation of that difference, as in `cluster_values`. A sample in both has one
    value, with its contributions to both means. If both have the same samples, the values are their
    differences. Empty if one of the two is.
    """
    if not first or not second:
        return []
    samples = sorted(first.keys() | second.keys())
    sides = [
        (1, first, math.fsum(first.values()) / len(first)),
        (-1, second, math.fsum(second.values()) / len(second)),
    ]
    overall = math.fsum(sign * mean for sign, _, mean in sides)
    return [
        overall
        + len(samples)
        * math.fsum(
            sign * (scores[sample] - mean) / len(scores) for sign, scores, mean in sides if sample in scores
        )
        for sample in samples
    ]


def difference_of(values: Sequence[float], *, item: float = 1.0, tested: bool = True) -> PairedDifference:
    """Return the paired difference of these values, one per sample; ``item`` as in `change_interval`."""
    mean = math.fsum(values) / len(values) if values else None
    if mean is None or len(values) < 2:
        return PairedDifference(
            samples=len(values), mean=mean, interval=None, standard_error=None, p_value=None, detectable=None
        )
    error = float(np.std(values, ddof=1)) / math.sqrt(len(values))
    return PairedDifference(
        samples=len(values),
        mean=mean,
        interval=change_interval(values, item=item),
        standard_error=error,
        p_value=sign_flip_p_value(values) if tested and len(values) >= FEWEST_TESTED else None,
        detectable=detectable_difference(error, len(values) - 1) if error > NO_CHANGE else None,
    )


def change_interval(
    values: Sequence[float], *, limit: float = 1.0, item: float = 1.0, level: float = LEVEL
) -> Interval | None:
    """Return the interval of the mean of differences (-``limit``..``limit``), one per sample; None for fewer than two.

    It holds all means delta that the data do not reject: |d - delta| <= t * sqrt(v / n). v is the larger of
    two variances: that of the differences, which gives Student's t interval, and the least that a mean of
    delta allows, h * |delta| - delta^2. h = sum of d_i^2 / sum of |d_i| is the size of a change, or ``limit``
    if all samples change alike. If nothing differs, h is ``item``, the change of a sample's value by one
    item: 1/6 for a mean of six questions. The second variance matters if few samples change, all for the
    worse. The plain t interval then misses the true mean in 13% of cases instead of 2.5%, and has no width if
    nothing differs. For right-or-wrong scores this is the idea of T. Tango 1998, Stat. Med. 17, 891;
    tests/test_reports_paired.py simulates its coverage.

    0 is strictly inside if and only if the sign-flip test does not reject it at this level, so that an
    interval never contradicts a p-value.
    """
    plain = t_interval(values, level=level)
    if plain is None:
        return None
    size = size_of_change(values, limit=limit, item=item)
    bounds = [
        plain.low,
        plain.high,
        *_bounds_by_least_variance(values, size, quantile(len(values) - 1, level)),
    ]
    low, high = max(-limit, min(bounds)), min(limit, max(bounds))
    if len(values) < fewest_for(1 - level) or sign_flip_p_value(values) > 1 - level + ROUNDING:
        return Interval(min(0.0, low), max(0.0, high))
    return Interval(max(0.0, low), high) if math.fsum(values) > 0 else Interval(low, min(0.0, high))


def weighted_difference(
    weights: Sequence[float], parts: Sequence[Mapping[str, float]], items: Sequence[float]
) -> PairedDifference:
    """Return the weighted mean of the parts' mean differences; weights add up to 1.

    Each part maps samples to differences, whose interval is `change_interval`; ``items`` as there, one for
    each part. The parts' intervals are combined as in `reports.statistics.intervals.weighted_interval`.
    Without a test.
    """
    values = [list(part.values()) for part in parts]
    intervals = [change_interval(one, item=item) for one, item in zip(values, items, strict=True)]
    together = combined_interval(weights, parts, intervals)
    return PairedDifference(
        samples=len(set().union(*parts)),
        mean=math.fsum(
            weight * math.fsum(one) / len(one) for weight, one in zip(weights, values, strict=True)
        ),
        interval=None if together is None else Interval(max(-1.0, together.low), min(1.0, together.high)),
        standard_error=None,
        p_value=None,
        detectable=None,
    )


def size_of_change(values: Sequence[float], *, limit: float = 1.0, item: float = 1.0) -> float:
    """Return h of `change_interval`: by how much the samples change that do."""
    if max(values) - min(values) >= NO_CHANGE:
        return math.fsum(value * value for value in values) / math.fsum(map(abs, values))
    return limit if abs(values[0]) > NO_CHANGE else item


def _bounds_by_least_variance(values: Sequence[float], size: float, reach: float) -> Iterator[float]:
    """Yield the roots delta of (d - delta)^2 = k * (size * |delta| - delta^2), k = reach^2 / n: two or none a side."""
    k = reach**2 / len(values)
    for sign in (-1, 1):
        toward = sign * math.fsum(values) / len(values)
        b = toward + k * size / 2
        inner = b * b - (1 + k) * toward * toward
        if b > 0 and inner >= 0:
            yield sign * (b + math.sqrt(inner)) / (1 + k)
            yield sign * (b - math.sqrt(inner)) / (1 + k)


def detectable_difference(
    standard_error: float, freedom: float, *, level: float = LEVEL, deviation: float | None = None
) -> float:
    """Return the smallest true difference found with probability 0.8: (test quantile + normal quantile of 0.8) x error.

    J. Cohen 1988, Statistical Power Analysis, section 2.4, with the quantile of Student's t for ``freedom``
    degrees of freedom. Two-sided at 1 - ``level``, or one-sided at half of that. ``deviation``: of the
    estimate from the truth in question, if the test's standard error covers more than that.
    """
    varies = standard_error if deviation is None else deviation
    return quantile(freedom, level) * standard_error + float(ndtri(POWER)) * varies


def label_changes(earlier: Mapping[str, float], later: Mapping[str, float]) -> LabelChanges:
    """Count the samples whose right-or-wrong score (Q2, Q4, Q6) changed; with repeats a sample is right above 0.5."""
    pairs = [(earlier[sample] > 0.5, later[sample] > 0.5) for sample in earlier.keys() & later.keys()]
    fixed, broken = pairs.count((False, True)), pairs.count((True, False))
    return LabelChanges(fixed=fixed, broken=broken)
