"""Qubit spectroscopy: the readout's contrast against the frequency of a drive of fixed power.

A driven two-level system settles at an excited population of s / 2(1 + s) on resonance, and the line is a Lorentzian
with a half width at half maximum of sqrt(1 + s) / (2 pi T2), power-broadened by the saturation s = W^2 T1 T2 of a drive
of Rabi rate W (Schuster et al., Phys. Rev. Lett. 94, 123602, 2005). A strong drive also excites the second level by
two photons, half an anharmonicity below the qubit's line (Koch et al., Phys. Rev. A 76, 042319, 2007, on the levels of
a transmon); neighbouring qubits and defects have lines of their own. Each line changes the readout by a contrast of its
own, a dip or a peak; averaging leaves Gaussian noise. One Lorentzian is fitted.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.random import Generator

from scoring.reference import JSON
from synthetic.drawing.style import Drawing, PlotType, Style
from synthetic.family import Assessment, Family, Outcome, Scenario
from synthetic.physics.fitting import Fit, fit
from synthetic.physics.measured import measured
from synthetic.physics.readout import Floats

Range = tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A spectral line; ``height`` has a sign, in the unit of the contrast."""

    frequency_ghz: float
    half_width_ghz: float
    height: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """One spectrum; the lines, within the sweep or not, come with the strongest first."""

    frequency_ghz: Floats
    contrast: Floats
    lines: tuple[Line, ...]
    noise: float
    qubit: int
    fit: Fit

    @property
    def begin_ghz(self) -> float:
        """The first frequency."""
        return float(self.frequency_ghz[0])

    @property
    def end_ghz(self) -> float:
        """The last frequency."""
        return float(self.frequency_ghz[-1])

    @property
    def span_ghz(self) -> float:
        """The width of the sweep."""
        return self.end_ghz - self.begin_ghz

    @property
    def visible(self) -> tuple[Line, ...]:
        """The lines within the sweep that stand out of the noise by a factor of five."""
        return tuple(
            line
            for line in self.lines
            if self.begin_ghz < line.frequency_ghz < self.end_ghz and abs(line.height) > 5.0 * self.noise
        )

    @property
    def places(self) -> str:
        """The frequencies of the visible lines, lowest first."""
        return " and ".join(f"{f:.3f}" for f in sorted(line.frequency_ghz for line in self.visible))

    @property
    def kind(self) -> str:
        """Whether lines are peaks or dips; all have the same sign."""
        return "peak" if self.lines[0].height > 0.0 else "dip"

    @property
    def fitted_ghz(self) -> float:
        """The centre of the fitted line."""
        return self.fit.values[0]

    @property
    def fitted(self) -> str:
        """The same with its error, where the data constrain it, and unit."""
        error = self.fit.errors[0]
        text = (
            measured(self.fitted_ghz, error, digits=1).plus_minus if 0.0 < error < np.inf else f"{self.fitted_ghz:.4f}"
        )
        return f"({text}) GHz"

    @property
    def full_width_mhz(self) -> float:
        """Full width at half maximum of the fitted line."""
        return 2e3 * abs(self.fit.values[1])

    @property
    def close_up(self) -> str:
        """A sweep around the strongest line."""
        centre, reach = self.lines[0].frequency_ghz, 8.0 * self.lines[0].half_width_ghz
        return f"({centre - reach:.2f}, {centre + reach:.2f})"

    @property
    def wider(self) -> str:
        """A sweep three times as wide, with the same centre."""
        return f"({self.begin_ghz - self.span_ghz:.1f}, {self.end_ghz + self.span_ghz:.1f})"


def _lorentzian(x: Floats, centre: float, half_width: float, height: float, offset: float) -> Floats:
    return offset + height / (1.0 + ((x - centre) / half_width) ** 2)


def _line(rng: Generator, frequency_ghz: float, *, contrast: float) -> Line:
    """The line of a transition that is driven far into saturation."""
    half_width_mhz, t2_us = float(rng.uniform(5.0, 11.0)), float(rng.uniform(2.0, 10.0))
    one_plus_s = (2.0 * np.pi * half_width_mhz * t2_us) ** 2
    return Line(
        frequency_ghz=frequency_ghz,
        half_width_ghz=half_width_mhz / 1e3,
        height=contrast * 0.5 * (1.0 - 1.0 / one_plus_s),
    )


def _simulate(rng: Generator, *, place: Range, others: tuple[int, ...] = (0,)) -> Truth:
    """``place``: of the qubit's line, 0 and 1 being the ends of the sweep; ``others``: how many more lines."""
    span, step_mhz = float(rng.uniform(0.5, 1.1)), float(rng.uniform(3.0, 5.0))
    f01 = float(rng.uniform(4.0, 6.0))
    begin = f01 - span * float(rng.uniform(*place))
    frequency_ghz = np.linspace(begin, begin + span, round(1e3 * span / step_mhz))
    contrast = float(np.exp(rng.uniform(np.log(0.01), np.log(1.0)))) * float(rng.choice([-1.0, 1.0]))
    lines = [_line(rng, f01, contrast=contrast)]
    for number in range(int(rng.choice(others))):
        # two photons; then a neighbour or a defect, in the other direction
        away = -0.5 * rng.uniform(0.2, 0.34) if number == 0 else rng.uniform(0.09, 0.16)
        lines.append(_line(rng, f01 + float(away), contrast=contrast * float(rng.uniform(0.5, 0.8))))
    noise = abs(contrast) * float(rng.uniform(0.012, 0.028))
    trace = sum(
        (_lorentzian(frequency_ghz, x.frequency_ghz, x.half_width_ghz, x.height, 0.0) for x in lines), start=0.0
    )
    measured_contrast = trace + rng.normal(0.0, noise, len(frequency_ghz))
    return Truth(
        frequency_ghz=frequency_ghz,
        contrast=measured_contrast,
        lines=tuple(lines),
        noise=noise,
        qubit=int(rng.integers(1, 21)),
        fit=_fitted(frequency_ghz, measured_contrast),
    )


