"""The options as pytest declares them: in groups, each with its default and an example."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

import pytest

from qcal_plugin.cli.requests import declare_request_options
from qcal_plugin.cli.service import add_service_options
from qcal_plugin.cli.studies import add_study_options
from qcal_plugin.cli.targets import JUDGE_KEY_VARIABLE, MODEL_KEY_VARIABLE
from qcal_plugin.demo.baselines import Baseline
from reports.records.outcomes import ErrorRule

DEFAULT_DATASET = "nvidia/QCalEval"

Add = Callable[..., None]
"""Takes a flag, the keywords of argparse's ``add_argument``, and ``example``: a value, or None for a switch."""


class OptionGroup(NamedTuple):
    """Options under one heading of ``pytest --help``."""

    name: str
    title: str
    declare: Callable[[Add], None]


class Parser(Protocol):
    """The part of pytest's parser that is needed."""

    def getgroup(self, name: str, description: str = "") -> pytest.OptionGroup:
        """Return the group of this name, which is made on first use."""
        ...


def add_options(parser: Parser) -> None:
    """Declare all options."""
    for group in GROUPS:
        declare = parser.getgroup(f"qcal-{group.name}", f"QCalEval: {group.title}").addoption
        group.declare(with_example(declare))


def with_example(declare: Callable[..., None]) -> Add:
    """Return ``declare`` with examples at the end of the help texts."""

    def add(flag: str, *, help: str, example: str | None = None, **others: Any) -> None:  # noqa: A002, ANN401 - argparse's
        declare(flag, help=help if example is None else f"{help}; example: {flag} {example}", **others)

    return add


def _model(add: Add) -> None:
    add(
        "--model-url",
        metavar="URL",
        help="OpenAI-compatible endpoint: base URL or chat-completions URL",
        example="http://localhost:8000/v1",
    )
    add(
        "--model",
        metavar="NAME",
        help="name of the model (default: the only entry of /v1/models)",
        example="my-vlm",
    )
    add(
        "--model-key-env",
        metavar="VAR",
        help=f"environment variable with the API key (default: {MODEL_KEY_VARIABLE}, if set)",
        example="OPENAI_API_KEY",
    )
    add(
        "--max-tokens",
        metavar="N",
        type=int,
        default=16384,
        help="limit of an answer (default: 16384, the protocol's)",
    )
    add(
        "--temperature",
        metavar="T",
        type=float,
        default=0.0,
        help="sampling temperature (default: 0.0, the protocol's)",
    )


def _judge(add: Add) -> None:
    add(
        "--judge-url",
        metavar="URL",
        action="append",
        default=[],
        help="judge's endpoint; repeat it for a panel (default: none; Q1 and Q3 stay unjudged)",
        example="http://localhost:8001/v1",
    )
    add(
        "--judge-model",
        metavar="NAME",
        action="append",
        default=[],
        help="judge's model; repeat it for a panel (default: the only entry of /v1/models)",
        example="judge-a",
    )
    add(
        "--judge-key-env",
        metavar="VAR",
        action="append",
        default=[],
        help=f"as --model-key-env (default: {JUDGE_KEY_VARIABLE}, if set)",
        example="JUDGE_KEY",
    )
    add("--judge-canary", action="store_true", help="check the judges first, on answers with known grades")
    add(
        "--judge-baselines",
        action="store_true",
        help="let the judges also grade repeated demonstrations in Q3, see docs/baselines.md",
    )
    add(
        "--judge-template",
        metavar="FILE",
        help="file with another judge's prompt (default: the suite's)",
        example="prompt.txt",
    )


def _dataset(add: Add) -> None:
    add(
        "--dataset",
        metavar="NAME",
        help=f"Hub id, folder or synthetic:... (default: {DEFAULT_DATASET})",
        example="synthetic:seed=7,per-scenario=3",
    )
    add(
        "--dataset-revision",
        metavar="COMMIT",
        help="commit of the Hub repository (default: the newest)",
        example="0123456789abcdef0123456789abcdef01234567",
    )
    add(
        "--mix",
        metavar="FILE",
        help="weighted mix of datasets, a TOML file, see docs/collections.md (default: none)",
        example="examples/mix.toml",
    )


def _selection(add: Add) -> None:
    add(
        "--modes",
        metavar="LIST",
        default="zeroshot,icl",
        help="zeroshot, icl or both (default)",
        example="icl",
    )
    add(
        "--questions",
        metavar="LIST",
        help="questions to ask (default: all six; with --shots Q6)",
        example="Q2,Q6",
    )
    add("--limit", metavar="N", type=int, help="ask only the first N samples (default: all)", example="20")
    add(
        "--sample",
        metavar="N",
        type=int,
        help="ask N samples, drawn from all families in proportion (default: all)",
        example="40",
    )
    add(
        "--seed",
        metavar="S",
        type=int,
        default=0,
        help="seed of --sample and --shots (default: 0)",
        example="1",
    )
    add(
        "--shard",
        metavar="I/N",
        help="ask only part I of N, by sample; qcaleval merge joins the parts (default: all)",
        example="2/5",
    )
    add(
        "--repeats", metavar="K", type=int, default=1, help="ask every item K times (default: 1)", example="3"
    )
    add(
        "--max-repeats",
        metavar="M",
        type=int,
        help="with --gate: ask up to M times, while the verdict is open (default: --repeats)",
        example="4",
    )
    add(
        "--list",
        metavar="WHAT",
        help="print the names that -k and -m can select: families, scenarios or questions",
        example="families",
    )


