"""Qubit spectroscopy in two dimensions: the readout signal against the frequency and the amplitude of the drive.

``synthetic/physics/power_spectroscopy.py`` simulates it.
"""

from __future__ import annotations

from functools import partial

from matplotlib.axes import Axes

from scoring.reference import JSON
from synthetic.drawing.heatmap import dress_map, heat_map, map_colours
from synthetic.drawing.style import Drawing, PlotType, Style
from synthetic.drawing.usual_looks import in_plotly_look, plotly_axes, plotly_labels, plotly_map
from synthetic.family import Assessment, Family, OutcomeLabel, Scenario
from synthetic.physics.power_spectroscopy import Truth, simulate
from synthetic.physics.readout import Floats

BROAD = 0.14
"""A line wider than this share of the frequency window is broad."""


def _visible(truth: Truth) -> bool:
    return truth.lines > 0


def _sharp(truth: Truth) -> bool:
    """Return whether the weakest drive that shows the line does not yet broaden it."""
    return _visible(truth) and truth.widths_mhz[0] < BROAD * truth.window_mhz


def _broadened(truth: Truth) -> bool:
    return truth.broadest_mhz > BROAD * truth.window_mhz


def _draw(truth: Truth, style: Style, *, plotly: bool) -> tuple[Drawing, ...]:
    frequency = f"The frequency runs from about {truth.frequency_mhz[0]:.0f} to {truth.end_mhz:.0f} MHz."
    seen = "no line either" if not _visible(truth) else "a change at the same frequencies"
    features = (
        (
            "The colour shows the magnitude of the readout against frequency and drive amplitude.",
            frequency,
            _pattern(truth),
        ),
        (f"The phase of the readout is mapped over the same ranges and shows {seen}.",),
    )
    in_ghz = not plotly and bool(style.rng.random() < 0.4)
    maps = (("magnitude", truth.magnitude, "viridis"), ("phase", truth.phase_rad, "RdBu"))
    return tuple(
        style.drawing(
            _map(truth, style, quantity, in_ghz=in_ghz, plotly=plotly),
            plot_type=PlotType.HEATMAP,
            features=texts,
        )
        for quantity, texts in zip(maps, features, strict=True)
    )


def _map(
    truth: Truth, style: Style, quantity: tuple[str, Floats, str], *, in_ghz: bool, plotly: bool
) -> Axes:
    """Draw one map and return its axes."""
    name, values, usual_colormap = quantity
    scale, unit = (1e-3, "GHz") if in_ghz else (1.0, "MHz")
    x, y = truth.frequency_mhz * scale, truth.drive_au
    x_label, y_label = f"Frequency [{unit}]", "Qubit driving amplitude [a.u.]"
    colormap, _ = map_colours(style, usual_colormap if plotly else style.colormap)
    label = name.capitalize()
    if plotly:
        axes = plotly_axes(style, title=f"Qubit spectroscopy {name} sweep", has_bar=True)
        plotly_map(style, axes, x, y, values, colormap=colormap, label=label)
        x_label, y_label = style.along(x_label, y_label)
        plotly_labels(axes, x_label=x_label, y_label=y_label)
        return axes
    axes = style.axes()
    heat_map(style, axes, x, y, values, colormap=colormap, label=label)
    dress_map(style, axes, title=f"Power spectroscopy: {name}", x_label=x_label, y_label=y_label)
    return axes


def _pattern(truth: Truth) -> str:
    if not _visible(truth):
        return "The map is noise without any line."
    second = f", and a second line near {truth.half_mhz:.0f} MHz" if truth.lines > 1 else ""
    if not _sharp(truth):
        return (
            f"There is a broad, washed-out band near {truth.f01_mhz:.0f} MHz already under the weakest "
            f"drive{second}."
        )
    growth = "broadens clearly with the drive" if _broadened(truth) else "stays narrow at all amplitudes"
    return f"There is a line near {truth.f01_mhz:.0f} MHz, which {growth}{second}."


def _parameters(truth: Truth) -> JSON:
    sharp = _sharp(truth)
    return {
        "f01_MHz": round(truth.f01_mhz, 1) if _visible(truth) else None,
        "transitions_visible": ("none", "f01_only", "f01_f02half")[min(truth.lines, 2)],
        "power_regime": "optimal" if sharp else "high" if _visible(truth) else "none",
        "measurement_usable": sharp,
    }


