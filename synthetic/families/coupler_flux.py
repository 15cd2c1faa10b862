"""Coupler flux spectroscopy: two qubits' maps against the coupler's bias; coupler_spectroscopy.py simulates them."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np
from matplotlib.axes import Axes

from scoring.reference import JSON
from synthetic.drawing.heatmap import (
    LegendPlace,
    OverlayInks,
    curve_on_map,
    dress_map,
    heat_map,
    map_colours,
    points_on_map,
)
from synthetic.drawing.style import BLACK, Drawing, PlotType, Style
from synthetic.drawing.usual_looks import TAB_BLUE, TAB_ORANGE, in_usual_look, is_usual
from synthetic.family import Assessment, Family, OutcomeLabel, Scenario
from synthetic.physics.coupler_spectroscopy import Panel, Truth, simulate


def _tracked(truth: Truth) -> bool:
    """Return whether both fitted curves lie on the line in all but a tenth of the columns."""
    return truth.astray < 0.1


def _draw(truth: Truth, style: Style) -> tuple[Drawing, ...]:
    usual = is_usual(style)
    colormap, inks = map_colours(style, "Greens_r" if usual else style.colormap)
    both = style.panels(2, width=1.0 if usual else 1.7)
    legend_at: LegendPlace = "upper left" if style.rng.random() < 0.5 else "lower center"
    x_label = f"{truth.coupler_name} bias voltage (V)"
    if not usual:
        x_label = str(style.rng.choice([x_label, "Coupler bias (V)", "Coupler flux bias [V]"]))
    y_label = (
        "Frequency (GHz)" if usual else str(style.rng.choice(["Frequency (GHz)", "Qubit frequency [GHz]"]))
    )
    point_ink, fit_ink, outlier_ink = inks
    sides = ((fit_ink, fit_ink, outlier_ink), (point_ink, point_ink, outlier_ink)) if usual else (inks, inks)
    for axes, panel, number, side in zip(both, truth.panels, truth.qubits, sides, strict=True):
        _draw_panel(axes, truth, panel, style, colormap, side, name=f"QB{number}")
        title = "" if usual else f"QB{number} and {truth.coupler_name}"
        dress_map(style, axes, title=title, x_label=x_label, y_label=y_label, legend_at=legend_at)
    features = (
        "Two maps, one for each qubit, show the signal against coupler bias and frequency, side by side.",
        f"The line of each qubit has {truth.branches} branches, separated by avoided crossings near {truth.crossings}.",
        f"The lines lie near {truth.levels}, in the left and in the right map.",
        _pattern(truth, *(f"{points.name} points" for points, _, _ in sides)),
    )
    return (style.drawing(both[0], plot_type=PlotType.HEATMAP, features=features),)


def _draw_panel(
    axes: Axes, truth: Truth, panel: Panel, style: Style, colormap: str, inks: OverlayInks, *, name: str
) -> None:
    point_ink, fit_ink, outlier_ink = inks
    usual = is_usual(style)
    dots = replace(style, marker=".", marker_size=7.0) if usual else style
    heat_map(style, axes, truth.bias_v, panel.frequency_ghz, panel.cells, colormap=colormap)
    limits = axes.get_xlim(), axes.get_ylim()
    dense_v = np.linspace(truth.bias_v[0], truth.bias_v[-1], 800)
    coupler_ghz = truth.coupler.ghz(dense_v, panel.fitted_spot_v, panel.fitted_period_v)
    outlined = not usual
    coupler_label = f"{truth.coupler_name} frequency"
    curve_on_map(
        style,
        axes,
        dense_v,
        coupler_ghz,
        ink=outlier_ink,
        label=coupler_label,
        dashed=True,
        outlined=outlined,
    )
    outlying = np.isfinite(panel.centres_ghz) & ~panel.usable
    for shown, ink, label in (
        (outlying, outlier_ink, "outlier"),
        (panel.usable, point_ink, f"{name} frequency"),
    ):
        x_v, y_ghz, errors_ghz = truth.bias_v[shown], panel.centres_ghz[shown], panel.errors_ghz[shown]
        points_on_map(dots, axes, x_v, y_ghz, ink=ink, label=label, errors=errors_ghz, outlined=outlined)
    at_v = truth.bias_v if usual else dense_v
    curve_on_map(style, axes, at_v, panel.fit.at(at_v), ink=fit_ink, label=None, outlined=outlined)
    axes.set_xlim(*limits[0])
    axes.set_ylim(*limits[1])


def _pattern(truth: Truth, left: str, right: str) -> str:
    """Describe points and curves; ``left`` and ``right`` say how each panel's points look."""
    where = left if left == right else f"{left} on the left and {right} on the right"
    course = "follows them" if _tracked(truth) else "misses them over wide ranges of the bias"
    return f"Line centres are marked by {where}, with a fitted curve that {course}."


def _parameters(truth: Truth) -> JSON:
    """Return the values of the lines, whether fitted curves follow them or not."""
    left, right = truth.panels
    return {
        "crossing_voltages_V": [round(voltage, 2) for voltage in truth.crossings_v],
        "left_fig_branch_freqs_GHz": [round(ghz, 3) for ghz in truth.plateaus_ghz(left)],
        "right_fig_branch_freqs_GHz": [round(ghz, 3) for ghz in truth.plateaus_ghz(right)],
    }


FAMILY: Family[Truth] = Family(
    name="coupler_flux",
    criteria={
        "SUCCESS": _tracked,
        "FIT_POOR": lambda truth: not _tracked(truth),
    },
    # 10% of a crossing's bias are two columns of the map or more; the two qubits' crossings differ by less.
    # 0.1% of a frequency are three cells of the map, and at most half of what separates neighbouring
    # plateaus.
    field_rules={
        "crossing_voltages_V": {"type": "array_float_match", "tol_full": 0.1},
        "left_fig_branch_freqs_GHz": {"type": "array_float_match", "tol_full": 0.001},
        "right_fig_branch_freqs_GHz": {"type": "array_float_match", "tol_full": 0.001},
    },
    draw=in_usual_look(_draw, size_px=(1167, 432), inks=(TAB_BLUE, TAB_ORANGE, BLACK)),
    parameters=_parameters,
    scenarios=(
        Scenario(
            name="coupler_flux_failure_bad_fit",
            status="FIT_POOR",
            outcome=OutcomeLabel.SUBOPTIMAL,
            assessment=Assessment.UNRELIABLE,
            simulate=partial(simulate, kept=True),
        ),
        Scenario(
            name="coupler_flux_success",
            status="SUCCESS",
            outcome=OutcomeLabel.EXPECTED,
            assessment=Assessment.RELIABLE,
            simulate=simulate,
        ),
    ),
)
