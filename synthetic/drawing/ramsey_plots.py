"""Draw a Ramsey experiment (synthetic/physics/ramsey.py): its spectrum, then its fringes in time."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from synthetic.drawing.style import Drawing, PlotType, Style
from synthetic.drawing.trace_looks import in_trace_look
from synthetic.physics.ramsey import Truth
from synthetic.physics.ramsey_statuses import beating, captured, dense, oscillating, sampled

SPECTRUM_TITLES = ("Ramsey Frequency Spectrum", "Ramsey Frequency Spectrum", "Spectrum of the Ramsey fringes")
FRINGES_TITLES = ("Ramsey Fringes - Time Domain", "Ramsey Fringes - Time Domain", "Ramsey fringes")


def _draw(truth: Truth, style: Style) -> tuple[Drawing, ...]:
    return _draw_spectrum(truth, style), _draw_fringes(truth, style)


draw = in_trace_look(_draw, font_size=12.0, marker_size=5.0)
"""Draw spectrum and time trace."""


def _draw_spectrum(truth: Truth, style: Style) -> Drawing:
    frequency_mhz, magnitude = truth.spectrum
    axes = style.axes()
    thin = replace(style, line_width=1.5)
    thin.curve(axes, frequency_mhz, magnitude, label="FFT Magnitude", ink=style.data)
    axes.axvline(
        truth.fitted_mhz,
        color=style.fit.code,
        linestyle="--",
        linewidth=style.line_width,
        label=f"Fitted: {truth.fitted_mhz:.3f} MHz",
    )
    axes.set_xlim(0.0, float(frequency_mhz[-1]))
    axes.tick_params(labelsize="small")
    style.dress(
        axes,
        title=str(style.rng.choice(SPECTRUM_TITLES)),
        x_label="Frequency (MHz)",
        y_label=str(style.rng.choice(["FFT Magnitude", "FFT Magnitude", "Magnitude (a.u.)"])),
    )
    features = (_peaks(truth, style), _mark(truth, style))
    return style.drawing(axes, plot_type=PlotType.LINE, features=features)


def _draw_fringes(truth: Truth, style: Style) -> Drawing:
    frequency, amplitude, t2_star, offset = truth.fit.values
    dense_us = np.linspace(0.0, truth.window_us, 2000)
    envelope = abs(amplitude) * np.exp(-dense_us / t2_star)
    axes = style.axes()
    style.points(axes, truth.delay_us, truth.population, label="Data")
    style.curve(
        axes,
        dense_us,
        truth.fit.at(dense_us),
        label=f"Fit: f = {abs(frequency):.3f} MHz, T2* = {t2_star:.1f} µs",
    )
    for side, label in ((1.0, "Decay Envelope"), (-1.0, "_")):
        axes.plot(dense_us, offset + side * envelope, "--", color=style.second.code, label=label)
    axes.tick_params(labelsize="small")
    style.dress(
        axes,
        title=str(style.rng.choice(FRINGES_TITLES)),
        x_label=str(style.rng.choice(["Evolution Time (µs)", "Evolution Time (µs)", "Delay (µs)"])),
        y_label=str(style.rng.choice(["Population", "Population", "Excited-state population"])),
    )
    features = (
        f"{style.data.name.capitalize()} {style.marker_name} show the population up to {truth.window_us:.0f} µs.",
        f"The {style.fit.name} curve is a fitted damped sinusoid, with its envelope dashed in {style.second.name}.",
        _fringe_pattern(truth),
    )
    return style.drawing(axes, plot_type=PlotType.SCATTER, features=features)


def _mark(truth: Truth, style: Style) -> str:
    if truth.fitted_mhz > truth.nyquist_mhz:
        return f"The fitted frequency, {truth.fitted_mhz:.3f} MHz, lies beyond the axis, so its line is not visible."
    edge = ", at the left edge of the axis" if truth.fitted_mhz < 0.5 / truth.window_us else ""
    return f"A dashed {style.fit.name} line marks the fitted frequency, {truth.fitted_mhz:.3f} MHz{edge}."


def _peaks(truth: Truth, style: Style) -> str:
    trace = f"A {style.data.name} line shows the spectrum of the fringes"
    if not oscillating(truth):
        return f"{trace}, highest at its low-frequency end and without a separate peak."
    if beating(truth):
        return f"{trace}, with two close peaks near {truth.detuning_mhz:.2g} and {truth.second_mhz:.2g} MHz."
    if not sampled(truth):
        return f"{trace}, noisy and without a sharp line, rising towards the upper end of the axis."
    return f"{trace}, with one dominant peak near {truth.detuning_mhz:.3g} MHz."


def _fringe_pattern(truth: Truth) -> str:
    if not oscillating(truth):
        return "The population falls smoothly and does not oscillate."
    if beating(truth):
        return "The fringes swell and fade: their envelope nearly vanishes and comes back."
    if not sampled(truth):
        return "Only the first few points differ from the flat tail near 0.5 on which all others lie."
    if not dense(truth):
        return f"About {truth.fringes:.0f} fringes are crowded into the window, and the fitted curve misses them."
    if not captured(truth):
        return f"About {truth.fringes:.1f} fringes are visible, whose amplitude hardly decays up to the last delay."
    return f"About {truth.visible_fringes} fringes are visible, with an amplitude that decays."
