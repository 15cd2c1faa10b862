"""Ramsey fringes of a ground-state clock qubit: retention of neutral atoms against the microwave's detuning.

Two resonant pi/2 pulses of Rabi frequency W and length t, T apart, transfer an atom with the probability
4 |a b|^2 cos^2(D T / 2 + atan(D / W' tan(W' t / 2))) at the detuning D, where W'^2 = W^2 + D^2, |b|^2 = (W /
W')^2 sin^2(W' t / 2) and |a|^2 = 1 - |b|^2 (Ramsey, Phys. Rev. 78, 695, 1950; Foot, Atomic Physics, 7.4). So
detunings far beyond W leave the minima of the retention above 0. Light shifts that differ between shots
reduce the fringe, cos(D T), by a factor (Kuhr et al., Phys. Rev. A 72, 023406, 2005). Transferred atoms are
pushed out of the trap before the image.

The routine fits the fringe of a good experiment, which reaches zero: A (1 - cos(2 pi T (x + x0))) / 2 with A
of at most 1. It prints x0, which is as wrong as the data differ from such a fringe.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.random import Generator

from scoring.reference import JSON
from synthetic.drawing.atom_looks import FRINGE_INKS, in_atom_look
from synthetic.drawing.style import Drawing, PlotType, Style
from synthetic.family import Assessment, Family, OutcomeLabel, Scenario
from synthetic.physics.fitting import Fit, fit
from synthetic.physics.measured import Measured
from synthetic.physics.readout import Floats, measured_population

Range = tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """One Ramsey scan. ``resonance_hz`` is the atoms' resonance, relative to the centre of the scan.

    ``coherence`` is the share of the fringe that dephasing leaves; ``survival`` the retention without any
    transfer.
    """

    detuning_hz: Floats
    retention: Floats
    sigma: Floats
    resonance_hz: float
    rabi_hz: float
    dark_time_s: float
    coherence: float
    survival: float
    fit: Fit

    @property
    def detuning(self) -> Measured:
        """The fitted detuning in Hz: the minimum next to the centre of the scan lies at its negative.

        Its error is scaled by the distance of the points from the curve, up to a whole fringe.
        """
        error = self.fit.errors[2] * float(np.sqrt(self.reduced_chi_squared))
        return Measured(
            value=round(-self.fit.values[2], 1),
            error=max(round(min(error, 1.0 / self.fit.values[1]), 1), 0.1),
            decimals=1,
        )

    @property
    def lowest(self) -> float:
        """The lowest measured retention."""
        return float(self.retention.min())

    @property
    def highest(self) -> float:
        """The highest measured retention."""
        return float(self.retention.max())

    @property
    def troughs(self) -> float:
        """The mean of the lowest fifth of the points."""
        return float(np.sort(self.retention)[: len(self.retention) // 5].mean())

    @property
    def crests(self) -> float:
        """The mean of the highest fifth of the points."""
        return float(np.sort(self.retention)[-(len(self.retention) // 5) :].mean())

    @property
    def contrast(self) -> float:
        """The difference between the highest and the lowest point."""
        return self.highest - self.lowest

    @property
    def curve_top(self) -> float:
        """The maximum of the fitted curve, whose minimum is 0."""
        return self.fit.values[0]

    @property
    def count(self) -> int:
        """How many detunings were measured."""
        return len(self.detuning_hz)

    @property
    def verdict(self) -> str:
        """A description of how the fitted curve follows the points."""
        if self.reduced_chi_squared > 4.0:
            return f"swings between 0 and {self.curve_top:.2f} and misses the points in most of the scan"
        return "follows the points roughly, but over a range of retention that is too small to mean much"

    @property
    def reduced_chi_squared(self) -> float:
        """The fit's reduced chi squared."""
        return float(self.fit.reduced_chi_squared or 0.0)

    @property
    def edge_khz(self) -> float:
        """The end of the scan; it begins at the negative of it."""
        return float(self.detuning_hz[-1]) / 1e3

    @property
    def fringes(self) -> float:
        """Fringes within the scan."""
        return float(np.ptp(self.detuning_hz)) * self.fit.values[1]

    @property
    def rabi_khz(self) -> float:
        """The Rabi frequency of the pulses."""
        return self.rabi_hz / 1e3

    @property
    def search_khz(self) -> float:
        """Half the range in which to look for the resonance: three times the Rabi frequency, and beyond the scan."""
        return 3.0 * self.rabi_khz


