"""As test_synthetic_real_maps.py: what real plots of traces show lies within the ranges of their scenario types."""

import pytest

from tests.test_synthetic_real_maps import Fact, truths

FACTS = [
    Fact(family, row, what, value)
    for family, row, facts in [
        (
            "rabi",
            "rabi_success_a",
            {
                "points": 690,
                "window us": 4.13,
                "periods": 7.2,
                "top": 0.9,
                "bottom": -0.88,
                "left": 0.86,
                "noise": 0.04,
            },
        ),
        (
            "rabi",
            "rabi_failure_damped_oscillations_a",
            {"points": 600, "window us": 4.0, "turn MHz": 2.04, "damping us": 0.32, "settled": 0.77, "bottom": -0.04}
            | {"noise": 0.05, "explained": 0.15},
        ),
        (
            "drag",
            "drag_success_b",
            {"points": 21, "begin": -0.0068, "end": -0.00095, "crossing": -0.005, "place": 0.3, "change": 0.27}
            | {"scatter": 0.04},
        ),
        (
            "drag",
            "drag_failure_no_signal_a",
            {"points": 21, "begin": -0.0175, "end": -0.0021, "top": 0.55, "bottom": -0.4, "scatter": 0.24},
        ),
        (
            "drag",
            "drag_failure_position_far_offset_a",
            {"points": 21, "begin": -0.122, "end": -0.066, "upper": 0.91, "lower": -0.89, "scatter": 0.045},
        ),
    ]
    for what, value in facts.items()
]

READ = {
    "drag": {
        "points": lambda truth: truth.count,
        "begin": lambda truth: truth.alpha_inv[0],
        "end": lambda truth: truth.alpha_inv[-1],
        "crossing": lambda truth: truth.fitted_optimum,
        "place": lambda truth: truth.place,
        "change": lambda truth: truth.change,
        "scatter": lambda truth: truth.scatter,
        "top": lambda truth: truth.highest,
        "bottom": lambda truth: truth.lowest,
        "upper": lambda truth: truth.upper,
        "lower": lambda truth: truth.lower,
    },
    "rabi": {
        "points": lambda truth: truth.count,
        "window us": lambda truth: truth.window_us,
        "periods": lambda truth: truth.periods,
        "turn MHz": lambda truth: truth.turn_mhz,
        "top": lambda truth: truth.highest,
        "bottom": lambda truth: truth.lowest,
        "left": lambda truth: truth.amplitude_left,
        "damping us": lambda truth: truth.damping_us,
        "settled": lambda truth: truth.settled,
        "noise": lambda truth: truth.noise,
        "explained": lambda truth: truth.fit_share,
    },
}


@pytest.mark.parametrize("fact", FACTS, ids=lambda fact: f"{fact.row}-{fact.what}")
def test_what_the_real_trace_shows_is_within_the_range_of_the_scenario_type(fact):
    values = [READ[fact.family][fact.what](truth) for truth in truths(fact.family, fact.row.rpartition("_")[0])]
    assert min(values) <= fact.value <= max(values)
