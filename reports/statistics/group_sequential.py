"""Group-sequential tests: looking at the data several times with the error rate of a single look.

Stopping at the first verdict after any repeat gives more wrong verdicts than a single look. Each look is
therefore read at a higher level, the same for all looks, so that the chance of any wrong verdict is that of
one look (S. J. Pocock 1977, Biometrika 64, 191). How much higher depends on how much data the looks share:
with the information I_k of look k, estimates at looks j < k have the correlation sqrt(I_j / I_k). The
crossing probability is integrated look by look (P. Armitage, C. K. McPherson, B. C. Rowe 1969, J. R. Statist.
Soc. A 132, 235; C. Jennison, B. W. Turnbull 2000, Group Sequential Methods, chapters 2 and 19).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy.special import ndtr, ndtri

GRID = 300
REACH = 7.0
"""Paths more than this many standard deviations below 0 are ignored."""
BISECTIONS = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """A look at the data, as part of a plan of looks.

    Attributes:
        repeats: how often every item has been asked so far.
        planned: the numbers of repeats after which the plan looks, ascending; ``repeats`` alone without a
            plan.
        baseline_repeats: of the run that this one is compared with; infinite without one.
    """

    repeats: int
    planned: tuple[int, ...]
    baseline_repeats: float = math.inf

    def nominal(self, level: float) -> float:
        """Return the one-sided level at which to read this look, so that all looks together have ``level``."""
        if len(self.planned) < 2:
            return level
        return float(
            ndtr(boundary(level, tuple(_information(count, self.baseline_repeats) for count in self.planned)))
        )


def _information(repeats: int, baseline_repeats: float) -> float:
    """Return the information in the difference of two means of equally noisy answers."""
    return 1 / (1 / repeats + 1 / baseline_repeats)


@lru_cache(maxsize=64)
def boundary(level: float, information: Sequence[float]) -> float:
    """Return the z value that a path of looks exceeds at some look with probability 1 - ``level``."""
    low, high = float(ndtri(level)), float(ndtri(1 - (1 - level) / len(information))) + 1e-9
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        if crossing(middle, information) > 1 - level:
            low = middle
        else:
            high = middle
    return high


def crossing(z: float, information: Sequence[float]) -> float:
    """Return the probability that a z statistic without drift exceeds ``z`` at any look."""
    total, below, density, variance = 0.0, np.zeros(1), np.ones(1), 0.0
    for now in information:
        step = math.sqrt(now - variance)
        limit = z * math.sqrt(now)
        total += float(np.sum(density * ndtr((below - limit) / step)))
        points = np.linspace(-REACH * math.sqrt(now), limit, GRID)
        weights = np.full(GRID, points[1] - points[0])
        weights[[0, -1]] /= 2
        spread = np.exp(-0.5 * ((points[:, None] - below) / step) ** 2) / (step * math.sqrt(2 * math.pi))
        below, density, variance = points, (spread @ density) * weights, now
    return total
