"""The command line, read once into a RunConfig. Every mistake is a pytest.UsageError of one or two lines."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from qcal_plugin.cli.gates import read_gates
from qcal_plugin.cli.mix import read_mix
from qcal_plugin.cli.pass_marks import parse_pass_marks
from qcal_plugin.cli.requests import RequestOptions, declare_request_options, read_request_options
from qcal_plugin.cli.service import add_service_options
from qcal_plugin.cli.studies import add_study_options, read_shots
from qcal_plugin.cli.targets import JUDGE_KEY_VARIABLE, MODEL_KEY_VARIABLE, read_judges, read_model
from qcal_plugin.cli.values import at_least, parsed
from qcal_plugin.engine.targets import TargetOption
from qcal_plugin.mix.file import MixFile
from qcal_plugin.studies.controls import parse_controls
from qcal_plugin.studies.perturbations import parse_perturbations
from qcal_plugin.studies.selection import Selection, parse_modes, parse_questions, parse_shard
from qcal_plugin.studies.shots import ShotPlan
from reports.gates.file import GateFile
from reports.records.outcomes import ErrorRule
from scoring.dispatch import Scorer
from scoring.key_points import default_template, load_template
from scoring.questions import Question
from synthetic.drawing.perturbation import Perturbation

DEFAULT_DATASET = "nvidia/QCalEval"
DEMO_DATASET = "synthetic:seed=7,per-scenario=1,siblings=6"
DEMO_SHOTS_DATASET = "synthetic:seed=7,per-scenario=2,families=drag+gmm+pinchoff+rabi+ramsey_t2star+res_spec+t1"
"""Siblings for all: the families with five scenario types, and the paper's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunConfig:
    """All options of a run, checked. Times in seconds.

    Attributes:
        model: None with ``--demo`` and ``--answers``.
        mix: in the place of ``dataset``; None without ``--mix``.
        pass_marks: lowest passing score of each question, 0-100; empty without ``--pass-mark``.
        gates: conditions for a release; None without ``--gate``.
        maxfail: pytest's own; 0 means no limit.
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
    last_failed: bool
    answers: Path | None
    demo: bool
    scorer: Scorer
    pass_marks: Mapping[Question, float]
    gates: GateFile | None
    budget_requests: int | None
    budget_tokens: int | None
    html: bool
    errors: ErrorRule
    prices: Path | None
    maxfail: int


def add_options(parser: pytest.Parser) -> None:
    """Declare the command line."""
    group = parser.getgroup("qcal", "QCalEval: evaluate a vision-language model on quantum-calibration plots")
    declare_options(group.addoption)


def declare_options(add: Callable[..., None]) -> None:
    """Call ``add`` with each option, as argparse's ``add_argument`` takes it."""
    add("--model-url", metavar="URL", help="OpenAI-compatible endpoint: base URL (.../v1) or chat-completions URL")
    add("--model", metavar="NAME", help="model to ask; default: the only entry of /v1/models")
    add(
        "--model-key-env",
        metavar="VAR",
        help=f"variable that holds the API key (default: {MODEL_KEY_VARIABLE}, if set)",
    )
    add("--judge-url", metavar="URL", action="append", default=[], help="judge endpoint; repeat for a panel")
    add("--judge-model", metavar="NAME", action="append", default=[], help="judge model; repeat for a panel")
    add(
        "--judge-key-env", metavar="VAR", action="append", default=[], help=f"as --model-key-env ({JUDGE_KEY_VARIABLE})"
    )
    add("--judge-canary", action="store_true", help="first let the judges grade answers of known worth")
    add("--judge-template", metavar="FILE", help="another wording of the judge's prompt")
    add(
        "--dataset",
        metavar="NAME",
        help=f"Hub id, folder or synthetic:seed=7,per-scenario=3 (default: {DEFAULT_DATASET})",
    )
    add("--dataset-revision", metavar="COMMIT", help="pin the Hub repository to a commit")
    add("--mix", metavar="FILE", help="weighted mix of datasets, TOML (docs/collections.md)")
    add("--modes", metavar="LIST", default="zeroshot,icl", help="zeroshot, icl or both (default)")
    add("--questions", metavar="LIST", help="such as Q2,Q6 (default: all six; with --shots Q6)")
    add("--limit", metavar="N", type=int, help="only the first N samples")
    add("--sample", metavar="N", type=int, help="N samples, drawn in proportion from every family")
    add("--seed", metavar="S", type=int, default=0, help="seed of --sample and --shots (default: 0)")
    add("--shard", metavar="I/N", help="only part I of N, by sample; merge with: python -m reports merge")
    add("--repeats", metavar="K", type=int, default=1, help="ask every item K times (default: 1)")
    add_study_options(add)
    add("--max-tokens", metavar="N", type=int, default=16384, help="of an answer (default: 16384, the protocol's)")
    add("--temperature", metavar="T", type=float, default=0.0, help="default: 0.0, the protocol's")
    declare_request_options(add)
    add("--concurrency", metavar="N", type=int, default=32, help="model requests in flight, in all (default: 32)")
    add("--judge-concurrency", metavar="N", type=int, default=16, help="judge requests in flight, in all (default: 16)")
    add("--retries", metavar="N", type=int, default=5, help="further attempts after a passing fault (default: 5)")
    add(
        "--request-timeout",
        metavar="S",
        type=float,
        default=900.0,
        help="seconds for one attempt in all (default: 900)",
    )
    add("--run-dir", metavar="DIR", help="where the run is written (default: runs/<UTC time>-<model>)")
    add("--resume", action="store_true", help="go on with the last run (or --run-dir): ask all that is missing")
    add("--answers", metavar="RUN", help="score the answers of a finished run or results.json; asks no model")
    add("--demo", action="store_true", help="synthetic plots, a blind baseline and a lexical judge; needs no network")
    add("--scoring", metavar="NAME", default="compatible", help="compatible (default: as published) or strict")
    add("--pass-mark", metavar="MARK", action="append", default=[], help="fail items below this score: 50, or Q6=100")
    add("--gate", metavar="FILE", help="gates for a release, TOML (docs/ci.md); exit status 0, 1, 10 or 11")
    add(
        "--list",
        metavar="WHAT",
        help="print what -k and -m can choose: families, scenarios or questions",
    )
    add("--dry-run", action="store_true", help="say what would be asked, how much and how long; ask nothing")
    add("--prices", metavar="FILE", help="TOML of prices and assumptions for --dry-run (docs/performance.md)")
    add("--budget-requests", metavar="N", type=int, help="stop cleanly after N requests; go on with --resume")
    add("--budget-tokens", metavar="N", type=int, help="stop cleanly after N tokens; go on with --resume")
    add("--no-html", action="store_true", help="write no report.html (by default one file with all plots and answers)")
    add_service_options(add)
    add(
        "--errors",
        metavar="RULE",
        choices=list(map(str, ErrorRule)),
        default=ErrorRule.UNMEASURED.value,
        help="how items without an answer count in tables: unmeasured (default), zero or as-reference",
    )
    add(
        "--errors-as-zero",
        dest="errors",
        action="store_const",
        const=ErrorRule.ZERO.value,
        help="same as --errors zero",
    )


