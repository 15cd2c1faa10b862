"""Q5's values can be recovered from the simulated data within its tolerances.

The physics has the known limits.
"""

import numpy as np
import pytest

from synthetic.families import load_family
from synthetic.physics.coupler_spectroscopy import qubit_like_ghz
from synthetic.physics.driven_transmon import steady_populations
from synthetic.physics.flux_maps import transmon_ghz
from synthetic.sample import find_scenario

SEEDS = range(10)


def truths(family, scenario):
    simulate = find_scenario(load_family(family), f"{family}_{scenario}").simulate
    return [simulate(np.random.default_rng(seed)) for seed in SEEDS]


def test_without_a_third_level_the_line_is_the_saturated_lorentzian():
    detuning_mhz, rabi_mhz, t1_us, t2_us = np.linspace(-30.0, 30.0, 41), np.array([0.3, 2.0, 9.0]), 1.1, 0.25
    levels = steady_populations(detuning_mhz, rabi_mhz, anharmonicity_mhz=-1e6, t1_us=t1_us, t2_us=t2_us)
    drive = (2.0 * np.pi * rabi_mhz[:, None]) ** 2 * t1_us * t2_us
    expected = 0.5 * drive / (1.0 + (2.0 * np.pi * detuning_mhz * t2_us) ** 2 + drive)
    assert expected == pytest.approx(levels[..., 1], abs=1e-6)
    assert levels.sum(axis=-1) == pytest.approx(1.0)


def test_two_photons_excite_the_second_level_half_an_anharmonicity_below():
    detuning_mhz = np.linspace(-160.0, -60.0, 201)
    levels = steady_populations(
        detuning_mhz, np.array([1.0, 8.0]), anharmonicity_mhz=-220.0, t1_us=1.0, t2_us=0.3
    )
    assert -110.0 == pytest.approx(detuning_mhz[np.argmax(levels[1, :, 2])], abs=1.0)
    weak, strong = levels[..., 2].max(axis=1)
    assert strong > 0.05
    assert strong > 200.0 * weak  # as the fourth power of the drive, eight times as strong, below saturation


def test_f01_is_where_a_weak_drive_is_seen():
    for scenario in (
        "success_f01_low_amp_sharp",
        "success_f01_only_full_range",
        "success_f01_f02half_full_range",
    ):
        for truth in truths("qubit_spectroscopy_power_frequency", scenario):
            phase = truth.phase_rad[: len(truth.phase_rad) // 2].mean(axis=0)
            farthest = np.argmax(np.abs(phase - np.median(phase)))
            assert truth.f01_mhz == pytest.approx(truth.frequency_mhz[farthest], rel=0.002)


def test_a_transmon_is_highest_at_its_sweet_spot_and_periodic():
    bias_v = np.linspace(-1.0, 1.0, 9)
    one, next_one = (
        transmon_ghz(bias_v + shift_v, 5.0, 0.25, 3.0, charging_ghz=0.25, asymmetry=0.2)
        for shift_v in (0.0, 3.0)
    )
    assert one == pytest.approx(next_one)
    assert (5.0, 0.25) == (pytest.approx(one.max()), bias_v[np.argmax(one)])


def test_the_fitted_arc_has_its_top_where_the_qubit_has_it():
    for truth in truths("qubit_flux_spectroscopy", "success"):
        assert truth.highest_ghz == pytest.approx(truth.fitted_ghz, rel=0.001)
        assert truth.sweet_spot_v == pytest.approx(truth.fitted_v, abs=0.05 * truth.half_sweep_v)


def test_two_branches_leave_no_curve_on_both_of_them():
    for truth in truths("qubit_flux_spectroscopy", "failure_bad_fit"):
        assert truth.miss_mhz > 1e3 * truth.width_ghz


def test_a_failed_fit_follows_a_few_points_and_misses_the_others():
    for truth in truths("qubit_flux_spectroscopy", "failure_fit_failed"):
        others = np.isfinite(truth.picks_ghz) & ~truth.clear
        assert np.median(truth.misses_ghz(truth.clear)) < truth.width_ghz
        assert np.median(truth.misses_ghz(others)) > 2.0 * truth.width_ghz


def test_a_qubit_avoids_the_coupler_by_twice_the_coupling():
    below, above = qubit_like_ghz(np.array([4.5 - 1e-9, 4.5 + 1e-9]), 4.5, 0.1)
    assert (4.6, 4.4) == (pytest.approx(below), pytest.approx(above))


@pytest.mark.parametrize("scenario", ["success", "failure_bad_fit"])
def test_crossings_and_plateaus_are_those_of_the_measured_lines(scenario):
    for truth in truths("coupler_flux", scenario):
        bias_v = np.linspace(truth.bias_v[0], truth.bias_v[-1], 2001)
        for panel in truth.panels:
            coupler_ghz = truth.coupler.ghz(bias_v)
            crossed_v = bias_v[:-1][np.diff(np.sign(coupler_ghz - panel.qubit_ghz)) != 0]
            assert truth.crossings_v == pytest.approx(tuple(crossed_v), rel=0.1)
            middle_v = sum(truth.crossings_v[:2]) / 2.0
            near = np.argsort(np.abs(truth.bias_v - middle_v))[:5]
            assert np.nanmedian(panel.centres_ghz[near]) == pytest.approx(
                truth.plateaus_ghz(panel)[1], rel=0.001
            )


@pytest.mark.parametrize("scenario", ["few_bursts", "many_bursts"])
def test_jumps_are_where_the_fringes_move_and_as_far(scenario):
    for truth in truths("ramsey_charge_tomography", scenario):
        moved_e = truth.moved_e
        places = list(truth.jump_scans)
        assert truth.breaks == len(places)
        assert truth.sizes_mv == pytest.approx(moved_e[places] * truth.period_mv, rel=0.3)
        quiet = np.ones(truth.scans, dtype=bool)
        quiet[[place + step for place in places for step in (-1, 0, 1)]] = False
        assert moved_e[quiet].max() < 0.1


def test_the_mean_of_t1_is_that_of_the_actual_lifetimes():
    for scenario in ("stable", "telegraphic_fluctuations", "random_walk"):
        for truth in truths("t1_fluctuations", scenario):
            assert truth.actual_us.mean() == pytest.approx(truth.mean_us, rel=0.05)


@pytest.mark.parametrize("scenario", ["success", "failure_stabilize_negative", "failure_stabilize_positive"])
def test_knees_and_middle_of_a_pinch_off_are_those_of_the_trace(scenario):
    for truth in truths("pinchoff", scenario):
        plateau, floor = truth.current[truth.saturation_index - 1], truth.low
        share = (truth.current - floor) / (plateau - floor)
        assert truth.transition_index == pytest.approx(np.argmax(share < 0.5), abs=1)
        assert share[truth.saturation_index - 1 :][:2].min() > 0.8
        assert share[truth.cut_off_index + 1 :].max() < 0.2