def _fitted(frequency_ghz: Floats, contrast: Floats) -> Fit:
    """One Lorentzian, from the point farthest from the median; at least half a step and at most half the sweep wide."""
    offset, span = float(np.median(contrast)), float(np.ptp(frequency_ghz))
    step, farthest = float(frequency_ghz[1] - frequency_ghz[0]), int(np.argmax(np.abs(contrast - offset)))
    reach = 2.0 * float(np.ptp(contrast))
    bounds = ((frequency_ghz[0], 0.5 * step, -reach, -reach), (frequency_ghz[-1], 0.25 * span, reach, reach))
    start = (float(frequency_ghz[farthest]), 2.0 * step, float(contrast[farthest]) - offset, offset)
    fitted = fit(_lorentzian, frequency_ghz, contrast, start, bounds=bounds)
    assert fitted is not None  # noqa: S101 - a bounded Lorentzian converges; the tests run many seeds
    return fitted


def _single(truth: Truth) -> bool:
    """One line, and the fit leaves no more than the noise."""
    return len(truth.visible) == 1 and truth.fit.residual_rms < 1.5 * truth.noise


def _draw(truth: Truth, style: Style) -> tuple[Drawing, ...]:
    name, in_mhz = f"QB{truth.qubit}", bool(style.rng.random() < 0.25)
    scale, unit = (1e3, "MHz") if in_mhz else (1.0, "GHz")
    axes = style.axes()
    style.points(axes, truth.frequency_ghz * scale, truth.contrast, label="Data")
    dense = np.linspace(truth.begin_ghz, truth.end_ghz, 2000)
    style.curve(axes, dense * scale, truth.fit.at(dense), label="Lorentzian fit")
    axes.axvline(truth.fitted_ghz * scale, color=style.second.code, linestyle="--", label="Fitted centre")
    style.dress(
        axes,
        title=str(style.rng.choice([f"{name} frequency = {truth.fitted}", f"{name}: f = {truth.fitted}"])),
        x_label=str(style.rng.choice([f"Frequency ({unit})", f"Drive frequency [{unit}]"])),
        y_label=str(style.rng.choice([f"{name} contrast", "Readout contrast (a.u.)", "Signal [a.u.]"])),
    )
    features = (
        f"The contrast is shown as {style.data.name} {style.marker_name} against the drive frequency.",
        f"A Lorentzian in {style.fit.name} is fitted, its centre marked by a dashed line in {style.second.name}.",
        f"The frequency runs from about {truth.begin_ghz:.2f} to {truth.end_ghz:.2f} GHz.",
        _pattern(truth),
    )
    return (style.drawing(axes, plot_type=PlotType.SCATTER, features=features),)


def _pattern(truth: Truth) -> str:
    if not truth.visible:
        return "The points scatter around one level without any line, and the fitted one follows a few stray points."
    if len(truth.visible) > 1:
        return f"There are {len(truth.visible)} {truth.kind}s, at about {truth.places} GHz; only one is fitted."
    return f"There is a single clear {truth.kind} at about {truth.places} GHz, and the fitted curve follows it."


def _parameters(truth: Truth) -> JSON:
    """The centre is the fitted one where the fit is on the only line, else that of the strongest line."""
    strongest = truth.fitted_ghz if _single(truth) else truth.lines[0].frequency_ghz
    return {
        "num_resonances": len(truth.visible),
        "resonance_freq_GHz": round(strongest, 3) if truth.visible else None,
        "resonance_type": truth.kind if truth.visible else None,
    }


FAMILY: Family[Truth] = Family(
    name="qubit_spectroscopy",
    criteria={
        "SUCCESS": _single,
        "NO_SIGNAL": lambda truth: not truth.visible,
        "MULTIPLE_PEAKS": lambda truth: len(truth.visible) > 1,
    },
    # 0.1% are 4 to 6 MHz: half a line's width, or two to five pixels; 0.5% is a line read off against the wrong tick.
    field_rules={
        "num_resonances": {"type": "int_count", "tol_full": 0, "tol_half": 1},
        "resonance_freq_GHz": {"type": "pct", "tol_full": 0.001, "tol_half": 0.005},
        "resonance_type": {"type": "enum"},
    },
    draw=_draw,
    parameters=_parameters,
    scenarios=(
        Scenario(
            name="qubit_spectroscopy_failure_multiple_peaks",
            status="MULTIPLE_PEAKS",
            outcome=Outcome.ANOMALOUS,
            assessment=Assessment.UNRELIABLE,
            simulate=partial(_simulate, place=(0.5, 0.6), others=(1, 2)),
        ),
        Scenario(
            name="qubit_spectroscopy_failure_no_peaks",
            status="NO_SIGNAL",
            outcome=Outcome.ANOMALOUS,
            assessment=Assessment.UNRELIABLE,
            simulate=partial(_simulate, place=(-0.6, -0.3)),
        ),
        Scenario(
            name="qubit_spectroscopy_success",
            status="SUCCESS",
            outcome=Outcome.EXPECTED,
            assessment=Assessment.RELIABLE,
            simulate=partial(_simulate, place=(0.25, 0.75)),
        ),
    ),
)
