"""Kendall's rank correlation tau-b (M.

G. Kendall 1945, Biometrika 33, 239): how alike two figures rank things.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

FEWEST_RANKED = 4
"""Two random orders of three things agree fully in one case of six, so fewer than four show nothing."""


def kendall_tau(first: Sequence[float], second: Sequence[float]) -> float | None:
    """Return tau-b, -1..1, of two figures of the same things in the same order; ties count for neither order.

    None for fewer than `FEWEST_RANKED` things, and if one of the figures is the same for all of them.
    """
    if len(first) < FEWEST_RANKED:
        return None
    agreement = strict_first = strict_second = 0
    for (a, b), (c, d) in itertools.combinations(zip(first, second, strict=True), 2):
        one, other = _sign(a - c), _sign(b - d)
        agreement += one * other
        strict_first += one != 0
        strict_second += other != 0
    if not strict_first or not strict_second:
        return None
    return agreement / math.sqrt(strict_first * strict_second)


def _sign(value: float) -> int:
    return (value > 0) - (value < 0)
