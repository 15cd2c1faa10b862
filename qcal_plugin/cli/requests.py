"""Options of requests: fields that the protocol lacks, headers, streams and rate limits."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import pytest

from qcal_plugin.cli.credentials import looks_like_credential
from qcal_plugin.cli.extra_body import parse_body, parse_extra_body, without_thinking
from qcal_plugin.cli.values import at_least, parsed
from qcal_plugin.engine.judge import JUDGE_MAX_TOKENS
from qcal_plugin.engine.settings import Streaming
from scoring.errors import BadValueError
from scoring.reference import JSON

GRADES_FORMAT: Mapping[str, JSON] = {
    "type": "json_schema",
    "json_schema": {
        "name": "grades",
        "strict": True,
        "schema": {
            "type": "object",
            "properties": {"grades": {"type": "array", "items": {"type": "number", "enum": [0, 0.5, 1]}}},
            "required": ["grades"],
            "additionalProperties": False,
        },
    },
}
"""The schema of a judge's reply.

Servers want an object at the top; the grades are read from the array in it.
"""

_VARIABLE = re.compile(r"\$(?:\{(?P<braced>\w+)\}|(?P<plain>\w+))")
_HEADER_NAME = re.compile(r"[!#$%&'*+.^`|~\w-]+", re.ASCII)
_RATE = re.compile(
    r"(?P<number>\d+(?:\.\d+)?)\s*/?\s*(?P<unit>s|sec|second|min|minute|h|hour)", re.IGNORECASE
)
_SECONDS = {"s": 1.0, "m": 60.0, "h": 3600.0}


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestOptions:
    """How endpoints are asked.

    Attributes:
        extra_body: fields of the model's requests; null removes one of the protocol's.
        judge_body: the same for judges.
        judge_max_tokens: of a judge's reply.
        requests_per_s: limit of the model's requests; None for no limit.
        tokens_per_minute: of the model's prompts and answers; None for no limit.
        request_seed: sent as ``seed`` with the model's requests; None for no such field.
        strict_model: whether an answer by another model than the one requested is an error.
    """

    extra_body: Mapping[str, JSON] = field(default_factory=dict)
    judge_body: Mapping[str, JSON] = field(default_factory=dict)
    judge_max_tokens: int = JUDGE_MAX_TOKENS
    streaming: Streaming = Streaming.AUTO
    requests_per_s: float | None = None
    tokens_per_minute: int | None = None
    request_seed: int | None = None
    strict_model: bool = False


def declare_request_options(add: Callable[..., None]) -> None:
    """Call ``add`` with each option, as argparse's ``add_argument`` takes it."""
    add("--no-think", action="store_true", help='send chat_template_kwargs {"enable_thinking": false}')
    body = "further fields of the request body, a JSON object (default: none)"
    add("--extra-body", metavar="JSON", help=body, example="'{\"top_p\": 0.9}'")
    add(
        "--model-body",
        metavar="JSON",
        help="as --extra-body, but for any field; null removes one (default: none)",
        example="'{\"temperature\": null}'",
    )
    add(
        "--request-seed",
        metavar="N",
        type=int,
        help="send seed N, N + 1, ... with the repeats of an item (default: not sent)",
        example="7",
    )
    add(
        "--reasoning-effort", metavar="LEVEL", help="send reasoning_effort (default: not sent)", example="low"
    )
    add(
        "--model-header",
        metavar="'NAME: $VAR'",
        action="append",
        default=[],
        help="header of each request, its value in an environment variable (default: none)",
        example="'api-key: $AZURE_KEY'",
    )
    add(
        "--judge-json-schema",
        action="store_true",
        help="ask judges for JSON by a schema (response_format), unless they refuse it",
    )
    add("--judge-no-think", action="store_true", help="as --no-think, for judges")
    add(
        "--judge-body",
        metavar="JSON",
        help="as --model-body, for judges (default: none)",
        example="'{\"temperature\": null}'",
    )
    add(
        "--judge-reasoning-effort",
        metavar="LEVEL",
        help="as --reasoning-effort, for judges (default: not sent)",
        example="low",
    )
    add(
        "--judge-header",
        metavar="'NAME: $VAR'",
        action="append",
        default=[],
        help="as --model-header, for judges (default: none)",
        example="'api-key: $AZURE_KEY'",
    )
    add(
        "--judge-max-tokens",
        metavar="N",
        type=int,
        default=JUDGE_MAX_TOKENS,
        help=f"limit of a judge's reply (default: {JUDGE_MAX_TOKENS}, the protocol's)",
    )
    add(
        "--stream",
        metavar="WHEN",
        default=Streaming.AUTO.value,
        choices=list(map(str, Streaming)),
        help="ask for event streams: always, never or auto (default: when a proxy cuts silent connections)",
        example="always",
    )
    add(
        "--rate-limit",
        metavar="N/UNIT",
        help="send at most N model requests a second, minute or hour (default: no limit)",
        example="300/min",
    )
    add(
        "--tokens-per-minute",
        metavar="N",
        type=int,
        help="wait while more than N tokens were used in the last minute (default: no limit)",
        example="100000",
    )
    add(
        "--strict-model",
        action="store_true",
        help="treat an answer by another model than the one requested as an error",
    )


