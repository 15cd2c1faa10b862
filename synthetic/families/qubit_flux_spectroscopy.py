"""Qubit flux spectroscopy: a map of the signal against flux bias and frequency; flux_spectroscopy.py simulates it."""

from __future__ import annotations

from functools import partial

import numpy as np

from scoring.reference import JSON
from synthetic.drawing.heatmap import curve_on_map, dress_map, heat_map, map_colours, points_on_map
from synthetic.drawing.style import Drawing, PlotType, Style
from synthetic.family import Assessment, Family, Outcome, Scenario
from synthetic.physics.flux_spectroscopy import Truth, simulate_arc, simulate_without_line


def _visible(truth: Truth) -> bool:
    """A line is found in more than half of the columns."""
    return 2 * len(truth.found) > len(truth.bias_v)


def _tunable(truth: Truth) -> bool:
    """The line moves by more than its width."""
    return _visible(truth) and truth.top_ghz - truth.bottom_ghz > truth.width_ghz


def _covered(truth: Truth) -> bool:
    """The top of the arc is inside of the sweep, and the line inside of the map in nine columns out of ten."""
    return _tunable(truth) and truth.top_v in truth.bias_v[2:-2] and len(truth.found) > 0.9 * len(truth.bias_v)


def _related(truth: Truth) -> bool:
    """The fitted curve explains a fifth of the line's course, or more."""
    return truth.fit is not None and truth.fit.r_squared > 0.2


def _tracked(truth: Truth) -> bool:
    """The fitted curve lies on the line, but for a column in ten."""
    return _related(truth) and truth.astray < 0.1


def _nothing_recorded(truth: Truth) -> bool:
    """All cells have one value, or none."""
    return len(np.unique(truth.cells)) == 1


def _draw(truth: Truth, style: Style) -> tuple[Drawing, ...]:
    usual = "Greens_r" if style.rng.random() < 0.3 else style.colormap
    colormap, (point_ink, fit_ink, _) = map_colours(style, usual)
    axes = style.axes()
    heat_map(style, axes, truth.bias_v, truth.frequency_ghz, truth.cells, colormap=colormap)
    limits = axes.get_xlim(), axes.get_ylim()
    if _visible(truth):
        points_on_map(
            style, axes, truth.bias_v, truth.centres_ghz, ink=point_ink, label="line centre", errors=truth.errors_ghz
        )
    if truth.fit is not None:
        dense_v = np.linspace(truth.bias_v[0], truth.bias_v[-1], 400)
        curve_on_map(style, axes, dense_v, truth.fit.at(dense_v), ink=fit_ink, label="dispersion fit")
    axes.set_xlim(*limits[0])
    axes.set_ylim(*limits[1])
    dress_map(
        style,
        axes,
        title=str(style.rng.choice(["Qubit flux spectroscopy", "Flux dispersion", "Q3 frequency vs flux"])),
        x_label=str(style.rng.choice(["Flux bias (V)", "Bias voltage [V]", "Flux line voltage (V)"])),
        y_label=str(style.rng.choice(["Frequency (GHz)", "Qubit frequency [GHz]", "Drive frequency (GHz)"])),
    )
    overlay = f"Line centres are marked in {point_ink.name}" if _visible(truth) else "No line centres are marked"
    curve = f", and a {fit_ink.name} curve is fitted." if truth.fit else ", and no fitted curve is shown."
    features = (
        "The signal is shown in colour against flux bias and frequency.",
        f"The bias runs to {truth.half_sweep_v} V either way, the frequency up to {truth.last_ghz:.2f} GHz.",
        _pattern(truth),
        overlay + curve,
    )
    return (style.drawing(axes, plot_type=PlotType.HEATMAP, features=features),)


def _pattern(truth: Truth) -> str:
    if _nothing_recorded(truth):
        return "The map is blank: it holds no data."
    if not _visible(truth):
        return "The map holds noise without any line."
    second = " A weaker copy of it runs at lower frequencies." if truth.lines > 1 else ""
    if not _tunable(truth):
        return f"A line near {truth.level_ghz:.3f} GHz is flat over the whole sweep.{second}"
    return (
        f"A line rises in frequency from about {truth.bottom_ghz:.2f} GHz to {truth.top_ghz:.2f} GHz near "
        f"{truth.top_v:.2f} V and falls again, as an arc.{second}"
    )


