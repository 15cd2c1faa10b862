"""Make many samples, on one or several cores. The result does not depend on the number of cores."""

from __future__ import annotations

import hashlib
import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from typing import TypeVar

from synthetic.balance import samples_by_scenario
from synthetic.families import load_family
from synthetic.sample import Sample, SampleKey, make_sample
from synthetic.settings import SyntheticSettings

T = TypeVar("T")

SAMPLES_PER_PROCESS = 12
"""Starting a process takes about as long as making this number of samples."""


def sample_keys(settings: SyntheticSettings) -> list[SampleKey]:
    """Return the keys of all samples of a data set, in the order of its file: the siblings come last."""
    key = partial(SampleKey, seed=settings.seed, perturb=settings.perturb)
    regular = [
        key(family=family, scenario=scenario, index=index)
        for family in settings.families
        for scenario, count in _samples_by_scenario(family, settings).items()
        for index in range(count)
    ]
    return regular + _sibling_keys(settings)


def _samples_by_scenario(family: str, settings: SyntheticSettings) -> dict[str, int]:
    if settings.balance is not None:
        return samples_by_scenario(family)
    return {scenario.name: settings.per_scenario for scenario in load_family(family).scenarios}


def _sibling_keys(settings: SyntheticSettings) -> list[SampleKey]:
    """Return one more sample of a scenario type in each family whose name, hashed with the seed, comes first."""

    def digest(family: str) -> int:
        return int.from_bytes(hashlib.sha256(f"{settings.seed}/siblings/{family}".encode()).digest())

    key, keys = partial(SampleKey, seed=settings.seed, perturb=settings.perturb), []
    for family in sorted(sorted(settings.families, key=digest)[: settings.siblings]):
        scenarios = load_family(family).scenarios
        scenario = scenarios[digest(family) % len(scenarios)].name
        keys.append(key(family=family, scenario=scenario, index=settings.per_scenario))
    return keys


def produce(
    keys: Sequence[SampleKey], *, workers: int = 1, on_sample: Callable[[], None] | None = None
) -> list[Sample]:
    """Make the samples of these keys, in their order.

    Args:
        keys: the samples to make.
        workers: the largest number of processes; they are spawned, so threads of this process do no harm.
        on_sample: called in this process after each sample.
    """
    return list(_counted(mapped(make_sample, keys, workers=workers), on_sample))


def mapped(make: Callable[[SampleKey], T], keys: Sequence[SampleKey], *, workers: int) -> Iterator[T]:
    """Yield the result of ``make``, a module-level function, for each key, in order."""
    processes = min(workers, len(keys) // SAMPLES_PER_PROCESS)
    if processes <= 1:
        yield from map(make, keys)
        return
    with ProcessPoolExecutor(processes, mp_context=multiprocessing.get_context("spawn")) as pool:
        yield from pool.map(make, keys)


def _counted(samples: Iterator[Sample], on_sample: Callable[[], None] | None) -> Iterator[Sample]:
    for sample in samples:
        if on_sample:
            on_sample()
        yield sample
