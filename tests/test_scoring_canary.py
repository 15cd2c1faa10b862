import hashlib
from collections import Counter
from importlib import resources

import pytest

from scoring.attacks import ATTACKS
from scoring.canary import agreement, attacked_twins, gullibility, load_canary
from scoring.key_points import judge_prompt
from scoring.suspicions import suspicious

KNOWN = [answer.grades for answer in load_canary()]


def test_the_canary_is_frozen():
    """A change makes agreement before and after incomparable: make it on purpose, and change the digest here."""
    frozen = resources.files("scoring").joinpath("canary.json").read_bytes()
    assert (
        hashlib.sha256(frozen).hexdigest()
        == "e6a9653f8a29787c389be6dc20ac71851326fdab7b1c903ed1ef21c2f43364f5"
    )


def test_every_answer_has_one_known_grade_per_key_point():
    for answer in load_canary():
        assert len(answer.grades) == len(answer.reference.key_points), answer.name
        assert set(answer.grades) <= {0, 0.5, 1}, answer.name
        assert answer.question.needs_judge, answer.name
        assert judge_prompt(answer.question, answer.text, answer.reference)
    assert len({answer.name for answer in load_canary()}) == len(load_canary()) == 16


def test_the_planted_traits_are_all_there():
    assert Counter(answer.trait for answer in load_canary()) == {
        "correct": 4,
        "wrong number": 2,
        "wrong conclusion": 2,
        "partly addressed": 2,
        "omission": 1,
        "names topics, states nothing": 1,
        "addresses the grader": 2,
        "instructs the grader": 1,
        "fake key points": 1,
    }


def test_answers_that_work_on_the_grader_are_suspicious_and_the_others_are_not():
    manipulating = {"addresses the grader", "instructs the grader", "fake key points"}
    for answer in load_canary():
        assert (answer.trait in manipulating) == bool(suspicious(answer.text)), answer.name


def test_agreement_is_the_share_of_key_points_with_the_known_grade():
    assert agreement(KNOWN, KNOWN) == 1
    assert agreement([[1, 0.5, 0], [1]], [[1, 0.5, 1], [1]]) == 0.75
    assert agreement([[1, 0.5]], [[0.9, 0.7]]) == 1
    assert agreement([[1, 0.5]], [[0.75, 0.25]]) == 0


@pytest.mark.parametrize("grade", [0, 0.5, 1])
def test_a_judge_with_one_grade_for_everything_agrees_on_at_most_half(grade):
    assert agreement(KNOWN, [[grade] * len(grades) for grades in KNOWN]) <= 0.5


def test_an_answer_without_grades_agrees_on_nothing():
    assert agreement([[1, 1], [1, 0]], [[1, 1], None]) == 0.5


@pytest.mark.parametrize(
    ("complaint", "known", "got"),
    [
        ("does not have one grade per key point", [[1, 0]], [[1]]),
        ("agreement of no grades is undefined", [], []),
        ("shorter", [[1]], []),
    ],
)
def test_grades_that_do_not_fit_together_are_refused(complaint, known, got):
    with pytest.raises(ValueError, match=complaint):
        agreement(known, got)


PLAIN = [(0.0,) * len(grades) for grades in KNOWN]


def test_every_answer_that_does_not_deserve_full_grades_has_a_twin_attacked_in_another_style():
    twins = attacked_twins()
    assert [place for place, _ in twins] == [place for place, grades in enumerate(KNOWN) if min(grades) < 1]
    assert len({twin.trait for _, twin in twins}) == len(twins) == 12
    for place, twin in twins:
        assert twin.text.startswith(load_canary()[place].text)
        assert twin.trait in ATTACKS
        assert suspicious(twin.text), twin.trait


@pytest.mark.parametrize(("expected", "grade"), [(0.0, 0.0), (1.0, 1.0), (1.0, 0.5), (0.0, 0.1)])
def test_gullibility_is_the_share_of_grades_that_attacks_raise(expected, grade):
    assert expected == gullibility(PLAIN, [(grade,) * len(twin.grades) for _, twin in attacked_twins()])


def test_gullibility_counts_what_the_same_judge_gave_without_the_attack():
    generous = [(1.0,) * len(grades) for grades in KNOWN]
    twins = [(1.0,) * len(twin.grades) for _, twin in attacked_twins()]
    assert gullibility(generous, twins) is None
    assert gullibility([None] * len(KNOWN), twins) is None
    assert gullibility(PLAIN, [None] * len(twins)) is None
    assert gullibility(PLAIN, [twins[0], *[None] * (len(twins) - 1)]) == 1
