"""Least-squares fits: a bad fit on a plot is a real one that failed."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import OptimizeWarning, curve_fit

Floats = NDArray[np.float64]
Model = Callable[..., Floats]
Bounds = tuple[Sequence[float], Sequence[float]]

MAX_CALLS = 4000


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """A fit that converged.

    Attributes:
        values: the model's parameters, in its order.
        errors: their standard errors; inf if the data do not constrain them.
        residual_rms: root mean square of data minus model, in the data's unit.
        r_squared: the share of the data's variance that the model explains; at most 1, negative if worse than
        a constant.
        reduced_chi_squared: mean square of (data minus model) / sigma per degree of freedom; None for a fit
        without sigma or without degrees of freedom.
    """

    model: Model
    values: tuple[float, ...]
    errors: tuple[float, ...]
    residual_rms: float
    r_squared: float
    reduced_chi_squared: float | None = None

    def at(self, x: Floats) -> Floats:
        """The fitted curve."""
        return self.model(x, *self.values)


def fit(
    model: Model,
    x: Floats,
    y: Floats,
    guess: Sequence[float],
    *,
    bounds: Bounds | None = None,
    sigma: Floats | None = None,
    max_calls: int = MAX_CALLS,
) -> Fit | None:
    """Fit by least squares, starting from ``guess``, within ``bounds`` (lowest, highest values).

    Returns None if the fit does not converge within ``max_calls`` evaluations of the model.

    With ``sigma``, the standard deviation of each y, points are weighted and the errors follow from it.
    """
    limits = bounds or (-np.inf, np.inf)
    absolute = sigma is not None
    try:
        with warnings.catch_warnings(), np.errstate(over="ignore"):  # trial steps may overflow
            warnings.simplefilter("ignore", OptimizeWarning)  # infinite errors report it
            values, covariance = curve_fit(
                model, x, y, p0=guess, bounds=limits, sigma=sigma, absolute_sigma=absolute, maxfev=max_calls
            )
    except RuntimeError:
        return None
    residuals = y - model(x, *values)
    spread = float(np.sum((y - y.mean()) ** 2))
    return Fit(
        model=model,
        values=tuple(float(v) for v in values),
        errors=tuple(float(e) for e in np.sqrt(np.diag(covariance))),
        residual_rms=float(np.sqrt(np.mean(residuals**2))),
        r_squared=1.0 - float(np.sum(residuals**2)) / spread if spread else 0.0,
        reduced_chi_squared=_reduced_chi_squared(residuals, sigma, free=len(y) - len(values)),
    )


def _reduced_chi_squared(residuals: Floats, sigma: Floats | None, *, free: int) -> float | None:
    return float(np.sum((residuals / sigma) ** 2)) / free if sigma is not None and free > 0 else None


def strongest_frequency(x: Floats, y: Floats) -> float:
    """Return the frequency, in 1/unit of x, of the highest line of an evenly sampled trace without its mean."""
    spectrum = np.abs(np.fft.rfft(y - y.mean(), n=8 * len(y)))
    frequencies = np.fft.rfftfreq(8 * len(y), d=float(x[1] - x[0]))
    return float(frequencies[1 + int(np.argmax(spectrum[1:]))])
