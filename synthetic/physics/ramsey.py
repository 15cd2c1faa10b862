"""Ramsey fringes between two detuned pi/2 pulses: what the families ramsey_freq_cal and ramsey_t2star share.

p(t) = 1/2 + V/2 cos(2 pi d t) exp(-t / T2*) for a detuning d (Ramsey, Phys. Rev. 78, 695, 1950; Krantz et al.,
Appl. Phys. Rev. 6, 021318, 2019, section III.B). A qubit with two frequencies, from charge parity or a coupled defect,
shows the weighted sum of both cosines: it beats (Riste et al., Nat. Commun. 4, 1913, 2013). Delays sampled at a rate s
show a frequency d as its distance from the nearest multiple of s (Nyquist's aliases).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from scoring.reference import JSON, FieldRules
from synthetic.physics.fitting import Fit, fit, strongest_frequency
from synthetic.physics.readout import Floats, measured_population

Range = tuple[float, float]

FEW, MANY = 3.0, 20.0
"""Fewer fringes do not fix a frequency; more do not suit the window."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """One Ramsey experiment. A share ``second_weight`` of the fringes is ``splitting_mhz`` faster than the detuning."""

    delay_us: Floats
    population: Floats
    detuning_mhz: float
    splitting_mhz: float
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
        """Sampled points in one fringe; Nyquist asks for two."""
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
        """The share of the fringes' amplitude that is left at the end of the window, beating aside."""
        return float(np.exp(-self.window_us / self.t2_star_us))

    @property
    def revival(self) -> float:
        """How much the envelope grows again, at most, over its value at the start; 0 if it only falls."""
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
    def second_mhz(self) -> float:
        """The frequency of the second component."""
        return self.detuning_mhz + self.splitting_mhz

    @property
    def longer_window_us(self) -> float:
        """A window of about six fringes."""
        return 6.0 / self.detuning_mhz

    @property
    def beat_window_us(self) -> float:
        """A window of four beats, in which both frequencies are well separated."""
        return 4.0 / self.splitting_mhz

    @property
    def decay_window_us(self) -> float:
        """A window of two decay times."""
        return 2.0 * self.t2_star_us

    @property
    def resolved_window_us(self) -> float:
        """A window in which as many points are ten per fringe."""
        return self.window_us * self.samples_per_fringe / 10.0

    @property
    def fair_detuning_mhz(self) -> float:
        """A detuning of eight fringes in this window."""
        return 8.0 / self.window_us


def _model(t: Floats, frequency: float, amplitude: float, t2_star: float, offset: float) -> Floats:
    return offset + amplitude * np.exp(-t / t2_star) * np.cos(2.0 * np.pi * frequency * t)


def simulate(
    rng: Generator,
    *,
    fringes: Range,
    samples_per_fringe: Range,
    beats: Range = (0.0, 0.0),
    decay_times: Range = (1.2, 1.8),
    window: Range = (5.0, 40.0),
    expected_fringes: float = 0.0,
) -> Truth:
    """Experiment and fit.

    ``window``: in microseconds; ``decay_times``: the window in units of T2*; ``beats``: in units of the beat. The fit
    starts from the strongest line of the spectrum; with ``expected_fringes`` it is a routine set up for so many,
    looking up to twice that.
    """
    window_us = float(np.exp(rng.uniform(np.log(window[0]), np.log(window[1]))))
    count, beat = float(rng.uniform(*fringes)), float(rng.uniform(*beats))
    delay_us = np.linspace(0.0, window_us, max(round(count * rng.uniform(*samples_per_fringe)), 40))
    t2_star_us, visibility = window_us / rng.uniform(*decay_times), rng.uniform(0.88, 0.97)
    weight = float(rng.uniform(0.35, 0.45)) if beat else 0.0
    f_1, f_2 = count / window_us, (count + beat) / window_us
    swing = (1.0 - weight) * np.cos(2.0 * np.pi * f_1 * delay_us) + weight * np.cos(2.0 * np.pi * f_2 * delay_us)
    shots = int(rng.integers(500, 2000))
    expected = 0.5 + 0.5 * visibility * swing * np.exp(-delay_us / t2_star_us)
    population = measured_population(rng, expected, shots=shots)
    expected_mhz = expected_fringes / window_us
    start_mhz = expected_mhz or strongest_frequency(delay_us, population)
    bounds = ((0.0, -1.0, 0.02 * window_us, 0.0), (2.0 * start_mhz, 1.0, 100.0 * window_us, 1.0))
    fitted = fit(_model, delay_us, population, (start_mhz, 0.45, window_us / 1.5, 0.5), bounds=bounds)
    assert fitted is not None  # noqa: S101 - a bounded damped sinusoid converges; the tests run many seeds
    return Truth(
        delay_us=delay_us,
        population=population,
        detuning_mhz=f_1,
        splitting_mhz=f_2 - f_1,
        second_weight=weight,
        t2_star_us=float(t2_star_us),
        visibility=float(visibility),
        shots=shots,
        fit=fitted,
    )


