"""A real OpenAI-compatible HTTP server on loopback that follows a script, faults included.

    with Endpoint(always(Reply("Status: SUCCESS"))) as endpoint:
        ...                                   # ask endpoint.base_url
    assert endpoint.in_flight_peak == 128

A script is a callable that turns a `ParsedRequest` into an `Outcome`; tests/scripts.py has ready-made ones.
It may be replaced while the server runs (``endpoint.script = ...``). It runs in the server's thread, so it
must not block.
"""

import asyncio
import base64
import binascii
import hashlib
import json
import socket
import struct
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from aiohttp import web

from qcal_plugin.demo.loopback import LoopbackServer


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedRequest:
    """A chat request as it arrived.

    ``number`` counts all requests from 0, ``attempt`` those with this very body from 1; ``at_s`` is seconds
    since the endpoint was made; ``in_flight`` includes this request.
    """

    number: int
    attempt: int
    at_s: float
    in_flight: int
    body: Any
    body_sha256: str
    headers: Mapping[str, str]
    bearer: str | None = field(repr=False)

    @property
    def model(self) -> str:
        return self.body["model"]

    @property
    def prompt(self) -> tuple[str, ...]:
        """The user message in order: texts as they are, images as ``sha256:`` and the digest of their bytes."""
        content = self.body["messages"][-1]["content"]
        if isinstance(content, str):
            return (content,)
        return tuple(
            part["text"] if part["type"] == "text" else f"sha256:{_image_sha256(part['image_url']['url'])}"
            for part in content
        )

    @property
    def images(self) -> tuple[str, ...]:
        """Hex digests of the images' bytes, in order."""
        return tuple(part.removeprefix("sha256:") for part in self.prompt if part.startswith("sha256:"))

    @property
    def text(self) -> str:
        """The text blocks, joined by line breaks."""
        return "\n".join(part for part in self.prompt if not part.startswith("sha256:"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The server's response to a request, after a delay."""

    delay_s: float = 0.0

    async def respond(self, http_request: web.Request, model: str) -> web.StreamResponse:
        raise NotImplementedError


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply(Outcome):
    """A chat completion.

    ``content`` may be anything that JSON holds; a token count of None leaves ``usage`` out.
    """

    content: Any = field(kw_only=False)
    finish_reason: str | None = "stop"
    reasoning: str | None = None
    reasoning_content: str | None = None
    prompt_tokens: int | None = 300
    completion_tokens: int | None = 20
    reasoning_tokens: int | None = None

    async def respond(self, http_request, model):
        return web.Response(body=self.body(model), content_type="application/json")

    def body(self, model: str) -> bytes:
        message = {"role": "assistant", "content": self.content}
        message |= {
            name: value
            for name in ("reasoning", "reasoning_content")
            if (value := getattr(self, name)) is not None
        }
        completion = {
            "id": "chatcmpl-test",
            "object": "chat.completion",
            "model": model,
            "choices": [{"index": 0, "message": message, "finish_reason": self.finish_reason}],
        }
        return json.dumps(completion | self._usage()).encode()

    def _usage(self) -> dict[str, Any]:
        if self.prompt_tokens is None or self.completion_tokens is None:
            return {}
        usage: dict[str, Any] = {
            "prompt_tokens": self.prompt_tokens,
            "completion_tokens": self.completion_tokens,
            "total_tokens": self.prompt_tokens + self.completion_tokens,
        }
        if self.reasoning_tokens is not None:
            usage["completion_tokens_details"] = {"reasoning_tokens": self.reasoning_tokens}
        return {"usage": usage}


@dataclass(frozen=True, slots=True, kw_only=True)
class Raw(Outcome):
    """Any status, headers and bytes: errors, truncated JSON, content that claims to be gzip."""

    body: bytes = field(kw_only=False)
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)

    async def respond(self, http_request, model):
        headers = {"Content-Type": "application/json", **self.headers}
        return web.Response(body=self.body, status=self.status, headers=headers)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reset(Outcome):
    """The connection is reset (RST): before the headers, or in the middle of the body."""

    within_body: bool = False

    async def respond(self, http_request, model):
        response = web.StreamResponse()
        if self.within_body:
            body = Reply("never seen as a whole").body(model)
            response.content_length = len(body)
            await response.prepare(http_request)
            await response.write(body[: len(body) // 2])
            await asyncio.sleep(0.02)
        connection = http_request.transport
        if connection is not None:
            linger_no_seconds = struct.pack("ii", 1, 0)
            connection.get_extra_info("socket").setsockopt(
                socket.SOL_SOCKET, socket.SO_LINGER, linger_no_seconds
            )
            connection.abort()
        return response


@dataclass(frozen=True, slots=True, kw_only=True)
class Hang(Outcome):
    """The server never sends a byte."""

    async def respond(self, http_request, model):
        await asyncio.Event().wait()


@dataclass(frozen=True, slots=True, kw_only=True)
class Drip(Outcome):
    """A chat completion, byte by byte."""

    content: str = field(kw_only=False, default="slow")
    interval_s: float = 1.0

    async def respond(self, http_request, model):
        body = Reply(self.content).body(model)
        response = web.StreamResponse(headers={"Content-Length": str(len(body))})
        await response.prepare(http_request)
        for byte in body:
            await response.write(bytes([byte]))
            await asyncio.sleep(self.interval_s)
        return response


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream(Outcome):
    """A streamed completion, punctual under any load: chunk k is sent ``first_s + k * interval_s`` after arrival.

    ``deltas`` are the chunks' deltas; a text is short for its content. If requested, ``usage`` is sent in a
    separate chunk with empty choices, and counts ``tokens`` (by default the chunks). ``tail`` holds the bytes
    at the end. ``ending`` None leaves the finish reason out.
    """

    deltas: Sequence[Any] = field(kw_only=False)
    first_s: float = 0.0
    interval_s: float = 0.0
    ending: str | None = "stop"
    prompt_tokens: int = 300
    tokens: int | None = None
    cached_tokens: int | None = None
    image_tokens: int | None = None
    usage: bool = True
    tail: bytes = b"data: [DONE]\n\n"

    async def respond(self, http_request, model):
        clock = asyncio.get_running_loop().time
        began = clock()
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(http_request)
        for index, delta in enumerate(self.deltas):
            await asyncio.sleep(max(0.0, began + self.first_s + index * self.interval_s - clock()))
            said = {"content": delta} if isinstance(delta, str) else delta
            await response.write(self._event(model, [{"index": 0, "delta": said, "finish_reason": None}]))
        if self.ending is not None:
            await response.write(
                self._event(model, [{"index": 0, "delta": {}, "finish_reason": self.ending}])
            )
        if self.usage and "stream_options" in await http_request.json():
            await response.write(self._event(model, [], usage=self._usage()))
        await response.write(self.tail)
        return response

    def _event(self, model: str, choices: list[Any], **others: Any) -> bytes:
        chunk = {"object": "chat.completion.chunk", "model": model, "choices": choices, **others}
        return b"data: " + json.dumps(chunk).encode() + b"\n\n"

    def _usage(self) -> dict[str, Any]:
        usage: dict[str, Any] = {
            "prompt_tokens": self.prompt_tokens,
            "completion_tokens": self.tokens or len(self.deltas),
        }
        details = {"cached_tokens": self.cached_tokens, "image_tokens": self.image_tokens}
        if any(count is not None for count in details.values()):
            usage["prompt_tokens_details"] = {
                name: count for name, count in details.items() if count is not None
            }
        return usage


Script = Callable[[ParsedRequest], Outcome]


class Endpoint(LoopbackServer):
    """The server and its record of requests.

    ``requests`` holds every chat request in order of arrival, ``counts`` how often each body came,
    ``abandoned`` how many clients left before their reply was complete, ``model_list_requests`` the requests
    for ``/v1/models``. The answer to those is ``models`` (names, or an `Outcome`). Equal images are kept
    once, however often they are sent.
    """

    def __init__(self, script: Script, *, models: tuple[str, ...] | Outcome = ("model-a",)) -> None:
        super().__init__(chat_completions=self._chat_completions, models=self._models)
        self.script = script
        self.models = models
        self.requests: list[ParsedRequest] = []
        self.counts: Counter[str] = Counter()
        self.in_flight: Counter[str] = Counter()
        self.in_flight_peaks: Counter[str] = Counter()
        self.in_flight_peak = 0
        self.abandoned = 0
        self.model_list_requests = 0
        self._urls: dict[str, str] = {}
        self._started_at = time.monotonic()

    def asked_twice(self) -> list[str]:
        """Return the texts of requests that came more than once; a run without faults should leave none."""
        return [request.text for request in self.requests if request.attempt == 2]

    async def _chat_completions(self, http_request: web.Request) -> web.StreamResponse:
        request = self._journal(await http_request.read(), http_request.headers)
        try:
            outcome = self.script(request)
            await asyncio.sleep(outcome.delay_s)
            return await outcome.respond(http_request, request.model)
        except asyncio.CancelledError:
            self.abandoned += 1
            raise
        finally:
            self.in_flight[request.model] -= 1

    async def _models(self, http_request: web.Request) -> web.StreamResponse:
        self.model_list_requests += 1
        if isinstance(self.models, Outcome):
            return await self.models.respond(http_request, "")
        return web.json_response(
            {"object": "list", "data": [{"id": name, "object": "model"} for name in self.models]}
        )

    def _journal(self, body: bytes, headers: Mapping[str, str]) -> ParsedRequest:
        parsed = json.loads(body)
        self._share_images(parsed["messages"][-1]["content"])
        digest = hashlib.sha256(body).hexdigest()
        self.counts[digest] += 1
        model = parsed["model"]
        self.in_flight[model] += 1
        in_flight = self.in_flight.total()
        self.in_flight_peaks[model] = max(self.in_flight_peaks[model], self.in_flight[model])
        self.in_flight_peak = max(self.in_flight_peak, in_flight)
        request = ParsedRequest(
            number=len(self.requests),
            attempt=self.counts[digest],
            at_s=time.monotonic() - self._started_at,
            in_flight=in_flight,
            body=parsed,
            body_sha256=digest,
            headers={name: value for name, value in headers.items() if name.lower() != "authorization"},
            bearer=headers.get("Authorization", "").removeprefix("Bearer ") or None,
        )
        self.requests.append(request)
        return request

    def _share_images(self, content: Any) -> None:
        for part in content if isinstance(content, list) else ():
            if part["type"] == "image_url":
                url = part["image_url"]["url"]
                part["image_url"]["url"] = self._urls.setdefault(url, url)


@lru_cache(maxsize=1024)
def _image_sha256(url: str) -> str:
    try:
        image = base64.b64decode(url.partition(",")[2], validate=True)
    except binascii.Error:
        return "not base64"
    return hashlib.sha256(image).hexdigest()
