"""Qubit flux spectroscopy, simulated: a map of signal against flux bias and drive frequency, and a fit of its line.

The first transition of a transmon over flux is an arc (flux_maps.py). Away from the sweet spot flux noise
broadens the line, so it fades (Koch et al., Phys. Rev. A 76, 042319, 2007, section III). A mode of fixed
frequency that couples to the qubit splits the arc into two branches; so does a second transition that is
visible at other biases than the first. In each column a Lorentzian fit around the highest cell picks the
highest line. Picks above the noise are taken for the qubit's, and the dispersion of a symmetric SQUID is
fitted to them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from synthetic.physics.fitting import Fit, fit
from synthetic.physics.flux_maps import Plan, line_picks, lorentzian, noisy, planned_map, transmon_ghz
from synthetic.physics.readout import Floats

Range = tuple[float, float]

CHARGING_GHZ = 0.28
"""The charging energy that the fit assumes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """One map: ``cells[j, i]`` at ``frequency_ghz[j]`` and ``bias_v[i]``; NaN if nothing was recorded.

    ``picks_ghz`` are the highest lines of the columns, NaN in a blank map; ``clear`` marks those above the
    noise, which are fitted. ``lines`` counts the transitions in the map, of width ``width_ghz``.
    """

    bias_v: Floats
    frequency_ghz: Floats
    cells: Floats
    picks_ghz: Floats
    errors_ghz: Floats
    clear: NDArray[np.bool_]
    lines: int
    width_ghz: float
    highest_ghz: float
    sweet_spot_v: float
    qubit: int
    fit: Fit | None

    @property
    def seen_ghz(self) -> Floats:
        """The picks above the noise."""
        return self.picks_ghz[self.clear]

    @property
    def seen_share(self) -> float:
        """The share of columns with a clear line."""
        return float(np.mean(self.clear))

    @property
    def top_ghz(self) -> float:
        """The highest clear pick."""
        return float(self.seen_ghz.max())

    @property
    def bottom_ghz(self) -> float:
        """The lowest clear pick."""
        return float(self.seen_ghz.min())

    @property
    def course_ghz(self) -> float:
        """The range of the line, without a tenth of the picks at either end."""
        return float(np.ptp(np.quantile(self.seen_ghz, [0.1, 0.9])))

    @property
    def level_ghz(self) -> float:
        """The mean clear pick."""
        return float(self.seen_ghz.mean())

    @property
    def top_v(self) -> float:
        """The bias at which the line is highest."""
        return float(self.bias_v[self.clear][np.argmax(self.seen_ghz)])

    @property
    def first_ghz(self) -> float:
        """The lowest frequency of the map."""
        return float(self.frequency_ghz[0])

    @property
    def last_ghz(self) -> float:
        """The highest frequency of the map."""
        return float(self.frequency_ghz[-1])

    @property
    def half_sweep_v(self) -> float:
        """The largest bias; the sweep is symmetric."""
        return float(self.bias_v[-1])

    @property
    def wide_v(self) -> str:
        """Twice the sweep."""
        return f"({-2.0 * self.half_sweep_v:.2g}, {2.0 * self.half_sweep_v:.2g})"

    @property
    def wide_ghz(self) -> str:
        """A wider window."""
        return f"({self.first_ghz - 0.5:.1f}, {self.last_ghz + 0.5:.1f})"

    def misses_ghz(self, which: NDArray[np.bool_]) -> Floats:
        """Return the distance of the fitted curve from these picks; infinite without a curve."""
        if self.fit is None:
            return np.full(int(which.sum()), np.inf)
        return np.abs(self.fit.at(self.bias_v[which]) - self.picks_ghz[which])

    @property
    def miss_mhz(self) -> float:
        """The largest distance of the fitted curve from the clear line."""
        return float(self.misses_ghz(self.clear).max()) * 1e3

    @property
    def astray(self) -> float:
        """The share of clear columns in which the curve is more than half a width from the line's middle."""
        return float(np.mean(self.misses_ghz(self.clear) > 0.5 * self.width_ghz))

    @property
    def outliers(self) -> NDArray[np.bool_]:
        """The picks that are not clear, or more than two widths from the fitted curve."""
        outlying = np.isfinite(self.picks_ghz) & ~self.clear
        if self.fit is not None:
            outlying |= np.abs(self.fit.at(self.bias_v) - self.picks_ghz) > 2.0 * self.width_ghz
        return outlying

    @property
    def stray_picks(self) -> int:
        """How many outliers there are."""
        return int(self.outliers.sum())

    @property
    def fitted_ghz(self) -> float:
        """The fit's highest frequency."""
        return self.fit.values[0] if self.fit else float("nan")

    @property
    def fitted_v(self) -> float:
        """The fit's sweet spot."""
        return self.fit.values[1] if self.fit else float("nan")