# the two-photon line is outside of the window, or well inside of it
_simulate_f01 = partial(simulate, anharmonicity_mhz=(-400.0, -310.0), place=(0.25, 0.48))
_simulate_both = partial(simulate, anharmonicity_mhz=(-220.0, -180.0), place=(0.54, 0.7))

FAMILY: Family[Truth] = Family(
    name="qubit_spectroscopy_power_frequency",
    criteria={
        "SUCCESS": _sharp,
        "AMP_TOO_HIGH": lambda truth: _visible(truth) and not _sharp(truth),
        "NO_SIGNAL": lambda truth: not _visible(truth),
    },
    # 0.2% are 8 to 12 MHz, two to four cells of the map; within 1% the right line was found, but not read
    # well.
    field_rules={
        "f01_MHz": {"type": "pct", "tol_full": 0.002, "tol_half": 0.01},
        "transitions_visible": {"type": "enum"},
        "power_regime": {"type": "enum"},
        "measurement_usable": {"type": "bool"},
    },
    draw=in_plotly_look(partial(_draw, plotly=True), partial(_draw, plotly=False)),
    parameters=_parameters,
    scenarios=(
        Scenario(
            name="qubit_spectroscopy_power_frequency_failure_f01_f02half_amp_too_high",
            status="AMP_TOO_HIGH",
            outcome=OutcomeLabel.SUBOPTIMAL,
            assessment=Assessment.NO_FIT,
            simulate=partial(_simulate_both, weakest=(0.19, 0.26), strongest=(0.35, 0.6)),
            telling=lambda truth: truth.lines == 2,
        ),
        Scenario(
            name="qubit_spectroscopy_power_frequency_failure_f01_only_amp_too_high",
            status="AMP_TOO_HIGH",
            outcome=OutcomeLabel.SUBOPTIMAL,
            assessment=Assessment.NO_FIT,
            simulate=partial(_simulate_f01, weakest=(0.19, 0.28), strongest=(0.38, 0.6)),
            telling=lambda truth: truth.lines == 1,
        ),
        # as in qubit_spectroscopy_failure_no_peaks: the drive is far from the qubit, which has to be found
        # first
        Scenario(
            name="qubit_spectroscopy_power_frequency_failure_no_signal",
            status="NO_SIGNAL",
            outcome=OutcomeLabel.ANOMALOUS,
            assessment=Assessment.NO_FIT,
            simulate=partial(
                simulate,
                anharmonicity_mhz=(-400.0, -180.0),
                place=(4.0, 6.0),
                weakest=(0.006, 0.2),
                strongest=(0.2, 0.3),
            ),
        ),
        # a success by name, like its sibling at low amplitude
        Scenario(
            name="qubit_spectroscopy_power_frequency_success_f01_f02half_full_range",
            status="SUCCESS",
            outcome=OutcomeLabel.EXPECTED,
            assessment=Assessment.NO_FIT,
            simulate=partial(_simulate_both, weakest=(0.006, 0.014), strongest=(0.2, 0.28)),
            telling=lambda truth: truth.lines == 2,
        ),
        Scenario(
            name="qubit_spectroscopy_power_frequency_success_f01_low_amp_sharp",
            status="SUCCESS",
            outcome=OutcomeLabel.EXPECTED,
            assessment=Assessment.NO_FIT,
            simulate=partial(_simulate_f01, weakest=(0.014, 0.02), strongest=(0.03, 0.065)),
            telling=lambda truth: truth.lines == 1 and not _broadened(truth),
        ),
        # a success by name, like its sibling at low amplitude
        Scenario(
            name="qubit_spectroscopy_power_frequency_success_f01_only_full_range",
            status="SUCCESS",
            outcome=OutcomeLabel.EXPECTED,
            assessment=Assessment.NO_FIT,
            simulate=partial(_simulate_f01, weakest=(0.006, 0.014), strongest=(0.2, 0.32)),
            telling=lambda truth: truth.lines == 1 and _broadened(truth),
        ),
    ),
)
