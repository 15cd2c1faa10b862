import pytest

from reports.analysis.comparability import comparability
from reports.records.outcomes import ErrorRule, counting_errors, evaluation_of
from reports.records.records import JudgeIdentity, Run
from scoring.questions import Mode
from tests.run_factory import failed, manifest, planned_item, run_of


def full(zeroshot=243, icl=236):
    """Values of a run of the whole benchmark."""
    return {
        (f"s{number}", question.value, mode.value): 1.0
        for mode, samples in ((Mode.ZEROSHOT, zeroshot), (Mode.ICL, icl))
        for number in range(samples)
        for question in mode.questions
    }


def reasons(values, **fields):
    return comparability(evaluation_of(run_of(values, **fields)))


def judged_by(*names):
    return tuple(JudgeIdentity(model=name, base_url="http://localhost") for name in names)


FULL = full()


def test_a_full_run_by_the_protocol_is_comparable():
    assert () == reasons(FULL)


@pytest.mark.parametrize("values", [full(icl=0), full(zeroshot=0)])
def test_a_mode_that_was_not_asked_is_not_a_reason(values):
    assert () == reasons(values)


@pytest.mark.parametrize("names", [("gpt-5.4",), ("openai/GPT-5.4", "gemini-3.1-pro")])
def test_the_published_judges_are_known_by_their_names(names):
    assert () == reasons(FULL, judges=judged_by(*names))


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"dataset": "synthetic:1"}, "dataset synthetic:1, not nvidia/QCalEval"),
        ({"judges": ()}, "judge none, not gpt-5.4 (alone or with gemini-3.1-pro)"),
        ({"judges": judged_by("a", "b")}, "judge a and b, not gpt-5.4 (alone or with gemini-3.1-pro)"),
        ({"scorer": "strict"}, "scorer strict, not compatible"),
        ({"stand_ins": ("model: blind baseline",)}, "stand-ins took part"),
        ({"settings": {"max_tokens": 512, "temperature": 0.0}}, "max_tokens 512, not 16384"),
        ({"settings": {"max_tokens": 16384}}, "temperature not stated, not 0.0"),
        (
            {"settings": {"max_tokens": 16384, "temperature": 0, "extra_body": {"top_k": 1}}},
            "further request fields (top_k)",
        ),
    ],
)
def test_each_departure_from_the_protocol_is_named(fields, reason):
    assert (reason,) == reasons(FULL, **fields)


def test_thinking_switched_off_is_within_the_protocol():
    body = {"chat_template_kwargs": {"enable_thinking": False}}
    assert () == reasons(FULL, settings={"max_tokens": 16384, "temperature": 0.0, "extra_body": body})


def test_a_subset_of_samples_is_named_per_mode():
    assert ("zero-shot: 5 of 243 samples", "ICL: 4 of 236 samples") == reasons(full(5, 4))


def test_a_subset_of_questions_is_named():
    values = {key: value for key, value in FULL.items() if key[1] not in {"Q1", "Q5"}}
    assert ("zero-shot: without Q1, Q5", "ICL: without Q5") == reasons(values)


def test_gaps_in_what_was_planned_are_named():
    values = {key: value for key, value in FULL.items() if key != ("s7", "Q2", "zeroshot")}
    assert ("zero-shot: not every question of every sample",) == reasons(values)


def test_missing_items_are_counted():
    assert ("1 of 2166 items not measured",) == reasons(FULL | {("s7", "Q2", "zeroshot"): None})


def test_failed_items_are_comparable_only_if_they_count_as_in_the_reference():
    run = run_of({key: value for key, value in FULL.items() if key != ("s7", "Q2", "zeroshot")})
    item = planned_item("s7", "Q2")
    run = Run(manifest=manifest((*run.manifest.planned, item)), records=(*run.records, failed(item)))
    evaluation = evaluation_of(run)
    assert {
        ErrorRule.UNMEASURED: ("1 of 2166 items not measured",),
        ErrorRule.ZERO: ("1 of 2166 items without an answer count as 0, not as in the reference",),
        ErrorRule.AS_REFERENCE: (),
    } == {rule: comparability(counting_errors(evaluation, rule)) for rule in ErrorRule}
