"""Paired differences compared with manually computed values, and how often their interval holds the truth."""

import math
import statistics
import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.statistics.intervals import t_interval
from reports.statistics.paired import (
    change_interval,
    detectable_difference,
    difference_of,
    label_changes,
    paired_difference,
    unpaired_values,
)
from reports.statistics.sign_flips import sign_flip_p_value

DIFFERENCES = st.lists(st.floats(-1, 1), min_size=2, max_size=10)
SCORES = st.dictionaries(st.sampled_from("abcdefgh"), st.floats(0, 1), min_size=2)


def scores(*values):
    return dict(zip("abcdefghij", values, strict=False))


# --- manually computed ---


def test_a_difference_is_later_minus_earlier_over_shared_samples():
    difference = paired_difference([{"a": 0.5, "b": 0.0, "gone": 1.0}], [{"a": 1.0, "b": 0.25, "new": 0.0}])
    assert (2, 0.375) == (difference.samples, difference.mean)


def test_error_interval_and_detectable_difference_have_their_textbook_values():
    # s^2 = 2 * (0.45^2 + 0.25^2 + 0.05^2) / 5, error = s / sqrt(6); t(5; 0.975) = 2.570582, z(0.8) =
    # 0.8416212
    difference = paired_difference([scores(*[0.4] * 6)], [scores(0.1, 0.3, 0.5, 0.6, 0.8, 1.0)])
    error = math.sqrt(0.107 / 6)
    assert pytest.approx(error, abs=1e-6) == difference.standard_error
    assert pytest.approx(0.15 - 2.570582 * error, abs=1e-6) == difference.interval.low
    assert pytest.approx(0.15 + 2.570582 * error, abs=1e-6) == difference.interval.high
    assert pytest.approx((2.570582 + 0.8416212) * error, abs=1e-6) == difference.detectable


def test_several_questions_give_the_mean_of_their_mean_differences_clustered_by_sample():
    before = [scores(0, 0, 0), {"a": 0.0, "b": 0.0}]
    difference = paired_difference(before, [scores(0.3, 0.3, 0.6), {"a": 0.0, "b": 0.2}])
    assert pytest.approx((0.4 + 0.1) / 2) == difference.mean
    assert 3 == difference.samples
    # values: M + G * sum of (d - mean) / (2 * n): a: 0.25 + 3 * (-0.1/6 - 0.1/4), b: ... + 0.1/4, c: 0.25 + 3
    # * 0.2/6
    values = [0.25 - 0.05 - 0.075, 0.25 - 0.05 + 0.075, 0.25 + 0.1]
    assert pytest.approx(statistics.stdev(values) / math.sqrt(3)) == difference.standard_error


def test_answers_of_one_sample_are_not_independent_evidence():
    before, after = scores(0, 1, 0, 1), scores(1, 1, 0, 0.5)
    assert paired_difference([before], [after]) == paired_difference([before] * 6, [after] * 6)


def test_a_question_without_a_shared_sample_leaves_the_mean_undefined():
    assert paired_difference([scores(0, 1), {"a": 1.0}], [scores(1, 1), {"b": 1.0}]).mean is None
    assert paired_difference([], []).mean is None


def test_one_sample_has_a_difference_and_no_error():
    difference = difference_of([0.5])
    assert (0.5, None, None, None, None) == (
        difference.mean,
        difference.interval,
        difference.standard_error,
        difference.p_value,
        difference.detectable,
    )


def test_without_spread_there_is_no_detectable_difference_and_yet_no_certainty():
    difference = difference_of([0.0] * 243)
    # t(242; 0.975)^2 = 3.8803; q^2 / (n + q^2)
    assert difference.detectable is None
    assert (pytest.approx(-0.015718, abs=1e-5), pytest.approx(0.015718, abs=1e-5)) == (
        difference.interval.low,
        difference.interval.high,
    )


def test_samples_that_all_change_alike_give_no_certainty():
    interval = change_interval([-0.5] * 10)
    assert interval.low < -0.75
    assert -0.25 < interval.high < 0


def test_a_few_samples_that_broke_say_more_than_the_plain_t_interval():
    values = [-1.0] + [0.0] * 242
    plain, widened = t_interval(values), change_interval(values)
    # 1 broken of 243: Wilson's upper bound with t(242; 0.975) is 2.31%; the plain interval ends at 1.2%
    assert pytest.approx(-0.0231, abs=1e-4) == widened.low
    assert pytest.approx(-0.0122, abs=1e-4) == plain.low
    assert plain.high == widened.high


