"""Single-shot readout: I and Q of each shot, the qubit prepared in 0 and in 1, with a fitted Gaussian mixture.

In dispersive readout the resonator answers with a tone whose phase depends on the state of the qubit; amplifier noise
makes a round Gaussian cloud of each (Krantz et al., Appl. Phys. Rev. 6, 021318, 2019, section V). A state that changes
during the readout puts the shot between the clouds, at the mean over time: by relaxation, or by transitions to higher
levels, one after the other, under too strong a tone (Sank et al., Phys. Rev. Lett. 117, 190503, 2016). The mixture is
fitted to the shots of both preparations together.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Circle
from numpy.random import Generator
from numpy.typing import NDArray

from scoring.reference import JSON
from synthetic.drawing.style import Drawing, Ink, PlotType, Style
from synthetic.family import Assessment, Family, Outcome, Scenario
from synthetic.physics.mixture import Floats, Mixture, fit_mixture

Range = tuple[float, float]
Complexes = NDArray[np.complex128]
Indices = NDArray[np.int64]

LEVELS = 5
CIRCLE = 2.5
"""Radius of the drawn circles in standard deviations."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """One readout calibration: shots of shape (n, 2) for each preparation, in arbitrary units."""

    prepared_0: Floats
    prepared_1: Floats
    mixture: Mixture

    @property
    def together(self) -> Floats:
        """The shots of both preparations."""
        return np.concatenate([self.prepared_0, self.prepared_1])

    @property
    def share_0(self) -> float:
        """The part of the shots prepared in 1 that is in cluster 0."""
        return 1.0 - float(self.mixture.labels(self.prepared_1).mean())

    @property
    def share_1(self) -> float:
        """The part of the shots prepared in 0 that is in cluster 1."""
        return float(self.mixture.labels(self.prepared_0).mean())

    @property
    def transfer(self) -> float:
        """How much the preparation changes the population of cluster 1: 1 at best."""
        return 1.0 - self.share_0 - self.share_1

    @property
    def fidelity(self) -> float:
        """The share of shots that are assigned right, both preparations alike."""
        return 1.0 - (self.share_0 + self.share_1) / 2.0

    @property
    def tone(self) -> float:
        """The mean response, in units of the points' root mean square distance from it."""
        mean = self.together.mean(axis=0)
        return float(np.linalg.norm(mean) / np.sqrt(((self.together - mean) ** 2).sum(axis=1).mean()))

    @property
    def elongation(self) -> float:
        """The larger one of the two clusters' ratio of longest to shortest standard deviation; 1 if both are round."""
        labels = self.mixture.labels(self.together)
        widths = [np.linalg.eigvalsh(np.cov(self.together[labels == k].T)) for k in (0, 1)]
        return float(max(np.sqrt(longest / shortest) for shortest, longest in widths))

    @property
    def separation(self) -> float:
        """Distance of the fitted centres in fitted standard deviations."""
        return self.mixture.separation

    @property
    def separation_word(self) -> str:
        """The same by the drawn circles: apart, crossing, or one holding the other's centre."""
        if self.separation > 2.0 * CIRCLE:
            return "well-separated"
        return "touching" if self.separation > CIRCLE else "overlapping"

    @property
    def place(self) -> str:
        """Where the points are on average."""
        i, q = self.together.mean(axis=0)
        return f"I = {i:z.1f}, Q = {q:z.1f}"


def _simulate(
    rng: Generator,
    *,
    separation: Range,
    sigma: Range = (0.2, 0.3),
    responding: bool = True,
    excited: bool = True,
    wrong: Range = (0.003, 0.02),
    climbs: tuple[Range, Range] = ((0.0, 0.0), (0.0, 0.0)),
) -> Truth:
    """One calibration.

    Args:
        rng: where chance comes from.
        separation: of the tones for neighbouring levels, in units of ``sigma``, the amplifier noise.
        sigma: the noise, in the plot's units.
        responding: whether any tone comes back.
        excited: whether the drive prepares level 1.
        wrong: the share of shots that begin in the other level.
        climbs: transitions to higher levels in the time of a readout, beginning in 0 and in 1.
    """
    noise, tone = float(rng.uniform(*sigma)), float(rng.uniform(4.0, 6.0)) if responding else 0.0
    step = float(rng.uniform(*separation)) * noise / max(tone, 1.0)
    levels = tone * np.exp(1j * (rng.uniform(0.0, 2.0 * np.pi) + rng.choice([-1.0, 1.0]) * step * np.arange(LEVELS)))
    count, wrong_share, decay = int(rng.integers(1000, 2200)), float(rng.uniform(*wrong)), rng.uniform(0.005, 0.03)
    prepared = []
    for target in (0, 1 if excited else 0):
        start = np.where(rng.random(count) < wrong_share, 1 - target, target)
        response = _response(rng, levels, start, climb=float(rng.uniform(*climbs[target])), decay=decay)
        prepared.append(np.column_stack([response.real, response.imag]) + rng.normal(0.0, noise, (count, 2)))
    mixture = fit_mixture(np.concatenate(prepared))
    if mixture.labels(prepared[0]).mean() > 0.5:
        mixture = mixture.swapped
    return Truth(prepared_0=prepared[0], prepared_1=prepared[1], mixture=mixture)


