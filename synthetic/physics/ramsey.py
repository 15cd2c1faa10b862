"""Ramsey fringes between two detuned pi/2 pulses: physics of the families ramsey_freq_cal and ramsey_t2star.

p(t) = 1/2 + V/2 cos(2 pi d t) exp(-t / T2*) for a detuning d (Ramsey, Phys. Rev. 78, 695, 1950; Krantz et
al., Appl. Phys. Rev. 6, 021318, 2019, section III.B). A qubit with two frequencies, from charge parity or a
coupled defect, shows the weighted sum of both cosines: it beats (Riste et al., Nat. Commun. 4, 1913, 2013).
Delays sampled at a rate s show a frequency d as its distance from the nearest multiple of s (Nyquist's
aliases).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from synthetic.physics.fitting import Fit, fit, strongest_frequency
from synthetic.physics.readout import Floats, measured_population

Range = tuple[float, float]

VISIBLE = 0.1
"""Fringes are visible down to this share of their first amplitude."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """One Ramsey experiment. A share ``second_weight`` of the fringes has the frequency ``second_mhz``."""

    delay_us: Floats
    population: Floats
    detuning_mhz: float
    splitting_mhz: float
    second_mhz: float
    second_weight: float
    t2_star_us: float
    visibility: float
    shots: int
    fit: Fit

    @property
    def window_us(self) -> float:
        """The last delay."""
        return float(self.delay_us[-1])

    @property
    def sample_rate_mhz(self) -> float:
        """Delays per microsecond."""
        return float(1.0 / (self.delay_us[1] - self.delay_us[0]))

    @property
    def fringes(self) -> float:
        """Fringes within the window, at the rate of the stronger component."""
        return self.detuning_mhz * self.window_us

    @property
    def samples_per_fringe(self) -> float:
        """Sampled points per fringe; Nyquist's limit is two."""
        return self.sample_rate_mhz / self.detuning_mhz

    @property
    def apparent_mhz(self) -> float:
        """The frequency that the samples show: the detuning or, beyond Nyquist's limit, its alias."""
        turns = 1.0 / self.samples_per_fringe
        return abs(turns - round(turns)) * self.sample_rate_mhz

    @property
    def noise(self) -> float:
        """Largest standard deviation of one point, from the number of shots."""
        return float(0.5 / np.sqrt(self.shots))

    @property
    def left(self) -> float:
        """The share of the fringes' amplitude that is left at the end of the window, apart from beating."""
        return float(np.exp(-self.window_us / self.t2_star_us))

    @property
    def revival(self) -> float:
        """The largest regrowth of the envelope, as a share of its value at the start; 0 if it only falls."""
        t = np.linspace(0.0, self.window_us, 2000)
        beat = (1.0 - self.second_weight) + self.second_weight * np.exp(2j * np.pi * self.splitting_mhz * t)
        envelope = np.abs(beat) * np.exp(-t / self.t2_star_us)
        return float((envelope - np.minimum.accumulate(envelope)).max())

    @property
    def fitted_mhz(self) -> float:
        """The fit's frequency."""
        return abs(self.fit.values[0])

    @property
    def fitted_t2_star_us(self) -> float:
        """The fit's T2*."""
        return self.fit.values[2]

    @property
    def count(self) -> int:
        """How many delays were measured."""
        return len(self.delay_us)

    @property
    def step_us(self) -> float:
        """The time between two delays."""
        return float(self.delay_us[1])

    @property
    def visible_us(self) -> float:
        """The time over which the fringes are visible, apart from beating."""
        return min(self.window_us, -math.log(VISIBLE) * self.t2_star_us)

    @property
    def visible_fringes(self) -> int:
        """The number of fringes visible in the samples; one that lacks less than a quarter counts."""
        return int(self.apparent_mhz * self.visible_us + 0.25)

    @property
    def decay_times(self) -> float:
        """The window in units of T2*."""
        return self.window_us / self.t2_star_us

    @property
    def period_us(self) -> float:
        """The time of a fringe."""
        return 1.0 / self.detuning_mhz

    @property
    def beat_us(self) -> float:
        """The time from one beat to the next."""
        return 1.0 / self.splitting_mhz

    @property
    def nyquist_mhz(self) -> float:
        """The highest frequency of the spectrum."""
        return self.sample_rate_mhz / 2.0

    @property
    def first(self) -> float:
        """The first measured population."""
        return float(self.population[0])

    @property
    def last(self) -> float:
        """The mean of the last tenth of the points."""
        return float(self.population[-max(self.count // 10, 3) :].mean())

    @property
    def scatter(self) -> float:
        """Root mean square distance of the points from the fitted curve."""
        return self.fit.residual_rms

    @property
    def explained(self) -> float:
        """The share of the variance that the fitted curve explains."""
        return max(self.fit.r_squared, 0.0)

    @property
    def spectrum(self) -> tuple[Floats, Floats]:
        """Frequencies in MHz and the magnitudes of the Fourier transform of the trace without its mean."""
        magnitude = np.abs(np.fft.rfft(self.population - self.population.mean()))
        return np.asarray(np.fft.rfftfreq(self.count, d=self.step_us)[1:]), np.asarray(magnitude[1:])

    @property
    def longer_window_us(self) -> float:
        """A window of six fringes."""
        return 6.0 * self.period_us

    @property
    def beat_window_us(self) -> float:
        """A window of four beats, in which both frequencies are well separated."""
        return 4.0 * self.beat_us

    @property
    def decay_window_us(self) -> float:
        """A window of three decay times."""
        return 3.0 * self.t2_star_us

    @property
    def fair_detuning_mhz(self) -> float:
        """A detuning with ten fringes in this window."""
        return 10.0 / self.window_us


def _model(t: Floats, frequency: float, amplitude: float, t2_star: float, offset: float) -> Floats:
    return offset + amplitude * np.exp(-t / t2_star) * np.cos(2.0 * np.pi * frequency * t)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sweep:
    """The delays of a family: window in microseconds and number of points, with one distribution for all its types."""

    window_us: Range
    points: Range

    def drawn(self, rng: Generator) -> Floats:
        """Draw delays, starting at 0."""
        low, high = np.log([self.window_us, self.points]).T
        window_us, points = np.exp(rng.uniform(low, high))
        return np.linspace(0.0, float(window_us), round(float(points)))


def simulate(
    rng: Generator,
    *,
    sweep: Sweep,
    fringes: Range = (0.0, math.inf),
    samples_per_fringe: Range | None = None,
    decay_times: Range,
    expected_fringes: float = 0.0,
) -> Truth:
    """Simulate fringes of one frequency, with their fit.

    ``fringes`` is their number in the window or, with ``samples_per_fringe``, the limits of that number.
    ``decay_times`` is the window in units of T2*. The fit starts from the strongest line of the spectrum;
    with ``expected_fringes`` it searches only up to twice that number.
    """
    delay_us = sweep.drawn(rng)
    if samples_per_fringe:
        count = float(np.clip(len(delay_us) / rng.uniform(*samples_per_fringe), *fringes))
    else:
        count = float(rng.uniform(*fringes))
    t2_star_us = float(delay_us[-1] / rng.uniform(*decay_times))
    return _measured(
        rng, delay_us, (count, count), weight=0.0, t2_star_us=t2_star_us, expected_fringes=expected_fringes
    )


def simulate_beating(
    rng: Generator, *, sweep: Sweep, fringes: Range, decay_per_beat: Range, decay_times: Range
) -> Truth:
    """Simulate fringes of two frequencies and similar weight.

    ``fringes``: of the faster, if they are resolved.
    """
    delay_us = sweep.drawn(rng)
    fast = min(float(rng.uniform(*fringes)), len(delay_us) / 5.3)
    slow = fast / float(rng.uniform(1.3, 1.6))
    decay = float(np.clip((fast - slow) * rng.uniform(*decay_per_beat), *decay_times))
    counts = (slow, fast) if rng.random() < 0.5 else (fast, slow)
    weight, t2_star_us = float(rng.uniform(0.38, 0.48)), float(delay_us[-1]) / decay
    return _measured(rng, delay_us, counts, weight=weight, t2_star_us=t2_star_us)


def simulate_aliased(rng: Generator, *, sweep: Sweep) -> Truth:
    """Simulate delays so coarse that one or two steps span most of the decay, and each step a fringe or more."""
    delay_us = sweep.drawn(rng)
    step_us = float(delay_us[1])
    turns = float(rng.integers(1, 4) + rng.choice([-1.0, 1.0]) * rng.uniform(0.4, 0.49))  # in one step
    count = turns * (len(delay_us) - 1)
    noise = float(rng.uniform(0.03, 0.35)) / math.sqrt(
        len(delay_us)
    )  # keeps its size in the spectrum for any number of points
    return _measured(
        rng,
        delay_us,
        (count, count),
        weight=0.0,
        t2_star_us=step_us * float(rng.uniform(0.7, 3.0)),
        shots=round((0.5 / noise) ** 2),
    )


def _measured(
    rng: Generator,
    delay_us: Floats,
    counts: tuple[float, float],
    *,
    weight: float,
    t2_star_us: float,
    expected_fringes: float = 0.0,
    shots: int | None = None,
) -> Truth:
    """Simulate and fit; ``counts``: of the fringes of both components in the window; ``weight``: of the second."""
    window_us = float(delay_us[-1])
    first_mhz, second_mhz = counts[0] / window_us, counts[1] / window_us
    visibility = float(rng.uniform(0.8, 0.98))
    shots = shots or round(float(np.exp(rng.uniform(np.log(40.0), np.log(1500.0)))))
    swing = (1.0 - weight) * np.cos(2.0 * np.pi * first_mhz * delay_us)
    swing += weight * np.cos(2.0 * np.pi * second_mhz * delay_us)
    population = measured_population(
        rng, 0.5 + 0.5 * visibility * swing * np.exp(-delay_us / t2_star_us), shots=shots
    )
    start_mhz = expected_fringes / window_us or strongest_frequency(delay_us, population)
    shortest_us = 0.2 * window_us if expected_fringes else 0.5 * float(delay_us[1])
    bounds = ((0.0, 0.0, shortest_us, 0.0), (2.0 * start_mhz, 1.0, 100.0 * window_us, 1.0))
    fitted = fit(_model, delay_us, population, (start_mhz, 0.45, window_us / 3.0, 0.5), bounds=bounds)
    assert fitted is not None  # noqa: S101 - a bounded damped sinusoid converges; the tests run many seeds
    return Truth(
        delay_us=delay_us,
        population=population,
        detuning_mhz=first_mhz,
        splitting_mhz=abs(second_mhz - first_mhz),
        second_mhz=second_mhz,
        second_weight=weight,
        t2_star_us=t2_star_us,
        visibility=visibility,
        shots=shots,
        fit=fitted,
    )
