"""Result files in the format of the reference scripts, written and read (PROTOCOL.md section 5).

    OfficialFileError    a file is not of that format, or a run cannot be written in it; the message says why

Scores there go from 0 to 100, and those of Q1, Q3 and Q5 are rounded to 0.1 before anything is averaged:
`rounded_score` is the one place where that happens.
"""

from __future__ import annotations

import json
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reports.records.outcomes import Evaluation, Identity, Outcome, counted_records
from reports.records.records import ItemKey, Record, Run, Status
from scoring.key_points import mean_grade
from scoring.questions import Mode, Question

ROUNDED = frozenset({Question.Q1, Question.Q3, Question.Q5})
LABEL_NAMES = {Question.Q2: "classification", Question.Q4: "assessment", Question.Q6: "status"}
UNKNOWN_FAMILY = "not stated"
PROGRAMMATIC = ("plot_type", "x_scale", "y_scale")


class OfficialFileError(Exception):
    """A result file cannot be read or written; ``str()`` names the file or item, and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InferenceEntry:
    """One entry of an inference file. ``answers``: None where the entry has an error instead."""

    entry_id: str
    scenario_type: str
    answers: Mapping[Question, str | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class InferenceFile:
    """Answers of one model in one mode. In mode ICL an entry's id is that of the row in the fewshot file."""

    mode: Mode
    model: str
    dataset: str | None
    entries: tuple[InferenceEntry, ...]


def rounded_score(question: Question, value: float) -> float:
    """The score as the reference writes it: 0-100, Q1, Q3 and Q5 rounded to 0.1."""
    return round(100 * value, 1) if question in ROUNDED else 100 * value


def inference_file(run: Run, mode: Mode) -> dict[str, Any]:
    """The run's answers in one mode. Items without an answer carry their error. Raises OfficialFileError for none."""
    samples = _by_sample(run, mode)
    manifest = run.manifest
    return {
        "mode": mode.value,
        "model": manifest.model,
        "model_id": manifest.model,
        "api_base": manifest.base_url,
        "dataset": manifest.dataset,
        "timestamp": manifest.started_at,
        "total_entries": len(samples),
        "results": [_inference_entry(run, mode, sample_id, records) for sample_id, records in samples.items()],
    }


def judged_file(run: Run, mode: Mode, *, errors_as_zero: bool = False) -> dict[str, Any]:
    """The run's scores in one mode, one entry per sample, with aggregates over the rounded scores.

    The format has no place for items without a score. Raises OfficialFileError where there are any, unless
    ``errors_as_zero`` writes failed requests as 0, as the reference does.
    """
    samples = _by_sample(run, mode)
    manifest = run.manifest
    results = [
        _judged_entry(run, mode, sample_id, records, errors_as_zero=errors_as_zero)
        for sample_id, records in samples.items()
    ]
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
    """``aggregate``, ``overall_mean`` and ``classification_accuracy`` of entries' ``scores``; all figures 0-100."""
    entries = list(scores)
    values = {
        question: [entry[question]["score"] for entry in entries if question in entry]
        for question in Question
        if any(question in entry for entry in entries)
    }
    return {
        "aggregate": {
            question.value: {"mean": statistics.fmean(found), "median": statistics.median(found)}
            for question, found in values.items()
        },
        "overall_mean": statistics.fmean(entry["overall"] for entry in entries) if entries else None,
        "classification_accuracy": {
            question.value: statistics.fmean(values[question]) for question in LABEL_NAMES if question in values
        },
    }