def test_every_sign_pattern_counts_if_samples_are_few():
    # 2^3 patterns of 1, 1, 1: only +++ and --- are as far from 0
    assert 2 / 8 == sign_flip_p_value([1.0, 1.0, 1.0])
    assert 1.0 == sign_flip_p_value([0.0, 0.0, 0.0])
    assert 1.0 == sign_flip_p_value([0.5, -0.5])


@pytest.mark.parametrize(("broken", "fixed"), [(4, 0), (7, 1), (12, 3), (6, 6)])
def test_of_right_or_wrong_scores_the_test_is_mcnemars(broken, fixed):
    flips = [-1.0] * broken + [1.0] * fixed + [0.0] * 230
    tail = sum(math.comb(broken + fixed, count) for count in range(fixed + 1)) / 2 ** (broken + fixed)
    assert pytest.approx(min(1, 2 * tail)) == sign_flip_p_value(flips)


@pytest.mark.parametrize(
    "values", [[0.2, -0.1, 0.35, 0.6, 0.05, 0.3], [1 / 3, 2 / 3, -1 / 7, 0.5, 0.1234567, 0.9]]
)
def test_convolution_gives_what_counting_all_patterns_gives(values):
    patterns = [[1 if bits >> i & 1 else -1 for i in range(len(values))] for bits in range(2 ** len(values))]
    sums = [
        abs(math.fsum(sign * abs(v) for sign, v in zip(pattern, values, strict=True))) for pattern in patterns
    ]
    expected = statistics.fmean(total >= abs(math.fsum(values)) - 1e-12 for total in sums)
    assert pytest.approx(expected) == sign_flip_p_value(values)


def test_the_test_needs_little_memory_however_many_samples():
    values = list(np.random.default_rng(0).normal(0.01, 0.3, 2000))
    tracemalloc.start()
    p_value = sign_flip_p_value(values)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert 0 < p_value < 1
    assert peak < 5_000_000


def test_four_broken_and_none_fixed_do_not_exclude_no_change():
    four = difference_of([-1.0] * 4 + [0.0] * 239)
    assert pytest.approx(0.125) == four.p_value
    assert four.interval.low < 0 <= four.interval.high
    six = difference_of([-1.0] * 6 + [0.0] * 237)
    assert pytest.approx(2 / 64) == six.p_value
    assert six.interval.high <= 0


def test_so_few_samples_that_no_result_reaches_5_percent_have_no_p_value():
    assert difference_of([1.0] * 5).p_value is None
    assert 2 / 64 == difference_of([1.0] * 6).p_value


def test_labels_fixed_and_broken_are_counted():
    changes = label_changes(scores(0, 0, 0, 0, 0, 0, 1, 1), scores(1, 1, 1, 1, 1, 1, 0, 1))
    assert (6, 1) == (changes.fixed, changes.broken)
    unchanged = label_changes(scores(0, 1, 2 / 3), scores(0, 1, 1))
    assert (0, 0) == (unchanged.fixed, unchanged.broken)


def test_one_item_is_the_floor_of_a_mean_over_questions():
    one, six = ([scores(*[1] * 10)] * count for count in (1, 6))
    alone, together = paired_difference(one, one).interval, paired_difference(six, six).interval
    # q^2 / (n + q^2) of the size of one item, with t(9; 0.975) = 2.262157
    assert pytest.approx(2.262157**2 / (10 + 2.262157**2), abs=1e-6) == alone.high == -alone.low
    assert pytest.approx(alone.high / 6) == together.high


def test_means_over_other_samples_differ_with_the_errors_of_both():
    first, second = {"a": 1.0, "b": 0.0, "c": 1.0}, {"x": 0.0, "y": 0.0, "z": 1.0}
    values = unpaired_values(first, second)
    assert pytest.approx(1 / 3) == statistics.fmean(values)
    # independent means: the variances of both, each s^2 / n with n in place of n - 1, and 6/5 for six samples
    assert pytest.approx(6 / 5 * 2 * (2 / 9) / 3) == statistics.variance(values) / len(values)
    assert [] == unpaired_values({}, second)
    assert [1.0, 0.5] == pytest.approx(unpaired_values({"a": 1.0, "b": 0.5}, {"a": 0.0, "b": 0.0}))


# --- invariants ---


@given(DIFFERENCES)
def test_the_interval_holds_the_mean_and_no_impossible_one(values):
    interval = change_interval(values)
    mean = statistics.fmean(values)
    assert -1 <= interval.low <= mean + 1e-9
    assert mean - 1e-9 <= interval.high <= 1


@given(DIFFERENCES)
def test_the_interval_is_never_narrower_than_students(values):
    plain, interval = t_interval(values), change_interval(values)
    # but for 0, about which the exact test decides
    assert interval.low == 0 or interval.low <= max(-1, plain.low)
    assert interval.high == 0 or interval.high >= min(1, plain.high)


