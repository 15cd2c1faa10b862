"""Intervals against known values, and how often they hold the truth in simulated benchmarks."""

import math
import statistics

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from reports.statistics.intervals import (
    Dispersion,
    cluster_values,
    dispersion,
    mean_interval,
    median_interval,
    score_interval,
    t_interval,
    weighted_interval,
)

SCORES = st.lists(st.floats(0, 1), min_size=2, max_size=30)
SIZES = [2, 3, 5, 8, 12, 21, 243]


def test_right_or_wrong_scores_get_wilsons_interval():
    # Brown, Cai, DasGupta 2001, formula (4), for 8 right of 10.
    interval = mean_interval([1.0] * 8 + [0.0] * 2)
    assert (0.490162, 0.943318) == (
        pytest.approx(interval.low, abs=1e-6),
        pytest.approx(interval.high, abs=1e-6),
    )


def test_all_right_is_not_certainty():
    interval = mean_interval([1.0] * 5)
    assert (pytest.approx(5 / (5 + 1.959964**2), abs=1e-6), 1.0) == (interval.low, interval.high)


def test_scores_that_agree_by_chance_are_not_certainty():
    interval = mean_interval([2 / 3, 2 / 3])
    assert interval.high - interval.low > 0.7


def test_graded_scores_of_many_samples_get_the_t_interval():
    scores = list(np.random.default_rng(0).beta(2, 2, 2000))
    plain, score = t_interval(scores), mean_interval(scores)
    assert (pytest.approx(plain.low, abs=2e-4), pytest.approx(plain.high, abs=2e-4)) == (
        score.low,
        score.high,
    )


def test_the_t_interval_has_its_textbook_value():
    # t(3; 0.975) = 3.182446, s = 1.290994, n = 4
    interval = t_interval([1.0, 2.0, 3.0, 4.0])
    half = 3.182446 * 1.290994 / 2
    assert (pytest.approx(2.5 - half, abs=1e-5), pytest.approx(2.5 + half, abs=1e-5)) == (
        interval.low,
        interval.high,
    )


@pytest.mark.parametrize("values", [[], [0.5]])
def test_nothing_is_claimed_from_fewer_than_two_samples(values):
    assert [None] * 4 == [
        mean_interval(values),
        median_interval(values),
        t_interval(values),
        score_interval(0.5, len(values)),
    ]


def test_nothing_is_redrawn_from_fewer_than_ten_samples():
    assert median_interval([number / 10 for number in range(9)]) is None
    assert median_interval([number / 10 for number in range(10)]) is not None


@pytest.mark.parametrize("n", [2, 7, 60, 243])
def test_all_and_none_have_exact_ends(n):
    assert 1.0 == score_interval(1.0, n).high == score_interval(1 - 1e-15, n).high
    assert 0.0 == score_interval(0.0, n).low


def test_right_or_wrong_scores_have_the_largest_dispersion():
    assert Dispersion(1.0, math.inf) == dispersion([[1.0, 0.0, 1.0], [0.0, 1.0]])


def test_dispersion_is_taken_within_groups():
    low, high = [0.1, 0.2] * 10, [0.9, 1.0] * 10
    assert dispersion([low, high]).phi < 0.1 < dispersion([low + high]).phi


@pytest.mark.parametrize(("expected", "groups"), [(1 / 2, [[0.5, 0.5]]), (1 / 20, [[0.5] * 10, [0.2] * 11])])
def test_scores_that_agree_do_not_prove_that_all_do(expected, groups):
    assert pytest.approx(expected) == dispersion(groups).phi


@given(SCORES)
def test_a_score_interval_holds_the_mean_and_stays_within_0_and_1(values):
    interval = mean_interval(values)
    assert 0 <= interval.low <= statistics.fmean(values) + 1e-12
    assert statistics.fmean(values) - 1e-12 <= interval.high <= 1


