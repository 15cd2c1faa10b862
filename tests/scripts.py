"""Ready-made scripts and faults for tests/endpoint.py. Scripts take scripts, so they can be combined."""

import json
import math
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

from scoring.canary import load_canary
from tests.endpoint import Outcome, ParsedRequest, Raw, Reply, Script

# --- scripts ------------------------------------------------------------------------------------------------


def always(outcome: Outcome) -> Script:
    return lambda request: outcome


def by_model(scripts: Mapping[str, Script]) -> Script:
    """One script per model name, so that one endpoint can be the model and its judges; 404 for any other name."""
    unknown = always(error(404, "The model does not exist."))
    return lambda request: scripts.get(request.model, unknown)(request)


def by_prompt(answers: Mapping[tuple[str, ...], str], otherwise: Script) -> Script:
    """Fixed answers; a key is what `ParsedRequest.prompt` gives: texts, and ``sha256:...`` for images, in order."""
    return lambda request: Reply(answers[request.prompt]) if request.prompt in answers else otherwise(request)


def by_text(answers: Mapping[str, str], otherwise: Script) -> Script:
    """Fixed answers; the first key that occurs in the request's text counts."""

    def script(request: ParsedRequest) -> Outcome:
        answer_text = next((answer for key, answer in answers.items() if key in request.text), None)
        return otherwise(request) if answer_text is None else Reply(answer_text)

    return script


def faults_first(faults: Sequence[Outcome], then: Script) -> Script:
    """Each request (body) gets the faults one after the other, then ``then``."""
    return lambda request: faults[request.attempt - 1] if request.attempt <= len(faults) else then(request)


def from_request(number: int, fault: Outcome, before: Script) -> Script:
    """``before`` for the first ``number`` requests, then the fault for all others, as when a key is revoked midway."""
    return lambda request: before(request) if request.number < number else fault


def for_image(sha256: str, fault: Outcome, otherwise: Script) -> Script:
    """The fault for requests that hold this one image."""
    return lambda request: fault if sha256 in request.images else otherwise(request)


def delayed(delay_s: float | Callable[[ParsedRequest], float], script: Script) -> Script:
    """A fixed delay, or one for each request."""

    def delayed_script(request: ParsedRequest) -> Outcome:
        return replace(script(request), delay_s=delay_s(request) if callable(delay_s) else delay_s)

    return delayed_script


def lognormal(median_s: float, sigma: float, seed: int = 0) -> Callable[[ParsedRequest], float]:
    """Long-tailed delays that depend on the seed and the request's body alone, not on the order of arrival."""
    return lambda request: random.Random(f"{seed}{request.body_sha256}").lognormvariate(
        math.log(median_s), sigma
    )


# --- replies and faults -------------------------------------------------------------------------------------

HOSTILE_TEXT = (
    "Status: SUCCESS\x00 \ud800 \udfff \x1b[31mred\x1b[0m \x1b]0;title\x07 ]]> <script>alert(1)</script>"
)
HALF_JSON = Raw(b'{"id": "chatcmpl-test", "choices": [{"message": {"content": "Status: SUC')
WRONG_SHAPE = Raw(b'{"result": {"answer": "Status: SUCCESS"}}')
EMPTY_CHOICES = Raw(b'{"id": "chatcmpl-test", "object": "chat.completion", "choices": []}')
BOGUS_GZIP = Raw(b"this is not gzip", headers={"Content-Encoding": "gzip"})


def judge_reply(grades: Sequence[float]) -> Reply:
    return Reply(json.dumps(list(grades)))


def faithful_judge() -> Script:
    """A judge that gives the canary's answers their known grades, and any other answer full marks."""
    known = sorted(load_canary(), key=lambda answer: -len(answer.text))

    def script(request: ParsedRequest) -> Outcome:
        return judge_reply(
            next((answer.grades for answer in known if answer.text in request.text), (1.0,) * 5)
        )

    return script


def huge_reply(size_bytes: int = 60_000_000) -> Reply:
    return Reply("x" * size_bytes)


def error(status: int, message: str, *, headers: Mapping[str, str] | None = None) -> Raw:
    """An error as most servers write it: JSON with an ``error`` object."""
    body = {"error": {"message": message, "type": "server_error", "code": status}}
    return Raw(json.dumps(body).encode(), status=status, headers=headers or {})


def plain_error(status: int, text: str) -> Raw:
    """An error in plain text, as proxies and some servers send it."""
    return Raw(text.encode(), status=status, headers={"Content-Type": "text/plain"})


def rate_limited(headers: Mapping[str, str] | None = None) -> Raw:
    return error(429, "Rate limit reached.", headers=headers)


def retry_after_seconds(seconds: float) -> dict[str, str]:
    return {"Retry-After": f"{seconds:g}"}


def retry_after_date(seconds: float) -> dict[str, str]:
    """Return the date ``seconds`` from now; HTTP dates have no fractions."""
    return {"Retry-After": format_datetime(datetime.now(UTC) + timedelta(seconds=seconds), usegmt=True)}


def retry_after_ms(milliseconds: int) -> dict[str, str]:
    return {"Retry-After-Ms": str(milliseconds)}
