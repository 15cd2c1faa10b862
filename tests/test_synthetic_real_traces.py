"""Like test_synthetic_real_maps.py: values of real plots of traces are within the ranges of their scenario types."""

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
            {
                "points": 600,
                "window us": 4.0,
                "turn MHz": 2.04,
                "damping us": 0.32,
                "settled": 0.77,
                "bottom": -0.04,
            }
            | {"noise": 0.05, "explained": 0.15},
        ),
        (
            "drag",
            "drag_success_b",
            {
                "points": 21,
                "begin": -0.0068,
                "end": -0.00095,
                "crossing": -0.005,
                "place": 0.3,
                "change": 0.27,
            }
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
        (
            "ramsey_freq_cal",
            "ramsey_success_freq_cal_a",
            {
                "points": 67,
                "window us": 6.7,
                "fringes": 4.6,
                "visible": 4,
                "decay times": 0.35,
                "T2* us": 19.4,
            }
            | {"MHz": 0.682, "scatter": 0.06},
        ),
        (
            "ramsey_freq_cal",
            "ramsey_failure_freq_cal_beating_a",
            {
                "points": 250,
                "window us": 25,
                "slower MHz": 0.48,
                "faster MHz": 0.72,
                "beats": 6,
                "decay times": 1.6,
            },
        ),
        (
            "ramsey_freq_cal",
            "ramsey_failure_freq_cal_too_few_osc_a",
            {"points": 50, "window us": 10, "fringes": 1.96, "visible": 2, "decay times": 0.74, "MHz": 0.196},
        ),
        (
            "ramsey_t2star",
            "ramsey_success_t2star_a",
            {"points": 467, "window us": 70, "fringes": 47, "visible": 30, "decay times": 3.8, "T2* us": 18.3}
            | {"MHz": 0.68, "scatter": 0.026},
        ),
        (
            "ramsey_t2star",
            "ramsey_failure_t2star_beating_a",
            {
                "points": 700,
                "window us": 70,
                "slower MHz": 0.4,
                "faster MHz": 0.6,
                "beats": 14,
                "decay times": 4.3,
            },
        ),
        (
            "ramsey_t2star",
            "ramsey_failure_t2star_sampling_too_coarse_a",
            {
                "points": 63,
                "window us": 700,
                "visible": 2,
                "fitted T2* per step": 0.98,
                "fitted per Nyquist": 1.07,
            }
            | {"noise in the spectrum": 0.27, "top of the spectrum": 0.8},
        ),
        (
            "ramsey_charge_tomography",
            "ramsey_charge_tomography_clean_a",
            {"scans": 65, "cells": 80, "half mV": 800, "period mV": 460, "low": 12.5, "high": 23.5},
        ),
        (
            "ramsey_charge_tomography",
            "ramsey_charge_tomography_few_bursts_a",
            {
                "scans": 15,
                "cells": 82,
                "half mV": 500,
                "period mV": 460,
                "low": 14.3,
                "high": 24.5,
                "first jump": 2,
            }
            | {"jump mV": 180},
        ),
        (
            "rabi_hw",
            "rabi_hw_success_a",
            {"points": 51, "window": 0.25, "periods": 1.6, "top": 0.98, "bottom": -0.02, "last peak": 0.75}
            | {"swing": 0.86, "period": 0.156},
        ),
        (
            "rabi_hw",
            "rabi_hw_failure_incorrect_fit_c",
            {
                "points": 51,
                "window": 1.0,
                "periods": 5.6,
                "top": 0.945,
                "bottom": -0.02,
                "swing": 0.4,
                "period": 0.17,
            }
            | {"first period": 0.14, "last period": 0.22},
        ),
    ]
    for what, value in facts.items()
]

RAMSEY = {
    "points": lambda truth: truth.count,
    "window us": lambda truth: truth.window_us,
    "fringes": lambda truth: truth.fringes,
    "visible": lambda truth: truth.visible_fringes,
    "decay times": lambda truth: truth.decay_times,
    "T2* us": lambda truth: truth.fitted_t2_star_us,
    "MHz": lambda truth: truth.detuning_mhz,
    "slower MHz": lambda truth: min(truth.detuning_mhz, truth.second_mhz),
    "faster MHz": lambda truth: max(truth.detuning_mhz, truth.second_mhz),
    "beats": lambda truth: truth.splitting_mhz * truth.window_us,
    "scatter": lambda truth: truth.scatter,
    "fitted T2* per step": lambda truth: truth.fitted_t2_star_us / truth.step_us,
    "fitted per Nyquist": lambda truth: truth.fitted_mhz / truth.nyquist_mhz,
    "noise in the spectrum": lambda truth: truth.spectrum[1][: truth.count // 5].mean(),
    "top of the spectrum": lambda truth: truth.spectrum[1].max(),
}
READ = {
    "rabi_hw": {
        "points": lambda truth: truth.count,
        "window": lambda truth: truth.window,
        "periods": lambda truth: truth.periods,
        "top": lambda truth: truth.highest,
        "bottom": lambda truth: truth.lowest,
        "last peak": lambda truth: truth.population[-12:].max(),
        "swing": lambda truth: truth.fitted_swing,
        "period": lambda truth: truth.fitted_period,
        "first period": lambda truth: truth.first_period,
        "last period": lambda truth: truth.last_period,
    },
    "ramsey_charge_tomography": {
        "scans": lambda truth: truth.scans,
        "cells": lambda truth: truth.bias_mv.size,
        "half mV": lambda truth: truth.half_mv,
        "period mV": lambda truth: truth.period_mv,
        "low": lambda truth: truth.low_adc,
        "high": lambda truth: truth.high_adc,
        "first jump": lambda truth: truth.jump_scans[0],
        "jump mV": lambda truth: truth.sizes_mv[0],
    },
    "ramsey_freq_cal": RAMSEY,
    "ramsey_t2star": RAMSEY,
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
    values = [
        READ[fact.family][fact.what](truth) for truth in truths(fact.family, fact.row.rpartition("_")[0])
    ]
    assert min(values) <= fact.value <= max(values)
