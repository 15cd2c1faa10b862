"""The dispersion of a family's scores, shrunk towards the common dispersion of all families.

A family of 2 to 21 samples says little about its own spread, so the estimate borrows from the other families.
But families differ: an answer has one field in some, which is right or wrong, and twelve in others. With one
dispersion for all, the intervals of families with few fields covered the true mean in only 76 to 91% of
cases.

The family's estimate has the weight of its degrees of freedom f, the common one the weight f0. f0 is
estimated from how far the families' estimates differ beyond sampling error (an empirical Bayes estimate of
variances: G. K. Smyth 2004, Stat. Appl. Genet. Mol. Biol. 3, article 3, here by moments). Scores that are all
multiples of 1/k have at least the dispersion 1/k, that of k independent fields. Right-or-wrong scores have k
= 1 and Wilson's interval.

tests/test_reports_families.py simulates the coverage of these intervals.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from reports.statistics.intervals import (
    LARGEST_DISPERSION,
    ROUNDING,
    Dispersion,
    Floats,
    Interval,
    dispersion,
    largest_within,
    mean_interval,
)

MOST_FIELDS = 5
"""A coarser lattice than 1/5 shows in few scores only by chance."""
FEWEST_FREEDOM = 4
"""A scaled inverse chi-squared prior of f0 degrees of freedom has the relative variance 2 / (f0 - 4)."""

Name = TypeVar("Name")


def new_family_interval(values: Sequence[float], families: Sequence[str]) -> Interval | None:
    """Return the interval of the mean of ``values``, one per sample, with families drawn at random.

    None for fewer than two families. It is `intervals.mean_interval` of one value per family:
    M + G / n * sum over the family's samples of (value - M), for G families and n samples.
    """
    names = sorted(set(families))
    mean = math.fsum(values) / len(values) if values else 0.0
    sums = dict.fromkeys(names, 0.0)
    for value, family in zip(values, families, strict=True):
        sums[family] += value - mean
    return mean_interval([mean + len(names) / len(values) * sums[name] for name in names])


@dataclass(frozen=True, slots=True)
class _Family:
    """Sums over one family: squares within it, the largest possible ones, degrees of freedom, least dispersion."""

    within: float
    largest: float
    freedom: int
    least: float


def dispersions(families: Mapping[Name, Sequence[float]]) -> dict[Name, Dispersion]:
    """Return the dispersion of each family's scores, one score per sample, 0..1."""
    sums = {name: _sums(np.asarray(values, dtype=float)) for name, values in families.items()}
    graded = {name: values for name, values in families.items() if sums[name].least < 1}
    common = dispersion(graded.values())
    prior = _prior_freedom([sums[name] for name in graded], common)
    return {name: _drawn(family, common, prior) for name, family in sums.items()}


def _sums(values: Floats) -> _Family:
    if not len(values):
        return _Family(0.0, 0.0, 0, 0.0)
    fields = (
        k for k in range(1, MOST_FIELDS + 1) if (np.abs(values * k - np.round(values * k)) < ROUNDING).all()
    )
    return _Family(
        within=float(np.sum((values - values.mean()) ** 2)),
        largest=largest_within(values) if len(values) > 1 else 0.0,
        freedom=len(values) - 1,
        least=1 / next(fields, math.inf),
    )


def _prior_freedom(families: Sequence[_Family], common: Dispersion) -> float:
    """Return f0; if families differ no more than by sampling error, the degrees of freedom of all families."""
    weighed = [
        (family.freedom, family.within / family.largest / common.phi)
        for family in families
        if family.freedom and family.largest > ROUNDING
    ]
    if not weighed or math.isinf(common.freedom):
        return common.freedom
    # the sampling variance of an estimate of bounded, roughly uniform scores is about 1/f of its square
    excess = math.fsum(freedom * ((ratio - 1) ** 2 - 1 / freedom) for freedom, ratio in weighed)
    between = max(0.0, excess / math.fsum(freedom + 1 for freedom, _ in weighed))
    return min(common.freedom, FEWEST_FREEDOM + 2 / between) if between > ROUNDING else common.freedom


def _drawn(family: _Family, common: Dispersion, prior: float) -> Dispersion:
    if family.least == 1 or math.isinf(common.freedom):
        return LARGEST_DISPERSION
    freedom = family.freedom + prior if family.largest > ROUNDING else prior
    own = family.within / family.largest if family.largest > ROUNDING else 0.0
    phi = common.phi if freedom == prior else (own * family.freedom + common.phi * prior) / freedom
    return Dispersion(max(phi, family.least, 1 / (freedom + 1)), freedom)
