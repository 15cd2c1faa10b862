"""Ramsey frequency calibration: the fit is good or bad for the reason in the texts."""

import numpy as np
import pytest

from synthetic.families.ramsey_freq_cal import FAMILY
from synthetic.sample import find_scenario


def simulate(scenario, seed):
    return find_scenario(FAMILY, scenario).simulate(np.random.default_rng(seed))


@pytest.mark.parametrize("seed", range(10))
def test_a_successful_fit_finds_the_detuning_within_the_tolerance(seed):
    truth = simulate("ramsey_success_freq_cal", seed)
    assert truth.detuning_mhz == pytest.approx(truth.fitted_mhz, rel=0.05)


@pytest.mark.parametrize("seed", range(10))
def test_a_routine_set_up_for_few_fringes_misses_many(seed):
    truth = simulate("ramsey_failure_freq_cal_too_many_osc", seed)
    assert abs(truth.fitted_mhz - truth.detuning_mhz) > 0.3 * truth.detuning_mhz
    assert truth.fit.r_squared < 0.3


@pytest.mark.parametrize("seed", range(10))
def test_fringes_are_those_that_one_counts_in_the_noise_free_trace(seed):
    truth = simulate("ramsey_success_freq_cal", seed)
    t = np.linspace(0.0, truth.visible_us, 5000)
    swing = np.cos(2.0 * np.pi * truth.detuning_mhz * t) * np.exp(-t / truth.t2_star_us)
    crossings = int(np.sum(np.diff(np.sign(swing)) != 0))
    assert FAMILY.parameters(truth)["fringes_visible"] == pytest.approx(crossings / 2, abs=1.0)
