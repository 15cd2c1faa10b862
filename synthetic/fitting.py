"""Real fits, so that a bad fit on a plot is bad for a reason."""

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
        errors: their standard errors; inf where the data do not constrain them.
        residual_rms: root mean square of data minus model, in the data's unit.
        r_squared: the share of the data's variance that the model explains; at most 1, negative if worse than a
        constant.
    """

    model: Model
    values: tuple[float, ...]
    errors: tuple[float, ...]
    residual_rms: float
    r_squared: float

    def at(self, x: Floats) -> Floats:
        """The fitted curve."""
        return self.model(x, *self.values)


def fit(model: Model, x: Floats, y: Floats, guess: Sequence[float], *, bounds: Bounds | None = None) -> Fit | None:
    """Least squares from ``guess``, within ``bounds`` (lowest, highest values); None if it does not converge."""
    try:
        with warnings.catch_warnings(), np.errstate(over="ignore"):  # trial steps may go far out
            warnings.simplefilter("ignore", OptimizeWarning)  # said by infinite errors
            values, covariance = curve_fit(model, x, y, p0=guess, bounds=bounds or (-np.inf, np.inf), maxfev=MAX_CALLS)
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
    )


def strongest_frequency(x: Floats, y: Floats) -> float:
    """The frequency, in 1/unit of x, of the highest line in an evenly sampled trace, its mean removed."""
    spectrum = np.abs(np.fft.rfft(y - y.mean(), n=8 * len(y)))
    frequencies = np.fft.rfftfreq(8 * len(y), d=float(x[1] - x[0]))
    return float(frequencies[1 + int(np.argmax(spectrum[1:]))])
