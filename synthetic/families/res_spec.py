"""Resonator spectroscopy: magnitude and phase of the transmission past resonators, against the probe's frequency.

A side-coupled resonator of resonance frequency f0 and full width k transmits
S = 1 - d exp(i p) / (1 + 2i (f - f0) / k). d is the share of its losses that goes into the line, Q/Qc, and p
the asymmetry of the coupling (Khalil et al., J. Appl. Phys. 111, 054510, 2012; Probst et al., Rev. Sci.
Instrum. 86, 024706, 2015). The factors of several resonators are multiplied. A delay t in the cables adds a
phase of -2 pi f t, a reflection in them a weak standing wave, and the amplifier noise in both quadratures,
with more outliers than a Gaussian. No fit is shown, and axes are scaled to the data: without a resonance the
noise fills them.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
from matplotlib.axes import Axes
from numpy.random import Generator
from numpy.typing import NDArray
from scipy.ndimage import median_filter

from scoring.field_rules import UNRELIABLE
from scoring.reference import JSON
from synthetic.drawing.style import Drawing, PlotType, Style
from synthetic.drawing.usual_looks import in_plotly_look, plotly_axes, plotly_labels
from synthetic.family import Assessment, Family, OutcomeLabel, Scenario
from synthetic.physics.readout import Floats

Range = tuple[float, float]
Complexes = NDArray[np.complex128]


@dataclass(frozen=True, slots=True, kw_only=True)
class Resonator:
    """A side-coupled resonator; ``coupling`` is d, at most 1, and ``asymmetry_rad`` is p."""

    frequency_mhz: float
    width_mhz: float
    coupling: float
    asymmetry_rad: float

    def transmission(self, frequency_mhz: Floats) -> Complexes:
        """Return the complex transmission."""
        lost = self.coupling * np.exp(1j * self.asymmetry_rad)
        passed: Complexes = 1.0 - lost / (1.0 + 2j * (frequency_mhz - self.frequency_mhz) / self.width_mhz)
        return passed


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """One scan; the resonators, within it or not, come with the lowest frequency first."""

    frequency_mhz: Floats
    s21: Complexes
    resonators: tuple[Resonator, ...]

    @property
    def magnitude(self) -> Floats:
        """|S21|, in arbitrary units."""
        return np.abs(self.s21)

    @property
    def baseline(self) -> float:
        """The magnitude away from the resonances."""
        return float(np.median(self.magnitude))

    @property
    def begin_mhz(self) -> float:
        """The first frequency."""
        return float(self.frequency_mhz[0])

    @property
    def end_mhz(self) -> float:
        """The last frequency."""
        return float(self.frequency_mhz[-1])

    @property
    def span_mhz(self) -> float:
        """The width of the scan."""
        return self.end_mhz - self.begin_mhz

    @property
    def is_survey(self) -> bool:
        """Whether the scan is far wider than any resonance."""
        return self.span_mhz > 200.0

    def contrast(self, resonator: Resonator) -> float:
        """Return the depth of the dip at the resonance, as a share of the baseline; 0 outside the scan."""
        near = np.abs(self.frequency_mhz - resonator.frequency_mhz) < 0.7 * resonator.width_mhz
        return 1.0 - float(self.magnitude[near].min()) / self.baseline if near.any() else 0.0

    @property
    def dips(self) -> tuple[Resonator, ...]:
        """The resonators that take at least a third of the magnitude at some point of the trace."""
        return tuple(resonator for resonator in self.resonators if self.contrast(resonator) > 1.0 / 3.0)

    @property
    def flat(self) -> bool:
        """Whether the median of seven neighbouring points falls by less than a fifth anywhere."""
        return float(median_filter(self.magnitude, size=7).min()) > 0.8 * self.baseline

    @property
    def scatter(self) -> float:
        """The scatter of neighbouring points, by their median step, as a share of the baseline."""
        return float(np.median(np.abs(np.diff(self.magnitude))) / 0.6745 / np.sqrt(2.0) / self.baseline)

    @property
    def turn_deg(self) -> float:
        """The fall of the phase from one end of the scan to the other."""
        phase = np.unwrap(np.angle(self.s21))
        return float(np.degrees(phase[0] - phase[-1]))

    @property
    def places(self) -> str:
        """The dips' frequencies."""
        return " and ".join(f"{dip.frequency_mhz / 1e3:.{3 if self.is_survey else 4}f}" for dip in self.dips)

    @property
    def depths(self) -> str:
        """The dips' contrasts."""
        return " and ".join(f"{self.contrast(dip):.0%}" for dip in self.dips)

    @property
    def widths(self) -> str:
        """The dips' full widths, in MHz."""
        return " and ".join(f"{dip.width_mhz:.1f}" for dip in self.dips)

    @property
    def quality(self) -> str:
        """The loaded quality factors of the dips."""
        return " and ".join(f"{dip.frequency_mhz / dip.width_mhz:.0f}" for dip in self.dips)

    @property
    def range_ghz(self) -> str:
        """The scan's ends."""
        digits = 2 if self.is_survey else 3
        return f"{self.begin_mhz / 1e3:.{digits}f} to {self.end_mhz / 1e3:.{digits}f}"

    @property
    def other_band(self) -> str:
        """A scan of three times the width around this one."""
        return f"({(self.begin_mhz - self.span_mhz) / 1e3:.1f}, {(self.end_mhz + self.span_mhz) / 1e3:.1f})"

    @property
    def survey(self) -> str:
        """A survey around the scan."""
        centre = (self.begin_mhz + self.end_mhz) / 2e3
        return f"({centre - 0.4:.2f}, {centre + 0.4:.2f})"


