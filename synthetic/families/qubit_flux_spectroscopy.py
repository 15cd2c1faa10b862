"""Qubit flux spectroscopy: a map of the signal against flux bias and frequency; flux_spectroscopy.py simulates it."""

from __future__ import annotations

from functools import partial

import numpy as np
from matplotlib.axes import Axes
from numpy.random import Generator

from scoring.field_rules import UNRELIABLE
from scoring.reference import JSON
from synthetic.drawing.heatmap import curve_on_map, dress_map, heat_map, map_colours, points_on_map
from synthetic.drawing.style import BLACK, Drawing, PlotType, Style
from synthetic.drawing.usual_looks import TAB_BLUE, TAB_ORANGE, in_usual_look, is_usual
from synthetic.family import Assessment, Family, OutcomeLabel, Scenario
from synthetic.physics.flux_spectroscopy import Truth, simulate_arc, simulate_faint, simulate_without_line
from synthetic.physics.readout import Floats

Limits = tuple[float, float]


def _simulate_two_branches(rng: Generator) -> Truth:
    return simulate_arc(rng, second=str(rng.choice(["mode", "transition"])))


def _seen(truth: Truth) -> bool:
    """Return whether a line is clear in more than half of the columns."""
    return truth.seen_share > 0.5


def _tunable(truth: Truth) -> bool:
    """Return whether the line moves by more than its width."""
    return _seen(truth) and truth.course_ghz > truth.width_ghz


def _covered(truth: Truth) -> bool:
    """Return whether the top of the arc is inside the sweep, and the line inside the map in most columns."""
    return _tunable(truth) and truth.top_v in truth.bias_v[2:-2] and truth.seen_share > 0.6


def _tracked(truth: Truth) -> bool:
    """Return whether the fitted curve lies on the line in all but a tenth of the columns."""
    return truth.fit is not None and truth.astray < 0.1


def _failed(truth: Truth) -> bool:
    """Return whether a line is clear in a few columns at most, and the fitted curve misses most of the points."""
    return not _seen(truth) and truth.fit is not None and truth.stray_picks > 0.4 * len(truth.bias_v)


def _silent(truth: Truth) -> bool:
    """Return whether no line is clear in more than one column."""
    return int(truth.clear.sum()) < 2


def _nothing_recorded(truth: Truth) -> bool:
    """Return whether all cells have the same value, or none."""
    return len(np.unique(truth.cells)) == 1


def _draw(truth: Truth, style: Style) -> tuple[Drawing, ...]:
    usual = is_usual(style)
    colormap, (point_ink, fit_ink, outlier_ink) = map_colours(style, "Greens_r" if usual else style.colormap)
    axes = style.axes()
    heat_map(style, axes, truth.bias_v, truth.frequency_ghz, truth.cells, colormap=colormap)
    limits = axes.get_xlim(), axes.get_ylim()
    if truth.fit is not None:
        at_v = truth.bias_v if usual else np.linspace(truth.bias_v[0], truth.bias_v[-1], 400)
        curve = truth.fit.at(at_v)
        curve_on_map(style, axes, at_v, curve, ink=fit_ink, label="dispersion model fit", outlined=not usual)
    else:
        curve = truth.frequency_ghz
    for shown, ink, label in (
        (truth.clear & ~truth.outliers, point_ink, "qubit frequency"),
        (truth.outliers, outlier_ink, "outlier"),
    ):
        x_v, y_ghz, errors_ghz = truth.bias_v[shown], truth.picks_ghz[shown], truth.errors_ghz[shown]
        points_on_map(style, axes, x_v, y_ghz, ink=ink, label=label, errors=errors_ghz, outlined=not usual)
    _limit(truth, style, axes, limits, curve)
    dress_map(
        style,
        axes,
        title=f"QB{truth.qubit}"
        if usual
        else str(style.rng.choice(["Qubit flux spectroscopy", "Flux dispersion"])),
        x_label="Flux bias (V)" if usual else str(style.rng.choice(["Flux bias (V)", "Bias voltage [V]"])),
        y_label=str(
            style.rng.choice(
                ["Qubit frequency (GHz)"] if usual else ["Frequency (GHz)", "Qubit frequency [GHz]"]
            )
        ),
        legend_at="lower left" if usual else "lower center",
    )
    features = (
        "The signal is shown in colour against flux bias and frequency.",
        f"Bias runs to {truth.half_sweep_v:.2g} V either way, the measured frequency up to {truth.last_ghz:.2f} GHz.",
        _pattern(truth),
        _overlay(truth, point_ink.name, outlier_ink.name, fit_ink.name),
    )
    # the benchmark calls a map a scatter plot if stray points, and a curve that misses them, are spread over
    # it
    plot_type = PlotType.SCATTER if truth.fit is not None and _failed(truth) else PlotType.HEATMAP
    return (style.drawing(axes, plot_type=plot_type, features=features),)


def _limit(truth: Truth, style: Style, axes: Axes, limits: tuple[Limits, Limits], curve_ghz: Floats) -> None:
    """Set the limits to those of the map, with the frequency extended to the curve by up to 3/4 of the window."""
    room = 0.75 * (truth.last_ghz - truth.first_ghz)
    along_v, along_ghz = style.along(*limits)
    lowest, highest = (
        max(curve_ghz.min() - 0.04, along_ghz[0] - room),
        min(curve_ghz.max() + 0.04, along_ghz[1] + room),
    )
    in_ghz = (min(along_ghz[0], lowest), max(along_ghz[1], highest)) if truth.fit else along_ghz
    x_limits, y_limits = style.along(along_v, in_ghz)
    axes.set_xlim(*x_limits)
    axes.set_ylim(*y_limits)


