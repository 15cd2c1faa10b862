"""The content of a chat message, as baselines read it: texts and pictures in order."""

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
        """The bytes of the file. Raises ValueError if the URL holds none."""
        try:
            return base64.b64decode(self.url.partition(",")[2], validate=True)
        except binascii.Error as error:
            raise ValueError("a picture's URL holds no base64") from error


Part: TypeAlias = str | Picture


class Shown(NamedTuple):
    """Neighbouring pictures, and the text behind them."""

    pictures: tuple[Picture, ...]
    text: str


def read_content(content: str | list[dict[str, Any]]) -> tuple[Part, ...]:
    """The parts of a message; of parts that are neither text nor picture nothing is known but that they are there.

    Raises KeyError, TypeError or AttributeError if the content is none.
    """
    if isinstance(content, str):
        return (content,)
    return tuple(_part(part) for part in content)


def prompt_text(parts: Sequence[Part]) -> str:
    """All texts, one after the other."""
    return "\n".join(part for part in parts if isinstance(part, str))


def shown(parts: Sequence[Part]) -> list[Shown]:
    """The pictures of a message with their texts: demonstrations, then the question. Text before them is left out."""
    return list(_shown(parts))


def demonstrated(text: str) -> str:
    """The answer in the text behind a demonstration's pictures: without the headings of what follows it."""
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