def transfer(detuning_hz: Floats, *, rabi_hz: float, dark_time_s: float, coherence: float) -> Floats:
    """The probability that two pi/2 pulses transfer an atom; ``detuning_hz`` is from the resonance."""
    rabi, detuning = 2.0 * np.pi * rabi_hz, 2.0 * np.pi * detuning_hz
    generalised = np.hypot(rabi, detuning)
    half_angle = generalised * (0.25 / rabi_hz) / 2.0
    by_one_pulse = (rabi / generalised * np.sin(half_angle)) ** 2
    phase = detuning * dark_time_s + 2.0 * np.arctan(detuning / generalised * np.tan(half_angle))
    return 2.0 * by_one_pulse * (1.0 - by_one_pulse) * (1.0 + coherence * np.cos(phase))


def _model(detuning_hz: Floats, top: float, period_s: float, minimum_hz: float) -> Floats:
    return top * (1.0 - np.cos(2.0 * np.pi * period_s * (detuning_hz - minimum_hz))) / 2.0


def _simulate(
    rng: Generator,
    *,
    rabi_edges: Range,
    resonance_rabi: Range = (0.0, 0.0),
    coherence: Range = (0.88, 0.98),
    survival: Range = (0.9, 0.98),
) -> Truth:
    """``rabi_edges``: the Rabi frequency in units of the scan's half; ``resonance_rabi``: the resonance in units of it.

    If ``resonance_rabi`` is 0, the resonance is up to three tenths of a fringe from the centre of the scan.
    """
    edge_hz = float(rng.choice([5e3, 8e3, 10e3, 10e3, 12e3, 15e3]))
    detuning_hz = np.linspace(-edge_hz, edge_hz, int(rng.integers(13, 24)))
    dark_time_s = rng.uniform(2.0, 3.4) / (2.0 * edge_hz)
    rabi_hz = edge_hz * rng.uniform(*rabi_edges)
    offset_hz = rng.uniform(*resonance_rabi) * rabi_hz or rng.uniform(0.03, 0.3) / dark_time_s
    resonance_hz = float(rng.choice([-1.0, 1.0]) * offset_hz)
    left, alive = rng.uniform(*coherence), rng.uniform(*survival)
    moved = transfer(detuning_hz - resonance_hz, rabi_hz=rabi_hz, dark_time_s=dark_time_s, coherence=left)
    pushed_out, shots = rng.uniform(0.97, 0.995), int(rng.integers(60, 140))
    retention = measured_population(rng, alive * (1.0 - pushed_out * moved), shots=shots)
    sigma = np.sqrt((retention * shots + 1.0) * ((1.0 - retention) * shots + 1.0) / (shots + 3.0)) / (
        shots + 2.0
    )
    return Truth(
        detuning_hz=detuning_hz,
        retention=retention,
        sigma=sigma,
        resonance_hz=resonance_hz,
        rabi_hz=rabi_hz,
        dark_time_s=dark_time_s,
        coherence=left,
        survival=alive,
        fit=_fitted(detuning_hz, retention, sigma, dark_time_s=dark_time_s),
    )


def _fitted(detuning_hz: Floats, retention: Floats, sigma: Floats, *, dark_time_s: float) -> Fit:
    """Fit a fringe down to zero, starting from the dark time and the minimum according to the points' phase."""
    swing = retention - retention.mean()
    phase = np.angle(np.sum(swing * np.exp(-2j * np.pi * dark_time_s * detuning_hz)))
    start_hz = float(np.angle(-np.exp(-1j * phase)) / (2.0 * np.pi * dark_time_s))
    guess = (min(float(retention.max()), 0.95), dark_time_s, start_hz)
    half_fringe_hz = 0.5 / dark_time_s
    bounds = (
        (0.02, 0.75 * dark_time_s, start_hz - half_fringe_hz),
        (1.0, 1.35 * dark_time_s, start_hz + half_fringe_hz),
    )
    fitted = fit(_model, detuning_hz, retention, guess, bounds=bounds, sigma=sigma)
    assert fitted is not None  # noqa: S101 - a bounded sinusoid converges; the tests run many seeds
    return fitted


