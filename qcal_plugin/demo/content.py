"""The content of a chat message as baselines read it: texts and pictures in order."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeAlias

_HEADING_END = ":"


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture of a message, by its ``data:`` URL."""

    url: str = field(repr=False)

    def content(self) -> bytes:
        """Return the bytes of the file. Raises ValueError if the URL holds none."""
        try:
            return base64.b64decode(self.url.partition(",")[2], validate=True)
        except binascii.Error as error:
            raise ValueError("a picture's URL holds no base64") from error


Part: TypeAlias = str | Picture


class Shown(NamedTuple):
    """Adjacent pictures, and the text after them."""

    pictures: tuple[Picture, ...]
    text: str


def read_content(content: str | list[dict[str, Any]]) -> tuple[Part, ...]:
    """Return the parts of a message. A part of any other type becomes a picture without content.

    Raises KeyError, TypeError or AttributeError if the content is malformed.
    """
    if isinstance(content, str):
        return (content,)
    return tuple(_part(part) for part in content)


def prompt_text(parts: Sequence[Part]) -> str:
    """Return all texts, joined by line breaks."""
    return "\n".join(part for part in parts if isinstance(part, str))


def shown(parts: Sequence[Part]) -> list[Shown]:
    """Return pictures with the texts after them: demonstrations, then the question.

    Text before them is left out.
    """
    return list(_shown(parts))


def demonstrated(text: str) -> str:
    """Return the answer in the text after a demonstration's pictures, without the headings of the next part."""
    lines = text.strip().splitlines()
    while lines and (not lines[-1].strip() or lines[-1].rstrip().endswith(_HEADING_END)):
        lines.pop()
    return "\n".join(lines)


def _part(part: dict[str, Any]) -> Part:
    if part["type"] == "text":
        text = part["text"]
        if not isinstance(text, str):
            raise TypeError("a text part holds no text")
        return text
    return Picture(part["image_url"]["url"] if part["type"] == "image_url" else "")


def _shown(parts: Sequence[Part]) -> Iterator[Shown]:
    pictures: list[Picture] = []
    texts: list[str] = []
    for part in parts:
        if isinstance(part, Picture):
            if pictures and texts:
                yield Shown(tuple(pictures), "\n".join(texts))
                pictures = []
            texts = []
            pictures.append(part)
        else:
            texts.append(part)
    if pictures:
        yield Shown(tuple(pictures), "\n".join(texts))
