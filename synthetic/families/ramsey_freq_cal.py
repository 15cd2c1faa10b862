"""Ramsey frequency calibration: spectrum and time trace of the fringes between two detuned pi/2 pulses.

p(t) = 1/2 + V/2 cos(2 pi d t) exp(-t / T2*) for a detuning d (Ramsey, Phys. Rev. 78, 695, 1950; Krantz et al.,
Appl. Phys. Rev. 6, 021318, 2019, section III.B). A qubit with two frequencies, from charge parity or a coupled defect,
shows the weighted sum of both cosines: it beats (Riste et al., Nat. Commun. 4, 1913, 2013).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.random import Generator

from scoring.reference import JSON
from synthetic.family import Assessment, Family, Outcome, Scenario
from synthetic.fitting import Fit, fit, strongest_frequency
from synthetic.readout import Floats, measured_population
from synthetic.style import Drawing, PlotType, Style

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


def _model(t: Floats, frequency: float, amplitude: float, t2_star: float, offset: float) -> Floats:
    return offset + amplitude * np.exp(-t / t2_star) * np.cos(2.0 * np.pi * frequency * t)


def _simulate(
    rng: Generator,
    *,
    fringes: Range,
    samples_per_fringe: Range,
    beats: Range = (0.0, 0.0),
    decay_times: Range = (1.2, 1.8),
    expected_fringes: float = 0.0,
) -> Truth:
    """Experiment and fit.

    ``decay_times``: the window in units of T2*; ``beats``: in units of the beat. The fit starts from the strongest line
    of the spectrum; with ``expected_fringes`` it is a routine set up for so many, looking up to twice that.
    """
    window_us = float(np.exp(rng.uniform(np.log(5.0), np.log(40.0))))
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


def _oscillating(truth: Truth) -> bool:
    """At least half a fringe, larger than the noise."""
    return truth.fringes >= 0.5 and float(np.ptp(truth.population)) > 6.0 * truth.noise


def _sampled(truth: Truth) -> bool:
    """Nyquist's two points per fringe, with a margin."""
    return truth.samples_per_fringe > 2.5


def _captured(truth: Truth) -> bool:
    """The fringes lose more than half of their amplitude within the window."""
    return truth.left < 0.5


def _beating(truth: Truth) -> bool:
    """The envelope comes back by more than a tenth."""
    return _oscillating(truth) and truth.revival > 0.1


def _plain(truth: Truth) -> bool:
    """Fringes of one frequency, sampled and captured: what is left to ask is how many."""
    return _oscillating(truth) and _sampled(truth) and _captured(truth) and not _beating(truth)


def _draw_spectrum(truth: Truth, style: Style) -> Drawing:
    magnitude = np.abs(np.fft.rfft(truth.population - truth.population.mean()))[1:]
    frequency_mhz = np.fft.rfftfreq(len(truth.delay_us), d=1.0 / truth.sample_rate_mhz)[1:]
    axes = style.axes()
    style.curve(axes, frequency_mhz, magnitude, label="FFT magnitude", ink=style.data)
    axes.axvline(truth.fitted_mhz, color=style.fit.code, linestyle="--", label=f"Fitted: {truth.fitted_mhz:.3f} MHz")
    axes.set_xlim(0.0, float(frequency_mhz[-1]))
    style.dress(
        axes,
        title=str(style.rng.choice(["Ramsey frequency spectrum", "Spectrum of the Ramsey fringes"])),
        x_label="Frequency (MHz)",
        y_label=str(style.rng.choice(["FFT magnitude", "Magnitude (a.u.)"])),
    )
    marked = f"A dashed {style.fit.name} line marks the fitted frequency, {truth.fitted_mhz:.3f} MHz."
    features = (_peaks(truth, style), marked)
    return style.drawing(axes, plot_type=PlotType.LINE, features=features)


def _draw_fringes(truth: Truth, style: Style) -> Drawing:
    frequency, amplitude, t2_star, offset = truth.fit.values
    dense = np.linspace(0.0, truth.window_us, 1500)
    envelope = abs(amplitude) * np.exp(-dense / t2_star)
    axes = style.axes()
    style.points(axes, truth.delay_us, truth.population, label="Data")
    style.curve(axes, dense, truth.fit.at(dense), label=f"Fit: f = {abs(frequency):.3f} MHz, T2* = {t2_star:.1f} µs")
    for side, label in ((1.0, "Decay envelope"), (-1.0, "_")):
        axes.plot(dense, offset + side * envelope, ":", color=style.second.code, label=label)
    axes.set_ylim(-0.08, 1.08)
    style.dress(
        axes,
        title=str(style.rng.choice(["Ramsey fringes", "Ramsey: time domain"])),
        x_label=str(style.rng.choice(["Evolution time (µs)", "Delay [µs]", "Free evolution (µs)"])),
        y_label=str(style.rng.choice(["Population", "Excited-state population"])),
    )
    features = (
        f"{style.data.name.capitalize()} {style.marker_name} show the population up to {truth.window_us:.0f} µs.",
        f"A damped sinusoid is fitted as a {style.fit.name} curve, with its decay envelope dotted.",
        _fringe_pattern(truth),
    )
    return style.drawing(axes, plot_type=PlotType.SCATTER, features=features)


