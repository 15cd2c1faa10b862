"""Ramsey frequency calibration: the fit is good or bad for the reason that the words give."""

import numpy as np
import pytest

from synthetic.families.ramsey_freq_cal import FAMILY
from synthetic.sample import find_scenario


def simulate(scenario, seed):
    return find_scenario(FAMILY, scenario).simulate(np.random.default_rng(seed))


@pytest.mark.parametrize("seed", range(10))
def test_a_successful_fit_finds_detuning_and_coherence_within_the_tolerances(seed):
    truth = simulate("ramsey_success_freq_cal", seed)
    assert truth.detuning_mhz == pytest.approx(truth.fitted_mhz, rel=0.05)
    assert truth.t2_star_us == pytest.approx(truth.fitted_t2_star_us, rel=0.1)


@pytest.mark.parametrize("seed", range(10))
def test_a_routine_set_up_for_few_fringes_misses_many(seed):
    truth = simulate("ramsey_failure_freq_cal_too_many_osc", seed)
    assert abs(truth.fitted_mhz - truth.detuning_mhz) > 0.3 * truth.detuning_mhz
    assert truth.fit.r_squared < 0.3


@pytest.mark.parametrize("seed", range(10))
def test_beating_shows_as_two_lines_in_the_spectrum(seed):
    truth = simulate("ramsey_failure_freq_cal_beating", seed)
    magnitude = np.abs(np.fft.rfft(truth.population - truth.population.mean()))
    peaks = [k for k in range(1, len(magnitude) - 1) if magnitude[k - 1] < magnitude[k] > magnitude[k + 1]]
    strong = [k for k in peaks if magnitude[k] > 0.35 * magnitude.max()]
    assert len(strong) == 2


@pytest.mark.parametrize("seed", range(10))
def test_fringes_are_those_that_one_counts_in_the_noise_free_trace(seed):
    truth = simulate("ramsey_success_freq_cal", seed)
    t = np.linspace(0.0, truth.window_us, 5000)
    swing = np.cos(2.0 * np.pi * truth.detuning_mhz * t) * np.exp(-t / truth.t2_star_us)
    crossings = int(np.sum(np.diff(np.sign(swing)) != 0))
    assert FAMILY.parameters(truth)["fringes_visible"] == pytest.approx(crossings / 2, abs=1.0)
