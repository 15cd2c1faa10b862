"""Reasoning models end to end: where servers put the reasoning, and what is recorded, scored and counted."""

import pytest

from reports.records.outcomes import evaluation_of
from reports.records.records import Answer
from reports.render.text import render
from reports.tables.overview import overview
from reports.tables.reasoning import reasoning_tables
from tests.endpoint import Reply
from tests.run_factory import run_of, scored

pytest_plugins = ["pytester"]

THOUGHT = "It could be Status: SUCCESS, but no."
REPLIES = [  # one for each sample, in order: two SUCCESS, two DAMPED, two SUCCESS, two NO_SIGNAL
    Reply("Status: SUCCESS", reasoning=THOUGHT, reasoning_tokens=15),
    Reply("Status: SUCCESS", reasoning_content=THOUGHT, reasoning_tokens=5),
    Reply(f"<think>{THOUGHT}</think>Status: DAMPED"),
    Reply(f"{THOUGHT}</think>\nStatus: DAMPED"),
    Reply(f"<think>{THOUGHT}", finish_reason="length"),
    Reply(None, reasoning="Status: SUCCESS"),
    Reply(None, reasoning="Status: NO_SIGNAL seems", finish_reason="length"),
    Reply("", reasoning_content=THOUGHT, finish_reason="length", reasoning_tokens=20),
]
COMPATIBLE = [1.0, 1.0, 0.0, 0.0, 1.0, 1.0, 1.0, 0.0]  # reads the first status of the text, thought or not
STRICT = [1.0, 1.0, 1.0, 1.0, 0.0, 1.0, 0.0, 0.0]  # reads the final answer only
FLAGS = [
    {"reasoning"},
    {"reasoning"},
    {"thought"},
    {"thought"},
    {"truncated", "thought", "unclosed_thought"},
    {"from_reasoning"},
    {"truncated", "from_reasoning"},
    {"truncated", "empty", "reasoning"},
]


@pytest.fixture
def answered(quick, endpoint, tiny_folder):
    """A finished run that asked Q6 of eight samples."""
    endpoint.script = lambda request: REPLIES[int(request.text.partition(":")[0].split()[-1])]
    options = ["--dataset", str(tiny_folder), "--modes=zeroshot", "--questions=Q6"]
    return quick.run("--model-url", endpoint.base_url, "--model=model-a", *options)


def by_sample(result):
    order = [item["sample_id"] for item in result.manifest["planned"]]
    return sorted(result.records, key=lambda record: order.index(record["sample_id"]))


def test_thoughts_are_recorded_apart_from_answers_and_both_scores_are_kept(quick, answered):
    assert 0 == answered.exit_status, answered.out
    records = by_sample(answered)
    assert COMPATIBLE == [record["score"]["value"] for record in records]
    assert STRICT == [record["other_score"]["value"] for record in records]
    assert FLAGS == [set(record["flags"]) for record in records]
    assert [THOUGHT, THOUGHT, None, None, None, None, None, THOUGHT] == [
        record["reasoning"] for record in records
    ]
    assert [15, 5, None, None, None, None, None, 20] == [record["reasoning_tokens"] for record in records]
    assert "length" == records[-1]["finish_reason"]

    report = answered.report
    assert 4 == report["findings"]["compatible and strict scores differ"]
    assert 3 == report["findings"]["answer cut (finish_reason length)"]
    (entry,) = report["reasoning"]
    assert {
        "mode": "zeroshot",
        "question": "Q6",
        "answers": 8,
        "with_thought": 8,
        "cut": 3,
        "cut_in_thought": 3,
        "tokens": 40,
        "completion_tokens": 60,
    } == entry

    strict = quick.run(
        "--answers=run", "--scoring=strict", "--modes=zeroshot", "--questions=Q6", run_dir="strict"
    )
    assert STRICT == [record["score"]["value"] for record in by_sample(strict)]
    assert COMPATIBLE == [record["other_score"]["value"] for record in by_sample(strict)]
    assert "Scorer: strict" in strict.out


def test_the_table(snapshot):
    keys = [
        ("drag_success_a", "Q6", "zeroshot"),
        ("drag_success_b", "Q6", "zeroshot"),
        ("drag_success_a", "Q6", "icl"),
    ]
    run = run_of(dict.fromkeys(keys, 1.0))
    thinking = Answer(text="", finish_reason="length", completion_tokens=100, reasoning_tokens=90)
    cut = scored(run.manifest.planned[0], 0.0, answer=thinking, flags=("empty", "truncated", "reasoning"))
    run = type(run)(manifest=run.manifest, records=(cut, *run.records[1:]))
    text = render(overview(evaluation_of(run), run), width=80)
    assert snapshot == text[text.index("Reasoning\n") : text.index("Findings")]


def test_no_table_if_no_model_reasons():
    assert [] == list(reasoning_tables(run_of({("drag_success_a", "Q6", "zeroshot"): 1.0})))