def _weak(truth: Truth) -> bool:
    """Return whether even the maxima are low: fringes around the middle, or few atoms."""
    return truth.crests < 0.74


def _raised(truth: Truth) -> bool:
    """Return whether atoms are retained, but no detuning of the scan empties the traps."""
    return truth.crests >= 0.74 and truth.troughs >= 0.24


def _draw(truth: Truth, style: Style) -> tuple[Drawing, ...]:
    in_khz, bare = bool(style.rng.random() < 0.15), bool(style.rng.random() < 0.7)
    scale, unit = (1e-3, "kHz") if in_khz else (1.0, "Hz")
    what = style.rng.choice(["Microwave detuning", "Detuning", "Frequency offset"])
    axes = style.axes()
    style.error_bars(axes, truth.detuning_hz * scale, truth.retention, truth.sigma, label="data")
    dense = np.linspace(truth.detuning_hz[0], truth.detuning_hz[-1], 500)
    style.curve(axes, dense * scale, truth.fit.at(dense), label="fit")
    y_label = str(style.rng.choice(["Retention", "Retained fraction", "Probability of retention"]))
    style.dress(axes, title="", x_label="" if bare else f"{what} ({unit})", y_label="" if bare else y_label)
    axes.set_title(_title(truth))  # Q5 asks for it, so every style has it
    points = f"{style.data.name.capitalize()} {style.marker_name} with error bars"
    features = (
        f"{points} show the retention at {truth.count} detunings up to ±{truth.edge_khz:g} kHz.",
        f"The {style.fit.name} curve has about {truth.fringes:.1f} fringes between 0 and {truth.curve_top:.2f}.",
        f"The points lie between about {truth.lowest:.2f} and {truth.highest:.2f}.",
        f"The title reads {_title(truth)}.",
    )
    return (style.drawing(axes, plot_type=PlotType.SCATTER, features=features),)


def _title(truth: Truth) -> str:
    return truth.detuning.plus_minus.replace("±", "+/-")


def _parameters(truth: Truth) -> JSON:
    return {
        "detuning_Hz": truth.detuning.value,
        "detuning_Hz_unc": truth.detuning.error,
        "contrast": round(truth.contrast, 2),
        "retention_min": round(truth.lowest, 2),
    }


FAMILY: Family[Truth] = Family(
    name="microwave_ramsey",
    criteria={
        "SUCCESS": lambda truth: not _weak(truth) and not _raised(truth),
        "LOW_CONTRAST": _weak,
        "DETUNED": _raised,
    },
    # The detuning is printed. Points can be read to a few pixels, less than 0.03 even in small plots; one may
    # take the curve's extrema if it fits, which are off by a standard error or so, up to 0.06.
    field_rules={
        "detuning_Hz": {"type": "pct", "tol_full": 0.02, "tol_half": 0.1},
        "detuning_Hz_unc": {"type": "pct", "tol_full": 0.1, "tol_half": 0.3},
        "contrast": {"type": "abs", "tol_full": 0.08, "tol_half": 0.16},
        "retention_min": {"type": "abs", "tol_full": 0.05, "tol_half": 0.1},
    },
    draw=in_atom_look(_draw, inks=FRINGE_INKS, size_px=(300, 300), serif=0.9, marker_size=4.5),
    parameters=_parameters,
    scenarios=(
        Scenario(
            name="microwave_ramsey_failure_detuned",
            status="DETUNED",
            outcome=OutcomeLabel.ANOMALOUS,
            assessment=Assessment.UNRELIABLE,
            simulate=partial(_simulate, rabi_edges=(5.0, 10.0), resonance_rabi=(1.9, 2.5)),
        ),
        Scenario(
            name="microwave_ramsey_failure_low_contrast",
            status="LOW_CONTRAST",
            outcome=OutcomeLabel.ANOMALOUS,
            assessment=Assessment.UNRELIABLE,
            simulate=partial(_simulate, rabi_edges=(5.0, 10.0), coherence=(0.1, 0.35), survival=(0.3, 0.95)),
        ),
        Scenario(
            name="microwave_ramsey_success",
            status="SUCCESS",
            outcome=OutcomeLabel.EXPECTED,
            assessment=Assessment.RELIABLE,
            simulate=partial(_simulate, rabi_edges=(5.0, 10.0)),
        ),
    ),
)
