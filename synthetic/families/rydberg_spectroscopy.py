"""Rydberg spectroscopy of several sites: retention of single atoms against the detuning of a pulse of fixed length.

A pulse of length t and Rabi frequency W, detuned by D, excites an atom with the probability W^2 / (W^2 + D^2)
sin^2(pi t sqrt(W^2 + D^2)) (Rabi, Phys. Rev. 51, 652, 1937; Foot, Atomic Physics, 7.3); the trap expels Rydberg atoms,
which are then missing (de Leseleuc et al., Phys. Rev. A 97, 053803, 2018). A pulse of several oscillations shows
fringes beside a broad minimum, which fix t and W. Light that reaches the sites badly leaves W small and makes it jitter
with the pointing of the beam.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
from matplotlib.axes import Axes
from numpy.random import Generator

from scoring.reference import JSON
from synthetic.drawing.style import Drawing, PlotType, Style
from synthetic.family import Assessment, Family, Outcome, Scenario
from synthetic.physics.fitting import Fit, fit
from synthetic.physics.measured import Measured, measured
from synthetic.physics.readout import Floats, measured_population

Range = tuple[float, float]

NODES, WEIGHTS = np.polynomial.hermite_e.hermegauss(15)
"""Gauss-Hermite quadrature for averages over a normal distribution (Abramowitz and Stegun, 25.4.46)."""
SITES = 220
LOWEST_DEPTH = 0.02


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """One site's spectrum and its fit. The true values are ``resonance_mhz`` and ``rabi_mhz``."""

    index: int
    retention: Floats
    sigma: Floats
    resonance_mhz: float
    rabi_mhz: float
    fit: Fit

    @property
    def f0_khz(self) -> Measured:
        """The fitted resonance."""
        return measured(1e3 * self.fit.values[0], 1e3 * self.fit.errors[0], digits=2)

    @property
    def pulse_ns(self) -> Measured:
        """The fitted length of the pulse."""
        return measured(1e3 * self.fit.values[1], 1e3 * self.fit.errors[1], digits=2)

    @property
    def f_rabi_mhz(self) -> Measured:
        """The fitted Rabi frequency."""
        return measured(self.fit.values[2], self.fit.errors[2], digits=2)

    @property
    def chi_squared(self) -> float:
        """The fit's reduced chi squared, as printed."""
        return round(self.fit.reduced_chi_squared or 0.0, 2)

    @property
    def contrast(self) -> float:
        """The mean of the highest fifth of the points less that of the lowest fifth."""
        ordered = np.sort(self.retention)
        fifth = len(ordered) // 5
        return float(ordered[-fifth:].mean() - ordered[:fifth].mean())

    @property
    def fitted(self) -> bool:
        """A useful fit: of a deep spectrum, in agreement with the points, and sure of the Rabi frequency to a tenth."""
        deep = self.fit.values[3] > 0.5
        return deep and self.chi_squared < 3.0 and self.fit.errors[2] < 0.1 * self.fit.values[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """One scan of the detuning; all sites are measured together."""

    detuning_mhz: Floats
    pulse_us: float
    sites: tuple[Site, ...]

    @property
    def edge_mhz(self) -> float:
        """The end of the scan; it begins at the negative of it."""
        return float(self.detuning_mhz[-1])

    @property
    def contrast(self) -> float:
        """The mean contrast of the sites."""
        return float(np.mean([site.contrast for site in self.sites]))

    @property
    def lowest(self) -> float:
        """The mean of the sites' lowest points."""
        return float(np.mean([site.retention.min() for site in self.sites]))

    @property
    def highest(self) -> float:
        """The mean of the sites' highest points."""
        return float(np.mean([site.retention.max() for site in self.sites]))

    @property
    def chi_squared(self) -> float:
        """The largest reduced chi squared."""
        return max(site.chi_squared for site in self.sites)

    @property
    def rabi_mhz(self) -> float:
        """The mean of the fitted Rabi frequencies."""
        return float(np.mean([site.f_rabi_mhz.value for site in self.sites]))

    @property
    def failed(self) -> str:
        """How many sites have no useful fit."""
        return f"{sum(not site.fitted for site in self.sites)} of {len(self.sites)}"

    @property
    def numbers(self) -> str:
        """The sites' indices in words."""
        *first, last = [str(site.index) for site in self.sites]
        return f"{', '.join(first)} and {last}"


def excited(detuning_mhz: Floats, *, pulse_us: float, rabi_mhz: float, jitter: float) -> Floats:
    """The probability to excite an atom; ``jitter`` is the relative standard deviation of the Rabi frequency."""
    rabi = rabi_mhz * (1.0 + jitter * NODES[:, None])
    generalised = np.hypot(rabi, detuning_mhz)
    each = (rabi / generalised * np.sin(np.pi * pulse_us * generalised)) ** 2
    return np.asarray(WEIGHTS @ each / WEIGHTS.sum())


def _model(detuning: Floats, f0: float, pulse: float, rabi: float, depth: float, top: float) -> Floats:
    generalised = np.hypot(rabi, detuning - f0)
    return top - depth * (rabi / generalised * np.sin(np.pi * pulse * generalised)) ** 2


def _simulate(rng: Generator, *, reach: Range, jitter: Range) -> Truth:
    """``reach``: the part of the intended Rabi frequency that the light has at the sites."""
    edge_mhz, set_rabi_mhz = float(rng.choice([2.0, 2.5])), rng.uniform(1.6, 2.3)
    detuning_mhz = np.linspace(-edge_mhz, edge_mhz, int(rng.integers(31, 46)))
    pulse_us = (float(rng.integers(2, 5)) + 0.5) / set_rabi_mhz  # ends with the atoms excited
    shots = int(rng.integers(70, 160))
    indices = sorted(int(index) for index in rng.choice(SITES, int(rng.integers(2, 4)), replace=False))
    sites = []
    for index in indices:
        resonance_mhz = float(rng.choice([-1.0, 1.0]) * rng.uniform(0.02, 0.12))
        rabi_mhz = set_rabi_mhz * rng.uniform(*reach)
        lost = excited(detuning_mhz - resonance_mhz, pulse_us=pulse_us, rabi_mhz=rabi_mhz, jitter=rng.uniform(*jitter))
        expected = rng.uniform(0.9, 0.96) * (1.0 - rng.uniform(0.92, 0.98) * lost)
        retention = measured_population(rng, expected, shots=shots)
        sigma = np.sqrt((retention * shots + 1.0) * ((1.0 - retention) * shots + 1.0) / (shots + 3.0)) / (shots + 2.0)
        site = Site(
            index=index,
            retention=retention,
            sigma=sigma,
            resonance_mhz=resonance_mhz,
            rabi_mhz=rabi_mhz,
            fit=_fitted(detuning_mhz, retention, sigma, pulse_us=pulse_us, set_rabi_mhz=set_rabi_mhz),
        )
        sites.append(site)
    return Truth(detuning_mhz=detuning_mhz, pulse_us=pulse_us, sites=tuple(sites))


def _fitted(detuning: Floats, retention: Floats, sigma: Floats, *, pulse_us: float, set_rabi_mhz: float) -> Fit:
    """A fit that starts from the best of a few Rabi frequencies around the intended one."""
    rabi = np.arange(0.88, 1.13, 0.04) * set_rabi_mhz
    guesses = [(0.0, pulse_us, value, 0.8, 0.93) for value in rabi]
    left = [float(np.sum(((retention - _model(detuning, *guess)) / sigma) ** 2)) for guess in guesses]
    bounds = (
        (-1.0, 0.7 * pulse_us, 0.3 * set_rabi_mhz, LOWEST_DEPTH, 0.5),
        (1.0, 1.3 * pulse_us, 1.7 * set_rabi_mhz, 1.0, 1.0),
    )
    fitted = fit(_model, detuning, retention, guesses[int(np.argmin(left))], bounds=bounds, sigma=sigma)
    assert fitted is not None  # noqa: S101 - a bounded spectrum converges; the tests run many seeds
    return fitted


def _clear(truth: Truth) -> bool:
    """Deep spectra with useful fits at all sites."""
    return all(site.contrast > 0.45 and site.fitted for site in truth.sites)


def _shallow(truth: Truth) -> bool:
    """Hardly any atom is excited at most sites, so their fits are useless."""
    weak = [site.contrast < 0.35 and not site.fitted for site in truth.sites]
    return 2 * sum(weak) > len(weak)


def _draw(truth: Truth, style: Style) -> tuple[Drawing, ...]:
    count = len(truth.sites)
    panels = style.panels(count, width=0.55 * count + 0.1)
    x_label = str(style.rng.choice(["Detuning (MHz)", "Optical detuning [MHz]", "Laser detuning (MHz)"]))
    y_label = str(style.rng.choice(["Retention", "Ground-state probability", "Retained fraction"]))
    for axes, site in zip(panels, truth.sites, strict=True):
        _draw_site(axes, truth.detuning_mhz, site, style)
        style.dress(axes, title="", x_label=x_label, y_label=y_label if axes is panels[0] else "")
        axes.set_title(  # Q5 asks for what it says, so every style has it
            f"Site {site.index} (χ²/dof = {site.chi_squared:.2f})\nf0 = {site.f0_khz.plus_minus} kHz\n"
            f"t = {site.pulse_ns.plus_minus} ns\nf_Rabi = {site.f_rabi_mhz.plus_minus} MHz",
            fontsize="small",
        )
    points = f"{style.data.name.capitalize()} {style.marker_name} with error bars"
    features = (
        f"{count} panels show the retention of the sites {truth.numbers} at detunings up to ±{truth.edge_mhz:g} MHz.",
        f"{points} are the data; the fits are {style.fit.name}, with a dashed line at f0.",
        _course(truth),
        f"The titles give f0, t, f_Rabi and a reduced chi squared of up to {truth.chi_squared:.2f}.",
    )
    return (style.drawing(panels[0], plot_type=PlotType.SCATTER, features=features),)


def _draw_site(axes: Axes, detuning_mhz: Floats, site: Site, style: Style) -> None:
    style.error_bars(axes, detuning_mhz, site.retention, site.sigma, label="data")
    dense = np.linspace(detuning_mhz[0], detuning_mhz[-1], 600)
    style.curve(axes, dense, site.fit.at(dense), label="fit")
    axes.axvline(site.fit.values[0], color=style.fit.code, linestyle="--", linewidth=1.2)
    axes.set_ylim(-0.05, 1.05)


def _course(truth: Truth) -> str:
    if _shallow(truth):
        return f"The points stay between {truth.lowest:.2f} and {truth.highest:.2f}, with at most a shallow, noisy dip."
    return f"A deep, broad minimum at {truth.lowest:.2f} has fringes up to {truth.highest:.2f} on both sides."


def _parameters(truth: Truth) -> JSON:
    return [
        {
            "site_index": site.index,
            "f0_kHz": site.f0_khz.value,
            "f0_kHz_unc": site.f0_khz.error,
            "t_ns": site.pulse_ns.value,
            "t_ns_unc": site.pulse_ns.error,
            "f_Rabi_MHz": site.f_rabi_mhz.value,
            "f_Rabi_MHz_unc": site.f_rabi_mhz.error,
            "chi_squared": site.chi_squared,
        }
        for site in truth.sites
    ]


FAMILY: Family[Truth] = Family(
    name="rydberg_spectroscopy",
    criteria={"SUCCESS": _clear, "LOW_CONTRAST": _shallow},
    # All values are printed, with two digits of the error: tolerances only forgive a misread last digit.
    field_rules={
        "site_index": {"type": "int_count", "tol_full": 0, "tol_half": 0},
        "f0_kHz": {"type": "pct", "tol_full": 0.02, "tol_half": 0.1},
        "f0_kHz_unc": {"type": "pct", "tol_full": 0.1, "tol_half": 0.3},
        "t_ns": {"type": "pct", "tol_full": 0.02, "tol_half": 0.1},
        "t_ns_unc": {"type": "pct", "tol_full": 0.1, "tol_half": 0.3},
        "f_Rabi_MHz": {"type": "pct", "tol_full": 0.02, "tol_half": 0.1},
        "f_Rabi_MHz_unc": {"type": "pct", "tol_full": 0.1, "tol_half": 0.3},
        "chi_squared": {"type": "pct", "tol_full": 0.05, "tol_half": 0.2},
    },
    draw=_draw,
    parameters=_parameters,
    scenarios=(
        Scenario(
            name="rydberg_spectroscopy_failure_low_contrast",
            status="LOW_CONTRAST",
            outcome=Outcome.APPARATUS,
            assessment=Assessment.UNRELIABLE,
            simulate=partial(_simulate, reach=(0.02, 0.045), jitter=(0.1, 0.3)),
        ),
        Scenario(
            name="rydberg_spectroscopy_success",
            status="SUCCESS",
            outcome=Outcome.EXPECTED,
            assessment=Assessment.RELIABLE,
            simulate=partial(_simulate, reach=(0.95, 1.05), jitter=(0.0, 0.006)),
        ),
    ),
)
