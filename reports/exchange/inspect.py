"""A run as a log of Inspect (inspect_ai, optional extra ``inspect``), for its viewer: ``inspect view``."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path

from inspect_ai.log import (
    EvalConfig,
    EvalDataset,
    EvalLog,
    EvalMetric,
    EvalResults,
    EvalSample,
    EvalScore,
    EvalSpec,
    EvalStats,
    write_eval_log,
)
from inspect_ai.model import (
    ChatCompletionChoice,
    ChatMessageAssistant,
    ChatMessageUser,
    ContentImage,
    ContentReasoning,
    ContentText,
    ModelOutput,
    ModelUsage,
)
from inspect_ai.scorer import Score as InspectScore

from reports.analysis.standings import entrant
from reports.exchange.shown_items import Illustrations, answer_read, explanation
from reports.records.outcomes import counted_records, evaluation_of
from reports.records.records import Answer, Record, Run, record_to_json
from reports.records.timestamps import moment
from scoring.score import Score

SCORER = "qcaleval"
NORMAL = 1.959964
"""The number of standard errors in half of a 95% interval."""


def write_inspect_log(run: Run, target: Path, run_dir: Path | None = None) -> None:
    """Write the log; a name ending in ``.json`` gives JSON, in ``.eval`` Inspect's own format.

    Prompts, plots and reference answers come from ``run_dir`` (``samples.jsonl`` and ``plots/``); without
    them, the log holds everything else. Raises RunGarbledError or OSError.
    """
    illustrations = Illustrations.of_run(run_dir)
    records = list(counted_records(run).values())
    log = EvalLog(
        status="success",
        eval=_spec(run),
        results=_results(run),
        stats=_stats(run, records),
        samples=[_sample(record, run.manifest.model, illustrations) for record in records],
    )
    write_eval_log(log, str(target))


def _spec(run: Run) -> EvalSpec:
    manifest = run.manifest
    return EvalSpec(
        created=_aware(manifest.started_at),
        task="qcaleval",
        model=manifest.model or "not stated",
        model_base_url=manifest.base_url or None,
        dataset=EvalDataset(
            name=manifest.dataset,
            samples=len(manifest.planned),
            sample_ids=[_id(record) for record in counted_records(run).values()],
        ),
        config=EvalConfig(epochs=1 + max((item.key.repeat for item in manifest.planned), default=0)),
        packages=dict(manifest.versions),
        metadata={
            "run_id": manifest.run_id,
            "dataset_revision": manifest.dataset_revision,
            "judges": [judge.model for judge in manifest.judges],
            "scorer": manifest.scorer,
            "stand_ins": list(manifest.stand_ins),
        },
    )


def _stats(run: Run, records: Iterable[Record]) -> EvalStats:
    """Return the times of the start and the last record, and the tokens of the model and of each judge."""
    started = _aware(run.manifest.started_at)
    finished = [_aware(record.finished_at) for record in records if record.finished_at]
    usage: dict[str, ModelUsage] = {}
    for record in records:
        for name, spent in _usage(record, run.manifest.model).items():
            usage[name] = usage[name] + spent if name in usage else spent
    return EvalStats(started_at=started, completed_at=max([started, *finished]), model_usage=usage)


def _results(run: Run) -> EvalResults:
    """Return the means of questions and modes, 0..1, with standard errors derived from their 95% intervals."""
    standings = entrant(run, evaluation_of(run)).standings
    metrics = {}
    for (mode, question), standing in standings.items():
        name = f"{mode}_{question or 'mean'}"
        if standing.mean is not None:
            metrics[name] = EvalMetric(name=name, value=standing.mean)
        if standing.interval is not None:
            half = (standing.interval.high - standing.interval.low) / 2
            metrics[f"{name}_stderr"] = EvalMetric(name=f"{name}_stderr", value=half / NORMAL)
    planned, measured = (
        len(run.manifest.planned),
        sum(record.measured for record in counted_records(run).values()),
    )
    score = EvalScore(
        name=SCORER,
        scorer=SCORER,
        metrics=metrics,
        scored_samples=measured,
        unscored_samples=planned - measured,
    )
    return EvalResults(total_samples=planned, completed_samples=measured, scores=[score])


def _sample(record: Record, model: str, illustrations: Illustrations) -> EvalSample:
    key, answer = record.key, record.answer
    asked = [
        ContentText(text=block.text) if block.image is None else ContentImage(image=block.image)
        for block in illustrations.prompt(record)
    ]
    data = record_to_json(record)
    output = _output(answer, model)
    seconds = None if answer is None else answer.latency_s
    return EvalSample(
        id=_id(record),
        epoch=key.repeat + 1,
        input=[ChatMessageUser(content=[*asked])],
        target=illustrations.target(record),
        messages=[
            ChatMessageUser(content=[*asked]),
            *([output.choices[0].message] if output.choices else []),
        ],
        output=output,
        scores=None if record.score is None else {SCORER: _score(record, record.score)},
        model_usage=_usage(record, model),
        started_at=_started(record),
        completed_at=None if record.finished_at is None else _aware(record.finished_at),
        total_time=seconds,
        working_time=seconds,
        metadata={
            "family": record.family,
            "scenario_type": record.scenario_type,
            "question": key.question.value,
            "mode": key.mode.value,
            **({"variant": key.variant} if key.variant else {}),
            **{name: data[name] for name in ("status", "error", "flags", "request_sha256", "verdicts")},
        },
    )


def _id(record: Record) -> str:
    key = record.key
    return "-".join(filter(None, (key.sample_id, key.question, key.mode, key.variant)))


def _output(answer: Answer | None, model: str) -> ModelOutput:
    if answer is None:
        return ModelOutput(model=model)
    content: list[ContentReasoning | ContentText] = []
    if answer.reasoning:
        content.append(ContentReasoning(reasoning=answer.reasoning))
    content.append(ContentText(text=answer.text))
    choice = ChatCompletionChoice(
        message=ChatMessageAssistant(
            content=[*content], model=answer.served_model or model, source="generate"
        ),
        stop_reason="max_tokens" if answer.finish_reason == "length" else "stop",
    )
    return ModelOutput(
        model=answer.served_model or model,
        choices=[choice],
        usage=_tokens(answer),
        time=answer.latency_s or None,
    )


def _tokens(answer: Answer) -> ModelUsage | None:
    if answer.prompt_tokens is None and answer.completion_tokens is None:
        return None
    given, made = answer.prompt_tokens or 0, answer.completion_tokens or 0
    return ModelUsage(
        input_tokens=given,
        output_tokens=made,
        total_tokens=given + made,
        reasoning_tokens=answer.reasoning_tokens,
    )


def _usage(record: Record, model: str) -> dict[str, ModelUsage]:
    """Return the reported tokens, by the name of the model or judge."""
    usage: dict[str, ModelUsage] = {}
    if record.answer is not None and (spent := _tokens(record.answer)) is not None:
        usage[model] = spent
    for verdict in record.verdicts:
        if verdict.prompt_tokens is not None or verdict.completion_tokens is not None:
            given, made = verdict.prompt_tokens or 0, verdict.completion_tokens or 0
            spent = ModelUsage(input_tokens=given, output_tokens=made, total_tokens=given + made)
            usage[verdict.judge] = usage[verdict.judge] + spent if verdict.judge in usage else spent
    return usage


def _score(record: Record, score: Score) -> InspectScore:
    return InspectScore(
        value=score.value, answer=answer_read(record, score), explanation=explanation(record, score)
    )


def _started(record: Record) -> str | None:
    if record.finished_at is None or record.answer is None:
        return None
    try:
        return (moment(record.finished_at) - timedelta(seconds=record.answer.latency_s)).isoformat()
    except OverflowError:
        return None


def _aware(timestamp: str) -> str:
    """Return the time with its zone: Inspect would read a time without a zone as local time.

    Raises TimestampError.
    """
    return moment(timestamp).isoformat()
