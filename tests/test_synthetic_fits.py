"""Fitted values, which Q5 asks for, are true within Q5's tolerances."""

import numpy as np
import pytest

from synthetic.families import load_family
from synthetic.sample import find_scenario

SEEDS = range(30)


def truths(family, scenario):
    simulate = find_scenario(load_family(family), scenario).simulate
    return [simulate(np.random.default_rng(seed)) for seed in SEEDS]


def test_t1_is_found():
    for truth in truths("t1", "t1_success"):
        assert truth.t1_us == pytest.approx(truth.fitted_t1_us, rel=0.1)


def test_the_rabi_rate_is_found_detuned_or_not():
    for scenario in ("rabi_success", "rabi_success_off_resonance", "rabi_successful_limited_range"):
        for truth in truths("rabi", scenario):
            assert truth.turn_mhz == pytest.approx(truth.fit.values[0], rel=0.05)


@pytest.mark.parametrize(
    "place", ["success", "failure_position_first_quarter", "failure_position_last_quarter"]
)
def test_the_drag_optimum_is_found(place):
    for truth in truths("drag", f"drag_{place}"):
        assert truth.optimum == pytest.approx(truth.fitted_optimum, abs=0.12 * truth.window)


def test_the_suggested_drag_sweep_has_the_optimum_in_its_middle():
    for truth in truths("drag", "drag_failure_position_far_offset"):
        low, high = (float(text) for text in truth.centred_sweep.strip("()").split(","))
        assert 0.25 < (truth.optimum - low) / (high - low) < 0.75
