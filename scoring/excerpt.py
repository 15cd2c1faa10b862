"""Excerpts of JSON values that a model wrote, small and safe enough to store in a score and to send anywhere."""

from __future__ import annotations

from scoring.reference import JSON

MAX_DEPTH = 3
MAX_ITEMS = 20
MAX_CHARS = 200
CUT = "..."


def excerpt(value: JSON, *, depth: int = MAX_DEPTH) -> JSON:
    """Return the value with long strings, long lists and deep nesting cut (marked by "..."), without lone surrogates.

    JSON escapes can put a lone surrogate into a text that had none. It cannot be encoded, and it ends an
    xdist session. Nesting that the JSON reader accepts can be too deep for recursive writers.
    """
    match value:
        case str():
            return excerpt_text(value)
        case list() if depth > 0:
            items = [excerpt(item, depth=depth - 1) for item in value[:MAX_ITEMS]]
            return items if len(value) <= MAX_ITEMS else [*items, CUT]
        case dict() if depth > 0:
            pairs = list(value.items())[:MAX_ITEMS]
            fields = {excerpt_text(key): excerpt(item, depth=depth - 1) for key, item in pairs}
            return fields if len(value) <= MAX_ITEMS else {**fields, CUT: CUT}
        case list() | dict():
            return CUT
        case _:
            return value


def excerpt_text(text: str) -> str:
    """Return the first `MAX_CHARS` characters, with "..." if there were more; lone surrogates become question marks."""
    clean = text[:MAX_CHARS].encode("utf-8", "replace").decode("utf-8")
    return clean if len(text) <= MAX_CHARS else clean + CUT
