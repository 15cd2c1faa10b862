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
"""Takes a flag, keywords as of argparse's ``add_argument``, and ``example``: a value, or None for a switch."""


class OptionGroup(NamedTuple):
    """Options under one heading of ``pytest --help``."""

    name: str
    title: str
    declare: Callable[[Add], None]


class Parser(Protocol):
    """What of pytest's parser is needed."""

    def getgroup(self, name: str, description: str = "") -> pytest.OptionGroup:
        """The group of this name, made on first use."""
        ...


def add_options(parser: Parser) -> None:
    """Declare the command line."""
    for group in GROUPS:
        declare = parser.getgroup(f"qcal-{group.name}", f"QCalEval: {group.title}").addoption
        group.declare(with_example(declare))


def with_example(declare: Callable[..., None]) -> Add:
    """``declare``, told the example as the end of the help text."""

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
        help="model to ask (default: the only entry of /v1/models)",
        example="my-vlm",
    )
    add(
        "--model-key-env",
        metavar="VAR",
        help=f"variable that holds the API key (default: {MODEL_KEY_VARIABLE}, if set)",
        example="OPENAI_API_KEY",
    )
    add(
        "--max-tokens",
        metavar="N",
        type=int,
        default=16384,
        help="of an answer (default: 16384, the protocol's)",
    )
    add(
        "--temperature",
        metavar="T",
        type=float,
        default=0.0,
        help="of sampling (default: 0.0, the protocol's)",
    )


def _judge(add: Add) -> None:
    add(
        "--judge-url",
        metavar="URL",
        action="append",
        default=[],
        help="judge endpoint, repeat for a panel (default: none, Q1 and Q3 stay unjudged)",
        example="http://localhost:8001/v1",
    )
    add(
        "--judge-model",
        metavar="NAME",
        action="append",
        default=[],
        help="judge model, repeat for a panel (default: the only entry of /v1/models)",
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
    add("--judge-canary", action="store_true", help="first let the judges grade answers of known worth")
    add(
        "--judge-baselines",
        action="store_true",
        help="let the judges also grade what repeating a demonstration scores in Q3, see docs/baselines.md",
    )
    add(
        "--judge-template",
        metavar="FILE",
        help="another wording of the judge's prompt (default: the suite's own)",
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
        help="pin the Hub repository to a commit (default: its newest)",
        example="0123456789abcdef0123456789abcdef01234567",
    )
    add(
        "--mix",
        metavar="FILE",
        help="weighted mix of datasets, TOML, see docs/collections.md (default: none)",
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
    add("--limit", metavar="N", type=int, help="only the first N samples (default: all)", example="20")
    add(
        "--sample",
        metavar="N",
        type=int,
        help="N samples, drawn in proportion from every family (default: all)",
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
        help="only part I of N, by sample; qcaleval merge joins the parts (default: all)",
        example="2/5",
    )
    add(
        "--repeats", metavar="K", type=int, default=1, help="ask every item K times (default: 1)", example="3"
    )
    add(
        "--max-repeats",
        metavar="M",
        type=int,
        help="with --gate: ask up to M times, again only while the verdict is open (default: --repeats)",
        example="4",
    )
    add(
        "--list",
        metavar="WHAT",
        help="print what -k and -m can choose: families, scenarios or questions",
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
        help="let a baseline answer: nearest, blind or copy, see docs/baselines.md (default: none; with --demo blind)",
        example="nearest",
    )
    add(
        "--run-dir",
        metavar="DIR",
        help="where the run is written (default: runs/<UTC time>-<model>)",
        example="runs/my-vlm",
    )
    add(
        "--resume",
        action="store_true",
        help="go on with the last run (or --run-dir): ask all that is missing",
    )
    add(
        "--rebuild",
        action="store_true",
        help="with --resume, if run.json is lost: start anew from its answers",
    )
    add(
        "--answers",
        metavar="RUN",
        help="score the answers of a finished run or results.json, asking no model (default: none)",
        example="runs/my-vlm",
    )
    add(
        "--scoring",
        metavar="NAME",
        default="compatible",
        help="compatible (default: as published) or strict",
        example="strict",
    )


def _reports(add: Add) -> None:
    add(
        "--pass-mark",
        metavar="MARK",
        action="append",
        default=[],
        help="fail items below this score, 0 to 100, of all questions or one (default: none)",
        example="Q6=100",
    )
    add(
        "--gate",
        metavar="FILE",
        help="gates for a release, TOML, see docs/ci.md; exit status 0, 1, 10 or 11 (default: none)",
        example="examples/gates.toml",
    )
    add(
        "--no-html",
        action="store_true",
        help="write no report.html (by default one file with all plots and answers)",
    )
    add(
        "--floors",
        action="store_true",
        help="in tables, next to each score what answers that ignore the plot score (docs/baselines.md)",
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
        help="model requests in flight, in all (default: 32)",
        example="128",
    )
    add(
        "--judge-concurrency",
        metavar="N",
        type=int,
        default=16,
        help="judge requests in flight, in all (default: 16)",
        example="64",
    )
    add(
        "--retries",
        metavar="N",
        type=int,
        default=5,
        help="further attempts after a passing fault (default: 5)",
    )
    add(
        "--request-timeout",
        metavar="S",
        type=float,
        default=900.0,
        help="seconds for one attempt in all (default: 900)",
        example="120",
    )
    add("--dry-run", action="store_true", help="say what would be asked, how much and how long; ask nothing")
    add(
        "--prices",
        metavar="FILE",
        help="TOML of prices and assumptions for --dry-run, see docs/performance.md (default: none)",
        example="examples/prices.toml",
    )
    add(
        "--budget-requests",
        metavar="N",
        type=int,
        help="stop cleanly after N requests, go on with --resume (default: no limit)",
        example="500",
    )
    add(
        "--budget-tokens",
        metavar="N",
        type=int,
        help="stop cleanly after N tokens, go on with --resume (default: no limit)",
        example="1000000",
    )


GROUPS = (
    OptionGroup("model", "the model that is measured", _model),
    OptionGroup("requests", "what is sent, and how fast (docs/endpoints.md)", declare_request_options),
    OptionGroup("judge", "judges, which grade Q1 and Q3", _judge),
    OptionGroup("dataset", "the dataset", _dataset),
    OptionGroup("selection", "what is asked", _selection),
    OptionGroup("run", "where the answers come from and where the run is", _run),
    OptionGroup("reports", "marks, gates and reports", _reports),
    OptionGroup("budget", "speed, cost and budget", _budget),
    OptionGroup(
        "studies", "studies: the same items asked in other ways (docs/studies.md)", add_study_options
    ),
    OptionGroup("service", "service performance under load (docs/service.md)", add_service_options),
)