def _resonator(rng: Generator, frequency_mhz: float, width_mhz: float) -> Resonator:
    return Resonator(
        frequency_mhz=frequency_mhz,
        width_mhz=width_mhz,
        coupling=float(rng.uniform(0.65, 0.93)),
        asymmetry_rad=float(rng.uniform(-0.25, 0.25)),
    )


def _survey(rng: Generator, *, places: tuple[Range, ...]) -> Truth:
    """A scan of a band; ``places`` of the resonators, 0 and 1 being its ends."""
    span, begin = float(rng.integers(12, 21) * 50.0), float(rng.integers(110, 166)) * 50.0
    frequency_mhz = np.linspace(begin, begin + span, int(rng.integers(220, 341)))
    resonators = [
        _resonator(rng, begin + span * float(rng.uniform(*place)), float(rng.uniform(8.0, 18.0)))
        for place in places
    ]
    return _scanned(rng, frequency_mhz, tuple(resonators), delay_us=float(rng.uniform(0.4e-3, 1.3e-3)))


def _close_up(rng: Generator, *, place: Range) -> Truth:
    """A scan of some widths of one resonator; ``place`` as above."""
    width, resonance = float(rng.uniform(0.4, 2.5)), float(rng.uniform(5500.0, 8900.0))
    span = width * float(rng.uniform(7.0, 18.0))
    begin = resonance - span * float(rng.uniform(*place))
    frequency_mhz = np.linspace(begin, begin + span, int(rng.integers(120, 341)))
    delay_us = float(rng.uniform(0.02, 0.08))
    return _scanned(rng, frequency_mhz, (_resonator(rng, resonance, width),), delay_us=delay_us)


def _scanned(
    rng: Generator, frequency_mhz: Floats, resonators: tuple[Resonator, ...], *, delay_us: float
) -> Truth:
    level = float(np.exp(rng.uniform(np.log(0.004), np.log(2.0))))
    ripple = float(rng.uniform(0.0, 0.004))
    wave = np.cos(2.0 * np.pi * (frequency_mhz / rng.uniform(120.0, 400.0) + rng.random()))
    begin_phase = rng.uniform(-1.0, 0.2) - 2.0 * np.pi * delay_us * (frequency_mhz - frequency_mhz[0])
    s21 = (1.0 + ripple * wave) * np.exp(1j * begin_phase)
    for resonator in resonators:
        s21 = s21 * resonator.transmission(frequency_mhz)
    noise = np.exp(rng.uniform(np.log(0.004), np.log(0.02))) * rng.standard_t(8.0, (2, len(frequency_mhz)))
    return Truth(
        frequency_mhz=frequency_mhz,
        s21=level * (s21 + noise[0] + 1j * noise[1]),
        resonators=tuple(sorted(resonators, key=lambda resonator: resonator.frequency_mhz)),
    )


def _draw(truth: Truth, style: Style, *, plotly: bool) -> tuple[Drawing, ...]:
    in_ghz, in_degrees = (
        not plotly and bool(style.rng.random() < 0.5),
        plotly or bool(style.rng.random() < 0.6),
    )
    phase = np.unwrap(np.angle(truth.s21))
    phase_unit = "deg" if in_degrees else "rad"
    phase_label = str(style.rng.choice(["Phase", f"Phase [{phase_unit}]"]))
    magnitude_label = "Magnitude" if plotly else str(style.rng.choice(["Magnitude", "|S21| (a.u.)"]))
    traces = (
        ("magnitude", truth.magnitude, magnitude_label),
        ("phase", np.degrees(phase) if in_degrees else phase, phase_label),
    )
    name, unit = (
        str(style.rng.choice(["Resonator spectroscopy", "Readout resonator"])),
        "GHz" if in_ghz else "MHz",
    )
    x = truth.frequency_mhz * (1e-3 if in_ghz else 1.0)
    level = f"The magnitude is a {style.data.name} line with a baseline near {truth.baseline:.2g}."
    features = (
        (level, f"The frequency runs from {truth.range_ghz} GHz.", _dips(truth)),
        (_phase(truth),),
    )
    return tuple(
        style.drawing(
            _trace(style, x, trace, name, f"Frequency [{unit}]", plotly=plotly),
            plot_type=PlotType.LINE,
            features=texts,
        )
        for trace, texts in zip(traces, features, strict=True)
    )


