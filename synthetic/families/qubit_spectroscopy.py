"""Qubit spectroscopy: the readout's contrast against the frequency of a drive of fixed power.

A driven two-level system settles at an excited population of s / 2(1 + s) on resonance, and the line has a
half width at half maximum of sqrt(1 + s) / (2 pi T2), power-broadened by the saturation s = W^2 T1 T2 of a
drive of Rabi rate W (Schuster et al., Phys. Rev. Lett. 94, 123602, 2005). Sweeps for finding a qubit use
strong drives: lines are tens of MHz wide and often have a shoulder, as from a shift of the resonator by its
photons. If the drive reaches several transitions, such as those of neighbouring qubits, higher levels or
defects, their broad lines overlap, and their effect on the readout fluctuates. Averaging leaves Gaussian
noise. One Gaussian line is fitted.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.random import Generator
from scipy.signal import find_peaks

from scoring.field_rules import UNRELIABLE
from scoring.reference import JSON
from synthetic.drawing.style import BLACK, Drawing, PlotType, Style
from synthetic.drawing.usual_looks import TAB_BLUE, TAB_ORANGE, in_usual_look, is_usual
from synthetic.family import Assessment, Family, OutcomeLabel, Scenario
from synthetic.physics.fitting import Fit, fit
from synthetic.physics.readout import Floats

Range = tuple[float, float]

CLEARLY_BETTER = 0.1
CLEAR = 0.25
"""A line is counted if its depth is at least this share of the deepest one's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A spectral line; ``height`` is in units of the highest line."""

    frequency_ghz: float
    half_width_ghz: float
    height: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """One spectrum: the effect of the lines on the contrast, without and with noise of width ``noise``."""

    frequency_ghz: Floats
    response: Floats
    contrast: Floats
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
    def depth(self) -> float:
        """The change of the contrast by the lines, without noise."""
        return float(np.abs(self.response).max())

    @property
    def visible_ghz(self) -> Floats:
        """The lines that exceed the noise by a factor of five, lowest frequency first."""
        if self.depth < 5.0 * self.noise:
            return np.array([])
        peaks, _ = find_peaks(np.abs(self.response), prominence=CLEAR * self.depth)
        return self.frequency_ghz[peaks]

    @property
    def count(self) -> int:
        """How many lines are visible."""
        return len(self.visible_ghz)

    @property
    def places(self) -> str:
        """The frequencies of the visible lines, lowest first."""
        *first, last = (f"{ghz:.2f}" for ghz in self.visible_ghz)
        return f"{', '.join(first)} and {last}" if first else last

    @property
    def kind(self) -> str:
        """Whether the fitted line is a peak or a dip; the qubit's lines, if any, have the same sign."""
        return "peak" if self.fit.values[2] > 0.0 else "dip"

    @property
    def fitted_ghz(self) -> float:
        """The centre of the fitted line."""
        return self.fit.values[0]

    @property
    def fitted(self) -> str:
        """The centre of the fitted line with its error, as the title prints it."""
        return f"({self.fitted_ghz:.3f} ± {min(self.fit.errors[0], 9.0):.4f}) GHz"

    @property
    def full_width_mhz(self) -> float:
        """Full width at half maximum of the fitted line."""
        return 2e3 * abs(self.fit.values[1])

    @property
    def noise_share(self) -> float:
        """The noise as a share of the fitted line's height."""
        return abs(self.noise / self.fit.values[2])

    @property
    def close_up(self) -> str:
        """A sweep around the visible lines."""
        lines = self.visible_ghz
        return f"({lines.min() - 0.1:.2f}, {lines.max() + 0.1:.2f})"

    @property
    def wider(self) -> str:
        """A sweep of 1.5 times the width, with the same centre."""
        return f"({self.begin_ghz - 0.25 * self.span_ghz:.1f}, {self.end_ghz + 0.25 * self.span_ghz:.1f})"


def _bell(x: Floats, centre: float, half_width: float, height: float, offset: float) -> Floats:
    return np.asarray(offset + height * np.exp2(-(((x - centre) / half_width) ** 2)))


def _lorentzian(x: Floats, line: Line) -> Floats:
    return np.asarray(line.height / (1.0 + ((x - line.frequency_ghz) / line.half_width_ghz) ** 2))


