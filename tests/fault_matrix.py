"""Faults of servers and networks, and how an item then ends: the rows of the table in docs/reliability.md.

    python -m tests.fault_matrix      # measures all rows and rewrites the table

A real engine asks a real server that misbehaves. Waits are scaled down (`SETTINGS`); the policy is the
default one.
"""

import hashlib
import re
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from enum import Enum
from pathlib import Path

from qcal_plugin.engine.endpoint import backoff_bound_s
from qcal_plugin.engine.failures import EngineStopped
from qcal_plugin.engine.result import EngineResult
from qcal_plugin.engine.settings import EndpointSettings
from tests.endpoint import Drip, Endpoint, Hang, ParsedRequest, Raw, Reply, Reset, Script
from tests.engine_factory import QUICK, image_case, keys, running_engine, text_case
from tests.fault_servers import (
    OK,
    WITHOUT_SCRIPT,
    dated_each_time,
    gateway_of_one_dead_backend,
    no_http_there,
    no_such_name,
    no_tls_there,
    nobody_listens,
    other_words_each_time,
    self_signed,
)
from tests.scripts import (
    BOGUS_GZIP,
    EMPTY_CHOICES,
    HALF_JSON,
    HOSTILE_TEXT,
    WRONG_SHAPE,
    always,
    error,
    faults_first,
    for_image,
    from_request,
    huge_reply,
    plain_error,
    rate_limited,
    retry_after_ms,
    retry_after_seconds,
)

DOCUMENT = Path(__file__).parents[1] / "docs" / "reliability.md"
BEGIN, END = "<!-- fault matrix: begin -->\n", "<!-- fault matrix: end -->\n"
HEAD = "| fault | requests | waited | recorded | the user reads |\n|---|---|---|---|---|\n"
TOLD_S = 0.3
SETTINGS = replace(QUICK, request_timeout_s=0.15, backoff_ceiling_s=0.1)
PATIENT = replace(QUICK, request_timeout_s=20.0, backoff_ceiling_s=0.1)
LONGEST_S = 20.0


class Wait(Enum):
    """The wait between attempts: its minimum in seconds here, and its description; `{}` is the longest backoff."""

    NOT = (0.0, "-")
    BACKOFF = (0.0, "up to {} s")
    TOLD = (TOLD_S, f"{TOLD_S} s, as requested, and up to {{}} s")
    DATE = (0.9, "2 s, as requested, and up to {} s")
    TIMEOUT = (6 * SETTINGS.request_timeout_s, "six times the timeout, and up to {} s")


@dataclass(frozen=True, slots=True)
class Fault:
    """One row of the table.

    Attributes:
        server: a script for tests/endpoint.py, or a context with the base URL of another server.
        requests: the expected number of requests.
        kind: of the first failure; ``stopped`` if the engine stopped asking; None if all items are answered.
        in_flight: how many of the `items` are asked at once.
    """

    name: str
    server: Script | Callable[[], AbstractContextManager[str]]
    requests: int
    kind: str | None
    wait: Wait = Wait.NOT
    items: int = 1
    in_flight: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """A measured row: requests sent, requests that a scripted server got, the end of each item, the duration."""

    sent: int
    arrived: list[ParsedRequest] | None
    ends: list[EngineResult | EngineStopped] = field(repr=False)
    waited_s: float

    @property
    def kind(self) -> str | None:
        kinds = (_kind(end) for end in self.ends)
        return next((kind for kind in kinds if kind is not None), None)

    @property
    def most_attempts(self) -> int:
        """The largest number of attempts of one item."""
        return self.sent if self.arrived is None else max(request.attempt for request in self.arrived)


# --- the rows -----------------------------------------------------------------------------------------------

SECONDS, MILLISECONDS = retry_after_seconds(TOLD_S), retry_after_ms(round(1000 * TOLD_S))
IMAGE = hashlib.sha256(b"sample-1").hexdigest()
BUSY = error(503, "busy", headers=SECONDS)
ERROR_WITH_200 = Raw(b'{"error": {"message": "worker died"}}')
PARTS = [
    {"type": "thinking", "text": "Status: NO_SIGNAL?"},
    {"type": "text", "text": "Status:"},
    {"text": "NO_SIGNAL"},
    {"type": "text", "text": "SUCCESS"},
]
THOUGHT_ONLY = Reply(None, reasoning_content="Let me look at the plot", finish_reason="length")

