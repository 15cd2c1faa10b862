import dataclasses
import json
import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.records.records import score_to_json
from reports.records.typed_json import decode
from scoring.dispatch import Scorer, score
from scoring.excerpt import MAX_CHARS, excerpt
from scoring.questions import Question
from scoring.reference import Reference
from scoring.score import Score
from tests.scoring_inputs import KEY_POINTS, REFERENCES, answers, grades_for, json_values

SAMPLE = Path(__file__).parents[2] / "shared" / "qcaleval-sample" / "test-00000-of-00001.parquet"
BELOW_ONE = {
    ("tweezer_array_success_a", Question.Q1): 2
    / 3,  # its axes have no scale: two of three fields match nothing
    ("mot_loading_good_a", Question.Q1): 2 / 3,  # the same
    ("rydberg_spectroscopy_success_a", Question.Q5): 0,  # its answer is an array
}


@pytest.mark.parametrize("question", Question)
@pytest.mark.parametrize("scorer", Scorer)
def test_a_reference_scores_1_against_itself(question, scorer):
    reference = REFERENCES[question]
    assert score(question, reference.answer, reference, grades_for(question), scorer=scorer).value == 1


@pytest.mark.parametrize("question", Question)
@pytest.mark.parametrize("scorer", Scorer)
def test_the_real_references_score_1_against_themselves(question, scorer):
    if not SAMPLE.is_file():
        pytest.skip("the sibling folder shared/qcaleval-sample is absent")
    import pyarrow.parquet as pq

    for row in pq.read_table(SAMPLE).to_pylist():
        key = question.value.lower()
        reference = Reference(
            answer=row[f"{key}_answer"],
            plot_description=row["q1_answer"],
            scenario_type=row["experiment_type"],
            key_points=tuple(row.get(f"{key}_key_points") or ()),
            field_rules=json.loads(row["q5_scoring"]),
        )
        result = score(
            question, reference.answer, reference, [[1.0] * len(reference.key_points)], scorer=scorer
        )
        assert BELOW_ONE.get((row["id"], question), 1) == pytest.approx(result.value), row["id"]
        assert result.components.get("per_site", 1) == 1
        if question is Question.Q6:
            assert row["q6_expected_status"] == result.extracted


@pytest.mark.parametrize("question", [Question.Q1, Question.Q3])
def test_unjudged_is_an_error_not_a_score_of_0(question):
    with pytest.raises(
        ValueError, match="3 key points without grades: the item is unjudged, which is not a score of 0"
    ):
        score(question, "an answer", REFERENCES[question])


def test_q3_without_key_points_is_undefined():
    reference = dataclasses.replace(REFERENCES[Question.Q3], key_points=())
    with pytest.raises(ValueError, match="its score is undefined"):
        score(Question.Q3, "an answer", reference, [[]])


def test_several_judges_are_averaged_judge_by_judge():
    result = score(Question.Q3, "an answer", REFERENCES[Question.Q3], [[1, 1, 0], [1, 0.5, 0], [0, 0, 0]])
    assert result.value == pytest.approx((2 / 3 + 1 / 2 + 0) / 3)
    assert result.components == {"key_points": result.value}


@pytest.mark.parametrize(
    ("complaint", "grades"),
    [
        ("judge 1 gave 2 grades for 3 key points", [[1, 1]]),
        ("judge 2 gave 4 grades for 3 key points", [[1, 1, 1], [1, 1, 1, 1]]),
        ("judge 1 gave grades outside 0..1", [[1, 1, math.nan]]),
        ("judge 1 gave grades outside 0..1", [[1, 1, 1.1]]),
        ("judge 1 gave grades outside 0..1", [[-0.1, 1, 1]]),
    ],
)
def test_grades_have_to_fit_the_key_points(complaint, grades):
    with pytest.raises(ValueError, match=complaint):
        score(Question.Q3, "an answer", REFERENCES[Question.Q3], grades)


@pytest.mark.parametrize("question", [Question.Q2, Question.Q4, Question.Q6])
@pytest.mark.parametrize("scorer", Scorer)
def test_a_reference_that_names_nothing_matches_nothing(question, scorer):
    reference = Reference(answer="nothing here", plot_description="", scenario_type="s")
    assert score(question, "nothing here", reference, scorer=scorer).value == 0


def test_a_label_is_right_in_any_case():
    reference = Reference(answer="Classification: Normal", plot_description="", scenario_type="s")
    assert score(Question.Q2, "classification: NORMAL", reference).value == 1
    assert score(Question.Q2, "classification: odd", reference).value == 0


def test_a_label_and_a_code_are_shown_as_read():
    wrong = score(Question.Q6, "Status: NO_SIGNAL", REFERENCES[Question.Q6])
    assert (0, "NO_SIGNAL", "SUCCESS") == (wrong.value, wrong.extracted, wrong.expected)
    nothing = score(Question.Q4, "It is fine.", REFERENCES[Question.Q4])
    assert (0, None, "Reliable") == (nothing.value, nothing.extracted, nothing.expected)


@given(answers, st.sampled_from(Question), st.sampled_from(Scorer))
def test_every_text_gets_a_score_from_0_to_1_that_can_be_stored(text, question, scorer):
    result = score(question, text, REFERENCES[question], grades_for(question), scorer=scorer)
    assert 0 <= result.value <= 1
    assert all(0 <= component <= 1 for component in result.components.values())
    stored = json.dumps(score_to_json(result), allow_nan=False)
    assert result.value == decode(stored, Score).value
    stored.encode("utf-8")


@given(json_values, st.sampled_from([Question.Q1, Question.Q5]))
def test_every_json_answer_gets_a_score_from_0_to_1(value, question):
    result = score(question, json.dumps(value), REFERENCES[question], grades_for(question))
    assert 0 <= result.value <= 1
    json.dumps(score_to_json(result), allow_nan=False)


@given(st.lists(st.lists(st.floats(0, 1), min_size=3, max_size=3), min_size=1, max_size=4))
def test_the_key_point_score_lies_between_the_judges_own(grades):
    result = score(Question.Q3, "an answer", REFERENCES[Question.Q3], grades)
    own = [sum(given) / len(KEY_POINTS) for given in grades]
    assert min(own) - 1e-12 <= result.value <= max(own) + 1e-12


def test_deeply_nested_json_is_compared_and_shown_cut():
    deep = "[" * 500 + "]" * 500
    result = score(Question.Q5, f'{{"T1_us": 48.2, "dips": {deep}}}', REFERENCES[Question.Q5])
    assert result.components["T1_us"] == 1
    assert len(json.dumps(score_to_json(result))) < 300


def test_long_strings_and_lists_are_shown_cut():
    assert excerpt("a" * 300) == "a" * MAX_CHARS + "..."
    assert excerpt(list(range(100))) == [*range(20), "..."]
    assert excerpt({str(i): i for i in range(100)})["..."] == "..."
    assert excerpt({"a": [1, None, True]}) == {"a": [1, None, True]}


def test_a_lone_surrogate_from_a_json_escape_is_shown_as_a_question_mark():
    assert excerpt({"\ud800": "\udc00x"}) == {"?": "?x"}
