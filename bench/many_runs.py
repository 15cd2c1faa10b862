"""Make runs of scripted models, for pictures and measurements of reports on many runs; no model is asked.

    python -m bench.many_runs RUN --out DIR [--models 10] [--history 12] [--full]

RUN gives items, prompts and plots. Each model has a skill per question and per family; its answers and scores are drawn
from them. The last two models get a history of earlier runs with slowly changing skills, and verdicts of gates.
``--full`` makes a plan of the benchmark's size: 243 samples in both modes (236 in ICL), 2,166 items.
"""

from __future__ import annotations

import argparse
import json
import os
import random
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeAlias

from reports.analysis.leaderboard import published_rows
from reports.records.illustrations import PLOTS_NAME, SampleSheet, load_sheets, plot_files, write_sheets
from reports.records.records import (
    Answer,
    ItemKey,
    JudgeIdentity,
    PlannedItem,
    Record,
    Run,
    RunManifest,
    Status,
    Verdict,
    manifest_to_json,
    record_to_json,
)
from reports.records.run_files import load_manifest, load_run
from reports.records.stored import final_records
from scoring.questions import JUDGED_QUESTIONS, Mode, Question
from scoring.score import Score

NAMES = (
    *("aurora-72b", "basalt-34b", "cedar-vl-9b", "delta-omni", "ember-vl-27b", "fjord-mini", "granite-vl-4b"),
    *("harbor-pro", "iris-vl-12b", "juniper-flash"),
)
Labels: TypeAlias = dict[tuple[str, Question], str]
EASE = {"Q1": 0.25, "Q2": -0.15, "Q3": -0.05, "Q4": 0.05, "Q5": 0.05, "Q6": 0.0}
LABELLED = (Question.Q2, Question.Q4, Question.Q6)
SENTENCE = (
    "the fitted curve follows the data over the whole sweep while the residuals stay within the noise, so that period "
    "and decay time can be read with confidence but the left edge of the window cuts off the first maximum"
)
FIRST_DAY = datetime(2026, 1, 12, 9, 30, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scripted:
    """A model that does not exist, with its quality (0..1), speed (s per answer) and length (tokens per answer)."""

    name: str
    skill: float
    icl_gain: float
    latency_s: float
    tokens: int


def scripted_models(count: int) -> list[Scripted]:
    source = random.Random(7)
    return [
        Scripted(
            name=NAMES[index] if index < len(NAMES) else f"model-{index:03d}",
            skill=0.32 + 0.36 * source.random(),
            icl_gain=source.choice((-0.08, 0.04, 0.12, 0.18)),
            latency_s=round(10 ** source.uniform(-0.3, 1.4), 2),
            tokens=round(10 ** source.uniform(2.0, 3.6)),
        )
        for index in range(count)
    ]


def reference_labels(run: Run) -> Labels:
    """Return the right labels, as in the run's scores."""
    return {
        (record.key.sample_id, record.key.question): str(record.score.expected)
        for record in final_records(run).values()
        if record.key.question in LABELLED and record.score is not None and not record.key.variant
    }


def full_plan(
    run: Run, sheets: dict[str, SampleSheet], labels: Labels
) -> tuple[list[PlannedItem], list[SampleSheet], Labels]:
    """Plan the samples of the benchmark's 22 families, with prompts and plots of samples of the run's families."""
    there: dict[str, list[PlannedItem]] = {}
    for item in {item.key.sample_id: item for item in run.manifest.planned}.values():
        there.setdefault(item.family, []).append(item)
    planned_labels: Labels = {}
    planned, written = [], []
    for row in published_rows("q6_by_family_2026_04.csv"):
        for number in range(int(row["samples"])):
            source = there[row["family"]][number % len(there[row["family"]])]
            sample = f"{source.scenario_type}_{number:02d}"
            written.append(replace(sheets[source.key.sample_id], sample_id=sample))
            planned_labels |= {
                (sample, asked): labels.get((source.key.sample_id, asked), "SUCCESS") for asked in LABELLED
            }
            planned += [
                PlannedItem(
                    key=ItemKey(sample, question, mode),
                    family=row["family"],
                    scenario_type=source.scenario_type,
                )
                for mode in Mode
                if mode is Mode.ZEROSHOT or len(written) <= 236
                for question in mode.questions
            ]
    return planned, written, planned_labels


def write_scripted_run(
    folder: Path,
    base: RunManifest,
    planned: list[PlannedItem],
    labels: Labels,
    model: Scripted,
    *,
    seed: int,
    day: datetime,
) -> None:
    """Write a run directory without illustrations."""
    source = random.Random(seed)
    taste = random.Random(model.name)
    families = {family: taste.gauss(0, 0.13) for family in sorted({item.family for item in planned})}
    questions = {question: EASE[question] + taste.gauss(0, 0.06) for question in Question}
    difficulty = {item.key: random.Random(repr(item.key[:3])).gauss(0, 0.18) for item in planned}
    records = []
    for item in planned:
        gain = model.icl_gain if item.key.mode is Mode.ICL else 0.0
        chance = (
            model.skill + families[item.family] + questions[item.key.question] + difficulty[item.key] + gain
        )
        records.append(_record(item, min(0.98, max(0.02, chance)), labels, model, source))
    manifest = replace(
        base,
        run_id=folder.name,
        model=model.name,
        judges=(JudgeIdentity(model="scripted-judge", base_url="http://localhost:8001/v1"),),
        planned=tuple(planned),
        started_at=day.isoformat().replace("+00:00", "Z"),
        stand_ins=("model: scripted, no model was asked",),
    )
    folder.mkdir(parents=True)
    (folder / "run.json").write_text(json.dumps(manifest_to_json(manifest)))
    lines = [json.dumps(record_to_json(record)) + "\n" for record in records]
    (folder / "records.jsonl").write_text("".join(lines))


def _record(
    item: PlannedItem, chance: float, labels: Labels, model: Scripted, source: random.Random
) -> Record:
    question = item.key.question
    right = source.random() < chance
    tokens = max(20, round(source.lognormvariate(0, 0.4) * model.tokens))
    words = " ".join(source.choices(SENTENCE.split(), k=60))
    extracted: str | None = None
    expected: str | None = None
    verdicts: tuple[Verdict, ...] = ()
    if question in LABELLED:
        expected = labels.get((item.key.sample_id, question), "SUCCESS")
        others = sorted({label for (_, asked), label in labels.items() if asked is question} - {expected})
        extracted = expected if right or not others else source.choice(others)
        value, text = float(right), f"{question.task}: {extracted}\n{words}"
    else:
        value = round(min(1.0, max(0.0, source.gauss(chance, 0.22))) * 8) / 8
        text = words
    if question in JUDGED_QUESTIONS:
        verdicts = (Verdict(judge="scripted-judge", reply=None, grades=(value,) * 4),)
    latency = round(source.lognormvariate(0, 0.3) * model.latency_s, 3)
    return Record(
        key=item.key,
        family=item.family,
        scenario_type=item.scenario_type,
        status=Status.SCORED,
        score=Score(value=value, extracted=extracted, expected=expected, components={}),
        answer=Answer(
            text=text, finish_reason="stop", latency_s=latency, prompt_tokens=1400, completion_tokens=tokens
        ),
        verdicts=verdicts,
        attempts=1,
    )


def write_runs(base_dir: Path, out: Path, *, models: int, history: int, full: bool) -> None:
    """Write all runs below ``out``. Plots are hard links, so they take the space of one run."""
    run = load_run(base_dir)
    base, sheets = load_manifest(base_dir), load_sheets(base_dir)
    planned = [item for item in run.manifest.planned if not item.key.variant]
    written, labels = list(sheets.values()), reference_labels(run)
    if full:
        planned, written, labels = full_plan(run, sheets, labels)
    scripted = scripted_models(models)
    seed = 0
    for number, model in enumerate(scripted):
        runs = history if number >= models - 2 else 1
        for back in range(runs):
            seed += 1
            day = FIRST_DAY + timedelta(days=21 * (12 - back), hours=number)
            then = replace(model, skill=model.skill - 0.022 * back + 0.02 * random.Random(seed).gauss(0, 1))
            folder = out / f"{day:%Y%m%dT%H%M%SZ}-{model.name}"
            write_scripted_run(folder, base, planned, labels, then, seed=seed, day=day)
            write_sheets(folder, written)
            (folder / PLOTS_NAME).mkdir()
            for file in plot_files(base_dir).values():
                os.link(file, folder / PLOTS_NAME / file.name)
            if runs > 1:
                verdict = ("PASS", "PASS", "INCONCLUSIVE", "FAIL", "PASS")[(back + number) % 5]
                (folder / "report.json").write_text(json.dumps({"gates": {"verdict": verdict, "gates": []}}))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("run", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--models", type=int, default=10)
    parser.add_argument("--history", type=int, default=12)
    parser.add_argument("--full", action="store_true")
    options = parser.parse_args()
    write_runs(options.run, options.out, models=options.models, history=options.history, full=options.full)


if __name__ == "__main__":
    main()