def _run(add: Add) -> None:
    add(
        "--demo",
        action="store_true",
        help="synthetic plots, a blind baseline and a lexical judge; needs no network",
    )
    add(
        "--baseline",
        metavar="NAME",
        choices=list(map(str, Baseline)),
        help="let a baseline answer: nearest, blind or copy, see docs/baselines.md (default: none; blind with --demo)",
        example="nearest",
    )
    add(
        "--run-dir",
        metavar="DIR",
        help="folder of the run (default: runs/<UTC time>-<model>)",
        example="runs/my-vlm",
    )
    add(
        "--resume",
        action="store_true",
        help="continue the last run (or --run-dir): ask what is missing",
    )
    add(
        "--rebuild",
        action="store_true",
        help="with --resume, if run.json is lost: start again from the stored answers",
    )
    add(
        "--answers",
        metavar="RUN",
        help="score the answers of a finished run or results.json without asking a model (default: none)",
        example="runs/my-vlm",
    )
    add(
        "--scoring",
        metavar="NAME",
        default="compatible",
        help="compatible (default, as published) or strict",
        example="strict",
    )


def _reports(add: Add) -> None:
    add(
        "--pass-mark",
        metavar="MARK",
        action="append",
        default=[],
        help="fail items that score below this, 0 to 100; for all questions or one (default: none)",
        example="Q6=100",
    )
    add(
        "--gate",
        metavar="FILE",
        help="gates for a release, a TOML file, see docs/ci.md; exit status 0, 1, 10 or 11 (default: none)",
        example="examples/gates.toml",
    )
    add(
        "--no-html",
        action="store_true",
        help="do not write report.html, one file with all plots and answers",
    )
    add(
        "--floors",
        action="store_true",
        help="show floors in tables: the scores of answers that ignore the plot (docs/baselines.md)",
    )
    add(
        "--errors",
        metavar="RULE",
        choices=list(map(str, ErrorRule)),
        default=ErrorRule.UNMEASURED.value,
        help="how items without an answer count in tables: unmeasured (default), zero or as-reference",
        example="as-reference",
    )
    add(
        "--errors-as-zero",
        dest="errors",
        action="store_const",
        const=ErrorRule.ZERO.value,
        help="same as --errors zero",
    )


def _budget(add: Add) -> None:
    add(
        "--concurrency",
        metavar="N",
        type=int,
        default=32,
        help="model requests in flight, in total (default: 32)",
        example="128",
    )
    add(
        "--judge-concurrency",
        metavar="N",
        type=int,
        default=16,
        help="judge requests in flight, in total (default: 16)",
        example="64",
    )
    add(
        "--retries",
        metavar="N",
        type=int,
        default=5,
        help="retries after a transient error (default: 5)",
    )
    add(
        "--request-timeout",
        metavar="S",
        type=float,
        default=900.0,
        help="time limit of one attempt, in seconds (default: 900)",
        example="120",
    )
    add("--dry-run", action="store_true", help="estimate requests, tokens, time and cost, and ask nothing")
    add(
        "--prices",
        metavar="FILE",
        help="TOML file of prices and assumptions for --dry-run, see docs/performance.md (default: none)",
        example="examples/prices.toml",
    )
    add(
        "--budget-requests",
        metavar="N",
        type=int,
        help="stop cleanly after N requests; --resume continues (default: no limit)",
        example="500",
    )
    add(
        "--budget-tokens",
        metavar="N",
        type=int,
        help="stop cleanly after N tokens; --resume continues (default: no limit)",
        example="1000000",
    )


GROUPS = (
    OptionGroup("model", "the model under test", _model),
    OptionGroup(
        "requests",
        "requests: what they contain, and rate limits (docs/endpoints.md)",
        declare_request_options,
    ),
    OptionGroup("judge", "judges of Q1 and Q3", _judge),
    OptionGroup("dataset", "the dataset", _dataset),
    OptionGroup("selection", "selection of items", _selection),
    OptionGroup("run", "source of the answers, and the run's folder", _run),
    OptionGroup("reports", "pass marks, gates and reports", _reports),
    OptionGroup("budget", "speed, cost and budget", _budget),
    OptionGroup(
        "studies", "studies: the same items under other conditions (docs/studies.md)", add_study_options
    ),
    OptionGroup("service", "service performance under load (docs/service.md)", add_service_options),
)
