"""Ramsey charge tomography: repeated scans of the charge bias of a charge-sensitive transmon.

The qubit frequency depends on the offset charge n (in units of 2e) as f0 +- (e/2) cos(2 pi n), with opposite
signs for the two charge parities (Koch et al., Phys. Rev. A 76, 042319, 2007). Two pi/2 pulses about the same
axis, an idle time t apart, leave it excited with p = 1/2 + V/2 cos(pi e t cos(2 pi n)): even in the cosine,
so the same for both parities, with one fringe per electron of bias; best is e t = 1 (Christensen et al.,
Phys. Rev. B 100, 140503, 2019; Wilen et al., Nature 594, 369, 2021). The coherence left is V = exp(-(t /
T2*)^2). When charge moves nearby, n jumps, seen modulo 1e.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.random import Generator

from scoring.reference import JSON
from synthetic.drawing.heatmap import dress_map, heat_map, map_colours
from synthetic.drawing.style import Drawing, PlotType, Style
from synthetic.drawing.trace_looks import in_trace_look
from synthetic.family import Assessment, Family, OutcomeLabel, Scenario
from synthetic.physics.readout import Floats

Range = tuple[float, float]

APART = 4
"""The least number of scans from one jump to the next."""
FIRST = 2
"""The least number of scans before the first jump."""
BROKEN_E = 0.1
"""Fringes are broken if they move farther than this, in periods, from one scan to the next but one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """One run: ``amplitude_adc[j, i]`` is measured at ``bias_mv[j]`` in scan i; ``period_mv`` adds one electron.

    During scan ``jump_scans[k]``, which begins at the lowest bias, the fringes move by ``jumps_e[k]``
    electrons, up or down the bias axis.
    """

    bias_mv: Floats
    amplitude_adc: Floats
    period_mv: float
    jump_scans: tuple[int, ...]
    jumps_e: tuple[float, ...]
    coherence: float
    noise_adc: float

    @property
    def scans(self) -> int:
        """How many scans the run has."""
        return int(self.amplitude_adc.shape[1])

    @property
    def harmonic_adc(self) -> Floats:
        """The complex amplitude of the fringes, scan by scan: least squares of a sinusoid of their period."""
        angle = 2.0 * np.pi * self.bias_mv / self.period_mv
        basis = np.stack([np.ones_like(angle), np.cos(angle), np.sin(angle)], axis=1)
        _, cosine, sine = np.linalg.solve(basis.T @ basis, basis.T @ self.amplitude_adc)
        return np.asarray(cosine + 1j * sine)

    @property
    def contrast(self) -> float:
        """The fringes' amplitude, the median over the scans, in units of what noise alone would make of it."""
        noise_adc = self.noise_adc * np.sqrt(2.0 / len(self.bias_mv))
        return float(np.median(np.abs(self.harmonic_adc)) / noise_adc)

    @property
    def moved_e(self) -> Floats:
        """The shift of the fringes in periods, from the scan before each scan to the one after it."""
        phase = np.angle(self.harmonic_adc) / (2.0 * np.pi)
        moved_e = np.zeros(self.scans)
        moved_e[1:-1] = phase[2:] - phase[:-2]
        return np.asarray(np.abs(moved_e - np.round(moved_e)))

    @property
    def breaks(self) -> int:
        """The number of breaks in the fringes; neighbouring scans with a break count once."""
        return int(np.sum(np.diff((self.moved_e > BROKEN_E).astype(int), prepend=0) == 1))

    @property
    def half_mv(self) -> float:
        """The largest bias that is swept."""
        return float(self.bias_mv[-1] + (self.bias_mv[1] - self.bias_mv[0]) / 2.0)

    @property
    def fringes(self) -> float:
        """How many periods of the fringes the bias sweep covers."""
        return 2.0 * self.half_mv / self.period_mv

    @property
    def low_adc(self) -> float:
        """The amplitude that 2% of all cells are below."""
        return float(np.quantile(self.amplitude_adc, 0.02))

    @property
    def high_adc(self) -> float:
        """The amplitude that 2% of all cells are above."""
        return float(np.quantile(self.amplitude_adc, 0.98))

    @property
    def moves(self) -> str:
        """The sizes of the jumps as text."""
        sizes = [f"{size:.0f}" for size in self.sizes_mv]
        return f"{sizes[0]} mV" if len(set(sizes)) == 1 else f"{', '.join(sizes[:-1])} and {sizes[-1]} mV"

    @property
    def largest_e(self) -> float:
        """The size of the largest jump in electrons."""
        return max(map(abs, self.jumps_e), default=0.0)

    @property
    def sizes_mv(self) -> list[float]:
        """The sizes of the jumps on the bias axis, without sign."""
        return [float(round(abs(jump) * self.period_mv)) for jump in self.jumps_e]

    @property
    def jumped(self) -> str:
        """The number and places of the jumps as text."""
        places = ", ".join(str(scan) for scan in self.jump_scans)
        return f"a jump near scan {places}" if len(self.jump_scans) == 1 else f"jumps near scans {places}"

    @property
    def rate(self) -> float:
        """Jumps per hundred scans."""
        return 100.0 * len(self.jump_scans) / self.scans


