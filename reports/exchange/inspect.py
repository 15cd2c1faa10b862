"""A run as a log of Inspect (inspect_ai, optional extra ``inspect``), for its viewer: ``inspect view``."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
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
    write_eval_log,
)
from inspect_ai.model import ChatMessageAssistant, ChatMessageUser, ModelOutput
from inspect_ai.scorer import Score as InspectScore

from reports.records.outcomes import counted_records, evaluation_of
from reports.records.records import Record, Run, record_to_json
from reports.statistics.aggregate import by_question
from scoring.score import Score

SCORER = "qcaleval"


def write_inspect_log(run: Run, target: Path) -> None:
    """Write the log; a name ending in ``.json`` gives JSON, in ``.eval`` Inspect's own format.

    Plots and prompts are not in it: records do not hold them.
    """
    manifest = run.manifest
    log = EvalLog(
        status="success",
        eval=EvalSpec(
            created=_aware(manifest.started_at),
            task="qcaleval",
            model=manifest.model,
            dataset=EvalDataset(name=manifest.dataset, samples=len({item.key.sample_id for item in manifest.planned})),
            config=EvalConfig(),
            metadata={"dataset_revision": manifest.dataset_revision, "stand_ins": list(manifest.stand_ins)},
        ),
        results=_results(run),
        samples=[_sample(record) for record in counted_records(run).values()],
    )
    write_eval_log(log, str(target))


def _results(run: Run) -> EvalResults:
    """Question means of the benchmark's own items as metrics, 0..1, as far as they are defined."""
    means = {
        f"{mode}_{question}": summary.mean
        for (mode, question), summary in by_question(evaluation_of(run).benchmark).items()
        if summary.mean is not None
    }
    metrics = {name: EvalMetric(name=name, value=value) for name, value in means.items()}
    planned, measured = len(run.manifest.planned), sum(record.measured for record in counted_records(run).values())
    scores: Sequence[EvalScore] = [EvalScore(name=SCORER, scorer=SCORER, metrics=metrics)]
    return EvalResults(total_samples=planned, completed_samples=measured, scores=list(scores))


def _sample(record: Record) -> EvalSample:
    key, answer = record.key, record.answer
    score = record.score
    text = "" if answer is None else answer.text
    data = record_to_json(record)
    return EvalSample(
        id="-".join(filter(None, (key.sample_id, key.question, key.mode, key.variant))),
        epoch=key.repeat + 1,
        input=f"{record.family} / {record.scenario_type}: {key.question} ({key.mode})",
        target="" if score is None else str(score.expected),
        messages=[ChatMessageUser(content=f"{key.question} about {key.sample_id}"), ChatMessageAssistant(content=text)],
        output=ModelOutput.from_content(model=SCORER, content=text),
        scores=None if score is None else {SCORER: _score(score)},
        metadata={name: data[name] for name in ("status", "error", "flags", "request_sha256", "verdicts")},
    )


def _score(score: Score) -> InspectScore:
    components = str(dict(score.components))
    return InspectScore(value=score.value, answer=str(score.extracted), explanation=components)


def _aware(timestamp: str) -> str:
    """The time with its zone: Inspect takes one without for local time."""
    moment = datetime.fromisoformat(timestamp)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).isoformat()
