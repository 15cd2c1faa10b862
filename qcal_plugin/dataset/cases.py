"""One question about one sample in one mode: the prompt, and the reference for the answer."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias

from reports.records.records import ItemKey
from scoring.reference import Reference


@dataclass(frozen=True, slots=True, kw_only=True)
class TextPart:
    """A text block of a prompt."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ImagePart:
    """An image block of a prompt: an RGBA PNG, as the path of its base64 text, which is read when a request is sent.

    Attributes:
        image_id: the dataset's id of the image.
        sha256: hex digest of the PNG bytes that are sent; part of a request's identity.
        base64_path: file with the base64 of those bytes, ASCII, without line breaks.
        base64_sha256: hex digest of that file; its content is sent only if it has this digest.
        size_bytes: length of that file; 0 if not known.
    """

    image_id: str
    sha256: str
    base64_path: str = field(repr=False)
    base64_sha256: str = field(repr=False, default="")
    size_bytes: int = field(repr=False, default=0)


PromptPart: TypeAlias = TextPart | ImagePart


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One item of the benchmark.

    ``prompt`` is the user message's content, in order (docs/protocol.md#requests).
    """

    key: ItemKey
    family: str
    scenario_type: str
    prompt: tuple[PromptPart, ...]
    reference: Reference