def _single_line(rng: Generator, begin_ghz: float, span_ghz: float) -> list[Line]:
    """Draw one line, in most cases with a shoulder that is not a separate peak."""
    centre, half_width = (
        begin_ghz + span_ghz * float(rng.uniform(0.15, 0.85)),
        float(rng.uniform(0.012, 0.03)),
    )
    lines = [Line(frequency_ghz=centre, half_width_ghz=half_width, height=1.0)]
    if rng.random() < 0.6:
        away = half_width * float(rng.uniform(2.0, 3.0) * rng.choice([-1.0, 1.0]))
        lines.append(
            Line(frequency_ghz=centre + away, half_width_ghz=half_width * 1.3, height=rng.uniform(0.08, 0.18))
        )
    return lines


def _crowd(rng: Generator, begin_ghz: float, span_ghz: float) -> list[Line]:
    """Draw two to four broad, overlapping lines, with narrower ones on top of them and a weak one elsewhere."""
    count, step = int(rng.integers(2, 5)), float(rng.uniform(0.13, 0.17)) * span_ghz / 1.2
    first = begin_ghz + float(rng.uniform(0.06, 0.9 - count * step / span_ghz)) * span_ghz
    centres = first + step * (np.arange(count) + rng.uniform(-0.06, 0.06, count))
    half_width = step * float(rng.uniform(0.2, 0.27))
    heights = rng.permutation([1.0, *rng.uniform(0.55, 0.9, count - 1)])
    lines = [
        Line(frequency_ghz=ghz, half_width_ghz=half_width, height=height)
        for ghz, height in zip(centres, heights, strict=True)
    ]
    for ghz in rng.choice(centres, count + 1):
        narrow = Line(
            frequency_ghz=ghz + rng.uniform(-0.3, 0.3) * step,
            half_width_ghz=0.008,
            height=rng.uniform(0.05, 0.15),
        )
        lines.append(narrow)
    away = centres[-1] + step * rng.uniform(1.6, 2.2)
    lines.append(Line(frequency_ghz=away, half_width_ghz=0.012, height=float(rng.uniform(0.05, 0.15))))
    return lines


def _no_lines(_rng: Generator, _begin_ghz: float, _span_ghz: float) -> list[Line]:
    return []


def _simulate(
    rng: Generator, *, lines_in: Callable[[Generator, float, float], list[Line]], fluctuating: float = 0.0
) -> Truth:
    """Simulate: ``lines_in`` makes the lines of a sweep.

    ``fluctuating`` is the response's relative fluctuation.
    """
    span, begin = float(rng.uniform(0.9, 1.4)), float(rng.uniform(3.6, 5.2))
    frequency_ghz = np.linspace(begin, begin + span, int(rng.integers(130, 181)))
    noise = float(np.exp(rng.uniform(np.log(3e-5), np.log(1e-3))))
    lines = lines_in(rng, begin, span)
    shape = sum((_lorentzian(frequency_ghz, line) for line in lines), start=np.zeros_like(frequency_ghz))
    depth = float(rng.uniform(18.0, 50.0)) * noise * float(rng.choice([-1.0, -1.0, -1.0, 1.0]))
    offset = depth * float(rng.uniform(-0.25, 0.1)) if fluctuating else 0.0
    response = depth * shape
    scatter = rng.normal(0.0, noise, len(frequency_ghz)) + response * rng.normal(
        0.0, fluctuating, len(frequency_ghz)
    )
    contrast = offset + response + scatter
    return Truth(
        frequency_ghz=frequency_ghz,
        response=response,
        contrast=contrast,
        noise=noise,
        qubit=int(rng.integers(1, 21)),
        fit=_fitted(frequency_ghz, contrast),
    )


def _fitted(frequency_ghz: Floats, contrast: Floats) -> Fit:
    """Fit one bell, starting narrow at the farthest point, or wide if that gives a clearly better fit."""
    offset, span = float(np.median(contrast)), float(np.ptp(frequency_ghz))
    step, farthest = float(frequency_ghz[1] - frequency_ghz[0]), int(np.argmax(np.abs(contrast - offset)))
    reach = 2.0 * float(np.ptp(contrast))
    bounds = ((frequency_ghz[0], 0.7 * step, -reach, -reach), (frequency_ghz[-1], 0.35 * span, reach, reach))
    fits = [
        fit(
            _bell,
            frequency_ghz,
            contrast,
            (float(frequency_ghz[farthest]), width, float(contrast[farthest]) - offset, offset),
            bounds=bounds,
        )
        for width in (2.0 * step, 0.2 * span)
    ]
    narrow, wide = fits
    assert narrow is not None  # noqa: S101 - a bounded bell converges; the tests run many seeds
    return wide if wide is not None and wide.r_squared > narrow.r_squared + CLEARLY_BETTER else narrow


def _single(truth: Truth) -> bool:
    """Return whether there is one line and the fit explains most of it."""
    return truth.count == 1 and truth.fit.r_squared > 0.7


