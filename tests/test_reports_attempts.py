from dataclasses import replace

import pytest

from reports.analysis.attempts import items_asked_again
from reports.records.outcomes import evaluation_of
from reports.records.records import Run
from reports.render.text import render
from reports.tables.attempts import attempt_tables
from reports.tables.overview import overview
from scoring.questions import Mode, Question
from tests.run_factory import failed, manifest, planned_item, run_of, scored

KEYS = [(f"drag_success_{letter}", "Q6", "zeroshot") for letter in "abcd"]


def asked_again(*values):
    """Four items measured as 0, 0, 1, 1; then retries of the first ones."""
    first = run_of(dict(zip(KEYS, (0.0, 0.0, 1.0, 1.0), strict=True)))
    again = [scored(planned_item(*key), value) for key, value in zip(KEYS, values, strict=False)]
    return replace(first, records=(*first.records, *again))


def test_flips_are_attempts_with_another_score():
    (entry,) = items_asked_again(asked_again(1.0, 0.0)).values()
    assert (2, 1, 2, 0.5) == (entry.items, entry.flips.count, entry.flips.of, entry.flips.share)
    assert (0.0, 0.5) == (entry.counted_mean, entry.further_mean)


def test_a_lower_score_is_a_flip_too():
    (entry,) = items_asked_again(asked_again(0.0, 0.0, 0.0)).values()
    assert (1, 3) == (entry.flips.count, entry.flips.of)


def test_retried_items_keep_their_score():
    before, after = (evaluation_of(run).outcomes for run in (asked_again(), asked_again(1.0, 1.0)))
    assert before == after


def test_each_attempt_counts_and_failed_ones_do_not():
    item = planned_item(*KEYS[0])
    records = (failed(item), scored(item, 0.0), failed(item), scored(item, 1.0), scored(item, 0.0))
    run = Run(manifest=manifest([item]), records=records)
    (entry,) = items_asked_again(run).values()
    assert (1, 1, 2) == (entry.items, entry.flips.count, entry.flips.of)


def test_modes_and_questions_are_separate_and_in_the_benchmarks_order():
    items = [
        planned_item("drag_success_a", q, m)
        for q, m in (("Q6", "icl"), ("Q6", "zeroshot"), ("Q2", "zeroshot"))
    ]
    run = Run(manifest=manifest(items), records=tuple(scored(item, 0.0) for item in items * 2))
    expected = [(Mode.ZEROSHOT, Question.Q2), (Mode.ZEROSHOT, Question.Q6), (Mode.ICL, Question.Q6)]
    assert expected == list(items_asked_again(run))


@pytest.mark.parametrize("run", [asked_again(), run_of({KEYS[0]: None})], ids=["once", "never"])
def test_nothing_is_shown_if_nothing_was_asked_again(run):
    assert [] == list(attempt_tables(run))


def test_the_table(snapshot):
    run = asked_again(1.0, 0.0)
    text = render(overview(evaluation_of(run), run), width=80)
    assert snapshot == text[text.index("Asked again") :]
