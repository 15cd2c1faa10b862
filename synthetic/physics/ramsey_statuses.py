"""The status of a Ramsey experiment (synthetic/physics/ramsey.py), and its reliable parameters."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from scoring.field_rules import UNRELIABLE
from scoring.reference import JSON, FieldRules
from synthetic.physics.ramsey import Truth

FEW = 3.0
"""Fewer fringes do not determine a frequency."""
DENSE = 5.0
"""Fewer points per fringe do not show its shape; the fringes are too many for the sweep."""
NYQUIST = 2.1
"""Fewer points per fringe, with a margin, do not determine the frequency because of aliases."""


def oscillating(truth: Truth) -> bool:
    """Return whether there is at least half a fringe, larger than the noise."""
    return truth.fringes >= 0.5 and float(np.ptp(truth.population)) > 4.0 * truth.noise


def sampled(truth: Truth) -> bool:
    """Return whether there are more than Nyquist's two points per fringe."""
    return truth.samples_per_fringe > NYQUIST


def dense(truth: Truth) -> bool:
    """Return whether there are enough points per fringe to see its shape."""
    return truth.samples_per_fringe >= DENSE


def captured(truth: Truth) -> bool:
    """Return whether the fringes lose more than half of their amplitude within the window."""
    return truth.left < 0.5


def beating(truth: Truth) -> bool:
    """Return whether the envelope grows back by more than a tenth."""
    return oscillating(truth) and truth.revival > 0.1


def clear(truth: Truth) -> bool:
    """Return whether there are enough well sampled fringes of one frequency."""
    return oscillating(truth) and dense(truth) and not beating(truth) and truth.fringes >= FEW


def criteria(*, of_decay: bool) -> Mapping[str, Callable[[Truth], bool]]:
    """Return the criteria; with ``of_decay`` the window has to capture the decay, else only the first fringe."""

    def few(truth: Truth) -> bool:
        return oscillating(truth) and dense(truth) and not beating(truth) and truth.fringes < FEW

    return {
        "SUCCESS": lambda truth: clear(truth) and (captured(truth) or not of_decay),
        "NO_DETUNING": lambda truth: not oscillating(truth),
        "BEATING": beating,
        "TOO_MANY_OSC": lambda truth: (
            oscillating(truth) and sampled(truth) and not dense(truth) and not beating(truth)
        ),
        "TOO_FEW_OSC": lambda truth: few(truth) and (of_decay or truth.fringes >= 1.0),
        "WINDOW_TOO_SHORT": lambda truth: (
            clear(truth) and not captured(truth) if of_decay else few(truth) and truth.fringes < 1.0
        ),
        "SAMPLING_TOO_COARSE": lambda truth: oscillating(truth) and not sampled(truth) and not beating(truth),
    }


# Frequency and T2* are printed with the fit. Without a legend the peak can be read to half a bin (5% at ten
# fringes), and the envelope to a few hundredths (10% of T2*). Errors in counting fringes grow with their
# number, and readers disagree on which is the last visible one, so that tolerance is a share.
FIELD_RULES: FieldRules = {
    "T2_star_us": {"type": "pct", "tol_full": 0.1, "tol_half": 0.25},
    "detuning_MHz": {"type": "pct", "tol_full": 0.05, "tol_half": 0.15},
    "fringes_visible": {"type": "pct", "tol_full": 0.15, "tol_half": 0.3},
}


def parameters(truth: Truth, *, of_decay: bool) -> JSON:
    """Return Q5's reference: a detuning needs clear fringes, T2* also a decay if the measurement is for it."""
    return {
        "T2_star_us": round(truth.fitted_t2_star_us, 1)
        if clear(truth) and (captured(truth) or not of_decay)
        else UNRELIABLE,
        "detuning_MHz": round(truth.fitted_mhz, 3) if clear(truth) else UNRELIABLE,
        "fringes_visible": truth.visible_fringes if oscillating(truth) else 0,
    }
