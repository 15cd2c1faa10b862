"""Qubit spectroscopy in two dimensions: the readout signal against the frequency and the amplitude of the drive.

The populations of the transmon's three lowest levels are its steady state under the drive (driven_transmon.py).
The first transition broadens with power, to a full width of sqrt(1/T2^2 + W^2 T1/T2) / pi (Schuster et al., Phys. Rev.
Lett. 94, 123602, 2005), and two photons of half the energy excite the second level, at f01 + a/2. The dispersive
readout is linear in the level, with Gaussian noise of the amplifier.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.random import Generator
from scipy.ndimage import label
from scipy.signal import find_peaks

from scoring.reference import JSON
from synthetic.drawing.heatmap import dress_map, heat_map, map_colours
from synthetic.drawing.style import Drawing, PlotType, Style
from synthetic.family import Assessment, Family, Outcome, Scenario
from synthetic.physics.driven_transmon import steady_populations
from synthetic.physics.readout import Floats

Range = tuple[float, float]

BROAD = 0.14
"""A line wider than this share of the frequency window is broad."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """One map: ``signal[j, i]`` at ``drive_au[j]`` and ``frequency_mhz[i]``.

    ``response`` is the mean level of the qubit, 0 to 2; the signal is the same with Gaussian noise of width ``noise``.
    The Rabi frequency is ``mhz_per_au`` times the drive.
    """

    frequency_mhz: Floats
    drive_au: Floats
    response: Floats
    signal: Floats
    noise: float
    f01_mhz: float
    anharmonicity_mhz: float
    mhz_per_au: float
    t1_us: float
    t2_us: float

    @property
    def window_mhz(self) -> float:
        """The width of the frequency window."""
        return float(np.ptp(self.frequency_mhz))

    @property
    def end_mhz(self) -> float:
        """The last frequency."""
        return float(self.frequency_mhz[-1])

    @property
    def half_mhz(self) -> float:
        """Where the two-photon line lies."""
        return self.f01_mhz + 0.5 * self.anharmonicity_mhz

    @property
    def lines(self) -> int:
        """The most lines that stand out from one row, each by three times the noise."""
        return max(len(find_peaks(row, prominence=3.0 * self.noise)[0]) for row in self.response)

    @property
    def widths_mhz(self) -> list[float]:
        """The full widths at half maximum of f01, from weak to strong drive, in the rows that show it."""
        column = int(np.argmin(np.abs(self.frequency_mhz - self.f01_mhz)))
        above_half = [row > 0.5 * row[column] for row in self.response if row[column] > 3.0 * self.noise]
        cells = [label(flags)[0] for flags in above_half]
        step_mhz = float(self.frequency_mhz[1] - self.frequency_mhz[0])
        return [step_mhz * int(np.sum(row == row[column])) for row in cells]

    @property
    def broadest_mhz(self) -> float:
        """The width of f01 under the strongest drive."""
        return self.widths_mhz[-1]

    @property
    def weak_drive_au(self) -> float:
        """A drive that broadens the line to a twentieth of the window."""
        return 0.5 * 0.05 * self.window_mhz * float(np.sqrt(self.t2_us / self.t1_us)) / self.mhz_per_au

    @property
    def wide_mhz(self) -> str:
        """A window of nine times the width, from where to look for the line."""
        margin_mhz = 4.0 * self.window_mhz
        return f"({self.frequency_mhz[0] - margin_mhz:.0f}, {self.end_mhz + margin_mhz:.0f})"


def _simulate(
    rng: Generator,
    *,
    window_mhz: Range,
    anharmonicity_mhz: Range,
    place: Range,
    weakest: Range,
    strongest: Range,
) -> Truth:
    """``place``: of f01 in the window, 0 to 1; ``weakest``, ``strongest``: widths of f01, as shares of the window."""
    f01_mhz, width_mhz = float(rng.uniform(3900.0, 6200.0)), float(rng.uniform(*window_mhz))
    begin_mhz = f01_mhz - float(rng.uniform(*place)) * width_mhz
    frequency_mhz = begin_mhz + np.linspace(0.0, width_mhz, int(rng.integers(60, 100)))
    t2_us = float(rng.uniform(0.15, 0.3))
    t1_us = t2_us * float(rng.uniform(2.0, 4.0))
    shares = np.linspace(rng.uniform(*weakest), rng.uniform(*strongest), int(rng.integers(14, 30)))
    rabi_mhz = 0.5 * shares * width_mhz * np.sqrt(t2_us / t1_us)
    anharmonicity = float(rng.uniform(*anharmonicity_mhz))
    populations = steady_populations(
        frequency_mhz - f01_mhz, rabi_mhz, anharmonicity_mhz=anharmonicity, t1_us=t1_us, t2_us=t2_us
    )
    response = populations @ np.arange(3.0)
    noise, mhz_per_au = float(rng.uniform(0.035, 0.08)), float(np.exp(rng.uniform(np.log(20.0), np.log(1000.0))))
    return Truth(
        frequency_mhz=frequency_mhz,
        drive_au=rabi_mhz / mhz_per_au,
        response=response,
        signal=response + rng.normal(0.0, noise, size=response.shape),
        noise=noise,
        f01_mhz=f01_mhz,
        anharmonicity_mhz=anharmonicity,
        mhz_per_au=mhz_per_au,
        t1_us=t1_us,
        t2_us=t2_us,
    )


def _visible(truth: Truth) -> bool:
    return truth.lines > 0


def _sharp(truth: Truth) -> bool:
    """The weakest drive that shows the line does not yet broaden it."""
    return _visible(truth) and truth.widths_mhz[0] < BROAD * truth.window_mhz


def _broadened(truth: Truth) -> bool:
    return truth.broadest_mhz > BROAD * truth.window_mhz


def _draw(truth: Truth, style: Style) -> tuple[Drawing, ...]:
    scale, unit = (1e-3, "GHz") if style.rng.random() < 0.4 else (1.0, "MHz")
    quantity, values = _quantity(truth, style)
    colormap, _ = map_colours(style, style.colormap)
    axes = style.axes()
    heat_map(style, axes, truth.frequency_mhz * scale, truth.drive_au, values, colormap=colormap, label=quantity)
    dress_map(
        style,
        axes,
        title=str(style.rng.choice(["Qubit spectroscopy vs drive", "Power spectroscopy", "Two-tone spectroscopy"])),
        x_label=str(style.rng.choice([f"Frequency [{unit}]", f"Drive frequency ({unit})", f"Qubit drive ({unit})"])),
        y_label=str(style.rng.choice(["Drive amplitude (a.u.)", "Driving amplitude [a.u.]", "Amplitude (a.u.)"])),
    )
    features = (
        f"The colour shows the {quantity.split(' ')[0].lower()} of the readout against frequency and drive amplitude.",
        f"The frequency runs from about {truth.frequency_mhz[0]:.0f} to {truth.end_mhz:.0f} MHz.",
        _pattern(truth),
    )
    return (style.drawing(axes, plot_type=PlotType.HEATMAP, features=features),)


def _quantity(truth: Truth, style: Style) -> tuple[str, Floats]:
    """What the colour shows, and its values: the signal lifts or lowers it."""
    sign = float(style.rng.choice([-1.0, 1.0]))
    if style.rng.random() < 0.35:
        return "Phase (rad)", float(style.rng.uniform(-1.0, 1.0)) + sign * 1.2 * truth.signal
    scale = float(style.rng.choice([0.01, 1.0, 5.0]))
    return "Magnitude (a.u.)", scale * (2.0 + sign * float(style.rng.uniform(0.4, 0.9)) * truth.signal)


def _pattern(truth: Truth) -> str:
    if not _visible(truth):
        return "The map is noise without any line."
    second = f", and a second line near {truth.half_mhz:.0f} MHz" if truth.lines > 1 else ""
    if not _sharp(truth):
        return (
            f"There is a broad, washed-out band near {truth.f01_mhz:.0f} MHz already under the weakest drive{second}."
        )
    growth = "broadens strongly with the drive" if _broadened(truth) else "stays narrow at all amplitudes"
    return f"There is a line near {truth.f01_mhz:.0f} MHz, which {growth}{second}."


def _parameters(truth: Truth) -> JSON:
    sharp = _sharp(truth)
    return {
        "f01_MHz": round(truth.f01_mhz, 1) if sharp else None,
        "transitions_visible": ("none", "f01_only", "f01_f02half")[min(truth.lines, 2)],
        "power_regime": "optimal" if sharp else "high" if _visible(truth) else "none",
        "measurement_usable": sharp,
    }


# the two-photon line is far outside of the window
_simulate_alone = partial(_simulate, window_mhz=(170.0, 220.0), anharmonicity_mhz=(-380.0, -320.0), place=(0.3, 0.45))

FAMILY: Family[Truth] = Family(
    name="qubit_spectroscopy_power_frequency",
    criteria={
        "SUCCESS": _sharp,
        "AMP_TOO_HIGH": lambda truth: _visible(truth) and not _sharp(truth),
        "NO_SIGNAL": lambda truth: not _visible(truth),
    },
    # 0.2% are 8 to 12 MHz, two to four cells of the map; within 1% the right line was noticed, but not read.
    field_rules={
        "f01_MHz": {"type": "pct", "tol_full": 0.002, "tol_half": 0.01},
        "transitions_visible": {"type": "enum"},
        "power_regime": {"type": "enum"},
        "measurement_usable": {"type": "bool"},
    },
    draw=_draw,
    parameters=_parameters,
    scenarios=(
        Scenario(
            name="qubit_spectroscopy_power_frequency_failure_f01_f02half_amp_too_high",
            status="AMP_TOO_HIGH",
            outcome=Outcome.SUBOPTIMAL,
            assessment=Assessment.NO_FIT,
            simulate=partial(
                _simulate,
                window_mhz=(320.0, 380.0),
                anharmonicity_mhz=(-260.0, -220.0),
                place=(0.55, 0.7),
                weakest=(0.18, 0.22),
                strongest=(0.4, 0.6),
            ),
            telling=lambda truth: truth.lines == 2,
        ),
        Scenario(
            name="qubit_spectroscopy_power_frequency_failure_f01_only_amp_too_high",
            status="AMP_TOO_HIGH",
            outcome=Outcome.SUBOPTIMAL,
            assessment=Assessment.NO_FIT,
            simulate=partial(_simulate_alone, weakest=(0.22, 0.3), strongest=(0.45, 0.65)),
            telling=lambda truth: truth.lines == 1,
        ),
        # as in qubit_spectroscopy_failure_no_peaks: the drive is far from the qubit, which has to be found first
        Scenario(
            name="qubit_spectroscopy_power_frequency_failure_no_signal",
            status="NO_SIGNAL",
            outcome=Outcome.ANOMALOUS,
            assessment=Assessment.NO_FIT,
            simulate=partial(
                _simulate,
                window_mhz=(170.0, 300.0),
                anharmonicity_mhz=(-300.0, -200.0),
                place=(2.8, 4.0),
                weakest=(0.01, 0.03),
                strongest=(0.1, 0.3),
            ),
        ),
        # a success by name, like its sibling at low amplitude
        Scenario(
            name="qubit_spectroscopy_power_frequency_success_f01_f02half_full_range",
            status="SUCCESS",
            outcome=Outcome.EXPECTED,
            assessment=Assessment.NO_FIT,
            simulate=partial(
                _simulate,
                window_mhz=(240.0, 300.0),
                anharmonicity_mhz=(-240.0, -190.0),
                place=(0.6, 0.75),
                weakest=(0.005, 0.01),
                strongest=(0.19, 0.24),
            ),
            telling=lambda truth: truth.lines == 2,
        ),
        Scenario(
            name="qubit_spectroscopy_power_frequency_success_f01_low_amp_sharp",
            status="SUCCESS",
            outcome=Outcome.EXPECTED,
            assessment=Assessment.NO_FIT,
            simulate=partial(
                _simulate,
                window_mhz=(200.0, 300.0),
                anharmonicity_mhz=(-350.0, -250.0),
                place=(0.3, 0.7),
                weakest=(0.018, 0.025),
                strongest=(0.05, 0.08),
            ),
            telling=lambda truth: truth.lines == 1 and not _broadened(truth),
        ),
        # a success by name, like its sibling at low amplitude
        Scenario(
            name="qubit_spectroscopy_power_frequency_success_f01_only_full_range",
            status="SUCCESS",
            outcome=Outcome.EXPECTED,
            assessment=Assessment.NO_FIT,
            simulate=partial(_simulate_alone, weakest=(0.005, 0.01), strongest=(0.22, 0.32)),
            telling=lambda truth: truth.lines == 1 and _broadened(truth),
        ),
    ),
)
