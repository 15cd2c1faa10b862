"""Ramsey T2*: as the frequency calibration, with a window for the decay; physics: synthetic/physics/ramsey.py."""

from __future__ import annotations

from functools import partial

from synthetic.drawing.ramsey_plots import draw
from synthetic.family import Assessment, Family, Outcome, Scenario
from synthetic.physics.ramsey import CRITERIA, FIELD_RULES, Truth, parameters, simulate

TITLES = {
    "spectrum": ("Ramsey T2*: spectrum", "FFT of the Ramsey trace", "Spectrum of the T2* measurement"),
    "fringes": ("Ramsey T2*: decay of the fringes", "Dephasing time T2*", "T2* (Ramsey)"),
}
WINDOW_US = (10.0, 90.0)

FAMILY: Family[Truth] = Family(
    name="ramsey_t2star",
    criteria=CRITERIA,
    field_rules=FIELD_RULES,
    draw=partial(draw, titles=TITLES),
    parameters=parameters,
    scenarios=(
        Scenario(
            name="ramsey_failure_t2star_beating",
            status="BEATING",
            outcome=Outcome.ANOMALOUS,
            assessment=Assessment.UNRELIABLE,
            simulate=partial(
                simulate,
                fringes=(10, 16),
                samples_per_fringe=(8, 12),
                beats=(2.2, 3.4),
                decay_times=(0.9, 1.5),
                window=WINDOW_US,
            ),
        ),
        # around Nyquist's two points per fringe: an alias has 2 to 2.5, so the plot shows that points are too far apart
        Scenario(
            name="ramsey_failure_t2star_sampling_too_coarse",
            status="SAMPLING_TOO_COARSE",
            outcome=Outcome.SUBOPTIMAL,
            assessment=Assessment.UNRELIABLE,
            simulate=partial(
                simulate, fringes=(26, 40), samples_per_fringe=(1.67, 2.25), decay_times=(1.2, 2.0), window=WINDOW_US
            ),
        ),
        # window_too_short, zero_detuning: as with too coarse a sampling only a setting of the experiment has to change
        Scenario(
            name="ramsey_failure_t2star_window_too_short",
            status="WINDOW_TOO_SHORT",
            outcome=Outcome.SUBOPTIMAL,
            assessment=Assessment.UNRELIABLE,
            simulate=partial(
                simulate, fringes=(4, 9), samples_per_fringe=(9, 14), decay_times=(0.08, 0.35), window=WINDOW_US
            ),
        ),
        Scenario(
            name="ramsey_failure_t2star_zero_detuning",
            status="NO_DETUNING",
            outcome=Outcome.SUBOPTIMAL,
            assessment=Assessment.UNRELIABLE,
            simulate=partial(
                simulate, fringes=(0.01, 0.1), samples_per_fringe=(400, 800), decay_times=(1.5, 2.3), window=WINDOW_US
            ),
        ),
        Scenario(
            name="ramsey_success_t2star",
            status="SUCCESS",
            outcome=Outcome.EXPECTED,
            assessment=Assessment.RELIABLE,
            simulate=partial(
                simulate, fringes=(5, 16), samples_per_fringe=(8, 14), decay_times=(1.6, 2.4), window=WINDOW_US
            ),
        ),
    ),
)
