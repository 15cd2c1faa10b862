"""The lexical judge: grades by overlap of words and numbers."""

from pathlib import Path

import pyarrow.parquet
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qcal_plugin.demo.lexical_judge import lexical_grades

SAMPLE = Path(__file__).parents[2] / "shared" / "qcaleval-sample" / "test-00000-of-00001.parquet"
POINT = "Five visible oscillations decay slowly"  # five terms


@pytest.mark.parametrize(
    ("grade", "answer"),
    [
        (1.0, POINT.upper()),
        (1.0, "visible oscillations decay"),
        (0.5, "visible oscillations"),
        (0.0, "visible"),
        (0.0, ""),
    ],
)
def test_grade_follows_the_share_of_terms_found(grade, answer):
    assert (grade,) == lexical_grades(answer, [POINT])


def test_one_grade_per_key_point_in_order():
    assert (0.0, 1.0, 0.0) == lexical_grades(
        "A clear resonance.", ["flat noise", "clear resonance", "two peaks"]
    )


def test_inflected_words_count_as_the_same_term():
    assert (1.0,) == lexical_grades("An oscillatory signal", ["oscillations"])


def test_stop_words_and_short_words_count_for_nothing():
    assert (0.0,) == lexical_grades("This is with the fit at T1", ["It is what it is, with the of"])


@pytest.mark.parametrize(
    ("grade", "answer"),
    [
        (1.0, "48.2"),
        (1.0, "about 50.1 us"),
        (0.0, "55"),
        (0.0, "-48.2"),
        (1.0, "4.82e1"),
        (0.0, "248.2"),
        (0.0, "Q48.2"),
        (1.0, "40-48.2"),
    ],
)
def test_numbers_match_within_five_percent(grade, answer):
    assert (grade,) == lexical_grades(answer, ["48.2"])


def test_minus_sign_is_read_in_both_spellings():
    assert (1.0,) == lexical_grades("x \N{MINUS SIGN}0.005", ["-0.005"])


def test_no_key_points_no_grades():
    assert () == lexical_grades("anything", [])


@given(st.text(), st.lists(st.text(), max_size=5))
def test_any_text_is_graded(answer, key_points):
    grades = lexical_grades(answer, key_points)
    assert len(key_points) == len(grades)
    assert set(grades) <= {0.0, 0.5, 1.0}


@given(st.text(), st.text())
def test_saying_more_never_lowers_a_grade(answer, more):
    assert lexical_grades(answer, [POINT]) <= lexical_grades(f"{answer} \n {more}", [POINT])


def test_real_answers_earn_their_own_key_points_and_lose_others():
    if not SAMPLE.exists():
        pytest.skip("the sibling folder shared/qcaleval-sample is absent")
    rows = pyarrow.parquet.read_table(SAMPLE).to_pylist()
    own = [grade for row in rows for grade in lexical_grades(row["q3_answer"], row["q3_key_points"])]
    others = [
        grade
        for row, other in zip(rows, rows[7:] + rows[:7], strict=True)
        for grade in lexical_grades(other["q3_answer"], row["q3_key_points"])
    ]
    assert sum(own) > 0.95 * len(own)
    assert sum(others) < 0.3 * len(others)
