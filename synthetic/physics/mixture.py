"""A Gaussian mixture, fitted to points in the plane."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

STEPS = 100
TOLERANCE = 1e-7


@dataclass(frozen=True, slots=True, kw_only=True)
class Mixture:
    """Two round Gaussians of the same size: what differs between them is the signal, not the noise.

    Attributes:
        centres: shape (2, 2): component, coordinate.
        sigma: the standard deviation along any direction.
        weights: shares of the points; their sum is 1.
    """

    centres: Floats
    sigma: float
    weights: Floats

    @property
    def separation(self) -> float:
        """Distance of the centres in standard deviations."""
        return float(np.linalg.norm(self.centres[1] - self.centres[0]) / self.sigma)

    @property
    def swapped(self) -> Mixture:
        """The same with the components in the other order."""
        return Mixture(centres=self.centres[::-1], sigma=self.sigma, weights=self.weights[::-1])

    def labels(self, points: Floats) -> NDArray[np.int64]:
        """For each point, shape (n, 2), the component that it more likely belongs to: 0 or 1."""
        log_densities = self._log_densities(points)
        return (log_densities[:, 1] > log_densities[:, 0]).astype(np.int64)

    def _log_densities(self, points: Floats) -> Floats:
        squares = ((points[:, None, :] - self.centres) ** 2).sum(axis=2)
        log_densities: Floats = np.log(self.weights) - 0.5 * squares / self.sigma**2
        return log_densities

    def _improved(self, points: Floats) -> Mixture:
        log_densities = self._log_densities(points)
        shares = np.exp(log_densities - np.logaddexp(log_densities[:, :1], log_densities[:, 1:]))
        totals = shares.sum(axis=0)
        centres = shares.T @ points / totals[:, None]
        squares = ((points[:, None, :] - centres) ** 2).sum(axis=2)
        sigma = float(np.sqrt((shares * squares).sum() / (2.0 * len(points))))
        return Mixture(centres=centres, sigma=sigma, weights=totals / len(points))


def fit_mixture(points: Floats) -> Mixture:
    """The likeliest mixture near a start at both ends of the points' principal axis.

    Expectation maximisation (Dempster, Laird & Rubin, J. R. Stat. Soc. B 39, 1, 1977; Bishop, Pattern Recognition and
    Machine Learning, 9.2), for as long as the centres move, at most ``STEPS`` times. ``points`` has shape (n, 2).
    """
    mean = points.mean(axis=0)
    _, axes = np.linalg.eigh(np.cov(points.T))
    places = (points - mean) @ axes[:, 1]
    ends = np.quantile(places, [0.01, 0.99])
    mixture = Mixture(
        centres=mean + ends[:, None] * axes[:, 1],
        sigma=float(np.ptp(ends)) / 4.0,
        weights=np.full(2, 0.5),
    )
    for _ in range(STEPS):
        before, mixture = mixture, mixture._improved(points)  # noqa: SLF001 - of its own class
        if np.abs(mixture.centres - before.centres).max() < TOLERANCE * np.ptp(ends):
            break
    return mixture
