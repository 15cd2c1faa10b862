"""Single-shot readout: I and Q of each shot, the qubit prepared in 0 and in 1, with a fitted Gaussian mixture.

In dispersive readout the tone past the resonator gets a phase that depends on the qubit's state. Amplifier
noise makes a round Gaussian cloud of each response (Krantz et al., Appl. Phys. Rev. 6, 021318, 2019, section
V). The tone reaches the amplifier even if no resonator responds to it: a side-coupled resonator transmits
everything off resonance (res_spec.py). If the state changes during the readout, the shot lies between the
clouds, at the mean over time. A tone that is too strong drives the resonator into its nonlinear regime, in
which its response jumps between a few values for any state of the qubit (Reed et al., Phys. Rev. Lett. 105,
173601, 2010). The mixture is fitted to the shots of both preparations together.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Circle
from numpy.random import Generator
from numpy.typing import NDArray

from scoring.field_rules import UNRELIABLE
from scoring.reference import JSON
from synthetic.drawing.style import BLACK, Drawing, Ink, PlotType, Style
from synthetic.drawing.usual_looks import TAB_BLUE, TAB_RED, in_usual_look, is_usual
from synthetic.family import Assessment, Family, OutcomeLabel, Scenario
from synthetic.physics.mixture import Floats, Mixture, fit_mixture, gain

Range = tuple[float, float]

CIRCLE = 3.0
"""Radius of the drawn circles in standard deviations."""
APART, TOUCHING = 4.3, 3.2
"""The smallest separations of well-separated and of touching clusters."""
BY_CHANCE = 15.0
"""The largest gain in log-likelihood of two components over one if there is only one cloud."""


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
    def share_1_of_1(self) -> float:
        """The part of the shots prepared in 1 that is in cluster 1."""
        return 1.0 - self.share_0

    @property
    def change(self) -> float:
        """The change of cluster 1's population with the preparation, in absolute value: at best 1."""
        return abs(1.0 - self.share_0 - self.share_1)

    @property
    def fidelity(self) -> float:
        """The share of shots that are assigned correctly, averaged over both preparations."""
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
    def gain(self) -> float:
        """The gain in log-likelihood of two components over one."""
        return gain(self.mixture, self.together)

    @property
    def separation(self) -> float:
        """Distance of the fitted centres in fitted standard deviations."""
        return self.mixture.separation

    @property
    def separation_word(self) -> str:
        """The separation as Q5 names it."""
        if self.separation > APART:
            return "well-separated"
        return "touching" if self.separation > TOUCHING else "overlapping"

    @property
    def place(self) -> str:
        """The mean position of the points, as text."""
        i, q = self.together.mean(axis=0)
        return f"I = {i:z.1f}, Q = {q:z.1f}"

    @property
    def places(self) -> tuple[str, str]:
        """The fitted centres."""
        first, second = (f"({i:z.2f}, {q:z.2f})" for i, q in self.mixture.centres)
        return first, second


def _simulate(
    rng: Generator,
    *,
    separation: Range,
    sigma: Range = (0.12, 0.35),
    arriving: bool = True,
    excited: bool = True,
    wrong: Range = (0.003, 0.02),
) -> Truth:
    """One calibration of a linear readout.

    Args:
        rng: the source of all random numbers.
        separation: of the two states' tones, in units of ``sigma``, the amplifier noise; 0 if no resonator
            responds.
        sigma: the noise, in the plot's units.
        arriving: whether any tone arrives.
        excited: whether the drive prepares 1.
        wrong: the share of shots that begin in the other state.
    """
    noise, tone = float(rng.uniform(*sigma)), float(rng.uniform(2.5, 4.5)) if arriving else 0.0
    at_0 = tone * np.exp(2j * np.pi * rng.random())
    at_1 = at_0 + float(rng.uniform(*separation)) * noise * np.exp(2j * np.pi * rng.random())
    count, wrong_share, decay = (
        int(rng.choice([1000, 2000, 2000])),
        float(rng.uniform(*wrong)),
        rng.uniform(0, 0.02),
    )
    prepared = []
    for target in (0, 1 if excited else 0):
        in_1 = rng.random(count) < (1.0 - wrong_share if target else wrong_share)
        stayed = np.minimum(rng.exponential(1.0 / decay, count), 1.0)  # of a readout of length 1
        response = np.where(in_1, at_0 + stayed * (at_1 - at_0), at_0)
        prepared.append(_noisy(rng, response, noise))
    return _fitted(prepared)


