"""How often verdicts are wrong, in simulated releases of models whose items are right with the chances on record.

The record has the size of the benchmark: 243 samples of 22 families, six questions. An item's chance stands for the
mean of many recorded attempts: families differ, samples of a family differ, and a sample's questions go together. Q1,
Q3 and Q5 are graded in thirds.
"""

import statistics
from pathlib import Path

import numpy as np
import pytest

from reports.gates.evidence import evidence
from reports.gates.metrics import MetricValues, Part
from reports.gates.verdicts import Verdict, decide
from scoring.questions import Question
from tests.gate_factory import gate

BASE = Path("base")
SAMPLES, FAMILIES = 243, 22
GRADED = np.array([question in {Question.Q1, Question.Q3, Question.Q5} for question in Question])
NAMES = [f"s{number:03}" for number in range(SAMPLES)]
FAMILY_OF = {name: f"f{number % FAMILIES}" for number, name in enumerate(NAMES)}


def recorded_chances(seed=20260428):
    """Shape (samples, questions)."""
    random = np.random.default_rng(seed)
    families = random.beta(4, 3, size=FAMILIES)[np.arange(SAMPLES) % FAMILIES]
    samples = random.beta(6 * families, 6 * (1 - families))[:, None]
    return np.clip(random.beta(8 * samples + 0.05, 8 * (1 - samples) + 0.05, size=(SAMPLES, 6)), 0, 1)


CHANCES = recorded_chances()


def answered(random, chances):
    """One attempt at every item: right or wrong, or graded in thirds."""
    draws = random.random((3, *chances.shape)) < chances
    return np.where(GRADED, draws.mean(axis=0), draws[0])


def values(later, earlier=None, questions=tuple(Question)):
    """The values behind a mean over questions: of a run, or of a run minus its baseline."""
    runs = [(1, later)] if earlier is None else [(1, later), (-1, earlier)]
    parts = {
        question: tuple(
            Part(sign=sign, items={name: (float(value),) for name, value in zip(NAMES, run[:, index], strict=True)})
            for sign, run in runs
        )
        for index, question in enumerate(Question)
        if question in questions
    }
    return MetricValues(questions=parts, families=FAMILY_OF)


def release(random, conditions, chances_later):
    """The verdicts on one release with these chances, against a baseline with the recorded ones."""
    later, earlier = answered(random, chances_later), answered(random, CHANCES)
    found = [evidence(condition, values(later, earlier, condition.metric.questions)) for condition in conditions]
    return decide(found)


def releases(chances_later, *, max_drop, count=300, seed=1):
    random = np.random.default_rng(seed)
    condition = gate("zeroshot.mean", max_drop=max_drop, baseline=BASE)
    return [release(random, [condition], chances_later)[0] for _ in range(count)]


def dropped(drop):
    """The recorded chances of a model that is worse by this much, on average."""
    return CHANCES * (1 - drop / CHANCES.mean())


def share(verdicts, verdict):
    return statistics.fmean(found.verdict is verdict for found in verdicts)


@pytest.fixture(scope="module")
def same_model():
    """Releases of the baseline's own model, which may not drop at all."""
    return releases(CHANCES, max_drop=0)


def test_two_runs_of_a_model_fail_in_no_more_than_5_of_100_cases(same_model):
    assert share(same_model, Verdict.FAIL) <= 0.05
    assert 0 < share(same_model, Verdict.FAIL), "a gate that never fails proves nothing"


def test_two_runs_of_a_model_hardly_ever_fail_where_a_drop_is_allowed():
    assert share(releases(CHANCES, max_drop=2, count=100), Verdict.FAIL) <= 0.01


def test_a_true_drop_of_the_detectable_size_fails_in_80_of_100_cases(same_model):
    detectable = statistics.fmean(found.detectable for found in same_model)
    found = releases(dropped(0.02 + detectable), max_drop=2, count=250)
    assert pytest.approx(0.8, abs=0.07) == share(found, Verdict.FAIL)


def test_a_drop_as_large_as_allowed_passes_in_no_more_than_5_of_100_cases():
    assert share(releases(dropped(0.05), max_drop=5, count=250), Verdict.PASS) <= 0.05


def test_a_model_that_did_not_change_passes_in_80_of_100_cases_if_the_drop_allowed_is_detectable(same_model):
    detectable = statistics.fmean(found.detectable for found in same_model)
    found = releases(CHANCES, max_drop=100 * detectable, count=250)
    assert pytest.approx(0.8, abs=0.07) == share(found, Verdict.PASS)


def test_four_gates_together_fail_the_same_model_in_no_more_than_5_of_100_cases():
    random = np.random.default_rng(2)
    metrics = ("zeroshot.Q5+Q6", "zeroshot.Q2", "zeroshot.Q4", "zeroshot.Q6")
    conditions = [gate(metric, max_drop=0, baseline=BASE) for metric in metrics]
    verdicts = [release(random, conditions, CHANCES) for _ in range(200)]
    assert statistics.fmean(any(v.verdict is Verdict.FAIL for v in found) for found in verdicts) <= 0.05


def thresholds_met(metric, mean, count=300):
    """Verdicts on releases that each meet new samples, drawn from many whose mean is this one; the threshold is 60."""
    random = np.random.default_rng(3)
    condition = gate(metric, min=60)
    verdicts = []
    for _ in range(count):
        chances = random.beta(3, 2, size=(SAMPLES, 1)) * (mean / 0.6) * np.ones(6)
        found = values(answered(random, chances), questions=condition.metric.questions)
        verdicts += decide([evidence(condition, found)])
    return verdicts


@pytest.mark.parametrize("metric", ["zeroshot.Q5", "zeroshot.Q6"])
def test_a_model_on_the_threshold_passes_or_fails_in_no_more_than_5_of_100_cases_each(metric):
    verdicts = thresholds_met(metric, 0.6)
    assert 0 < share(verdicts, Verdict.PASS) <= 0.05
    assert 0 < share(verdicts, Verdict.FAIL) <= 0.05


@pytest.mark.parametrize("metric", ["zeroshot.Q5", "zeroshot.Q6"])
def test_a_model_below_the_threshold_by_the_detectable_difference_fails_in_80_of_100_cases(metric):
    detectable = statistics.fmean(found.detectable for found in thresholds_met(metric, 0.6, count=20))
    assert pytest.approx(0.8, abs=0.07) == share(thresholds_met(metric, 0.6 - detectable), Verdict.FAIL)
