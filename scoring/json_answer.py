"""The JSON in an answer (docs/protocol.md#json-in-an-answer)."""

from __future__ import annotations

import json
from collections.abc import Iterator

from scoring.reference import JSON

_FENCE = "```"


def parse_json(text: str) -> JSON:
    """Return the JSON value in a text; None if there is none, or if it is ``null``.

    These readings are tried in turn, and the first that parses is taken: the whole text; the first fenced
    block; from the first ``{`` to the last ``}``; from the first ``[`` to the last ``]``. Python's reader
    decides, so NaN and Infinity are numbers, and what exceeds its limits (depth of nesting, digits of an
    integer) does not parse.
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
    """Yield the first fenced block's content without the tag ``json``; any other tag stays and breaks the parse."""
    _, opening, rest = text.partition(_FENCE)
    block, closing, _ = rest.partition(_FENCE)
    if opening and closing:
        yield block.removeprefix("json").strip()


def _between(text: str, first: str, last: str) -> Iterator[str]:
    start, end = text.find(first), text.rfind(last)
    if 0 <= start < end:
        yield text[start : end + 1]
