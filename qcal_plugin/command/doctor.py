"""``qcaleval doctor``: sends an endpoint one tiny question, and reports its abilities and the command to run next."""

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
    """Run the command; return 0 if the endpoint can be evaluated, 1 if it cannot, 2 on a user's mistake."""
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
    """Return the facts, one per line, and whether an evaluation can work.

    Raises PreflightError if nothing answers.
    """
    import httpx

    option = resolved.option
    try:
        reply = ask(option, resolved.model)
    except httpx.HTTPError as error:
        reason = message_line(option.redaction.text(str(error))) or type(error).__name__
        raise PreflightError(
            f"{option.target.public_url}: lists models, but chat completions fail: {reason}"
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
        f"next: {_command(resolved, reply, given)}" if usable else "next: serve a model that accepts images"
    )
    if reply.way is None:
        advice = (
            f"next: fix the error that the server reports (HTTP {reply.status}), then run the doctor again"
        )
    return [*(f"{name + ':':18}{log_line(text)}" for name, text in facts), advice], usable


def _image_limits(option: TargetOption, model: str, way: Way, dataset: str) -> list[tuple[str, str]]:
    """Return the limits for images; if the image was refused, the kinds that would be accepted."""
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
        yield "images", "accepted, and the answer shows that the model saw it"
    else:
        yield "images", f"accepted, but the answer is not {COLOUR!r}: is it a vision model?"
    yield "reasoning", f"in the field {reply.reasoning}" if reply.reasoning else "no separate field"
    full = way.max_tokens == PROTOCOL_MAX_TOKENS
    yield (
        "max tokens",
        f"{way.max_tokens} accepted" if full else f"{PROTOCOL_MAX_TOKENS} refused: {reply.refusal}",
    )
    yield "streaming", f"yes, TTFT {reply.first_s:.2f} s" if reply.streamed else "no"
    limits = [
        f"{name}: {value}"
        for name, value in reply.headers.items()
        if any(word in name.lower() for word in RATE_HEADERS)
    ]
    yield "rate limits", "; ".join(limits) or "none stated"


def _no_text(reply: ProbeReply) -> str:
    return f"yes, but without text (finish_reason {reply.finish_reason})"


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
        prog=PROGRAM,
        description="Send an endpoint one tiny question with a picture, and report what it can do.",
    )
    parser.add_argument(
        "--model-url",
        required=True,
        metavar="URL",
        help="the endpoint, such as http://localhost:8000/v1; the same as for pytest",
    )
    parser.add_argument(
        "--model", metavar="NAME", help="model to ask (default: the only one that the endpoint lists)"
    )
    parser.add_argument(
        "--model-key-env",
        metavar="VAR",
        help=f"environment variable with the API key (default: {MODEL_KEY_VARIABLE})",
    )
    parser.add_argument(
        "--dataset",
        metavar="NAME",
        help="also find out which kinds of images it accepts, and whether as many and as large as this dataset needs",
    )
    return parser
