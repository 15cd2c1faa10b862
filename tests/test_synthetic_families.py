"""Every family keeps the contract of synthetic/family.py, for QCAL_SYNTHETIC_SEEDS seeds (3 unless set)."""

import itertools
import json
import os
import re
import warnings
from functools import cache
from pathlib import Path

import pytest

from scoring.dispatch import Scorer, score
from scoring.parameter_extraction import PER_SITE
from scoring.questions import Question
from scoring.reference import Reference
from synthetic.balance import published_facts
from synthetic.families import family_names, load_family
from synthetic.sample import Sample, SampleKey, find_scenario, make_sample, truth_of

SEEDS = range(int(os.environ.get("QCAL_SYNTHETIC_SEEDS", "3")))
SCENARIOS = [
    pytest.param(family, scenario.name, id=f"{family}-{scenario.name}")
    for family in family_names()
    for scenario in load_family(family).scenarios
]
FACTS = Path(__file__).parents[2] / "shared" / "reference" / "families.json"


@cache
def truths(family: str, scenario: str) -> list[object]:
    return [truth_of(SampleKey(seed=seed, family=family, scenario=scenario, index=0)) for seed in SEEDS]


@cache
def first_sample(family: str, scenario: str) -> Sample:
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # such as a glyph that the font lacks
        return make_sample(SampleKey(seed=0, family=family, scenario=scenario, index=0))


@pytest.mark.parametrize(("family", "scenario"), SCENARIOS)
def test_a_scenario_is_what_it_says_and_nothing_else(family, scenario):
    simulator = load_family(family)
    status = find_scenario(simulator, scenario).status
    for seed, truth in zip(SEEDS, truths(family, scenario), strict=True):
        statuses = {name for name, holds in simulator.criteria.items() if holds(truth)}
        fitting = {
            candidate.name
            for candidate in simulator.scenarios
            if candidate.status in statuses and candidate.telling(truth)
        }
        assert ({status}, {scenario}) == (statuses, fitting), f"seed {seed}"


@pytest.mark.parametrize(("family", "scenario"), SCENARIOS)
def test_the_words_of_a_scenario_are_whole(family, scenario):
    words = load_family(family).words.readings[scenario]
    for truth in truths(family, scenario):
        reading = words.of(truth)
        for text in (
            reading.conclusion,
            *reading.significance,
            reading.fit,
            reading.notes,
            reading.suggestion,
        ):
            assert text
            assert text == " ".join(text.split())
            assert not {"nan", "inf", "-inf"} & set(re.findall(r"[\w-]+", text.lower()))


@pytest.mark.parametrize(("family", "scenario"), SCENARIOS)
def test_a_sample_is_complete(family, scenario):
    sample = first_sample(family, scenario)
    parameters = json.loads(sample.answers[Question.Q5])
    described = json.loads(sample.answers[Question.Q1])
    assert 3 <= len(sample.q1_key_points) <= 5
    assert len(sample.images) == (len(described) if isinstance(described, list) else 1)
    assert set(sample.field_rules) == set(parameters if isinstance(parameters, dict) else parameters[0])
    assert all(prompt.count("<image>") == len(sample.images) for prompt in sample.prompts.values())
    assert all(png.startswith(b"\x89PNG\r\n\x1a\n") for png in sample.images)


@pytest.mark.parametrize(("family", "scenario"), SCENARIOS)
def test_the_reference_answers_score_100(family, scenario):
    sample = first_sample(family, scenario)
    for question, scorer in itertools.product(Question, Scorer):
        assert 1.0 == reference_score(sample, question, scorer), f"{question} {scorer}"


def reference_score(sample, question, scorer):
    """Return the score; an array in Q5 scores 0 by the protocol, so its per-site score is returned."""
    key_points = {Question.Q1: sample.q1_key_points, Question.Q3: sample.q3_key_points}.get(question, ())
    reference = Reference(
        answer=sample.answers[question],
        plot_description=sample.answers[Question.Q1],
        scenario_type=sample.key.scenario,
        key_points=key_points,
        field_rules=sample.field_rules,
    )
    result = score(question, sample.answers[question], reference, [[1.0] * len(key_points)], scorer=scorer)
    return result.components.get(PER_SITE, result.value)


@pytest.mark.parametrize("family", family_names())
def test_criteria_and_words_name_the_same_codes_and_scenarios(family):
    simulator = load_family(family)
    assert family == simulator.name
    assert set(simulator.criteria) == set(simulator.words.criteria)
    assert {scenario.name for scenario in simulator.scenarios} == set(simulator.words.readings)
    assert len(simulator.words.questions) == 3


@pytest.mark.parametrize("family", family_names())
def test_labels_are_the_published_ones(family):
    facts = published_facts()[family]
    simulator = load_family(family)
    assert facts["q6_statuses"] == list(simulator.criteria)
    assert facts["q6_label"] == simulator.q6_label
    assert facts["q5_schema"] == simulator.words.q5_schema
    assert set(facts["scenarios"]) == {scenario.name for scenario in simulator.scenarios}
    for scenario in simulator.scenarios:
        labels = {"q2": scenario.outcome, "q4": scenario.assessment, "q6": scenario.status}
        assert facts["scenarios"][scenario.name].items() <= labels.items(), scenario.name


def test_the_published_facts_are_those_of_their_source():
    if not FACTS.is_file():
        pytest.skip("the published facts (../shared/reference/families.json) are not here to compare with")
    assert json.loads(FACTS.read_text(encoding="utf-8")) == published_facts()


def test_there_are_22_families_87_scenario_types_and_243_samples():
    facts = published_facts().values()
    assert (22, 87, 243) == (
        len(facts),
        sum(len(family["scenarios"]) for family in facts),
        sum(family["samples"] for family in facts),
    )
