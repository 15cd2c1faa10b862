"""Text from models, servers and files made safe to show: no control sequences, no reordering, a known width.

All that such text is part of goes through `log_text` on its way to a terminal, a log or pytest, and through
`reports.render.markdown.escape` on its way to a summary.
"""

from __future__ import annotations

import re
import unicodedata

_COMMAND = re.compile(r"^[ \t]*(?=::)|##(?=\[|vso\[|teamcity\[)", re.MULTILINE)


def log_text(text: str) -> str:
    """The text as `visible` gives it, with a backslash in whatever a CI would take for a command in a log.

    GitHub looks for lines that begin with ``::`` and for ``##[`` anywhere, Azure Pipelines for ``##vso[``, TeamCity for
    ``##teamcity[``.
    """
    return _COMMAND.sub(lambda match: f"{match[0]}\\", visible(text))


def log_line(text: str) -> str:
    """The same on one line: a line end in what somebody else wrote begins no line of its own."""
    return log_text(one_line(text))


def visible(text: str) -> str:
    """The text with every unprintable character but line ends and tabs as an escape, as in a Python string.

    That takes in control characters, those that change the direction of text, and lone surrogates.
    """
    return "".join(_visible(character) for character in text)


def one_line(text: str) -> str:
    """The text as `visible` gives it, on one line, each run of white space as one space, none at the ends."""
    return visible(" ".join(text.split()))


def display_width(text: str) -> int:
    """Columns that printable text takes on a terminal: East Asian wide characters two, combining marks none."""
    return sum(character_width(character) for character in text)


def character_width(character: str) -> int:
    """Columns that one printable character takes."""
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in {"W", "F"} else 1


def _visible(character: str) -> str:
    if character.isprintable() or character in "\n\t":
        return character
    if unicodedata.category(character) == "Zs":
        return " "
    return character.encode("unicode_escape", "surrogatepass").decode("ascii")
