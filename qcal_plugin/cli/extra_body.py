"""Further fields of the request body: ``--extra-body`` and ``--no-think``."""

from __future__ import annotations

import json
import math

from qcal_plugin.engine.chat import RESERVED_FIELDS
from scoring.reference import JSON

TEMPLATE_FIELD = "chat_template_kwargs"


def parse_extra_body(text: str) -> dict[str, JSON]:
    """Read ``{"top_p": 0.9}``. Raises ValueError for what no request body can carry, and for RESERVED_FIELDS."""
    try:
        extra = json.loads(text, parse_constant=_refuse, parse_float=_finite)
    except RecursionError as error:
        raise ValueError("too deeply nested") from error
    except ValueError as error:
        raise ValueError(f"not JSON ({error}); expected an object") from error
    if not isinstance(extra, dict):
        raise ValueError(  # noqa: TRY004 - a user's mistake, not a caller's
            f'{text[:40]} is JSON but no object; expected something like {{"top_p": 0.9}}'
        )
    reserved = sorted(RESERVED_FIELDS & extra.keys())
    if reserved:
        raise ValueError(f"{', '.join(reserved)}: options of their own, or not to be set")
    return extra


def without_thinking(extra: dict[str, JSON]) -> dict[str, JSON]:
    """The fields and ``enable_thinking`` false. Raises ValueError where there is no object to put it in."""
    template = extra.get(TEMPLATE_FIELD) or {}
    if not isinstance(template, dict):
        raise ValueError(  # noqa: TRY004 - a user's mistake, not a caller's
            f"adds to {TEMPLATE_FIELD}, which --extra-body sets to something else than an object"
        )
    return {**extra, TEMPLATE_FIELD: {**template, "enable_thinking": False}}


def _finite(number: str) -> float:
    return float(number) if math.isfinite(float(number)) else _refuse(number)


def _refuse(number: str) -> float:
    raise ValueError(f"{number} is no number that JSON can carry")
