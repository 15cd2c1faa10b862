"""Text from models, servers and files made safe to show: no control sequences, no reordering, a known width.

Everything that holds such text goes through `log_text` on its way to a terminal, a log or pytest, and through
`reports.render.markdown.escape` on its way to a summary.
"""

from __future__ import annotations

import re
import unicodedata

_COMMAND = re.compile(r"^[ \t]*(?=::)|##(?=\[|vso\[|teamcity\[)", re.MULTILINE)


def log_text(text: str) -> str:
    """Return the text as `visible` gives it, with a backslash in anything that a CI would run as a command.

    GitHub looks for lines that begin with ``::`` and for ``##[`` anywhere, Azure Pipelines for ``##vso[``,
    TeamCity for ``##teamcity[``.
    """
    return _COMMAND.sub(lambda match: f"{match[0]}\\", visible(text))


def log_line(text: str) -> str:
    """Return `log_text` on one line, so that a line end in the text does not begin a new line of the log."""
    return log_text(one_line(text))


def visible(text: str) -> str:
    """Return the text with every unprintable character but line ends and tabs as an escape, as in a Python string.

    This includes control characters, those that change the direction of text, and lone surrogates.
    """
    return "".join(_visible(character) for character in text)


def one_line(text: str) -> str:
    """Return the text as `visible` gives it, on one line, each run of white space as one space, stripped."""
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
