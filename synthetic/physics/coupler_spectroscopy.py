"""Spectroscopy of two qubits against the flux bias of the tunable coupler between them, simulated and fitted.

A qubit q and the coupler c, coupled by g, form modes at (q + c) / 2 +- sqrt((c - q)^2 / 4 + g^2), which avoid each
other where c = q (Yan et al., Phys. Rev. Applied 10, 054062, 2018). The drive sees the share of the qubit in each mode.
The coupler is an asymmetric transmon (flux_maps.py), which crosses both qubits at nearly the same bias.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from scipy.ndimage import median_filter

from synthetic.physics.fitting import Fit, fit
from synthetic.physics.flux_maps import line_centres, lorentzian, noisy, transmon_ghz
from synthetic.physics.readout import Floats

CHARGING_GHZ = 0.25


@dataclass(frozen=True, slots=True, kw_only=True)
class Coupler:
    """The coupler's dispersion; its frequency repeats every ``period_v``."""

    highest_ghz: float
    asymmetry: float
    sweet_spot_v: float
    period_v: float

    def ghz(self, bias_v: Floats, sweet_spot_v: float | None = None, period_v: float | None = None) -> Floats:
        """Its frequency, as it is or with another sweet spot and period."""
        return transmon_ghz(
            bias_v,
            self.highest_ghz,
            self.sweet_spot_v if sweet_spot_v is None else sweet_spot_v,
            self.period_v if period_v is None else period_v,
            charging_ghz=CHARGING_GHZ,
            asymmetry=self.asymmetry,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """One qubit's map: ``cells[j, i]`` at ``frequency_ghz[j]`` and the i-th bias, and the fit of its line centres.

    ``centres_ghz`` is NaN where no line was found; ``usable`` tells which centres are found and no outliers. The fit's
    coupler has its sweet spot at ``fitted_spot_v`` and the period ``fitted_period_v``.
    """

    frequency_ghz: Floats
    cells: Floats
    centres_ghz: Floats
    errors_ghz: Floats
    usable: NDArray[np.bool_]
    width_ghz: float
    qubit_ghz: float
    fit: Fit
    fitted_spot_v: float
    fitted_period_v: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """Both qubits' maps over the same bias. The coupler crosses the qubits at ``centre_v`` +- ``half_gap_v``.

    ``coupler_above``: between the crossings the coupler is above the qubits.
    """

    bias_v: Floats
    panels: tuple[Panel, Panel]
    coupler: Coupler
    coupler_above: bool
    centre_v: float
    half_gap_v: float
    coupling_ghz: float

    @property
    def crossings_v(self) -> tuple[float, float]:
        """Where the coupler crosses the qubits, from left to right, the mean of both."""
        return self.centre_v - self.half_gap_v, self.centre_v + self.half_gap_v

    @property
    def crossings(self) -> str:
        """The crossings in words."""
        return f"{self.crossings_v[0]:.2f} and {self.crossings_v[1]:.2f} V"

    @property
    def end_v(self) -> float:
        """The last bias."""
        return float(self.bias_v[-1])

    @property
    def coupling_mhz(self) -> float:
        """The coupling of qubit and coupler."""
        return self.coupling_ghz * 1e3

    @property
    def astray(self) -> float:
        """The share of usable columns whose centre is off the fit by more than half of its width: the worse panel's."""
        return max(float(np.mean(self._misses_ghz(panel) > 0.5 * panel.width_ghz)) for panel in self.panels)

    @property
    def miss_mhz(self) -> float:
        """How far the fits are from usable line centres, at most; a fit's own crossing may be further off."""
        return 1e3 * max(float(self._misses_ghz(panel).max()) for panel in self.panels)

    @property
    def spread_mhz(self) -> float:
        """The largest distance between plateaus of a qubit."""
        return 1e3 * max(float(np.ptp(self.plateaus_ghz(panel))) for panel in self.panels)

    def plateaus_ghz(self, panel: Panel) -> list[float]:
        """The flattest frequency of the fitted curve in each branch, from left to right.

        Where the coupler is below it lifts the qubit, whose branch has a minimum; where it is above, a maximum.
        """
        edges_v = (-np.inf, *self.crossings_v, np.inf)
        dense_v, margin_v = np.linspace(self.bias_v[0], self.bias_v[-1], 1000), 0.2 * self.half_gap_v
        curve_ghz = panel.fit.at(dense_v)
        branches = [curve_ghz[(a + margin_v < dense_v) & (dense_v < b - margin_v)] for a, b in pairwise(edges_v)]
        lifted = (self.coupler_above, not self.coupler_above, self.coupler_above)
        return [float(branch.min() if up else branch.max()) for branch, up in zip(branches, lifted, strict=True)]

    def _misses_ghz(self, panel: Panel) -> Floats:
        seen = panel.usable
        return np.abs(panel.fit.at(self.bias_v[seen]) - panel.centres_ghz[seen])


def qubit_like_ghz(coupler_ghz: Floats, qubit_ghz: float, coupling_ghz: float) -> Floats:
    """The mode that is more qubit than coupler."""
    detuning = coupler_ghz - qubit_ghz
    shift = np.sqrt(detuning**2 / 4.0 + coupling_ghz**2) - np.abs(detuning) / 2.0
    return np.asarray(qubit_ghz - np.where(detuning > 0.0, shift, -shift))


def simulate(rng: Generator, *, kept_offset: tuple[float, float] | None = None) -> Truth:
    """Two maps and their fits.

    ``kept_offset``: the fit keeps the coupler of an older calibration, when its sweet spot was off by so much, either
    way, in units of half the distance between the crossings. Otherwise the fit starts from a recent calibration.
    """
    above, half_gap_v = bool(rng.random() < 0.5), float(rng.choice([0.3, 0.6, 1.0, 1.3]) * rng.uniform(0.9, 1.1))
    centre_v, qubit_ghz = half_gap_v * float(rng.uniform(-0.1, 0.1)), float(rng.uniform(4.2, 5.2))
    # the crossing in periods from the sweet spot; from it follow the coupler's period and highest frequency
    crossing = float(rng.uniform(0.3, 0.36) if above else rng.uniform(0.2, 0.28))
    period_v = half_gap_v / (crossing if above else 0.5 - crossing)
    asymmetry = float(rng.uniform(0.3, 0.45))
    at_qubit = transmon_ghz(np.array([crossing]), 1.0, 0.0, 1.0, charging_ghz=0.0, asymmetry=asymmetry)[0]
    coupler = Coupler(
        highest_ghz=float((qubit_ghz + CHARGING_GHZ) / at_qubit - CHARGING_GHZ),
        asymmetry=asymmetry,
        sweet_spot_v=centre_v if above else centre_v + 0.5 * period_v,
        period_v=period_v,
    )
    half_v, coupling_ghz = half_gap_v * float(rng.uniform(1.5, 1.58)), float(rng.uniform(0.08, 0.12))
    bias_v = np.linspace(-half_v, half_v, int(rng.integers(61, 82)))
    apart_ghz = float(rng.uniform(0.02, 0.05))
    kept_v = None
    if kept_offset is not None:
        kept_v = coupler.sweet_spot_v + half_gap_v * rng.uniform(*kept_offset) * rng.choice([-1.0, 1.0])
    first, second = (
        _panel(rng, bias_v, coupler, qubit_ghz=qubit_ghz + sign * apart_ghz, coupling_ghz=coupling_ghz, kept_v=kept_v)
        for sign in rng.permutation([-1.0, 1.0])
    )
    return Truth(
        bias_v=bias_v,
        panels=(first, second),
        coupler=coupler,
        coupler_above=above,
        centre_v=centre_v,
        half_gap_v=half_gap_v,
        coupling_ghz=coupling_ghz,
    )


def _panel(
    rng: Generator, bias_v: Floats, coupler: Coupler, *, qubit_ghz: float, coupling_ghz: float, kept_v: float | None
) -> Panel:
    """Map and fit of one qubit; a centre is an outlier if it is off its neighbours' median by more than its width."""
    frequency_ghz = qubit_ghz + np.linspace(-0.05, 0.05, int(rng.integers(60, 80))) * rng.uniform(0.9, 1.2)
    width_ghz, height = float(rng.uniform(0.008, 0.012)), float(rng.uniform(9.0, 18.0))
    detuning = coupler.ghz(bias_v) - qubit_ghz
    half_splitting = np.sqrt(detuning**2 / 4.0 + coupling_ghz**2)
    signal = np.zeros((len(frequency_ghz), len(bias_v)))
    for side in (-1.0, 1.0):
        share = 0.5 * (1.0 - side * detuning / (2.0 * half_splitting))
        mode_ghz = qubit_ghz + detuning / 2.0 + side * half_splitting
        signal += lorentzian(frequency_ghz[:, None], mode_ghz, width_ghz, height * share)
    cells = noisy(rng, signal)
    centres_ghz, errors_ghz = line_centres(frequency_ghz, cells, width_ghz=width_ghz)
    smooth_ghz = median_filter(np.nan_to_num(centres_ghz), size=5, mode="nearest")
    usable = np.abs(centres_ghz - smooth_ghz) < width_ghz  # false for NaN
    fitted, spot_v, period_v = _fit(rng, bias_v[usable], centres_ghz[usable], coupler, coupling_ghz, kept_v)
    return Panel(
        frequency_ghz=frequency_ghz,
        cells=cells,
        centres_ghz=centres_ghz,
        errors_ghz=errors_ghz,
        usable=usable,
        width_ghz=width_ghz,
        qubit_ghz=qubit_ghz,
        fit=fitted,
        fitted_spot_v=spot_v,
        fitted_period_v=period_v,
    )


def _fit(
    rng: Generator, bias_v: Floats, centres_ghz: Floats, coupler: Coupler, coupling_ghz: float, kept_v: float | None
) -> tuple[Fit, float, float]:
    """The fit, its coupler's sweet spot and its period: fitted with the qubit, or kept, as the coupling then is."""
    middle_ghz = float(np.median(centres_ghz))
    if kept_v is not None:

        def kept(x: Floats, qubit_ghz: float) -> Floats:
            return qubit_like_ghz(coupler.ghz(x, kept_v), qubit_ghz, coupling_ghz)

        fitted = fit(kept, bias_v, centres_ghz, (middle_ghz,))
        assert fitted is not None  # noqa: S101 - one offset always converges
        return fitted, kept_v, coupler.period_v

    def free(x: Floats, qubit_ghz: float, coupling: float, spot_v: float, period_v: float) -> Floats:
        return qubit_like_ghz(coupler.ghz(x, spot_v, period_v), qubit_ghz, coupling)

    spot_v = coupler.sweet_spot_v + coupler.period_v * rng.normal(0.0, 0.002)
    guess = (middle_ghz, 0.1, float(spot_v), coupler.period_v * float(rng.normal(1.0, 0.002)))
    fitted = fit(free, bias_v, centres_ghz, guess)
    assert fitted is not None  # noqa: S101 - it starts close; the tests run many seeds
    return fitted, fitted.values[2], fitted.values[3]