def simulate_arc(
    rng: Generator, *, drop: Range = (0.35, 0.75), place: Range = (0.84, 0.96), second: str | None = None
) -> Truth:
    """Simulate a clear arc and its fit.

    ``place`` is the place of its top in the window, 0 to 1; ``drop`` the fall from there to the end of the
    sweep, in units of the window; ``second`` the cause of a second branch, a "mode" or a "transition".
    """
    plan = planned_map(rng)
    spot_v = plan.half_v * float(rng.uniform(-0.5, 0.5))
    highest_ghz, far_v = plan.at(float(rng.uniform(*place))), plan.half_v + abs(spot_v)
    period_v = plan.period_v(highest_ghz, plan.window_ghz * float(rng.uniform(*drop)), far_v)
    arc_ghz = transmon_ghz(plan.bias_v, highest_ghz, spot_v, period_v, charging_ghz=plan.charging_ghz)
    brightness = float(rng.uniform(10.0, 36.0)) + (5.0 if second else 0.0)  # two branches share it
    heights = brightness * (1.0 - 0.5 * (np.abs(plan.bias_v - spot_v) / far_v) ** 2)
    match second:
        case "mode":
            lines = _split(
                arc_ghz, heights, highest_ghz - plan.window_ghz * float(rng.uniform(0.08, 0.2)), plan
            )
        case "transition":
            apart_ghz = plan.window_ghz * float(rng.uniform(0.18, 0.25))
            turn = 0.5 + 0.5 * np.tanh(4.0 * (plan.bias_v / plan.half_v + rng.uniform(-0.25, 0.25)))
            share = 0.35 + 0.65 * (turn if rng.random() < 0.5 else 1.0 - turn)
            lines = [(arc_ghz, heights * share), (arc_ghz - apart_ghz, heights * (1.35 - share))]
        case _:  # two photons to the second level are seen at most faintly
            lines = [
                (arc_ghz, heights),
                (arc_ghz - 0.5 * plan.charging_ghz, heights * float(rng.uniform(0.0, 0.2))),
            ]
    return _measured(
        rng,
        plan,
        lines,
        highest_ghz=highest_ghz,
        spot_v=spot_v,
        guess_v=period_v * rng.uniform(0.85, 1.2),
        count=1 if second is None else 2,
    )


def _split(arc_ghz: Floats, heights: Floats, mode_ghz: float, plan: Plan) -> list[tuple[Floats, Floats]]:
    """Return the two branches of an avoided crossing with a mode, as bright as the qubit's share in them."""
    coupling_ghz = 0.11 * plan.window_ghz
    detuning = arc_ghz - mode_ghz
    half = np.sqrt(detuning**2 / 4.0 + coupling_ghz**2)
    middle, share = mode_ghz + detuning / 2.0, 0.5 * (1.0 + detuning / (2.0 * half))
    return [(middle + half, heights * share), (middle - half, heights * (1.0 - share))]