def _simulate_jumping(rng: Generator) -> Truth:
    """Simulate a readout tone that is too strong: two or three responses in a row close together, and one far away.

    Jumps during a readout, one shot in a hundred, leave a thin trail between the first two.
    """
    noise, tone = float(rng.uniform(0.06, 0.12)), float(rng.uniform(2.5, 4.5))
    direction = np.exp(2j * np.pi * rng.random())
    first = tone * np.exp(2j * np.pi * rng.random())
    gaps = [rng.uniform(4.5, 7.0)] if rng.random() < 0.4 else [rng.uniform(2.2, 7.0), rng.uniform(4.5, 7.0)]
    along = noise * np.cumsum([0.0, *gaps])
    lobes = first + direction * along * np.exp(1j * rng.normal(0.0, 0.06, len(along)))
    away = rng.uniform(14.0, 22.0) * noise * direction * np.exp(1j * rng.uniform(-0.9, 0.9))
    shares = rng.uniform(0.7, 1.0, len(lobes)) / len(lobes)
    rest = 1.0 - float(rng.uniform(0.15, 0.4))
    places = np.append(lobes, lobes[-1] + away)
    chances = np.append(rest * shares / shares.sum(), 1.0 - rest)
    count, prepared = int(rng.choice([1000, 2000, 2000])), []
    for _ in range(2):
        response = rng.choice(places, count, p=chances)
        jumped = rng.random(count) < 0.01
        response = np.where(jumped, lobes[0] + rng.random(count) * (lobes[1] - lobes[0]), response)
        prepared.append(_noisy(rng, response, noise))
    return _fitted(prepared)


def _noisy(rng: Generator, response: NDArray[np.complex128], noise: float) -> Floats:
    return np.column_stack([response.real, response.imag]) + rng.normal(0.0, noise, (len(response), 2))


def _fitted(prepared: list[Floats]) -> Truth:
    """Order the clusters: cluster 0 holds most shots prepared in 0."""
    mixture = fit_mixture(np.concatenate(prepared))
    if mixture.labels(prepared[0]).mean() > 0.5:
        mixture = mixture.swapped
    return Truth(prepared_0=prepared[0], prepared_1=prepared[1], mixture=mixture)


def _arriving(truth: Truth) -> bool:
    """Return whether the points are clearly off the origin."""
    return truth.tone > 1.0


def _two(truth: Truth) -> bool:
    """Return whether there are two clusters, separate or overlapping."""
    return _arriving(truth) and truth.gain > BY_CHANCE


def _distorted(truth: Truth) -> bool:
    """Return whether a cluster is longer than wide by more than half."""
    return truth.elongation > 2.0


def _clean(truth: Truth) -> bool:
    return _two(truth) and not _distorted(truth)


def _draw(truth: Truth, style: Style) -> tuple[Drawing, ...]:
    usual = is_usual(style)
    unit = str(style.rng.choice(["", "", "", "", "", " (a.u.)"]))
    names = ("|0⟩", "|1⟩") if style.rng.random() < 0.1 else ("0", "1")
    word = "Distribution" if usual else str(style.rng.choice(["Prepared", "Distribution", "Shots for"]))
    both = style.panels(2, width=1.0 if usual else 1.25, height=1.0)
    order = style.rng.permutation(2)
    for axes, shots, name in zip(both, (truth.prepared_0, truth.prepared_1), names, strict=True):
        style.dress(axes, title="", x_label=f"I{unit}", y_label=f"Q{unit}")
        axes.set_title(f"{word} {name}")
        for component in order:
            _draw_cluster(truth, shots, component, (style.data, style.second)[component], axes)
        axes.margins(0.06)
        axes.set_aspect("equal", adjustable="datalim")
        axes.legend(loc="best", fontsize="medium" if usual else "small")
    features = (
        "Two panels show the shots in the IQ plane, the left one for preparation in 0 and the right one for 1.",
        f"Points of cluster 0 are {style.data.name}, those of cluster 1 {style.second.name}, with circles around them.",
        f"Crosses mark the fitted centres, at {truth.places[0]} for cluster 0 and {truth.places[1]} for cluster 1.",
        _pattern(truth),
    )
    return (style.drawing(both[0], plot_type=PlotType.SCATTER, features=features),)


