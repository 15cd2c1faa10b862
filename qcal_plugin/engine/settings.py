"""Settings of an endpoint: URL, headers, streaming, retries and timeouts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from qcal_plugin.engine.redaction import Redaction


class Streaming(StrEnum):
    """Whether to request replies as event streams (``--stream``)."""

    AUTO = "auto"
    """Stream after the first sign that a proxy closes idle connections, or that the server only streams."""
    ALWAYS = "always"
    NEVER = "never"


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointSettings:
    """How to reach an endpoint.

    Attributes:
        url: the full chat-completions URL.
        public_url: the same for messages: base URL without user info and query.
        authorization: value of the Authorization header, or None to send none; in no repr, record or message.
        headers: further headers (``--model-header``); as secret as the key.
        redaction: removes credentials from what the server says.
        streaming: whether to request replies as event streams.
        retries: attempts after the first; rate limiting does not count.
        request_timeout_s: total time of one attempt, from sending to the last byte.
        backoff_s: the wait before attempt n + 1 is uniform in [0, backoff_s x 2^(n - 1)] and at most
            ``backoff_ceiling_s``.
    """

    url: str = field(repr=False)
    public_url: str
    authorization: str | None = field(repr=False, default=None)
    headers: Mapping[str, str] = field(repr=False, default_factory=dict)
    redaction: Redaction = field(default_factory=Redaction)
    streaming: Streaming = Streaming.AUTO
    retries: int = 5
    request_timeout_s: float = 900.0
    backoff_s: float = 1.0
    backoff_ceiling_s: float = 60.0