def _peaks(truth: Truth, style: Style) -> str:
    trace = f"A {style.data.name} line shows the spectrum of the fringes"
    if _beating(truth):
        return f"{trace}, with two close peaks near {truth.detuning_mhz:.2f} and {truth.second_mhz:.2f} MHz."
    return f"{trace}, with one dominant peak near {truth.detuning_mhz:.2f} MHz."


def _fringe_pattern(truth: Truth) -> str:
    if _beating(truth):
        return "The fringes swell and fade: their envelope vanishes nearly and comes back."
    if truth.fringes > MANY:
        return f"About {truth.fringes:.0f} fringes are crowded into the window, and the fitted curve misses them."
    return f"About {truth.fringes:.1f} fringes are visible, with an amplitude that decays."


def _parameters(truth: Truth) -> JSON:
    usable = _plain(truth) and FEW <= truth.fringes <= MANY
    return {
        "T2_star_us": round(truth.fitted_t2_star_us, 1) if usable else None,
        "detuning_MHz": round(truth.fitted_mhz, 3) if usable else None,
        "fringes_visible": int(truth.fringes),
    }


FAMILY: Family[Truth] = Family(
    name="ramsey_freq_cal",
    criteria={
        "SUCCESS": lambda truth: _plain(truth) and FEW <= truth.fringes <= MANY,
        "NO_DETUNING": lambda truth: not _oscillating(truth),
        "BEATING": _beating,
        "TOO_MANY_OSC": lambda truth: _plain(truth) and truth.fringes > MANY,
        "TOO_FEW_OSC": lambda truth: _plain(truth) and truth.fringes < FEW,
        "WINDOW_TOO_SHORT": lambda truth: (
            _oscillating(truth) and _sampled(truth) and not _captured(truth) and not _beating(truth)
        ),
        "SAMPLING_TOO_COARSE": lambda truth: _oscillating(truth) and not _sampled(truth) and not _beating(truth),
    },
    # Frequency and T2* are printed with the fit; without a legend the peak is read to half a bin (5% at ten fringes),
    # the envelope to a few hundredths (10% of T2*). Fringes are counted to one, at the ends of the window.
    field_rules={
        "T2_star_us": {"type": "pct", "tol_full": 0.1, "tol_half": 0.25},
        "detuning_MHz": {"type": "pct", "tol_full": 0.05, "tol_half": 0.15},
        "fringes_visible": {"type": "int_count", "tol_full": 1, "tol_half": 3},
    },
    draw=lambda truth, style: (_draw_spectrum(truth, style), _draw_fringes(truth, style)),
    parameters=_parameters,
    scenarios=(
        Scenario(
            name="ramsey_failure_freq_cal_beating",
            status="BEATING",
            outcome=Outcome.ANOMALOUS,
            assessment=Assessment.UNRELIABLE,
            simulate=partial(
                _simulate, fringes=(9, 14), samples_per_fringe=(9, 14), beats=(2.2, 3.2), decay_times=(0.8, 1.3)
            ),
        ),
        Scenario(
            name="ramsey_failure_freq_cal_too_few_osc",
            status="TOO_FEW_OSC",
            outcome=Outcome.SUBOPTIMAL,
            assessment=Assessment.UNRELIABLE,
            simulate=partial(_simulate, fringes=(1.1, 2.4), samples_per_fringe=(25, 40)),
        ),
        # like its sibling with too few: the qubit is fine and only detuning or window have to change
        Scenario(
            name="ramsey_failure_freq_cal_too_many_osc",
            status="TOO_MANY_OSC",
            outcome=Outcome.SUBOPTIMAL,
            assessment=Assessment.UNRELIABLE,
            simulate=partial(_simulate, fringes=(26, 42), samples_per_fringe=(4, 6), expected_fringes=6.0),
        ),
        Scenario(
            name="ramsey_success_freq_cal",
            status="SUCCESS",
            outcome=Outcome.EXPECTED,
            assessment=Assessment.RELIABLE,
            simulate=partial(_simulate, fringes=(4, 11), samples_per_fringe=(9, 16)),
        ),
    ),
)
