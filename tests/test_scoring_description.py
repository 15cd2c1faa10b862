import json

import pytest

from scoring.dispatch import score
from scoring.questions import Question
from scoring.reference import Reference


def image(plot_type="line", x_scale="linear", y_scale="log"):
    return {"plot_type": plot_type, "x_axis": {"scale": x_scale}, "y_axis": {"scale": y_scale}}


def fields(answer, reference):
    text = answer if isinstance(answer, str) else json.dumps(answer)
    result = score(
        Question.Q1, text, Reference(answer=json.dumps(reference), plot_description="", scenario_type="s")
    )
    return [result.components[name] for name in ("plot_type", "x_scale", "y_scale")]


def test_each_field_is_right_or_wrong():
    assert fields(image(), image()) == [1, 1, 1]
    assert fields(image("scatter", "log", "log"), image()) == [0, 0, 1]


def test_fields_are_compared_stripped_and_in_lower_case():
    assert fields(image(" LINE ", "Linear", "LOG\n"), image()) == [1, 1, 1]


@pytest.mark.parametrize("other", [None, 5, ["line"], {}, True])
def test_a_value_of_another_type_does_not_match_a_different_text(other):
    assert fields(image(plot_type=other), image()) == [0, 1, 1]


@pytest.mark.parametrize(
    ("answer", "reference"), [("5", 5), (5, 5), (True, "true"), ("TRUE ", True), (["a"], "['a']")]
)
def test_quirk_values_are_compared_as_python_writes_them(answer, reference):
    assert fields(image(plot_type=answer), image(plot_type=reference)) == [1, 1, 1]


def test_a_missing_or_null_value_matches_nothing_not_even_the_word_none():
    assert fields(image(plot_type=None), image(plot_type="none")) == [0, 1, 1]
    assert fields(image(plot_type=None), image(plot_type=None)) == [0, 1, 1]


def test_quirk_what_the_reference_lacks_matches_nothing_so_it_does_not_score_1_against_itself():
    tweezers = {"plot_type": "image", "x_axis": {"label": "x"}, "y_axis": {"scale": None}}
    assert fields(tweezers, tweezers) == [1, 0, 0]


@pytest.mark.parametrize("axis", ["linear", None, [1, 2], 3])
def test_an_axis_that_is_not_an_object_counts_as_missing(axis):
    assert fields({**image(), "x_axis": axis}, image()) == [1, 0, 1]


def test_arrays_are_compared_image_by_image_over_the_longer_one():
    assert fields([image(), image("scatter")], [image(), image()]) == [0.5, 1, 1]
    assert fields([image()] * 4, [image()] * 2) == [0.5, 0.5, 0.5]
    assert fields([image()], [image()] * 4) == [0.25, 0.25, 0.25]


def test_a_single_object_against_an_array_counts_as_an_array_of_one():
    assert fields(image(), [image(), image()]) == [0.5, 0.5, 0.5]
    assert fields([image(), image()], image()) == [0.5, 0.5, 0.5]


@pytest.mark.parametrize("nothing", ["no JSON", "", "[]", '["line"]', '"line"', "3", "[[{}]]"])
def test_nothing_usable_scores_0(nothing):
    assert fields(nothing, image()) == [0, 0, 0]
    assert fields(nothing, []) == [0, 0, 0]


def test_half_of_the_score_is_fields_and_half_is_key_points():
    reference = Reference(
        answer=json.dumps(image()), plot_description="", scenario_type="s", key_points=("a", "b", "c", "d")
    )
    result = score(Question.Q1, json.dumps(image("scatter")), reference, [[1, 1, 0.5, 0], [1, 0, 0, 0]])
    assert result.components["fields"] == pytest.approx(2 / 3)
    assert result.components["key_points"] == pytest.approx((2.5 / 4 + 1 / 4) / 2)
    assert result.value == pytest.approx(0.5 * 2 / 3 + 0.5 * 0.4375)
    assert result.extracted == {"plot_type": "scatter", "x_scale": "linear", "y_scale": "log"}
    assert result.expected == {"plot_type": "line", "x_scale": "linear", "y_scale": "log"}


def test_quirk_without_key_points_that_half_is_0_and_no_judge_is_needed():
    reference = Reference(answer=json.dumps(image()), plot_description="", scenario_type="s")
    assert score(Question.Q1, json.dumps(image()), reference).value == 0.5
