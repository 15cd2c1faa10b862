"""Fitted values as they are printed, rounded as their uncertainty allows."""

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
        """The value with its error, such as "713 ± 53"."""
        return f"{self.value:.{self.decimals}f} ± {self.error:.{self.decimals}f}"

    @property
    def in_parentheses(self) -> str:
        """The value with its error in units of the last digit, such as "0.9955(4)"."""
        return f"{self.value:.{self.decimals}f}({round(self.error * 10**self.decimals)})"


def measured(value: float, error: float, *, digits: int) -> Measured:
    """Round to ``digits`` significant digits of the error, but not before the decimal point.

    Raises:
        ValueError: the error is not positive and finite.
    """
    if not 0.0 < error < math.inf:
        raise ValueError(f"no uncertainty to round {value} to: {error}")
    decimals = max(digits - 1 - math.floor(math.log10(error)), 0)
    return Measured(value=round(value, decimals), error=round(error, decimals), decimals=decimals)