def simulate_faint(rng: Generator) -> Truth:
    """Simulate a line that is visible only around its sweet spot, and a fit that so few columns do not constrain."""
    plan = planned_map(rng)
    step_v = float(plan.bias_v[1] - plan.bias_v[0])
    spot_v = plan.half_v * float(
        rng.uniform(0.55, 1.0) * rng.choice([-1.0, 1.0]) if rng.random() < 0.7 else 0.0
    )
    highest_ghz, far_v = plan.at(float(rng.uniform(0.55, 0.98))), plan.half_v + abs(spot_v)
    period_v = plan.period_v(highest_ghz, plan.window_ghz * float(rng.uniform(0.5, 0.9)), far_v)
    arc_ghz = transmon_ghz(plan.bias_v, highest_ghz, spot_v, period_v, charging_ghz=plan.charging_ghz)
    near = np.rint(np.abs(plan.bias_v - spot_v) / step_v) <= min(int(rng.integers(2, 4)), len(arc_ghz) // 8)
    heights = np.where(near, rng.uniform(6.3, 8.3, len(arc_ghz)), 0.0)
    kept_v = plan.period_v(highest_ghz, plan.window_ghz * float(rng.uniform(1.4, 2.4)), far_v)
    return _measured(
        rng,
        plan,
        [(arc_ghz, heights)],
        highest_ghz=highest_ghz,
        spot_v=spot_v,
        guess_v=kept_v,
        count=1,
        keep=True,
    )


def simulate_without_line(rng: Generator, *, recorded: bool) -> Truth:
    """Simulate noise without a line, or no recorded data: zeros or missing values."""
    plan = planned_map(rng)
    if recorded:
        return _measured(
            rng, plan, [], highest_ghz=float("nan"), spot_v=float("nan"), guess_v=plan.half_v, count=0
        )
    value, nowhere = 0.0 if rng.random() < 0.5 else np.nan, np.full(len(plan.bias_v), np.nan)
    return Truth(
        bias_v=plan.bias_v,
        frequency_ghz=plan.frequency_ghz,
        cells=np.full((len(plan.frequency_ghz), len(plan.bias_v)), value),
        picks_ghz=nowhere,
        errors_ghz=nowhere,
        clear=np.zeros(len(nowhere), dtype=bool),
        lines=0,
        width_ghz=plan.width_ghz,
        highest_ghz=float("nan"),
        sweet_spot_v=float("nan"),
        qubit=int(rng.integers(1, 21)),
        fit=None,
    )


def _measured(
    rng: Generator,
    plan: Plan,
    lines: list[tuple[Floats, Floats]],
    *,
    highest_ghz: float,
    spot_v: float,
    guess_v: float,
    count: int,
    keep: bool = False,
) -> Truth:
    """Make the map of these lines, each with its frequencies and heights, its picks and its fit."""
    y_ghz = plan.frequency_ghz[:, None]
    signal = np.zeros((len(plan.frequency_ghz), len(plan.bias_v)))
    for line_ghz, heights in lines:
        signal += lorentzian(y_ghz, line_ghz, plan.width_ghz, heights)
    cells = noisy(rng, signal, uneven=float(rng.uniform(0.2, 1.0)))
    picks_ghz, errors_ghz, clear = line_picks(plan.frequency_ghz, cells, width_ghz=plan.width_ghz)
    return Truth(
        bias_v=plan.bias_v,
        frequency_ghz=plan.frequency_ghz,
        cells=cells,
        picks_ghz=picks_ghz,
        errors_ghz=errors_ghz,
        clear=clear,
        lines=count,
        width_ghz=plan.width_ghz,
        highest_ghz=highest_ghz,
        sweet_spot_v=spot_v,
        qubit=int(rng.integers(1, 21)),
        fit=_dispersion(plan.bias_v[clear], picks_ghz[clear], guess_v, keep=keep),
    )


def _dispersion(bias_v: Floats, line_ghz: Floats, period_v: float, *, keep: bool) -> Fit | None:
    """Fit a symmetric SQUID, starting from or keeping this period; None without a line."""
    if len(line_ghz) < 2:
        return None
    start = (float(line_ghz.max()), float(bias_v[np.argmax(line_ghz)]))
    model: Callable[..., Floats] = partial(transmon_ghz, charging_ghz=CHARGING_GHZ)
    if keep or len(line_ghz) < 4:
        return fit(partial(model, period_v=period_v), bias_v, line_ghz, start)
    return fit(model, bias_v, line_ghz, (*start, period_v))
