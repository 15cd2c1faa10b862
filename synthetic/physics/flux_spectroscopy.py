"""Qubit flux spectroscopy, simulated: a map of signal against flux bias and drive frequency, and a fit of its line.

The first transition of a transmon over flux is an arc (flux_maps.py). The two-photon line to the second level, where
the drive is strong enough for it, lies half of the anharmonicity below, which is about the charging energy (Koch et
al., Phys. Rev. A 76, 042319, 2007). Line centres are Lorentzian fits, column by column; the dispersion of a symmetric
SQUID is fitted to them.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.random import Generator

from synthetic.physics.fitting import Fit, fit
from synthetic.physics.flux_maps import line_centres, lorentzian, noisy, transmon_ghz
from synthetic.physics.readout import Floats

Range = tuple[float, float]

CHARGING_GHZ = 0.28
"""What the fit takes for the charging energy, whatever it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """One map: ``cells[j, i]`` at ``frequency_ghz[j]`` and ``bias_v[i]``; NaN where nothing was recorded.

    ``centres_ghz`` are the line centres found, NaN where there is none; ``lines`` counts the qubit's transitions that
    the drive excites, all of them of width ``width_ghz``.
    """

    bias_v: Floats
    frequency_ghz: Floats
    cells: Floats
    centres_ghz: Floats
    errors_ghz: Floats
    lines: int
    width_ghz: float
    highest_ghz: float
    sweet_spot_v: float
    fit: Fit | None

    @property
    def found(self) -> Floats:
        """The line centres that were found."""
        return self.centres_ghz[np.isfinite(self.centres_ghz)]

    @property
    def top_ghz(self) -> float:
        """The highest line centre."""
        return float(self.found.max())

    @property
    def bottom_ghz(self) -> float:
        """The lowest line centre."""
        return float(self.found.min())

    @property
    def level_ghz(self) -> float:
        """The mean line centre."""
        return float(self.found.mean())

    @property
    def top_v(self) -> float:
        """The bias at which the line is highest."""
        return float(self.bias_v[np.nanargmax(self.centres_ghz)])

    @property
    def first_ghz(self) -> float:
        """The lowest frequency of the map."""
        return float(self.frequency_ghz[0])

    @property
    def last_ghz(self) -> float:
        """The highest frequency of the map."""
        return float(self.frequency_ghz[-1])

    @property
    def half_sweep_v(self) -> float:
        """The largest bias; the sweep is symmetric."""
        return float(self.bias_v[-1])

    @property
    def wide_v(self) -> tuple[float, float]:
        """Five times the sweep."""
        return -5.0 * self.half_sweep_v, 5.0 * self.half_sweep_v

    @property
    def lower_ghz(self) -> float:
        """Where a wider window would begin."""
        return self.first_ghz - 1.0

    @property
    def upper_ghz(self) -> float:
        """Where a wider window would end."""
        return self.last_ghz + 1.0

    @property
    def misses_mhz(self) -> Floats:
        """How far the fitted curve is from the line centres."""
        seen = np.isfinite(self.centres_ghz)
        assert self.fit is not None  # noqa: S101 - asked for only where a line was found
        return np.abs(self.fit.at(self.bias_v[seen]) - self.centres_ghz[seen]) * 1e3

    @property
    def miss_mhz(self) -> float:
        """How far the fitted curve is from the line, at most."""
        return float(self.misses_mhz.max())

    @property
    def astray(self) -> float:
        """The share of columns in which the fitted curve is off the line's middle by more than half of its width."""
        return float(np.mean(self.misses_mhz > 0.5e3 * self.width_ghz))

    @property
    def fitted_ghz(self) -> float:
        """The fit's highest frequency."""
        return self.fit.values[0] if self.fit else float("nan")

    @property
    def fitted_v(self) -> float:
        """The fit's sweet spot."""
        return self.fit.values[1] if self.fit else float("nan")


