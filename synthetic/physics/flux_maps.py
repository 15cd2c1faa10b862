"""Spectroscopy of flux-tunable transmons: maps of signal against flux bias and frequency, and the lines in them.

A map holds a column of frequencies for each bias; its signal is in units of its noise, which is Gaussian.
"""

from __future__ import annotations

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from synthetic.physics.fitting import fit
from synthetic.physics.readout import Floats

VISIBLE = 5.0
"""A line in a column is clear if a cell is so many standard deviations above the background."""


def transmon_ghz(
    bias_v: Floats,
    highest_ghz: float,
    sweet_spot_v: float,
    period_v: float,
    *,
    charging_ghz: float,
    asymmetry: float = 0.0,
) -> Floats:
    """The first transition of a transmon whose SQUID takes a flux quantum each ``period_v``; highest at the sweet spot.

    f = sqrt(8 EJ EC) - EC with EJ ~ sqrt(cos^2 + d^2 sin^2)(pi flux) (Koch et al., Phys. Rev. A 76, 042319, 2007).
    """
    angle = np.pi * (bias_v - sweet_spot_v) / period_v
    junction = np.sqrt(np.cos(angle) ** 2 + (asymmetry * np.sin(angle)) ** 2)
    return np.asarray((highest_ghz + charging_ghz) * np.sqrt(junction) - charging_ghz)


def lorentzian(x: Floats, centre: float | Floats, width: float, height: float | Floats, floor: float = 0.0) -> Floats:
    """A line of full width at half maximum ``width`` on a floor."""
    return floor + height / (1.0 + (2.0 * (x - centre) / width) ** 2)


def noisy(rng: Generator, signal: Floats, *, uneven: float = 0.3) -> Floats:
    """The signal as measured: with noise of width 1, and a background that differs from column to column."""
    background = rng.normal(0.0, uneven, size=signal.shape[1])
    return signal + background + rng.normal(size=signal.shape)


def line_centres(frequency_ghz: Floats, cells: Floats, *, width_ghz: float) -> tuple[Floats, Floats]:
    """Centre and standard error of the highest line of each column, by a Lorentzian fit; NaN where none is clear."""
    centres, errors, clear = line_picks(frequency_ghz, cells, width_ghz=width_ghz)
    return np.where(clear, centres, np.nan), np.where(clear, errors, np.nan)


def line_picks(frequency_ghz: Floats, cells: Floats, *, width_ghz: float) -> tuple[Floats, Floats, NDArray[np.bool_]]:
    """Centre and error of the highest line of each column, be it noise or not, and whether it is a clear line.

    Where no line is fitted around the highest cell, its frequency is picked, with an error of the whole column.
    """
    picked = [_line_pick(frequency_ghz, column - np.median(column), width_ghz) for column in cells.T]
    centres, errors, clear = zip(*picked, strict=True)
    return np.array(centres), np.array(errors), np.array(clear, dtype=bool)


def _line_pick(frequency_ghz: Floats, column: Floats, width_ghz: float) -> tuple[float, float, bool]:
    """The fit is of four widths around the highest cell; one that leaves it, or is too uncertain, found no line."""
    top = int(np.argmax(column))
    near = np.abs(frequency_ghz - frequency_ghz[top]) < 2.0 * width_ghz
    guess = (frequency_ghz[top], width_ghz, column[top], 0.0)
    line = fit(lorentzian, frequency_ghz[near], column[near], guess)
    if line is None or not np.isfinite(line.errors[0]):
        return float(frequency_ghz[top]), float(np.ptp(frequency_ghz)), False
    error = min(line.errors[0], float(np.ptp(frequency_ghz)))
    if abs(line.values[0] - frequency_ghz[top]) > width_ghz:
        return float(frequency_ghz[top]), error, False
    return line.values[0], error, bool(column[top] > VISIBLE and error < 0.5 * width_ghz)
