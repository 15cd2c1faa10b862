"""CZ benchmarking on two neutral atoms: what is left of the pair, and of its state, after random circuits.

A circuit of depth n alternates random single-atom rotations with n CZ gates and ends with the rotation that would bring
the ideal state back to the start. Each gate loses an atom of the pair with a fixed probability, so both are retained
with A r^n. Among retained pairs the success probability falls to the 1/4 of a random state: 1/4 + (A - 1/4) p^n with
the polarization p per cycle (Magesan, Gambetta, Emerson, Phys. Rev. Lett. 106, 180504, 2011, for two qubits). The gate
is diag(1, 1, 1, exp(i phase)); a phase other than pi is a coherent error, which spreads the circuits of one depth;
random Pauli errors are a depolarization.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial
from typing import Literal

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from scoring.reference import JSON
from synthetic.drawing.style import Drawing, PlotType, Style
from synthetic.family import Assessment, Family, Outcome, Scenario
from synthetic.physics.fitting import Fit, fit
from synthetic.physics.measured import Measured, measured
from synthetic.physics.readout import Floats

Range = tuple[float, float]

DEPTHS = ((0, 2, 4, 8, 16), (0, 2, 4, 8, 12, 20), (0, 2, 6, 12, 24), (0, 2, 4, 8, 12, 16, 20))
SITES = 30
RANDOM_STATE = 0.25
GOOD, POOR, FLAT = 0.985, 0.9, 0.998
"""Per gate: what a good retention or polarization is above, what a missing gate's polarization is below, and what a
retention is above where no atom has been in the Rydberg state."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """One experiment; an element of the arrays is one random circuit. ``success`` is that of retained pairs."""

    sites: tuple[int, int]
    depth: Floats
    retention: Floats
    success: Floats
    retention_sigma: Floats
    success_sigma: Floats
    phase_rad: float
    loss_per_gate: float
    retention_fit: Fit
    success_fit: Fit

    @property
    def max_depth(self) -> int:
        """The number of CZ gates in the deepest circuits."""
        return int(self.depth.max())

    @property
    def retention_per_cz(self) -> Measured:
        """The fitted probability to retain both atoms, per gate."""
        return measured(self.retention_fit.values[1], self.retention_fit.errors[1], digits=1)

    @property
    def polarization(self) -> Measured:
        """The fitted polarization per cycle."""
        return measured(self.success_fit.values[1], self.success_fit.errors[1], digits=1)

    @property
    def retention_chi2(self) -> float:
        """Reduced chi squared of the retention, to three digits."""
        return float(f"{self.retention_fit.reduced_chi_squared:.3g}")

    @property
    def success_chi2(self) -> float:
        """Reduced chi squared of the success probability, to three digits."""
        return float(f"{self.success_fit.reduced_chi_squared:.3g}")

    @property
    def last_retention(self) -> float:
        """The mean retention of the deepest circuits."""
        return float(self.retention[self.depth == self.max_depth].mean())

    @property
    def last_success(self) -> float:
        """The mean success probability of the deepest circuits."""
        return float(self.success[self.depth == self.max_depth].mean())

    @property
    def spread(self) -> float:
        """How far the deepest circuits' success probabilities scatter (standard deviation)."""
        return float(self.success[self.depth == self.max_depth].std())

    @property
    def better_depth(self) -> int:
        """The depth at which a third of the polarization is left, at least 1: deeper circuits tell little."""
        return max(round(-1.0 / math.log(self.success_fit.values[1])), 1)


def _retained(depth: Floats, start: float, per_gate: float) -> Floats:
    return start * per_gate**depth


def _succeeded(depth: Floats, start: float, per_cycle: float) -> Floats:
    return RANDOM_STATE + (start - RANDOM_STATE) * per_cycle**depth


