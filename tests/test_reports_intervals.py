"""Intervals against known values, and how often they hold the truth in simulated benchmarks."""

import math
import statistics

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.intervals import (
    Dispersion,
    cluster_values,
    difference_interval,
    dispersion,
    mean_interval,
    median_interval,
    score_interval,
    t_interval,
)

SCORES = st.lists(st.floats(0, 1), min_size=2, max_size=30)
SIZES = [2, 3, 5, 8, 12, 21, 243]


def test_right_or_wrong_scores_get_wilsons_interval():
    # Brown, Cai, DasGupta 2001, formula (4), for 8 right of 10.
    interval = mean_interval([1.0] * 8 + [0.0] * 2)
    assert (0.490162, 0.943318) == (pytest.approx(interval.low, abs=1e-6), pytest.approx(interval.high, abs=1e-6))


def test_all_right_is_not_certainty():
    interval = mean_interval([1.0] * 5)
    assert (pytest.approx(5 / (5 + 1.959964**2), abs=1e-6), 1.0) == (interval.low, interval.high)


def test_scores_that_agree_by_chance_are_not_certainty():
    interval = mean_interval([2 / 3, 2 / 3])
    assert interval.high - interval.low > 0.7


def test_graded_scores_of_many_samples_get_the_t_interval():
    scores = list(np.random.default_rng(0).beta(2, 2, 2000))
    plain, score = t_interval(scores), mean_interval(scores)
    assert (pytest.approx(plain.low, abs=2e-4), pytest.approx(plain.high, abs=2e-4)) == (score.low, score.high)


def test_the_t_interval_has_its_textbook_value():
    # t(3; 0.975) = 3.182446, s = 1.290994, n = 4
    interval = t_interval([1.0, 2.0, 3.0, 4.0])
    half = 3.182446 * 1.290994 / 2
    assert (pytest.approx(2.5 - half, abs=1e-5), pytest.approx(2.5 + half, abs=1e-5)) == (interval.low, interval.high)


@pytest.mark.parametrize("values", [[], [0.5]])
def test_nothing_is_claimed_from_fewer_than_two_samples(values):
    assert [None] * 4 == [
        mean_interval(values),
        median_interval(values),
        t_interval(values),
        score_interval(0.5, len(values)),
    ]


def test_nothing_is_redrawn_from_fewer_than_ten_samples():
    few, enough = ({str(number): number / 10 for number in range(count)} for count in (9, 10))
    assert (None, None) == (difference_interval(few, enough), difference_interval(enough, few))
    assert (None, None) == (median_interval(list(few.values())), difference_interval({}, enough))
    assert difference_interval(enough, enough) is not None


def test_right_or_wrong_scores_have_the_largest_dispersion():
    assert Dispersion(1.0, math.inf) == dispersion([[1.0, 0.0, 1.0], [0.0, 1.0]])


def test_dispersion_is_taken_within_groups():
    low, high = [0.1, 0.2] * 10, [0.9, 1.0] * 10
    assert dispersion([low, high]).phi < 0.1 < dispersion([low + high]).phi


@pytest.mark.parametrize(("expected", "groups"), [(1 / 2, [[0.5, 0.5]]), (1 / 20, [[0.5] * 10, [0.2] * 11])])
def test_scores_that_agree_are_no_proof_that_all_do(expected, groups):
    assert pytest.approx(expected) == dispersion(groups).phi


@given(SCORES)
def test_a_score_interval_holds_the_mean_and_stays_within_0_and_1(values):
    interval = mean_interval(values)
    assert 0 <= interval.low <= statistics.fmean(values) + 1e-12
    assert statistics.fmean(values) - 1e-12 <= interval.high <= 1


@given(SCORES)
def test_turning_scores_round_turns_the_interval_round(values):
    interval, mirrored = mean_interval(values), mean_interval([1 - value for value in values])
    assert pytest.approx(1 - interval.high, abs=1e-6) == mirrored.low


def test_cluster_values_of_complete_samples_are_their_means():
    questions = [{"a": 1.0, "b": 0.0}, {"a": 0.5, "b": 0.25}]
    assert [0.75, 0.125] == cluster_values(questions)


@given(st.lists(st.dictionaries(st.sampled_from("abcdefgh"), st.floats(0, 1), min_size=1), min_size=1, max_size=6))
def test_the_mean_of_cluster_values_is_the_mean_of_question_means(questions):
    expected = statistics.fmean(statistics.fmean(scores.values()) for scores in questions)
    assert pytest.approx(expected, abs=1e-9) == statistics.fmean(cluster_values(questions))


