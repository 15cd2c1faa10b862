"""Make small runs for tests: manifests and records without a model, a dataset or a disk."""

from __future__ import annotations

import json
from dataclasses import replace

from reports.records.records import (
    Answer,
    Failure,
    ItemKey,
    JudgeIdentity,
    PlannedItem,
    Record,
    Run,
    RunManifest,
    Status,
    manifest_to_json,
    record_to_json,
)
from scoring.questions import Mode, Question
from scoring.score import Score


def planned_item(
    sample="drag_success_a", question="Q6", mode="zeroshot", *, family="drag", scenario="drag_success", **key
):
    return PlannedItem(
        key=ItemKey(sample, Question(question), Mode(mode), **key), family=family, scenario_type=scenario
    )


def scored(item, value, *, extracted=None, expected=None, **fields):
    answer = fields.pop(
        "answer", Answer(text="an answer", finish_reason="stop", latency_s=1.5, completion_tokens=20)
    )
    score = Score(
        value=value, extracted=extracted, expected=expected, components=fields.pop("components", {})
    )
    return _record(item, Status.SCORED, score=score, answer=answer, attempts=1, **fields)


def failed(item, kind="timeout", message="no answer within 60 s", **fields):
    return _record(
        item, Status.REQUEST_FAILED, error=Failure(kind=kind, message=message), attempts=3, **fields
    )


def unjudged(item, **fields):
    return _record(item, Status.UNJUDGED, answer=Answer(text="an answer"), attempts=1, **fields)


def judge_failed(item, kind="bad_reply", message="no array in the judge's reply", **fields):
    error = Failure(kind=kind, message=message)
    return _record(
        item, Status.JUDGE_FAILED, answer=Answer(text="an answer"), error=error, attempts=1, **fields
    )


def _record(item, status, **fields):
    return Record(key=item.key, family=item.family, scenario_type=item.scenario_type, status=status, **fields)


def manifest(planned, **fields):
    made = RunManifest(
        run_id="20260501T120000Z-test-vlm",
        model="test-vlm",
        base_url="http://localhost:8000/v1",
        judges=(JudgeIdentity(model="gpt-5.4", base_url="http://localhost:8001/v1"),),
        dataset="nvidia/QCalEval",
        dataset_revision="0123456789abcdef0123456789abcdef01234567",
        scorer="compatible",
        scorer_version="1",
        settings={"max_tokens": 16384, "temperature": 0.0},
        planned=tuple(planned),
        started_at="2026-05-01T12:00:00Z",
    )
    return replace(made, **fields)


def run_of(values, **fields):
    """Return a run from ``{(sample, question, mode): value}``.

    An item of value None was planned and never reached.
    """
    items = {key: planned_item(*key) for key in values}
    records = tuple(scored(items[key], value) for key, value in values.items() if value is not None)
    return Run(manifest=manifest(items.values(), **fields), records=records)


def write_run(run, directory):
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "run.json").write_text(json.dumps(manifest_to_json(run.manifest)))
    lines = [json.dumps(record_to_json(record)) + "\n" for record in run.records]
    (directory / "records.jsonl").write_text("".join(lines))
    return directory
