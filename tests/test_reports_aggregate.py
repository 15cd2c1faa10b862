import dataclasses
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.records.outcomes import ErrorRule, counting_errors, evaluation_of
from reports.records.records import UNANSWERED, Run
from reports.statistics.aggregate import (
    by_mode,
    by_question,
    icl_deltas,
    mean_of_questions,
    sample_scores,
    summarise,
)
from scoring.questions import Mode, Question
from scoring.score import Score
from tests.run_factory import failed, judge_failed, manifest, planned_item, run_of, scored, unjudged


def outcomes_of(values):
    return evaluation_of(run_of(values)).outcomes


def run_with(*made):
    """A run of (planned item, record or None) pairs."""
    return Run(
        manifest=manifest([item for item, _ in made]), records=tuple(r for _, r in made if r is not None)
    )


def test_mean_median_and_extremes_are_over_measured_items():
    outcomes = outcomes_of(
        {(s, "Q5", "zeroshot"): v for s, v in zip("abcd", [0.0, 0.25, 1.0, None], strict=True)}
    )
    summary = summarise(outcomes)
    assert (pytest.approx(1.25 / 3), 0.25, 0.0, 1.0) == (
        summary.mean,
        summary.median,
        summary.minimum,
        summary.maximum,
    )


def test_counts_refer_to_what_was_planned():
    items = [planned_item(sample, "Q1") for sample in "abcde"]
    run = run_with(
        (items[0], scored(items[0], 0.0)),
        (items[1], unjudged(items[1])),
        (items[2], failed(items[2])),
        (items[3], judge_failed(items[3])),
        (items[4], None),
    )
    counts = summarise(evaluation_of(run).outcomes).coverage
    assert (5, 1, 0.2) == (counts.planned, counts.measured, counts.share)
    assert {"unjudged": 1, "request_failed": 1, "judge_failed": 1, "missing": 1} == counts.unmeasured


def test_what_was_not_measured_is_not_zero():
    items = [planned_item(sample) for sample in "ab"]
    outcomes = evaluation_of(
        run_with((items[0], scored(items[0], 1.0)), (items[1], failed(items[1])))
    ).outcomes
    assert 1.0 == summarise(outcomes).mean


def test_a_measured_zero_is_zero():
    summary = summarise(outcomes_of({("a", "Q6", "zeroshot"): 0.0}))
    assert (0.0, 1) == (summary.mean, summary.coverage.measured)


def test_nothing_measured_gives_no_figure():
    summary = summarise(outcomes_of({("a", "Q6", "zeroshot"): None}))
    assert [None] * 4 == [summary.mean, summary.median, summary.minimum, summary.maximum]


def test_one_sample_has_a_mean_and_no_interval():
    summary = summarise(outcomes_of({("a", "Q6", "zeroshot"): 1.0}))
    assert (1.0, None, None) == (summary.mean, summary.mean_interval, summary.median_interval)


def test_errors_count_as_zero_only_on_request_and_only_if_the_model_did_not_answer():
    items = [planned_item(sample, "Q1") for sample in "abcd"]
    run = run_with(
        (items[0], scored(items[0], 1.0)),
        (items[1], failed(items[1])),
        (items[2], judge_failed(items[2])),
        (items[3], None),
    )
    for rule in (ErrorRule.ZERO, ErrorRule.AS_REFERENCE):
        summary = summarise(counting_errors(evaluation_of(run), rule).outcomes)
        assert (0.5, 1, 1) == (summary.mean, summary.coverage.measured, summary.coverage.counted_errors)
    summary = summarise(counting_errors(evaluation_of(run), ErrorRule.UNMEASURED).outcomes)
    assert (1.0, 1, 0) == (summary.mean, summary.coverage.measured, summary.coverage.counted_errors)


def test_a_failed_q5_counts_as_the_reference_scores_it_if_its_record_says_how():
    items = [planned_item(sample, "Q5") for sample in "abc"]
    credited = Score(value=0.75, extracted=None, expected=None)
    run = run_with(
        (items[0], scored(items[0], 1.0)),
        (items[1], failed(items[1], unanswered_score=credited)),
        (items[2], failed(items[2])),  # recorded by an earlier version
    )
    means = {rule: summarise(counting_errors(evaluation_of(run), rule).outcomes).mean for rule in ErrorRule}
    assert {"as-reference": (1.0 + 0.75) / 2, "zero": 1 / 3, "unmeasured": 1.0} == pytest.approx(means)


def test_repeats_are_averaged_within_an_item_first():
    items = [
        planned_item("a", repeat=0),
        planned_item("a", repeat=1),
        planned_item("a", repeat=2),
        planned_item("b"),
    ]
    values = [1.0, 1.0, 1.0, 0.0]
    outcomes = evaluation_of(
        run_with(*((i, scored(i, v)) for i, v in zip(items, values, strict=True)))
    ).outcomes
    summary = summarise(outcomes)
    assert (0.5, 2, 4) == (summary.mean, summary.samples, summary.coverage.measured)


def test_a_first_measurement_is_never_replaced():
    item = planned_item("a")
    run = Run(manifest=manifest([item]), records=(failed(item), scored(item, 0.0), scored(item, 1.0)))
    assert {"a": 0.0} == sample_scores(evaluation_of(run).outcomes)


