"""Writes result files in the format of the reference scripts (docs/protocol.md#result-files).

Scores are 0 to 100. Each item's score is rounded to 0.1 before averaging, and so is each sample's overall
score. `rounded` is the only place where this happens.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, assert_never

from reports.exchange.official_input import OfficialFileError
from reports.records.outcomes import ErrorRule, counted_records
from reports.records.records import UNANSWERED, Record, Run
from scoring.questions import Mode, Question
from scoring.score import Score

LABEL_NAMES = {Question.Q2: "classification", Question.Q4: "assessment", Question.Q6: "status"}
PROGRAMMATIC = ("plot_type", "x_scale", "y_scale")


def rounded(score: float) -> float:
    """Return a score of 0-100 as the reference writes it."""
    return round(score, 1)


def inference_file(run: Run, mode: Mode, *, repeat: int | None = None) -> dict[str, Any]:
    """Return the run's answers in one mode; of unanswered items, the error.

    Raises OfficialFileError for no items.

    The format holds one answer per item. ``repeat``, from 0, chooses it; it is required if the run has
    repeats.
    """
    if repeat is None and (count := len(repeats_of(run, mode))) > 1:
        raise OfficialFileError(
            f"run {run.manifest.run_id} asked each item {count} times, and the format holds one answer: choose the "
            f"repeat with --repeat 1 to --repeat {count}"
        )
    samples = _by_sample(run, mode, repeat or 0)
    manifest = run.manifest
    return {
        "mode": mode.value,
        "model": manifest.model,
        "model_id": manifest.model,
        "api_base": manifest.base_url,
        "dataset": manifest.dataset,
        "timestamp": manifest.started_at,
        "total_entries": len(samples),
        "results": [_inference_entry(run, sample_id, records) for sample_id, records in samples.items()],
    }


def judged_file(
    run: Run, mode: Mode, *, errors: ErrorRule = ErrorRule.UNMEASURED, repeat: int | None = None
) -> dict[str, Any]:
    """Return the run's scores in one mode, one entry per sample, with aggregates over the rounded scores.

    With repeats, each score is the mean, followed by the repeats' scores; labels and grades, which have no
    mean, are left out. ``repeat``, from 0, selects a single repeat. The format has no place for items without
    a score. Raises OfficialFileError if there are any, except failed requests that get a score from
    ``errors``.
    """
    manifest = run.manifest
    taken = repeats_of(run, mode) or [0] if repeat is None else [repeat]
    results = _means([_judged_entries(run, mode, number, errors) for number in taken])
    judges = ", ".join(judge.model for judge in manifest.judges)
    return {
        "judge_model": judges,
        "judge_model_id": judges,
        "tested_model": manifest.model,
        "tested_model_id": manifest.model,
        "mode": mode.value,
        "timestamp": manifest.started_at,
        "total_entries": len(results),
        **aggregates(entry["scores"] for entry in results),
        "results": results,
    }


def aggregates(scores: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Return ``aggregate``, ``overall_mean`` and ``classification_accuracy`` of ``scores``.

    All figures 0-100.
    """
    entries = list(scores)
    values = {
        question: [entry[question]["score"] for entry in entries if question in entry]
        for question in Question
        if any(question in entry for entry in entries)
    }
    return {
        "aggregate": {
            question.value: {"mean": statistics.fmean(own), "median": statistics.median(own)}
            for question, own in values.items()
        },
        "overall_mean": statistics.fmean(entry["overall"] for entry in entries) if entries else None,
        "classification_accuracy": {
            question.value: statistics.fmean(values[question])
            for question in LABEL_NAMES
            if question in values
        },
    }


def repeats_of(run: Run, mode: Mode) -> list[int]:
    """Return the repeats of a mode's items, from 0, without those of a study's variants."""
    return sorted(
        {item.key.repeat for item in run.manifest.planned if item.key.mode is mode and not item.key.variant}
    )


def unplaced_items(run: Run, mode: Mode) -> int:
    """Return how many items of a mode the reference's files cannot hold: those of a study's variants."""
    return sum(item.key.mode is mode and bool(item.key.variant) for item in run.manifest.planned)


def _judged_entries(run: Run, mode: Mode, repeat: int, errors: ErrorRule) -> list[dict[str, Any]]:
    samples = _by_sample(run, mode, repeat)
    return [
        _judged_entry(run, mode, sample_id, records, errors=errors) for sample_id, records in samples.items()
    ]


def _means(repeats: Sequence[Sequence[dict[str, Any]]]) -> list[dict[str, Any]]:
    """Return the entries of several repeats as one, sample by sample; those of a single repeat as they are."""
    if len(repeats) == 1:
        return list(repeats[0])
    by_id: dict[str, list[dict[str, Any]]] = {}
    for entries in repeats:
        for entry in entries:
            by_id.setdefault(entry["id"], []).append(entry)
    return [_mean_entry(entries) for entries in by_id.values()]