def _simulate(rng: Generator, *, phase_error_rad: Range, loss_per_gate: Range, depolarization: Range) -> Truth:
    depths = DEPTHS[rng.integers(len(DEPTHS))]
    circuits, shots = int(rng.integers(10, 21)), int(rng.integers(80, 180))
    phase_rad = np.pi + rng.choice([-1.0, 1.0]) * rng.uniform(*phase_error_rad)
    loss, mixing = rng.uniform(*loss_per_gate), rng.uniform(*depolarization)
    depth = np.repeat(np.array(depths, dtype=np.float64), circuits)
    fidelity = np.concatenate([_fidelity(rng, d, circuits, phase_rad) for d in depths])
    contrast = rng.uniform(0.92, 0.97) * (1.0 - mixing) ** depth  # of state preparation and readout, of the gates
    survivors = rng.binomial(shots, _retained(depth, rng.uniform(0.94, 0.98), 1.0 - loss))
    counts = rng.binomial(survivors, RANDOM_STATE + contrast * (fidelity - RANDOM_STATE))
    retention, success = survivors / shots, counts / survivors
    retention_sigma, success_sigma = (
        _sigma(survivors, np.full_like(survivors, shots), circuits),
        _sigma(counts, survivors, circuits),
    )
    fits = [
        fit(model, depth, y, (0.95, start), bounds=((low, 0.05), (1.0, 1.0)), sigma=sigma)
        for model, y, sigma, low, start in (
            (_retained, retention, retention_sigma, 0.0, 0.99),
            (_succeeded, success, success_sigma, RANDOM_STATE, 0.9),
        )
    ]
    assert fits[0] and fits[1]  # noqa: S101, PT018 - bounded exponentials converge; the tests run many seeds
    first, second = sorted(int(site) for site in rng.choice(SITES, 2, replace=False))
    return Truth(
        sites=(first, second),
        depth=depth,
        retention=retention,
        success=success,
        retention_sigma=retention_sigma,
        success_sigma=success_sigma,
        phase_rad=float(phase_rad),
        loss_per_gate=loss,
        retention_fit=fits[0],
        success_fit=fits[1],
    )


def _sigma(counts: NDArray[np.int64], shots: NDArray[np.int64], circuits: int) -> Floats:
    """Binomial standard deviations of counts / shots at the mean probability of each depth.

    A circuit's own probability would make those that came out high count for more and lift the fit.
    """
    at_depth = (counts.reshape(-1, circuits).sum(axis=1) + 1.0) / (shots.reshape(-1, circuits).sum(axis=1) + 2.0)
    probability = np.repeat(at_depth, circuits)
    return np.sqrt(probability * (1.0 - probability) / shots)


def _fidelity(rng: Generator, depth: int, circuits: int, phase_rad: float) -> Floats:
    """How close a gate of this phase comes to the ideal state, for each of so many random circuits."""
    ideal = np.zeros((circuits, 4), dtype=np.complex128)
    ideal[:, 0] = 1.0
    actual = ideal.copy()
    for _ in range(depth):
        rotation = np.einsum("nij,nkl->nikjl", _rotations(rng, circuits), _rotations(rng, circuits))
        rotation = rotation.reshape(circuits, 4, 4)
        ideal = np.einsum("nij,nj->ni", rotation, ideal) * np.array([1.0, 1.0, 1.0, -1.0])
        actual = np.einsum("nij,nj->ni", rotation, actual) * np.array([1.0, 1.0, 1.0, np.exp(1j * phase_rad)])
    return np.asarray(np.abs((ideal.conj() * actual).sum(axis=1)) ** 2)


def _rotations(rng: Generator, count: int) -> NDArray[np.complex128]:
    """Single-qubit rotations, uniform over SU(2): unit quaternions."""
    q = rng.normal(size=(count, 4))
    q /= np.linalg.norm(q, axis=1, keepdims=True)
    a, b = q[:, 0] + 1j * q[:, 1], q[:, 2] + 1j * q[:, 3]
    return np.stack([np.stack([a, -b.conj()], axis=-1), np.stack([b, a.conj()], axis=-1)], axis=-2)


def _flat(truth: Truth) -> bool:
    """The gates lose hardly any atom."""
    return truth.retention_fit.values[1] > FLAT


def _calibrated(truth: Truth) -> bool:
    """Retention and polarization are close to 1, and their models explain the scatter of the circuits."""
    values = truth.retention_fit.values[1], truth.success_fit.values[1]
    return min(values) > GOOD and max(truth.retention_chi2, truth.success_chi2) < 3.0


def _draw(truth: Truth, style: Style) -> tuple[Drawing, ...]:
    pair = f"{style.rng.choice(['Sites', 'Pair', 'Atoms'])} {truth.sites}"
    x_label = str(style.rng.choice(["CZ gates in the circuit", "Circuit depth (CZ gates)", "Number of CZ gates"]))
    return (_draw_one(truth, style, "retention", pair, x_label), _draw_one(truth, style, "success", pair, x_label))


