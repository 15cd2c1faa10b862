"""Arrival times of an open loop, its over-saturation, and the search for the highest load. Pure.

Open loop: gaps between arrivals are drawn from a gamma distribution of mean 1/rate and shape ``burstiness``:
1 is a Poisson process, below 1 arrivals come in bursts, above 1 they come more evenly (variance of a gap: 1 /
(burstiness * rate^2)).
"""

from __future__ import annotations

import bisect
import math
import random
from collections.abc import Callable, Sequence
from itertools import pairwise

SETTLED_AFTER = 10
"""The number of answers that show how long a first token takes before there is a backlog."""
CERTAIN = 3.0
"""By how many standard deviations first tokens must lag behind arrivals.

It is high because it is checked often.
"""
LAGGING = 0.9


def arrival_times(rate: float, number: int, *, burstiness: float = 1.0, seed: int | str = 0) -> list[float]:
    """Return the first ``number`` arrivals at ``rate`` a second, in seconds, the first at 0.

    They are rescaled so that their mean rate is exact. The rate of 100 random gaps is off by 10% in a third
    of the cases, which would be another load than the one requested.
    """
    gaps = random.Random(seed)  # noqa: S311 - a schedule, not a secret
    times = [0.0]
    while len(times) < number:
        times.append(times[-1] + gaps.gammavariate(burstiness, 1 / (rate * burstiness)))
    stretch = (number - 1) / rate / times[-1] if number > 1 else 1.0
    return [at * stretch for at in times[:number]]


def burstiness_of(times: Sequence[float]) -> float:
    """Return the shape of the gamma distribution whose gaps vary as those of the times: 1 for a Poisson process."""
    gaps = [after - before for before, after in pairwise(times)]
    mean = math.fsum(gaps) / len(gaps)
    variance = math.fsum((gap - mean) ** 2 for gap in gaps) / len(gaps)
    return mean**2 / variance if variance > 0 else math.inf


def over_saturated(
    arrivals: Sequence[float],
    first_tokens: Sequence[float],
    waits: Sequence[float],
    *,
    burstiness: float = 1.0,
) -> bool:
    """Return whether an open loop has lost its steady state: requests arrive faster than the server begins to answer.

    ``arrivals`` are the times at which requests were sent, ``first_tokens`` those at which a reply began or
    ended, both ascending; ``waits`` are the times that the first requests waited for that. In the latter half
    of the time, first tokens must lag behind arrivals by `CERTAIN` standard deviations of the difference of
    two such counts, and by a tenth. The result is False until twice the usual wait has passed, because until
    then a healthy server lags as well.
    """
    if len(waits) < SETTLED_AFTER:
        return False
    now = arrivals[-1] - arrivals[0]
    usual_wait = sorted(waits[:SETTLED_AFTER])[SETTLED_AFTER // 2]
    if now < 2 * usual_wait:
        return False
    half = arrivals[0] + now / 2
    came = len(arrivals) - bisect.bisect_left(arrivals, half)
    begun = bisect.bisect_right(first_tokens, arrivals[-1]) - bisect.bisect_left(first_tokens, half)
    return (
        came - begun > CERTAIN * math.sqrt((came + begun) / min(1.0, burstiness)) and begun < LAGGING * came
    )


def highest_load(meets: Callable[[int], bool], limit: int) -> int | None:
    """Return the highest load up to ``limit`` that meets the objectives; None if 1 does not.

    Doubles the load from 1 until one fails, then halves the interval between the last that met them and the
    first that did not: at most 2 * log2(limit) + 1 loads are tried, each once. The result is right if more
    load never helps.
    """
    met, failed = 0, limit + 1
    trial = 1
    while failed - met > 1:
        if meets(trial):
            met = trial
        else:
            failed = trial
        trial = min(2 * met, limit) if failed > limit else (met + failed) // 2
    return met or None
