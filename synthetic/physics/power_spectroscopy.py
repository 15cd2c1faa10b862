"""Qubit spectroscopy against frequency and amplitude of the drive, simulated: two maps of the readout's response.

The populations of the transmon's three lowest levels are its steady state under the drive
(driven_transmon.py). The first transition broadens with power, to a full width of sqrt(1/T2^2 + W^2 T1/T2) /
pi (Schuster et al., Phys. Rev. Lett. 94, 123602, 2005), and two photons of half the energy excite the second
level, at f01 + a/2. With lifetimes of tens of microseconds all lines are narrower than the spectrum of the
drive's pulses, which blurs them. The dispersive readout responds to the second level more than to the first,
in magnitude and in phase, with Gaussian noise in both.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from scipy.ndimage import gaussian_filter1d, label
from scipy.signal import find_peaks

from synthetic.physics.driven_transmon import steady_populations
from synthetic.physics.readout import Floats

Range = tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """Two maps: ``magnitude[j, i]`` and ``phase_rad[j, i]`` at ``drive_au[j]`` and ``frequency_mhz[i]``.

    ``response`` is the qubit's effect on the readout, 1 in the first level; the noise of both maps is
    Gaussian, ``noise`` times the effect of a response of 1. The Rabi frequency is ``mhz_per_au`` times the
    drive.
    """

    frequency_mhz: Floats
    drive_au: Floats
    response: Floats
    magnitude: Floats
    phase_rad: Floats
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
        """The frequency of the two-photon line."""
        return self.f01_mhz + 0.5 * self.anharmonicity_mhz

    @property
    def lines(self) -> int:
        """The largest number of lines in one row, each above three times the noise."""
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
    def narrowest_mhz(self) -> float:
        """The width of f01 under the weakest drive that shows it."""
        return self.widths_mhz[0]

    @property
    def weakest_au(self) -> float:
        """The weakest drive."""
        return float(self.drive_au[0])

    @property
    def strongest_au(self) -> float:
        """The strongest drive."""
        return float(self.drive_au[-1])

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
        """A window of nine times the width in which to look for the line."""
        margin_mhz = 4.0 * self.window_mhz
        return f"({self.frequency_mhz[0] - margin_mhz:.0f}, {self.end_mhz + margin_mhz:.0f})"


def simulate(
    rng: Generator,
    *,
    anharmonicity_mhz: Range,
    place: Range,
    weakest: Range,
    strongest: Range,
) -> Truth:
    """Simulate; ``place``: of f01 in the window, 0 to 1; ``weakest``, ``strongest``: f01's widths, as shares of it."""
    f01_mhz, step_mhz = float(rng.uniform(3900.0, 6200.0)), float(rng.uniform(4.6, 5.6))
    columns = int(rng.integers(round(240.0 / step_mhz), round(300.0 / step_mhz) + 1))
    width_mhz = step_mhz * (columns - 1)
    begin_mhz = f01_mhz - float(rng.uniform(*place)) * width_mhz
    frequency_mhz: Floats = begin_mhz + step_mhz * np.arange(columns, dtype=np.float64)
    t1_us = float(rng.uniform(10.0, 60.0))
    t2_us = t1_us / float(rng.uniform(1.0, 3.0))
    shares = np.linspace(rng.uniform(*weakest), rng.uniform(*strongest), int(rng.integers(12, 27)))
    rabi_mhz = 0.5 * shares * width_mhz * np.sqrt(t2_us / t1_us)
    anharmonicity = float(rng.uniform(*anharmonicity_mhz))
    fine_mhz: Floats = begin_mhz + 0.25 * step_mhz * np.arange(-12.0, 4.0 * columns + 12.0)
    populations = steady_populations(
        fine_mhz - f01_mhz, rabi_mhz, anharmonicity_mhz=anharmonicity, t1_us=t1_us, t2_us=t2_us
    )
    blur = float(rng.uniform(2.0, 4.5)) / (step_mhz / 4.0)  # standard deviation, in fine steps
    response = gaussian_filter1d(populations @ [0.0, 1.0, rng.uniform(1.6, 2.6)], blur, axis=1)[:, 12:-12:4]
    noise = float(rng.uniform(0.05, 0.1))
    level, effect = (
        10.0 ** rng.integers(-2, 2),
        float(rng.uniform(0.25, 0.5) * rng.choice([-1.0, -1.0, -1.0, 1.0])),
    )
    slope = 0.15 * effect * float(rng.uniform(-1.0, 1.0)) * np.linspace(-1.0, 1.0, columns)
    turn = float(rng.uniform(0.6, 1.4) * rng.choice([-1.0, 1.0]))
    noise_of_both = rng.normal(0.0, noise, (2, *response.shape))
    return Truth(
        frequency_mhz=frequency_mhz,
        drive_au=rabi_mhz / (mhz_per_au := float(np.exp(rng.uniform(np.log(20.0), np.log(2000.0))))),
        response=response,
        magnitude=level * (1.0 + slope + effect * (response + noise_of_both[0])),
        phase_rad=float(rng.uniform(-1.5, 1.5)) + turn * (response + noise_of_both[1]),
        noise=noise,
        f01_mhz=f01_mhz,
        anharmonicity_mhz=anharmonicity,
        mhz_per_au=mhz_per_au,
        t1_us=t1_us,
        t2_us=t2_us,
    )
