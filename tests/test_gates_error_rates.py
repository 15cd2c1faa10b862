"""How often verdicts are wrong, and how often there is one, in simulated releases (`tests.gate_simulation`)."""

import math
import statistics
from pathlib import Path

import numpy as np
import pytest

from reports.gates.evidence import evidence
from reports.gates.metrics import MetricValues, Part
from reports.gates.verdicts import GateVerdict, decide, look_at
from scoring.questions import Question
from tests.gate_factory import gate
from tests.gate_simulation import (
    CASES,
    DESIGNS,
    FLIP_RATES,
    QUESTIONS,
    SAMPLES,
    SEQUENTIAL,
    SHARDED,
    Design,
    answers,
    same,
    simulate,
    verdicts,
    world,
)

BASE = Path("base")
RELEASES = 250
NAMES = [f"s{number:03}" for number in range(SAMPLES)]
FAMILY_OF = {name: f"f{number % 22}" for number, name in enumerate(NAMES)}
TWICE = Design("2 runs against 4", 4, (2,))


def within_error(share, of=RELEASES):
    """A share with three standard errors of its simulation."""
    return share + 3 * math.sqrt(share * (1 - share) / of)


# --- what docs/ci.md states ---


@pytest.mark.parametrize("flips", FLIP_RATES)
@pytest.mark.parametrize("design", [SEQUENTIAL, TWICE], ids=["looks", "twice"])
def test_a_drop_of_exactly_max_drop_passes_in_no_more_than_5_of_100_cases(design, flips):
    for case in (case for case in CASES if case.startswith("drop 2")):
        shares = simulate(flips, case, design, releases=RELEASES)
        assert shares.passed <= within_error(0.05), case
        assert shares.failed <= within_error(0.05), case


@pytest.mark.parametrize("flips", FLIP_RATES)
def test_an_unchanged_model_and_an_equally_good_one_pass(flips):
    same, new = (simulate(flips, case, SEQUENTIAL, releases=RELEASES) for case in ("same", "new"))
    assert 0.9 <= same.passed
    assert 0.8 <= new.passed
    assert 0 == same.failed == new.failed
    assert same.repeats <= 2
    assert new.repeats <= 2.1


def test_shards_that_ask_three_times_decide_as_often_without_looks():
    shares = {
        case: simulate(0.35, case, SHARDED, releases=RELEASES) for case in ("same", "new", "drop 4, thin")
    }
    assert 0.9 <= min(shares["same"].passed, shares["new"].passed, shares["drop 4, thin"].failed)
    assert simulate(0.35, "drop 2, thin", SHARDED, releases=RELEASES).passed <= within_error(0.05)


@pytest.mark.parametrize("flips", FLIP_RATES)
def test_a_drop_of_twice_max_drop_fails(flips):
    for case in (case for case in CASES if case.startswith("drop 4")):
        shares = simulate(flips, case, SEQUENTIAL, releases=RELEASES)
        assert 0.85 <= shares.failed, case
        assert 0 == shares.passed, case


def test_one_run_against_one_decides_little():
    shares = simulate(0.35, "same", DESIGNS[0], releases=RELEASES)
    assert shares.passed < 0.6


# --- the simulation computes what the gates compute ---


def metric_values(baseline, candidate):
    """The values of one release, from scores of shape (repeats, samples, questions)."""
    return MetricValues(
        questions={
            question: tuple(
                Part(
                    sign=sign,
                    items={name: tuple(map(float, side[:, n, index])) for n, name in enumerate(NAMES)},
                    of_baseline=sign < 0,
                )
                for sign, side in ((1, candidate), (-1, baseline))
            )
            for index, question in enumerate(Question)
        },
        families=FAMILY_OF,
    )


@pytest.mark.parametrize("design", DESIGNS[:3], ids=lambda design: design.name)
@pytest.mark.parametrize("case", ["same", "drop 2, thin", "drop 4, thin"])
def test_the_gates_give_the_verdicts_of_the_simulation(design, case):
    random, base = np.random.default_rng(7), world(0.18)
    baseline = answers(random, base.chances, 6, design.baseline)
    candidate = answers(random, CASES[case](base), 6, design.looks[-1])
    passed, failed, _ = verdicts(baseline, candidate, design)
    gated = gate("zeroshot.mean", max_drop=2, baseline=BASE)
    for before, now, passes, fails in zip(baseline, candidate, passed, failed, strict=True):
        values = metric_values(before, now)
        (entry,) = decide([evidence(gated, values, look=look_at(values, ()))])
        assert passes == (entry.verdict in {GateVerdict.PASS, GateVerdict.WORSE})
        assert fails == (entry.verdict is GateVerdict.FAIL)