def _overlay(truth: Truth, point_colour: str, outlier_colour: str, curve_colour: str) -> str:
    if _nothing_recorded(truth):
        return "No points are marked, and no fitted curve is shown."
    if truth.fit is None:
        return f"The {outlier_colour} points, all taken for outliers, are scattered at random, without a fitted curve."
    if _failed(truth):
        return (
            f"Most points are {outlier_colour} outliers, scattered at random; the fitted {curve_colour} curve misses "
            f"them and follows only the few {point_colour} ones."
        )
    course = "follows them" if _tracked(truth) else "misses many of them"
    return f"Line centres are marked in {point_colour}, and a fitted {curve_colour} curve {course}."


def _pattern(truth: Truth) -> str:
    if _nothing_recorded(truth):
        return "The map is blank: it holds no data."
    if _silent(truth):
        return "The map holds mottled noise without any line."
    if not _seen(truth):
        return (
            f"The map is mostly mottled noise; only a faint piece of a line near {truth.top_ghz:.2f} GHz and "
            f"{truth.top_v:.2f} V is visible."
        )
    if not _tunable(truth):
        return f"A line near {truth.level_ghz:.3f} GHz is flat over the whole sweep."
    if truth.lines > 1:
        return f"The arc consists of two separate branches, between {truth.bottom_ghz:.2f} and {truth.top_ghz:.2f} GHz."
    return (
        f"A line rises in frequency from about {truth.bottom_ghz:.2f} GHz to {truth.top_ghz:.2f} GHz near "
        f"{truth.top_v:.2f} V and falls again, as an arc."
    )


def _parameters(truth: Truth) -> JSON:
    """Return Q5's reference: the fitted top of the arc or the level of a flat line, and the number of lines if any."""
    if _silent(truth):
        return {"num_resonances": 0, "resonance_freq_GHz": UNRELIABLE}
    if not _seen(truth):
        return {"num_resonances": UNRELIABLE, "resonance_freq_GHz": UNRELIABLE}
    if not _tunable(truth):
        return {"num_resonances": truth.lines, "resonance_freq_GHz": round(truth.level_ghz, 3)}
    fitted = round(truth.fitted_ghz, 3) if _tracked(truth) else UNRELIABLE
    return {"num_resonances": truth.lines, "resonance_freq_GHz": fitted}


FAMILY: Family[Truth] = Family(
    name="qubit_flux_spectroscopy",
    criteria={
        "SUCCESS": lambda truth: _covered(truth) and _tracked(truth),
        "FIT_POOR": lambda truth: _covered(truth) and not _tracked(truth),
        "FIT_FAILED": lambda truth: not _silent(truth) and _failed(truth),
        "RANGE_TOO_NARROW": lambda truth: (
            not _silent(truth)
            and not _failed(truth)
            and (_tunable(truth) or not _seen(truth))
            and not _covered(truth)
        ),
        "NO_SIGNAL": _silent,
        "NOT_TUNABLE": lambda truth: _seen(truth) and not _tunable(truth),
    },
    # 0.1% are 4 to 6 MHz, less than a cell of the map, but a line that is many cells long can be read better.
    # 0.5% is the width of a line.
    field_rules={
        "num_resonances": {"type": "int_count", "tol_full": 0, "tol_half": 1},
        "resonance_freq_GHz": {"type": "pct", "tol_full": 0.001, "tol_half": 0.005},
    },
    draw=in_usual_look(_draw, size_px=(630, 445), inks=(TAB_BLUE, TAB_ORANGE, BLACK)),
    parameters=_parameters,
    scenarios=(
        Scenario(
            name="qubit_flux_spectroscopy_failure_bad_fit",
            status="FIT_POOR",
            outcome=OutcomeLabel.SUBOPTIMAL,
            assessment=Assessment.UNRELIABLE,
            simulate=_simulate_two_branches,
        ),
        Scenario(
            name="qubit_flux_spectroscopy_failure_fit_failed",
            status="FIT_FAILED",
            outcome=OutcomeLabel.SUBOPTIMAL,
            assessment=Assessment.UNRELIABLE,
            simulate=simulate_faint,
        ),
        # the apparatus recorded nothing; without a line there is nothing to fit, as in res_spec
        Scenario(
            name="qubit_flux_spectroscopy_failure_no_data",
            status="NO_SIGNAL",
            outcome=OutcomeLabel.APPARATUS,
            assessment=Assessment.NO_FIT,
            simulate=partial(simulate_without_line, recorded=False),
            telling=_nothing_recorded,
        ),
        # as in qubit_spectroscopy_failure_no_peaks the qubit has to be found first; no fit, as in res_spec
        Scenario(
            name="qubit_flux_spectroscopy_failure_no_response",
            status="NO_SIGNAL",
            outcome=OutcomeLabel.ANOMALOUS,
            assessment=Assessment.NO_FIT,
            simulate=partial(simulate_without_line, recorded=True),
            telling=lambda truth: not _nothing_recorded(truth),
        ),
        # no sweep setting would make the line move: flux line or device; a flat line determines neither
        # period nor top
        Scenario(
            name="qubit_flux_spectroscopy_failure_not_tunable",
            status="NOT_TUNABLE",
            outcome=OutcomeLabel.ANOMALOUS,
            assessment=Assessment.UNRELIABLE,
            simulate=partial(simulate_arc, drop=(0.001, 0.012), place=(0.2, 0.9)),
        ),
        Scenario(
            name="qubit_flux_spectroscopy_success",
            status="SUCCESS",
            outcome=OutcomeLabel.EXPECTED,
            assessment=Assessment.RELIABLE,
            simulate=simulate_arc,
        ),
    ),
)
