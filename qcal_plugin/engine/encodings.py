r"""Finds a text in another text in any notation: escaped as in JSON, URLs, HTML or headers, or as base64 or hex.

Encodings may be mixed and nested up to ``ROUNDS`` times, as in a percent-encoded JSON string that contains ``\u002B``.
"""

from __future__ import annotations

import base64
import html
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias
from urllib.parse import unquote_to_bytes

ROUNDS = 6
SHORTEST_CORE = 5
"""A text is searched for as base64 only if it determines at least this many characters."""

Span: TypeAlias = tuple[int, int]

_ESCAPE = re.compile(
    r"[\\%=&](?:(?<=\\)(?:"
    r"[uU](?P<high>[dD][89abAB][\da-fA-F]{2})\\[uU](?P<low>[dD][c-fC-F][\da-fA-F]{2})"
    r"|U(?P<long>[\da-fA-F]{8})|[uU](?P<unit>[\da-fA-F]{4}|\{[\da-fA-F]{1,6}\})|[xX](?P<byte>[\da-fA-F]{2})"
    r"|(?P<short>[\"'/\\bfnrt]))"
    r"|(?<=%)(?P<percent>[\da-fA-F]{2}(?:%[\da-fA-F]{2})*)"
    r"|(?<==)(?P<quoted>[\da-fA-F]{2}(?:=[\da-fA-F]{2})*)"
    r"|(?<=&)(?P<entity>\#\d{1,7}|\#[xX][\da-fA-F]{1,6}|[a-zA-Z][a-zA-Z0-9]{1,30});?)",
    re.ASCII,
)
"""One level of escapes. Text that is escaped twice takes two rounds."""
_SHORT = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_BLANKS = re.compile(r"\s+")
_ASCII_LOWER = str.maketrans("ABCDEF", "abcdef")
_STANDARD_ALPHABET = str.maketrans("-_", "+/")


@dataclass(frozen=True, slots=True)
class Needle:
    """A text to find, with the characters that its base64 and hexadecimal forms always contain."""

    plain: tuple[str, ...]
    base64: tuple[_Core, ...]
    hexadecimal: tuple[str, ...]

    def at_least(self, length: int) -> Needle:
        """Return only the forms of at least this length."""
        return Needle(
            tuple(form for form in self.plain if len(form) >= length),
            tuple(core for core in self.base64 if len(core.text) >= length),
            tuple(form for form in self.hexadecimal if len(form) >= length),
        )


@dataclass(frozen=True, slots=True)
class _Core:
    """Characters that base64 always contains, and how many before and after them contain bits of the text too."""

    text: str
    before: int
    after: int


def needle(text: str) -> Needle:
    """Return the forms of `text` to search for."""
    plain = {text, text.replace(" ", "+"), _fully_decoded(text)}
    raw = {text.encode("utf-8", "surrogateescape"), text.encode("utf-16-le", "surrogatepass")}
    cores = {core for each in raw for core in _cores(each) if len(core.text) >= SHORTEST_CORE}
    return Needle(
        tuple(sorted(filter(None, plain), key=len, reverse=True)),
        tuple(sorted(cores, key=lambda core: len(core.text), reverse=True)),
        tuple(sorted(each.hex() for each in raw)),
    )


def replaced(text: str, needles: Sequence[Needle], replacement: str) -> str:
    """Return the text with `replacement` in place of every needle in any form."""
    if not any(_holds_any(view, needles) for view in _views(text)):
        return text
    spans = sorted(span for each in needles for span in _spans(text, each))
    parts, end = [], 0
    for start, stop in spans:
        if start >= end:
            parts += [text[end:start], replacement]
        end = max(end, stop)
    return "".join([*parts, text[end:]])


def _cores(raw: bytes) -> Iterator[_Core]:
    """Yield base64 of a text that begins at the first, second or third byte of a group of three."""
    for shift in range(3):
        encoded = base64.b64encode(b"\0" * shift + raw).decode()
        whole, rest = divmod((shift + len(raw)) * 8, 6)
        start = (0, 2, 3)[shift]
        yield _Core(encoded[start:whole], before=int(shift > 0), after=int(rest > 0))


def _views(text: str) -> Iterator[str]:
    yield text
    for _ in range(ROUNDS):
        decoded = _ESCAPE.sub(_character, text)
        if decoded == text:
            return
        yield decoded
        text = decoded


def _holds_any(view: str, needles: Sequence[Needle]) -> bool:
    compact = "".join(view.split())
    standard, lower = compact.translate(_STANDARD_ALPHABET), compact.translate(_ASCII_LOWER)
    return any(
        any(form in view for form in each.plain)
        or any(core.text in standard for core in each.base64)
        or any(form in lower for form in each.hexadecimal)
        for each in needles
    )


def _spans(text: str, wanted: Needle) -> Iterator[Span]:
    """Yield the places of the needle in the text, as it is and decoded."""
    view, origin = text, list(range(len(text) + 1))
    for _ in range(ROUNDS + 1):
        compact, kept = _substituted(view, _BLANKS, lambda _: "")
        for form in wanted.plain:
            yield from ((origin[start], origin[end]) for start, end in _occurrences(view, form))
        standard, lower = compact.translate(_STANDARD_ALPHABET), compact.translate(_ASCII_LOWER)
        spans = [span for form in wanted.hexadecimal for span in _occurrences(lower, form)]
        spans += [span for core in wanted.base64 for span in _base64_occurrences(standard, core)]
        for start, end in spans:
            yield origin[kept[start]], origin[kept[end - 1] + 1]
        view, steps = _substituted(view, _ESCAPE, _character)
        origin = [origin[step] for step in steps]


def _occurrences(text: str, form: str) -> Iterator[Span]:
    start = text.find(form)
    while start >= 0:
        yield start, start + len(form)
        start = text.find(form, start + 1)


def _base64_occurrences(text: str, core: _Core) -> Iterator[Span]:
    for start, end in _occurrences(text, core.text):
        stop = min(end + core.after, len(text))
        while stop < len(text) and text[stop] == "=":
            stop += 1
        yield max(0, start - core.before), stop


def _substituted(
    text: str, pattern: re.Pattern[str], write: Callable[[re.Match[str]], str]
) -> tuple[str, list[int]]:
    """Do `pattern.sub`, and return the place in `text` of each character of the result, and of its end."""
    parts: list[str] = []
    places: list[int] = []
    end = 0
    for match in pattern.finditer(text):
        parts += [text[end : match.start()], written := write(match)]
        places += range(end, match.start())
        places += [match.start()] * len(written)
        end = match.end()
    return "".join([*parts, text[end:]]), [*places, *range(end, len(text) + 1)]


def _fully_decoded(text: str) -> str:
    *_, last = _views(text)
    return last


def _character(match: re.Match[str]) -> str:
    """Return the character for an escape; the escape itself if it is not valid."""
    kind = match.lastgroup
    escape = match[kind] if kind else ""
    match kind:
        case "low":
            return chr(0x10000 + ((int(match["high"], 16) - 0xD800) << 10) + int(escape, 16) - 0xDC00)
        case "unit" | "long" | "byte":
            code = int(escape.strip("{}"), 16)
            return chr(code) if code < 0x110000 else match[0]
        case "short":
            return _SHORT.get(escape, escape)
        case "percent":
            return unquote_to_bytes(f"%{escape}").decode("utf-8", "surrogateescape")
        case "quoted":
            return unquote_to_bytes(f"%{escape.replace('=', '%')}").decode("utf-8", "surrogateescape")
        case _:
            written = html.unescape(f"&{escape};")
            return match[0] if written == f"&{escape};" else written