# --- several gates, thresholds ---


def question_values(random, questions, repeats=(4, 2)):
    """Return right-or-wrong answers to single questions, for releases of one model."""
    chances = world(0.18).chances
    items = {
        question: [random.random((count, SAMPLES)) < chances[:, index] for count in repeats]
        for index, question in enumerate(questions)
    }
    return {
        question: MetricValues(
            questions={
                question: tuple(
                    Part(
                        sign=sign,
                        items={name: tuple(map(float, side[:, n])) for n, name in enumerate(NAMES)},
                        of_baseline=sign < 0,
                    )
                    for sign, side in ((1, now), (-1, before))
                )
            },
            families=FAMILY_OF,
        )
        for question, (before, now) in items.items()
    }


def test_four_gates_together_fail_the_same_model_in_no_more_than_5_of_100_cases():
    random = np.random.default_rng(2)
    questions = (Question.Q2, Question.Q4, Question.Q5, Question.Q6)
    failed = []
    for _ in range(40):
        values_of = question_values(random, questions)
        gates = [
            evidence(gate(f"zeroshot.{q}", max_drop=0, baseline=BASE), values)
            for q, values in values_of.items()
        ]
        failed.append(any(entry.verdict is GateVerdict.FAIL for entry in decide(gates)))
    assert statistics.fmean(failed) <= within_error(0.05, of=40)


def thresholds_met(metric, mean, count=300):
    """Verdicts on releases that each meet new samples, drawn from many whose mean is this one.

    The threshold is 60.
    """
    random = np.random.default_rng(3)
    condition = gate(metric, min=60)
    (question,) = condition.metric.questions
    verdicts = []
    for _ in range(count):
        chances = random.beta(3, 2, size=SAMPLES) * (mean / 0.6)
        draws = random.random((3, SAMPLES)) < chances
        scores = draws.mean(axis=0) if question is Question.Q5 else draws[0]
        items = {name: (float(value),) for name, value in zip(NAMES, scores, strict=True)}
        values = MetricValues(questions={question: (Part(sign=1, items=items),)}, families=FAMILY_OF)
        verdicts += decide([evidence(condition, values)])
    return verdicts


def share(verdicts, verdict):
    return statistics.fmean(decision.verdict is verdict for decision in verdicts)


@pytest.mark.parametrize("metric", ["zeroshot.Q5", "zeroshot.Q6"])
def test_a_model_on_the_threshold_passes_or_fails_in_no_more_than_5_of_100_cases_each(metric):
    decisions = thresholds_met(metric, 0.6)
    assert 0 < share(decisions, GateVerdict.PASS) <= within_error(0.05, of=300)
    assert 0 < share(decisions, GateVerdict.FAIL) <= within_error(0.05, of=300)


@pytest.mark.parametrize("metric", ["zeroshot.Q5", "zeroshot.Q6"])
def test_a_model_below_the_threshold_by_the_detectable_difference_fails_in_80_of_100_cases(metric):
    detectable = statistics.fmean(decision.detectable for decision in thresholds_met(metric, 0.6, count=20))
    assert pytest.approx(0.8, abs=0.07) == share(thresholds_met(metric, 0.6 - detectable), GateVerdict.FAIL)


def test_with_repeats_in_the_baseline_alone_a_drop_that_is_detectable_fails_in_80_of_100_cases():
    design, random, production = Design("1 run against 8", 8, (1,)), np.random.default_rng(5), world(0.35)
    before = answers(random, production.chances, RELEASES, design.baseline)
    gated = gate("zeroshot.mean", max_drop=2, baseline=BASE)
    (entry,) = decide(
        [evidence(gated, metric_values(before[0], answers(random, same(production, 0.02), 1, 1)[0]))]
    )
    worse = answers(random, same(production, 0.02 + entry.detectable), RELEASES, 1)
    _, failed, _ = verdicts(before, worse, design)
    assert pytest.approx(0.8, abs=0.1) == failed.mean()


def test_a_world_has_the_stated_flip_rate():
    for flips in FLIP_RATES:
        chances = world(flips).chances
        assert (SAMPLES, QUESTIONS) == chances.shape
        assert pytest.approx(flips, abs=1e-3) == np.mean(2 * chances * (1 - chances))
