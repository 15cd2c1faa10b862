"""Closed formulas of the simulators, compared with matrices and brute force, and fits that recover their input."""

import numpy as np
import pytest
from scipy.linalg import expm

from synthetic.families import load_family
from synthetic.families.rabi_hw import _probability
from synthetic.families.res_spec import Resonator
from synthetic.physics.fitting import strongest_frequency
from synthetic.physics.mixture import fit_mixture, gain
from synthetic.sample import find_scenario

X, Z = np.array([[0, 1], [1, 0]], complex), np.array([[1, 0], [0, -1]], complex)
SEEDS = range(15)


def truths(family, scenario):
    simulate = find_scenario(load_family(family), scenario).simulate
    return [simulate(np.random.default_rng(seed)) for seed in SEEDS]


@pytest.mark.parametrize("detuning_rad", [0.0, 1.0, 4.2])
@pytest.mark.parametrize("angle", [0.3, np.pi, 7.0])
def test_the_detuned_rabi_probability_is_that_of_the_propagator(angle, detuning_rad):
    turned = expm(-0.5j * (angle * X + detuning_rad * Z)) @ [1.0, 0.0]
    formula = _probability(np.array([angle / (2 * np.pi)]), detuning_rad, 0.0)
    assert abs(turned[1]) ** 2 == pytest.approx(formula[0], abs=1e-12)


def test_a_spread_of_the_amplitude_averages_like_many_pulses():
    pulses = np.random.default_rng(1).normal(1.0, 0.02, 200_000)
    average = _probability(2.5 * pulses, 1.5, 0.0).mean()
    assert average == pytest.approx(_probability(np.array([2.5]), 1.5, 0.02)[0], abs=3e-3)


@pytest.mark.parametrize("scenario", ["failure_large_error", "failure_moderate_error"])
def test_pingpong_is_what_the_pulses_one_after_the_other_do(scenario):
    for truth in truths("pingpong", f"pingpong_{scenario}"):
        half, full = (expm(-0.5j * share * (np.pi + truth.error_rad) * X) for share in (0.5, 1.0))
        states = [np.linalg.matrix_power(full, int(n)) @ half @ [1.0, 0.0] for n in truth.pulses]
        expected = [(abs(state) ** 2 @ [1.0, -1.0]).real for state in states]
        assert np.corrcoef(expected, truth.z)[0, 1] > 0.98


@pytest.mark.parametrize("scenario", ["success_t2star", "failure_t2star_window_too_short"])
def test_the_samples_show_the_apparent_frequency(scenario):
    for truth in truths("ramsey_t2star", f"ramsey_{scenario}"):
        shown = strongest_frequency(truth.delay_us, truth.population)
        assert truth.apparent_mhz == pytest.approx(shown, abs=0.5 / truth.window_us)


def test_under_sampled_fringes_have_no_line_and_rise_in_the_spectrum_to_their_alias():
    for truth in truths("ramsey_t2star", "ramsey_failure_t2star_sampling_too_coarse"):
        assert truth.apparent_mhz < truth.nyquist_mhz < truth.detuning_mhz
        _, magnitude = truth.spectrum
        third = len(magnitude) // 3
        assert magnitude[-third:].mean() > 1.25 * magnitude[:third].mean()
        assert magnitude.max() < 4.0 * np.median(magnitude)


@pytest.mark.parametrize("scenario", ["freq_cal_beating", "t2star_beating"])
def test_beating_shows_as_two_lines_in_the_spectrum(scenario):
    for truth in truths(f"ramsey_{scenario.rpartition('_')[0]}", f"ramsey_failure_{scenario}"):
        frequency_mhz, magnitude = truth.spectrum
        for line_mhz in (truth.detuning_mhz, truth.second_mhz):
            near = np.abs(frequency_mhz - line_mhz) <= 1.0 / truth.window_us
            assert magnitude[near].max() > 0.35 * magnitude.max()


def test_t2_star_is_found_only_if_the_window_captures_the_decay():
    for truth in truths("ramsey_t2star", "ramsey_success_t2star"):
        assert truth.t2_star_us == pytest.approx(truth.fitted_t2_star_us, rel=0.25)
    uncertain = [
        truth.fit.errors[2] / truth.fitted_t2_star_us
        for truth in truths("ramsey_t2star", "ramsey_failure_t2star_window_too_short")
    ]
    assert np.median(uncertain) > 0.08


def test_the_qubit_is_found():
    for truth in truths("qubit_spectroscopy", "qubit_spectroscopy_success"):
        (line_ghz,) = truth.visible_ghz
        assert line_ghz == pytest.approx(truth.fitted_ghz, abs=0.25e-3 * truth.full_width_mhz)


def test_the_hardware_rabi_period_is_found_on_resonance_only():
    for truth in truths("rabi_hw", "rabi_hw_success"):
        assert truth.period == pytest.approx(truth.fitted_period, rel=0.03)
    for truth in truths("rabi_hw", "rabi_hw_failure_off_resonant_drive"):
        assert truth.fit.r_squared < 0.9


def test_a_resonator_takes_its_coupling_at_resonance_and_half_the_power_at_half_its_width():
    resonator = Resonator(frequency_mhz=6000.0, width_mhz=2.0, coupling=0.8, asymmetry_rad=0.2)
    lost = 1.0 - resonator.transmission(np.array([5999.0, 6000.0, 6001.0]))
    assert [0.4**2 * 2, 0.8**2, 0.4**2 * 2] == pytest.approx(list(np.abs(lost) ** 2))


def test_dips_are_where_and_as_deep_as_the_trace_shows_them():
    for truth in truths("res_spec", "res_spec_success_zoomed_resonator"):
        (resonator,) = truth.dips
        deepest = truth.frequency_mhz[np.argmin(truth.magnitude)]
        assert resonator.frequency_mhz == pytest.approx(deepest, abs=0.25 * resonator.width_mhz)
        assert resonator.coupling == pytest.approx(truth.contrast(resonator), rel=0.1)


def test_a_mixture_is_found_again():
    rng = np.random.default_rng(2)
    first, second = rng.normal([1.0, -2.0], 0.3, (1800, 2)), rng.normal([2.5, -1.0], 0.2, (200, 2))
    mixture = fit_mixture(np.concatenate([first, second]))
    ordered = mixture if mixture.weights[0] > 0.5 else mixture.swapped
    assert [[1.0, -2.0], [2.5, -1.0]] == pytest.approx(ordered.centres, abs=0.05)
    assert [0.3, 0.2] == pytest.approx(ordered.sigmas, rel=0.1)
    assert [0.9, 0.1] == pytest.approx(ordered.weights, abs=0.01)
    assert ordered.labels(first).mean() < 0.01
    assert ordered.labels(second).mean() > 0.95


def test_two_components_gain_nothing_on_one_cloud():
    points = np.random.default_rng(4).normal(0.0, 0.3, (3000, 2))
    assert 0.0 <= gain(fit_mixture(points), points) < 10.0


def test_a_tone_that_is_too_strong_breaks_a_cloud_into_pieces():
    calm, torn = (truths("gmm", f"gmm_{name}") for name in ("success", "failure_high_power"))
    assert max(truth.elongation for truth in calm) < 1.3
    assert min(truth.elongation for truth in torn) > 2.0


def test_without_a_response_the_tone_passes_and_without_a_tone_only_noise_is_left():
    passing, silent = (truths("gmm", f"gmm_failure_{name}") for name in ("no_res_response", "no_signal"))
    assert min(truth.tone for truth in passing) > 5.0
    assert max(truth.tone for truth in silent) < 0.1
