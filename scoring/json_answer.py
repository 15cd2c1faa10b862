"""The JSON in an answer (docs/protocol.md#json-in-an-answer)."""

from __future__ import annotations

import json
from collections.abc import Iterator

from scoring.reference import JSON

_FENCE = "```"


def parse_json(text: str) -> JSON:
    """The JSON value that a text holds; None where it holds none, or ``null``.

    Tried in turn, the first that parses is taken: the whole text; the first fenced block; from the first ``{`` to the
    last ``}``; from the first ``[`` to the last ``]``. Python's reader decides, so NaN and Infinity are numbers. What
    it refuses (nesting beyond its limit, integers beyond its limit of digits) counts as not parsed.
    """
    for candidate in _candidates(text):
        try:
            value: JSON = json.loads(candidate)
        except (ValueError, RecursionError):
            continue
        return value
    return None


def _candidates(text: str) -> Iterator[str]:
    yield text.strip()
    yield from _first_fenced_block(text)
    yield from _between(text, "{", "}")
    yield from _between(text, "[", "]")


def _first_fenced_block(text: str) -> Iterator[str]:
    """The inside of the first fenced block, without its tag ``json``; any other tag stays and spoils the parse."""
    _, opening, rest = text.partition(_FENCE)
    block, closing, _ = rest.partition(_FENCE)
    if opening and closing:
        yield block.removeprefix("json").strip()


def _between(text: str, first: str, last: str) -> Iterator[str]:
    start, end = text.find(first), text.rfind(last)
    if 0 <= start < end:
        yield text[start : end + 1]
