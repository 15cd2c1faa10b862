"""How a Ramsey experiment (synthetic/physics/ramsey.py) is drawn: its spectrum, then its fringes in time."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from synthetic.drawing.style import Drawing, PlotType, Style
from synthetic.physics.ramsey import MANY, Truth, beating, captured, oscillating, sampled


def draw(truth: Truth, style: Style, *, titles: Mapping[str, tuple[str, ...]]) -> tuple[Drawing, ...]:
    """Spectrum and time trace, under one of the ``titles`` for "spectrum" and "fringes"."""
    return _draw_spectrum(truth, style, titles["spectrum"]), _draw_fringes(truth, style, titles["fringes"])


def _draw_spectrum(truth: Truth, style: Style, titles: tuple[str, ...]) -> Drawing:
    magnitude = np.abs(np.fft.rfft(truth.population - truth.population.mean()))[1:]
    frequency_mhz = np.fft.rfftfreq(len(truth.delay_us), d=1.0 / truth.sample_rate_mhz)[1:]
    axes = style.axes()
    style.curve(axes, frequency_mhz, magnitude, label="FFT magnitude", ink=style.data)
    axes.axvline(truth.fitted_mhz, color=style.fit.code, linestyle="--", label=f"Fitted: {truth.fitted_mhz:.3f} MHz")
    axes.set_xlim(0.0, float(frequency_mhz[-1]))
    style.dress(
        axes,
        title=str(style.rng.choice(titles)),
        x_label="Frequency (MHz)",
        y_label=str(style.rng.choice(["FFT magnitude", "Magnitude (a.u.)"])),
    )
    edge = ", at the left edge of the axis" if truth.fitted_mhz < 0.5 / truth.window_us else ""
    marked = f"A dashed {style.fit.name} line marks the fitted frequency, {truth.fitted_mhz:.3f} MHz{edge}."
    features = (_peaks(truth, style), marked)
    return style.drawing(axes, plot_type=PlotType.LINE, features=features)


def _draw_fringes(truth: Truth, style: Style, titles: tuple[str, ...]) -> Drawing:
    frequency, amplitude, t2_star, offset = truth.fit.values
    dense = np.linspace(0.0, truth.window_us, 1500)
    envelope = abs(amplitude) * np.exp(-dense / t2_star)
    axes = style.axes()
    style.points(axes, truth.delay_us, truth.population, label="Data")
    style.curve(axes, dense, truth.fit.at(dense), label=f"Fit: f = {abs(frequency):.3f} MHz, T2* = {t2_star:.1f} µs")
    for side, label in ((1.0, "Decay envelope"), (-1.0, "_")):
        axes.plot(dense, offset + side * envelope, ":", color=style.second.code, label=label)
    axes.set_ylim(-0.08, 1.45 if style.has_legend else 1.08)  # the legend stands above the data
    style.dress(
        axes,
        title=str(style.rng.choice(titles)),
        x_label=str(style.rng.choice(["Evolution time (µs)", "Delay [µs]", "Free evolution (µs)"])),
        y_label=str(style.rng.choice(["Population", "Excited-state population"])),
    )
    features = (
        f"{style.data.name.capitalize()} {style.marker_name} show the population up to {truth.window_us:.0f} µs.",
        f"The {style.fit.name} curve is a fitted damped sinusoid, with its decay envelope dotted.",
        _fringe_pattern(truth),
    )
    return style.drawing(axes, plot_type=PlotType.SCATTER, features=features)


def _peaks(truth: Truth, style: Style) -> str:
    trace = f"A {style.data.name} line shows the spectrum of the fringes"
    if not oscillating(truth):
        return f"{trace}, highest at its low-frequency end and without a separate peak."
    if beating(truth):
        return f"{trace}, with two close peaks near {truth.detuning_mhz:.2f} and {truth.second_mhz:.2f} MHz."
    if not sampled(truth):
        return f"{trace}, with one peak near {truth.apparent_mhz:.2f} MHz, close to the upper end of the axis."
    return f"{trace}, with one dominant peak near {truth.detuning_mhz:.2f} MHz."


def _fringe_pattern(truth: Truth) -> str:
    if not oscillating(truth):
        return "The population falls smoothly and does not oscillate."
    if beating(truth):
        return "The fringes swell and fade: their envelope vanishes nearly and comes back."
    if not sampled(truth):
        return "Neighbouring points jump up and down: hardly more than two of them fall into a fringe."
    if not captured(truth):
        return f"About {truth.fringes:.1f} fringes are visible, whose amplitude hardly decays up to the last delay."
    if truth.fringes > MANY:
        return f"About {truth.fringes:.0f} fringes are crowded into the window, and the fitted curve misses them."
    return f"About {truth.fringes:.1f} fringes are visible, with an amplitude that decays."
