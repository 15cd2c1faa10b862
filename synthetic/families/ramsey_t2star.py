"""Ramsey T2*: as the frequency calibration, with a window for the decay; physics: synthetic/physics/ramsey.py."""

from __future__ import annotations

from functools import partial

from synthetic.drawing.ramsey_plots import draw
from synthetic.family import Assessment, Family, OutcomeLabel, Scenario
from synthetic.physics.ramsey import Sweep, Truth, simulate, simulate_aliased, simulate_beating
from synthetic.physics.ramsey_statuses import FIELD_RULES, criteria, parameters

SWEEP = Sweep(window_us=(25.0, 900.0), points=(55.0, 850.0))

FAMILY: Family[Truth] = Family(
    name="ramsey_t2star",
    criteria=criteria(of_decay=True),
    field_rules=FIELD_RULES,
    draw=draw,
    parameters=partial(parameters, of_decay=True),
    scenarios=(
        Scenario(
            name="ramsey_failure_t2star_beating",
            status="BEATING",
            outcome=OutcomeLabel.ANOMALOUS,
            assessment=Assessment.UNRELIABLE,
            simulate=partial(
                simulate_beating,
                sweep=SWEEP,
                fringes=(11.0, 65.0),
                decay_per_beat=(0.2, 0.6),
                decay_times=(0.8, 5.0),
            ),
        ),
        # the fringes end after a few points, which show an alias
        Scenario(
            name="ramsey_failure_t2star_sampling_too_coarse",
            status="SAMPLING_TOO_COARSE",
            outcome=OutcomeLabel.SUBOPTIMAL,
            assessment=Assessment.UNRELIABLE,
            simulate=partial(simulate_aliased, sweep=SWEEP),
        ),
        # window_too_short, zero_detuning: as with too coarse sampling, only a setting of the experiment has
        # to change
        Scenario(
            name="ramsey_failure_t2star_window_too_short",
            status="WINDOW_TOO_SHORT",
            outcome=OutcomeLabel.SUBOPTIMAL,
            assessment=Assessment.UNRELIABLE,
            simulate=partial(
                simulate,
                sweep=SWEEP,
                fringes=(3.6, 50.0),
                samples_per_fringe=(7.0, 16.0),
                decay_times=(0.08, 0.5),
            ),
        ),
        Scenario(
            name="ramsey_failure_t2star_zero_detuning",
            status="NO_DETUNING",
            outcome=OutcomeLabel.SUBOPTIMAL,
            assessment=Assessment.UNRELIABLE,
            simulate=partial(simulate, sweep=SWEEP, fringes=(0.0, 0.12), decay_times=(1.5, 6.0)),
        ),
        Scenario(
            name="ramsey_success_t2star",
            status="SUCCESS",
            outcome=OutcomeLabel.EXPECTED,
            assessment=Assessment.RELIABLE,
            simulate=partial(
                simulate,
                sweep=SWEEP,
                fringes=(3.6, 60.0),
                samples_per_fringe=(7.0, 16.0),
                decay_times=(1.8, 5.0),
            ),
        ),
    ),
)
