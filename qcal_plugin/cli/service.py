"""Read the options of a load test. A mistake is a pytest.UsageError of one line."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from qcal_plugin.cli.spaced_values import NUMBER, take_spaced_values
from qcal_plugin.cli.trace import read_trace
from qcal_plugin.cli.values import at_least, parsed
from reports.service.records import LoadKind, LoadLevel, Objective, parse_objectives
from scoring.errors import BadValueError
from scoring.reference import JSON

FEWEST_REQUESTS = 20
REQUESTS_PER_PLACE = 4
LOAD_OPTIONS = ("parallel", "rate", "replay", "find_max_load")
_LISTS = ("--parallel", "--number", "--rate")


@dataclass(frozen=True, slots=True, kw_only=True)
class RandomImages:
    """Random images: their size in pixels, their number, and the number of words next to them."""

    width: int
    height: int
    images: int
    words: int

    def __str__(self) -> str:
        return f"random images ({self.images} of {self.width}x{self.height}) and {self.words} words"


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceSettings:
    """A load test.

    Attributes:
        levels: in the order in which they are run.
        search_number: requests of each load of ``--find-max-load``; None for the default.
        trace: the arrivals of ``--replay``, in seconds; empty without.
        random: None if the benchmark's prompts are sent.
    """

    levels: tuple[LoadLevel, ...]
    find_max_load: bool
    search_number: int | None
    warmup: int | None
    burstiness: float
    objectives: tuple[Objective, ...]
    slo: str | None
    min_tokens: int | None
    trace: tuple[float, ...]
    random: RandomImages | None

    def search_level(self, load: int) -> LoadLevel:
        """Return the level with which a search tries a load."""
        number = None if self.search_number is None else max(self.search_number, load)
        return _level(LoadKind.SEARCH, load, number, self.warmup)

    def to_json(self) -> dict[str, JSON]:
        """Return what a report states about the study besides its levels."""
        return {
            "load": "benchmark prompts" if self.random is None else str(self.random),
            "burstiness": self.burstiness,
            "slo": self.slo,
            "min_tokens": self.min_tokens,
            **({"trace_requests": len(self.trace)} if self.trace else {}),
        }


def add_service_options(add: Callable[..., None]) -> None:
    """Declare the options."""
    loads: dict[str, Any] = {"metavar": "LIST", "action": "append", "default": []}
    add(
        "--parallel",
        **loads,
        help="numbers of requests to keep in flight, one load after the other (default: none)",
        example="1,2,5",
    )
    add(
        "--rate",
        **loads,
        help="requests a second to send, one load after the other (default: none)",
        example="0.5,2",
    )
    add(
        "--replay",
        metavar="FILE",
        help="send requests at the times of a trace: a timestamp in ms per line (default: none)",
        example="trace.jsonl",
    )
    add(
        "--replay-speed",
        metavar="X",
        type=float,
        help="with --replay: replay X times as fast (default: 1)",
        example="2",
    )
    add(
        "--number",
        **loads,
        help="requests per load, or one number for all (default: 4 x load, at least 20)",
        example="20",
    )
    add(
        "--warmup",
        metavar="N",
        type=int,
        help="requests to send before those that count (default: as many as the load)",
    )
    add(
        "--burstiness",
        metavar="B",
        type=float,
        default=1.0,
        help="with --rate: 1 for Poisson arrivals (default), below 1 for bursts",
    )
    add(
        "--slo",
        metavar="LIST",
        help="limits in seconds that a good request keeps (default: none)",
        example="ttft<=0.5,e2e<=8",
    )
    add(
        "--find-max-load",
        action="store_true",
        help="search for the largest number of requests in flight that keep --slo",
    )
    add("--min-tokens", metavar="N", type=int, help="ask for at least N tokens (default: any number)")
    add(
        "--image-width",
        metavar="PX",
        type=int,
        help="send random images of this width (default: the benchmark's prompts)",
    )
    add("--image-height", metavar="PX", type=int, help="height of random images (default: the width)")
    add("--image-num", metavar="N", type=int, help="random images in each request (default: 1)")
    add("--prompt-words", metavar="N", type=int, help="words with random images (default: 100)")


def asks_for_load(config: pytest.Config) -> bool:
    """Return whether the command line asks for a load test."""
    return any(config.getoption(name) for name in LOAD_OPTIONS)


def read_service(config: pytest.Config) -> ServiceSettings:
    """Read and check the options. Raises pytest.UsageError on the first mistake."""
    option: Callable[[str], Any] = config.getoption
    spaced = take_spaced_values(config, _LISTS)
    parallel = _numbers("--parallel", [*option("parallel"), *spaced["--parallel"]], whole=True)
    rates = _numbers("--rate", [*option("rate"), *spaced["--rate"]], whole=False)
    numbers = _numbers("--number", [*option("number"), *spaced["--number"]], whole=True)
    objectives = _objectives(option("slo"))
    if option("find_max_load") and not objectives:
        raise pytest.UsageError(
            "--find-max-load without --slo: give the limits that a load must keep, such as --slo 'ttft<=0.5'"
        )
    if option("burstiness") <= 0:
        raise pytest.UsageError(f"--burstiness {option('burstiness')}: expected a number above 0")
    warmup = at_least(0, "--warmup", option("warmup"))
    trace = _trace(option)
    return ServiceSettings(
        levels=(*_levels(parallel, rates, numbers, warmup), *_trace_levels(trace, warmup)),
        find_max_load=option("find_max_load"),
        search_number=int(numbers[0]) if len(numbers) == 1 else None,
        warmup=warmup,
        burstiness=option("burstiness"),
        objectives=objectives,
        slo=option("slo"),
        min_tokens=at_least(1, "--min-tokens", option("min_tokens")),
        trace=trace,
        random=_random(option),
    )


def _levels(
    parallel: Sequence[float], rates: Sequence[float], numbers: Sequence[float], warmup: int | None
) -> tuple[LoadLevel, ...]:
    loads = [*((LoadKind.PARALLEL, load) for load in parallel), *((LoadKind.RATE, load) for load in rates)]
    if len(numbers) > 1 and len(numbers) != len(loads):
        raise pytest.UsageError(f"{len(numbers)} --number for {len(loads)} loads: give one, or one for each")
    each: list[float | None] = (
        [*numbers] * len(loads) if len(numbers) == 1 else [*numbers] or [None] * len(loads)
    )
    levels = tuple(
        _level(kind, load, number, warmup) for (kind, load), number in zip(loads, each, strict=True)
    )
    for level in levels:
        if level.closed and level.number < level.load:
            raise pytest.UsageError(
                f"--number {level.number} for {level.name}: expected at least as many as are in flight"
            )
    if len({level.name for level in levels}) < len(levels):
        raise pytest.UsageError(f"{', '.join(level.name for level in levels)}: the same load twice")
    return levels


def _trace(option: Callable[[str], Any]) -> tuple[float, ...]:
    speed = option("replay_speed")
    if not option("replay"):
        if speed is not None:
            raise pytest.UsageError("--replay-speed without --replay: there is no trace")
        return ()
    if speed is not None and not 0 < speed < math.inf:
        raise pytest.UsageError(f"--replay-speed {speed:g}: expected a number above 0")
    return parsed("--replay", partial(read_trace, speed=speed or 1.0), Path(option("replay")))


def _trace_levels(trace: Sequence[float], warmup: int | None) -> tuple[LoadLevel, ...]:
    """Return the one level of a trace. Its load is the mean rate, its default warm-up the first second."""
    if not trace:
        return ()
    rate = (len(trace) - 1) / trace[-1]
    first = min(len(trace) - 1, math.ceil(rate) if warmup is None else warmup)
    return (
        LoadLevel(kind=LoadKind.REPLAY, load=float(f"{rate:.3g}"), number=len(trace) - first, warmup=first),
    )


def _level(kind: LoadKind, load: float, number: float | None, warmup: int | None) -> LoadLevel:
    return LoadLevel(
        kind=kind,
        load=load,
        number=max(FEWEST_REQUESTS, math.ceil(REQUESTS_PER_PLACE * load)) if number is None else int(number),
        warmup=math.ceil(load) if warmup is None else warmup,
    )


def _random(option: Callable[[str], Any]) -> RandomImages | None:
    width, others = option("image_width"), ("image_height", "image_num", "prompt_words")
    if width is None:
        for name in others:
            if option(name) is not None:
                flag = f"--{name.replace('_', '-')}"
                raise pytest.UsageError(f"{flag} without --image-width: there are no random images")
        return None
    for name in ("image_width", "image_height", "image_num"):
        at_least(1, f"--{name.replace('_', '-')}", option(name))
    words = at_least(0, "--prompt-words", option("prompt_words"))
    return RandomImages(
        width=width,
        height=option("image_height") or width,
        images=option("image_num") or 1,
        words=100 if words is None else words,
    )


def _objectives(text: str | None) -> tuple[Objective, ...]:
    try:
        return parse_objectives(text) if text is not None else ()
    except BadValueError as error:
        raise pytest.UsageError(f"--slo: {error}") from error


def _numbers(flag: str, lists: Sequence[str], *, whole: bool) -> list[float]:
    texts = [text.strip() for entry in lists for text in entry.split(",")]
    for text in texts:
        if not NUMBER.fullmatch(text) or float(text) <= 0 or (whole and "." in text):
            kind = "whole numbers, at least 1" if whole else "numbers above 0"
            raise pytest.UsageError(f"{flag} {text!r}: expected {kind}, such as {flag} 1,2,5")
    return [float(text) for text in texts]
