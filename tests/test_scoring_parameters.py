import pytest

from scoring.dispatch import score
from scoring.parameter_extraction import compare_parameters, compare_sites, mean_field
from scoring.questions import Question
from scoring.reference import Reference

RULES = {
    "f0_kHz": {"type": "pct", "tol_full": 0.05, "tol_half": 0.15},
    "site_index": {"type": "int_count", "tol_full": 0, "tol_half": 0},
}
SITES = '[{"site_index": 3, "f0_kHz": 40.0}, {"site_index": 7, "f0_kHz": 50.0}]'


def q5(answer, reference, rules=RULES):
    return score(
        Question.Q5,
        answer,
        Reference(answer=reference, plot_description="", scenario_type="s", field_rules=rules),
    )


def test_the_score_is_the_mean_of_the_fields():
    result = q5('{"f0_kHz": 44, "site_index": 3}', '{"f0_kHz": 40, "site_index": 3}')
    assert result.value == 0.75
    assert result.components == {"f0_kHz": 0.5, "site_index": 1.0}
    assert result.extracted == {"f0_kHz": 44, "site_index": 3}
    assert result.expected == {"f0_kHz": 40, "site_index": 3}


def test_fields_that_the_reference_or_the_rules_lack_are_skipped():
    assert compare_parameters({"f0_kHz": 1, "extra": 2}, {"f0_kHz": 1, "other": 3}, RULES) == {"f0_kHz": 1}


def test_names_of_fields_are_compared_in_their_case():
    assert compare_parameters({"F0_KHZ": 40}, {"f0_kHz": 40}, RULES) == {"f0_kHz": 0}


def test_a_field_that_the_answer_lacks_counts_as_null():
    assert compare_parameters({}, {"f0_kHz": None, "site_index": 1}, RULES) == {"f0_kHz": 1, "site_index": 0}


@pytest.mark.parametrize("answer", ["no JSON", "", "[]", "3", '"Unreliable"', '{"f0_kHz": "Unreliable", '])
def test_quirk_an_answer_that_is_not_an_object_earns_what_null_earns(answer):
    assert q5(answer, '{"f0_kHz": "Unreliable", "site_index": 3}').value == 0.5


def test_without_usable_fields_the_score_is_0():
    assert mean_field({}) == 0
    assert q5('{"a": 1}', '{"a": 1}').value == 0
    assert q5('{"a": 1}', "no JSON").value == 0


def test_quirk_a_reference_array_scores_0_and_the_per_site_score_is_a_component():
    result = q5(SITES, SITES)
    assert result.value == 0
    assert result.components == {"per_site": 1.0}


@pytest.mark.parametrize(
    ("expected", "answer"),
    [
        (0.5, '[{"site_index": 3, "f0_kHz": 40.0}]'),
        (0.5, '{"site_index": 3, "f0_kHz": 40.0}'),
        (0.75, '[{"site_index": 3, "f0_kHz": 40.0}, {"site_index": 8, "f0_kHz": 50.0}]'),
        (2 / 3, SITES[:-1] + ", {}]"),
        (0, '[{"site_index": 7, "f0_kHz": 50.0}, {"site_index": 3, "f0_kHz": 40.0}]'),
        (0, "[]"),
        (0, "no JSON"),
    ],
)
def test_sites_are_compared_in_order_over_the_longer_list(expected, answer):
    assert expected == pytest.approx(q5(answer, SITES).components["per_site"])


@pytest.mark.parametrize("reference", [{"f0_kHz": 1}, [], [1, 2], [{"other": 1}], None, "text"])
def test_there_is_no_per_site_score_without_sites(reference):
    assert compare_sites([{"f0_kHz": 1}], reference, RULES) is None