def _draw_cluster(truth: Truth, shots: Floats, component: int, ink: Ink, axes: Axes) -> None:
    """Draw the shots assigned to a component, their share in the legend, and the component itself."""
    mixture = truth.mixture
    mine = shots[mixture.labels(shots) == component]
    label = f"{component}:{len(mine) / len(shots):.2%}"
    axes.plot(mine[:, 0], mine[:, 1], ".", color=ink.code, markersize=3.5, alpha=0.6, label=label)
    i, q = mixture.centres[component]
    circle = Circle(
        (i, q), CIRCLE * mixture.sigmas[component], fill=False, edgecolor=ink.code, linewidth=1.5, zorder=3
    )
    axes.add_patch(circle)
    axes.plot(i, q, "x", color=ink.code, markersize=10, markeredgewidth=1.4, zorder=2.5)


def _pattern(truth: Truth) -> str:
    if not _arriving(truth):
        return "In both panels all points form one round cloud around the origin."
    if not _two(truth):
        return (
            f"In both panels all points form one round spot near {truth.place}, which the two colours divide."
        )
    if _distorted(truth):
        return (
            "One cluster consists of separate tight lobes, and both panels have nearly the same populations."
        )
    if truth.change < 0.5:
        shares = f"{truth.share_1:.0%} and {truth.share_1_of_1:.0%}"
        return f"The clusters overlap, and cluster 1 has nearly the same share in both panels, {shares}."
    return (
        f"The clusters are round and apart; cluster 0 has {1 - truth.share_1:.1%} left and "
        f"{truth.share_0:.1%} right."
    )


def _parameters(truth: Truth) -> JSON:
    """Return Q5's reference, which is "Unreliable" for a cluster that is broken into pieces."""
    if _two(truth) and _distorted(truth):
        return {"separation": UNRELIABLE, "cluster0_center": UNRELIABLE, "cluster1_center": UNRELIABLE}
    centres: list[JSON] = [[round(float(x), 2) for x in centre] for centre in truth.mixture.centres]
    return {"separation": truth.separation_word, "cluster0_center": centres[0], "cluster1_center": centres[1]}


FAMILY: Family[Truth] = Family(
    name="gmm",
    criteria={
        "SUCCESS": lambda truth: _clean(truth) and truth.change > 0.5,
        "NO_SIGNAL": lambda truth: not _arriving(truth),
        "NO_EXCITATION": lambda truth: _clean(truth) and truth.change <= 0.5,
        "HIGH_POWER": lambda truth: _two(truth) and _distorted(truth),
        "NO_RES_RESPONSE": lambda truth: _arriving(truth) and not _two(truth),
    },
    # The panels span 2 to 5 units on some 300 pixels: 0.2 units are 12 to 30 pixels, a cross or two.
    field_rules={
        "separation": {"type": "enum"},
        "cluster0_center": {"type": "coord_list", "tol_full": 0.2, "tol_half": 0.5},
        "cluster1_center": {"type": "coord_list", "tol_full": 0.2, "tol_half": 0.5},
    },
    draw=in_usual_look(_draw, size_px=(640, 480), inks=(TAB_BLUE, TAB_RED, BLACK)),
    parameters=_parameters,
    scenarios=(
        Scenario(
            name="gmm_failure_high_power",
            status="HIGH_POWER",
            outcome=OutcomeLabel.SUBOPTIMAL,
            assessment=Assessment.UNRELIABLE,
            simulate=_simulate_jumping,
        ),
        Scenario(
            name="gmm_failure_no_excitation",
            status="NO_EXCITATION",
            outcome=OutcomeLabel.ANOMALOUS,
            assessment=Assessment.UNRELIABLE,
            simulate=partial(_simulate, separation=(1.9, 2.7), excited=False, wrong=(0.12, 0.3)),
        ),
        # no_res_response, no_signal: the qubit is not seen, as in the scenarios without signal of rabi, drag
        # and t1
        Scenario(
            name="gmm_failure_no_res_response",
            status="NO_RES_RESPONSE",
            outcome=OutcomeLabel.APPARATUS,
            assessment=Assessment.UNRELIABLE,
            simulate=partial(_simulate, separation=(0.0, 0.0), sigma=(0.08, 0.35)),
        ),
        Scenario(
            name="gmm_failure_no_signal",
            status="NO_SIGNAL",
            outcome=OutcomeLabel.APPARATUS,
            assessment=Assessment.UNRELIABLE,
            simulate=partial(_simulate, separation=(0.0, 0.0), arriving=False),
        ),
        Scenario(
            name="gmm_success",
            status="SUCCESS",
            outcome=OutcomeLabel.EXPECTED,
            assessment=Assessment.RELIABLE,
            simulate=partial(_simulate, separation=(4.7, 7.5)),
        ),
    ),
)
