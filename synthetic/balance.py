"""The numbers of samples of each family and scenario type in the benchmark.

The number of samples of each family is published (Cao et al., arXiv 2604.25884, CC BY 4.0: 243 in all), but
not how they are spread over scenario types. In 20 of the 22 families the number is a multiple of the number
of types, so each type has the same number here, mostly three. In ``rabi_hw`` and ``rydberg_ramsey`` the
remaining samples go to the types of the good status, then to the first of the others.
"""

from __future__ import annotations

import json
from functools import cache
from importlib import resources
from typing import Any

from synthetic.families import load_family
from synthetic.family import Family


@cache
def published_facts() -> dict[str, Any]:
    """Return the published facts by family: ``samples``, ``title``, ``q6_statuses``, ``scenarios`` with labels, ...

    They come from ``benchmark.json`` in this package, which names its source.
    """
    text = resources.files("synthetic").joinpath("benchmark.json").read_text(encoding="utf-8")
    families: dict[str, Any] = json.loads(text)["families"]
    return families


def samples_by_scenario(family: str) -> dict[str, int]:
    """Return the number of samples of each scenario type of a family, in the family's order."""
    loaded = load_family(family)
    share, more = divmod(published_facts()[family]["samples"], len(loaded.scenarios))
    first = _good_ones_first(loaded)[:more]
    return {scenario.name: share + (scenario.name in first) for scenario in loaded.scenarios}


def _good_ones_first(family: Family[Any]) -> list[str]:
    good = next(iter(family.criteria))
    return [
        scenario.name for scenario in sorted(family.scenarios, key=lambda scenario: scenario.status != good)
    ]