def _simulate(rng: Generator, *, jumps: tuple[int, int], idle_time: Range = (0.2, 0.6)) -> Truth:
    """``jumps``: how many, including both ends; ``idle_time``: between the pulses, in units of T2*.

    The number of scans has the same distribution for all scenarios, but is at least what the jumps need.
    """
    count = int(rng.integers(jumps[0], jumps[1] + 1))
    scans = max(round(float(np.exp(rng.uniform(np.log(14.0), np.log(100.0))))), APART * count + 6)
    period_mv, half_mv = (
        float(rng.uniform(360.0, 560.0)),
        float(rng.choice([400.0, 500.0, 600.0, 800.0, 1000.0])),
    )
    cells = int(rng.integers(72, 102))
    bias_mv = (np.arange(cells) + 0.5) * 2.0 * half_mv / cells - half_mv
    free = scans - FIRST - 2 - APART * (count - 1)
    jump_scans = np.sort(rng.integers(0, max(free, 1), size=count)) + FIRST + APART * np.arange(count)
    jumps_e = rng.uniform(0.2, 0.45, size=count) * rng.choice([-1.0, 1.0], size=count)
    time = np.arange(scans) + np.arange(cells)[:, None] / cells  # in scans, of each cell
    shift_e = rng.uniform() + _wander(rng, scans, float(rng.uniform(0.004, 0.02)))
    shift_e = shift_e + np.sum(
        jumps_e[:, None, None] * (time >= (jump_scans + rng.uniform(size=count))[:, None, None]), axis=0
    )
    coherence = float(np.exp(-(rng.uniform(*idle_time) ** 2)))
    angle = np.pi * (bias_mv[:, None] / period_mv - shift_e)  # an electron is half a unit of n
    swing = np.cos(np.pi * rng.uniform(0.45, 1.05) * np.cos(angle))
    amplitude_adc, noise_adc = _read_out(rng, 0.5 + 0.5 * coherence * swing)
    return Truth(
        bias_mv=bias_mv,
        amplitude_adc=amplitude_adc,
        period_mv=period_mv,
        jump_scans=tuple(int(scan) for scan in jump_scans),
        jumps_e=tuple(float(jump) for jump in jumps_e),
        coherence=coherence,
        noise_adc=noise_adc,
    )


def _wander(rng: Generator, count: int, spread: float) -> Floats:
    """Draw slow fluctuations around 0, one per scan: an Ornstein-Uhlenbeck process with a memory of six scans."""
    kept, values = np.exp(-1.0 / 6.0), [float(rng.normal(0.0, spread))]
    for kick in rng.normal(0.0, spread * np.sqrt(1.0 - kept**2), size=count - 1):
        values.append(kept * values[-1] + float(kick))
    return np.array(values)


def _read_out(rng: Generator, population: Floats) -> tuple[Floats, float]:
    """Return amplitudes in ADC units with noise: of counts, of the amplifier per shot, and of a fluctuating gain."""
    shots, amplifier = int(rng.integers(60, 900)), float(rng.uniform(0.6, 1.4))
    base_adc, contrast_adc = float(rng.uniform(6.0, 16.0)), float(rng.uniform(8.0, 16.0))
    counted = rng.binomial(shots, population) / shots
    read = counted + rng.normal(0.0, amplifier / np.sqrt(shots), size=population.shape)
    gain = 1.0 + _wander(rng, population.shape[1], float(rng.uniform(0.005, 0.04)))
    noise_adc = contrast_adc * np.sqrt((0.25 + amplifier**2) / shots)
    return base_adc + contrast_adc * gain * read, float(noise_adc)


def _coherent(truth: Truth) -> bool:
    """Noise alone makes a contrast of 1.2 (the median of a Rayleigh distribution)."""
    return truth.contrast > 4.0