def asks_for_run(config: pytest.Config) -> bool:
    """Whether the command line asks to evaluate something."""
    return any(config.getoption(name) for name in ("model_url", "demo", "answers", "dry_run"))


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
        judge_canary=_canary(option),
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
            repeats=at_least(1, "--repeats", option("repeats")),
            controls=parsed("--control", parse_controls, option("control")) if option("control") else (),
            shots=shots,
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
        last_failed=bool(option("lf")) if _has(config, "lf") else False,
        answers=Path(option("answers")) if option("answers") else None,
        demo=demo,
        scorer=parsed("--scoring", _scorer, option("scoring")),
        pass_marks=parsed("--pass-mark", parse_pass_marks, option("pass_mark")),
        gates=read_gates(option("gate"), canary=option("judge_canary")),
        budget_requests=at_least(1, "--budget-requests", option("budget_requests")),
        budget_tokens=at_least(1, "--budget-tokens", option("budget_tokens")),
        html=not option("no_html"),
        errors=ErrorRule(option("errors")),
        prices=Path(option("prices")) if option("prices") else None,
        maxfail=option("maxfail") or 0,
    )


def _check_together(option: Callable[[str], Any]) -> None:
    given = [f"--{name.replace('_', '-')}" for name in ("model_url", "demo", "answers") if option(name)]
    if len(given) > 1:
        raise pytest.UsageError(f"{' and '.join(given)}: give one of them; each says where the answers come from")
    if option("demo") and option("judge_url"):
        raise pytest.UsageError("--demo has a judge of its own: leave out --judge-url")
    if option("limit") and option("sample"):
        raise pytest.UsageError("--limit and --sample: give one of them; both choose samples")
    for name in ("model", "model_key_env"):
        if option(name) and (option("demo") or option("answers")):
            raise pytest.UsageError(f"--{name.replace('_', '-')} goes with --model-url, not with {given[0]}")


def _questions(given: str | None, shots: ShotPlan | None) -> str:
    if given is not None:
        return given
    return ",".join(Question) if shots is None else Question.Q6


def _dataset(option: Callable[[str], Any]) -> str:
    demo = DEMO_SHOTS_DATASET if option("shots") else DEMO_DATASET
    return option("dataset") or (demo if option("demo") else DEFAULT_DATASET)


def _perturbations(option: Callable[[str], Any]) -> tuple[Perturbation, ...]:
    named = option("dataset") or not option("answers")  # else by the stored run
    parse = partial(parse_perturbations, dataset=_dataset(option) if named else None)
    return parsed("--perturb", parse, option("perturb")) if option("perturb") else ()


def _canary(option: Callable[[str], Any]) -> bool:
    if option("judge_canary") and not (option("judge_url") or option("demo")):
        raise pytest.UsageError("--judge-canary without --judge-url: there is no judge to try")
    return bool(option("judge_canary"))


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
        raise ValueError(f"unknown scorer {name!r}: choose from {', '.join(Scorer)}") from None


def _has(config: pytest.Config, name: str) -> bool:
    return config.getoption(name, default=None) is not None
