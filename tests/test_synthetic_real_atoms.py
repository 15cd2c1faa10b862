"""Like test_synthetic_real_maps.py: values of real plots of atoms and electrons are within our ranges."""

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
        (
            "cz_benchmarking",
            "cz_benchmarking_success_a",
            {
                "depths": 4,
                "deepest": 24,
                "retention": 0.9955,
                "retention error": 0.0004,
                "retention chi2": 0.519,
            }
            | {
                "polarization": 0.9968,
                "polarization error": 0.0006,
                "polarization chi2": 0.646,
                "first": 0.948,
            },
        ),
        (
            "cz_benchmarking",
            "cz_benchmarking_failure_no_gate_a",
            {
                "depths": 4,
                "deepest": 8,
                "retention": 0.9994,
                "retention error": 0.0013,
                "retention chi2": 0.21,
            }
            | {
                "polarization": 0.4025,
                "polarization error": 0.5115,
                "polarization chi2": 8.773,
                "first": 0.956,
            },
        ),
        (
            "microwave_ramsey",
            "microwave_ramsey_success_a",
            {
                "points": 15,
                "edge kHz": 10,
                "fringes": 2.9,
                "detuning Hz": 713,
                "error Hz": 53.4,
                "curve": 0.93,
            }
            | {"highest": 0.95, "lowest": 0.085},
        ),
        (
            "microwave_ramsey",
            "microwave_ramsey_failure_detuned_a",
            {
                "points": 15,
                "edge kHz": 10,
                "fringes": 2.9,
                "detuning Hz": -2054,
                "error Hz": 188.8,
                "curve": 1.0,
            }
            | {"highest": 0.95, "lowest": 0.43},
        ),
        (
            "rydberg_ramsey",
            "rydberg_ramsey_success_a",
            {
                "groups": 4,
                "points": 28,
                "end us": 6.96,
                "MHz": 9.937,
                "MHz error": 0.002,
                "T2 us": 9.7,
                "T2 error": 0.9,
            }
            | {"chi2": 1.3, "noise kHz": 23.1, "covered": 1.15},
        ),
        (
            "rydberg_ramsey",
            "rydberg_ramsey_failure_undersampled_a",
            {
                "groups": 6,
                "points": 38,
                "end us": 7.6,
                "MHz": 4.35,
                "T2 us": 2.5,
                "T2 error": 0.1,
                "chi2": 14.0,
            }
            | {"noise kHz": 91.4, "covered": 0.49},
        ),
        (
            "rydberg_spectroscopy",
            "rydberg_spectroscopy_success_a",
            {
                "points": 17,
                "edge MHz": 2.0,
                "chi2": 0.8,
                "f0 kHz": 43.04,
                "f0 error": 7.4,
                "ns": 2226,
                "ns error": 18,
            }
            | {"MHz": 2.004, "MHz error": 0.02, "highest": 0.88, "lowest": 0.04},
        ),
        (
            "rydberg_spectroscopy",
            "rydberg_spectroscopy_failure_low_contrast_a",
            {
                "points": 20,
                "edge MHz": 2.0,
                "chi2": 6.6,
                "f0 kHz": -181.5,
                "f0 error": 13,
                "ns": 2292,
                "ns error": 36,
            }
            | {"MHz": 1.082, "MHz error": 0.027, "highest": 0.77, "lowest": 0.13},
        ),
    ]
    for what, value in facts.items()
]

READ = {
    "rydberg_spectroscopy": {
        "points": lambda truth: truth.count,
        "edge MHz": lambda truth: truth.edge_mhz,
        "chi2": lambda truth: truth.sites[0].chi_squared,
        "f0 kHz": lambda truth: float(truth.sites[0].f0_khz.value),
        "f0 error": lambda truth: float(truth.sites[0].f0_khz.error),
        "ns": lambda truth: float(truth.sites[0].pulse_ns.value),
        "ns error": lambda truth: float(truth.sites[0].pulse_ns.error),
        "MHz": lambda truth: float(truth.sites[0].f_rabi_mhz.value),
        "MHz error": lambda truth: float(truth.sites[0].f_rabi_mhz.error),
        "highest": lambda truth: truth.sites[0].retention.max(),
        "lowest": lambda truth: truth.sites[0].retention.min(),
    },
    "rydberg_ramsey": {
        "groups": lambda truth: truth.groups,
        "points": lambda truth: truth.count,
        "end us": lambda truth: truth.end_us,
        "MHz": lambda truth: truth.frequency.value,
        "MHz error": lambda truth: truth.frequency.error,
        "T2 us": lambda truth: truth.t2.value,
        "T2 error": lambda truth: truth.t2.error,
        "chi2": lambda truth: truth.reduced_chi_squared,
        "noise kHz": lambda truth: truth.noise_khz,
        "covered": lambda truth: truth.covered,
    },
    "microwave_ramsey": {
        "points": lambda truth: truth.count,
        "edge kHz": lambda truth: truth.edge_khz,
        "fringes": lambda truth: truth.fringes,
        "detuning Hz": lambda truth: truth.detuning.value,
        "error Hz": lambda truth: truth.detuning.error,
        "curve": lambda truth: round(truth.curve_top, 2),
        "highest": lambda truth: truth.highest,
        "lowest": lambda truth: truth.lowest,
    },
    "cz_benchmarking": {
        "depths": lambda truth: len(set(truth.depth)),
        "deepest": lambda truth: truth.max_depth,
        "retention": lambda truth: truth.retention_per_cz.value,
        "retention error": lambda truth: truth.retention_per_cz.error,
        "retention chi2": lambda truth: truth.retention_chi2,
        "polarization": lambda truth: truth.polarization.value,
        "polarization error": lambda truth: truth.polarization.error,
        "polarization chi2": lambda truth: truth.success_chi2,
        "first": lambda truth: truth.first_retention,
    },
    "mot_loading": {
        "width px": lambda truth: truth.size_px[0],
        "height px": lambda truth: truth.size_px[1],
        "sigma px": lambda truth: truth.width_px,
        "brightest": lambda truth: truth.fit.values[0],
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
    values = [
        READ[fact.family][fact.what](truth) for truth in truths(fact.family, fact.row.rpartition("_")[0])
    ]
    assert min(values) <= fact.value <= max(values)