def test_answers_of_one_sample_are_not_independent_evidence():
    right = {str(n): float(n % 2) for n in range(40)}
    once, six_times = (mean_interval(cluster_values([right] * times)) for times in (1, 6))
    assert once == six_times


def test_a_bootstrap_gives_the_same_interval_again():
    values = list(np.random.default_rng(3).random(30))
    assert median_interval(values) == median_interval(values)


def test_a_paired_difference_is_sharper_where_samples_go_together():
    before = {str(n): n / 100 for n in range(100)}
    after = {sample: min(1.0, score + 0.1) for sample, score in before.items()}
    unrelated = {f"x{sample}": score for sample, score in after.items()}
    paired, separate = difference_interval(after, before), difference_interval(unrelated, before)
    assert paired.high - paired.low < (separate.high - separate.low) / 5


# --- coverage: families differ in difficulty, and so do the samples of a family ---------------------------------------


def right_or_wrong(difficulty, random):
    return (random.random(difficulty.shape) < difficulty).astype(float)


def graded(parts):
    """Scores that are means of ``parts`` right-or-wrong parts, as key points, fields and questions are."""

    def scores(difficulty, random):
        return (random.random((*difficulty.shape, parts)) < difficulty[..., None]).mean(axis=-1)

    return scores


def half_points(difficulty, random):
    """Three key points, each 0, 0.5 or 1."""
    draws = random.random((2, *difficulty.shape, 3)) < difficulty[..., None]
    return draws.mean(axis=(0, -1))


POPULATIONS = {
    "label": right_or_wrong,
    "three fields": graded(3),
    "key points": half_points,
    "six questions": graded(6),
}


def simulated(kind, families, n, seed):
    """Scores of shape (families, n), and each family's true mean."""
    random = np.random.default_rng(seed)
    means = random.beta(3, 2, size=(families, 1))
    difficulty = random.beta(3 * means, 3 * (1 - means), size=(families, n))
    return POPULATIONS[kind](difficulty, random), means[:, 0]


def coverage(intervals, truths):
    held = [interval.low <= truth <= interval.high for interval, truth in zip(intervals, truths, strict=True)]
    return statistics.fmean(held)


@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("kind", POPULATIONS)
def test_intervals_of_means_hold_the_truth_in_93_to_97_of_100_cases(kind, n):
    scores, truths = simulated(kind, 6000 if n < 100 else 2000, n, seed=n)
    spread = None if n >= 100 else dispersion(simulated(kind, 22, 11, seed=1)[0])
    intervals = [mean_interval(row, spread) for row in scores]
    assert 0.93 <= coverage(intervals, truths) <= 0.97


@pytest.mark.parametrize("n", [3, 5, 12, 21])
def test_a_small_run_is_never_overconfident(n):
    scores, truths = simulated("three fields", 3000, n, seed=n)
    assert 0.94 <= coverage([mean_interval(row) for row in scores], truths)


def test_the_plain_t_interval_fails_at_family_size():
    scores, truths = simulated("three fields", 3000, 3, seed=0)
    assert coverage([t_interval(row) for row in scores], truths) < 0.9


@pytest.mark.parametrize(("n", "benchmarks"), [(243, 800), (10, 1500)])
def test_intervals_of_differences_hold_the_truth_in_93_to_97_of_100_cases(n, benchmarks):
    random = np.random.default_rng(7)
    intervals = []
    for _ in range(benchmarks):
        difficulty = random.beta(3, 2, size=n)
        before = dict(enumerate((random.random(n) < difficulty).astype(float)))
        after = dict(enumerate((random.random(n) < difficulty**0.5).astype(float)))
        intervals.append(difference_interval(after, before))
    truth = math.gamma(3.5) * math.gamma(5) / math.gamma(3) / math.gamma(5.5) - 0.6
    assert 0.93 <= coverage(intervals, [truth] * benchmarks) <= 0.97


def test_intervals_of_medians_hold_the_truth_in_93_to_97_of_100_cases():
    random = np.random.default_rng(8)
    intervals = [median_interval(random.beta(2, 2, size=21)) for _ in range(600)]
    assert 0.93 <= coverage(intervals, [0.5] * 600) <= 0.97
