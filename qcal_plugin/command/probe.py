"""One tiny question with a picture, asked in simpler and simpler ways until the server answers."""

from __future__ import annotations

import base64
import io
import json
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from qcal_plugin.engine.failures import server_message
from qcal_plugin.engine.network import proxy_for, ssl_context
from qcal_plugin.engine.targets import TargetOption

if TYPE_CHECKING:
    import httpx

QUESTION = "Which colour is the square in this picture? Answer with one word."
COLOUR = "red"
PROTOCOL_MAX_TOKENS = 16384
FEW_TOKENS = 1024
TIMEOUT_S = 120.0
REASONING_FIELDS = ("reasoning_content", "reasoning")
FINAL_STATUSES = frozenset({401, 403, 404, 429})


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """How the question is asked."""

    stream: bool
    max_tokens: int
    picture: bool


WAYS = (
    Way(stream=True, max_tokens=PROTOCOL_MAX_TOKENS, picture=True),
    Way(stream=False, max_tokens=PROTOCOL_MAX_TOKENS, picture=True),
    Way(stream=False, max_tokens=FEW_TOKENS, picture=True),
    Way(stream=False, max_tokens=FEW_TOKENS, picture=False),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeReply:
    """The result of asking the question.

    Attributes:
        way: how it was answered; None if it was not.
        refusal: the server's message about the previous way; empty if the first one was answered.
        reasoning: the field with the model's reasoning, or None.
        streamed: whether the reply was an event stream.
        first_s: TTFT in seconds, of a stream.
        headers: those of the reply.
    """

    way: Way | None
    status: int
    refusal: str = ""
    text: str = ""
    finish_reason: str | None = None
    reasoning: str | None = None
    streamed: bool = False
    first_s: float = 0.0
    headers: Mapping[str, str]


def ask(option: TargetOption, model: str) -> ProbeReply:
    """Ask in each of `WAYS` until one is answered. Raises httpx.HTTPError if there is no reply."""
    reply = ProbeReply(way=None, status=0, headers={})
    for way in WAYS:
        refusal = reply.refusal
        reply = _ask(option, model, way)
        if reply.way is not None:
            return replace(reply, refusal=refusal)
        if reply.status in FINAL_STATUSES or reply.status >= 500:
            break
    return reply


def _ask(option: TargetOption, model: str, way: Way) -> ProbeReply:
    return send(option, model, way, [picture_url()] if way.picture else [])


def send(option: TargetOption, model: str, way: Way, pictures: Sequence[str]) -> ProbeReply:
    """Ask once, with these pictures (data URLs). Raises httpx.HTTPError if there is no reply."""
    import httpx

    proxy, began = proxy_for(option.target.chat_url), time.monotonic()
    with (
        httpx.Client(
            headers=option.request_headers,
            timeout=TIMEOUT_S,
            proxy=None if proxy is None else proxy.url,
            verify=ssl_context(),
            trust_env=False,
        ) as client,
        client.stream("POST", option.target.chat_url, json=_body(model, way, pictures)) as response,
    ):
        if response.status_code != 200:
            said = server_message(option.redaction.error(response.read()))
            return ProbeReply(way=None, status=response.status_code, refusal=said, headers=response.headers)
        return _without_credentials(_read(response, way, began), option)


def _without_credentials(reply: ProbeReply, option: TargetOption) -> ProbeReply:
    headers = {name: option.redaction.text(value) for name, value in reply.headers.items()}
    return replace(reply, text=option.redaction.text(reply.text), headers=headers)


def _body(model: str, way: Way, pictures: Sequence[str]) -> dict[str, Any]:
    images = [{"type": "image_url", "image_url": {"url": url}} for url in pictures]
    return {
        "model": model,
        "messages": [{"role": "user", "content": [*images, {"type": "text", "text": QUESTION}]}],
        "max_tokens": way.max_tokens,
        "temperature": 0.0,
        **({"stream": True} if way.stream else {}),
    }


def _read(response: httpx.Response, way: Way, began: float) -> ProbeReply:
    streamed = "text/event-stream" in response.headers.get("content-type", "")
    if streamed:
        first_s, parts = 0.0, []
        for part in _events(response.iter_lines()):
            first_s = first_s or time.monotonic() - began
            parts.append(part)
    else:
        first_s, parts = 0.0, [_choice(response.read(), "message")]
    return ProbeReply(
        way=way,
        status=200,
        text="".join(_text(message, "content") for message, _ in parts).strip(),
        finish_reason=next((reason for _, reason in reversed(parts) if reason), None),
        reasoning=next(
            (name for name in REASONING_FIELDS if any(_text(message, name) for message, _ in parts)), None
        ),
        streamed=streamed,
        first_s=first_s,
        headers=response.headers,
    )


def _events(lines: Iterable[str]) -> Iterator[tuple[Mapping[str, Any], str | None]]:
    for line in lines:
        data = line.removeprefix("data:").strip()
        if line.startswith("data:") and data != "[DONE]":
            yield _choice(data.encode(), "delta")


def _choice(body: bytes, name: str) -> tuple[Mapping[str, Any], str | None]:
    """Return the first choice's message or delta, and its finish reason.

    Empty if the reply is not a completion.
    """
    try:
        data = json.loads(body)
    except ValueError:
        return {}, None
    choices = data.get("choices") if isinstance(data, dict) else None
    choice = choices[0] if isinstance(choices, list) and choices and isinstance(choices[0], dict) else {}
    message = choice.get(name)
    return message if isinstance(message, dict) else {}, choice.get("finish_reason")


def _text(message: Mapping[str, Any], name: str) -> str:
    value = message.get(name)
    return value if isinstance(value, str) else ""


def picture_url() -> str:
    """Return a red square on white as a data URL."""
    from PIL import Image

    picture = Image.new("RGBA", (96, 96), "white")
    picture.paste(Image.new("RGBA", (48, 48), COLOUR), (24, 24))
    file = io.BytesIO()
    picture.save(file, "PNG")
    return f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}"
