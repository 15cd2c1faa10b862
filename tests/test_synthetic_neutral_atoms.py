"""Physics of the neutral-atom families: known limits of the models, and fits that find the truth if they should."""

import numpy as np
import pytest

from synthetic.families import load_family
from synthetic.families.cz_benchmarking import _fidelity
from synthetic.families.microwave_ramsey import transfer
from synthetic.families.rydberg_spectroscopy import excited
from synthetic.families.tweezer_array import spots
from synthetic.physics.fitting import fit
from synthetic.physics.measured import measured
from synthetic.sample import find_scenario

SEEDS = range(20)


def truths(family, scenario, seeds=SEEDS):
    simulate = find_scenario(load_family(family), f"{family}_{scenario}").simulate
    return [simulate(np.random.default_rng(seed)) for seed in seeds]


def test_an_ideal_gate_returns_every_circuit_and_a_missing_one_leaves_a_random_state():
    assert np.ones(5) == pytest.approx(_fidelity(np.random.default_rng(0), 20, 5, np.pi))
    assert 0.25 == pytest.approx(_fidelity(np.random.default_rng(0), 20, 2000, 0.0).mean(), abs=0.02)


def test_the_retention_per_gate_is_one_minus_the_loss():
    for scenario in ("success", "failure_miscalibrated"):
        for truth in truths("cz_benchmarking", scenario):
            error = truth.retention_fit.errors[1]
            assert 1.0 - truth.loss_per_gate == pytest.approx(truth.retention_fit.values[1], abs=5.0 * error)


def test_two_resonant_half_pi_pulses_transfer_every_atom_and_dephased_ones_half_of_them():
    resonance = np.zeros(1)
    assert 1.0 == pytest.approx(transfer(resonance, rabi_hz=3e4, dark_time_s=1e-4, coherence=1.0)[0])
    assert 0.5 == pytest.approx(transfer(resonance, rabi_hz=3e4, dark_time_s=1e-4, coherence=0.0)[0])


def test_the_pulses_lengthen_the_dark_time_by_two_over_the_rabi_frequency():
    first_minimum_hz = np.array([0.5 / (1e-4 + 2.0 / (2.0 * np.pi * 2e4))])
    assert 0.0 == pytest.approx(
        transfer(first_minimum_hz, rabi_hz=2e4, dark_time_s=1e-4, coherence=1.0)[0], abs=1e-3
    )


def test_pulses_detuned_by_twice_their_rabi_frequency_transfer_at_most_five_eighths():
    # W' = sqrt(5) W: by one pulse sin^2(sqrt(5) pi / 4) / 5 = 0.193, by both at most 4 * 0.193 * 0.807
    detuning_hz = np.linspace(1.99e5, 2.01e5, 2000)
    moved = transfer(detuning_hz, rabi_hz=1e5, dark_time_s=2e-3, coherence=1.0)
    assert 0.623 == pytest.approx(moved.max(), abs=0.01)


def test_the_clock_detuning_is_found():
    for truth in truths("microwave_ramsey", "success"):
        assert truth.resonance_hz == pytest.approx(-truth.detuning.value, abs=5.0 * truth.detuning.error)


def test_the_ramsey_frequency_and_t2_are_found_if_groups_cover_an_oscillation():
    for truth in truths("rydberg_ramsey", "success"):
        assert truth.frequency_mhz == pytest.approx(truth.fit.values[0], abs=5.0 * truth.fit.errors[0])
        assert 1.0 / truth.t2_us == pytest.approx(truth.fit.values[2], abs=5.0 * truth.fit.errors[2])


def test_the_ramsey_frequency_is_lost_if_groups_cover_a_part_of_an_oscillation():
    within_errors = [
        abs(truth.fit.values[0] - truth.frequency_mhz) < 5.0 * truth.fit.errors[0]
        for truth in truths("rydberg_ramsey", "failure_undersampled")
    ]
    assert sum(within_errors) <= 2


def test_a_pulse_of_two_and_a_half_turns_excites_every_atom_at_resonance():
    assert 1.0 == pytest.approx(excited(np.zeros(1), pulse_us=1.25, rabi_mhz=2.0, jitter=0.0)[0])


