"""Paired differences against values worked out by hand, and how often their interval holds the truth."""

import math
import statistics

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
    sign_flip_p_value,
)

DIFFERENCES = st.lists(st.floats(-1, 1), min_size=2, max_size=10)
SCORES = st.dictionaries(st.sampled_from("abcdefgh"), st.floats(0, 1), min_size=2)


def scores(*values):
    return dict(zip("abcdefghij", values, strict=False))


# --- by hand ---


def test_a_difference_is_later_minus_earlier_over_shared_samples():
    found = paired_difference([{"a": 0.5, "b": 0.0, "gone": 1.0}], [{"a": 1.0, "b": 0.25, "new": 0.0}])
    assert (2, 0.375) == (found.samples, found.mean)


def test_error_interval_and_detectable_difference_have_their_textbook_values():
    # d = 0.1, 0.2, 0.3, 0.4: s = 0.1290994, error = s / 2; t(3; 0.975) = 3.182446, z(0.8) = 0.8416212
    found = paired_difference([scores(0, 0, 0, 0)], [scores(0.1, 0.2, 0.3, 0.4)])
    error = 0.1290994 / 2
    assert pytest.approx(error, abs=1e-6) == found.standard_error
    assert pytest.approx(0.25 - 3.182446 * error, abs=1e-6) == found.interval.low
    assert pytest.approx(0.25 + 3.182446 * error, abs=1e-6) == found.interval.high
    assert pytest.approx((3.182446 + 0.8416212) * error, abs=1e-6) == found.detectable


def test_several_questions_give_the_mean_of_their_mean_differences_clustered_by_sample():
    before = [scores(0, 0, 0), {"a": 0.0, "b": 0.0}]
    found = paired_difference(before, [scores(0.3, 0.3, 0.6), {"a": 0.0, "b": 0.2}])
    assert pytest.approx((0.4 + 0.1) / 2) == found.mean
    assert 3 == found.samples
    # values: M + G * sum of (d - mean) / (2 * n): a: 0.25 + 3 * (-0.1/6 - 0.1/4), b: ... + 0.1/4, c: 0.25 + 3 * 0.2/6
    values = [0.25 - 0.05 - 0.075, 0.25 - 0.05 + 0.075, 0.25 + 0.1]
    assert pytest.approx(statistics.stdev(values) / math.sqrt(3)) == found.standard_error


def test_answers_of_one_sample_are_not_independent_evidence():
    before, after = scores(0, 1, 0, 1), scores(1, 1, 0, 0.5)
    assert paired_difference([before], [after]) == paired_difference([before] * 6, [after] * 6)


def test_a_question_without_a_shared_sample_leaves_the_mean_undefined():
    assert paired_difference([scores(0, 1), {"a": 1.0}], [scores(1, 1), {"b": 1.0}]).mean is None
    assert paired_difference([], []).mean is None


def test_one_sample_has_a_difference_and_no_error():
    found = difference_of([0.5])
    assert (0.5, None, None, None, None) == (
        found.mean,
        found.interval,
        found.standard_error,
        found.p_value,
        found.detectable,
    )


def test_without_spread_there_is_no_detectable_difference_and_yet_no_certainty():
    found = difference_of([0.0] * 243)
    # t(242; 0.975)^2 = 3.8803; q^2 / (n + q^2)
    assert found.detectable is None
    assert (pytest.approx(-0.015718, abs=1e-5), pytest.approx(0.015718, abs=1e-5)) == (
        found.interval.low,
        found.interval.high,
    )


def test_samples_that_all_change_alike_are_no_certainty():
    interval = change_interval([-0.5] * 10)
    assert interval.low < -0.75
    assert -0.25 < interval.high < 0


def test_a_few_samples_that_broke_say_more_than_the_plain_t_interval():
    values = [-1.0] + [0.0] * 242
    plain, found = t_interval(values), change_interval(values)
    # 1 broken of 243: Wilson's upper bound with t(242; 0.975) is 2.31%; the plain interval ends at 1.2%
    assert pytest.approx(-0.0231, abs=1e-4) == found.low
    assert pytest.approx(-0.0122, abs=1e-4) == plain.low
    assert plain.high == found.high


def test_every_sign_pattern_counts_where_samples_are_few():
    # 2^3 patterns of 1, 1, 1: only +++ and --- are as far from 0
    assert 2 / 8 == sign_flip_p_value([1.0, 1.0, 1.0])
    assert 1.0 == sign_flip_p_value([0.0, 0.0, 0.0])
    assert 1.0 == sign_flip_p_value([0.5, -0.5])


def test_random_sign_patterns_never_give_a_p_of_0_and_always_the_same_one():
    assert 1 / 10_001 == sign_flip_p_value([1.0] * 40)
    mixed = [0.2, -0.1] * 15
    assert sign_flip_p_value(mixed) == sign_flip_p_value(mixed)
    assert pytest.approx(sign_flip_p_value(mixed[:12]), abs=0.3) == sign_flip_p_value(mixed[:13])


def test_labels_fixed_and_broken_are_mcnemars():
    found = label_changes(scores(0, 0, 0, 0, 0, 0, 1, 1), scores(1, 1, 1, 1, 1, 1, 0, 1))
    # binomial(7, 1/2): P(at least 6) = 8/128, twice
    assert (6, 1, pytest.approx(16 / 128)) == (found.fixed, found.broken, found.p_value)


def test_unchanged_labels_have_no_p_value():
    found = label_changes(scores(0, 1, 2 / 3), scores(0, 1, 1))
    assert (0, 0, None) == (found.fixed, found.broken, found.p_value)


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
    assert interval.low <= max(-1, plain.low)
    assert interval.high >= min(1, plain.high)


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
    found = paired_difference([run], [run])
    assert (0.0, 0.0, 1.0) == (found.mean, found.standard_error, found.p_value)
    assert found.interval.low < 0 < found.interval.high


@given(DIFFERENCES)
def test_a_p_value_is_a_probability(values):
    assert 0 < sign_flip_p_value(values) <= 1


@given(SCORES, SCORES)
def test_fixed_and_broken_change_places_with_the_runs(before, after):
    there, back = label_changes(before, after), label_changes(after, before)
    assert (there.fixed, there.broken, there.p_value) == (back.broken, back.fixed, back.p_value)


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


def test_the_plain_t_interval_misses_too_often_where_few_samples_break():
    random = np.random.default_rng(0)
    intervals = [t_interval(flips(random, 243, 0.02, 0.0, 1)) for _ in range(600)]
    assert statistics.fmean(interval.low <= -0.02 <= interval.high for interval in intervals) < 0.9


def test_a_true_difference_of_the_detectable_size_is_found_in_80_of_100_cases():
    random = np.random.default_rng(1)
    true = detectable_difference(0.3 / math.sqrt(243), 242)
    found = [change_interval(random.normal(true, 0.3, 243)).low > 0 for _ in range(800)]
    assert pytest.approx(0.8, abs=0.04) == statistics.fmean(found)
