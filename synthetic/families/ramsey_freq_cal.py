"""Ramsey frequency calibration: spectrum and time trace of the fringes; physics: synthetic/physics/ramsey.py."""

from __future__ import annotations

from functools import partial

from synthetic.drawing.ramsey_plots import draw
from synthetic.family import Assessment, Family, OutcomeLabel, Scenario
from synthetic.physics.ramsey import Sweep, Truth, simulate, simulate_beating
from synthetic.physics.ramsey_statuses import FIELD_RULES, criteria, parameters

SWEEP = Sweep(window_us=(5.0, 30.0), points=(45.0, 320.0))
DECAY_TIMES = (0.25, 1.8)

FAMILY: Family[Truth] = Family(
    name="ramsey_freq_cal",
    criteria=criteria(of_decay=False),
    field_rules=FIELD_RULES,
    draw=draw,
    parameters=partial(parameters, of_decay=False),
    scenarios=(
        Scenario(
            name="ramsey_failure_freq_cal_beating",
            status="BEATING",
            outcome=OutcomeLabel.ANOMALOUS,
            assessment=Assessment.UNRELIABLE,
            simulate=partial(
                simulate_beating,
                sweep=SWEEP,
                fringes=(9.0, 24.0),
                decay_per_beat=(0.2, 0.6),
                decay_times=DECAY_TIMES,
            ),
        ),
        Scenario(
            name="ramsey_failure_freq_cal_too_few_osc",
            status="TOO_FEW_OSC",
            outcome=OutcomeLabel.SUBOPTIMAL,
            assessment=Assessment.UNRELIABLE,
            simulate=partial(simulate, sweep=SWEEP, fringes=(1.2, 2.4), decay_times=DECAY_TIMES),
        ),
        # like its sibling with too few: the qubit is fine and only the detuning or the window has to change
        Scenario(
            name="ramsey_failure_freq_cal_too_many_osc",
            status="TOO_MANY_OSC",
            outcome=OutcomeLabel.SUBOPTIMAL,
            assessment=Assessment.UNRELIABLE,
            simulate=partial(
                simulate,
                sweep=SWEEP,
                samples_per_fringe=(2.3, 3.6),
                decay_times=DECAY_TIMES,
                expected_fringes=5.0,
            ),
        ),
        Scenario(
            name="ramsey_success_freq_cal",
            status="SUCCESS",
            outcome=OutcomeLabel.EXPECTED,
            assessment=Assessment.RELIABLE,
            simulate=partial(
                simulate,
                sweep=SWEEP,
                fringes=(3.6, 14.0),
                samples_per_fringe=(6.0, 20.0),
                decay_times=DECAY_TIMES,
            ),
        ),
    ),
)
