"""Fields of the request body: ``--extra-body``, ``--model-body``, ``--judge-body`` and ``--no-think``."""

from __future__ import annotations

import json
import math

from qcal_plugin.cli.credentials import credential_in
from qcal_plugin.engine.chat import RESERVED_FIELDS
from scoring.errors import BadValueError
from scoring.reference import JSON

TEMPLATE_FIELD = "chat_template_kwargs"
FIXED_FIELDS = frozenset({"model", "messages", "stream", "stream_options"})
"""Fields that no option replaces, because the suite sets them."""


def parse_extra_body(text: str) -> dict[str, JSON]:
    """Read ``{"top_p": 0.9}``.

    Raises BadValueError for values that JSON cannot carry, and for RESERVED_FIELDS.
    """
    return parse_body(text, RESERVED_FIELDS)


def parse_body(text: str, reserved_fields: frozenset[str] = FIXED_FIELDS) -> dict[str, JSON]:
    """Read ``{"temperature": null, "top_p": 0.9}``; null removes a field.

    Raises BadValueError for values that JSON cannot carry, for ``reserved_fields``, and for anything that
    looks like a credential.
    """
    try:
        extra = json.loads(text, parse_constant=_refuse, parse_float=_finite)
    except RecursionError as error:
        raise BadValueError("too deeply nested") from error
    except ValueError as error:
        raise BadValueError(f"not JSON ({error}); expected an object") from error
    if not isinstance(extra, dict):
        raise BadValueError(
            f'{text[:40]} is JSON, but not an object; expected something like {{"top_p": 0.9}}'
        )
    reserved = sorted(reserved_fields & extra.keys())
    if reserved:
        raise BadValueError(f"{', '.join(reserved)}: set by another option, or by the suite")
    if credential := credential_in(extra):
        raise BadValueError(
            f"{credential} looks like a credential, and the body is written into the run's manifest; "
            "send it as a header: --model-header 'NAME: $VARIABLE'"
        )
    return extra


def without_thinking(extra: dict[str, JSON]) -> dict[str, JSON]:
    """Return the fields with ``enable_thinking`` false.

    Raises BadValueError if the field for it is not an object.
    """
    template = extra.get(TEMPLATE_FIELD) or {}
    if not isinstance(template, dict):
        raise BadValueError(
            f"adds to {TEMPLATE_FIELD}, which --extra-body sets to something other than an object"
        )
    return {**extra, TEMPLATE_FIELD: {**template, "enable_thinking": False}}


def _finite(number: str) -> float:
    return float(number) if math.isfinite(float(number)) else _refuse(number)


def _refuse(number: str) -> float:
    raise BadValueError(f"{number} is not a number that JSON can carry")