@given(SCORES)
@example([1.0, 1e-147])  # of which 1 - x leaves 0 and exactly 1
def test_turning_scores_round_turns_the_interval_round(values):
    interval, mirrored = mean_interval(values), mean_interval([1 - value for value in values])
    assert pytest.approx(1 - interval.high, abs=1e-6) == mirrored.low


def test_cluster_values_of_complete_samples_are_their_means():
    questions = [{"a": 1.0, "b": 0.0}, {"a": 0.5, "b": 0.25}]
    assert [0.75, 0.125] == cluster_values(questions)


@given(
    st.lists(
        st.dictionaries(st.sampled_from("abcdefgh"), st.floats(0, 1), min_size=1), min_size=1, max_size=6
    )
)
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


# --- coverage: families differ in difficulty, and so do the samples of a family -----------------------------


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


def test_intervals_of_medians_hold_the_truth_in_93_to_97_of_100_cases():
    random = np.random.default_rng(8)
    intervals = [median_interval(random.beta(2, 2, size=21)) for _ in range(600)]
    assert 0.93 <= coverage(intervals, [0.5] * 600) <= 0.97


# --- weighted means of parts --------------------------------------------------------------------------------

PART = st.dictionaries(st.sampled_from("abcdefghij"), st.floats(0, 1), min_size=2)


def test_of_one_part_the_weighted_interval_is_its_own():
    values = {"a": 1.0, "b": 0.25, "c": 0.5}
    expected, interval = mean_interval(list(values.values())), weighted_interval([1.0], [values])
    assert (pytest.approx(expected.low), pytest.approx(expected.high)) == (interval.low, interval.high)


def test_margins_of_independent_parts_add_up_as_squares():
    # Wilson: 8 of 10 right, 0.490162 to 0.943318; 2 of 10 right, 0.056682 to 0.509838
    parts = [{f"{name}{n}": float(n < right) for n in range(10)} for name, right in (("a", 8), ("b", 2))]
    interval = weighted_interval([0.75, 0.25], parts)
    low = 0.65 - math.hypot(0.75 * (0.8 - 0.490162), 0.25 * (0.2 - 0.056682))
    high = 0.65 + math.hypot(0.75 * (0.943318 - 0.8), 0.25 * (0.509838 - 0.2))
    assert (pytest.approx(low, abs=1e-5), pytest.approx(high, abs=1e-5)) == (interval.low, interval.high)


def test_parts_on_the_same_samples_add_up_as_far_as_they_go_together():
    alike = {str(n): n % 2.0 for n in range(20)}
    opposed = {sample: 1 - value for sample, value in alike.items()}
    constant = dict.fromkeys(alike, 1.0)
    own = mean_interval(list(alike.values()))
    together, against, unknown = (
        weighted_interval([0.5, 0.5], [alike, other]) for other in (alike, opposed, constant)
    )
    assert (pytest.approx(own.low), pytest.approx(own.high)) == (together.low, together.high)
    assert pytest.approx(0.5 - math.hypot(0.5 * (0.5 - own.low), 0.5 * (0.5 - own.low))) == against.low
    sure = mean_interval(list(constant.values()))
    assert pytest.approx(0.5 * (own.low + sure.low)) == unknown.low


@given(st.lists(st.tuples(st.floats(0.01, 1), PART), min_size=1, max_size=5))
def test_a_weighted_interval_holds_the_mean_and_stays_between_the_parts_bounds(parts):
    weights = [weight / sum(weight for weight, _ in parts) for weight, _ in parts]
    values = [part for _, part in parts]
    interval = weighted_interval(weights, values)
    mean = sum(w * statistics.fmean(part.values()) for w, part in zip(weights, values, strict=True))
    assert 0 <= interval.low <= mean + 1e-9
    assert mean - 1e-9 <= interval.high <= 1
    bounds = [mean_interval(list(part.values())) for part in values]
    assert sum(w * bound.low for w, bound in zip(weights, bounds, strict=True)) <= interval.low + 1e-6
    assert interval.high <= sum(w * bound.high for w, bound in zip(weights, bounds, strict=True)) + 1e-6


