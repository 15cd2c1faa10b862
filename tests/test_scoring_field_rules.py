import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoring.field_rules import FieldType, rule_problems, score_field
from tests.scoring_inputs import json_values

PCT = {"type": "pct", "tol_full": 0.05, "tol_half": 0.15}
ABS = {"type": "abs", "tol_full": 5, "tol_half": 20}
COUNT = {"type": "int_count", "tol_full": 1, "tol_half": 3}
FLOAT_COUNT = {"type": "count_float", "tol_full": 0.5, "tol_half": 1.0}
COORDINATES = {"type": "coord_list", "tol_full": 0.2, "tol_half": 0.5}
MATCHES = {"type": "array_int_match", "tol_full": 2}
ARRAY = {"type": "array_float_match", "tol_full": 0.1}
BOOL = {"type": "bool"}
ENUM = {"type": "enum"}
ALL_RULES = [PCT, ABS, COUNT, FLOAT_COUNT, COORDINATES, MATCHES, ARRAY, BOOL, ENUM]


@pytest.mark.parametrize("rule", ALL_RULES, ids=lambda rule: rule["type"])
@pytest.mark.parametrize("reference", ["Unreliable", None])
def test_if_the_reference_declines_the_answer_has_to_decline_too(rule, reference):
    for declining in (None, "Unreliable", "UNRELIABLE", "null", "None", "none"):
        assert score_field(declining, reference, rule) == 1
    for value in (0, False, "", [], {}, "N/A", "NaN", ["Unreliable"]):
        assert score_field(value, reference, rule) == 0


def test_quirk_declining_is_not_stripped():
    assert score_field(" Unreliable ", "Unreliable", PCT) == 0


def test_quirk_the_reference_declines_in_exactly_this_spelling():
    assert score_field("unreliable", "unreliable", ENUM) == 1
    assert score_field(None, "unreliable", ENUM) == 0


@pytest.mark.parametrize("rule", ALL_RULES, ids=lambda rule: rule["type"])
@pytest.mark.parametrize("reference", [1, True, "dip", [1.0], []])
def test_a_null_answer_scores_0_if_the_reference_has_a_value(rule, reference):
    assert score_field(None, reference, rule) == 0


@pytest.mark.parametrize(
    ("expected", "answer"),
    [
        (1, 100),
        (1, 105),
        (1, 95),
        (0.5, 106),
        (0.5, 115),
        (0, 116),
        (0, -100),
        (1, "100"),
        (1, " 1e2 "),
        (1, "1_00"),
    ],
)
def test_pct_compares_relative_errors(expected, answer):
    assert expected == score_field(answer, 100, PCT)


@pytest.mark.parametrize(
    ("expected", "answer"), [(1, 0), (1, 0.0099), (1, "-0.005"), (0, 0.01), (0, -1), (0, "x")]
)
def test_quirk_pct_of_a_zero_reference_asks_for_less_than_a_hundredth(expected, answer):
    assert expected == score_field(answer, 0, PCT)


@pytest.mark.parametrize(
    ("expected", "answer"), [(1, 15), (1, 5), (0.5, 15.1), (0.5, -10), (0, 30.1), (1, "1e1")]
)
@pytest.mark.parametrize("kind", ["abs", "int_count", "count_float"])
def test_abs_and_counts_compare_absolute_errors(expected, answer, kind):
    assert expected == score_field(answer, 10, {**ABS, "type": kind})


def test_quirk_true_and_false_are_the_numbers_1_and_0():
    assert score_field(True, 1, PCT) == 1
    assert score_field(False, 0, PCT) == 1
    assert score_field([True], [1], MATCHES) == 1


@pytest.mark.parametrize("answer", ["100 MHz", "", "x", [100], {"value": 100}, 10**400, "nan"])
@pytest.mark.parametrize("rule", [PCT, ABS])
def test_what_does_not_convert_scores_0(answer, rule):
    assert score_field(answer, 100, rule) == 0


@pytest.mark.parametrize("answer", [math.nan, math.inf, -math.inf, "inf"])
@pytest.mark.parametrize("rule", [PCT, ABS, COUNT])
def test_nan_and_infinity_are_within_no_tolerance(answer, rule):
    assert score_field(answer, 1, rule) == 0
    assert score_field(answer, 0, rule) == 0


@pytest.mark.parametrize(
    ("expected", "answer", "reference"),
    [
        (1, [1, 2, 3], [1, 2, 3]),
        (2 / 3, [1, 2], [1, 2, 3]),
        (1 / 2, [1, 2, 3, 9, 9, 9], [1, 2, 3]),
        (1 / 3, 1, [1, 2, 3]),
        (1 / 2, [7, 8], 7),
        (1 / 2, [1, "x"], [1, 2]),
        (1, [], []),
        (0, [], [1]),
        (0, [1], []),
        (0, 3, []),
        (0, "[1, 2, 3]", [1, 2, 3]),
    ],
)
def test_counts_in_lists_are_compared_by_position_and_scaled_by_length(expected, answer, reference):
    assert expected == pytest.approx(score_field(answer, reference, COUNT))


def test_coordinates_are_compared_element_by_element():
    assert score_field([-3.1, 1.4], [-3.0, 1.8], COORDINATES) == 0.75
    assert score_field([-3.0], [-3.0, 1.8], COORDINATES) == 0
    assert score_field(-3.0, [-3.0], COORDINATES) == 0