def _draw(truth: Truth, style: Style) -> tuple[Drawing, ...]:
    scale, unit = (1.0, "mV") if style.rng.random() < 0.15 else (1e-3, "V")
    colormap, _ = map_colours(style, "RdBu_r" if style.rng.random() < 0.9 else style.colormap)
    axes = style.axes(width=1.45 if style.rng.random() < 0.4 else 1.0)
    heat_map(
        style,
        axes,
        np.arange(truth.scans, dtype=float) + 0.5,
        truth.bias_mv * scale,
        truth.amplitude_adc,
        colormap=colormap,
        label=str(
            style.rng.choice(["Amplitude (ADC Units)", "Amplitude (ADC Units)", "Readout amplitude (ADC)"])
        ),
    )
    dress_map(
        style,
        axes,
        title=str(
            style.rng.choice(["Ramsey Charge Tomography", "Ramsey Charge Tomography", "Charge tomography"])
        ),
        x_label=str(style.rng.choice(["Scan Number (Time)", "Scan Number (Time)", "Scan Number"])),
        y_label=str(
            style.rng.choice([f"Charge Bias ({unit})", f"Charge Bias ({unit})", f"Gate voltage ({unit})"])
        ),
    )
    for each in axes.figure.axes:
        each.tick_params(labelsize="small")
    features = (
        "The colour shows the readout amplitude, in ADC units, against scan number and charge bias.",
        f"The run consists of {truth.scans} scans at biases between plus and minus {truth.half_mv:.0f} mV.",
        _pattern(truth),
    )
    return (style.drawing(axes, plot_type=PlotType.HEATMAP, features=features),)


def _pattern(truth: Truth) -> str:
    if not _coherent(truth):
        return "The map is grainy noise without any fringes."
    if not truth.breaks:
        return f"Fringes repeat every {truth.period_mv:.0f} mV of bias or so and run through all scans without a break."
    return f"Fringes repeat every {truth.period_mv:.0f} mV of bias or so and are shifted by {truth.jumped}."


def _parameters(truth: Truth) -> JSON:
    seen = _coherent(truth) and truth.breaks > 0
    return {
        "event_detected": seen,
        "jump_count": len(truth.jump_scans) if seen else 0,
        "jump_positions": list(truth.jump_scans) if seen else [],
        "jump_sizes_mV": list(truth.sizes_mv) if seen else [],
    }


FAMILY: Family[Truth] = Family(
    name="ramsey_charge_tomography",
    criteria={
        "NO_EVENT": lambda truth: _coherent(truth) and truth.breaks == 0,
        "EVENT": lambda truth: _coherent(truth) and truth.breaks > 0,
        "NO_COHERENCE": lambda truth: not _coherent(truth),
    },
    # A count is exact or off by one; a break can be read off the scan axis to 3% of it, and its size, four
    # cells of bias or more, to one cell.
    field_rules={
        "event_detected": {"type": "bool"},
        "jump_count": {"type": "int_count", "tol_full": 0, "tol_half": 1},
        "jump_positions": {"type": "array_int_match", "tol_full": 3},
        "jump_sizes_mV": {"type": "array_float_match", "tol_full": 0.2},
    },
    draw=in_trace_look(_draw, font_size=12.0),
    parameters=_parameters,
    scenarios=(
        Scenario(
            name="ramsey_charge_tomography_clean",
            status="NO_EVENT",
            outcome=OutcomeLabel.EXPECTED,
            assessment=Assessment.NO_FIT,
            simulate=partial(_simulate, jumps=(0, 0)),
        ),
        Scenario(
            name="ramsey_charge_tomography_few_bursts",
            status="EVENT",
            outcome=OutcomeLabel.EXPECTED,
            assessment=Assessment.NO_FIT,
            simulate=partial(_simulate, jumps=(1, 3)),
            telling=lambda truth: truth.breaks <= 3,
        ),
        # as with few bursts: the measurement is meant to find jumps, however many
        Scenario(
            name="ramsey_charge_tomography_many_bursts",
            status="EVENT",
            outcome=OutcomeLabel.EXPECTED,
            assessment=Assessment.NO_FIT,
            simulate=partial(_simulate, jumps=(5, 9)),
            telling=lambda truth: truth.breaks >= 5,
        ),
        # the readout works, but the qubit lost its coherence: an earlier step has to be checked, not the
        # readout chain
        Scenario(
            name="ramsey_charge_tomography_noisy",
            status="NO_COHERENCE",
            outcome=OutcomeLabel.ANOMALOUS,
            assessment=Assessment.NO_FIT,
            simulate=partial(_simulate, jumps=(0, 0), idle_time=(2.5, 4.0)),
        ),
    ),
    q6_label="Classification",
)
