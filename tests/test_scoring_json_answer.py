import json
import math

import pytest
from hypothesis import given

from scoring.json_answer import parse_json
from tests.scoring_inputs import answers, json_values


@pytest.mark.parametrize(
    ("expected", "text"),
    [
        ({"a": 1}, '{"a": 1}'),
        ({"a": 1}, ' \n{"a": 1}\n'),
        ("a text", '"a text"'),
        (3, "3"),
        ({"a": 1}, 'I think so.\n```json\n{"a": 1}\n```\nDone.'),
        ([1], "```\n[1]\n```"),
        ([1], "```json [1] ```"),
        ({"a": 1}, 'Here: {"a": 1} as asked.'),
        ([1, 2], "Here: [1, 2] as asked."),
        (None, "N/A"),
        (None, ""),
        (None, "{'a': 1}"),
        (None, '{"a": 1,}'),
    ],
)
def test_json_is_found_in_whole_text_fence_braces_and_brackets(expected, text):
    assert expected == parse_json(text)


def test_quirk_only_the_first_fenced_block_counts():
    assert parse_json("```\nno JSON\n```\n```json\n[1]\n```\n[2]") is None
    assert [0] == parse_json("```json\n[0]\n```\n```json\n[1]\n```")


def test_quirk_the_tag_of_a_fence_counts_in_lower_case_only_so_braces_inside_an_array_win():
    assert [{"a": 1}] == parse_json('```json\n[{"a": 1}]\n```')
    assert {"a": 1} == parse_json('```JSON\n[{"a": 1}]\n```')


def test_quirk_a_draft_in_braces_before_the_final_object_spoils_both():
    assert parse_json('First draft: {"a": 1}\nFinal: {"a": 2}') is None


def test_quirk_an_unclosed_fence_is_not_a_block():
    assert {"a": 1} == parse_json('```json\n[{"a": 1}]')


def test_quirk_nan_and_infinity_are_numbers():
    parsed = parse_json('{"a": NaN, "b": Infinity, "c": -Infinity, "d": 1e999}')
    assert math.isnan(parsed.pop("a"))
    assert {"b": math.inf, "c": -math.inf, "d": math.inf} == parsed


@pytest.mark.parametrize(
    "text", ["[" * 100_000, '{"a":' * 50_000, "9" * 5_000, "[" * 100_000 + "]" * 100_000]
)
def test_what_the_json_reader_refuses_counts_as_not_parsed(text):
    assert parse_json(text) is None


@given(json_values)
def test_every_json_value_is_read_from_its_own_text(value):
    written = json.dumps(value)
    assert written == json.dumps(parse_json(written))


@given(answers)
def test_no_text_raises(text):
    parse_json(text)
