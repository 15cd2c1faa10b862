"""A run as a log of Inspect (inspect_ai, optional extra ``inspect``), for its viewer: ``inspect view``."""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
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
from reports.records.files import read_file
from reports.records.illustrations import MEDIA_TYPES, PromptBlock, SampleSheet, load_sheets, plot_files
from reports.records.outcomes import counted_records, evaluation_of
from reports.records.records import Answer, Record, Run, record_to_json
from reports.records.typed_json import json_safe
from scoring.reference import JSON
from scoring.score import Score

SCORER = "qcaleval"
NORMAL = 1.959964
"""Standard errors in half of a 95% interval."""
OMITTED = "[plot of a demonstration]"
"""In the place of images that are not the sample's own: with them a log would take hundreds of megabytes."""


@dataclass(slots=True, kw_only=True)
class _Plots:
    """The run's plots as ``data:`` URLs, read when they are asked for."""

    files: Mapping[str, Path]
    urls: dict[str, str] = field(default_factory=dict)

    def url(self, digest: str) -> str | None:
        if digest not in self.urls and digest in self.files:
            file = self.files[digest]
            content = base64.b64encode(read_file(file)).decode()
            self.urls[digest] = f"data:{MEDIA_TYPES[file.suffix]};base64,{content}"
        return self.urls.get(digest)


def write_inspect_log(run: Run, target: Path, run_dir: Path | None = None) -> None:
    """Write the log; a name ending in ``.json`` gives JSON, in ``.eval`` Inspect's own format.

    Prompts, plots and reference answers come from ``run_dir`` (``samples.jsonl`` and ``plots/``); without them the log
    has the rest. Raises RunGarbledError or OSError.
    """
    sheets = {} if run_dir is None else load_sheets(run_dir)
    plots = _Plots(files={} if run_dir is None else plot_files(run_dir))
    records = list(counted_records(run).values())
    log = EvalLog(
        status="success",
        eval=_spec(run),
        results=_results(run),
        stats=_stats(run, records),
        samples=[
            _sample(record, run.manifest.model, sheets.get(record.key.sample_id), plots) for record in records
        ],
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
    """From the start to the last record; tokens of the model and of each judge."""
    started = _aware(run.manifest.started_at)
    finished = [_aware(record.finished_at) for record in records if record.finished_at]
    usage: dict[str, ModelUsage] = {}
    for record in records:
        for name, spent in _usage(record, run.manifest.model).items():
            usage[name] = usage[name] + spent if name in usage else spent
    return EvalStats(started_at=started, completed_at=max([started, *finished]), model_usage=usage)


def _results(run: Run) -> EvalResults:
    """Means of questions and of modes, 0..1, with the standard error that half their 95% interval stands for."""
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


def _sample(record: Record, model: str, sheet: SampleSheet | None, plots: _Plots) -> EvalSample:
    key, answer = record.key, record.answer
    asked = _prompt(record, sheet, plots)
    data = record_to_json(record)
    output = _output(answer, model)
    seconds = None if answer is None else answer.latency_s
    return EvalSample(
        id=_id(record),
        epoch=key.repeat + 1,
        input=[ChatMessageUser(content=[*asked])],
        target=_target(record, sheet),
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


def _prompt(record: Record, sheet: SampleSheet | None, plots: _Plots) -> list[ContentText | ContentImage]:
    """What was asked; without the run's samples a line that says what it was about."""
    key = record.key
    prompts = {} if sheet is None else sheet.variants.get(key.variant, {}) if key.variant else sheet.prompts
    parts = prompts.get(key.mode, {}).get(key.question, ())
    if not parts or sheet is None:
        words = f"{key.question} about {key.sample_id} ({record.family} / {record.scenario_type}, {key.mode})"
        return [ContentText(text=words)]
    own = frozenset(sheet.plots) if not key.variant else None
    return [_part(part, own, plots) for part in parts]


def _part(part: PromptBlock, own: frozenset[str] | None, plots: _Plots) -> ContentText | ContentImage:
    if part.image is None:
        return ContentText(text=part.text or "")
    url = plots.url(part.image)
    if url is None:
        return ContentText(text=f"[plot {part.image[:12]}, which the run's folder does not hold]")
    return ContentImage(image=url) if own is None or part.image in own else ContentText(text=OMITTED)


def _target(record: Record, sheet: SampleSheet | None) -> str:
    """The label or fields that are right; where a judge grades, the reference answer."""
    key = record.key
    expected = None if record.score is None else record.score.expected
    if expected is not None:
        return _written(expected)
    references = None if sheet is None else sheet.variant_references.get(key.variant, sheet.references)
    return "" if references is None else references.answers.get(key.mode, {}).get(key.question, "")


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
    """Tokens by name of the model and of each judge, as far as they were reported."""
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
    read = "" if score.extracted is None else _written(score.extracted)
    if not read and record.answer is not None:
        read = record.answer.text
    return InspectScore(value=score.value, answer=read, explanation=_explanation(record, score))


def _explanation(record: Record, score: Score) -> str:
    """What the score is made of, and each judge's grades and reply."""
    parts = [f"{name}: {_number(value)}" for name, value in score.components.items()]
    for verdict in record.verdicts:
        grades = "none" if verdict.grades is None else ", ".join(map(_number, verdict.grades))
        parts.append(f"{verdict.judge} graded the key points: {grades}")
        parts += [f"{verdict.judge}: {words}" for words in (verdict.error, verdict.reply) if words]
    if not parts:
        parts.append(f"read: {_written(score.extracted)}; expected: {_written(score.expected)}")
    return "\n\n".join(parts)


def _written(value: JSON) -> str:
    """A text as it is, "nothing" for None, all else as JSON."""
    if value is None:
        return "nothing"
    return value if isinstance(value, str) else json.dumps(json_safe(value), ensure_ascii=False)


def _number(value: float) -> str:
    return f"{value:.3g}" if math.isfinite(value) else str(value)


def _started(record: Record) -> str | None:
    if record.finished_at is None or record.answer is None:
        return None
    finished = datetime.fromisoformat(_aware(record.finished_at))
    return (finished - timedelta(seconds=record.answer.latency_s)).isoformat()


def _aware(timestamp: str) -> str:
    """The time with its zone: Inspect takes one without for local time."""
    moment = datetime.fromisoformat(timestamp)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).isoformat()
