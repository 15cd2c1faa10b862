"""Adapts requests to servers that refuse parameters of the protocol.

For example, OpenAI's reasoning models do not accept ``max_tokens``, and accept only the default temperature.
Their 400 names the parameter. The request is changed accordingly, once for each model, and every report lists
the change as a deviation from the protocol (docs/endpoints.md).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from scoring.reference import JSON

REFUSING_STATUSES = frozenset({400, 422})


class Change(StrEnum):
    """A change to the protocol's request. The value is stored on disk."""

    RENAME_MAX_TOKENS = "max_completion_tokens"
    DROP_TEMPERATURE = "no_temperature"
    DROP_SCHEMA = "no_response_format"
    DROP_STREAM_OPTIONS = "no_stream_options"

    @property
    def parameter(self) -> str:
        """The field of the request that is changed."""
        return _PARAMETERS[self]

    @property
    def words(self) -> str:
        """The deviation as text, for reports."""
        if self is Change.RENAME_MAX_TOKENS:
            return "max_tokens is sent as max_completion_tokens"
        return f"{self.parameter} is not sent"


_PARAMETERS = {
    Change.RENAME_MAX_TOKENS: "max_tokens",
    Change.DROP_TEMPERATURE: "temperature",
    Change.DROP_SCHEMA: "response_format",
    Change.DROP_STREAM_OPTIONS: "stream_options",
}
REPORTED = frozenset({Change.RENAME_MAX_TOKENS, Change.DROP_TEMPERATURE, Change.DROP_SCHEMA})
"""Changes that are deviations from the protocol, and are therefore in every report."""

_CODES = frozenset({"unsupported_parameter", "unsupported_value", "unknown_parameter", "invalid_parameter"})
_REFUSES = re.compile(
    r"unsupported|not support|n't support|unrecogni[sz]ed|unknown|unexpected|extra (inputs|fields)|not permitted"
    r"|not allowed|only the default|deprecated|cannot be used|must be (1|unset|omitted)|instead",
    re.IGNORECASE,
)


@dataclass(slots=True)
class Adaptation:
    """The changes in force for one model at one endpoint. Belongs to the engine's thread.

    Attributes:
        changes: in the order in which they were learned.
    """

    changes: list[Change] = field(default_factory=list)

    def apply(self, fields: Mapping[str, JSON]) -> dict[str, JSON]:
        """Return the body's fields with the changes made, in the same order.

        Prompt and model are never touched.
        """
        renamed = {"max_tokens": "max_completion_tokens"} if Change.RENAME_MAX_TOKENS in self.changes else {}
        dropped = {change.parameter for change in self.changes} - renamed.keys()
        return {renamed.get(name, name): value for name, value in fields.items() if name not in dropped}

    def learn(
        self, sent: Mapping[str, JSON], *, code: str | None, parameter: str | None, message: str
    ) -> bool:
        """Adapt to a refusal of the fields that were ``sent``. Return whether another attempt makes sense.

        Requests in flight are refused together: for all but the first, the change has been made already and
        the fields they sent are simply out of date.
        """
        refused = self._refused(sent.keys(), code=code, parameter=parameter, message=message)
        if refused is None:
            return False
        if refused not in self.changes:
            self.changes.append(refused)
        return True

    @staticmethod
    def _refused(
        sent: Iterable[str], *, code: str | None, parameter: str | None, message: str
    ) -> Change | None:
        candidates = [change for change in Change if change.parameter in sent]
        if code not in _CODES and not _REFUSES.search(message):
            return None
        named = [change for change in candidates if change.parameter == parameter]
        # some servers only name the parameter in prose; "max_tokens" must not match "max_tokens_to_sample"
        named += [change for change in candidates if re.search(rf"\b{change.parameter}\b", message)]
        return named[0] if named else None
