"""A Gaussian mixture, fitted to points in the plane."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

STEPS = 50
TOLERANCE = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class Mixture:
    """Two round Gaussians of different widths.

    Attributes:
        centres: shape (2, 2): component, coordinate.
        sigmas: each component's standard deviation along any direction.
        weights: shares of the points; their sum is 1.
    """

    centres: Floats
    sigmas: Floats
    weights: Floats

    @property
    def separation(self) -> float:
        """Distance of the centres in standard deviations, the mean of both components'."""
        return float(np.linalg.norm(self.centres[1] - self.centres[0]) / self.sigmas.mean())

    @property
    def swapped(self) -> Mixture:
        """The mixture with its components exchanged."""
        return Mixture(centres=self.centres[::-1], sigmas=self.sigmas[::-1], weights=self.weights[::-1])

    def labels(self, points: Floats) -> NDArray[np.int64]:
        """Return for each point, shape (n, 2), the component that it more likely belongs to: 0 or 1."""
        log_densities = self._log_densities(points)
        return (log_densities[:, 1] > log_densities[:, 0]).astype(np.int64)

    def log_likelihood(self, points: Floats) -> float:
        """Return the log-likelihood of the points."""
        log_densities = self._log_densities(points)
        return float(np.logaddexp(log_densities[:, 0], log_densities[:, 1]).sum())

    def _log_densities(self, points: Floats) -> Floats:
        squares = ((points[:, None, :] - self.centres) ** 2).sum(axis=2)
        scale = np.log(self.weights) - np.log(2.0 * np.pi * self.sigmas**2)
        log_densities: Floats = scale - 0.5 * squares / self.sigmas**2
        return log_densities

    def _improved(self, points: Floats) -> Mixture:
        log_densities = self._log_densities(points)
        shares = np.exp(log_densities - np.logaddexp(log_densities[:, :1], log_densities[:, 1:]))
        totals = shares.sum(axis=0)
        centres = shares.T @ points / totals[:, None]
        squares = ((points[:, None, :] - centres) ** 2).sum(axis=2)
        sigmas = np.sqrt((shares * squares).sum(axis=0) / (2.0 * totals))
        return Mixture(centres=centres, sigmas=sigmas, weights=totals / len(points))


def gain(mixture: Mixture, points: Floats) -> float:
    """Return the gain in log-likelihood over a single round Gaussian: a few, if there is only one cloud."""
    squares = float(((points - points.mean(axis=0)) ** 2).sum())
    count = len(points)
    single = -count * (np.log(2.0 * np.pi * squares / (2.0 * count)) + 1.0)
    return mixture.log_likelihood(points) - float(single)


def fit_mixture(points: Floats) -> Mixture:
    """Return the most likely mixture near a start at both ends of the points' principal axis.

    Expectation maximisation (Dempster, Laird & Rubin, J. R. Stat. Soc. B 39, 1, 1977; Bishop, Pattern
    Recognition and Machine Learning, 9.2), until the centres stop moving, at most ``STEPS`` times. ``points``
    has shape (n, 2).
    """
    mean = points.mean(axis=0)
    _, axes = np.linalg.eigh(np.cov(points.T))
    places = (points - mean) @ axes[:, 1]
    ends = np.quantile(places, [0.01, 0.99])
    mixture = Mixture(
        centres=mean + ends[:, None] * axes[:, 1],
        sigmas=np.full(2, float(np.ptp(ends)) / 4.0),
        weights=np.full(2, 0.5),
    )
    for _ in range(STEPS):
        before, mixture = mixture, mixture._improved(points)  # noqa: SLF001 - the same class
        if np.abs(mixture.centres - before.centres).max() < TOLERANCE * np.ptp(ends):
            break
    return mixture
