"""Our reference answers are of the kind that the benchmark gives, for each field that a known real row shows."""

import json
import tomllib
from pathlib import Path

import pytest

from scoring.questions import Question
from synthetic.families import family_names, load_family
from synthetic.sample import SampleKey, make_sample, truth_of

SEEDS = range(5)
CONVENTIONS = tomllib.loads((Path(__file__).parent / "real_conventions.toml").read_text(encoding="utf-8"))
FAMILIES = {scenario.name: family for family in family_names() for scenario in load_family(family).scenarios}

A_WORD = "a word"


def kind(value, convention):
    """The kind of a Q5 answer, in the terms of real_conventions.toml."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case str():
            return A_WORD if convention == A_WORD and value != "Unreliable" else value
        case list():
            return "values" if value else "[]"
    return "value"


def test_the_known_rows_are_of_all_families():
    assert 49 == len({convention["row"] for convention in CONVENTIONS.values()})
    assert set(family_names()) == {FAMILIES[scenario] for scenario in CONVENTIONS}


@pytest.mark.parametrize("scenario", CONVENTIONS)
def test_parameters_are_of_the_kind_that_the_real_row_shows(scenario):
    expected = CONVENTIONS[scenario]["q5"]
    family = load_family(FAMILIES[scenario])
    for seed in SEEDS:
        parameters = family.parameters(
            truth_of(SampleKey(seed=seed, family=family.name, scenario=scenario, index=0))
        )
        for answer in parameters if isinstance(parameters, list) else [parameters]:
            kinds = {field: kind(answer[field], convention) for field, convention in expected.items()}
            assert expected == kinds, f"seed {seed}"


@pytest.mark.parametrize("scenario", CONVENTIONS)
def test_plots_are_of_the_type_that_the_real_row_shows(scenario):
    sample = make_sample(SampleKey(seed=1, family=FAMILIES[scenario], scenario=scenario, index=0))
    described = json.loads(sample.answers[Question.Q1])
    images = described if isinstance(described, list) else [described]
    expected = CONVENTIONS[scenario]["q1"]
    assert len(expected) == len(images)
    for convention, image in zip(expected, images, strict=True):
        shown = {
            "plot_type": image["plot_type"],
            "x_scale": image["x_axis"]["scale"],
            "y_scale": image["y_axis"]["scale"],
        }
        assert convention.items() <= shown.items()
