"""Read values of the command line, or refuse them in one line that names the option."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import pytest

from scoring.errors import BadValueError

S = TypeVar("S")
T = TypeVar("T")


def parsed(flag: str, parse: Callable[[S], T], given: S) -> T:
    """Return what ``parse`` makes of the value; its BadValueError becomes a pytest.UsageError."""
    try:
        return parse(given)
    except BadValueError as error:
        raise pytest.UsageError(f"{flag}: {error}") from error


def at_least(lowest: float, flag: str, value: Any) -> Any:  # noqa: ANN401 - the type that argparse made of it
    """Return the number, if there is one.

    Raises pytest.UsageError if it is below ``lowest`` or not finite.
    """
    if value is not None and not (value >= lowest and value != float("inf")):
        raise pytest.UsageError(f"{flag} {value}: expected a number, at least {lowest:g}")
    return value
