"""Replies to chat completions as values (docs/protocol.md#answers), in the many forms that servers give them.

MalformedReply    a successful status whose body is not a chat completion
ErrorInReply      a successful status whose body reports an error
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

ERROR_REASONS = frozenset(
    {"error", "abort", "aborted", "cancelled", "canceled", "network_error", "upstream_error"}
)
"""Values of ``finish_reason`` for an interrupted generation, whose text is not an answer."""

MOST_TOKENS = 2**40
"""No reply has more tokens; larger counts are ignored."""

UTF8_BOM = b"\xef\xbb\xbf"


class MalformedReply(Exception):
    """The body of a successful reply is not a chat completion. The message says what is wrong with it."""


class ErrorInReply(Exception):
    """The body of a successful reply reports an error.

    Attributes:
        error: the error object or text.
        partial: whether the reply has a choice, which means that generation had begun.
    """

    def __init__(self, error: object, *, partial: bool) -> None:
        super().__init__(str(error))
        self.error = error
        self.partial = partial


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatReply:
    """The content of a chat completion. Texts are stripped, and None if the reply has none.

    Attributes:
        content: the message's content; for a list, its parts of type ``text`` joined by a space.
        reasoning: from ``reasoning`` or ``reasoning_content``.
        refusal: the server's explanation in place of an answer.
        model: the model that answered, as reported by the server; ``fingerprint`` and ``provider`` too.
        ttft_s: seconds from sending to the first text of a streamed reply.
        attempts: requests sent for this reply, this one included.
        latency_s: seconds from sending the last of them to the last byte of the reply.
        sent_at: the time of sending it, by the monotonic clock.
    """

    content: str | None
    reasoning: str | None = None
    refusal: str | None = None
    finish_reason: str | None = None
    model: str | None = None
    fingerprint: str | None = None
    provider: str | None = None
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    reasoning_tokens: int | None = None
    ttft_s: float | None = None
    attempts: int = 1
    latency_s: float = 0.0
    sent_at: float = 0.0

    @property
    def from_reasoning(self) -> bool:
        """Whether the reasoning is used as the answer, because content is null."""
        return self.content is None and self.reasoning is not None

    @property
    def text(self) -> str | None:
        """The answer: content, else reasoning; None if there is neither."""
        return self.reasoning if self.content is None else self.content

    def with_texts(self, change: Callable[[str], str]) -> ChatReply:
        """Return the same reply with `change` applied to each of its texts."""
        texts = [(name, getattr(self, name)) for name in _TEXTS]
        changed: dict[str, Any] = {name: change(text) for name, text in texts if text is not None}
        return replace(self, **changed)


_TEXTS = ("content", "reasoning", "refusal", "finish_reason", "model", "fingerprint", "provider")


def parse_reply(body: bytes) -> ChatReply:
    """Read a chat completion. Raises ErrorInReply, and MalformedReply for anything else."""
    try:
        data = json.loads(body.removeprefix(UTF8_BOM))
    except (ValueError, RecursionError) as error:
        raise MalformedReply(f"the reply is not JSON ({_first_words(body)})") from error
    choice = _choice(data)
    message = choice.get("message")
    if not isinstance(message, dict):
        raise MalformedReply("the reply's choice has no message")
    return reply_of(
        data,
        content=_content(message.get("content")),
        reasoning=_reasoning(message),
        refusal=_text_or_none(message.get("refusal")),
        finish_reason=choice.get("finish_reason"),
    )


def reply_of(
    data: Mapping[str, Any],
    *,
    content: str | None,
    reasoning: str | None,
    refusal: str | None,
    finish_reason: object,
    ttft_s: float | None = None,
) -> ChatReply:
    """Combine a message with the reply's metadata: the model that answered, and the usage."""
    usage = data.get("usage")
    usage = usage if isinstance(usage, dict) else {}
    details = usage.get("completion_tokens_details")
    return ChatReply(
        content=content,
        reasoning=reasoning,
        refusal=refusal,
        finish_reason=finish_reason if isinstance(finish_reason, str) else None,
        model=_text_or_none(data.get("model")),
        fingerprint=_text_or_none(data.get("system_fingerprint")),
        provider=_text_or_none(data.get("provider")),
        prompt_tokens=_count(usage.get("prompt_tokens")),
        completion_tokens=_count(usage.get("completion_tokens")),
        reasoning_tokens=_count(details.get("reasoning_tokens") if isinstance(details, dict) else None),
        ttft_s=ttft_s,
    )


def content_text(content: object) -> str | None:
    """Return the text of a message's content: for a list, its parts of type ``text``, joined by a space.

    None if it is neither text nor a list.
    """
    if isinstance(content, list):
        parts = [part for part in content if isinstance(part, dict) and part.get("type") == "text"]
        content = " ".join(part["text"] for part in parts if isinstance(part.get("text"), str))
    return content if isinstance(content, str) else None


def clean_text(text: str) -> str:
    """Replace lone surrogates by U+FFFD: neither UTF-8 files nor xdist can represent them."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _choice(data: object) -> dict[str, Any]:
    if not isinstance(data, dict):
        raise MalformedReply("the reply is JSON but not an object")
    choices = data.get("choices")
    choice = choices[0] if isinstance(choices, list) and choices and isinstance(choices[0], dict) else None
    if choice is None:
        if data.get("error"):
            raise ErrorInReply(data["error"], partial=False)
        raise MalformedReply("the reply has no choices")
    if choice.get("error"):
        raise ErrorInReply(choice["error"], partial=True)
    finish_reason = choice.get("finish_reason")
    if isinstance(finish_reason, str) and finish_reason.lower() in ERROR_REASONS:
        raise ErrorInReply(
            data.get("error") or f"generation broke off (finish_reason: {finish_reason})", partial=True
        )
    return choice


def _content(content: object) -> str | None:
    """Return the text of a message's content; None if it is null. Raises MalformedReply for other types."""
    if content is None:
        return None
    text = content_text(content)
    if text is None:
        raise MalformedReply(
            f"the reply's content is neither text nor a list of parts but {type(content).__name__}"
        )
    return clean_text(text).strip()


def _reasoning(message: Mapping[str, Any]) -> str | None:
    return _text_or_none(message.get("reasoning")) or _text_or_none(message.get("reasoning_content"))


def _text_or_none(value: object) -> str | None:
    """Return a text that is not blank, stripped; None for anything else."""
    return clean_text(value).strip() or None if isinstance(value, str) else None


def _count(value: object) -> int | None:
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MOST_TOKENS:
        return value
    return None


def _first_words(body: bytes) -> str:
    return f"{len(body)} bytes beginning with {body[:60]!r}"
