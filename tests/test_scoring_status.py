import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoring.diagnosis import STATUS_CODES, read_status, statuses_match
from tests.scoring_inputs import answers


def test_there_are_41_codes():
    assert len(STATUS_CODES) == 41


@pytest.mark.parametrize("code", sorted(STATUS_CODES))
@pytest.mark.parametrize(
    "text",
    [
        "Status: {}\nNotes: x",
        "**Status:** {}",
        "Status: **{}**",
        "Classification:\n{}",
        "{}",
        "So it is `{}`.",
    ],
)
def test_every_code_is_read(code, text):
    assert code == read_status(text.format(code))


def test_quirk_the_heading_counts_in_this_case_only_else_the_longest_code_wins():
    assert read_status("Status: SUCCESS\nNotes: not INVERTED") == "SUCCESS"
    assert read_status("status: success\nnotes: not inverted") == "INVERTED"


def test_quirk_status_comes_before_classification_wherever_they_are():
    assert read_status("Classification: NO_EVENT\nStatus: EVENT") == "EVENT"
    assert read_status("Status: UNKNOWN\nClassification: NO_EVENT") == "NO_EVENT"


def test_quirk_only_the_first_heading_that_a_token_follows_is_tried():
    assert read_status("Status: no idea\nStatus: DAMPED\nNO_COHERENCE") == "DAMPED"
    assert read_status("Status: Other\nStatus: DAMPED\nNO_COHERENCE") == "NO_COHERENCE"


def test_quirk_the_token_ends_where_letters_and_underscores_end():
    assert read_status("Status: SUCCESS-ish\nNO_SIGNAL") == "SUCCESS"
    assert read_status("Status: AMP-TOO-HIGH") is None
    assert read_status("Status: NO SIGNAL") is None


def test_quirk_the_token_may_mix_cases_but_begins_with_a_capital():
    assert read_status("Status: Success\nNO_SIGNAL") == "SUCCESS"
    assert read_status("Status: success\nNO_SIGNAL") == "NO_SIGNAL"


def test_quirk_the_whole_first_line_comes_before_longer_codes_below():
    assert read_status("\n  damped \nnot UNDERSAMPLED") == "DAMPED"
    assert read_status("damped.\nnot UNDERSAMPLED") == "UNDERSAMPLED"


def test_quirk_codes_named_in_passing_count_and_the_longest_wins():
    assert read_status("I cannot call this SUCCESS") == "SUCCESS"
    assert read_status("neither EVENT nor NO_EVENT") == "NO_EVENT"


def test_of_equally_long_codes_the_first_in_the_text_wins():
    assert read_status("either DETUNED or BEATING") == "DETUNED"
    assert read_status("either BEATING or DETUNED") == "BEATING"


def test_quirk_a_code_inside_a_longer_word_does_not_count():
    assert read_status("NO_EVENTS, PRE_EVENT, EVENT2, SUCCESSFUL") is None
    assert read_status("the-EVENT-horizon") == "EVENT"


def test_quirk_too_many_oscillations_and_too_coarse_sampling_are_one():
    assert statuses_match("TOO_MANY_OSC", "SAMPLING_TOO_COARSE")
    assert statuses_match("SAMPLING_TOO_COARSE", "TOO_MANY_OSC")
    assert not statuses_match("TOO_MANY_OSC", "TOO_FEW_OSC")


@given(answers)
def test_what_is_read_is_a_code_or_nothing(text):
    assert read_status(text) in {None, *STATUS_CODES}


@given(st.permutations(sorted(STATUS_CODES)))
def test_the_longest_code_wins_in_any_order(codes):
    assert read_status("\n".join(["All of them:", *codes])) == "OPTIMAL_NOT_CENTERED"


@pytest.mark.parametrize("heading", ["ExitStatus", "_Status", "MyClassification", "9Status"])
def test_a_heading_is_a_whole_word(heading):
    assert read_status(f"{heading}: DAMPED\nStatus: SUCCESS") == "SUCCESS"


@pytest.mark.parametrize("before", ["", "**", "- ", "(", '"', "Final ", "Q6."])
def test_any_word_boundary_may_come_before_a_heading(before):
    assert read_status(f"LOW_CONTRAST, BEATING\n{before}Status: DAMPED") == "DAMPED"
