"""Values read by eye off real QCalEval plots (dataset id given) are within the ranges of the scenario type.

Facts only: numbers that a viewer of the real plot would write down. The plots themselves are not here.
"""

from functools import cache
from typing import NamedTuple

import numpy as np
import pytest

from synthetic.families import load_family
from synthetic.sample import find_scenario

SAMPLES, FEWER = 40, {"coupler_flux": 16, "tweezer_array": 20}  # whose simulation takes longest


class Fact(NamedTuple):
    family: str
    row: str
    what: str
    value: float


FACTS = [
    Fact(family, row, what, value)
    for family, row, facts in [
        (
            "qubit_flux_spectroscopy",
            "qubit_flux_spectroscopy_success_c",
            {
                "biases": 21,
                "frequencies": 85,
                "half sweep V": 1.0,
                "window GHz": 0.51,
                "clear share": 1.0,
                "arc": 0.53,
            },
        ),
        (
            "qubit_flux_spectroscopy",
            "qubit_flux_spectroscopy_failure_fit_failed_b",
            {
                "biases": 21,
                "frequencies": 85,
                "half sweep V": 0.22,
                "window GHz": 0.51,
                "outliers": 18,
                "clear": 3,
            },
        ),
        (
            "coupler_flux",
            "coupler_flux_success_b",
            {
                "biases": 81,
                "frequencies": 60,
                "half sweep V": 2.0,
                "crossings": 4,
                "window GHz": 0.1,
                "spread MHz": 10,
            },
        ),
        (
            "coupler_flux",
            "coupler_flux_failure_bad_fit_a",
            {
                "biases": 81,
                "frequencies": 60,
                "half sweep V": 2.0,
                "crossings": 2,
                "window GHz": 0.1,
                "first": -0.43,
            },
        ),
        (
            "qubit_spectroscopy",
            "qubit_spectroscopy_success_a",
            {
                "points": 161,
                "span GHz": 1.2,
                "begin GHz": 4.04,
                "lines": 1,
                "width MHz": 38,
                "height": 47,
                "noise": 2e-4,
            },
        ),
        (
            "qubit_spectroscopy",
            "qubit_spectroscopy_failure_multiple_peaks_a",
            {"points": 161, "span GHz": 1.2, "begin GHz": 3.92, "lines": 3, "width MHz": 400, "height": 40},
        ),
        (
            "qubit_spectroscopy",
            "qubit_spectroscopy_failure_no_peaks_b",
            {"points": 161, "span GHz": 1.2, "begin GHz": 4.06, "lines": 0, "width MHz": 25, "noise": 2e-4},
        ),
        (
            "qubit_spectroscopy_power_frequency",
            "qubit_spectroscopy_power_frequency_success_f01_low_amp_sharp_a",
            {
                "frequencies": 58,
                "amplitudes": 12,
                "window MHz": 285,
                "weakest": 0.005,
                "strongest": 0.018,
                "f01": 0.43,
            },
        ),
        (
            "qubit_spectroscopy_power_frequency",
            "qubit_spectroscopy_power_frequency_failure_f01_f02half_amp_too_high_a",
            {
                "frequencies": 52,
                "amplitudes": 24,
                "window MHz": 255,
                "weakest": 0.095,
                "strongest": 0.21,
                "f01": 0.56,
            }
            | {"anharmonicity MHz": -200, "f01 width": 0.24},
        ),
        (
            "res_spec",
            "res_spec_success_2qubit_wide_scan_resonator_a",
            {
                "points": 290,
                "begin MHz": 8000,
                "span MHz": 1000,
                "dips": 2,
                "deepest": 0.88,
                "scatter": 0.008,
                "turn": 235,
            }
            | {"baseline": 0.158},
        ),
        (
            "res_spec",
            "res_spec_failure_wide_scan_no_signal_a",
            {"points": 290, "begin MHz": 8000, "span MHz": 1000, "dips": 0, "turn": 200},
        ),
        (
            "gmm",
            "gmm_success_a",
            {
                "shots": 2000,
                "separation": 5.2,
                "share 1 of 0": 0.0175,
                "share 1 of 1": 0.99,
                "distance": 3.5,
                "sigma": 0.17,
            },
        ),
        (
            "gmm",
            "gmm_failure_no_excitation_a",
            {"shots": 2000, "separation": 1.8, "share 1 of 0": 0.199, "share 1 of 1": 0.235, "distance": 3.6},
        ),
        (
            "gmm",
            "gmm_failure_high_power_a",
            {"shots": 2000, "share 1 of 0": 0.259, "share 1 of 1": 0.251, "sigma": 0.07, "distance": 2.8},
        ),
        (
            "tweezer_array",
            "tweezer_array_success_a",
            {"columns": 18, "rows": 18, "pitch px": 29.5, "missing": 0},
        ),
        (
            "tweezer_array",
            "tweezer_array_failure_aberrated_a",
            {"columns": 18, "rows": 18, "pitch px": 18.5, "missing": 0},
        ),
    ]
    for what, value in facts.items()
]

