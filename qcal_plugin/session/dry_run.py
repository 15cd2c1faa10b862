"""``--dry-run``: estimate what a run would ask and cost, without asking."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import pytest

from qcal_plugin.cli.options import RunConfig
from qcal_plugin.dataset.cases import Case, ImagePart, TextPart
from qcal_plugin.engine.model import Sampling
from qcal_plugin.engine.result import EngineResult
from qcal_plugin.studies.selection import select_items
from qcal_plugin.studies.studied import StudiedDataset
from qcal_plugin.worker.runner import Runner
from reports.records.plain_text import log_line
from reports.records.records import ItemKey, PlannedItem
from reports.records.toml_tables import TomlError, check_keys, number, read_file

CHARACTERS_PER_TOKEN = 4.0
JUDGE_PROMPT_CHARACTERS = 2500


@dataclass(frozen=True, slots=True, kw_only=True)
class Assumptions:
    """Figures that are unknown beforehand; each can be set in the file of ``--prices``.

    Prices are per million tokens, in any currency; None leaves the cost out.
    """

    image_tokens: float = 1000.0
    answer_tokens: float = 500.0
    verdict_tokens: float = 20.0
    seconds_per_answer: float = 10.0
    seconds_per_verdict: float = 2.0
    model_input_price: float | None = None
    model_output_price: float | None = None
    judge_input_price: float | None = None
    judge_output_price: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """What a run would ask. Tokens and seconds are based on `Assumptions`."""

    items: Mapping[str, int]
    model_requests: int
    judge_requests: int
    images: int
    distinct_images: int
    body_bytes: int
    largest_body_bytes: int
    model_input_tokens: float
    model_output_tokens: float
    judge_input_tokens: float
    judge_output_tokens: float
    seconds: float
    cost: float | None


def read_assumptions(path: Path | None) -> Assumptions:
    """Read the assumptions from a TOML file of numbers.

    Raises pytest.UsageError, which names the wrong key.
    """
    if path is None:
        return Assumptions()
    try:
        return read_file(path, _assumptions, TomlError)
    except TomlError as error:
        raise pytest.UsageError(f"--prices {error}") from error


def _assumptions(_: Path, data: Mapping[str, Any]) -> Assumptions:
    check_keys("the file", data, {field.name for field in fields(Assumptions)})
    return Assumptions(**{name: number("the file", data, name, lowest=0) for name in data})


def estimate(
    planned: Sequence[PlannedItem], cases: Callable[[ItemKey], Case], config: RunConfig, assumed: Assumptions
) -> Estimate:
    """Add up what the items would send."""
    sampling = Sampling(
        model="",
        max_tokens=config.max_tokens,
        temperature=config.temperature,
        extra_body=config.requests.extra_body,
        request_seed=config.requests.request_seed,
    )
    judges = len(config.judges)
    items: Counter[str] = Counter()
    images: list[str] = []
    sizes: list[int] = []
    characters = judge_requests = judge_characters = 0
    for item in planned:
        case = cases(item.key)
        items[f"{item.key.mode} {item.key.question}"] += 1
        sizes.append(sampling.request(case).body().size_bytes)
        images += [part.sha256 for part in case.prompt if isinstance(part, ImagePart)]
        characters += sum(len(part.text) for part in case.prompt if isinstance(part, TextPart))
        if item.key.question.needs_judge and case.reference.key_points:
            judge_requests += judges
            judge_characters += judges * (JUDGE_PROMPT_CHARACTERS + 2 * len(case.reference.answer))
    tokens = {
        "model_input_tokens": characters / CHARACTERS_PER_TOKEN + len(images) * assumed.image_tokens,
        "model_output_tokens": len(sizes) * assumed.answer_tokens,
        "judge_input_tokens": judge_characters / CHARACTERS_PER_TOKEN,
        "judge_output_tokens": judge_requests * assumed.verdict_tokens,
    }
    return Estimate(
        items=items,
        model_requests=len(sizes),
        judge_requests=judge_requests,
        images=len(images),
        distinct_images=len(set(images)),
        body_bytes=sum(sizes),
        largest_body_bytes=max(sizes, default=0),
        **tokens,
        seconds=max(
            len(sizes) * assumed.seconds_per_answer / config.concurrency,
            judge_requests * assumed.seconds_per_verdict / config.judge_concurrency,
        ),
        cost=_cost(tokens, assumed),
    )


def estimate_lines(total: Estimate, config: RunConfig, assumed: Assumptions) -> list[str]:
    """Return the estimate as lines of text."""
    model_tokens = f"model {total.model_input_tokens:,.0f} in, {total.model_output_tokens:,.0f} out"
    judge_tokens = f"judges {total.judge_input_tokens:,.0f} in, {total.judge_output_tokens:,.0f} out"
    sizes = (
        f"{total.body_bytes / 1e6:.1f} MB in all, the largest request {total.largest_body_bytes / 1e6:.2f} MB"
    )
    limits = f"--concurrency {config.concurrency}, --judge-concurrency {config.judge_concurrency}"
    answers = f"{assumed.answer_tokens:g} tokens and {assumed.seconds_per_answer:g} s an answer"
    asked = ", ".join(f"{name}: {count}" for name, count in sorted(total.items.items(), reverse=True))
    cost = "" if total.cost is None else f", cost about {total.cost:.2f}"
    return [
        f"items: {total.model_requests} ({asked})",
        f"requests: {total.model_requests} to the model, {total.judge_requests} to {len(config.judges)} judge(s)",
        f"images: {total.images} sent, {total.distinct_images} distinct; {sizes}",
        f"tokens, estimated: {model_tokens}; {judge_tokens}{cost}",
        f"time, estimated: {total.seconds:,.0f} s at {limits}",
        f"assumed: {assumed.image_tokens:g} tokens an image, {answers}, {assumed.seconds_per_verdict:g} s a verdict",
        "nothing was asked",
    ]


class DryRun:
    """Collects as a run would, then prints the estimate instead of running."""

    def __init__(self, pytest_config: pytest.Config, config: RunConfig, dataset: StudiedDataset) -> None:
        self._config = config
        self._dataset = dataset
        self._assumed = read_assumptions(config.prices)
        self._planned: list[PlannedItem] = []
        runner = Runner(
            config,
            dataset=dataset,
            items=select_items(config.selection, dataset),
            source=self,
            identity=(),
        )
        pytest_config.pluginmanager.register(runner, "qcal-runner")

    def declare(self, planned: Sequence[PlannedItem]) -> None:
        """See `qcal_plugin.worker.runner.Source`."""
        self._planned = list(planned)

    def demand(self, key: ItemKey) -> EngineResult:
        """See `qcal_plugin.worker.runner.Source`; no test runs, so nothing is demanded."""
        raise NotImplementedError(key)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self) -> bool:
        """Run no test."""
        return True

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Print the estimate."""
        total = estimate(self._planned, self._dataset.case, self._config, self._assumed)
        terminalreporter.section("dry run", "=")
        for line in estimate_lines(total, self._config, self._assumed):
            terminalreporter.write_line(log_line(f"qcal: {line}"))


def _cost(tokens: Mapping[str, float], assumed: Assumptions) -> float | None:
    """Return the cost; None if a price is missing for tokens that would be used."""
    prices = {
        "model_input_tokens": assumed.model_input_price,
        "model_output_tokens": assumed.model_output_price,
        "judge_input_tokens": assumed.judge_input_price,
        "judge_output_tokens": assumed.judge_output_price,
    }
    cost = 0.0
    for name, count in tokens.items():
        price = prices[name]
        if count and price is None:
            return None
        cost += count * (price or 0.0) / 1e6
    return cost