def test_a_record_of_an_item_that_was_not_planned_is_left_out():
    planned, other = planned_item("a"), planned_item("b")
    run = Run(manifest=manifest([planned]), records=(scored(planned, 1.0), scored(other, 0.0)))
    assert {"a": 1.0} == sample_scores(evaluation_of(run).outcomes)


def test_the_mean_of_a_mode_is_the_mean_of_its_question_means():
    values = {("a", "Q2", "zeroshot"): 1.0, ("b", "Q2", "zeroshot"): 1.0, ("a", "Q6", "zeroshot"): 0.0}
    assert 0.5 == by_mode(outcomes_of(values))[Mode.ZEROSHOT].mean


def test_a_mean_over_fewer_questions_than_planned_is_undefined():
    values = {("a", "Q2", "zeroshot"): 1.0, ("a", "Q6", "zeroshot"): None}
    mean = by_mode(outcomes_of(values))[Mode.ZEROSHOT]
    assert (None, None, (Question.Q2, Question.Q6)) == (mean.mean, mean.interval, mean.questions)


def test_groups_come_in_the_benchmarks_order():
    values = {("a", "Q6", "icl"): 1.0, ("a", "Q6", "zeroshot"): 1.0, ("a", "Q1", "zeroshot"): 1.0}
    expected = [(Mode.ZEROSHOT, Question.Q1), (Mode.ZEROSHOT, Question.Q6), (Mode.ICL, Question.Q6)]
    assert expected == list(by_question(outcomes_of(values)))


def test_the_published_delta_is_a_difference_of_means_and_the_paired_one_is_on_shared_samples():
    values = {
        ("a", "Q6", "zeroshot"): 0.0,
        ("b", "Q6", "zeroshot"): 1.0,
        ("c", "Q6", "zeroshot"): 1.0,
        ("d", "Q6", "zeroshot"): None,
        ("a", "Q6", "icl"): 1.0,
        ("b", "Q6", "icl"): 1.0,
        ("d", "Q6", "icl"): 1.0,
    }
    delta = icl_deltas(outcomes_of(values))[Question.Q6]
    assert (pytest.approx(1 / 3), 0.5) == (delta.delta, delta.paired_delta)
    assert (2, 3) == (delta.pairs, delta.planned_pairs)


def test_demonstrations_that_change_nothing_give_no_certainty():
    values = {(f"s{n}", "Q6", mode): n % 2.0 for n in range(12) for mode in ("zeroshot", "icl")}
    delta = icl_deltas(outcomes_of(values))[Question.Q6]
    for interval in (delta.delta_interval, delta.paired_interval):
        assert interval.low < -0.1 < 0.1 < interval.high


def test_a_question_asked_in_one_mode_only_has_no_delta():
    values = {("a", "Q1", "zeroshot"): 0.0, ("a", "Q6", "icl"): 1.0}
    assert {} == icl_deltas(outcomes_of(values))


def test_deltas_without_shared_samples_are_undefined():
    values = {("a", "Q6", "zeroshot"): 0.0, ("b", "Q6", "icl"): 1.0}
    delta = icl_deltas(outcomes_of(values))[Question.Q6]
    assert (1.0, None, None, 0) == (delta.delta, delta.paired_delta, delta.paired_interval, delta.pairs)


RUNS = st.dictionaries(
    st.tuples(st.sampled_from("abcdef"), st.sampled_from(["Q2", "Q5", "Q6"]), st.just("zeroshot")),
    st.none() | st.floats(0, 1),
    min_size=1,
)


@given(RUNS)
def test_the_interval_of_a_mean_holds_the_mean_and_stays_a_score(values):
    mean = mean_of_questions(outcomes_of(values))
    if mean.interval is not None:
        assert 0 <= mean.interval.low <= mean.mean + 1e-12
        assert mean.mean - 1e-12 <= mean.interval.high <= 1


@given(RUNS)
def test_every_planned_item_is_counted_once(values):
    counts = mean_of_questions(outcomes_of(values)).coverage
    assert len(values) == counts.planned == counts.measured + sum(counts.unmeasured.values())


@given(RUNS, st.randoms())
def test_the_order_of_records_changes_no_figure(values, random):
    run = run_of(values)
    records = list(run.records)
    random.shuffle(records)
    shuffled = dataclasses.replace(run, records=tuple(records))
    assert by_question(evaluation_of(run).outcomes) == by_question(evaluation_of(shuffled).outcomes)


def test_the_order_of_collection_changes_no_figure():
    values = {(f"s{n:02}", "Q5", mode): (n * 37 % 20) / 19 for n in range(20) for mode in ("zeroshot", "icl")}
    backwards = dict(reversed(values.items()))
    one, other = outcomes_of(values), outcomes_of(backwards)
    assert (by_question(one), icl_deltas(one)) == (by_question(other), icl_deltas(other))


@pytest.mark.parametrize("status", sorted(UNANSWERED))
def test_filtered_and_refused_answers_count_as_the_rule_for_errors_says(status):
    items = [planned_item(sample, "Q2") for sample in "ab"]
    withheld = replace(
        failed(items[1], unanswered_score=Score(value=1.0, extracted=None, expected=None)), status=status
    )
    run = run_with((items[0], scored(items[0], 0.5)), (items[1], withheld))
    means = {rule: summarise(counting_errors(evaluation_of(run), rule).outcomes).mean for rule in ErrorRule}
    assert {"as-reference": 0.75, "zero": 0.25, "unmeasured": 0.5} == means
