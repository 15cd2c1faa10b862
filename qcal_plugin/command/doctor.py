"""``qcaleval doctor``: asks an endpoint one tiny question and says what it can do and what to type."""

from __future__ import annotations

import argparse
import os
import shlex
import sys
from collections.abc import Iterator, Sequence
from urllib.parse import urlsplit

from qcal_plugin.cli.targets import MODEL_KEY_VARIABLE
from qcal_plugin.command.limits import image_kinds, limit_lines, needs_of
from qcal_plugin.command.probe import COLOUR, PROTOCOL_MAX_TOKENS, QUESTION, ProbeReply, Way, ask
from qcal_plugin.engine.failures import message_line
from qcal_plugin.engine.network import proxy_for
from qcal_plugin.engine.targets import TargetOption, parse_target
from qcal_plugin.session.preflight import PreflightError, ResolvedTarget, resolve_target
from reports.records.plain_text import log_line, log_text
from scoring.errors import BadValueError, QCalError

PROGRAM = "qcaleval doctor"
RATE_HEADERS = ("ratelimit", "rate-limit", "retry-after")


def main(arguments: Sequence[str]) -> int:
    """Run the command; 0 if the endpoint can be evaluated, 1 if something stands in the way, 2 on a slip."""
    given = _parser().parse_args(arguments)
    try:
        option = _option(given)
        resolved = resolve_target(option, "--model")
        lines, usable = examine(resolved, given)
    except QCalError as error:
        sys.stderr.write(log_line(f"{PROGRAM}: {error}") + "\n")
        return 2
    sys.stdout.writelines(f"{log_text(line)}\n" for line in lines)
    return 0 if usable else 1


def examine(resolved: ResolvedTarget, given: argparse.Namespace) -> tuple[list[str], bool]:
    """What was found out, a line each, and whether an evaluation can work. Raises PreflightError if nothing answers."""
    import httpx

    option = resolved.option
    try:
        reply = ask(option, resolved.model)
    except httpx.HTTPError as error:
        words = message_line(option.redaction.text(str(error))) or type(error).__name__
        raise PreflightError(
            f"{option.target.public_url}: lists models, but chat completions fail: {words}"
        ) from error
    facts = [
        ("reachable", option.target.public_url),
        ("model", resolved.model + (f" ({resolved.warning})" if resolved.warning else "")),
        (
            "key",
            f"from {option.key_variable}" if option.key else f"none sent ({option.key_variable} is not set)",
        ),
        ("certificate", _certificate(option)),
        ("proxy", _proxy(option)),
        *_abilities(reply),
    ]
    if given.dataset and reply.way is not None:
        facts += _image_limits(option, resolved.model, reply.way, given.dataset)
    usable = reply.way is not None and reply.way.picture
    advice = (
        f"next: {_command(resolved, reply, given)}" if usable else "next: serve a model that takes pictures"
    )
    if reply.way is None:
        advice = f"next: put right what the server says (HTTP {reply.status}), then ask the doctor again"
    return [*(f"{name + ':':18}{log_line(text)}" for name, text in facts), advice], usable


def _image_limits(option: TargetOption, model: str, way: Way, dataset: str) -> list[tuple[str, str]]:
    """How many and how large images are taken; if none was, which kinds would be."""
    if way.picture:
        return limit_lines(option, model, way, needs_of(dataset))
    return [image_kinds(option, model, way)]


def _abilities(reply: ProbeReply) -> Iterator[tuple[str, str]]:
    way = reply.way
    if way is None:
        yield "answers", f"no: HTTP {reply.status}: {reply.refusal}"
        return
    yield (
        "answers",
        f"yes: {message_line(reply.text, 60)!r} to {QUESTION!r}" if reply.text else _no_text(reply),
    )
    if not way.picture:
        yield "images", f"no: {reply.refusal}"
    elif COLOUR in reply.text.lower():
        yield "images", "yes, and it saw the picture"
    else:
        yield "images", f"accepted, but the answer does not say {COLOUR}: is it a vision model?"
    yield "reasoning", f"in the field {reply.reasoning}" if reply.reasoning else "no field of its own"
    full = way.max_tokens == PROTOCOL_MAX_TOKENS
    yield (
        "max tokens",
        f"{way.max_tokens} accepted" if full else f"{PROTOCOL_MAX_TOKENS} refused: {reply.refusal}",
    )
    yield "streaming", f"yes, first piece after {reply.first_s:.2f} s" if reply.streamed else "no"
    limits = [
        f"{name}: {value}"
        for name, value in reply.headers.items()
        if any(word in name.lower() for word in RATE_HEADERS)
    ]
    yield "rate limits", "; ".join(limits) or "none stated"


def _no_text(reply: ProbeReply) -> str:
    return f"without text (finish_reason {reply.finish_reason})"


def _certificate(option: TargetOption) -> str:
    return "accepted" if option.target.server.startswith("https") else "none: http is not encrypted"


def _proxy(option: TargetOption) -> str:
    proxy = proxy_for(option.target.chat_url)
    return "none" if proxy is None else f"through {urlsplit(proxy.public_url).hostname}"


def _command(resolved: ResolvedTarget, reply: ProbeReply, given: argparse.Namespace) -> str:
    words = ["pytest", "--model-url", given.model_url, "--model", resolved.model]
    if given.model_key_env:
        words += ["--model-key-env", given.model_key_env]
    if reply.way is not None and reply.way.max_tokens < PROTOCOL_MAX_TOKENS:
        words += ["--max-tokens", str(reply.way.max_tokens)]
    return shlex.join(words)


def _option(given: argparse.Namespace) -> TargetOption:
    variable = given.model_key_env or MODEL_KEY_VARIABLE
    key = os.environ.get(variable, "").strip()
    if given.model_key_env and not key:
        raise BadValueError(f"--model-key-env {variable}: the environment variable is not set or empty")
    return TargetOption(
        target=parse_target(given.model_url), model=given.model, key=key or None, key_variable=variable
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=PROGRAM, description="Ask an endpoint one tiny question with a picture, and say what it can do."
    )
    parser.add_argument(
        "--model-url", required=True, metavar="URL", help="as pytest's, such as http://localhost:8000/v1"
    )
    parser.add_argument("--model", metavar="NAME", help="model to ask (default: the only one listed)")
    parser.add_argument(
        "--model-key-env",
        metavar="VAR",
        help=f"variable that holds the API key (default: {MODEL_KEY_VARIABLE})",
    )
    parser.add_argument(
        "--dataset",
        metavar="NAME",
        help="also try which kinds of images it takes, and as many and as large ones as this dataset needs",
    )
    return parser
