"""Rydberg spectroscopy of several sites: retention of single atoms against the detuning of a pulse of fixed length.

A pulse of length t and Rabi frequency W, detuned by D, excites an atom with the probability W^2 / (W^2 + D^2)
sin^2(pi t sqrt(W^2 + D^2)) (Rabi, Phys. Rev. 51, 652, 1937; Foot, Atomic Physics, 7.3); the trap expels
Rydberg atoms, which are then missing (de Leseleuc et al., Phys. Rev. A 97, 053803, 2018). A pulse of several
oscillations gives fringes around a broad minimum, which determine t and W. Light of unstable frequency and
power washes the fringes out, fills the minimum, moves the line during the scan, and scatters the points by
more than their number of shots explains.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.random import Generator

from scoring.reference import JSON
from synthetic.drawing.atom_looks import in_atom_look
from synthetic.drawing.style import Drawing, Ink, PlotType, Style
from synthetic.drawing.usual_looks import TAB_BLUE, TAB_ORANGE
from synthetic.family import Assessment, Family, OutcomeLabel, Scenario
from synthetic.physics.fitting import Fit, fit
from synthetic.physics.readout import Floats, measured_population

Range = tuple[float, float]

NODES, WEIGHTS = np.polynomial.hermite_e.hermegauss(15)
"""Gauss-Hermite quadrature for averages over a normal distribution (Abramowitz and Stegun, 25.4.46)."""
SITES = 220
LOWEST_DEPTH = 0.02
DEEP, SCATTERED = 0.65, 3.0
"""A deep spectrum has more contrast than this, and a good fit a smaller reduced chi squared."""
PANEL_PX = (280, 305)
"""The usual look's cut-out around a column of panels, with the edges of the neighbouring columns."""
BOX_PX = (48, 58, 196, 188)
"""Left, top, width and height of the Axes in a panel of the usual look."""
SPECTRUM_INKS = (TAB_BLUE, TAB_ORANGE, Ink("red", "#e8000b"))
TITLE_FONT = "DejaVu Sans"


@dataclass(frozen=True, slots=True, kw_only=True)
class Printed:
    """A fitted value to four significant digits and its standard error to two, as texts."""

    value: str
    error: str

    @classmethod
    def of(cls, value: float, error: float) -> Printed:
        """Return what is printed of a fitted value."""
        return cls(value=_significant(value, 4), error=_significant(error, 2))

    @property
    def plus_minus(self) -> str:
        """The value with its error, such as "43.04 +/- 7.4"."""
        return f"{self.value} +/- {self.error}"


def _significant(value: float, digits: int) -> str:
    return f"{value:.{max(digits - 1 - math.floor(math.log10(abs(value))), 0)}f}"


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
    def f0_khz(self) -> Printed:
        """The fitted resonance."""
        return Printed.of(1e3 * self.fit.values[0], 1e3 * self.fit.errors[0])

    @property
    def pulse_ns(self) -> Printed:
        """The fitted length of the pulse."""
        return Printed.of(1e3 * self.fit.values[1], 1e3 * self.fit.errors[1])

    @property
    def f_rabi_mhz(self) -> Printed:
        """The fitted Rabi frequency."""
        return Printed.of(self.fit.values[2], self.fit.errors[2])

    @property
    def chi_squared(self) -> float:
        """The fit's reduced chi squared, as printed."""
        return round(self.fit.reduced_chi_squared or 0.0, 1)

    @property
    def contrast(self) -> float:
        """The mean of the three highest points less that of the two lowest."""
        ordered = np.sort(self.retention)
        return float(ordered[-3:].mean() - ordered[:2].mean())

    @property
    def clear(self) -> bool:
        """Whether the spectrum is deep and the fit describes it."""
        return self.contrast > DEEP and self.chi_squared < SCATTERED


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
        return float(np.mean([site.fit.values[2] for site in self.sites]))

    @property
    def failed(self) -> str:
        """The number of sites without a good fit, as text."""
        count = sum(not site.clear for site in self.sites)
        return f"{count} of {len(self.sites)} sites" if len(self.sites) > 1 else "the only site shown"

    @property
    def numbers(self) -> str:
        """The sites' indices as text."""
        *first, last = [str(site.index) for site in self.sites]
        return f"sites {', '.join(first)} and {last}" if first else f"site {last}"

    @property
    def values(self) -> str:
        """The results of all sites' fits, as text."""
        texts = [
            f"f0 = {s.f0_khz.plus_minus} kHz and f_Rabi = {s.f_rabi_mhz.plus_minus} MHz" for s in self.sites
        ]
        return "; ".join(f"{text} at site {s.index}" for text, s in zip(texts, self.sites, strict=True))

    @property
    def count(self) -> int:
        """How many detunings were measured."""
        return len(self.detuning_mhz)