def test_quirk_two_empty_coordinate_lists_score_0():
    assert score_field([], [], COORDINATES) == 0


@pytest.mark.parametrize(
    ("expected", "answer", "reference"),
    [
        (1, [3, 9, 14], [3, 9, 14]),
        (1, [14, 3, 9], [3, 9, 14]),
        (4 / 5, [3, 9], [3, 9, 14]),
        (2 / 3, [2, 2], [2]),
        (1 / 2, [2, "x", None], [2]),
        (1, [], []),
        (0, [], [1]),
        (0, [1], []),
        (0, 3, [3]),
        (0, [3], 3),
    ],
)
def test_array_int_match_is_the_f1_of_matches(expected, answer, reference):
    assert expected == pytest.approx(score_field(answer, reference, MATCHES))


def test_quirk_array_int_match_is_greedy_and_does_not_round():
    assert score_field([2, 1], [1, 3], MATCHES) == 1
    assert score_field([3, 5], [5, 3], MATCHES) == 1
    assert score_field([3, 1], [1, 5], MATCHES) == pytest.approx(1 / 2), "3 takes the 1, so 1 finds nothing"
    assert score_field([4.1], [2], MATCHES) == 0


@pytest.mark.parametrize(
    ("expected", "answer", "reference"),
    [
        (1, [1.0, 2.0], [1.0, 2.0]),
        (1, [1.09, "2"], [1.0, 2.0]),
        (0, [2.0, 1.0], [1.0, 2.0]),
        (1 / 2, [1.0, 2.3], [1.0, 2.0]),
        (2 / 3, [0.0, 5.0, 1], [0.0, 5.0]),
        (1 / 2, [0.005], [0.0, 5.0]),
        (0, [], [1.0]),
        (0, "[]", []),
        (0, 1.0, [1.0]),
    ],
)
def test_array_float_match_is_by_position_with_relative_errors(expected, answer, reference):
    assert expected == pytest.approx(score_field(answer, reference, ARRAY))


def test_quirk_an_empty_reference_array_accepts_any_list():
    assert score_field([1, 2, 3], [], ARRAY) == 1
    assert score_field([], [], ARRAY) == 1


def test_array_float_match_knows_no_half_credit():
    assert score_field([1.12], [1.0], {**ARRAY, "tol_half": 0.5}) == 0


@pytest.mark.parametrize("right", [True, 1, "true", "TRUE"])
def test_bool_reads_bools_the_integer_1_and_words(right):
    assert score_field(right, True, BOOL) == 1
    assert score_field(right, False, BOOL) == 0


@pytest.mark.parametrize("neither", [1.0, 0.0, "1", " true", 2, -1, "yes", [True], {}])
def test_quirk_bool_reads_nothing_else(neither):
    assert score_field(neither, True, BOOL) == 0
    assert score_field(neither, False, BOOL) == 0


def test_enum_compares_stripped_lower_case_strings():
    assert score_field(" Well-Separated ", "well-separated", ENUM) == 1
    assert score_field("well-separated.", "well-separated", ENUM) == 0
    assert score_field(1, 1, ENUM) == 0
    assert score_field(["dip"], "dip", ENUM) == 0


@pytest.mark.parametrize("kind", ["percent", "PCT", None, ["pct"]])
def test_an_unknown_type_scores_0_and_is_named(kind):
    rule = {**PCT, "type": kind}
    assert score_field(1, 1, rule) == 0
    assert score_field("a", "a", rule) == 0
    assert rule_problems(rule) == (f"unknown type {str(kind)!r}: every answer scores 0",)


def test_a_missing_tolerance_gives_no_credit_and_is_named():
    assert score_field(1, 1, {"type": "pct"}) == 0
    assert rule_problems({"type": "pct"}) == ("tol_full is not a number", "tol_half is not a number")
    assert rule_problems({"type": "array_int_match", "tol_full": "x"}) == ("tol_full is not a number",)


@pytest.mark.parametrize("rule", ALL_RULES, ids=lambda rule: rule["type"])
def test_sound_rules_have_no_problems(rule):
    assert rule_problems(rule) == ()


@given(json_values, json_values, st.sampled_from(ALL_RULES))
def test_a_field_scores_between_0_and_1_whatever_it_holds(answer, reference, rule):
    assert 0 <= score_field(answer, reference, rule) <= 1


finite = st.floats(allow_nan=False, allow_infinity=False)
values_by_type = {
    FieldType.BOOL: st.booleans(),
    FieldType.ENUM: st.text(),
    FieldType.PCT: finite,
    FieldType.ABS: finite,
    FieldType.INT_COUNT: st.one_of(st.integers(0, 1000), st.lists(st.integers(0, 1000))),
    FieldType.COUNT_FLOAT: st.one_of(finite, st.lists(finite)),
    FieldType.COORD_LIST: st.lists(finite, min_size=1),
    FieldType.ARRAY_INT_MATCH: st.lists(st.integers(0, 1000)),
    FieldType.ARRAY_FLOAT_MATCH: st.lists(finite),
}


@given(st.data(), st.sampled_from(ALL_RULES))
def test_a_reference_value_scores_1_against_itself(data, rule):
    value = data.draw(values_by_type[rule["type"]])
    assert score_field(value, value, rule) == 1