def simulate_arc(
    rng: Generator,
    *,
    periods: Range = (0.3, 0.37),
    guessed_sweeps: Range = (2.0, 2.5),
    kept_period: tuple[Range, ...] = (),
) -> Truth:
    """An arc and its fit.

    ``periods``: of the flux in the sweep; ``guessed_sweeps``: the period that the fit starts from, in sweeps;
    ``kept_period``: the period of an older calibration that the fit keeps, over the right one.
    """
    half_v = float(rng.choice([0.4, 0.5, 1.0, 1.5, 2.0]))
    bias_v = np.linspace(-half_v, half_v, int(rng.integers(19, 34)))
    period_v, sweet_spot_v = 2.0 * half_v / rng.uniform(*periods), half_v * float(rng.uniform(-0.25, 0.25))
    highest_ghz, charging_ghz = float(rng.uniform(3.9, 6.3)), float(rng.uniform(0.24, 0.32))
    line_ghz = transmon_ghz(
        bias_v, highest_ghz, sweet_spot_v, period_v, charging_ghz=charging_ghz, asymmetry=float(rng.uniform(0.0, 0.15))
    )
    lines = 2 if rng.random() < 0.25 else 1
    frequency_ghz, cells, width_ghz = _map(rng, [line_ghz, line_ghz - 0.5 * charging_ghz][:lines])
    centres_ghz, errors_ghz = line_centres(frequency_ghz, cells, width_ghz=width_ghz)
    kept_v = period_v * rng.uniform(*kept_period[rng.integers(len(kept_period))]) if kept_period else None
    return Truth(
        bias_v=bias_v,
        frequency_ghz=frequency_ghz,
        cells=cells,
        centres_ghz=centres_ghz,
        errors_ghz=errors_ghz,
        lines=lines,
        width_ghz=width_ghz,
        highest_ghz=highest_ghz,
        sweet_spot_v=sweet_spot_v,
        fit=_dispersion(bias_v, centres_ghz, 2.0 * half_v * rng.uniform(*guessed_sweeps), kept_v),
    )


def _map(rng: Generator, lines_ghz: list[Floats]) -> tuple[Floats, Floats, float]:
    """Frequencies around the first line, the cells with all lines, and their width; the second is half as high."""
    first = lines_ghz[0]
    span_ghz = max(float(np.ptp(first)), 0.5)
    low_ghz, high_ghz = first.min() - span_ghz * rng.uniform(0.35, 0.8), first.max() + span_ghz * rng.uniform(0.1, 0.35)
    frequency_ghz = np.linspace(low_ghz, high_ghz, int(rng.integers(70, 110)))
    width_ghz, height = float((high_ghz - low_ghz) * rng.uniform(0.03, 0.042)), float(rng.uniform(9.0, 18.0))
    y_ghz = frequency_ghz[:, None]
    signal = sum(lorentzian(y_ghz, line_ghz, width_ghz, height / (1 + k)) for k, line_ghz in enumerate(lines_ghz))
    return frequency_ghz, noisy(rng, np.asarray(signal)), width_ghz


def _dispersion(bias_v: Floats, centres_ghz: Floats, guess_v: float, kept_v: float | None) -> Fit | None:
    """The fit of a symmetric SQUID, with a free period from a guess or with a kept one; None without a line."""
    seen = np.isfinite(centres_ghz)
    if np.sum(seen) < 4:
        return None
    x, y = bias_v[seen], centres_ghz[seen]
    start = (float(y.max()), float(x[np.argmax(y)]))
    if kept_v is None:
        return fit(partial(transmon_ghz, charging_ghz=CHARGING_GHZ), x, y, (*start, guess_v))
    return fit(partial(transmon_ghz, period_v=kept_v, charging_ghz=CHARGING_GHZ), x, y, start)


def simulate_without_line(rng: Generator, *, recorded: bool) -> Truth:
    """Noise, as far from any line, or nothing that was recorded: zeros or no values at all."""
    half_v = float(rng.choice([0.4, 0.5, 1.0, 1.5, 2.0]))
    bias_v = np.linspace(-half_v, half_v, int(rng.integers(19, 34)))
    frequency_ghz = rng.uniform(3.5, 6.0) + np.linspace(0.0, rng.uniform(0.4, 0.9), int(rng.integers(70, 110)))
    empty = np.full((len(frequency_ghz), len(bias_v)), 0.0 if rng.random() < 0.5 else np.nan)
    cells = noisy(rng, np.zeros_like(empty)) if recorded else empty
    centres_ghz, errors_ghz = line_centres(frequency_ghz, cells, width_ghz=0.02)
    return Truth(
        bias_v=bias_v,
        frequency_ghz=frequency_ghz,
        cells=cells,
        centres_ghz=centres_ghz,
        errors_ghz=errors_ghz,
        lines=0,
        width_ghz=0.02,
        highest_ghz=float("nan"),
        sweet_spot_v=float("nan"),
        fit=_dispersion(bias_v, centres_ghz, 5.0 * half_v, None),
    )