def excited(
    detuning_mhz: Floats, *, pulse_us: float, rabi_mhz: float, jitter: float, linewidth_mhz: float = 0.0
) -> Floats:
    """The probability to excite an atom.

    ``jitter`` is the relative standard deviation of the Rabi frequency, ``linewidth_mhz`` that of the
    detuning; both differ from shot to shot.
    """
    rabi = rabi_mhz * (1.0 + jitter * NODES[:, None, None])
    generalised = np.hypot(rabi, detuning_mhz + linewidth_mhz * NODES[:, None])
    each = (rabi / generalised * np.sin(np.pi * pulse_us * generalised)) ** 2
    return np.asarray(np.einsum("i,j,ijk->k", WEIGHTS, WEIGHTS, each) / WEIGHTS.sum() ** 2)


def _model(detuning: Floats, f0: float, pulse: float, rabi: float, depth: float, top: float) -> Floats:
    generalised = np.hypot(rabi, detuning - f0)
    return top - depth * (rabi / generalised * np.sin(np.pi * pulse * generalised)) ** 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Light:
    """The stability of the light: a range for each figure.

    Attributes:
        jitter: relative standard deviation of the Rabi frequency.
        linewidth_mhz: standard deviation of the detuning.
        drift_mhz: how far the resonance moves during the scan.
        scatter: standard deviation of the retention beyond that of the shots.
        top: the retention far from resonance.
    """

    jitter: Range
    linewidth_mhz: Range
    drift_mhz: Range
    scatter: Range
    top: Range


STEADY = Light(
    jitter=(0.0, 0.01),
    linewidth_mhz=(0.0, 0.02),
    drift_mhz=(0.0, 0.01),
    scatter=(0.0, 0.01),
    top=(0.88, 0.96),
)
UNSTEADY = Light(
    jitter=(0.03, 0.08),
    linewidth_mhz=(0.07, 0.13),
    drift_mhz=(0.05, 0.3),
    scatter=(0.05, 0.085),
    top=(0.66, 0.8),
)


def _simulate(rng: Generator, *, light: Light) -> Truth:
    """Simulate a scan with this light; sweep, pulse and Rabi frequency have the same distribution for any light."""
    edge_mhz = float(rng.choice([1.6, 1.8, 2.0, 2.0]))
    detuning_mhz = np.linspace(-edge_mhz, edge_mhz, int(rng.integers(17, 24)))
    pulse_us = float(rng.uniform(1.7, 2.4))
    set_rabi_mhz = (float(rng.integers(2, 5)) + 0.5) / pulse_us  # ends with the atoms excited
    shots = int(rng.integers(100, 170))
    indices = sorted(int(index) for index in rng.choice(SITES, int(rng.integers(1, 3)), replace=False))
    drift = rng.choice([-1.0, 1.0]) * rng.uniform(*light.drift_mhz) * detuning_mhz / (2.0 * edge_mhz)
    sites = []
    for index in indices:
        resonance_mhz = float(rng.choice([-1.0, 1.0]) * rng.uniform(0.02, 0.19))
        rabi_mhz = set_rabi_mhz * rng.uniform(0.985, 1.015)
        lost = excited(
            detuning_mhz - resonance_mhz - drift,
            pulse_us=pulse_us,
            rabi_mhz=rabi_mhz,
            jitter=rng.uniform(*light.jitter),
            linewidth_mhz=rng.uniform(*light.linewidth_mhz),
        )
        expected = rng.uniform(*light.top) * (1.0 - rng.uniform(0.92, 0.98) * lost)
        unsteady = expected + rng.normal(0.0, rng.uniform(*light.scatter), len(expected))
        retention = measured_population(rng, np.clip(unsteady, 0.01, 0.99), shots=shots)
        sigma = np.sqrt((retention * shots + 1.0) * ((1.0 - retention) * shots + 1.0) / (shots + 3.0)) / (
            shots + 2.0
        )
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


def _fitted(
    detuning: Floats, retention: Floats, sigma: Floats, *, pulse_us: float, set_rabi_mhz: float
) -> Fit:
    """Fit, starting from the best of a few Rabi frequencies around the intended one."""
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
    """Return whether all sites have deep spectra with good fits."""
    return all(site.clear for site in truth.sites)


def _shallow(truth: Truth) -> bool:
    """Return whether half of the sites or more have reduced contrast, or points that scatter around the fit."""
    return 2 * sum(not site.clear for site in truth.sites) >= len(truth.sites)


