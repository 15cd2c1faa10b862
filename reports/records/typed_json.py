"""Typed JSON for our own files and sockets: dataclasses are written, and read back or refused.

DecodeError    the data are not of the type; the message names the field, as in "Expected `int` - at `$.attempts`"
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, TypeVar

import msgspec

from scoring.errors import QCalError
from scoring.reference import JSON

T = TypeVar("T")


class DecodeError(QCalError):
    """Data that are not JSON, or not of the expected type."""


def encode(data: object) -> bytes:
    """Return the value as compact UTF-8 JSON; dataclasses as objects, named tuples as arrays.

    NaN and infinities become null: use `json_safe` on values that come from answers.
    """
    return msgspec.json.encode(data)


def encode_indented(data: object) -> bytes:
    """Return the value as indented JSON, for files that people open in an editor."""
    return msgspec.json.format(msgspec.json.encode(data), indent=1)


def decode(data: bytes | str, kind: type[T], make: Callable[[type, Any], Any] | None = None) -> T:
    """Return the value, checked against its type; fields that the type does not have are ignored.

    Raises DecodeError.

    A later version may therefore add fields to a file without raising its schema version. ``make`` builds
    values of classes that are not dataclasses. It gets the class and the decoded JSON, and may raise
    ValueError.
    """
    try:
        return msgspec.json.decode(data, type=kind, dec_hook=make)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise DecodeError(str(error)) from error


def convert(data: object, kind: type[T]) -> T:
    """Return decoded JSON as a value of this type. Raises DecodeError."""
    try:
        return msgspec.convert(data, kind)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise DecodeError(str(error)) from error


def decode_object(data: bytes | str) -> dict[str, Any]:
    """Decode a JSON object without checking its fields. Raises DecodeError."""
    return decode(data, dict[str, Any])


def to_builtins(data: object) -> Any:  # noqa: ANN401  JSON has no narrower type
    """Return the value as dicts, lists and plain strings, as it reads in a file."""
    return msgspec.to_builtins(data)


def json_safe(value: JSON) -> JSON:
    """Return the value with NaN and infinities as strings: Python's JSON reader accepts them, strict JSON does not."""
    match value:
        case float() if not math.isfinite(value):
            return str(value)
        case dict():
            return {key: json_safe(item) for key, item in value.items()}
        case list():
            return [json_safe(item) for item in value]
        case _:
            return value