def read_inference(path: Path) -> InferenceFile:
    """An inference file. Raises OfficialFileError on anything else."""
    data = _load(path)
    try:
        return InferenceFile(
            mode=Mode(data["mode"]),
            model=str(data["model"]),
            dataset=data.get("dataset"),
            entries=tuple(_read_entry(entry) for entry in data["results"]),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise OfficialFileError(f"{path}: not an inference file of the reference ({_reason(error)})") from error


def read_judged(path: Path) -> Evaluation:
    """The scores of a judged file. Families are not stated there. Raises OfficialFileError on anything else."""
    data = _load(path)
    try:
        mode = Mode(data["mode"])
        outcomes = [outcome for entry in data["results"] for outcome in _read_scores(entry, mode)]
        identity = Identity(model=data["tested_model"], judges=(data["judge_model"],), scorer="compatible")
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise OfficialFileError(f"{path}: not a judged file of the reference ({_reason(error)})") from error
    return Evaluation(identity=identity, outcomes=tuple(outcomes))


def _by_sample(run: Run, mode: Mode) -> dict[str, dict[Question, Record | None]]:
    """Planned items of a mode by sample, in the order of the plan; the first repeat, no variants."""
    records = counted_records(run)
    samples: dict[str, dict[Question, Record | None]] = {}
    for item in run.manifest.planned:
        key = item.key
        if key.mode is mode and not key.repeat and not key.variant:
            samples.setdefault(key.sample_id, {})[key.question] = records.get(key)
    if not samples:
        raise OfficialFileError(f"run {run.manifest.run_id} has no items in mode {mode}")
    return samples


def _entry_id(run: Run, mode: Mode, sample_id: str) -> str:
    return run.manifest.icl_ids.get(sample_id, sample_id) if mode is Mode.ICL else sample_id


def _scenario_type(run: Run, sample_id: str) -> str:
    return next(item.scenario_type for item in run.manifest.planned if item.key.sample_id == sample_id)


def _inference_entry(run: Run, mode: Mode, sample_id: str, records: Mapping[Question, Record | None]) -> dict[str, Any]:
    return {
        "id": _entry_id(run, mode, sample_id),
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
    run: Run, mode: Mode, sample_id: str, records: Mapping[Question, Record | None], *, errors_as_zero: bool
) -> dict[str, Any]:
    scores: dict[str, Any] = {}
    for question, record in records.items():
        if record is not None and record.score is not None:
            value = rounded_score(question, record.score.value)
            scores[question.value] = {"score": value, **_details(question, record)}
        elif errors_as_zero and record is not None and record.status is Status.REQUEST_FAILED:
            scores[question.value] = {"score": 0.0, "error": record.error.message if record.error else ""}
        else:
            raise OfficialFileError(
                f"{sample_id} {question} ({mode}) has no score; the format has no place for that: measure it with "
                "--resume first, or count failed requests as 0 with --errors-as-zero"
            )
    scores["overall"] = statistics.fmean(entry["score"] for entry in scores.values())
    entry_id, scenario = _entry_id(run, mode, sample_id), _scenario_type(run, sample_id)
    return {"id": entry_id, "experiment_type": scenario, "scores": scores}


def _details(question: Question, record: Record) -> dict[str, Any]:
    score = record.score
    assert score is not None, "details are of a scored record"  # noqa: S101 - narrows the type
    if question in LABEL_NAMES:
        name = LABEL_NAMES[question]
        return {"correct": score.value == 1, f"gt_{name}": score.expected, f"model_{name}": score.extracted}
    if question is Question.Q5:
        return {"fields": dict(score.components)}
    key_points = _key_points(record)
    if question is Question.Q3:
        return key_points
    return {"programmatic": {name: score.components.get(name) for name in PROGRAMMATIC}, **key_points}


def _key_points(record: Record) -> dict[str, float]:
    """Hits are grades added up, their mean over the judges."""
    grades = [verdict.grades for verdict in record.verdicts if verdict.grades is not None]
    total = len(grades[0]) if grades else 0
    return {"key_points_hit": mean_grade(grades, total) * total if total else 0.0, "key_points_total": total}


def _read_entry(entry: Mapping[str, Any]) -> InferenceEntry:
    tasks = {question.task: question for question in Question}
    answers = {
        tasks[task]: None if response.get("error") or entry.get("error") else response["answer"]
        for task, response in (entry.get("responses") or {}).items()
        if task in tasks
    }
    return InferenceEntry(entry_id=entry["id"], scenario_type=entry["experiment_type"], answers=answers)


def _read_scores(entry: Mapping[str, Any], mode: Mode) -> Sequence[Outcome]:
    return [
        Outcome(
            key=ItemKey(entry["id"], Question(name), mode),
            family=UNKNOWN_FAMILY,
            scenario_type=entry["experiment_type"],
            status=Status.SCORED,
            value=float(score["score"]) / 100,
        )
        for name, score in entry["scores"].items()
        if name != "overall"
    ]


def _load(path: Path) -> Any:  # noqa: ANN401 - JSON that is checked field by field
    try:
        return json.loads(path.read_bytes())
    except OSError as error:
        raise OfficialFileError(f"{path}: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise OfficialFileError(f"{path}: not JSON ({error})") from error


def _reason(error: Exception) -> str:
    return f"no {error}" if isinstance(error, KeyError) else str(error)
