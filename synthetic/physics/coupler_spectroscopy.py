"""Spectroscopy of two qubits against the flux bias of the tunable coupler between them, simulated and fitted.

A qubit q and the coupler c, coupled by g, form modes at (q + c) / 2 +- sqrt((c - q)^2 / 4 + g^2), with an
avoided crossing at c = q (Yan et al., Phys. Rev. Applied 10, 054062, 2018). The drive couples to the qubit's
share of each mode. The coupler is an asymmetric transmon (flux_maps.py) that crosses both qubits at nearly
the same bias, twice per
period: the sweep covers two or four crossings.
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
        """Return its frequency; sweet spot and period can be overridden."""
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

    ``centres_ghz`` is NaN for columns without a line; ``usable`` marks the centres that were found and are
    not outliers. The fit's coupler has its sweet spot at ``fitted_spot_v`` and the period
    ``fitted_period_v``.
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
    """Both qubits' maps over the same bias; the coupler crosses the mean of the qubits at ``crossings_v``."""

    bias_v: Floats
    panels: tuple[Panel, Panel]
    coupler: Coupler
    crossings_v: tuple[float, ...]
    coupling_ghz: float
    qubits: tuple[int, int]

    @property
    def coupler_name(self) -> str:
        """The coupler between both qubits."""
        return f"TC-{self.qubits[0]}-{self.qubits[1]}"

    @property
    def crossings(self) -> str:
        """The crossings as text."""
        *first, last = (f"{voltage:z.2f}" for voltage in self.crossings_v)
        return f"{', '.join(first)} and {last} V"

    @property
    def branches(self) -> int:
        """How many branches each line has."""
        return len(self.crossings_v) + 1

    @property
    def begin_v(self) -> float:
        """The first bias."""
        return float(self.bias_v[0])

    @property
    def end_v(self) -> float:
        """The last bias."""
        return float(self.bias_v[-1])

    @property
    def wider(self) -> str:
        """A sweep of 1.5 times the width."""
        return f"({1.5 * self.begin_v:.2g}, {1.5 * self.end_v:.2g})"

    @property
    def coupling_mhz(self) -> float:
        """The coupling of qubit and coupler."""
        return self.coupling_ghz * 1e3

    @property
    def levels(self) -> str:
        """The qubits' bare frequencies, the left one first."""
        left, right = (panel.qubit_ghz for panel in self.panels)
        return f"{left:.2f} and {right:.2f} GHz"

    @property
    def fitted_period_v(self) -> float:
        """The period of the fitted coupler, of the left panel."""
        return self.panels[0].fitted_period_v

    @property
    def astray(self) -> float:
        """The share of usable columns whose centre is off the fit by more than half of its width: the worse panel's."""
        return max(float(np.mean(self._misses_ghz(panel) > 0.5 * panel.width_ghz)) for panel in self.panels)

    @property
    def miss_mhz(self) -> float:
        """The largest distance of the fits from usable line centres; at a fit's crossing it may be larger."""
        return 1e3 * max(float(self._misses_ghz(panel).max()) for panel in self.panels)

    @property
    def spread_mhz(self) -> float:
        """The largest distance between plateaus of a qubit."""
        return 1e3 * max(float(np.ptp(self.plateaus_ghz(panel))) for panel in self.panels)

    def plateaus_ghz(self, panel: Panel) -> list[float]:
        """The line's flattest frequency in each branch, from left to right.

        A coupler below the qubit lifts it, so the branch has a minimum; with a coupler above, the branch has
        a maximum.
        """
        edges_v = (self.begin_v, *self.crossings_v, self.end_v)
        return [self._plateau_ghz(panel, *ends) for ends in pairwise(edges_v)]

    def _plateau_ghz(self, panel: Panel, begin_v: float, end_v: float) -> float:
        margin_v = 0.1 * (end_v - begin_v)
        coupler_ghz = self.coupler.ghz(np.linspace(begin_v + margin_v, end_v - margin_v, 300))
        line_ghz = qubit_like_ghz(coupler_ghz, panel.qubit_ghz, self.coupling_ghz)
        lifted = coupler_ghz.mean() < panel.qubit_ghz
        return float(line_ghz.min() if lifted else line_ghz.max())

    def _misses_ghz(self, panel: Panel) -> Floats:
        seen = panel.usable
        return np.abs(panel.fit.at(self.bias_v[seen]) - panel.centres_ghz[seen])


def qubit_like_ghz(coupler_ghz: Floats, qubit_ghz: float, coupling_ghz: float) -> Floats:
    """Return the mode with the larger share of the qubit."""
    detuning = coupler_ghz - qubit_ghz
    shift = np.sqrt(detuning**2 / 4.0 + coupling_ghz**2) - np.abs(detuning) / 2.0
    return np.asarray(qubit_ghz - np.where(detuning > 0.0, shift, -shift))


def _crossings(rng: Generator) -> tuple[tuple[float, ...], float]:
    """Draw the coupler's crossings with the qubits, in units of half the sweep, and its period.

    Crossings are not near the ends of the sweep or zero bias, and the next crossings are outside the sweep.
    """
    if rng.random() < 0.6:
        half_gap, centre = float(rng.uniform(0.46, 0.62)), float(rng.uniform(-0.1, 0.1))
        return (centre - half_gap, centre + half_gap), half_gap / float(rng.uniform(0.2, 0.27))
    between, left = float(rng.uniform(0.56, 0.75)), float(rng.uniform(0.2, 0.35))
    right = float(np.clip(left + rng.uniform(-0.14, 0.14), 0.2, 0.35))
    pair = (2.0 - between - left - right) / 2.0
    return (-1.0 + left, -1.0 + left + pair, 1.0 - right - pair, 1.0 - right), pair + between