def oscillating(truth: Truth) -> bool:
    """At least half a fringe, larger than the noise."""
    return truth.fringes >= 0.5 and float(np.ptp(truth.population)) > 6.0 * truth.noise


def sampled(truth: Truth) -> bool:
    """Nyquist's two points per fringe, with a margin."""
    return truth.samples_per_fringe > 2.5


def captured(truth: Truth) -> bool:
    """The fringes lose more than half of their amplitude within the window."""
    return truth.left < 0.5


def beating(truth: Truth) -> bool:
    """The envelope comes back by more than a tenth."""
    return oscillating(truth) and truth.revival > 0.1


def _clear(truth: Truth) -> bool:
    """Fringes of one frequency, sampled well."""
    return oscillating(truth) and sampled(truth) and not beating(truth)


def _plain(truth: Truth) -> bool:
    """Clear and captured: what is left to ask is how many."""
    return _clear(truth) and captured(truth)


def _countable(truth: Truth) -> bool:
    return FEW <= truth.fringes <= MANY


CRITERIA: Mapping[str, Callable[[Truth], bool]] = {
    "SUCCESS": lambda truth: _plain(truth) and _countable(truth),
    "NO_DETUNING": lambda truth: not oscillating(truth),
    "BEATING": beating,
    "TOO_MANY_OSC": lambda truth: _plain(truth) and truth.fringes > MANY,
    "TOO_FEW_OSC": lambda truth: _plain(truth) and truth.fringes < FEW,
    "WINDOW_TOO_SHORT": lambda truth: _clear(truth) and not captured(truth),
    "SAMPLING_TOO_COARSE": lambda truth: oscillating(truth) and not sampled(truth) and not beating(truth),
}

# Frequency and T2* are printed with the fit; without a legend the peak is read to half a bin (5% at ten fringes), the
# envelope to a few hundredths (10% of T2*). Fringes are counted to one, at the ends of the window.
FIELD_RULES: FieldRules = {
    "T2_star_us": {"type": "pct", "tol_full": 0.1, "tol_half": 0.25},
    "detuning_MHz": {"type": "pct", "tol_full": 0.05, "tol_half": 0.15},
    "fringes_visible": {"type": "int_count", "tol_full": 1, "tol_half": 3},
}


def parameters(truth: Truth) -> JSON:
    """Q5: a detuning needs clear fringes, a T2* also a decay; what is visible is what the samples show."""
    return {
        "T2_star_us": round(truth.fitted_t2_star_us, 1) if _plain(truth) and _countable(truth) else None,
        "detuning_MHz": round(truth.fitted_mhz, 3) if _clear(truth) and _countable(truth) else None,
        "fringes_visible": int(truth.apparent_mhz * truth.window_us),
    }
