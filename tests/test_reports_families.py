"""The dispersion of families, and how often a family's interval holds the truth."""

import math
import statistics

import numpy as np
import pytest

from reports.statistics.families import dispersions, new_family_interval
from reports.statistics.intervals import LARGEST_DISPERSION, dispersion, mean_interval

SIZES = (2, 3, 4, 5, 6, 7, 7, 8, 8, 9, 10, 11, 12, 12, 13, 14, 15, 16, 18, 19, 20, 21)


def test_right_or_wrong_scores_keep_wilsons_interval_next_to_graded_ones():
    by_family = dispersions({"label": [1.0, 0.0, 1.0], "graded": [0.4, 0.37, 0.61]})
    assert LARGEST_DISPERSION == by_family["label"]
    assert by_family["graded"].phi < 0.3


def test_families_that_do_not_differ_share_one_dispersion():
    random = np.random.default_rng(1)
    families = {name: random.binomial(7, random.beta(3, 2, size=200)) / 7 for name in "abcd"}
    common = dispersion(families.values())
    for each in dispersions(families).values():
        assert pytest.approx(common.phi, rel=0.15) == each.phi


def test_a_family_that_spreads_more_has_more_dispersion():
    random = np.random.default_rng(2)
    narrow = {f"n{i}": random.normal(0.5, 0.05, size=20).clip(0, 1) for i in range(10)}
    wide = {f"w{i}": random.uniform(0, 1, size=20) for i in range(10)}
    by_family = dispersions(narrow | wide)
    assert all(by_family[w].phi > 2 * by_family[n].phi for w in wide for n in narrow)


def test_one_sample_and_none_borrow_from_the_others():
    by_family = dispersions({"one": [0.37], "none": [], "some": [0.3, 0.61, 0.87]})
    assert by_family["one"].freedom == by_family["none"].freedom == 2


def test_fields_that_are_scored_apart_have_at_least_their_share():
    assert dispersions({"a": [0.5, 0.5, 0.5], "b": [0.41, 0.43, 0.47, 0.4]})["a"].phi >= 0.5


@pytest.mark.parametrize(
    "fields",
    [
        (1, 2, 3, 4, 5, 6, 8, 10, 12, 1, 2, 3, 4, 5, 6, 8, 10, 12, 1, 2, 3, 4),
        (8,) * 18 + (1,) * 4,
        (6,) * 21 + (1,),
    ],
    ids=["all kinds", "four of one field", "one of one field"],
)
def test_families_with_few_fields_hold_the_truth_as_often_as_others(fields):
    """With one dispersion for all families those of one field held it in 76 to 83 of 100 cases."""
    random = np.random.default_rng(len(set(fields)))
    held = {count: [] for count in fields}
    for _ in range(150):
        order = random.permutation(fields)
        truths = random.beta(3, 2, size=len(order))
        families = {}
        for index, (count, truth, n) in enumerate(zip(order, truths, SIZES, strict=True)):
            chances = random.beta(3 * truth, 3 * (1 - truth), size=(n, 1))
            families[index] = (random.random((n, count)) < chances).mean(axis=1)
        by_family = dispersions(families)
        for index, (count, truth) in enumerate(zip(order, truths, strict=True)):
            interval = mean_interval(list(families[index]), by_family[index])
            held[count].append(interval.low <= truth <= interval.high)
    for count, cases in held.items():
        assert 0.93 - 2.5 * math.sqrt(0.05 * 0.95 / len(cases)) <= statistics.fmean(cases), count


def test_new_families_are_less_sure_than_other_samples_of_these():
    """Families differ in difficulty: the interval by sample covers their mean, that by family the population's."""
    random = np.random.default_rng(5)
    by_sample, by_family, ratios = [], [], []
    for _ in range(300):
        means = random.beta(3, 2, size=22)
        families = np.repeat(np.arange(22), SIZES)
        values = [float(value) for value in random.random(len(families)) < means[families]]
        narrow, wide = (
            mean_interval(values),
            new_family_interval(values, [f"f{family}" for family in families]),
        )
        by_sample.append(narrow.low <= 0.6 <= narrow.high)
        by_family.append(wide.low <= 0.6 <= wide.high)
        ratios.append((wide.high - wide.low) / (narrow.high - narrow.low))
    assert statistics.fmean(by_sample) < 0.85
    assert 0.91 <= statistics.fmean(by_family)
    assert 1.4 < statistics.fmean(ratios) < 2


def test_one_family_says_nothing_about_others():
    assert new_family_interval([1.0, 0.0, 1.0], ["a"] * 3) is None
    assert new_family_interval([], []) is None