def _parameters(truth: Truth) -> JSON:
    """The fitted top of the arc; where no fit follows the line, its top in the map, or its level if it is flat."""
    if not _visible(truth):
        return {"num_resonances": 0, "resonance_freq_GHz": None}
    seen_ghz = truth.top_ghz if _tunable(truth) else truth.level_ghz
    highest_ghz = truth.fitted_ghz if _covered(truth) and _tracked(truth) else seen_ghz
    return {"num_resonances": truth.lines, "resonance_freq_GHz": round(highest_ghz, 4)}


FAMILY: Family[Truth] = Family(
    name="qubit_flux_spectroscopy",
    criteria={
        "SUCCESS": lambda truth: _covered(truth) and _tracked(truth),
        "FIT_POOR": lambda truth: _covered(truth) and _related(truth) and not _tracked(truth),
        "FIT_FAILED": lambda truth: _covered(truth) and not _related(truth),
        "RANGE_TOO_NARROW": lambda truth: _tunable(truth) and not _covered(truth),
        "NO_SIGNAL": lambda truth: not _visible(truth),
        "NOT_TUNABLE": lambda truth: _visible(truth) and not _tunable(truth),
    },
    # 0.1% are 4 to 6 MHz, less than a cell of the map: lines, many cells long, are read better than that. 0.5% is the
    # width of a line.
    field_rules={
        "num_resonances": {"type": "int_count", "tol_full": 0, "tol_half": 1},
        "resonance_freq_GHz": {"type": "pct", "tol_full": 0.001, "tol_half": 0.005},
    },
    draw=_draw,
    parameters=_parameters,
    scenarios=(
        Scenario(
            name="qubit_flux_spectroscopy_failure_bad_fit",
            status="FIT_POOR",
            outcome=Outcome.SUBOPTIMAL,
            assessment=Assessment.UNRELIABLE,
            simulate=partial(simulate_arc, kept_period=((0.79, 0.84), (1.35, 1.6))),
        ),
        Scenario(
            name="qubit_flux_spectroscopy_failure_fit_failed",
            status="FIT_FAILED",
            outcome=Outcome.SUBOPTIMAL,
            assessment=Assessment.UNRELIABLE,
            simulate=partial(simulate_arc, guessed_sweeps=(0.12, 0.22)),
        ),
        # nothing was recorded, by the apparatus; without a line there is nothing to fit, as in res_spec
        Scenario(
            name="qubit_flux_spectroscopy_failure_no_data",
            status="NO_SIGNAL",
            outcome=Outcome.APPARATUS,
            assessment=Assessment.NO_FIT,
            simulate=partial(simulate_without_line, recorded=False),
            telling=_nothing_recorded,
        ),
        # as in qubit_spectroscopy_failure_no_peaks the qubit has to be found first; no fit, as in res_spec
        Scenario(
            name="qubit_flux_spectroscopy_failure_no_response",
            status="NO_SIGNAL",
            outcome=Outcome.ANOMALOUS,
            assessment=Assessment.NO_FIT,
            simulate=partial(simulate_without_line, recorded=True),
            telling=lambda truth: not _nothing_recorded(truth),
        ),
        # no setting of the sweep makes the line move: flux line or device; a flat line fixes neither period nor top
        Scenario(
            name="qubit_flux_spectroscopy_failure_not_tunable",
            status="NOT_TUNABLE",
            outcome=Outcome.ANOMALOUS,
            assessment=Assessment.UNRELIABLE,
            simulate=partial(simulate_arc, periods=(0.004, 0.012)),
        ),
        Scenario(
            name="qubit_flux_spectroscopy_success",
            status="SUCCESS",
            outcome=Outcome.EXPECTED,
            assessment=Assessment.RELIABLE,
            simulate=simulate_arc,
        ),
    ),
)