FAULTS = [
    Fault(
        "429 once, `Retry-After` in seconds", faults_first([rate_limited(SECONDS)], OK), 2, None, Wait.TOLD
    ),
    Fault("429 once, `Retry-After` as a date", dated_each_time, 2, None, Wait.DATE),
    Fault("429 once, `retry-after-ms`", faults_first([rate_limited(MILLISECONDS)], OK), 2, None, Wait.TOLD),
    Fault("429 once, without `Retry-After`", faults_first([rate_limited()], OK), 2, None, Wait.BACKOFF),
    Fault("429 always", always(rate_limited()), 12, "http_429", Wait.BACKOFF),
    Fault("429, `Retry-After` of an hour", always(rate_limited(retry_after_seconds(3600))), 1, "stopped"),
    Fault("500 once", faults_first([error(500, "CUDA error")], OK), 2, None, Wait.BACKOFF),
    Fault("500 always, the same message", always(error(500, "CUDA error")), 2, "http_500", Wait.BACKOFF),
    Fault("500 always, another message each time", other_words_each_time, 6, "http_500", Wait.BACKOFF),
    Fault(
        "500 for one image only",
        for_image(IMAGE, error(500, "bad PNG"), OK),
        4,
        "http_500",
        Wait.BACKOFF,
        items=3,
    ),
    Fault("502 always", always(plain_error(502, "<h1>Bad Gateway</h1>")), 6, "http_502", Wait.BACKOFF),
    Fault(
        "502 for one item, others are answered",
        gateway_of_one_dead_backend,
        4,
        "http_502",
        Wait.BACKOFF,
        items=3,
        in_flight=3,
    ),
    Fault("503 once", faults_first([error(503, "Loading model")], OK), 2, None, Wait.BACKOFF),
    Fault("503 always, the same message", always(error(503, "Loading model")), 6, "http_503", Wait.BACKOFF),
    Fault(
        "503 once, `Retry-After` in seconds",
        faults_first([error(503, "busy", headers=SECONDS)], OK),
        2,
        None,
        Wait.TOLD,
    ),
    Fault("504 always", always(plain_error(504, "")), 6, "http_504", Wait.BACKOFF),
    Fault("408 always", always(error(408, "Request timed out")), 6, "http_408", Wait.BACKOFF),
    Fault("409 always", always(error(409, "Conflict")), 6, "http_409", Wait.BACKOFF),
    Fault(
        "400, the prompt does not fit",
        always(error(400, "maximum context length is 4096")),
        1,
        "context_overflow",
    ),
    Fault("413", always(plain_error(413, "<html>Request Entity Too Large</html>")), 1, "http_413"),
    Fault(
        "422, FastAPI's `detail`",
        always(Raw(b'{"detail": [{"msg": "top_k unknown"}]}', status=422)),
        1,
        "http_422",
    ),
    Fault("401 at once", always(error(401, "Incorrect API key")), 1, "http_401", items=12),
    Fault("401 midway", from_request(5, error(401, "Incorrect API key"), OK), 8, "http_401", items=12),
    Fault("404 at once", always(error(404, "The model does not exist")), 1, "http_404", items=12),
    Fault("connection refused", nobody_listens, 6, "connect", Wait.BACKOFF),
    Fault("host name does not resolve", no_such_name, 6, "dns", Wait.BACKOFF),
    Fault("https to a server without TLS", no_tls_there, 1, "tls"),
    Fault("self-signed certificate", self_signed, 1, "tls"),
    Fault("no HTTP there", no_http_there, 2, "not_http", Wait.BACKOFF),
    Fault("reset before the headers", always(Reset()), 6, "reset", Wait.BACKOFF),
    Fault("reset in the body", always(Reset(within_body=True)), 6, "reset", Wait.BACKOFF),
    Fault("never a byte", always(Hang()), 6, "timeout", Wait.TIMEOUT),
    Fault("a byte now and then", always(Drip(interval_s=0.05)), 6, "timeout", Wait.TIMEOUT),
    Fault("half a JSON body", always(HALF_JSON), 2, "malformed", Wait.BACKOFF),
    Fault("JSON of another shape", always(WRONG_SHAPE), 2, "malformed", Wait.BACKOFF),
    Fault("an error with status 200", always(ERROR_WITH_200), 2, "error_in_reply", Wait.BACKOFF),
    Fault("empty `choices`", always(EMPTY_CHOICES), 2, "malformed", Wait.BACKOFF),
    Fault("`content` a number", always(Reply(7)), 2, "malformed", Wait.BACKOFF),
    Fault("`content` null", always(Reply(None)), 1, "no_answer"),
    Fault("`content` null, truncated in `reasoning_content`", always(THOUGHT_ONLY), 1, None),
    Fault("`content` null, answer in `reasoning`", always(Reply(None, reasoning="Status: SUCCESS")), 1, None),
    Fault("`content` empty", always(Reply("", finish_reason="length")), 1, None),
    Fault("`content` a list of parts", always(Reply(PARTS)), 1, None),
    Fault("gzip that is not gzip", always(BOGUS_GZIP), 2, "encoding", Wait.BACKOFF),
    Fault("an answer of 60 MB", always(huge_reply()), 1, "too_large"),
    Fault("NUL, lone surrogates, ANSI escapes", always(Reply(HOSTILE_TEXT)), 1, None),
]


