"""How many samples each family and scenario type has in the benchmark.

Published are the samples of each family (Cao et al., arXiv 2604.25884, CC BY 4.0: 243 in all). How a family's samples
are spread over its scenario types is not. In 20 of the 22 families the number can be divided by that of the types, so
each type has the same number here, mostly three. In ``rabi_hw`` and ``rydberg_ramsey`` the types of the good status
have one more, then the first of the others.
"""

from __future__ import annotations

from typing import Any

from synthetic.families import load_family
from synthetic.family import Family

SAMPLES = {
    "coupler_flux": 4,
    "cz_benchmarking": 6,
    "drag": 15,
    "gmm": 15,
    "microwave_ramsey": 6,
    "mot_loading": 9,
    "pinchoff": 15,
    "pingpong": 12,
    "qubit_flux_spectroscopy": 18,
    "qubit_spectroscopy": 9,
    "qubit_spectroscopy_power_frequency": 18,
    "rabi": 21,
    "rabi_hw": 11,
    "ramsey_charge_tomography": 12,
    "ramsey_freq_cal": 12,
    "ramsey_t2star": 15,
    "res_spec": 15,
    "rydberg_ramsey": 5,
    "rydberg_spectroscopy": 2,
    "t1": 12,
    "t1_fluctuations": 9,
    "tweezer_array": 2,
}


def samples_by_scenario(family: str) -> dict[str, int]:
    """How many samples each scenario type of a family has, in the family's order."""
    loaded = load_family(family)
    share, more = divmod(SAMPLES[family], len(loaded.scenarios))
    first = _good_ones_first(loaded)[:more]
    return {scenario.name: share + (scenario.name in first) for scenario in loaded.scenarios}


def _good_ones_first(family: Family[Any]) -> list[str]:
    good = next(iter(family.criteria))
    return [scenario.name for scenario in sorted(family.scenarios, key=lambda scenario: scenario.status != good)]
