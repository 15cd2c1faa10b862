import pytest
from hypothesis import given

from scoring.classification import ASSESSMENTS, CONCLUSIONS, read_assessment, read_conclusion
from scoring.questions import Question
from scoring.strict_reading import read_strict
from tests.scoring_inputs import answers


@pytest.mark.parametrize("label", CONCLUSIONS)
@pytest.mark.parametrize(
    "text",
    [
        "Classification: {}",
        "**Classification:** {}",
        "**Classification: {}**",
        "- Classification: {}.",
        "Reason: x\nclassification: {}\r\nReason: y",
        "Classification:\n\n  {}",
        "Classification:\n**{}**",
        "Classification:\N{NO-BREAK SPACE}{}",
        "Classification: `{}` (high confidence)",
    ],
)
def test_a_label_is_read_after_its_heading(label, text):
    assert label == read_conclusion(text.format(label))
    assert label == read_conclusion(text.format(label.upper()))


@pytest.mark.parametrize("label", ASSESSMENTS)
def test_each_assessment_reads_as_itself(label):
    assert label == read_assessment(f"Assessment: {label}\nReason: Unreliable, No fit, Reliable")


@pytest.mark.parametrize(
    "text",
    [
        "Classification : Expected behavior",
        "**Classification**: Expected behavior",
        '{"classification": "Expected behavior"}',
        "Classification\N{FULLWIDTH COLON}Expected behavior",
        "The classification is Expected behavior.",
        "Expected behavior",
        "",
    ],
)
def test_quirk_the_colon_has_to_follow_the_heading_directly(text):
    assert read_conclusion(text) is None


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("*", "**Classification:**\nExpected behavior"),
        ("", "**Classification:**\r\nExpected behavior"),
        ("*", "**Classification:**\n\n**Expected behavior**"),
        ("*", "Classification:\n**\nExpected behavior"),
        ("*", "**Classification:**"),
        ("*", "*Classification:*\nExpected behavior"),
        ("", "**Classification:** \nExpected behavior"),
        ("", "**Classification:**\t\n- Expected behavior"),
        ("", "**Classification:****\nExpected behavior"),
    ],
)
def test_quirk_a_label_below_a_bold_heading_is_lost(value, text):
    """What stays of the line counts; strict scoring reads the label below."""
    assert value == read_conclusion(text)
    assert value == read_assessment(text.replace("Classification", "Assessment"))
    if "Expected" in text:
        assert "Expected behavior" == read_strict(Question.Q2, text)


@pytest.mark.parametrize(
    "text", ["Classification:", "Classification:  ", "Classification:\n \n", "x\nClassification:\t"]
)
def test_a_heading_with_nothing_after_it_gives_no_label(text):
    assert read_conclusion(text) is None


def test_quirk_the_first_heading_counts_even_if_a_better_one_follows():
    assert read_conclusion("Classification: none yet\nClassification: Apparatus issue") == "none yet"


def test_quirk_a_label_is_found_inside_other_words():
    assert read_conclusion("Classification: Unexpected behavior") == "Expected behavior"
    assert read_conclusion("Classification: not Expected behavior") == "Expected behavior"
    assert read_assessment("Assessment: Not reliable") == "Reliable"


def test_quirk_several_labels_are_tried_in_a_fixed_order_not_in_the_order_of_the_text():
    assert read_conclusion("Classification: Apparatus issue or Anomalous behavior") == "Anomalous behavior"
    assert read_assessment("Assessment: Reliable or Unreliable") == "Unreliable"
    assert read_assessment("Assessment: No fit, Unreliable") == "Unreliable"


@pytest.mark.parametrize(
    ("expected", "value"),
    [
        ("Normal", "Normal"),
        ("Normal", "**Normal**"),
        ("Normal", "Normal..."),
        ("Normal", "**Normal.**"),
        ("Normal", "Normal**.**"),
        ("Normal*", "*Normal*"),
        ('"Normal"', '"Normal"'),
        ("Normal (high confidence)", "Normal (high confidence)"),
        ("very Normal", "very **Normal**"),
    ],
)
def test_quirk_an_unknown_value_is_the_label_itself_without_double_stars_and_trailing_full_stops(
    expected, value
):
    assert expected == read_conclusion(f"Classification: {value}")


def test_quirk_a_line_ends_at_a_newline_only():
    assert read_conclusion("Classification: odd\N{LINE SEPARATOR}Apparatus issue") == "Apparatus issue"


@given(answers)
def test_no_text_raises(text):
    read_conclusion(text)
    read_assessment(text)
