"""Spectroscopy of flux-tunable transmons: maps of signal against flux bias and frequency, and the lines in them.

A map holds a column of frequencies for each bias; its signal is in units of its noise, which is Gaussian.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from synthetic.physics.fitting import fit
from synthetic.physics.readout import Floats

VISIBLE = 5.0
"""A line in a column is clear if a cell is this many standard deviations above the background."""
PICKING_CALLS = 120
"""Enough calls to fit a clear line; fits of noise would take much longer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The ranges of a map; they have the same distribution for all scenarios."""

    bias_v: Floats
    frequency_ghz: Floats
    width_ghz: float
    charging_ghz: float

    @property
    def half_v(self) -> float:
        """The largest bias."""
        return float(self.bias_v[-1])

    @property
    def window_ghz(self) -> float:
        """The height of the map."""
        return float(np.ptp(self.frequency_ghz))

    def at(self, share: float) -> float:
        """Return the frequency at this share of the window."""
        return float(self.frequency_ghz[0]) + share * self.window_ghz

    def period_v(self, highest_ghz: float, drop_ghz: float, distance_v: float) -> float:
        """Return the flux period of a transmon that falls by this much within this distance of its sweet spot."""
        ratio = (highest_ghz - drop_ghz + self.charging_ghz) / (highest_ghz + self.charging_ghz)
        return float(np.pi * distance_v / np.arccos(ratio**2))


def planned_map(rng: Generator) -> Plan:
    """Draw the ranges, numbers of points and line width of a map."""
    half_v = float(f"{np.exp(rng.uniform(np.log(0.2), np.log(2.2))):.1g}") + float(
        rng.choice([0.0, 0.02, 0.05])
    )
    window_ghz, begin_ghz = float(rng.uniform(0.45, 0.9)), float(rng.uniform(3.6, 5.4))
    return Plan(
        bias_v=np.linspace(-half_v, half_v, int(rng.integers(17, 32))),
        frequency_ghz=begin_ghz + np.linspace(0.0, window_ghz, int(rng.integers(70, 111))),
        width_ghz=window_ghz * float(rng.uniform(0.035, 0.05)),
        charging_ghz=float(rng.uniform(0.24, 0.32)),
    )


def transmon_ghz(
    bias_v: Floats,
    highest_ghz: float,
    sweet_spot_v: float,
    period_v: float,
    *,
    charging_ghz: float,
    asymmetry: float = 0.0,
) -> Floats:
    """Return a transmon's first transition, with one flux quantum per ``period_v``; it is highest at the sweet spot.

    f = sqrt(8 EJ EC) - EC with EJ ~ sqrt(cos^2 + d^2 sin^2)(pi flux) (Koch et al., Phys. Rev. A 76, 042319,
    2007).
    """
    angle = np.pi * (bias_v - sweet_spot_v) / period_v
    junction = np.sqrt(np.cos(angle) ** 2 + (asymmetry * np.sin(angle)) ** 2)
    return np.asarray((highest_ghz + charging_ghz) * np.sqrt(junction) - charging_ghz)


def lorentzian(
    x: Floats, centre: float | Floats, width: float, height: float | Floats, floor: float = 0.0
) -> Floats:
    """Return a line of full width at half maximum ``width`` on a floor."""
    return floor + height / (1.0 + (2.0 * (x - centre) / width) ** 2)


def noisy(rng: Generator, signal: Floats, *, uneven: float = 0.3) -> Floats:
    """Add noise of width 1 and a background that differs from column to column."""
    background = rng.normal(0.0, uneven, size=signal.shape[1])
    return signal + background + rng.normal(size=signal.shape)


def line_centres(frequency_ghz: Floats, cells: Floats, *, width_ghz: float) -> tuple[Floats, Floats]:
    """Fit a Lorentzian to each column's highest line: centres and standard errors, NaN if the line is not clear."""
    centres, errors, clear = line_picks(frequency_ghz, cells, width_ghz=width_ghz)
    return np.where(clear, centres, np.nan), np.where(clear, errors, np.nan)


def line_picks(
    frequency_ghz: Floats, cells: Floats, *, width_ghz: float
) -> tuple[Floats, Floats, NDArray[np.bool_]]:
    """Return centre and error of each column's highest line, which may be noise, and whether it is a clear line.

    If no line can be fitted around the highest cell, that cell is picked. Errors are at most the window's
    height.
    """
    picked = [_line_pick(frequency_ghz, column - np.median(column), width_ghz) for column in cells.T]
    centres, errors, clear = zip(*picked, strict=True)
    return np.array(centres), np.array(errors), np.array(clear, dtype=bool)


def _line_pick(frequency_ghz: Floats, column: Floats, width_ghz: float) -> tuple[float, float, bool]:
    """Fit four widths around the highest cell; a fit that leaves them, or is too uncertain, found no line."""
    top = int(np.argmax(column))
    near = np.abs(frequency_ghz - frequency_ghz[top]) < 2.0 * width_ghz
    guess = (frequency_ghz[top], width_ghz, column[top], 0.0)
    line = fit(lorentzian, frequency_ghz[near], column[near], guess, max_calls=PICKING_CALLS)
    if line is None:
        return float(frequency_ghz[top]), width_ghz, False
    error = min(line.errors[0], float(np.ptp(frequency_ghz)))
    if abs(line.values[0] - frequency_ghz[top]) > width_ghz:
        return float(frequency_ghz[top]), error, False
    return line.values[0], error, bool(column[top] > VISIBLE and error < 0.5 * width_ghz)
