"""Reading a user's TOML file: every mistake is said with its place, what was found and what is allowed.

Standard library only: read at the start of a session, by workers too.

    TomlError      the file, or a key in it, cannot be used; the message is for the user
"""

from __future__ import annotations

import math
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from scoring.errors import QCalError

T = TypeVar("T")


class TomlError(QCalError):
    """A file that cannot be used."""


def read_file(path: Path, interpret: Callable[[Path, dict[str, Any]], T], kind: type[TomlError]) -> T:
    """What `interpret` makes of the file's content.

    Raises ``kind``, which names the file, for all that is wrong.
    """
    try:
        return interpret(path, _content(path))
    except OSError as error:
        raise kind(f"{path}: {error.strerror}") from error
    except TomlError as error:
        raise kind(f"{path}: {error}") from error


def _content(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise TomlError(f"not TOML ({error})") from error


def check_keys(place: str, table: object, known: set[str]) -> None:
    """Raises TomlError if it is not a table, or has a key that is not known."""
    if not isinstance(table, dict):
        raise TomlError(f"{place} is {table!r}; expected a table")
    if unknown := sorted(table.keys() - known):
        raise TomlError(f"{place}: unknown key {unknown[0]!r}; known: {', '.join(sorted(known))}")


def entries(data: Mapping[str, Any], name: str, purpose: str) -> list[Any]:
    """Return the tables of ``[[name]]``, at least one. Raises TomlError, with the purpose of having one."""
    tables = data.get(name, [])
    if not isinstance(tables, list) or not tables:
        raise TomlError(f"no [[{name}]] in it: without one there is nothing to {purpose}")
    return tables


def text(place: str, table: Mapping[str, Any], name: str) -> str:
    """Return a text that says something. Raises TomlError, also if the key is missing."""
    value = table.get(name)
    if not isinstance(value, str) or not value:
        raise TomlError(f"{place}: {name} is {value!r}; expected a text")
    return value


def number(
    place: str, table: Mapping[str, Any], name: str, lowest: float, highest: float = math.inf
) -> float:
    """Return a finite number within bounds. Raises TomlError, also if the key is missing."""
    value: Any = table.get(name)
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if is_number and lowest <= value <= highest and math.isfinite(value):
        return float(value)
    bounds = f"from {lowest:g} to {highest:g}" if math.isfinite(highest) else f"of at least {lowest:g}"
    raise TomlError(f"{place}: {name} is {value!r}; expected a number {bounds}")


def count(place: str, table: Mapping[str, Any], name: str, what: str, *, lowest: int = 0) -> int | None:
    """Return a whole number of ``what``, at least ``lowest``; None if the key is missing.

    Raises TomlError.
    """
    value = table.get(name)
    if name in table and (isinstance(value, bool) or not isinstance(value, int) or value < lowest):
        raise TomlError(f"{place}: {name} is {value!r}; expected a number of {what}, {lowest} or more")
    return value
