import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoring.judge_reply import BadReply, parse_grades, read_reply
from scoring.key_points import repair_prompt
from tests.scoring_inputs import json_values


@pytest.mark.parametrize(
    ("expected", "reply"),
    [
        ((1, 0.5, 0), "[1, 0.5, 0]"),
        ((1, 0.5, 0), "```json\n[1, 0.5, 0]\n```"),
        ((1, 0.5, 0), 'Scores: {"scores": ["1", " 5e-1 ", false]}'),
        ((1, 0, 1), "[1, 0, 1]\n\nExplanation: [2] is missing"),
    ],
)
def test_grades_are_between_the_first_bracket_and_the_next_closing_one(expected, reply):
    parsed = parse_grades(reply, 3)
    assert expected == parsed.grades
    assert parsed.faults == ()


@pytest.mark.parametrize(
    ("grades", "faults", "reply"),
    [
        ((1, 0, 0), ("short",), "[1]"),
        ((0, 0, 0), ("short",), "[]"),
        ((1, 1, 0), ("long",), "[1, 1, 0, 1, NaN, 7]"),
        ((1, 1, 0), ("nan",), '[NaN, "nan", 0]'),
        ((0, 0, 1), ("unreadable",), '["yes", null, 1]'),
        ((1, 0, 1), ("clamped",), "[2, -1, 1]"),
        ((1, 0, 0), ("short", "clamped"), "[1e999, -Infinity]"),
        ((0, 1, 1), ("unreadable",), f"[1{'0' * 400}, 1, 1]"),
    ],
)
def test_odd_replies_are_used_and_their_faults_recorded(grades, faults, reply):
    parsed = parse_grades(reply, 3)
    assert grades == parsed.grades
    assert faults == parsed.faults


def test_quirk_a_citation_before_the_grades_is_taken_for_them():
    parsed = parse_grades("Key points [1] and [2] are met.\n[0, 1, 1]", 3)
    assert parsed.grades == (1, 0, 0)
    assert parsed.faults == ("short",)


@pytest.mark.parametrize(
    ("fault", "reply"),
    [
        ("it holds no JSON array", ""),
        ("it holds no JSON array", "1, 0.5, 0"),
        ("it holds no JSON array", '{"a": 1}'),
        ("its JSON array is not closed", "[1, 0.5, 0"),
        ("its JSON array is not closed", "] [1"),
        ("not a flat JSON array of numbers", "[[1, 0, 0]]"),
        ("not a flat JSON array of numbers", "[1, [1], 0]"),
        ("not a flat JSON array of numbers", "[0.5, // good\n 1]"),
        ("not a flat JSON array of numbers", "[0, ½, 1]"),
        ("not a flat JSON array of numbers", "[score1, score2]\n[1, 1]"),
        ("not a flat JSON array of numbers", "[" * 100_000 + "]"),
    ],
)
def test_an_unusable_reply_is_refused_with_its_fault_which_the_repair_names(fault, reply):
    with pytest.raises(BadReply, match=fault) as refusal:
        parse_grades(reply, 3)
    assert f"Your last reply could not be used: {refusal.value}." in repair_prompt(str(refusal.value))


@given(st.lists(st.floats(0, 1), max_size=6))
def test_well_formed_replies_come_back_as_they_are(grades):
    assert tuple(grades) == parse_grades(json.dumps(grades), len(grades)).grades


@given(
    st.one_of(
        st.text(),
        json_values.map(json.dumps),
        st.text("[]{},0.5 1Nan\"'"),
        st.lists(json_values).map(json.dumps),
    )
)
def test_every_reply_gives_one_grade_of_0_to_1_per_key_point_or_is_refused(reply):
    try:
        parsed = parse_grades(reply, 3)
    except BadReply:
        return
    assert len(parsed.grades) == 3
    assert all(0 <= grade <= 1 and not math.isnan(grade) for grade in parsed.grades)


# --- what a judge means ---

MEANT = (1.0, 1.0, 0.5)


@pytest.mark.parametrize(
    ("faults", "reply"),
    [
        ((), "[1, 1, 0.5]"),
        ((), "The grades are [1, 1, 0.5]."),
        ((), "```json\n[1, 1, 0.5]\n```"),
        (("repaired",), "<think>\nKey point [1] is met, [2] too.\n</think>\n\n[1, 1, 0.5]"),
        (("repaired",), "Key point [1] is met, [2] too, [3] partly.\n[1, 1, 0.5]"),
        (("repaired",), "[THINK]Point [1] is met.[/THINK][1, 1, 0.5]"),
        (
            ("repaired",),
            "<|channel|>analysis<|message|>[0, 0, 0]?<|end|><|channel|>final<|message|>[1, 1, 0.5]",
        ),
        (("repaired",), "A first guess: [0, 0, 0]. After all: [1, 1, 0.5]"),
        ((), "```\n[1, 1, 0.5]\n```\nNot [0, 0, 0]."),
        (("repaired",), "Not [0, 0, 0].\n```\n[1, 1, 0.5]\n```\nNor [0, 0, 0]."),
        (("repaired",), "[[1, 1, 0.5]]"),
        ((), "<think>met, met, partly</think>[1, 1, 0.5]"),
        (("clamped",), "[1, 7, 0.5]"),
    ],
)
def test_a_judge_is_graded_by_its_final_answer(faults, reply):
    read = read_reply(reply, 3)
    assert (MEANT, faults) == (read.grades, read.faults)


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        ("<think>[1, 1, 0.5]", "it holds a thought and no answer"),
        ("<think>[1, 1, 0.5]</think>", "it holds a thought and no answer"),
        ("<think>[1, 1, 0.5]</think> All points are met.", "it holds no JSON array"),
        ("", "it holds no JSON array"),
        ("  ", "it holds no JSON array"),
    ],
)
def test_grades_in_a_thought_are_not_a_verdict(reply, words):
    with pytest.raises(BadReply, match=words):
        read_reply(reply, 3)


@pytest.mark.parametrize(
    "reply", ["[1]", "[1, 1, 1, 1]", "[]", '["x", 1, 1]', "[1] and [0.5]", "[NaN, 1, 1]"]
)
def test_without_an_array_of_the_right_length_the_references_reading_counts(reply):
    assert parse_grades(reply, 3) == read_reply(reply, 3)


@given(st.lists(st.sampled_from([0, 0.5, 1]), min_size=1, max_size=5))
def test_a_plain_array_is_read_as_the_reference_reads_it(grades):
    assert parse_grades(str(grades), len(grades)) == read_reply(str(grades), len(grades))