def test_the_spectrum_of_each_site_is_found():
    for truth in truths("rydberg_spectroscopy", "success"):
        for site in truth.sites:
            assert site.resonance_mhz == pytest.approx(site.fit.values[0], abs=5.0 * site.fit.errors[0])
            assert site.rabi_mhz == pytest.approx(site.fit.values[2], abs=5.0 * site.fit.errors[2])


def test_the_centre_of_a_round_cloud_is_found():
    for truth in truths("mot_loading", "good", range(5)):
        assert truth.atoms_px == pytest.approx(truth.centre_px, abs=1.0)


def test_a_tail_pulls_the_fitted_centre_to_its_side():
    axis = {"left": (0, -1), "right": (0, 1), "bottom": (1, -1), "top": (1, 1)}
    for truth in truths("mot_loading", "tailed", range(5)):
        index, sign = axis[truth.tail_side]
        assert 0.5 < sign * (truth.centre_px[index] - truth.atoms_px[index])


@pytest.mark.parametrize("term", range(8))
def test_small_aberrations_lower_the_peak_as_the_marechal_formula_says(term):
    # exp(-(2 pi W)^2) for W waves rms (Mahajan, J. Opt. Soc. Am. 73, 860, 1983); on a grid, W itself is a bit
    # off
    coefficients = np.zeros((2, 8))
    coefficients[1, term] = 0.05
    ideal, actual = spots(coefficients, np.zeros((2, 2)), width_px=4.0, side_px=128).max(axis=(1, 2))
    strehl = actual / ideal
    assert np.exp(-((2.0 * np.pi * 0.05) ** 2)) == pytest.approx(strehl, abs=0.02)


def test_a_spot_is_shifted_as_far_as_it_should_be():
    light = spots(np.zeros((2, 8)), np.array([[0.0, 0.0], [0.4, -0.3]]), width_px=4.0)
    x, y = (light.sum(axis=axis) @ np.arange(-32, 32) for axis in (1, 2))
    assert (0.4, -0.3) == (pytest.approx(x[1] - x[0], abs=0.05), pytest.approx(y[1] - y[0], abs=0.05))


@pytest.mark.parametrize("scenario", ["success", "failure_aberrated"])
def test_no_site_of_an_array_is_missing(scenario):
    for truth in truths("tweezer_array", scenario):
        assert (0, "regular") == (truth.missing, truth.lattice)


@pytest.mark.parametrize(
    ("value", "error", "digits", "plus_minus", "in_parentheses"),
    [
        (0.99547, 0.00042, 1, "0.9955 ± 0.0004", "0.9955(4)"),
        (713.42, 53.38, 3, "713.4 ± 53.4", "713.4(534)"),
        (-3.2, 117.6, 1, "-3 ± 118", "-3(118)"),
        (0.968, 0.0098, 1, "0.968 ± 0.010", "0.968(10)"),
    ],
)
def test_values_are_printed_as_far_as_their_error_allows(value, error, digits, plus_minus, in_parentheses):
    result = measured(value, error, digits=digits)
    assert (plus_minus, in_parentheses) == (result.plus_minus, result.in_parentheses)
    assert plus_minus.startswith(f"{result.value:g}")


@pytest.mark.parametrize("error", [0.0, -1.0, float("inf"), float("nan")])
def test_a_value_without_an_uncertainty_is_not_rounded(error):
    with pytest.raises(ValueError, match=r"no uncertainty to round 1\.5 to"):
        measured(1.5, error, digits=1)


def test_a_weighted_fit_takes_its_errors_from_sigma_and_says_how_far_the_points_are_from_it():
    x, sigma = np.arange(400.0), np.full(400, 0.6)
    y = 2.0 + np.random.default_rng(0).normal(0.0, sigma / 2.0)
    line = fit(lambda x, slope, start: slope * x + start, x, y, (0.0, 0.0), sigma=sigma)
    assert 0.25 == pytest.approx(line.reduced_chi_squared, abs=0.05)
    assert 0.6 * 2.0 / 20.0 == pytest.approx(
        line.errors[1], rel=0.02
    )  # of a line's start: twice that of a mean
