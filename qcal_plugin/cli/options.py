"""Read the command line into a RunConfig. A mistake is a pytest.UsageError of one or two lines."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from qcal_plugin.cli.declarations import DEFAULT_DATASET
from qcal_plugin.cli.gates import read_gates
from qcal_plugin.cli.mix import read_mix
from qcal_plugin.cli.pass_marks import parse_pass_marks
from qcal_plugin.cli.requests import RequestOptions, read_request_options
from qcal_plugin.cli.studies import read_shots
from qcal_plugin.cli.targets import read_judges, read_model
from qcal_plugin.cli.values import at_least, parsed
from qcal_plugin.demo.baselines import Baseline
from qcal_plugin.engine.targets import TargetOption
from qcal_plugin.mix.file import MixFile
from qcal_plugin.studies.controls import parse_controls
from qcal_plugin.studies.perturbations import parse_perturbations
from qcal_plugin.studies.selection import Selection, parse_modes, parse_questions, parse_shard
from qcal_plugin.studies.shots import ShotPlan
from reports.gates.file import GateFile
from reports.records.outcomes import ErrorRule
from scoring.dispatch import Scorer
from scoring.errors import BadValueError
from scoring.key_points import default_template, load_template
from scoring.questions import Question
from synthetic.drawing.perturbation import Perturbation

DEMO_DATASET = "synthetic:seed=7,per-scenario=1,siblings=22"
DEMO_SHOTS_DATASET = (
    "synthetic:seed=7,per-scenario=2,families=drag+gmm+pinchoff+rabi+ramsey_t2star+res_spec+t1"
)
"""Every sample has a sibling. The families are those with five scenario types, and the paper's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunConfig:
    """All options of a run, checked. Times in seconds.

    Attributes:
        model: None with ``--demo``, ``--baseline`` and ``--answers``.
        baseline: the embedded model that answers; None if none does.
        mix: replaces ``dataset``; None without ``--mix``.
        pass_marks: lowest passing score of each question, 0-100; empty without ``--pass-mark``.
        gates: conditions for a release; None without ``--gate``.
        maxfail: of pytest's option; 0 means no limit.
    """

    model: TargetOption | None
    judges: tuple[TargetOption, ...]
    judge_template: str
    judge_canary: bool
    dataset: str
    dataset_revision: str | None
    mix: MixFile | None
    selection: Selection
    perturbations: tuple[Perturbation, ...]
    max_tokens: int
    temperature: float
    requests: RequestOptions
    concurrency: int
    judge_concurrency: int
    retries: int
    request_timeout_s: float
    run_dir: Path | None
    resume: bool
    rebuild: bool
    last_failed: bool
    answers: Path | None
    demo: bool
    baseline: Baseline | None
    scorer: Scorer
    pass_marks: Mapping[Question, float]
    gates: GateFile | None
    repeats: int
    max_repeats: int | None
    budget_requests: int | None
    budget_tokens: int | None
    html: bool
    errors: ErrorRule
    floors: bool
    prices: Path | None
    maxfail: int


def asks_for_run(config: pytest.Config) -> bool:
    """Return whether the command line asks for an evaluation."""
    return any(config.getoption(name) for name in ("model_url", "demo", "baseline", "answers", "dry_run"))


def read_config(config: pytest.Config) -> RunConfig:
    """Check all options. Raises pytest.UsageError on the first mistake."""
    option: Callable[[str], Any] = config.getoption
    _check_together(option)
    shots = read_shots(config)
    demo = bool(option("demo"))
    return RunConfig(
        model=read_model(option),
        judges=read_judges(option),
        judge_template=_template(option("judge_template")),
        judge_canary=_with_judge(option, "judge_canary", "--judge-canary"),
        dataset=_dataset(option),
        dataset_revision=option("dataset_revision"),
        mix=read_mix(option),
        selection=Selection(
            modes=parsed("--modes", parse_modes, option("modes")),
            questions=parsed("--questions", parse_questions, _questions(option("questions"), shots)),
            limit=at_least(1, "--limit", option("limit")),
            sample=at_least(1, "--sample", option("sample")),
            seed=option("seed"),
            shard=parsed("--shard", parse_shard, option("shard")) if option("shard") else None,
            repeats=_collected_repeats(option),
            controls=parsed("--control", parse_controls, option("control")) if option("control") else (),
            shots=shots,
            judge_baselines=_with_judge(option, "judge_baselines", "--judge-baselines"),
        ),
        perturbations=_perturbations(option),
        max_tokens=at_least(1, "--max-tokens", option("max_tokens")),
        temperature=at_least(0.0, "--temperature", option("temperature")),
        requests=read_request_options(option),
        concurrency=at_least(1, "--concurrency", option("concurrency")),
        judge_concurrency=at_least(1, "--judge-concurrency", option("judge_concurrency")),
        retries=at_least(0, "--retries", option("retries")),
        request_timeout_s=at_least(0.001, "--request-timeout", option("request_timeout")),
        run_dir=Path(option("run_dir")) if option("run_dir") else None,
        resume=option("resume"),
        rebuild=_rebuild(option),
        last_failed=bool(option("lf")) if _has(config, "lf") else False,
        answers=Path(option("answers")) if option("answers") else None,
        demo=demo,
        baseline=_baseline(option),
        scorer=parsed("--scoring", _scorer, option("scoring")),
        pass_marks=parsed("--pass-mark", parse_pass_marks, option("pass_mark")),
        gates=read_gates(option("gate"), canary=option("judge_canary")),
        repeats=option("repeats"),
        max_repeats=option("max_repeats"),
        budget_requests=at_least(1, "--budget-requests", option("budget_requests")),
        budget_tokens=at_least(1, "--budget-tokens", option("budget_tokens")),
        html=not option("no_html"),
        errors=ErrorRule(option("errors")),
        floors=option("floors"),
        prices=Path(option("prices")) if option("prices") else None,
        maxfail=option("maxfail") or 0,
    )


