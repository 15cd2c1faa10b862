"""Intervals of quantiles by order statistics, alone and of values in clusters."""

import math
import statistics

import numpy as np
import pytest

from reports.statistics.quantiles import order_statistics, quantile_interval


@pytest.mark.parametrize(("probability", "fewest"), [(0.9, 36), (0.95, 72), (0.99, 368)])
def test_the_upper_end_is_open_until_the_largest_value_is_beyond_the_quantile(probability, fewest):
    # all n values lie below it with probability q^n, which is at most 2.5% from here on
    assert fewest == math.ceil(math.log(0.025) / math.log(probability))
    assert fewest == order_statistics(fewest - 1, probability)[1]  # n + 1: open
    assert fewest >= order_statistics(fewest, probability)[1]
    values = [(float(value),) for value in range(fewest)]
    assert math.inf == quantile_interval(values[:-1], probability).high
    assert values[-1][0] == quantile_interval(values, probability).high


def test_the_ranks_of_a_median_are_those_of_the_sign_test():
    assert (0, 6) == order_statistics(5, 0.5)
    assert (2, 9) == order_statistics(10, 0.5)  # binomial(10, 1/2): P(count < 2) = 1.07%
    assert quantile_interval([(1.0,)] * 5, 0.5) is None


def test_values_that_all_agree_within_a_cluster_count_once():
    alike = quantile_interval([(float(value),) * 100 for value in range(50)], 0.5)
    single = quantile_interval([(float(value),) for value in range(50)], 0.5)
    assert alike.low <= single.low < single.high <= alike.high
    assert alike.high - alike.low <= 1.5 * (single.high - single.low)


def test_a_single_cluster_says_nothing():
    assert quantile_interval([tuple(float(value) for value in range(1000))], 0.5) is None
    assert quantile_interval([], 0.5) is None


@pytest.mark.parametrize(
    ("probability", "n"), [(0.5, 6), (0.5, 50), (0.9, 10), (0.9, 36), (0.95, 72), (0.99, 100), (0.99, 368)]
)
def test_intervals_hold_the_quantile_in_95_of_100_cases(probability, n):
    random = np.random.default_rng(n)
    truth = -math.log(1 - probability)
    intervals = [
        quantile_interval([(value,) for value in random.exponential(size=n)], probability) for _ in range(600)
    ]
    held = statistics.fmean(interval.low <= truth <= interval.high for interval in intervals)
    assert 0.93 <= held


@pytest.mark.parametrize("between", [0.0, 0.5])
@pytest.mark.parametrize(("probability", "clusters"), [(0.5, 40), (0.9, 40), (0.99, 200)])
def test_intervals_of_clustered_values_hold_it_too(probability, clusters, between):
    random = np.random.default_rng(clusters)

    def draw(count):
        return random.normal(0, between, size=(count, 1)) + random.normal(0, 0.5, size=(count, 20))

    truth = np.quantile(draw(20_000), probability)
    intervals = [quantile_interval(draw(clusters).tolist(), probability) for _ in range(150)]
    assert 0.9 <= statistics.fmean(interval.low <= truth <= interval.high for interval in intervals)
