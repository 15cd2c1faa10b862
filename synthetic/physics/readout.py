"""Measuring a simulated qubit: finite shots and assignment errors."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def measured_population(
    rng: Generator, population: Floats, *, shots: int, error_0: float = 0.0, error_1: float = 0.0
) -> Floats:
    """Return the fraction of ``shots`` that read "excited", for each true population in 0..1.

    ``error_0`` and ``error_1`` are the probabilities to misread the ground and the excited state. The counts
    are binomial: projection noise (Itano et al., Phys. Rev. A 47, 3554, 1993).
    """
    seen = error_0 + (1.0 - error_0 - error_1) * np.clip(population, 0.0, 1.0)
    return rng.binomial(shots, seen) / shots


def expectation_z(population: Floats) -> Floats:
    """Return <Z> in -1..1 of an excited-state population: +1 is the ground state."""
    return 1.0 - 2.0 * population


def signal_free(rng: Generator, count: int, *, shots: int) -> Floats:
    """Return <Z> without any signal: amplifier noise of unit width around 0, averaged over ``shots``."""
    return rng.normal(0.0, 1.0 / np.sqrt(shots), size=count)
