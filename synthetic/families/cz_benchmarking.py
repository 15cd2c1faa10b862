"""CZ benchmarking on two neutral atoms: retention of the pair, and of its state, after random circuits.

A circuit of depth n alternates random single-atom rotations with n CZ gates and ends with the rotation that
would bring the ideal state back to the start. Each gate loses an atom of the pair with a fixed probability,
so both are retained with A r^n. Among retained pairs the success probability falls to the 1/4 of a random
state: 1/4 + (A - 1/4) p^n with the polarization p per cycle (Magesan, Gambetta, Emerson, Phys. Rev. Lett.
106, 180504, 2011, for two qubits). The gate is diag(1, 1, 1, exp(i phase)); a phase other than pi is a
coherent error, which spreads the circuits of one depth; random Pauli errors are a depolarization.
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
from synthetic.drawing.atom_looks import CIRCUIT_INKS, in_atom_look
from synthetic.drawing.style import Drawing, PlotType, Style
from synthetic.family import Assessment, Family, OutcomeLabel, Scenario
from synthetic.physics.fitting import Fit, fit
from synthetic.physics.measured import Measured
from synthetic.physics.readout import Floats

Range = tuple[float, float]

RETAINED = "Probability to retain both atoms"

DEPTHS: tuple[tuple[int, ...], ...] = (
    (0, 4, 6, 8),
    (0, 3, 6, 9),
    (0, 4, 8, 12),
    (0, 2, 4, 8),
    (0, 5, 10, 15),
    (0, 4, 8, 16),
    (0, 6, 12, 18),
    (0, 8, 16, 24),
    (0, 4, 8, 12, 16),
    (0, 5, 10, 20),
    (0, 6, 12, 24),
    (0, 10, 20, 30),
    (0, 4, 8, 16, 24),
)
SITES = 220
DECIMALS = 4
RANDOM_STATE = 0.25
GOOD, POOR, FLAT = 0.98, 0.9, 0.99
"""Bounds per gate: below a good retention or polarization, above a missing gate's polarization, and below the
retention if hardly any atom has been in the Rydberg state."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """One experiment; an element of the arrays is one random circuit. ``success`` is that of retained pairs.

    The error bars are larger than needed by the factor ``caution``, as if there were drifts.
    """

    sites: tuple[int, int]
    depth: Floats
    retention: Floats
    success: Floats
    retention_sigma: Floats
    success_sigma: Floats
    caution: float
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
        return _printed(self.retention_fit)

    @property
    def polarization(self) -> Measured:
        """The fitted polarization per cycle."""
        return _printed(self.success_fit)

    @property
    def retention_chi2(self) -> float:
        """Reduced chi squared of the retention, to three digits."""
        return float(f"{self.retention_fit.reduced_chi_squared:.3g}")

    @property
    def success_chi2(self) -> float:
        """Reduced chi squared of the success probability, to three digits."""
        return float(f"{self.success_fit.reduced_chi_squared:.3g}")

    @property
    def loss_percent(self) -> float:
        """The fitted loss per gate."""
        return 100.0 * (1.0 - self.retention_fit.values[1])

    @property
    def depolarization_percent(self) -> float:
        """The fitted loss of polarization per cycle."""
        return 100.0 * (1.0 - self.success_fit.values[1])

    @property
    def first_retention(self) -> float:
        """The mean retention without a gate."""
        return float(self.retention[self.depth == 0].mean())

    @property
    def first_success(self) -> float:
        """The mean success probability without a gate."""
        return float(self.success[self.depth == 0].mean())

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
        """The depth at which a third of the polarization is left, at least 1: deeper circuits say little."""
        return max(round(-1.0 / math.log(self.success_fit.values[1])), 1)


def _printed(fitted: Fit) -> Measured:
    """The value per gate, as it is printed: to four decimals, its error below the whole range of 0 to 1."""
    step = 10.0**-DECIMALS
    error = min(max(round(fitted.errors[1], DECIMALS), step), 1.0 - step)
    return Measured(value=round(fitted.values[1], DECIMALS), error=round(error, DECIMALS), decimals=DECIMALS)


def _retained(depth: Floats, start: float, per_gate: float) -> Floats:
    return start * per_gate**depth


def _succeeded(depth: Floats, start: float, per_cycle: float) -> Floats:
    return RANDOM_STATE + (start - RANDOM_STATE) * per_cycle**depth


def _simulate(
    rng: Generator, *, phase_error_rad: Range, loss_per_gate: Range, depolarization: Range
) -> Truth:
    depths = DEPTHS[rng.integers(len(DEPTHS))]
    circuits, shots, caution = (
        int(rng.integers(9, 16)),
        int(rng.integers(80, 160)),
        float(rng.uniform(1.0, 2.1)),
    )
    phase_rad = np.pi + rng.choice([-1.0, 1.0]) * rng.uniform(*phase_error_rad)
    loss, mixing = rng.uniform(*loss_per_gate), rng.uniform(*depolarization)
    depth = np.repeat(np.array(depths, dtype=np.float64), circuits)
    fidelity = np.concatenate([_fidelity(rng, d, circuits, phase_rad) for d in depths])
    contrast = (
        rng.uniform(0.92, 0.97) * (1.0 - mixing) ** depth
    )  # of state preparation and readout, of the gates
    survivors = rng.binomial(shots, _retained(depth, rng.uniform(0.94, 0.98), 1.0 - loss))
    counts = rng.binomial(survivors, RANDOM_STATE + contrast * (fidelity - RANDOM_STATE))
    retention, success = survivors / shots, counts / survivors
    retention_sigma, success_sigma = (
        caution * _sigma(survivors, np.full_like(survivors, shots), circuits),
        caution * _sigma(counts, survivors, circuits),
    )
    fits = [
        fit(model, depth, y, (0.95, start), bounds=((low, 0.3), (1.0, 1.0)), sigma=sigma)
        for model, y, sigma, low, start in (
            (_retained, retention, retention_sigma, 0.0, 0.99),
            (_succeeded, success, success_sigma, RANDOM_STATE, 0.9),
        )
    ]
    assert fits[0] and fits[1]  # noqa: S101, PT018 - bounded exponentials converge; the tests run many seeds
    first = int(rng.integers(SITES))
    second = max(first + int(rng.choice([-2, -1, 1, 2])), 0) if first else 1
    return Truth(
        sites=(first, second),
        depth=depth,
        retention=retention,
        success=success,
        retention_sigma=retention_sigma,
        success_sigma=success_sigma,
        caution=caution,
        phase_rad=float(phase_rad),
        loss_per_gate=loss,
        retention_fit=fits[0],
        success_fit=fits[1],
    )


def _sigma(counts: NDArray[np.int64], shots: NDArray[np.int64], circuits: int) -> Floats:
    """Binomial standard deviations of counts / shots at the mean probability of each depth.

    With each circuit's probability, circuits with high counts would have more weight and bias the fit
    upwards.
    """
    at_depth = (counts.reshape(-1, circuits).sum(axis=1) + 1.0) / (
        shots.reshape(-1, circuits).sum(axis=1) + 2.0
    )
    probability = np.repeat(at_depth, circuits)
    return np.sqrt(probability * (1.0 - probability) / shots)


def _fidelity(rng: Generator, depth: int, circuits: int, phase_rad: float) -> Floats:
    """Return the overlap with the ideal state of a gate with this phase, for each of a number of random circuits."""
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
    """Return whether the gates lose hardly any atom."""
    return truth.retention_fit.values[1] > FLAT


def _calibrated(truth: Truth) -> bool:
    """Return whether retention and polarization are close to 1 and their models explain the scatter of the circuits."""
    values = truth.retention_fit.values[1], truth.success_fit.values[1]
    return min(values) > GOOD and max(truth.retention_chi2, truth.success_chi2) < 3.0


def _draw(truth: Truth, style: Style) -> tuple[Drawing, ...]:
    pair = f"{style.rng.choice(['Sites', 'Sites', 'Sites', 'Pair'])} {truth.sites}"
    usual = "Number of CZ gates in circuit"
    x_label = str(style.rng.choice([usual, usual, "Number of CZ gates", "Circuit depth (CZ gates)"]))
    return (
        _draw_one(truth, style, "retention", pair, x_label),
        _draw_one(truth, style, "success", pair, x_label),
    )


def _draw_one(
    truth: Truth, style: Style, kind: Literal["retention", "success"], pair: str, x_label: str
) -> Drawing:
    if kind == "retention":
        y, sigma, fitted, chi2 = (
            truth.retention,
            truth.retention_sigma,
            truth.retention_fit,
            truth.retention_chi2,
        )
        result, y_label = (
            f"Probability to retain both atoms per CZ: {_in_parentheses(truth.retention_per_cz)}",
            RETAINED,
        )
    else:
        y, sigma, fitted, chi2 = truth.success, truth.success_sigma, truth.success_fit, truth.success_chi2
        result, y_label = f"Cycle polarization: {_in_parentheses(truth.polarization)}", "Success probability"
    axes = style.axes()
    style.error_bars(axes, truth.depth, y, sigma, label="circuits")
    depths, circuits = np.unique(truth.depth), int(np.sum(truth.depth == 0))
    means = y.reshape(-1, circuits).mean(axis=1)
    errors = np.sqrt((sigma.reshape(-1, circuits) ** 2).mean(axis=1) / circuits)
    axes.errorbar(
        depths, means, yerr=errors, fmt="o", color=style.second.code, markersize=6.0, zorder=4, label="mean"
    )
    dense = np.linspace(0.0, truth.max_depth, 200)
    style.curve(axes, dense, fitted.at(dense), label="fit")
    style.dress(axes, title="", x_label=x_label, y_label=y_label)
    # Q5 asks for values in the title, so every style has one
    axes.set_title(f"{pair}\n{result}\nReduced chi squared: {chi2:.3g}")
    return style.drawing(axes, plot_type=PlotType.SCATTER, features=_features(truth, style, kind, result))


def _in_parentheses(result: Measured) -> str:
    """Such as "0.9955 (4)"."""
    return result.in_parentheses.replace("(", " (")


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
    # All values are printed (the depth is the last tick), so tolerances only allow for a misread last digit.
    # A standard error has a single digit, and a wrong one is at most half right.
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
    draw=in_atom_look(_draw, inks=CIRCUIT_INKS, size_px=(640, 480), serif=0.5, marker_size=3.5),
    parameters=_parameters,
    scenarios=(
        Scenario(
            name="cz_benchmarking_failure_miscalibrated",
            status="MISCALIBRATED",
            outcome=OutcomeLabel.ANOMALOUS,
            assessment=Assessment.UNRELIABLE,
            simulate=partial(
                _simulate,
                phase_error_rad=(0.5, 1.2),
                loss_per_gate=(0.018, 0.05),
                depolarization=(0.005, 0.03),
            ),
        ),
        # light that excites hardly any atom leaves about half of the phase out, and loses none
        Scenario(
            name="cz_benchmarking_failure_no_gate",
            status="NO_GATE",
            outcome=OutcomeLabel.ANOMALOUS,
            assessment=Assessment.UNRELIABLE,
            simulate=partial(
                _simulate,
                phase_error_rad=(1.0, 1.9),
                loss_per_gate=(0.0, 0.0008),
                depolarization=(0.001, 0.006),
            ),
        ),
        Scenario(
            name="cz_benchmarking_success",
            status="SUCCESS",
            outcome=OutcomeLabel.EXPECTED,
            assessment=Assessment.RELIABLE,
            simulate=partial(
                _simulate,
                phase_error_rad=(0.0, 0.06),
                loss_per_gate=(0.002, 0.009),
                depolarization=(0.001, 0.006),
            ),
        ),
    ),
)
