"""Coupler flux spectroscopy: two qubits' maps against the coupler's bias; coupler_spectroscopy.py simulates them."""

from __future__ import annotations

from functools import partial

import numpy as np
from matplotlib.axes import Axes

from scoring.field_rules import UNRELIABLE
from scoring.reference import JSON
from synthetic.drawing.heatmap import OverlayInks, curve_on_map, dress_map, heat_map, map_colours, points_on_map
from synthetic.drawing.style import Drawing, PlotType, Style
from synthetic.family import Assessment, Family, Outcome, Scenario
from synthetic.physics.coupler_spectroscopy import Panel, Truth, simulate


def _tracked(truth: Truth) -> bool:
    """Both fitted curves lie on the line, but for a column in ten."""
    return truth.astray < 0.1


def _draw(truth: Truth, style: Style) -> tuple[Drawing, ...]:
    usual = "Greens_r" if style.rng.random() < 0.3 else style.colormap
    colormap, inks = map_colours(style, usual)
    point_ink, fit_ink, _ = inks
    names = style.rng.choice([["QB1", "QB2"], ["Q4", "Q7"], ["Qubit A", "Qubit B"]])
    x_label = str(style.rng.choice(["Coupler bias (V)", "Coupler flux bias [V]", "Bias voltage of coupler (V)"]))
    y_label = str(style.rng.choice(["Frequency (GHz)", "Qubit frequency [GHz]", "Drive frequency (GHz)"]))
    both = style.panels(2, width=1.7)
    for axes, panel, name in zip(both, truth.panels, names, strict=True):
        _draw_panel(axes, truth, panel, style, colormap, inks)
        dress_map(style, axes, title=f"{name} and coupler", x_label=x_label, y_label=y_label)
    left, right = truth.panels
    features = (
        "Two maps stand side by side, one for each qubit, of the signal against coupler bias and frequency.",
        f"The line of each qubit consists of three branches, separated by avoided crossings near {truth.crossings}.",
        f"The line lies near {left.qubit_ghz:.2f} GHz in the left map and {right.qubit_ghz:.2f} GHz in the right one.",
        _pattern(truth, point_ink.name, fit_ink.name),
    )
    return (style.drawing(both[0], plot_type=PlotType.HEATMAP, features=features),)


def _draw_panel(axes: Axes, truth: Truth, panel: Panel, style: Style, colormap: str, inks: OverlayInks) -> None:
    point_ink, fit_ink, outlier_ink = inks
    heat_map(style, axes, truth.bias_v, panel.frequency_ghz, panel.cells, colormap=colormap)
    limits = axes.get_xlim(), axes.get_ylim()
    outlying = np.isfinite(panel.centres_ghz) & ~panel.usable
    for shown, ink, label in ((panel.usable, point_ink, "line centre"), (outlying, outlier_ink, "outlier")):
        if shown.any():
            x_v, y_ghz, errors_ghz = truth.bias_v[shown], panel.centres_ghz[shown], panel.errors_ghz[shown]
            points_on_map(style, axes, x_v, y_ghz, ink=ink, label=label, errors=errors_ghz)
    dense_v = np.linspace(truth.bias_v[0], truth.bias_v[-1], 800)
    curve_on_map(style, axes, dense_v, panel.fit.at(dense_v), ink=fit_ink, label="fit")
    coupler_ghz = truth.coupler.ghz(dense_v, panel.fitted_spot_v, panel.fitted_period_v)
    curve_on_map(style, axes, dense_v, coupler_ghz, ink=outlier_ink, label="coupler", dashed=True)
    axes.set_xlim(*limits[0])
    axes.set_ylim(*limits[1])


def _pattern(truth: Truth, point_colour: str, fit_colour: str) -> str:
    course = "follows them" if _tracked(truth) else "is shifted against them along the bias axis"
    return f"Line centres are marked in {point_colour}, and a fitted {fit_colour} curve {course}."


def _parameters(truth: Truth) -> JSON:
    left, right = truth.panels
    return {
        "crossing_voltages_V": [round(voltage, 2) for voltage in truth.crossings_v],
        "left_fig_branch_freqs_GHz": _plateaus(truth, left),
        "right_fig_branch_freqs_GHz": _plateaus(truth, right),
    }


def _plateaus(truth: Truth, panel: Panel) -> JSON:
    return [round(ghz, 4) for ghz in truth.plateaus_ghz(panel)] if _tracked(truth) else UNRELIABLE


FAMILY: Family[Truth] = Family(
    name="coupler_flux",
    criteria={
        "SUCCESS": _tracked,
        "FIT_POOR": lambda truth: not _tracked(truth),
    },
    # 10% of a crossing's bias are two columns of the map or more; the two qubits' crossings differ by less. 0.1% of a
    # frequency are three cells of the map, and at most half of what separates neighbouring plateaus.
    field_rules={
        "crossing_voltages_V": {"type": "array_float_match", "tol_full": 0.1},
        "left_fig_branch_freqs_GHz": {"type": "array_float_match", "tol_full": 0.001},
        "right_fig_branch_freqs_GHz": {"type": "array_float_match", "tol_full": 0.001},
    },
    draw=_draw,
    parameters=_parameters,
    scenarios=(
        Scenario(
            name="coupler_flux_failure_bad_fit",
            status="FIT_POOR",
            outcome=Outcome.SUBOPTIMAL,
            assessment=Assessment.UNRELIABLE,
            simulate=partial(simulate, kept_offset=(0.15, 0.25)),
        ),
        Scenario(
            name="coupler_flux_success",
            status="SUCCESS",
            outcome=Outcome.EXPECTED,
            assessment=Assessment.RELIABLE,
            simulate=simulate,
        ),
    ),
)