@given(st.lists(st.floats(-1, 1), min_size=6, max_size=12), st.sampled_from([0.9, 0.95, 0.99]))
def test_an_interval_never_contradicts_the_p_value(values, level):
    interval, p_value = change_interval(values, level=level), sign_flip_p_value(values)
    inside = interval.low < 0 < interval.high or (p_value > 1 - level and interval.low <= 0 <= interval.high)
    assert inside == (p_value > 1 - level)


@given(DIFFERENCES, st.sampled_from([0.5, 0.9, 0.99]))
def test_a_higher_level_is_a_wider_interval(values, level):
    narrow, wide = change_interval(values, level=level), change_interval(values, level=0.995)
    assert wide.low <= narrow.low + 1e-12
    assert narrow.high - 1e-12 <= wide.high


@given(SCORES, SCORES)
def test_turning_the_comparison_round_turns_everything_round(before, after):
    there, back = paired_difference([before], [after]), paired_difference([after], [before])
    assert there.samples == back.samples
    if there.samples:
        assert pytest.approx(-there.mean, abs=1e-12) == back.mean
    if there.samples > 1:
        assert pytest.approx(-there.interval.high, abs=1e-9) == back.interval.low
        assert there.p_value == back.p_value


@given(SCORES)
def test_a_run_against_itself_differs_by_nothing(run):
    difference = paired_difference([run], [run])
    assert (0.0, 0.0) == (difference.mean, difference.standard_error)
    assert difference.p_value in {None, 1.0}
    assert difference.interval.low < 0 < difference.interval.high


@given(DIFFERENCES)
def test_a_p_value_is_a_probability(values):
    assert 0 < sign_flip_p_value(values) <= 1


@given(SCORES, SCORES)
def test_fixed_and_broken_change_places_with_the_runs(before, after):
    there, back = label_changes(before, after), label_changes(after, before)
    assert (there.fixed, there.broken) == (back.broken, back.fixed)


# --- coverage ---


def flips(random, n, broken, fixed, questions):
    """Differences of samples with that many right-or-wrong questions, each broken or fixed with these probabilities."""
    draws = random.random((n, questions))
    return (np.where((draws >= broken) & (draws < broken + fixed), 1.0, 0.0) - (draws < broken)).mean(axis=1)


POPULATIONS = {
    "as many broken as fixed": (0.1, 0.1, 1),
    "few, all broken": (0.02, 0.0, 1),
    "some, all broken": (0.05, 0.0, 1),
    "mostly broken": (0.1, 0.03, 1),
    "six questions": (0.1, 0.1, 6),
    "six questions, few, all broken": (0.02, 0.0, 6),
}


@pytest.mark.parametrize("n", [3, 10, 21, 243])
@pytest.mark.parametrize("population", POPULATIONS)
def test_intervals_hold_the_true_difference_in_93_of_100_cases_and_more(population, n):
    broken, fixed, questions = POPULATIONS[population]
    random = np.random.default_rng(n)
    intervals = [change_interval(flips(random, n, broken, fixed, questions)) for _ in range(1000)]
    held = [interval.low <= fixed - broken <= interval.high for interval in intervals]
    assert 0.925 <= statistics.fmean(held)  # 0.93 within the error of 1000 cases


def test_the_plain_t_interval_misses_too_often_if_few_samples_break():
    random = np.random.default_rng(0)
    intervals = [t_interval(flips(random, 243, 0.02, 0.0, 1)) for _ in range(600)]
    assert statistics.fmean(interval.low <= -0.02 <= interval.high for interval in intervals) < 0.9


def test_a_true_difference_of_the_detectable_size_is_found_in_80_of_100_cases():
    random = np.random.default_rng(1)
    true = detectable_difference(0.3 / math.sqrt(243), 242)
    detected = [change_interval(random.normal(true, 0.3, 243)).low > 0 for _ in range(250)]
    assert pytest.approx(0.8, abs=0.06) == statistics.fmean(detected)


@pytest.mark.parametrize("shared", [0, 5, 10])
def test_intervals_of_means_over_other_samples_hold_the_truth_in_93_of_100_cases(shared):
    random = np.random.default_rng(shared)
    names = [str(number) for number in range(40)]
    held = []
    for _ in range(800):
        chances = dict(zip(names, random.beta(3, 2, size=40), strict=True))
        first = {name: float(random.random() < chances[name]) for name in names[:20]}
        second = {name: float(random.random() < chances[name]) for name in names[20 - shared : 40 - shared]}
        interval = change_interval(unpaired_values(first, second))
        held.append(interval.low <= 0 <= interval.high)
    assert 0.93 <= statistics.fmean(held)