def _mean_entry(entries: Sequence[dict[str, Any]]) -> dict[str, Any]:
    scored = [entry["scores"] for entry in entries]
    asked = [question for question in Question if any(question in scores for scores in scored)]
    scores: dict[str, Any] = {}
    for question in asked:
        values = [scores[question]["score"] for scores in scored if question in scores]
        scores[question.value] = {"score": rounded(statistics.fmean(values)), "repeats": values}
    scores["overall"] = rounded(statistics.fmean(scores[question]["score"] for question in asked))
    return {**entries[0], "scores": scores}


def _by_sample(run: Run, mode: Mode, repeat: int) -> dict[str, dict[Question, Record | None]]:
    """Return a mode's planned items of one repeat by sample, in the order of the plan, without variants."""
    records = counted_records(run)
    samples: dict[str, dict[Question, Record | None]] = {}
    for item in run.manifest.planned:
        key = item.key
        if key.mode is mode and key.repeat == repeat and not key.variant:
            samples.setdefault(key.sample_id, {})[key.question] = records.get(key)
    if not samples:
        which = f" in repeat {repeat + 1}" if repeat else ""
        raise OfficialFileError(f"run {run.manifest.run_id} has no items in mode {mode}{which}")
    return samples


def _entry_id(run: Run, sample_id: str) -> str:
    """Return the test row's id. The reference's files have one entry for each ICL row about it."""
    return run.manifest.source_ids.get(sample_id, sample_id)


def _scenario_type(run: Run, sample_id: str) -> str:
    return next(item.scenario_type for item in run.manifest.planned if item.key.sample_id == sample_id)


def _inference_entry(run: Run, sample_id: str, records: Mapping[Question, Record | None]) -> dict[str, Any]:
    return {
        "id": _entry_id(run, sample_id),
        "experiment_type": _scenario_type(run, sample_id),
        "error": None,
        "responses": {question.task: _response(record) for question, record in records.items()},
    }


def _response(record: Record | None) -> dict[str, Any]:
    if record is None:
        return {"answer": None, "error": "not asked"}
    error = None if record.error is None or record.answer is not None else record.error.message
    return {"answer": None if record.answer is None else record.answer.text, "error": error}


def _judged_entry(
    run: Run, mode: Mode, sample_id: str, records: Mapping[Question, Record | None], *, errors: ErrorRule
) -> dict[str, Any]:
    scores: dict[str, Any] = {}
    for question, record in records.items():
        entry = None if record is None else _judged_score(question, record, errors)
        if entry is None:
            raise OfficialFileError(
                f"{sample_id} {question} ({mode}) has no score; the format has no place for that: measure it with "
                "--resume first, or count failed requests with --errors as-reference or --errors zero"
            )
        scores[question.value] = entry
    scores["overall"] = rounded(statistics.fmean(entry["score"] for entry in scores.values()))
    return {
        "id": _entry_id(run, sample_id),
        "experiment_type": _scenario_type(run, sample_id),
        "scores": scores,
    }


def _judged_score(question: Question, record: Record, errors: ErrorRule) -> dict[str, Any] | None:
    """Return an item's entry; None if it has no score under this rule."""
    if record.score is not None:
        return {"score": rounded(100 * record.score.value), **_details(question, record, record.score)}
    if record.status not in UNANSWERED:
        return None
    said = {"error": "" if record.error is None else record.error.message}
    match errors:
        case ErrorRule.UNMEASURED:
            return None
        case ErrorRule.ZERO:
            return {"score": 0.0, **said}
        case ErrorRule.AS_REFERENCE:
            score = record.unanswered_score
            if score is None:  # recorded by an earlier version
                return None
            return {"score": rounded(100 * score.value), **_details(question, record, score), **said}
        case _:
            assert_never(errors)


def _details(question: Question, record: Record, score: Score) -> dict[str, Any]:
    if question in LABEL_NAMES:
        name = LABEL_NAMES[question]
        return {"correct": score.value == 1, f"gt_{name}": score.expected, f"model_{name}": score.extracted}
    if question is Question.Q5:
        return {"fields": dict(score.components)}
    hits = _key_point_hits(record)
    key_points = {"key_points_hit": hits, "key_points_total": len(hits)}
    if question is Question.Q3:
        return key_points
    return {"programmatic": {name: score.components.get(name) for name in PROGRAMMATIC}, **key_points}


def _key_point_hits(record: Record) -> list[float]:
    """Return the grade of each key point, the mean over the judges; empty without any."""
    grades = [verdict.grades for verdict in record.verdicts if verdict.grades is not None]
    return [statistics.fmean(point) for point in zip(*grades, strict=True)]
