"""Reads one streamed chat completion and the time of each event.

Servers differ. Supported are: a missing ``[DONE]`` at the end; usage in a separate chunk with empty or
non-empty ``choices``, in the last chunk, or never; a first chunk with only a role or ``content: null``;
reasoning as ``reasoning`` or ``reasoning_content``, or in the content before a lone ``</think>``; comments as
heartbeats; an error as an event.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from qcal_plugin.engine.failures import RequestFailed, reported_failure
from qcal_plugin.engine.reply import (
    ERROR_REASONS,
    ChatReply,
    ErrorInReply,
    clean_text,
    content_text,
    reply_of,
)

END_OF_THOUGHT = "</think>"
DONE = b"[DONE]"


class EventReader:
    """Splits the bytes of a stream into the data of its events.

    Each ``data:`` line is an event. Chat completions never divide an event between lines, and some proxies
    leave out the empty line after it. Lines may end in LF, CRLF or CR, and a read may end anywhere in a line.
    """

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, received: bytes) -> list[bytes]:
        """Return the events that these bytes complete."""
        lines = (self._rest + received).splitlines(keepends=True)
        self._rest = lines.pop() if lines and not lines[-1].endswith(b"\n") else b""
        return _data(lines)

    def finish(self) -> list[bytes]:
        """Return the last event if the stream ended without a line end."""
        lines, self._rest = [self._rest], b""
        return _data(lines)


def _data(lines: list[bytes]) -> list[bytes]:
    payloads = (line.removeprefix(b"data:").strip() for line in lines if line.startswith(b"data:"))
    return [data for data in payloads if data]


@dataclass(slots=True)
class StreamedReply:
    """A reply that is being received. Times are those that are passed to `take`.

    Attributes:
        token_s: the time of each chunk with content or reasoning.
        ended: whether there was a finish reason or ``[DONE]``. If not, the stream was interrupted.
    """

    token_s: list[float] = field(default_factory=list)
    finish_reason: str | None = None
    ended: bool = False
    usage: Mapping[str, Any] = field(default_factory=dict)
    _head: dict[str, Any] = field(default_factory=dict)
    _refusal: list[str] = field(default_factory=list)
    _content: list[tuple[float, str]] = field(default_factory=list)
    _reasoning: list[str] = field(default_factory=list)

    def take(self, data: bytes, now: float) -> None:
        """One event. Raises RequestFailed if it is an error, or no chunk of a chat completion."""
        if data == DONE:
            self.ended = True
            return
        try:
            chunk = _decoded(data)
        except (ValueError, RecursionError) as error:
            raise RequestFailed(kind="malformed", message=f"an event is not JSON ({data[:60]!r})") from error
        if not isinstance(chunk, dict):
            raise RequestFailed(kind="malformed", message=f"an event is not a JSON object ({data[:60]!r})")
        if chunk.get("error"):
            raise reported_failure(chunk["error"], {}, data, partial=True)
        if isinstance(chunk.get("usage"), dict):
            self.usage = chunk["usage"]
        for name in ("model", "system_fingerprint", "provider"):
            if chunk.get(name):
                self._head[name] = chunk[name]
        choices = chunk.get("choices")
        if isinstance(choices, list) and choices and isinstance(choices[0], dict):
            self._take_choice(choices[0], now)

    def _take_choice(self, choice: Mapping[str, Any], now: float) -> None:
        delta = choice.get("delta")
        delta = delta if isinstance(delta, dict) else {}
        content = _text(delta, "content")
        reasoning = _text(delta, "reasoning") or _text(delta, "reasoning_content")
        if content:
            self._content.append((now, content))
        if reasoning:
            self._reasoning.append(reasoning)
        if refusal := _text(delta, "refusal"):
            self._refusal.append(refusal)
        if content or reasoning:
            self.token_s.append(now)
        if isinstance(choice.get("finish_reason"), str):
            self.finish_reason, self.ended = choice["finish_reason"], True

    def reply(self) -> ChatReply:
        """Return the reply as if it had not been streamed.

        Raises ErrorInReply if generation was interrupted.
        """
        if self.finish_reason is not None and self.finish_reason.lower() in ERROR_REASONS:
            raise ErrorInReply(f"generation broke off (finish_reason: {self.finish_reason})", partial=True)
        content, reasoning, refusal = (
            clean_text("".join(parts)).strip()
            for parts in ([text for _, text in self._content], self._reasoning, self._refusal)
        )
        return reply_of(
            {**self._head, "usage": self.usage},
            content=content if self._content or not (reasoning or refusal) else None,
            reasoning=reasoning or None,
            refusal=refusal or None,
            finish_reason=self.finish_reason,
            ttft_s=self.token_s[0] if self.token_s else None,
        )

    @property
    def text(self) -> str:
        """The content; if there is none, the reasoning."""
        return clean_text("".join(text for _, text in self._content) or "".join(self._reasoning)).strip()

    @property
    def from_reasoning(self) -> bool:
        """Whether the text is reasoning because there is no content."""
        return not self._content and bool(self._reasoning)

    @property
    def answer_s(self) -> float | None:
        """The time of the first content that is not blank and not reasoning; None if there was none."""
        whole = "".join(text for _, text in self._content)
        thought = whole.rfind(END_OF_THOUGHT)
        begins = 0 if thought < 0 else thought + len(END_OF_THOUGHT)
        begins += len(whole[begins:]) - len(whole[begins:].lstrip())
        length = 0
        for moment, text in self._content:
            length += len(text)
            if length > begins:
                return moment
        return None

    def count(self, *path: str) -> int | None:
        """Return a count from ``usage``; None if it is missing."""
        value: Any = self.usage
        for name in path:
            value = value.get(name) if isinstance(value, dict) else None
        return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def _decoded(data: bytes) -> Any:  # noqa: ANN401 - JSON
    """Decode an event: a third of the time of `json`, which takes what msgspec refuses, such as NaN."""
    try:
        return msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return json.loads(data)


def _text(delta: Mapping[str, Any], name: str) -> str:
    return content_text(delta.get(name)) or ""
