import pytest
from hypothesis import given

from scoring.dispatch import Scorer, score
from scoring.final_answer import final_answer, thought_flags
from scoring.questions import Question
from scoring.strict_reading import read_strict
from tests.scoring_inputs import REFERENCES, answers, grades_for


@pytest.mark.parametrize(
    ("expected", "flags", "text"),
    [
        ("b", (), " b\n"),
        (None, (), " \n"),
        ("b", ("thought",), "<think>a</think>\nb"),
        ("b", ("thought",), "a</think>b"),
        ("b", ("thought",), "a<think>c</think>d</think>b"),
        ("ab", ("thought",), "a<think>c</think>b<thinking>d</thinking>"),
        ("b", ("thought",), "<think>a <think> c</think>b"),
        ("b", ("thought",), "<THINK>a</Think>b"),
        ("b", ("thought",), "◁think▷a◁/think▷b"),
        (None, ("thought",), "<think>a</think>"),
        (None, ("thought", "unclosed_thought"), "<think>a"),
        (None, ("thought", "unclosed_thought"), "b<think>a"),
        (None, ("thought", "unclosed_thought"), "<think>a</think>b<think>c"),
        ("b", ("thought",), "<think>a</think><answer>b</answer>"),
        ("a < b > think", (), "a < b > think"),
        ("b", ("thought",), "[THINK]a[/THINK]b"),
        (None, ("thought", "unclosed_thought"), "[THINK]a"),
        ("b", ("thought",), "<seed:think>a</seed:think>b"),
        (
            "b",
            ("thought",),
            "<|begin_of_thought|>a<|end_of_thought|><|begin_of_solution|>b<|end_of_solution|>",
        ),
        (
            "b",
            ("thought",),
            "<|channel|>analysis<|message|>a<|end|><|start|>assistant<|channel|>final<|message|>b<|return|>",
        ),
        ("b", (), "<|channel|>final <|constrain|>JSON<|message|>b<|end|>"),
        (None, ("thought", "unclosed_thought"), "<|channel|>analysis<|message|>a"),
        ("b", ("thought",), "analysisWe look at the plot.assistantfinalb"),
        ("b", (), "b<|im_end|>"),
        ("b", (), "<|begin_of_box|>b<|end_of_box|>"),
        ("b", (), "b</s>"),
        ("b", (), r"$\boxed{\text{b}}$."),
        ("b", (), r"\boxed{b}"),
    ],
)
def test_the_final_answer_is_the_text_outside_thoughts(expected, flags, text):
    assert expected == final_answer(text)
    assert flags == thought_flags(text)


@pytest.mark.parametrize(
    "text",
    [
        "Status: SUCCESS\nNotes: no NO_SIGNAL here",
        "**Status:** SUCCESS",
        "**Status: SUCCESS**",
        "- Status: `SUCCESS`.",
        "status : success (high confidence)",
        "Status\N{FULLWIDTH COLON}SUCCESS",
        "Status:\n\nSUCCESS",
        '{"status": "SUCCESS", "notes": "none"}',
        "Classification: SUCCESS",
        "Diagnosis: SUCCESS - and not NO_SIGNAL",
        "Final status: SUCCESS",
        "SUCCESS\nbecause the fit is good",
        "**SUCCESS**",
        "Status: NO_SIGNAL\nOn second thought:\nStatus: SUCCESS",
        "<think>Status: NO_SIGNAL?</think>Status: SUCCESS",
        "it could be NO_SIGNAL</think>\nStatus: SUCCESS",
    ],
)
def test_a_stated_status_is_read(text):
    assert score(Question.Q6, text, REFERENCES[Question.Q6], scorer=Scorer.STRICT).value == 1


@pytest.mark.parametrize(
    "text",
    [
        "I cannot call this SUCCESS",
        "Status: I cannot call this SUCCESS",
        "Status: not SUCCESS",
        "Status: SUCCESS or NO_SIGNAL",
        "Status: SUCCESSFUL",
        "Status: unclear\nNotes: SUCCESS would need a better fit",
        "Status: SUCCESS\nCorrection:\nStatus: unclear",
        "The plot would be a SUCCESS if it had a signal.",
        "SUCCESS would be too much to say",
        "<think>Status: SUCCESS",
        "<think>Status: SUCCESS</think>",
        "",
    ],
)
def test_a_status_named_in_passing_or_in_thought_does_not_count(text):
    result = score(Question.Q6, text, REFERENCES[Question.Q6], scorer=Scorer.STRICT)
    assert (0, None) == (result.value, result.extracted)


@pytest.mark.parametrize(
    ("expected", "text"),
    [
        ("Reliable", "Assessment: Reliable"),
        ("Reliable", "**Assessment:** reliable fit - nothing is unreliable about it"),
        ("Reliable", "Assessment: Reliable (not Unreliable)"),
        ("No fit", "Assessment: No Fit present."),
        ("Reliable", "Assessment: Reliable\nReason: as follows.\n\n**Assessment:**\n\n* the fit is good"),
        ("Unreliable", "**Assessment:**\n\n* Unreliable"),
        (None, "Assessment: not reliable"),
        (None, "Assessment: Not Reliable"),
        (None, "Assessment: Partially reliable"),
        (None, "Assessment: Unreliable/No fit"),
        (None, "Assessment: Reliable or Unreliable"),
        (None, "Reliable"),
        (None, "The assessment is: Reliable"),
    ],
)
def test_an_assessment_is_read_only_if_it_is_stated(expected, text):
    assert expected == read_strict(Question.Q4, text)


@pytest.mark.parametrize(
    ("expected", "text"),
    [
        ("Expected behavior", "Classification: Expected behavior, with good contrast"),
        ("Apparatus issue", "Reason: not Expected behavior\nClassification: **Apparatus issue**"),
        (None, "Classification: Unexpected behavior"),
        (None, "Classification: Expected behavior, Suboptimal parameters"),
        (None, "Classification: Normal"),
    ],
)
def test_a_conclusion_is_read_only_if_it_is_stated(expected, text):
    assert expected == read_strict(Question.Q2, text)


def test_json_in_the_thought_does_not_spoil_the_json_of_the_answer():
    text = '<think>{"T1_us": 1}</think>' + REFERENCES[Question.Q5].answer
    reference = REFERENCES[Question.Q5]
    assert score(Question.Q5, text, reference).value == 0
    assert score(Question.Q5, text, reference, scorer=Scorer.STRICT).value == 1


@pytest.mark.parametrize("question", Question)
def test_a_thought_without_an_answer_earns_nothing(question):
    text = f"<think>{REFERENCES[question].answer}"
    result = score(question, text, REFERENCES[question], grades_for(question), scorer=Scorer.STRICT)
    assert result.value == 0
    assert set(result.components.values()) <= {0}


def test_an_answer_without_json_does_not_decline_every_parameter():
    reference = REFERENCES[Question.Q5]
    declining = type(reference)(
        answer='{"T1_us": "Unreliable"}',
        plot_description="",
        scenario_type="s",
        field_rules=reference.field_rules,
    )
    assert score(Question.Q5, "It is hard to say.", declining).value == 1
    assert score(Question.Q5, "It is hard to say.", declining, scorer=Scorer.STRICT).value == 0
    assert score(Question.Q5, '{"T1_us": null}', declining, scorer=Scorer.STRICT).value == 1


@given(answers)
def test_the_final_answer_holds_no_thought(text):
    answer = final_answer(text)
    if answer is not None:
        assert thought_flags(answer) == ()