def _response(rng: Generator, levels: Complexes, start: Indices, *, climb: float, decay: float) -> Complexes:
    """The mean response of each shot: the levels' tones weighted by the time spent in them, of a readout of length 1.

    ``climb`` is the rate of transitions upwards, ``decay`` that of relaxation from 1 to 0.
    """
    response, now, left = np.zeros(len(start), np.complex128), start, np.ones(len(start))
    for _ in range(LEVELS - 1):
        up = rng.exponential(1.0 / climb, len(start)) if climb else np.full(len(start), np.inf)
        down = np.where(now == 1, rng.exponential(1.0 / decay, len(start)), np.inf)
        stay = np.minimum(np.minimum(up, down), left)
        response += stay * levels[now]
        left = left - stay
        now = np.clip(np.where(up < down, now + 1, now - 1), 0, LEVELS - 1)
    response += left * levels[now]
    return response


def _responding(truth: Truth) -> bool:
    """The points are clearly off the origin."""
    return truth.tone > 1.0


def _distinguishable(truth: Truth) -> bool:
    """Neither circle holds the other's centre."""
    return _responding(truth) and truth.separation > CIRCLE


def _distorted(truth: Truth) -> bool:
    """A cluster is longer than wide by more than half."""
    return truth.elongation > 1.5


def _clean(truth: Truth) -> bool:
    return _distinguishable(truth) and not _distorted(truth)


def _draw(truth: Truth, style: Style) -> tuple[Drawing, ...]:
    kets = bool(style.rng.random() < 0.5)
    unit = str(style.rng.choice(["", " (a.u.)", " [mV]"]))
    names = ("|0⟩", "|1⟩") if kets else ("0", "1")
    word = str(style.rng.choice(["Prepared", "Distribution", "Shots for"]))
    both = style.panels(2, width=1.25, height=0.95)
    for axes, shots, name in zip(both, (truth.prepared_0, truth.prepared_1), names, strict=True):
        style.dress(axes, title="", x_label=f"I{unit}", y_label=f"Q{unit}")
        axes.set_title(f"{word} {name}")
        _draw_shots(truth, shots, style, axes)
    features = (
        "Two panels show the shots in the IQ plane, the left one for preparation in 0 and the right one for 1.",
        f"Points of cluster 0 are {style.data.name}, those of cluster 1 {style.second.name}, with circles around them.",
        f"Crosses mark the fitted centres, at {_point(truth, 0)} for cluster 0 and {_point(truth, 1)} for cluster 1.",
        _pattern(truth),
    )
    return (style.drawing(both[0], plot_type=PlotType.SCATTER, features=features),)


def _draw_shots(truth: Truth, shots: Floats, style: Style, axes: Axes) -> None:
    labels = truth.mixture.labels(shots)
    for component, ink in enumerate((style.data, style.second)):
        mine = shots[labels == component]
        share = len(mine) / len(shots)
        axes.plot(
            mine[:, 0], mine[:, 1], ".", color=ink.code, markersize=3.0, alpha=0.5, label=f"{component}: {share:.2%}"
        )
        _draw_component(truth.mixture, component, ink, axes)
    middle = (truth.together.min(axis=0) + truth.together.max(axis=0)) / 2.0
    reach = 1.12 * float(np.ptp(truth.together, axis=0).max()) / 2.0
    axes.set_xlim(middle[0] - reach, middle[0] + reach)
    axes.set_ylim(middle[1] - reach, middle[1] + (1.5 if style.has_legend else 1.0) * reach)
    axes.set_aspect("equal")
    if style.has_legend:
        axes.legend(loc="upper right", fontsize="small", markerscale=3.0)