def measure(fault: Fault, folder: Path) -> Observed:
    """Ask all items of a row, in order, and return what happened."""
    settings = SETTINGS if fault.wait is Wait.TIMEOUT else PATIENT
    case = image_case(folder) if "image" in fault.name else text_case
    items = keys(fault.items)
    with _serving(fault) as (base_url, server):
        with running_engine(base_url, folder, case=case, settings=settings, concurrency=fault.in_flight) as (
            engine,
            endpoints,
        ):
            began_at = time.monotonic()
            engine.declare(items)
            ends = [_end(engine, key) for key in items]
            waited_s = time.monotonic() - began_at
        return Observed(
            sent=endpoints[0].requests_sent, arrived=server and server.requests, ends=ends, waited_s=waited_s
        )


def line(fault: Fault, observed: Observed) -> str:
    """Return the row as the document shows it."""
    default = EndpointSettings(url="", public_url="")
    backoff_s = sum(backoff_bound_s(attempt, default) for attempt in range(1, observed.most_attempts))
    waited = fault.wait.value[1].format(f"{backoff_s:g}")
    cells = [fault.name, str(observed.sent), waited, _recorded(observed), _reads(observed)]
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n"


def table() -> str:
    """Measure all rows and return the table."""
    rows = []
    for fault in FAULTS:
        with tempfile.TemporaryDirectory() as folder:
            rows.append(line(fault, measure(fault, Path(folder))))
    return HEAD + "".join(rows)


@contextmanager
def _serving(fault: Fault) -> Iterator[tuple[str, Endpoint | None]]:
    if fault.server in WITHOUT_SCRIPT:
        with fault.server() as base_url:
            yield base_url, None
    else:
        with Endpoint(fault.server) as server:
            yield server.base_url, server


def _end(engine, key) -> EngineResult | EngineStopped:
    try:
        return engine.demand(key).result(timeout=LONGEST_S)
    except EngineStopped as stopped:
        return stopped


def _kind(end: EngineResult | EngineStopped) -> str | None:
    if isinstance(end, EngineStopped):
        return "stopped"
    return None if end.failure is None else end.failure.kind


def _recorded(observed: Observed) -> str:
    """Return the status or kind of failure of one item; of several items, how many of each."""
    words = Counter(_status(end) for end in observed.ends)
    return (
        next(iter(words))
        if len(observed.ends) == 1
        else ", ".join(f"{n} {word}" for word, n in words.items())
    )


def _status(end: EngineResult | EngineStopped) -> str:
    kind = _kind(end)
    if kind == "stopped":
        return "missing"
    return "answered" if kind is None else f"`{kind}`"


def _reads(observed: Observed) -> str:
    """Return the last message: why the engine stopped, else the failure, else the text of the answer."""
    stopped = [str(end) for end in observed.ends if isinstance(end, EngineStopped)]
    failed = [
        end.failure.message
        for end in observed.ends
        if isinstance(end, EngineResult) and end.failure is not None
    ]
    if stopped or failed:
        return re.sub(r"(127\.0\.0\.1:|127\.0\.0\.1', |localhost:)\d+", r"\1PORT", (stopped or failed)[0])
    return f"`{observed.ends[0].answer.text!r}`"


if __name__ == "__main__":
    text = DOCUMENT.read_text()
    before, _, rest = text.partition(BEGIN)
    DOCUMENT.write_text(before + BEGIN + table() + END + rest.partition(END)[2])
