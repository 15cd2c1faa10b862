"""Chat-completion requests as bytes, and replies as answers (PROTOCOL.md section 2)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from qcal_plugin.dataset.cases import ImagePart, PromptPart, TextPart
from scoring.reference import JSON

RESERVED_FIELDS = frozenset({"model", "messages", "max_tokens", "temperature", "stream"})
"""Fields of a request body that ``--extra-body`` cannot replace: they have options of their own, or break the reply."""


class MalformedReply(Exception):
    """A 200 whose body is no chat completion. ``str()`` says what is wrong with it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatRequest:
    """One request: a single user message.

    Attributes:
        prompt: content blocks in order; a lone text part is sent as a plain string (the judge's form).
        extra_body: further top-level fields of the body.
    """

    model: str
    prompt: tuple[PromptPart, ...]
    max_tokens: int
    temperature: float
    extra_body: Mapping[str, JSON] = field(default_factory=dict)

    @property
    def sha256(self) -> str:
        """Hex digest of everything that is asked: texts, image digests, every parameter; not of where it is sent."""
        return hashlib.sha256(json.dumps(self._identity(), sort_keys=True).encode()).hexdigest()

    def body(self) -> ChatBody:
        """The JSON body. Images are joined in as the base64 bytes on disk, never decoded or serialised again.

        Raises OSError where an image is gone.
        """
        head = json.dumps({"model": self.model})[:-1].encode()
        tail = json.dumps({"temperature": self.temperature, "max_tokens": self.max_tokens, **self.extra_body})[1:]
        opening = b', "messages": [{"role": "user", "content": '
        pieces = (head, opening, *self._content(), b"}], ", tail.encode())
        sizes = (piece.stat().st_size if isinstance(piece, Path) else len(piece) for piece in pieces)
        return ChatBody(pieces, sum(sizes))

    def _content(self) -> list[bytes | Path]:
        if len(self.prompt) == 1 and isinstance(self.prompt[0], TextPart):
            return [json.dumps(self.prompt[0].text).encode()]
        pieces: list[bytes | Path] = []
        for part in self.prompt:
            pieces.append(b", " if pieces else b"[")
            pieces.extend(_block(part))
        return [*pieces, b"]"] if pieces else [b"[]"]

    def _identity(self) -> dict[str, Any]:
        parts = [part.text if isinstance(part, TextPart) else {"png_sha256": part.sha256} for part in self.prompt]
        return {
            "model": self.model,
            "prompt": parts,
            "max_tokens": self.max_tokens,
            "temperature": self.temperature,
            "extra_body": dict(self.extra_body),
        }


@dataclass(frozen=True, slots=True)
class ChatBody:
    """A request's body, to be sent as often as needed: hundreds in flight hold their texts, no image.

    ``pieces`` stand for themselves, or for the file that holds them; ``size_bytes`` is the length of all.
    """

    pieces: tuple[bytes | Path, ...] = field(repr=False)
    size_bytes: int

    def __bytes__(self) -> bytes:
        """The whole of it. Raises OSError where an image is gone."""
        return b"".join(self.chunks())

    def chunks(self) -> Iterator[bytes]:
        """The body, read up to the end of the next image at a time. Raises OSError where an image is gone."""
        ready: list[bytes] = []
        for piece in self.pieces:
            if isinstance(piece, Path):
                yield b"".join((*ready, piece.read_bytes()))
                ready = []
            else:
                ready.append(piece)
        yield b"".join(ready)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatReply:
    """What a chat completion says.

    Attributes:
        text: the answer as PROTOCOL.md section 2 reads it: the content, or the reasoning if the content is null; None
            if there is neither.
        from_reasoning: whether ``text`` is the reasoning.
        reasoning: the reasoning that came beside the content.
    """

    text: str | None
    from_reasoning: bool
    reasoning: str | None
    finish_reason: str | None
    prompt_tokens: int | None
    completion_tokens: int | None
    reasoning_tokens: int | None

    @property
    def content(self) -> str | None:
        """The message's content alone, which is all that a judge's reply consists of; None if it is null."""
        return None if self.from_reasoning else self.text


def parse_reply(body: bytes) -> ChatReply:
    """Read a chat completion. Raises MalformedReply on anything else, however broken."""
    try:
        data = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise MalformedReply(f"the reply is not JSON ({_first_words(body)})") from error
    choice = _choice(data)
    message = choice.get("message")
    if not isinstance(message, dict):
        raise MalformedReply("the reply's choice has no message")
    text, from_reasoning = _answer_text(message)
    usage = data.get("usage") if isinstance(data.get("usage"), dict) else {}
    details = usage.get("completion_tokens_details")
    finish_reason = choice.get("finish_reason")
    return ChatReply(
        text=text,
        from_reasoning=from_reasoning,
        reasoning=None if from_reasoning else _reasoning(message),
        finish_reason=finish_reason if isinstance(finish_reason, str) else None,
        prompt_tokens=_count(usage.get("prompt_tokens")),
        completion_tokens=_count(usage.get("completion_tokens")),
        reasoning_tokens=_count(details.get("reasoning_tokens") if isinstance(details, dict) else None),
    )


def content_text(content: object) -> str | None:
    """The text of a message's content: of a list, its parts of type ``text`` (no others), joined by a space.

    None if it is neither text nor a list.
    """
    if isinstance(content, list):
        parts = [part for part in content if isinstance(part, dict) and part.get("type") == "text"]
        content = " ".join(part["text"] for part in parts if isinstance(part.get("text"), str))
    return content if isinstance(content, str) else None


def clean_text(text: str) -> str:
    """The text without lone surrogates, which neither UTF-8 files nor xdist can carry; each becomes U+FFFD."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _block(part: PromptPart) -> Sequence[bytes | Path]:
    match part:
        case TextPart():
            return [b'{"type": "text", "text": ', json.dumps(part.text).encode(), b"}"]
        case ImagePart():
            opening = b'{"type": "image_url", "image_url": {"url": "data:image/png;base64,'
            return [opening, Path(part.base64_path), b'"}}']


def _choice(data: object) -> dict[str, Any]:
    if not isinstance(data, dict):
        raise MalformedReply("the reply is JSON but no object")
    if "choices" not in data and "error" in data:
        raise MalformedReply(f"status 200 with an error in it: {json.dumps(data['error'])[:200]}")
    choices = data.get("choices")
    if not isinstance(choices, list) or not choices or not isinstance(choices[0], dict):
        raise MalformedReply("the reply has no choices")
    return choices[0]


def _answer_text(message: Mapping[str, Any]) -> tuple[str | None, bool]:
    """The answer, and whether it is the message's reasoning (content null)."""
    content = message.get("content")
    from_reasoning = content is None
    if from_reasoning:
        content = message.get("reasoning")
    if content is None:
        return None, False
    text = content_text(content)
    if text is None:
        raise MalformedReply(f"the reply's content is neither text nor a list of parts but {type(content).__name__}")
    return clean_text(text).strip(), from_reasoning


def _reasoning(message: Mapping[str, Any]) -> str | None:
    for name in ("reasoning", "reasoning_content"):
        thought = message.get(name)
        if isinstance(thought, str) and thought.strip():
            return clean_text(thought).strip()
    return None


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def _first_words(body: bytes) -> str:
    return f"{len(body)} bytes beginning with {body[:60]!r}"