def _draw_component(mixture: Mixture, component: int, ink: Ink, axes: Axes) -> None:
    i, q = mixture.centres[component]
    radius = CIRCLE * mixture.sigma
    axes.add_patch(Circle((i, q), radius, fill=False, edgecolor=ink.code, linewidth=1.8, zorder=3))
    axes.plot(i, q, "x", color=axes.get_facecolor(), markersize=10, markeredgewidth=4.5, zorder=4)  # a rim
    axes.plot(i, q, "x", color=ink.code, markersize=9, markeredgewidth=2.2, zorder=5)


def _point(truth: Truth, component: int) -> str:
    i, q = truth.mixture.centres[component]
    return f"({i:z.1f}, {q:z.1f})"


def _pattern(truth: Truth) -> str:
    if not _responding(truth):
        return "In both panels all points form one cloud around the origin."
    if not _distinguishable(truth):
        return f"In both panels the points form one round cloud near {truth.place}, which the two colours divide."
    if _distorted(truth):
        return "The clouds are not round: they are drawn out into bent streaks, which the circles do not describe."
    if truth.transfer < 0.5:
        return f"Both panels look alike: cluster 0 dominates, with {1 - truth.share_1:.0%} and {truth.share_0:.0%}."
    return f"The clouds are round and apart; cluster 0 has {1 - truth.share_1:.1%} left and {truth.share_0:.1%} right."


def _parameters(truth: Truth) -> JSON:
    centres: list[JSON] = [[round(float(x), 2) for x in centre] for centre in truth.mixture.centres]
    return {"separation": truth.separation_word, "cluster0_center": centres[0], "cluster1_center": centres[1]}


FAMILY: Family[Truth] = Family(
    name="gmm",
    criteria={
        "SUCCESS": lambda truth: _clean(truth) and truth.transfer > 0.5,
        "NO_SIGNAL": lambda truth: _responding(truth) and not _distinguishable(truth),
        "NO_EXCITATION": lambda truth: _clean(truth) and truth.transfer <= 0.5,
        "HIGH_POWER": lambda truth: _distinguishable(truth) and _distorted(truth),
        "NO_RES_RESPONSE": lambda truth: not _responding(truth),
    },
    # The panels span 2 to 5 units on some 300 pixels: 0.2 units are 12 to 30 pixels, a cross or two.
    field_rules={
        "separation": {"type": "enum"},
        "cluster0_center": {"type": "coord_list", "tol_full": 0.2, "tol_half": 0.5},
        "cluster1_center": {"type": "coord_list", "tol_full": 0.2, "tol_half": 0.5},
    },
    draw=_draw,
    parameters=_parameters,
    scenarios=(
        Scenario(
            name="gmm_failure_high_power",
            status="HIGH_POWER",
            outcome=Outcome.SUBOPTIMAL,
            assessment=Assessment.UNRELIABLE,
            simulate=partial(_simulate, separation=(5.5, 7.5), climbs=((0.4, 0.7), (1.0, 1.8))),
        ),
        Scenario(
            name="gmm_failure_no_excitation",
            status="NO_EXCITATION",
            outcome=Outcome.ANOMALOUS,
            assessment=Assessment.UNRELIABLE,
            simulate=partial(_simulate, separation=(6.2, 8.5), excited=False, wrong=(0.03, 0.08)),
        ),
        # no_res_response, no_signal: nothing of the qubit is seen, as in the scenarios without signal of rabi, drag, t1
        Scenario(
            name="gmm_failure_no_res_response",
            status="NO_RES_RESPONSE",
            outcome=Outcome.APPARATUS,
            assessment=Assessment.UNRELIABLE,
            simulate=partial(_simulate, separation=(0.0, 0.0), sigma=(0.2, 0.6), responding=False),
        ),
        Scenario(
            name="gmm_failure_no_signal",
            status="NO_SIGNAL",
            outcome=Outcome.APPARATUS,
            assessment=Assessment.UNRELIABLE,
            simulate=partial(_simulate, separation=(0.0, 0.4), sigma=(0.3, 0.6)),
        ),
        Scenario(
            name="gmm_success",
            status="SUCCESS",
            outcome=Outcome.EXPECTED,
            assessment=Assessment.RELIABLE,
            simulate=partial(_simulate, separation=(6.2, 8.5)),
        ),
    ),
)
