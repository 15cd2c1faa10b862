"""Chat-completion requests as bytes (docs/protocol.md#requests)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from qcal_plugin.dataset.cache import read_verified
from qcal_plugin.dataset.cases import ImagePart, PromptPart, TextPart
from scoring.reference import JSON

RESERVED_FIELDS = frozenset({"model", "messages", "max_tokens", "temperature", "stream"})
"""Fields that ``--extra-body`` cannot replace: they have separate options, or would change the form of the reply."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatRequest:
    """One request: a single user message.

    Attributes:
        prompt: content blocks in order.
        plain_text: whether a lone text part is sent as a plain string (the judge's form) and not as a block.
        extra_body: further top-level fields of the body; they replace the others, and null removes one.
    """

    model: str
    prompt: tuple[PromptPart, ...]
    max_tokens: int
    temperature: float
    extra_body: Mapping[str, JSON] = field(default_factory=dict)
    plain_text: bool = True

    @property
    def sha256(self) -> str:
        """Hex digest of the content: texts, image digests and every parameter, but not the URL."""
        return hashlib.sha256(json.dumps(self._identity(), sort_keys=True).encode()).hexdigest()

    @property
    def fields(self) -> dict[str, JSON]:
        """The body's fields besides model and messages, from the protocol and the command line."""
        given = {"temperature": self.temperature, "max_tokens": self.max_tokens, **self.extra_body}
        return {name: value for name, value in given.items() if value is not None}

    def body(self, fields: Mapping[str, JSON] | None = None) -> ChatBody:
        """Return the JSON body.

        Images are inserted as the base64 bytes on disk, without decoding or encoding them.

        ``fields`` replaces `fields`, for a server that refuses some of them. Raises OSError if an image of
        unknown length is missing; other missing images raise it when the body is read.
        """
        head = json.dumps({"model": self.model})[:-1].encode()
        tail = json.dumps(self.fields if fields is None else dict(fields))[1:].encode()
        opening = b', "messages": [{"role": "user", "content": '
        closing = b"}], " + tail if tail != b"}" else b"}]}"
        pieces = (head, opening, *self._content(), closing)
        return ChatBody(pieces, sum(map(_size, pieces)))

    def _content(self) -> list[bytes | ImagePart]:
        if self.plain_text and len(self.prompt) == 1 and isinstance(self.prompt[0], TextPart):
            return [json.dumps(self.prompt[0].text).encode()]
        pieces: list[bytes | ImagePart] = []
        for part in self.prompt:
            pieces.append(b", " if pieces else b"[")
            pieces.extend(_block(part))
        return [*pieces, b"]"] if pieces else [b"[]"]

    def _identity(self) -> dict[str, Any]:
        parts = [
            part.text if isinstance(part, TextPart) else {"png_sha256": part.sha256} for part in self.prompt
        ]
        return {
            "model": self.model,
            "prompt": parts,
            "max_tokens": self.max_tokens,
            "temperature": self.temperature,
            "extra_body": dict(self.extra_body),
        }


@dataclass(frozen=True, slots=True)
class ChatBody:
    """A request's body, which can be sent several times.

    It holds texts in memory, but reads images from disk.

    ``pieces`` are bytes, or images whose files are inserted. ``size_bytes`` is the total length.
    """

    pieces: tuple[bytes | ImagePart, ...] = field(repr=False)
    size_bytes: int

    @property
    def images(self) -> int:
        """Number of images."""
        return sum(isinstance(piece, ImagePart) for piece in self.pieces)

    @property
    def text_bytes(self) -> int:
        """Length without images."""
        return sum(len(piece) for piece in self.pieces if not isinstance(piece, ImagePart))

    def __bytes__(self) -> bytes:
        """Return the whole body. Raises OSError if an image is missing or damaged."""
        return b"".join(self.chunks())

    def chunks(self) -> Iterator[bytes]:
        """Yield the body up to the end of the next image at a time.

        Raises OSError if one is missing or damaged.
        """
        ready: list[bytes] = []
        for piece in self.pieces:
            if isinstance(piece, ImagePart):
                yield b"".join((*ready, read_verified(Path(piece.base64_path), piece.base64_sha256)))
                ready = []
            else:
                ready.append(piece)
        yield b"".join(ready)


def _size(piece: bytes | ImagePart) -> int:
    if not isinstance(piece, ImagePart):
        return len(piece)
    return piece.size_bytes or Path(piece.base64_path).stat().st_size


def _block(part: PromptPart) -> Sequence[bytes | ImagePart]:
    match part:
        case TextPart():
            return [b'{"type": "text", "text": ', json.dumps(part.text).encode(), b"}"]
        case ImagePart():
            opening = b'{"type": "image_url", "image_url": {"url": "data:image/png;base64,'
            return [opening, part, b'"}}']