def _trace(
    style: Style, x: Floats, trace: tuple[str, Floats, str], name: str, x_label: str, *, plotly: bool
) -> Axes:
    """Draw one trace, scaled to the data, and return its axes."""
    quantity, values, y_label = trace
    if plotly:
        axes = plotly_axes(style, title=f"Resonator spectroscopy {quantity}")
        axes.margins(x=0.0)
    else:
        axes = style.axes()
    style.curve(axes, x, values, label=quantity, ink=style.data)
    if plotly:
        plotly_labels(axes, x_label=x_label, y_label=y_label)
    else:
        style.dress(axes, title=f"{name}: {quantity}", x_label=x_label, y_label=y_label)
    axes.ticklabel_format(axis="both", useOffset=False)
    axes.locator_params(axis="x", nbins=6)  # frequencies have many digits
    return axes


def _dips(truth: Truth) -> str:
    if not truth.dips:
        return "Noise fills the axis from end to end, with a few narrow spikes and no dip or peak of several points."
    if len(truth.dips) > 1:
        return f"Sharp dips at about {truth.places} GHz are {truth.depths} deep."
    sort = "sharp" if truth.is_survey else "broad, well resolved"
    return f"A single {sort} dip at about {truth.places} GHz is {truth.depths} deep."


def _phase(truth: Truth) -> str:
    if not truth.dips:
        return "The phase falls evenly with frequency, within the noise, and has no kink or jump."
    if len(truth.dips) > 1:
        return "The phase falls evenly with frequency, but for a kink at each of the dips."
    return f"The phase falls slowly with frequency and swings back and forth at about {truth.places} GHz."


def _parameters(truth: Truth) -> JSON:
    """Return Q5's reference: lists with an entry for each dip."""
    if not truth.dips:
        return {"resonance_freq_GHz": UNRELIABLE, "contrast": UNRELIABLE}
    digits = 3 if truth.is_survey else 4
    return {
        "resonance_freq_GHz": [round(dip.frequency_mhz / 1e3, digits) for dip in truth.dips],
        "contrast": [round(truth.contrast(dip), 2) for dip in truth.dips],
    }


FAMILY: Family[Truth] = Family(
    name="res_spec",
    criteria={
        "SUCCESS": lambda truth: bool(truth.dips),
        "NO_SIGNAL": lambda truth: not truth.dips and truth.flat,
    },
    # 0.1% of the frequency are 6 to 9 MHz, 5 pixels of a survey; the tip of a dip can be read to a few
    # hundredths of the baseline, less than 10% of its depth.
    field_rules={
        "resonance_freq_GHz": {"type": "array_float_match", "tol_full": 0.001},
        "contrast": {"type": "array_float_match", "tol_full": 0.1},
    },
    draw=in_plotly_look(partial(_draw, plotly=True), partial(_draw, plotly=False)),
    parameters=_parameters,
    scenarios=(
        Scenario(
            name="res_spec_failure_wide_scan_no_signal",
            status="NO_SIGNAL",
            outcome=OutcomeLabel.ANOMALOUS,
            assessment=Assessment.NO_FIT,
            simulate=partial(_survey, places=((1.2, 1.6),)),
            telling=lambda truth: truth.is_survey,
        ),
        Scenario(
            name="res_spec_failure_zoomed_no_signal",
            status="NO_SIGNAL",
            outcome=OutcomeLabel.ANOMALOUS,
            assessment=Assessment.NO_FIT,
            simulate=partial(_close_up, place=(4.0, 9.0)),
            telling=lambda truth: not truth.is_survey,
        ),
        Scenario(
            name="res_spec_success_2qubit_wide_scan_resonator",
            status="SUCCESS",
            outcome=OutcomeLabel.EXPECTED,
            assessment=Assessment.NO_FIT,
            simulate=partial(_survey, places=((0.15, 0.42), (0.58, 0.85))),
            telling=lambda truth: len(truth.dips) == 2,
        ),
        # wide_scan, zoomed: a success by name, so labelled like the one with two qubits
        Scenario(
            name="res_spec_success_wide_scan_resonator",
            status="SUCCESS",
            outcome=OutcomeLabel.EXPECTED,
            assessment=Assessment.NO_FIT,
            simulate=partial(_survey, places=((0.15, 0.85),)),
            telling=lambda truth: len(truth.dips) == 1 and truth.is_survey,
        ),
        Scenario(
            name="res_spec_success_zoomed_resonator",
            status="SUCCESS",
            outcome=OutcomeLabel.EXPECTED,
            assessment=Assessment.NO_FIT,
            simulate=partial(_close_up, place=(0.35, 0.65)),
            telling=lambda truth: not truth.is_survey,
        ),
    ),
)