def _coupler(
    rng: Generator, crossings_v: tuple[float, ...], period_v: float, qubit_ghz: float, *, above: bool
) -> Coupler:
    """Return the coupler with these crossings; ``above``: it is above the qubits between the first two."""
    middle_v, half_gap_v = (crossings_v[0] + crossings_v[1]) / 2.0, (crossings_v[1] - crossings_v[0]) / 2.0
    distance_v, asymmetry = (
        half_gap_v if above else 0.5 * period_v - half_gap_v,
        float(rng.uniform(0.3, 0.45)),
    )
    at_qubit = transmon_ghz(
        np.array([distance_v]), 1.0, 0.0, period_v, charging_ghz=0.0, asymmetry=asymmetry
    )[0]
    return Coupler(
        highest_ghz=float((qubit_ghz + CHARGING_GHZ) / at_qubit - CHARGING_GHZ),
        asymmetry=asymmetry,
        sweet_spot_v=middle_v if above else middle_v + 0.5 * period_v,
        period_v=period_v,
    )


def simulate(rng: Generator, *, kept: bool = False) -> Truth:
    """Simulate two maps and their fits, which start from a recent calibration of the coupler or keep a wrong one."""
    half_v, qubit_ghz = float(rng.choice([0.8, 1.0, 1.5, 2.0, 2.0, 2.5])), float(rng.uniform(4.2, 5.2))
    crossings, period = _crossings(rng)
    crossings_v, period_v = tuple(half_v * crossing for crossing in crossings), half_v * period
    coupler = _coupler(rng, crossings_v, period_v, qubit_ghz, above=bool(rng.random() < 0.5))
    coupling_ghz, apart_ghz = float(rng.uniform(0.06, 0.1)), float(rng.uniform(0.02, 0.06))
    bias_v = np.linspace(-half_v, half_v, int(rng.integers(61, 102)))
    wrong = _wrong(rng, coupler, half_v) if kept else None
    first, second = (
        _panel(
            rng,
            bias_v,
            coupler,
            qubit_ghz=qubit_ghz + sign * apart_ghz,
            coupling_ghz=coupling_ghz,
            kept=wrong,
        )
        for sign in rng.permutation([-1.0, 1.0])
    )
    number = int(rng.integers(1, 18))
    return Truth(
        bias_v=bias_v,
        panels=(first, second),
        coupler=coupler,
        crossings_v=crossings_v,
        coupling_ghz=coupling_ghz,
        qubits=(number, number + int(rng.choice([1, 3, 5]))),
    )


def _wrong(rng: Generator, coupler: Coupler, half_v: float) -> tuple[float, float]:
    """Draw a wrong sweet spot and period for the fit: a period far too short, or an offset after a drift."""
    if rng.random() < 0.7:
        return coupler.sweet_spot_v, coupler.period_v * float(rng.uniform(0.5, 0.75))
    return coupler.sweet_spot_v + half_v * float(
        rng.uniform(0.12, 0.2) * rng.choice([-1.0, 1.0])
    ), coupler.period_v


def _panel(
    rng: Generator,
    bias_v: Floats,
    coupler: Coupler,
    *,
    qubit_ghz: float,
    coupling_ghz: float,
    kept: tuple[float, float] | None,
) -> Panel:
    """Simulate and fit one qubit; a centre more than a width from its neighbours' median is an outlier."""
    frequency_ghz = qubit_ghz + np.linspace(-0.05, 0.05, int(rng.integers(50, 76))) * rng.uniform(0.9, 1.2)
    width_ghz, height = float(rng.uniform(0.008, 0.012)), float(rng.uniform(11.0, 36.0))
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
    fitted, spot_v, period_v = _fit(rng, bias_v[usable], centres_ghz[usable], coupler, coupling_ghz, kept)
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
    rng: Generator,
    bias_v: Floats,
    centres_ghz: Floats,
    coupler: Coupler,
    coupling_ghz: float,
    kept: tuple[float, float] | None,
) -> tuple[Fit, float, float]:
    """Return the fit, and its coupler's sweet spot and period, which are fitted or kept like the coupling."""
    middle_ghz = float(np.median(centres_ghz))
    if kept is not None:
        spot_v, period_v = kept

        def model(x: Floats, qubit_ghz: float) -> Floats:
            return qubit_like_ghz(coupler.ghz(x, spot_v, period_v), qubit_ghz, coupling_ghz)

        fitted = fit(model, bias_v, centres_ghz, (middle_ghz,))
        assert fitted is not None  # noqa: S101 - one offset always converges
        return fitted, spot_v, period_v

    def free(x: Floats, qubit_ghz: float, coupling: float, spot_v: float, period_v: float) -> Floats:
        return qubit_like_ghz(coupler.ghz(x, spot_v, period_v), qubit_ghz, coupling)

    spot_v = coupler.sweet_spot_v + coupler.period_v * float(rng.normal(0.0, 0.002))
    guess = (middle_ghz, 0.08, spot_v, coupler.period_v * float(rng.normal(1.0, 0.002)))
    fitted = fit(free, bias_v, centres_ghz, guess)
    assert fitted is not None  # noqa: S101 - it starts close; the tests run many seeds
    return fitted, fitted.values[2], fitted.values[3]