def test_a_part_of_one_sample_leaves_no_interval():
    assert weighted_interval([0.5, 0.5], [{"a": 1.0, "b": 0.0}, {"c": 1.0}]) is None


def parts_of_simulation(kind, sizes, random):
    """Scores of parts of different difficulty, and the parts' true means."""
    truths = random.beta(3, 2, size=len(sizes))
    parts = []
    for part, (truth, n) in enumerate(zip(truths, sizes, strict=True)):
        scores = POPULATIONS[kind](random.beta(3 * truth, 3 * (1 - truth), size=n), random)
        parts.append({f"{part}/{sample}": score for sample, score in enumerate(scores)})
    return parts, truths


@pytest.mark.parametrize("kind", ["label", "six questions"])
@pytest.mark.parametrize(
    ("weights", "sizes"),
    [((0.75, 0.25), (243, 60)), ((0.2, 0.3, 0.5), (10, 20, 40)), ((0.25,) * 4, (12,) * 4)],
)
def test_weighted_intervals_hold_the_truth_in_93_to_97_of_100_cases(kind, weights, sizes):
    random = np.random.default_rng(sum(sizes))
    simulations = [parts_of_simulation(kind, sizes, random) for _ in range(1200)]
    truths = [float(np.dot(weights, means)) for _, means in simulations]
    assert 0.93 <= coverage([weighted_interval(weights, parts) for parts, _ in simulations], truths) <= 0.97


@pytest.mark.parametrize("kind", ["label", "six questions"])
@pytest.mark.parametrize("few", [2, 4])
def test_a_heavy_part_of_few_samples_is_never_overconfident(kind, few):
    random = np.random.default_rng(few)
    simulations = [parts_of_simulation(kind, (243, few), random) for _ in range(1000)]
    truths = [float(np.dot((0.5, 0.5), means)) for _, means in simulations]
    assert 0.93 <= coverage([weighted_interval((0.5, 0.5), parts) for parts, _ in simulations], truths)


def parts_on_the_same_plots(n, random):
    """A label and a graded question about the same ``n`` plots, and their true mean."""
    truth = random.beta(3, 2)
    difficulty = random.beta(3 * truth, 3 * (1 - truth), size=n)
    parts = [dict(enumerate(POPULATIONS[kind](difficulty, random))) for kind in ("label", "six questions")]
    return parts, truth


@pytest.mark.parametrize("n", [10, 40, 243])
def test_weighted_intervals_of_parts_on_the_same_plots_hold_the_truth_too(n):
    random = np.random.default_rng(n)
    simulations = [parts_on_the_same_plots(n, random) for _ in range(1200)]
    truths = [truth for _, truth in simulations]
    held = coverage([weighted_interval((0.5, 0.5), parts) for parts, _ in simulations], truths)
    apart = [
        [{f"{p}/{s}": v for s, v in part.items()} for p, part in enumerate(parts)] for parts, _ in simulations
    ]
    assert 0.93 <= held <= 0.97
    assert coverage([weighted_interval((0.5, 0.5), parts) for parts in apart], truths) < held - 0.02


def test_questions_with_other_samples_are_not_more_certain_than_the_one_with_fewest():
    """A question of 50 samples and one of 200: without the design effect 91 of 100 intervals held the truth."""
    random = np.random.default_rng(5)
    intervals, truths = [], []
    for _ in range(1200):
        truth = random.beta(3, 2)
        difficulty = random.beta(3 * truth, 3 * (1 - truth), size=200)
        all_samples, few = (
            dict(enumerate(right_or_wrong(part, random))) for part in (difficulty, difficulty[:50])
        )
        intervals.append(mean_interval(cluster_values([all_samples, few])))
        truths.append(truth)
    assert 0.93 <= coverage(intervals, truths) <= 0.97
