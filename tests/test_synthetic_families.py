"""Every family keeps the contract of synthetic/family.py, for QCAL_SYNTHETIC_SEEDS seeds (5 unless set)."""

import json
import os
import warnings
from pathlib import Path

import pytest

from scoring.questions import Question
from synthetic.families import family_names, load_family
from synthetic.family import Reading
from synthetic.sample import SampleKey, find_scenario, make_sample, truth_of

SEEDS = range(int(os.environ.get("QCAL_SYNTHETIC_SEEDS", "5")))
SCENARIOS = [
    pytest.param(family, scenario.name, id=f"{family}-{scenario.name}")
    for family in family_names()
    for scenario in load_family(family).scenarios
]
FACTS = Path(__file__).parents[2] / "shared" / "reference" / "families.json"


def keys(family: str, scenario: str) -> list[SampleKey]:
    return [SampleKey(seed=seed, family=family, scenario=scenario, index=0) for seed in SEEDS]


@pytest.mark.parametrize(("family", "scenario"), SCENARIOS)
def test_a_scenario_is_what_it_says_and_nothing_else(family, scenario):
    simulator = load_family(family)
    status = find_scenario(simulator, scenario).status
    for key in keys(family, scenario):
        truth = truth_of(key)
        assert {status} == simulator.statuses_of(truth), key
        assert {scenario} == simulator.scenarios_of(truth), key


@pytest.mark.parametrize(("family", "scenario"), SCENARIOS)
def test_the_words_of_a_scenario_are_whole(family, scenario):
    words = load_family(family).words.readings[scenario]
    for key in keys(family, scenario):
        reading = words.of(truth_of(key))
        assert all(
            "nan" not in text.lower().split() and "inf" not in text.lower().split() for text in texts(reading)
        ), key
        assert all("\n" not in text and text == text.strip() and text for text in texts(reading)), key


def texts(reading: Reading) -> list[str]:
    return [reading.conclusion, *reading.significance, reading.fit, reading.notes, reading.suggestion]


@pytest.mark.parametrize(("family", "scenario"), SCENARIOS)
def test_a_sample_is_complete(family, scenario):
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # such as a glyph that the font lacks
        sample = make_sample(SampleKey(seed=0, family=family, scenario=scenario, index=0))
    parameters = json.loads(sample.answers[Question.Q5])
    described = json.loads(sample.answers[Question.Q1])
    assert 3 <= len(sample.q1_key_points) <= 5
    assert len(sample.images) == (len(described) if isinstance(described, list) else 1)
    assert set(sample.field_rules) == set(parameters if isinstance(parameters, dict) else parameters[0])
    assert all(prompt.count("<image>") == len(sample.images) for prompt in sample.prompts.values())
    assert all(png.startswith(b"\x89PNG\r\n\x1a\n") and b"tEXt" not in png for png in sample.images)


@pytest.mark.parametrize("family", family_names())
def test_criteria_and_words_name_the_same_codes_and_scenarios(family):
    simulator = load_family(family)
    assert family == simulator.name
    assert set(simulator.criteria) == set(simulator.words.criteria)
    assert {scenario.name for scenario in simulator.scenarios} == set(simulator.words.readings)
    assert len(simulator.words.questions) == 3


@pytest.mark.parametrize("family", family_names())
def test_labels_are_the_published_ones(family):
    if not FACTS.is_file():
        pytest.skip("the facts about the benchmark's families (../shared/reference/families.json) are not here")
    facts = json.loads(FACTS.read_text(encoding="utf-8"))[family]
    simulator = load_family(family)
    assert facts["q6_statuses"] == list(simulator.criteria)
    assert facts["q6_label"] == simulator.q6_label
    assert facts["q5_schema"] == simulator.words.q5_schema
    assert set(facts["scenarios"]) == {scenario.name for scenario in simulator.scenarios}
    for scenario in simulator.scenarios:
        labels = {"q2": scenario.outcome, "q4": scenario.assessment, "q6": scenario.status}
        assert facts["scenarios"][scenario.name].items() <= labels.items(), scenario.name
