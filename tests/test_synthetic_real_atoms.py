"""As test_synthetic_real_maps.py: what real plots of atoms and electrons show lies within the scenario types' ranges."""

import pytest

from tests.test_synthetic_real_maps import Fact, truths

FACTS = [
    Fact(family, row, what, value)
    for family, row, facts in [
        (
            "pinchoff",
            "pinchoff_success_a",
            {"points": 31, "highest": 507, "left": 0.065, "slope": 0.19, "midpoint": 8.5, "noise": 0.012},
        ),
        (
            "pinchoff",
            "pinchoff_failure_noisy_no_transition_a",
            {"points": 41, "lowest": 267, "highest": 321, "spread": 14, "difference": 24},
        ),
        (
            "mot_loading",
            "mot_loading_good_a",
            {"width px": 327, "height px": 217, "sigma px": 10, "brightest": 0.85, "x": 0.28, "y": 0.61},
        ),
        ("mot_loading", "mot_loading_no_signal_a", {"width px": 280, "height px": 187, "noise": 0.058}),
    ]
    for what, value in facts.items()
]

READ = {
    "mot_loading": {
        "width px": lambda truth: truth.size_px[0],
        "height px": lambda truth: truth.size_px[1],
        "sigma px": lambda truth: truth.width_px,
        "brightest": lambda truth: truth.brightest,
        "x": lambda truth: truth.centre_px[0] / truth.size_px[0],
        "y": lambda truth: truth.centre_px[1] / truth.size_px[1],
        "noise": lambda truth: truth.noise,
    },
    "pinchoff": {
        "points": lambda truth: len(truth.current),
        "lowest": lambda truth: truth.lowest,
        "highest": lambda truth: truth.highest,
        "left": lambda truth: truth.left,
        "slope": lambda truth: 1.0 - truth.current[max(truth.saturation_index, 0)] / truth.highest,
        "midpoint": lambda truth: truth.midpoint,
        "noise": lambda truth: truth.noise / truth.highest,
        "spread": lambda truth: truth.spread,
        "difference": lambda truth: abs(truth.high - truth.low),
    },
}


@pytest.mark.parametrize("fact", FACTS, ids=lambda fact: f"{fact.row}-{fact.what}")
def test_what_the_real_plot_shows_is_within_the_range_of_the_scenario_type(fact):
    values = [READ[fact.family][fact.what](truth) for truth in truths(fact.family, fact.row.rpartition("_")[0])]
    assert min(values) <= fact.value <= max(values)