def read_request_options(option: Callable[[str], Any]) -> RequestOptions:
    """Check the options. Raises pytest.UsageError on the first mistake."""
    extra_body = {
        **_body("--extra-body", parse_extra_body, option("extra_body")),
        **_body("--model-body", parse_body, option("model_body")),
        **_effort(option("reasoning_effort")),
        **_no_think(
            "--no-think", given=option("no_think"), text=option("extra_body") or option("model_body")
        ),
    }
    if option("request_seed") is not None and "seed" in extra_body:
        raise pytest.UsageError("--request-seed and a seed in --extra-body or --model-body: give one of them")
    return RequestOptions(
        extra_body=extra_body,
        judge_body={
            **_body("--judge-body", parse_body, option("judge_body")),
            **_effort(option("judge_reasoning_effort")),
            **({"response_format": dict(GRADES_FORMAT)} if option("judge_json_schema") else {}),
            **_no_think("--judge-no-think", given=option("judge_no_think"), text=option("judge_body")),
        },
        judge_max_tokens=at_least(1, "--judge-max-tokens", option("judge_max_tokens")),
        streaming=Streaming(option("stream")),
        requests_per_s=parsed("--rate-limit", parse_rate, option("rate_limit"))
        if option("rate_limit")
        else None,
        tokens_per_minute=at_least(1, "--tokens-per-minute", option("tokens_per_minute")),
        request_seed=option("request_seed"),
        strict_model=bool(option("strict_model")),
    )


def read_headers(flag: str, given: Iterable[str], environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Read ``NAME: $VAR`` options. The values are secret: they come from the environment and are never shown.

    Raises pytest.UsageError if a header is malformed, contains its value, or names a variable that is not
    set.
    """
    headers = {}
    for text in given:
        name, colon, template = (part.strip() for part in text.partition(":"))
        if not colon or not _HEADER_NAME.fullmatch(name):
            raise pytest.UsageError(f"{flag}: expected 'NAME: $VARIABLE', such as 'api-key: $AZURE_KEY'")
        if not _VARIABLE.search(template) or looks_like_credential(_VARIABLE.sub("", template)):
            raise pytest.UsageError(
                f"{flag} {name}: give its value in an environment variable ('{name}: $VARIABLE'), so that it is not "
                "recorded in a shell's history or a process list"
            )
        headers[name] = _VARIABLE.sub(partial(_value, flag, name, environ), template)
    return headers


def parse_rate(text: str) -> float:
    """Read ``300/min``, ``5/s`` or ``1000/h`` as requests a second. Raises BadValueError."""
    match = _RATE.fullmatch(text.strip())
    number = float(match["number"]) if match is not None else 0.0
    if match is None or number <= 0:
        raise BadValueError(f"{text!r} is not a rate; expected something like 300/min or 5/s")
    return number / _SECONDS[match["unit"][0].lower()]


def _value(flag: str, name: str, environ: Mapping[str, str], match: re.Match[str]) -> str:
    variable = match["braced"] or match["plain"]
    value = environ.get(variable, "").strip()
    if not value:
        raise pytest.UsageError(f"{flag} {name}: the environment variable {variable} is not set or empty")
    if any(not char.isprintable() or ord(char) > 126 for char in value):
        raise pytest.UsageError(f"{flag} {name}: {variable} holds characters that no header can carry")
    return value


def _body(flag: str, parse: Callable[[str], dict[str, JSON]], text: str | None) -> dict[str, JSON]:
    return parsed(flag, parse, text) if text else {}


def _effort(level: str | None) -> dict[str, JSON]:
    return {"reasoning_effort": level} if level else {}


def _no_think(flag: str, *, given: bool, text: str | None) -> dict[str, JSON]:
    if not given:
        return {}
    return parsed(flag, without_thinking, parse_body(text) if text else {})
