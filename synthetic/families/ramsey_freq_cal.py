"""Ramsey frequency calibration: spectrum and time trace of the fringes; physics: synthetic/physics/ramsey.py."""

from __future__ import annotations

from functools import partial

from synthetic.drawing.ramsey_plots import draw
from synthetic.family import Assessment, Family, Outcome, Scenario
from synthetic.physics.ramsey import CRITERIA, FIELD_RULES, Truth, parameters, simulate

TITLES = {
    "spectrum": ("Ramsey frequency spectrum", "Spectrum of the Ramsey fringes"),
    "fringes": ("Ramsey fringes", "Ramsey: time domain"),
}

FAMILY: Family[Truth] = Family(
    name="ramsey_freq_cal",
    criteria=CRITERIA,
    field_rules=FIELD_RULES,
    draw=partial(draw, titles=TITLES),
    parameters=parameters,
    scenarios=(
        Scenario(
            name="ramsey_failure_freq_cal_beating",
            status="BEATING",
            outcome=Outcome.ANOMALOUS,
            assessment=Assessment.UNRELIABLE,
            simulate=partial(
                simulate, fringes=(9, 14), samples_per_fringe=(9, 14), beats=(2.2, 3.2), decay_times=(0.8, 1.3)
            ),
        ),
        Scenario(
            name="ramsey_failure_freq_cal_too_few_osc",
            status="TOO_FEW_OSC",
            outcome=Outcome.SUBOPTIMAL,
            assessment=Assessment.UNRELIABLE,
            simulate=partial(simulate, fringes=(1.1, 2.4), samples_per_fringe=(25, 40)),
        ),
        # like its sibling with too few: the qubit is fine and only detuning or window have to change
        Scenario(
            name="ramsey_failure_freq_cal_too_many_osc",
            status="TOO_MANY_OSC",
            outcome=Outcome.SUBOPTIMAL,
            assessment=Assessment.UNRELIABLE,
            simulate=partial(simulate, fringes=(26, 42), samples_per_fringe=(4, 6), expected_fringes=6.0),
        ),
        Scenario(
            name="ramsey_success_freq_cal",
            status="SUCCESS",
            outcome=Outcome.EXPECTED,
            assessment=Assessment.RELIABLE,
            simulate=partial(simulate, fringes=(4, 11), samples_per_fringe=(9, 16)),
        ),
    ),
)