def _draw(truth: Truth, style: Style) -> tuple[Drawing, ...]:
    count = len(truth.sites)
    panels = _column(style, count) if _is_cut_out(style) else style.panels(1, rows=count, height=0.95 * count)
    in_mhz, grid = bool(style.rng.random() < 0.15), bool(style.rng.random() < 0.8)
    scale, unit = (1.0, " (MHz)") if in_mhz else (1e6, str(style.rng.choice(["", "", " (Hz)"])))
    what = str(style.rng.choice(["Optical Detuning", "Optical Detuning", "Laser Detuning"]))
    for axes, site in zip(panels, truth.sites, strict=True):
        _draw_site(axes, truth.detuning_mhz, site, style, scale)
        if grid:
            axes.grid(visible=True, alpha=0.6)
        axes.set_xlabel(what + unit, family=TITLE_FONT)
        axes.set_title(  # Q5 asks for what it says, so every style has it
            f"f0={site.f0_khz.plus_minus} kHz\nt={site.pulse_ns.plus_minus} ns\n"
            f"f_Rabi={site.f_rabi_mhz.plus_minus} MHz",
            fontsize="medium",
            family=TITLE_FONT,
            fontweight="normal",
            loc="center",
        )
    points = f"{style.data.name.capitalize()} {style.marker_name} with error bars"
    panel = "One panel shows" if count == 1 else f"{count} stacked panels show"
    features = (
        f"{panel} the retention at {truth.numbers} for {truth.count} detunings up to ±{truth.edge_mhz:g} MHz.",
        f"{points} are the data; the fitted curve is {style.fit.name}, with a dashed line at f0.",
        _course(truth),
        f"The text gives {truth.values}, with a reduced chi squared of up to {truth.chi_squared:.1f}.",
    )
    return (style.drawing(panels[0], plot_type=PlotType.SCATTER, features=features),)


def _is_cut_out(style: Style) -> bool:
    return style.width_px == PANEL_PX[0]


def _column(style: Style, count: int) -> list[Axes]:
    """Draw a column of panels, cut out of a larger sheet so that the edges of the columns next to it are visible."""
    first = style.axes(height=count)
    figure = first.get_figure()
    assert isinstance(figure, Figure)  # noqa: S101 - made by Style.panels()
    figure.set_layout_engine("none")
    (width, height), (left, top, across, up) = PANEL_PX, BOX_PX
    panels = [first, *[figure.add_subplot() for _ in range(count - 1)]]
    for row, axes in enumerate(panels):
        bottom = 1.0 - (row * height + top + up) / (count * height)
        axes.set_position((left / width, bottom, across / width, up / (count * height)))
        for neighbour_left in (left - 236, left + 226):
            neighbour = figure.add_axes(
                (neighbour_left / width, bottom, across / width, up / (count * height)), label="<neighbour>"
            )
            neighbour.set(xlim=(-2e6, 2e6), ylim=(0.0, 1.0))
            neighbour.tick_params(labelbottom=neighbour_left < 0)
    return panels


def _draw_site(axes: Axes, detuning_mhz: Floats, site: Site, style: Style, scale: float) -> None:
    style.error_bars(axes, detuning_mhz * scale, site.retention, site.sigma, label="_data")
    dense = np.linspace(detuning_mhz[0], detuning_mhz[-1], 600)
    style.curve(axes, dense * scale, site.fit.at(dense), label=rf"$\chi^2_R$ : {site.chi_squared:.1f}")
    axes.axvline(site.fit.values[0] * scale, color=style.fit.code, linestyle="--", linewidth=1.5)
    axes.set_ylim(0.0, 1.0)
    axes.legend(loc="lower right", fontsize="small")  # Q5 asks for what it says, so every style has it
    axes.text(0.05, 0.05, str(site.index), transform=axes.transAxes, fontsize="x-large")


def _course(truth: Truth) -> str:
    if _shallow(truth):
        return f"The points lie between {truth.lowest:.2f} and {truth.highest:.2f} and scatter, with weak fringes."
    return f"A deep, broad minimum at {truth.lowest:.2f} has fringes up to {truth.highest:.2f} on both sides."


def _parameters(truth: Truth) -> JSON:
    return [
        {
            "site_index": site.index,
            "f0_kHz": float(site.f0_khz.value),
            "f0_kHz_unc": float(site.f0_khz.error),
            "t_ns": float(site.pulse_ns.value),
            "t_ns_unc": float(site.pulse_ns.error),
            "f_Rabi_MHz": float(site.f_rabi_mhz.value),
            "f_Rabi_MHz_unc": float(site.f_rabi_mhz.error),
            "chi_squared": site.chi_squared,
        }
        for site in truth.sites
    ]


FAMILY: Family[Truth] = Family(
    name="rydberg_spectroscopy",
    criteria={"SUCCESS": _clear, "LOW_CONTRAST": _shallow},
    # All values are printed, the errors with two digits: tolerances only allow for a misread last digit.
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
    draw=in_atom_look(_draw, inks=SPECTRUM_INKS, size_px=PANEL_PX, serif=1.0, marker_size=4.0),
    parameters=_parameters,
    scenarios=(
        Scenario(
            name="rydberg_spectroscopy_failure_low_contrast",
            status="LOW_CONTRAST",
            outcome=OutcomeLabel.APPARATUS,
            assessment=Assessment.UNRELIABLE,
            simulate=partial(_simulate, light=UNSTEADY),
        ),
        Scenario(
            name="rydberg_spectroscopy_success",
            status="SUCCESS",
            outcome=OutcomeLabel.EXPECTED,
            assessment=Assessment.RELIABLE,
            simulate=partial(_simulate, light=STEADY),
        ),
    ),
)
