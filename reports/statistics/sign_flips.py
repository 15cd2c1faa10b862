"""The exact test of paired differences: how often random signs give a sum as far from 0 as the one that was found.

If two runs are alike, each sample's difference is as likely to have either sign. The sum's distribution under all 2^n
patterns of signs is computed by convolution on a lattice, sample by sample, as for the signed-rank test (M. Pagano,
D. Tritchler 1983, JASA 78, 435), so that neither chance nor n enters. Of right-or-wrong scores this is McNemar's exact
test.
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
"""Steps of the lattice that the largest sum has at most; a sum is then known to 0.003% of it, which is far below what a
p-value shows."""


def sign_flip_p_value(values: Sequence[float]) -> float:
    """The two-sided p-value of the sum of ``values`` (one per sample) against 0: in (0, 1], 1 where nothing differs."""
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
    # a sum of signed steps is twice the sum of the positive ones, less the total
    at_least = (total + observed + 1) // 2
    return min(1.0, 2 * float(_subset_sums(steps)[at_least:].sum()))


def fewest_for(p_value: float) -> int:
    """How many samples a sign-flip test needs before it can reach ``p_value``: 2^(1 - n) is its smallest."""
    return 1 + math.ceil(-math.log2(p_value) - 1e-9)


def _common_step(sizes: Sequence[float]) -> float:
    """The lattice's step: exact where the sizes have a common denominator that leaves few enough steps."""
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
    """The probability of each sum, 0..total, where every step is in or out with probability 1/2."""
    chances = np.ones(1)
    for step, count in sorted(Counter(steps).items()):
        for _ in range(count):
            longer = np.zeros(len(chances) + step)
            longer[: len(chances)] += chances
            longer[step:] += chances
            chances = longer / 2
    return chances
