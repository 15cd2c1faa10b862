"""Endpoint URLs from the command line: a base URL or the full chat-completions URL."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from qcal_plugin.engine.network import proxy_credentials
from qcal_plugin.engine.redaction import Redaction
from scoring.errors import BadValueError

CHAT_PATH = "/chat/completions"
_CREDENTIAL = re.compile("key|token|secret|pass|sig", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """The URLs of an endpoint.

    Attributes:
        chat_url: for chat completions, without user info.
        models_url: for the list of models.
        public_url: the base URL for reports, without user info and query.
        server: scheme, host and port, to which rate limits apply.
        basic_auth: value of the Authorization header for the URL's user info, or None.
        is_chat_url: whether the full URL of chat completions was given.
        credentials: parts of the URL that must not be printed: its password, and keys in its query.
    """

    chat_url: str = field(repr=False)
    models_url: str = field(repr=False)
    public_url: str
    server: str
    basic_auth: str | None = field(repr=False, default=None)
    is_chat_url: bool = False
    credentials: tuple[str, ...] = field(repr=False, default=())


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetOption:
    """An endpoint from the command line: URLs, model (None: the only one it lists), key and further headers."""

    target: Target
    model: str | None
    key: str | None = field(repr=False)
    key_variable: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def authorization(self) -> str | None:
        """The Authorization header, from the key or else from the URL's user info; None to send none."""
        return f"Bearer {self.key}" if self.key else self.target.basic_auth

    @property
    def request_headers(self) -> dict[str, str]:
        """All headers for access: authorization and the user's further headers."""
        own = {"Authorization": self.authorization} if self.authorization else {}
        return {**own, **self.headers}

    @property
    def redaction(self) -> Redaction:
        """Removes all credentials that are sent to the endpoint or to a proxy on the way."""
        values = [word for value in self.headers.values() for word in {value, *value.split()}]
        given = [*self.target.credentials, *([self.key] if self.key else []), *values]
        return Redaction([*given, *proxy_credentials()])


def parse_target(url: str) -> Target:
    """Parse ``http://host:port/v1`` or ``.../v1/chat/completions``.

    Raises BadValueError, without user info in it.
    """
    parts = _split(url)
    if parts.scheme not in {"http", "https"} or not _is_reachable(parts):
        shown = f"{parts.scheme}:..." if "@" in url else repr(url)
        raise BadValueError(
            f"{shown} is not an http or https URL; expected something like http://localhost:8000/v1"
        )
    base_path = parts.path.rstrip("/").removesuffix(CHAT_PATH)
    host = parts.netloc.rpartition("@")[2]
    public_url = f"{parts.scheme}://{host}{base_path}"
    query = f"?{parts.query}" if parts.query else ""
    return Target(
        chat_url=f"{public_url}{CHAT_PATH}{query}",
        models_url=f"{public_url}/models{query}",
        public_url=public_url,
        server=f"{parts.scheme}://{host}",
        basic_auth=_basic_auth(parts),
        is_chat_url=parts.path.rstrip("/").endswith(CHAT_PATH),
        credentials=tuple(_credentials(parts)),
    )


def _split(url: str) -> SplitResult:
    try:
        return urlsplit(url.strip())
    except ValueError as error:  # such as a bracket without its partner
        raise BadValueError(
            f"not a URL ({error}); expected something like http://localhost:8000/v1"
        ) from error


def _is_reachable(parts: SplitResult) -> bool:
    """Whether the host is a valid name and the port a valid number."""
    try:
        return parts.port != 0 and bool((parts.hostname or "").encode("idna")) and " " not in parts.netloc
    except ValueError:
        return False


def _basic_auth(parts: SplitResult) -> str | None:
    if parts.username is None:
        return None
    credentials = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
    return f"Basic {base64.b64encode(credentials.encode()).decode()}"


def _credentials(parts: SplitResult) -> Iterator[str]:
    if parts.username is not None:
        name, password = unquote(parts.username), unquote(parts.password or "")
        yield from (f"{name}:{password}", password or name)
    yield from (value for name, value in parse_qsl(parts.query) if _CREDENTIAL.search(name))
