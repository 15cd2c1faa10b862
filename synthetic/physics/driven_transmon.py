"""A transmon under a continuous drive: the three lowest levels in their steady state.

In the frame of the drive H = d n + (a/2) n (n - 1) + (W/2) (b + b^+), with the detuning d of the first
transition from the drive, the anharmonicity a and the Rabi frequency W of the first transition (Koch et al.,
Phys. Rev. A 76, 042319, 2007; Krantz et al., Appl. Phys. Rev. 6, 021318, 2019, section IV). Relaxation and
dephasing are Lindblad operators sqrt(1/T1) b and sqrt(2/Tphi) n (Breuer & Petruccione, The Theory of Open
Quantum Systems, 3.2). The power-broadened width, the two-photon line at f01 + a/2 and the shifts of both
lines with power follow by themselves.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from synthetic.physics.readout import Floats

LEVELS = 3

Matrix = NDArray[np.complex128]

_LOWERING: Matrix = np.diag(np.sqrt(np.arange(1.0, LEVELS)), k=1).astype(complex)
_NUMBER: Matrix = np.diag(np.arange(LEVELS)).astype(complex)


def steady_populations(
    detuning_mhz: Floats, rabi_mhz: Floats, *, anharmonicity_mhz: float, t1_us: float, t2_us: float
) -> Floats:
    """Return the populations of the levels, shape (drives, detunings, 3), for each pair of drive and detuning.

    ``detuning_mhz`` is the drive's distance from the first transition, positive above it; no frequency is
    angular. ``t2_us`` is below twice ``t1_us``.
    """
    dephasing_rate = 1.0 / t2_us - 0.5 / t1_us
    fixed = _commutator(np.pi * anharmonicity_mhz * _NUMBER @ (_NUMBER - np.eye(LEVELS)))
    fixed = (
        fixed
        + _dissipator(np.sqrt(1.0 / t1_us) * _LOWERING)
        + _dissipator(np.sqrt(2.0 * dephasing_rate) * _NUMBER)
    )
    detuned = _commutator(-2.0 * np.pi * _NUMBER)
    driven = _commutator(np.pi * (_LOWERING + _LOWERING.conj().T))
    liouvillians = (
        fixed
        + detuned * detuning_mhz[None, :, None, None]
        + driven * np.asarray(rabi_mhz)[:, None, None, None]
    )
    liouvillians[..., 0, :] = np.eye(
        LEVELS
    ).ravel()  # the trace is 1, instead of one of nine dependent equations
    right = np.zeros((LEVELS**2, 1), dtype=complex)
    right[0] = 1.0
    states = np.linalg.solve(liouvillians, right)[..., 0]
    return np.asarray(states[..., :: LEVELS + 1].real)


def _commutator(hamiltonian: Matrix) -> Matrix:
    """Return the map rho -> -i [H, rho] on row-stacked matrices, for H in rad/us."""
    one = np.eye(LEVELS)
    return np.asarray(-1j * (np.kron(hamiltonian, one) - np.kron(one, hamiltonian.T)))


def _dissipator(jump: Matrix) -> Matrix:
    """Return the map rho -> L rho L^+ - (L^+ L rho + rho L^+ L) / 2 on row-stacked matrices."""
    one, loss = np.eye(LEVELS), jump.conj().T @ jump
    return np.asarray(np.kron(jump, jump.conj()) - 0.5 * (np.kron(loss, one) + np.kron(one, loss.T)))
