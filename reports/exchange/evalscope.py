"""A run as an output folder of EvalScope (1.14), for its dashboard: ``evalscope service --outputs DIR``.

Each mode is a dataset (``qcaleval_zeroshot``, ``qcaleval_icl``) and each question one of its subsets:

    DIR/<start>/reports/<model>/<dataset>.json                 report, schema version 2
    DIR/<start>/reviews/<model>/<dataset>_<question>.jsonl     prompt, answer, target, score of each item
    DIR/<start>/predictions/<model>/<dataset>_<question>.jsonl the model's replies
    DIR/<start>/configs/task_config.yaml                       what was run

The score of a report is the mode's mean over its questions, as published; EvalScope keeps four decimals.
Items of studies are left out, as they are from that mean.

EvalScopeError    the run has nothing to show
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from itertools import groupby
from pathlib import Path
from typing import Any

from reports.analysis.standings import Figure, Standing, entrant
from reports.exchange.shown_items import Illustrations, answer_read, explanation
from reports.records.files import write_file, write_parts
from reports.records.names import question_name
from reports.records.outcomes import benchmark_records, evaluation_of
from reports.records.records import Answer, PlannedItem, Record, Run, Status
from reports.records.timestamps import moment
from reports.records.typed_json import json_safe
from scoring.errors import QCalError
from scoring.questions import Mode, Question
from scoring.score import Score

METRIC = "answer_score"
SCHEMA_VERSION = 2
SEMANTICS = {
    "semantic_id": "qcaleval.answer_score.ratio",
    "metric_name": "Score",
    "kind": "quality",
    "direction": "higher_is_better",
    "value_range": {"min": 0.0, "max": 1.0},
    "display_kind": "percent",
    "display_multiplier": 100.0,
    "display_unit": "%",
    "display_precision": 1,
}
"""How EvalScope shows the score: 0 to 100, one decimal."""
STATUS = {
    Status.SCORED: "success",
    Status.UNJUDGED: "excluded",
    Status.REQUEST_FAILED: "transport_error",
    Status.JUDGE_FAILED: "parse_error",
    Status.FILTERED: "excluded",
    Status.REFUSED: "excluded",
}
DESCRIPTION = (
    "Six questions about plots of quantum-calibration experiments, {mode}. The score is the mean over the questions, "
    "as published; unmeasured items count nowhere. Made by QCalEval-pytest."
)
MODE_WORDS = {Mode.ZEROSHOT: "zero-shot", Mode.ICL: "with labelled demonstrations (ICL)"}
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")


class EvalScopeError(QCalError):
    """The run cannot be shown; ``str()`` is for the user."""


def write_evalscope(run: Run, target: Path, run_dir: Path | None = None) -> None:
    """Write the run into an output folder, which may have other runs.

    Prompts, plots and reference answers come from ``run_dir``; without them there is the rest. Raises
    EvalScopeError, RunGarbledError or OSError.
    """
    standings = entrant(run, evaluation_of(run)).standings
    if not any(standing.measured for standing in standings.values()):
        raise EvalScopeError(f"{run.manifest.run_id}: nothing was measured, so EvalScope has nothing to show")
    started = moment(run.manifest.started_at)
    folder, model = target / f"{started:%Y%m%d_%H%M%S}", _safe(run.manifest.model)
    illustrations = Illustrations.of_run(run_dir)
    for mode in Mode:
        if any(standings[figure].measured for figure in standings if figure[0] is mode):
            report = _report(run, mode, standings)
            _write_json(folder / "reports" / model / f"{_dataset(mode)}.json", report)
    for (mode, question), records in _by_question(benchmark_records(run)):
        name = f"{_dataset(mode)}_{question}.jsonl"
        shown = list(enumerate(records))
        _write_lines(
            folder / "reviews" / model / name,
            (_review(index, record, run.manifest.model, illustrations) for index, record in shown),
        )
        _write_lines(
            folder / "predictions" / model / name,
            (_prediction(index, record, run.manifest.model) for index, record in shown),
        )
    _write_json(folder / "configs" / "task_config.yaml", _config(run))  # YAML includes JSON


def _report(run: Run, mode: Mode, standings: Mapping[Figure, Standing]) -> dict[str, Any]:
    questions = {
        question: standing
        for (of_mode, question), standing in standings.items()
        if of_mode is mode and question is not None and standing.mean is not None
    }
    means = [standing.mean for standing in questions.values() if standing.mean is not None]
    identity = {
        "name": METRIC,
        "aggregation": "macro_mean",
        "dimensions": {"questions": "+".join(questions)},
    }
    subsets = [_subset(question, standing) for question, standing in questions.items()]
    metric = {
        "identity": identity,
        "semantics": SEMANTICS,
        "num": sum(standing.measured for standing in questions.values()),
        "score": sum(means) / len(means),
        "categories": [{"name": [MODE_WORDS[mode]], "subsets": subsets}],
    }
    return {
        "schema_version": SCHEMA_VERSION,
        "name": f"{run.manifest.model}@{_dataset(mode)}",
        "dataset_name": _dataset(mode),
        "dataset_pretty_name": f"QCalEval, {'zero-shot' if mode is Mode.ZEROSHOT else 'ICL'}",
        "dataset_description": DESCRIPTION.format(mode=MODE_WORDS[mode]),
        "model_name": run.manifest.model,
        "metrics": [metric],
        "primary_metric_identity": identity,
        "judge_summary": _judges(run, mode),
        "execution_summary": _execution(run, mode),
    }


def _subset(question: Question, standing: Standing) -> dict[str, Any]:
    interval = standing.interval
    return {
        "name": question.value,
        "score": standing.mean,
        "num": standing.measured,
        "metadata": {
            "title": question_name(question),
            "planned": standing.planned,
            "interval_95": None if interval is None else [interval.low, interval.high],
        },
    }


def _execution(run: Run, mode: Mode) -> dict[str, Any]:
    """Return the number of items, in total and by question. Only a scored item counts as a success."""
    measured = {record.key for record in benchmark_records(run) if record.measured}
    planned = [item for item in run.manifest.planned if item.key.mode is mode and not item.key.variant]

    def counts(items: list[PlannedItem]) -> dict[str, int]:
        done = sum(item.key in measured for item in items)
        return {"requested": len(items), "succeeded": done, "errored": len(items) - done}

    return {
        **counts(planned),
        "incomplete": any(item.key not in measured for item in planned),
        "subsets": {
            question.value: counts([item for item in planned if item.key.question is question])
            for question in mode.questions
            if any(item.key.question is question for item in planned)
        },
    }


def _judges(run: Run, mode: Mode) -> dict[str, Any] | None:
    """Return how many answers the judges graded; None without judges."""
    records = [
        record
        for record in benchmark_records(run)
        if record.key.mode is mode and record.key.question.needs_judge and record.answer is not None
    ]
    verdicts = [verdict for record in records for verdict in record.verdicts]
    if not run.manifest.judges or not records:
        return None
    scored, usable = sum(record.measured for record in records), sum(v.grades is not None for v in verdicts)
    return {
        "status": "success" if scored == len(records) else "degraded",
        "scored": scored,
        "total": len(records),
        "coverage": scored / len(records),
        "judge_models": [judge.model for judge in run.manifest.judges],
        "valid_observations": usable,
        "total_observations": len(verdicts),
        "failures": {"parse_error": len(verdicts) - usable} if usable < len(verdicts) else {},
    }


def _review(index: int, record: Record, model: str, illustrations: Illustrations) -> dict[str, Any]:
    """Return one item: prompt, answer, target and score."""
    key, target = record.key, illustrations.target(record).strip()
    prompt = [
        {"type": "text", "text": block.text}
        if block.image is None
        else {"type": "image", "image": block.image}
        for block in illustrations.prompt(record)
    ]
    messages: list[dict[str, Any]] = [{"role": "user", "content": prompt, "source": "input"}]
    if record.answer is not None:
        messages.append(_message(record.answer, model))
    return {
        "index": index,
        "target": [target] if target else None,
        "messages": messages,
        "sample_score": {
            "score": _score(record, record.score),
            "sample_id": index,
            "group_id": key.sample_id,
            "generation_index": key.repeat,
            "sample_metadata": {
                "sample": key.sample_id,
                "family": record.family,
                "scenario_type": record.scenario_type,
                "question": key.question.value,
                "mode": key.mode.value,
                "repeat": key.repeat + 1,
            },
        },
    }


def _score(record: Record, score: Score | None) -> dict[str, Any]:
    prediction = "" if record.answer is None else record.answer.text
    shared = {
        "status": STATUS[record.status],
        "prediction": prediction,
        "metadata": {"status": record.status.value, "flags": list(record.flags)},
    }
    if score is None or not record.measured:
        reason = record.status.value if record.error is None else record.error.message
        return {**shared, "value": {}, "explanation": reason}
    return {
        **shared,
        "value": {METRIC: score.value},
        "main_score_name": METRIC,
        "extracted_prediction": answer_read(record, score),
        "explanation": explanation(record, score),
    }


def _prediction(index: int, record: Record, model: str) -> dict[str, Any]:
    answer = record.answer
    choices = (
        [] if answer is None else [{"message": _message(answer, model), "stop_reason": _stop_reason(answer)}]
    )
    error = None if record.error is None else record.error.message
    output: dict[str, Any] = {"model": model, "choices": choices, "error": error}
    if answer is not None:
        output["time"] = answer.latency_s
        output["usage"] = {
            "input_tokens": answer.prompt_tokens or 0,
            "output_tokens": answer.completion_tokens or 0,
            "total_tokens": (answer.prompt_tokens or 0) + (answer.completion_tokens or 0),
            "reasoning_tokens": answer.reasoning_tokens,
        }
    return {"index": index, "model": model, "model_output": output, "messages": []}


def _message(answer: Answer, model: str) -> dict[str, Any]:
    content: list[dict[str, Any]] = []
    if answer.reasoning:
        content.append({"type": "reasoning", "reasoning": answer.reasoning})
    content.append({"type": "text", "text": answer.text})
    return {
        "role": "assistant",
        "content": content,
        "model": answer.served_model or model,
        "source": "generate",
        "perf_metrics": {
            "latency": answer.latency_s,
            "ttft": answer.ttft_s,
            "input_tokens": answer.prompt_tokens or 0,
            "output_tokens": answer.completion_tokens or 0,
        },
    }


def _stop_reason(answer: Answer) -> str:
    return {"length": "max_tokens", "stop": "stop", "content_filter": "content_filter"}.get(
        answer.finish_reason or "", "unknown"
    )


def _config(run: Run) -> dict[str, Any]:
    manifest = run.manifest
    return {
        "model": manifest.model,
        "api_url": manifest.base_url or None,
        "datasets": [_dataset(mode) for mode in Mode],
        "eval_backend": "QCalEval-pytest",
        "dataset": manifest.dataset,
        "dataset_revision": manifest.dataset_revision,
        "judges": [judge.model for judge in manifest.judges],
        "scorer": manifest.scorer,
        "stand_ins": list(manifest.stand_ins),
        "run_id": manifest.run_id,
        "settings": json_safe(dict(manifest.settings)),
    }


def _by_question(records: Iterable[Record]) -> Iterable[tuple[tuple[Mode, Question], list[Record]]]:
    def place(record: Record) -> tuple[Mode, Question]:
        return record.key.mode, record.key.question

    for name, group in groupby(sorted(records, key=place), place):
        yield name, list(group)


def _dataset(mode: Mode) -> str:
    return f"qcaleval_{mode}"


def _safe(name: str) -> str:
    """Return a model's name as a folder name; EvalScope does not allow slashes in it."""
    return _UNSAFE.sub("_", name).strip("._") or "model"


def _write_json(file: Path, data: Mapping[str, Any]) -> None:
    write_file(file, (json.dumps(json_safe(dict(data)), ensure_ascii=False, indent=1) + "\n").encode())


def _write_lines(file: Path, lines: Iterable[dict[str, Any]]) -> None:
    write_parts(file, ((json.dumps(json_safe(line), ensure_ascii=False) + "\n").encode() for line in lines))