def _draw_one(truth: Truth, style: Style, kind: Literal["retention", "success"], pair: str, x_label: str) -> Drawing:
    if kind == "retention":
        y, sigma, fitted, chi2 = truth.retention, truth.retention_sigma, truth.retention_fit, truth.retention_chi2
        result, y_label = f"Retention per CZ: {truth.retention_per_cz.in_parentheses}", "P(both atoms retained)"
    else:
        y, sigma, fitted, chi2 = truth.success, truth.success_sigma, truth.success_fit, truth.success_chi2
        result, y_label = f"Cycle polarization: {truth.polarization.in_parentheses}", "Success probability"
    axes = style.axes(height=1.08)
    style.error_bars(axes, truth.depth, y, sigma, label="circuits")
    depths = np.unique(truth.depth)
    means = [y[truth.depth == depth].mean() for depth in depths]
    axes.plot(depths, means, "o", color=style.second.code, markersize=8.0, zorder=4, label="mean")
    dense = np.linspace(0.0, truth.max_depth, 200)
    style.curve(axes, dense, fitted.at(dense), label="fit")
    axes.set_xticks(depths)
    axes.set_ylim(bottom=min(axes.get_ylim()[0], 0.75))  # so that flat looks flat
    style.dress(axes, title="", x_label=x_label, y_label=y_label)
    # Q5 asks for what the title says, so every style has it
    axes.set_title(f"{pair}\n{result}\nReduced χ²: {chi2:.3g}", fontsize="medium")
    return style.drawing(axes, plot_type=PlotType.SCATTER, features=_features(truth, style, kind, result))


def _features(truth: Truth, style: Style, kind: str, result: str) -> tuple[str, ...]:
    course = "stays flat at" if _flat(truth) else "falls to"
    what, title = f"{style.data.name.capitalize()} points with error bars", result[0].lower() + result[1:]
    if kind == "retention":
        return (
            f"{what} are single circuits, {style.second.name} points their means; the fit is {style.fit.name}.",
            f"The probability to retain both atoms {course} about {truth.last_retention:.2f}.",
            f"The title gives a {title}.",
        )
    depth = truth.max_depth
    return (
        f"{what} show the success probability, which falls to about {truth.last_success:.2f} at {depth} CZ gates.",
        f"The title gives a {title}, with a reduced chi squared of {truth.success_chi2:.3g}.",
    )


def _parameters(truth: Truth) -> JSON:
    return {
        "site_indices": list(truth.sites),
        "retention_per_cz": truth.retention_per_cz.value,
        "retention_per_cz_unc": truth.retention_per_cz.error,
        "cycle_polarization": truth.polarization.value,
        "cycle_polarization_unc": truth.polarization.error,
        "chi_squared_retention": truth.retention_chi2,
        "chi_squared_polarization": truth.success_chi2,
        "max_circuit_depth": truth.max_depth,
    }


FAMILY: Family[Truth] = Family(
    name="cz_benchmarking",
    criteria={
        "SUCCESS": _calibrated,
        "NO_GATE": lambda truth: _flat(truth) and truth.success_fit.values[1] < POOR,
        "MISCALIBRATED": lambda truth: not _flat(truth) and not _calibrated(truth),
    },
    # All values are printed, the depth as the last tick, so tolerances only forgive a misread last digit. A standard
    # error has a single digit, and a wrong one is at most half right.
    field_rules={
        "site_indices": {"type": "array_int_match", "tol_full": 0},
        "retention_per_cz": {"type": "abs", "tol_full": 0.002, "tol_half": 0.01},
        "retention_per_cz_unc": {"type": "pct", "tol_full": 0.1, "tol_half": 0.5},
        "cycle_polarization": {"type": "abs", "tol_full": 0.005, "tol_half": 0.02},
        "cycle_polarization_unc": {"type": "pct", "tol_full": 0.1, "tol_half": 0.5},
        "chi_squared_retention": {"type": "pct", "tol_full": 0.05, "tol_half": 0.2},
        "chi_squared_polarization": {"type": "pct", "tol_full": 0.05, "tol_half": 0.2},
        "max_circuit_depth": {"type": "int_count", "tol_full": 0, "tol_half": 0},
    },
    draw=_draw,
    parameters=_parameters,
    scenarios=(
        Scenario(
            name="cz_benchmarking_failure_miscalibrated",
            status="MISCALIBRATED",
            outcome=Outcome.ANOMALOUS,
            assessment=Assessment.UNRELIABLE,
            simulate=partial(
                _simulate, phase_error_rad=(0.45, 1.0), loss_per_gate=(0.012, 0.05), depolarization=(0.005, 0.02)
            ),
        ),
        # light that excites hardly any atom leaves about half of the phase out, and loses none
        Scenario(
            name="cz_benchmarking_failure_no_gate",
            status="NO_GATE",
            outcome=Outcome.ANOMALOUS,
            assessment=Assessment.UNRELIABLE,
            simulate=partial(
                _simulate, phase_error_rad=(1.4, 2.0), loss_per_gate=(0.0, 0.0002), depolarization=(0.001, 0.004)
            ),
        ),
        Scenario(
            name="cz_benchmarking_success",
            status="SUCCESS",
            outcome=Outcome.EXPECTED,
            assessment=Assessment.RELIABLE,
            simulate=partial(
                _simulate, phase_error_rad=(0.0, 0.05), loss_per_gate=(0.004, 0.008), depolarization=(0.002, 0.005)
            ),
        ),
    ),
)
