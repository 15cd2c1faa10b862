"""Fitted values as they are printed: rounded to what their uncertainty allows."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """A value and its standard error, in the same unit, rounded to the same decimal place."""

    value: float
    error: float
    decimals: int

    @property
    def plus_minus(self) -> str:
        """Such as "713 ± 53"."""
        return f"{self.value:.{self.decimals}f} ± {self.error:.{self.decimals}f}"

    @property
    def in_parentheses(self) -> str:
        """Such as "0.9955(4)": the error in units of the last digit."""
        return f"{self.value:.{self.decimals}f}({round(self.error * 10**self.decimals)})"


def measured(value: float, error: float, *, digits: int) -> Measured:
    """Rounded so that ``digits`` significant digits of the error are left; never in front of the decimal point.

    Raises:
        ValueError: the error is not positive and finite: there is nothing to round to.
    """
    if not 0.0 < error < math.inf:
        raise ValueError(f"no uncertainty to round {value} to: {error}")
    decimals = max(digits - 1 - math.floor(math.log10(error)), 0)
    return Measured(value=round(value, decimals), error=round(error, decimals), decimals=decimals)