def _check_together(option: Callable[[str], Any]) -> None:
    given = [
        f"--{name.replace('_', '-')}" for name in ("model_url", "demo", "baseline", "answers") if option(name)
    ]
    if len(given) > 1 and given != ["--demo", "--baseline"]:
        raise pytest.UsageError(f"{' and '.join(given)}: give one of them; each is a source of answers")
    if option("demo") and option("judge_url"):
        raise pytest.UsageError("--demo brings its own judge: leave out --judge-url")
    if option("limit") and option("sample"):
        raise pytest.UsageError("--limit and --sample: give one of them; both choose samples")
    for name in ("model", "model_key_env"):
        if option(name) and (option("demo") or option("baseline") or option("answers")):
            raise pytest.UsageError(f"--{name.replace('_', '-')} goes with --model-url, not with {given[0]}")


def _collected_repeats(option: Callable[[str], Any]) -> int:
    """Return how many repeats to collect.

    A shard decides nothing, so it asks only those before the first look.
    """
    repeats, most = at_least(1, "--repeats", option("repeats")), option("max_repeats")
    if most is None:
        return int(repeats)
    if most <= repeats:
        raise pytest.UsageError(
            f"--max-repeats {most}: expected more than --repeats {repeats}, the repeats before the first look"
        )
    if option("answers"):
        raise pytest.UsageError("--max-repeats with --answers: there is no model to ask again")
    if option("shard"):
        return int(repeats)
    if not option("gate"):
        raise pytest.UsageError(
            "--max-repeats without --gate: there is no verdict that could end the repeats"
        )
    return int(most)


def _questions(given: str | None, shots: ShotPlan | None) -> str:
    if given is not None:
        return given
    return ",".join(Question) if shots is None else Question.Q6


def _baseline(option: Callable[[str], Any]) -> Baseline | None:
    if option("baseline"):
        return Baseline(option("baseline"))
    return Baseline.BLIND if option("demo") else None


def _dataset(option: Callable[[str], Any]) -> str:
    demo = DEMO_SHOTS_DATASET if option("shots") else DEMO_DATASET
    return option("dataset") or (demo if option("demo") else DEFAULT_DATASET)


def _perturbations(option: Callable[[str], Any]) -> tuple[Perturbation, ...]:
    named = option("dataset") or not option("answers")  # else the stored run names it
    parse = partial(parse_perturbations, dataset=_dataset(option) if named else None)
    return parsed("--perturb", parse, option("perturb")) if option("perturb") else ()


def _with_judge(option: Callable[[str], Any], name: str, flag: str) -> bool:
    """Read a switch that needs a judge."""
    if option(name) and not (option("judge_url") or option("demo")):
        raise pytest.UsageError(f"{flag} without --judge-url: there is no judge")
    return bool(option(name))


def _rebuild(option: Callable[[str], Any]) -> bool:
    if option("rebuild") and not option("resume"):
        raise pytest.UsageError("--rebuild without --resume: there is no run to rebuild")
    return bool(option("rebuild"))


def _template(path: str | None) -> str:
    if path is None:
        return default_template()
    try:
        return load_template(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise pytest.UsageError(f"--judge-template {path}: {error.strerror}") from error
    except ValueError as error:
        raise pytest.UsageError(f"--judge-template {path}: {error}") from error


def _scorer(name: str) -> Scorer:
    try:
        return Scorer(name)
    except ValueError:
        raise BadValueError(f"unknown scorer {name!r}: choose from {', '.join(Scorer)}") from None


def _has(config: pytest.Config, name: str) -> bool:
    return config.getoption(name, default=None) is not None
