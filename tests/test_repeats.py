"""The spread of scores over repeats, and the seeds that repeats are sent with."""

import pytest

from reports.analysis.repeats import repeat_spreads
from reports.records.outcomes import evaluation_of
from reports.records.records import Run
from reports.tables.repeats import repeat_tables
from scoring.questions import Question
from tests.endpoint import Reply
from tests.run_factory import failed, manifest, planned_item, scored

pytest_plugins = ["pytester"]


def spreads(values):
    """Return a run from scores by sample, one per repeat; None if the item failed."""
    items = {
        (sample, question, repeat): value
        for (sample, question), scores in values.items()
        for repeat, value in enumerate(scores)
    }
    planned = {
        key: planned_item(sample, question, "zeroshot", repeat=repeat)
        for key in items
        for sample, question, repeat in [key]
    }
    records = [
        failed(planned[key]) if value is None else scored(planned[key], value) for key, value in items.items()
    ]
    run = Run(manifest=manifest(planned.values()), records=tuple(records))
    return repeat_spreads(evaluation_of(run).outcomes)


def test_without_repeats_there_is_no_table():
    assert () == spreads({("a", "Q6"): [1.0], ("b", "Q6"): [0.0]})
    assert [] == list(repeat_tables(()))


def test_an_item_differs_if_any_repeat_does_and_flips_are_counted_in_pairs():
    (spread,) = spreads({("a", "Q6"): [1.0, 1.0, 0.0], ("b", "Q6"): [1.0, 1.0, 1.0]})
    assert (2, 1) == (spread.items, spread.differing)
    assert pytest.approx((2 / 3 + 0) / 2) == spread.flip_rate
    assert (0.5, 1.0) == (spread.lowest, spread.highest)


def test_a_small_difference_is_not_a_flip():
    (spread,) = spreads({("a", "Q5"): [0.5, 0.4]})
    assert (1, 0.0) == (spread.differing, spread.flip_rate)


def test_the_variance_is_split_into_repeats_and_items():
    """Items with means 0.1 and 0.9, each varying by 0.1: nearly all of the variance is the items'."""
    (spread,) = spreads({("a", "Q5"): [0.0, 0.2], ("b", "Q5"): [0.8, 1.0]})
    assert pytest.approx(0.02) == spread.within
    assert pytest.approx(0.32 - 0.02 / 2) == spread.between
    assert pytest.approx(0.02 / 0.33) == spread.share
    (coin,) = spreads({("a", "Q6"): [0.0, 1.0], ("b", "Q6"): [1.0, 0.0]})
    assert (0.0, 1.0) == (coin.between, coin.share)


def test_what_was_not_measured_twice_is_left_out():
    (spread,) = spreads({("a", "Q6"): [1.0, None], ("b", "Q6"): [1.0, 0.0]})
    assert (1, 1) == (spread.items, spread.differing)


def test_there_is_a_row_for_all_questions_and_a_note_if_nothing_differs():
    by_question = spreads({("a", "Q6"): [1.0, 1.0], ("a", "Q5"): [0.5, 0.5]})
    assert [Question.Q5, Question.Q6, None] == [spread.question for spread in by_question]
    (table,) = repeat_tables(by_question)
    assert "All" == table.rows[-1][1]
    assert any("All repeats have the same score" in note for note in table.notes)


def test_each_repeat_is_sent_with_its_own_seed_and_answers_are_found_again(quick, endpoint, tiny_folder):
    def script(request):
        return Reply("Status: SUCCESS" if request.body["seed"] % 2 else "Status: DAMPED")

    endpoint.script = script
    asked = ["--dataset", str(tiny_folder), "--questions=Q6", "--modes=zeroshot", "--limit=2", "--no-html"]
    sampled = ["--model-url", endpoint.base_url, "--repeats=2", "--temperature=0.7", "--request-seed=7"]
    result = quick.run(*asked, *sampled)
    assert 0 == result.exit_status, result.out
    assert [7, 7, 8, 8] == sorted(request.body["seed"] for request in endpoint.requests)
    (spread,) = result.report["repeats"]
    assert (2, 2, 1.0) == (spread["items"], spread["differing"], spread["flip_rate"])
    assert "Spread over repeats" in result.out
    assert "further request fields (seed)" in " ".join(result.out.split())

    again = quick.run(*asked, "--answers", "run", run_dir="again")
    assert 0 == again.exit_status, again.out
    assert result.values() == again.values()
    other = quick.run(*asked, *sampled[:-1], "--request-seed=8", "--resume")
    assert 4 == other.exit_status
    assert "request_seed was 7, is now 8" in other.out
    both = quick.run(*asked, *sampled, "--extra-body", '{"seed": 1}', run_dir="both")
    assert "--request-seed and a seed in --extra-body or --model-body: give one of them" in both.out
