"""The exact sign-flip test of paired differences: how often random signs give a sum as far from 0 as the observed one.

If two runs are alike, each sample's difference is equally likely to have either sign. The distribution of the
sum over all 2^n patterns of signs is computed by convolution on a lattice, sample by sample, as for the
signed-rank test (M. Pagano, D. Tritchler 1983, JASA 78, 435). No random numbers are involved, and n may be
large. For right-or-wrong scores this is McNemar's exact test.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from fractions import Fraction

import numpy as np

NO_CHANGE = 1e-12
"""Differences and their sums below this are noise of floating-point numbers."""
LARGEST_DENOMINATOR = 5_000
FINEST = 2**15
"""The most lattice steps in the largest sum.

Sums are then exact to 0.003% of it, far below what a p-value shows.
"""


def sign_flip_p_value(values: Sequence[float]) -> float:
    """Return the two-sided p-value, in (0, 1], of the sum of ``values``, one per sample; 1 if all of them are 0."""
    sizes = [abs(value) for value in values if abs(value) > NO_CHANGE]
    if not sizes:
        return 1.0
    step = _common_step(sizes)
    steps = [round(size / step) for size in sizes]
    signs = [value > 0 for value in values if abs(value) > NO_CHANGE]
    total = sum(steps)
    observed = abs(sum(count if positive else -count for count, positive in zip(steps, signs, strict=True)))
    if not observed:
        return 1.0
    if observed == total:  # all have one sign: only two of the 2^n patterns give such a sum
        return 2.0 ** (1 - len(steps))
    # a sum of signed steps is twice the sum of the positive ones, less the total
    at_least = (total + observed + 1) // 2
    return min(1.0, 2 * float(_subset_sums(steps)[at_least:].sum()))


def fewest_for(p_value: float) -> int:
    """Return how many samples a sign-flip test needs to reach ``p_value``; with n samples its smallest is 2^(1 - n)."""
    return 1 + math.ceil(-math.log2(p_value) - 1e-9)


def _common_step(sizes: Sequence[float]) -> float:
    """Return the lattice's step: exact if the sizes have a common denominator with few enough steps."""
    coarse = math.fsum(sizes) / FINEST
    fractions = [Fraction(size).limit_denominator(LARGEST_DENOMINATOR) for size in set(sizes)]
    exact = all(
        abs(float(fraction) - size) < NO_CHANGE for fraction, size in zip(fractions, set(sizes), strict=True)
    )
    if exact and all(fractions):
        step = Fraction(
            math.gcd(*(fraction.numerator for fraction in fractions)),
            math.lcm(*(fraction.denominator for fraction in fractions)),
        )
        if step >= coarse:
            return float(step)
    return coarse


def _subset_sums(steps: Iterable[int]) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Return the probability of each sum, 0..total, if every step is included with probability 1/2."""
    chances = np.ones(1)
    for step, count in sorted(Counter(steps).items()):
        for _ in range(count):
            longer = np.zeros(len(chances) + step)
            longer[: len(chances)] += chances
            longer[step:] += chances
            chances = longer / 2
    return chances