def _draw(truth: Truth, style: Style) -> tuple[Drawing, ...]:
    name, usual = f"QB{truth.qubit}", is_usual(style)
    in_mhz = not usual and bool(style.rng.random() < 0.25)
    scale, unit = (1e3, "MHz") if in_mhz else (1.0, "GHz")
    axes = style.axes()
    if usual:
        ink = style.data.code
        axes.plot(truth.frequency_ghz, truth.contrast, "o", color=ink, alpha=0.6, markersize=6, label="Data")
    else:
        style.points(axes, truth.frequency_ghz * scale, truth.contrast, label="Data")
    at = truth.frequency_ghz if usual else np.linspace(truth.begin_ghz, truth.end_ghz, 2000)
    style.curve(axes, at * scale, truth.fit.at(at), label="Fit", ink=style.second if usual else style.fit)
    centre_ink, fit_ink = (style.fit, style.second) if usual else (style.second, style.fit)
    axes.axvline(truth.fitted_ghz * scale, color=centre_ink.code, linestyle="--", label="Fitted centre")
    labels = [f"Frequency ({unit})"] if usual else [f"Frequency ({unit})", f"Drive frequency [{unit}]"]
    style.dress(
        axes,
        title=f"{name} frequency = {truth.fitted}" if usual else f"{name}: f = {truth.fitted}",
        x_label=str(style.rng.choice(labels)),
        y_label=f"{name}_contrast"
        if usual
        else str(style.rng.choice([f"{name} contrast", "Readout contrast (a.u.)"])),
    )
    legend = axes.get_legend()
    if usual and legend is not None:
        legend.remove()
        axes.title.set_fontsize(10)
    features = (
        f"The contrast is shown as {style.data.name} points against the drive frequency.",
        f"A fitted line shape is drawn in {fit_ink.name}, its centre marked by a dashed {centre_ink.name} line.",
        f"The frequency runs from about {truth.begin_ghz:.2f} to {truth.end_ghz:.2f} GHz.",
        _pattern(truth),
    )
    return (style.drawing(axes, plot_type=PlotType.SCATTER, features=features),)


def _pattern(truth: Truth) -> str:
    if not truth.count:
        return "The points scatter around one level without any line, and the fitted one follows a few stray points."
    if truth.count > 1:
        return (
            f"Several broad {truth.kind}s near {truth.places} GHz run into each other, and the fitted curve averages "
            "over them."
        )
    return f"There is a single clear {truth.kind} at about {truth.fitted_ghz:.3f} GHz, and the fitted curve follows it."


def _parameters(truth: Truth) -> JSON:
    return {
        "num_resonances": truth.count,
        "resonance_freq_GHz": round(truth.fitted_ghz, 3) if _single(truth) else UNRELIABLE,
        "resonance_type": truth.kind,
    }


FAMILY: Family[Truth] = Family(
    name="qubit_spectroscopy",
    criteria={
        "SUCCESS": _single,
        "NO_SIGNAL": lambda truth: not truth.count,
        "MULTIPLE_PEAKS": lambda truth: truth.count > 1,
    },
    # 0.1% are 4 to 6 MHz: less than a line's half width, or two to three pixels; 0.5% is a line read off
    # against the wrong tick. A shoulder or a narrow line on top of a broad one may be counted or not.
    field_rules={
        "num_resonances": {"type": "int_count", "tol_full": 0, "tol_half": 1},
        "resonance_freq_GHz": {"type": "pct", "tol_full": 0.001, "tol_half": 0.005},
        "resonance_type": {"type": "enum"},
    },
    draw=in_usual_look(_draw, size_px=(630, 470), inks=(TAB_BLUE, TAB_ORANGE, BLACK)),
    parameters=_parameters,
    scenarios=(
        Scenario(
            name="qubit_spectroscopy_failure_multiple_peaks",
            status="MULTIPLE_PEAKS",
            outcome=OutcomeLabel.ANOMALOUS,
            assessment=Assessment.UNRELIABLE,
            simulate=partial(_simulate, lines_in=_crowd, fluctuating=0.13),
        ),
        Scenario(
            name="qubit_spectroscopy_failure_no_peaks",
            status="NO_SIGNAL",
            outcome=OutcomeLabel.ANOMALOUS,
            assessment=Assessment.UNRELIABLE,
            simulate=partial(_simulate, lines_in=_no_lines),
        ),
        Scenario(
            name="qubit_spectroscopy_success",
            status="SUCCESS",
            outcome=OutcomeLabel.EXPECTED,
            assessment=Assessment.RELIABLE,
            simulate=partial(_simulate, lines_in=_single_line),
        ),
    ),
)
