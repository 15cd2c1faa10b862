"""Requests to the API of a CI. Messages and logs never show the token.

CIError
    CIRefusedError      the API answered with an error; ``status`` is that of HTTP
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias
from urllib.parse import urljoin, urlsplit

from qcal_plugin.engine.failures import message_line, server_message
from qcal_plugin.engine.network import proxy_credentials, proxy_for, ssl_context
from qcal_plugin.engine.redaction import Redaction
from scoring.errors import QCalError
from scoring.reference import JSON

if TYPE_CHECKING:
    import httpx

TIMEOUT_S = 60.0
CONNECTION_RETRIES = 2
MAX_REDIRECTS = 5
MAX_ARCHIVE_BYTES = 2_000_000_000
PAGE_SIZE = 100
MAX_PAGES = 50

Query: TypeAlias = Mapping[str, str | int]
Entry: TypeAlias = Mapping[str, JSON]


class CIError(QCalError):
    """Nothing can be read from or written to the CI; ``str()`` is for the user."""


class CIRefusedError(CIError):
    """The API answered with an error; ``status`` is that of HTTP."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """Sends requests to one API.

    Attributes:
        api_url: where the paths of requests begin, without a slash at its end.
        headers: sent to the API only, never to a server that it redirects to.
        secrets: what messages must not show.
        token_hint: what to do if the API refuses access.
    """

    api_url: str
    headers: Mapping[str, str] = field(repr=False)
    secrets: tuple[str, ...] = field(repr=False)
    token_hint: str

    def get(self, path: str, **query: str | int) -> JSON:
        """Return the JSON at a path. Raises CIError."""
        return self._json("GET", path, params=query)

    def pages(self, path: str, key: str | None = None, **query: str | int) -> Iterator[list[Entry]]:
        """Yield the objects of each page, until a page is not full.

        A page is a list, or an object that holds it under ``key``. Raises CIError.
        """
        for number in range(1, MAX_PAGES + 1):
            page = self.get(path, **query, per_page=PAGE_SIZE, page=number)
            entries = page.get(key) if key and isinstance(page, dict) else page
            entries = entries if isinstance(entries, list) else []
            yield [entry for entry in entries if isinstance(entry, dict)]
            if len(entries) < PAGE_SIZE:
                return

    def send(self, method: str, path: str, body: Mapping[str, str]) -> JSON:
        """Send JSON and return the JSON of the reply. Raises CIError."""
        return self._json(method, path, body=body)

    def download(self, path: str, target: Path, **query: str | int) -> None:
        """Download a path into a file, and follow redirects. Raises CIError."""
        url, headers, params = self.api_url + path, self.headers, query or None
        for _ in range(MAX_REDIRECTS + 1):
            with self._response("GET", url, headers, params) as response:
                if not response.is_redirect:
                    return self._save(response, target)
                location = urljoin(url, response.headers.get("location", ""))
            if _origin(location) != _origin(self.api_url):
                headers = {}  # the signed link needs no token, and another server must not get it
            url, params = location, None
        raise CIError(f"{self._redaction().text(self.api_url + path)}: more than {MAX_REDIRECTS} redirects")

    def _json(
        self, method: str, path: str, *, params: Query | None = None, body: Mapping[str, str] | None = None
    ) -> JSON:
        with self._response(method, self.api_url + path, self.headers, params, body) as response:
            content = response.read()
        try:
            data: JSON = json.loads(content)
        except ValueError:
            said = message_line(self._redaction().text(content[:200].decode("utf-8", "replace")))
            raise CIError(
                f"{self._redaction().text(self.api_url + path)}: expected JSON, got {said!r}"
            ) from None
        return data

    @contextmanager
    def _response(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        params: Query | None,
        body: Mapping[str, str] | None = None,
    ) -> Iterator[httpx.Response]:
        import httpx

        redaction = self._redaction(url)
        proxy = proxy_for(url)
        transport = httpx.HTTPTransport(
            verify=ssl_context(), retries=CONNECTION_RETRIES, proxy=None if proxy is None else proxy.url
        )
        try:
            with (
                redaction.of_log("httpx"),
                httpx.Client(transport=transport, timeout=TIMEOUT_S, trust_env=False) as client,
                client.stream(method, url, headers=headers, params=params, json=body) as response,
            ):
                self._check(response, method, redaction)
                yield response
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            reason = message_line(redaction.text(str(error))) or type(error).__name__
            raise CIError(f"{_origin(url)}: no complete reply: {reason}") from error

    def _check(self, response: httpx.Response, method: str, redaction: Redaction) -> None:
        status = response.status_code
        if status < 400:
            return
        said = server_message(redaction.error(response.read()))
        hint = f". {self.token_hint}" if status in {401, 403} else ""
        place = f"{method} {_without_query(str(response.request.url))}"
        raise CIRefusedError(redaction.text(f"{place}: HTTP {status}: {said}{hint}"), status)

    @staticmethod
    def _save(response: httpx.Response, target: Path) -> None:
        size = 0
        with target.open("wb") as file:
            for part in response.iter_bytes():
                size += len(part)
                if size > MAX_ARCHIVE_BYTES:
                    raise CIError(f"the artefact is larger than {MAX_ARCHIVE_BYTES / 1e9:g} GB")
                file.write(part)

    def _redaction(self, url: str = "") -> Redaction:
        """Return what removes secrets from messages and logs.

        In a link to storage the query is a signature.
        """
        return Redaction((*self.secrets, *proxy_credentials(), urlsplit(url).query))


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"


def _without_query(url: str) -> str:
    """Return the URL without its query, in which links to storage have their signature."""
    return url.partition("?")[0]