READ = {
    "qubit_flux_spectroscopy": {
        "biases": lambda truth: truth.bias_v.size,
        "frequencies": lambda truth: truth.frequency_ghz.size,
        "half sweep V": lambda truth: truth.half_sweep_v,
        "window GHz": lambda truth: truth.last_ghz - truth.first_ghz,
        "clear share": lambda truth: truth.seen_share,
        "clear": lambda truth: truth.clear.sum(),
        "outliers": lambda truth: truth.stray_picks,
        "arc": lambda truth: (truth.top_ghz - truth.bottom_ghz) / (truth.last_ghz - truth.first_ghz),
    },
    "coupler_flux": {
        "biases": lambda truth: truth.bias_v.size,
        "frequencies": lambda truth: truth.panels[0].frequency_ghz.size,
        "half sweep V": lambda truth: truth.end_v,
        "crossings": lambda truth: len(truth.crossings_v),
        "first": lambda truth: truth.crossings_v[0] / truth.end_v,
        "window GHz": lambda truth: np.ptp(truth.panels[0].frequency_ghz),
        "spread MHz": lambda truth: truth.spread_mhz,
    },
    "qubit_spectroscopy": {
        "points": lambda truth: truth.frequency_ghz.size,
        "span GHz": lambda truth: truth.span_ghz,
        "begin GHz": lambda truth: truth.begin_ghz,
        "lines": lambda truth: truth.count,
        "width MHz": lambda truth: truth.full_width_mhz,
        "height": lambda truth: truth.depth / truth.noise,
        "noise": lambda truth: truth.noise,
    },
    "qubit_spectroscopy_power_frequency": {
        "frequencies": lambda truth: truth.frequency_mhz.size,
        "amplitudes": lambda truth: truth.drive_au.size,
        "window MHz": lambda truth: truth.window_mhz,
        "weakest": lambda truth: truth.weakest_au,
        "strongest": lambda truth: truth.strongest_au,
        "f01": lambda truth: (truth.f01_mhz - truth.frequency_mhz[0]) / truth.window_mhz,
        "anharmonicity MHz": lambda truth: truth.anharmonicity_mhz,
        "f01 width": lambda truth: truth.narrowest_mhz / truth.window_mhz,
    },
    "res_spec": {
        "points": lambda truth: truth.frequency_mhz.size,
        "begin MHz": lambda truth: truth.begin_mhz,
        "span MHz": lambda truth: truth.span_mhz,
        "dips": lambda truth: len(truth.dips),
        "deepest": lambda truth: max(truth.contrast(dip) for dip in truth.dips),
        "scatter": lambda truth: truth.scatter,
        "turn": lambda truth: truth.turn_deg,
        "baseline": lambda truth: truth.baseline,
    },
    "gmm": {
        "shots": lambda truth: len(truth.prepared_0),
        "separation": lambda truth: truth.separation,
        "share 1 of 0": lambda truth: truth.share_1,
        "share 1 of 1": lambda truth: truth.share_1_of_1,
        "distance": lambda truth: np.linalg.norm(truth.mixture.centres[0]),
        "sigma": lambda truth: truth.mixture.sigmas.min(),
    },
    "tweezer_array": {
        "columns": lambda truth: truth.columns,
        "rows": lambda truth: truth.rows,
        "pitch px": lambda truth: truth.pitch_px,
        "missing": lambda truth: truth.missing,
    },
}


@cache
def truths(family, scenario):
    simulate = find_scenario(load_family(family), scenario).simulate
    return [simulate(np.random.default_rng(seed)) for seed in range(FEWER.get(family, SAMPLES))]


@pytest.mark.parametrize("fact", FACTS, ids=lambda fact: f"{fact.row}-{fact.what}")
def test_what_the_real_plot_shows_is_within_the_range_of_the_scenario_type(fact):
    values = [
        READ[fact.family][fact.what](truth) for truth in truths(fact.family, fact.row.rpartition("_")[0])
    ]
    assert min(values) <= fact.value <= max(values)
