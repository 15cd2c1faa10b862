"""One HTTP exchange with a chat-completions endpoint: sends, follows redirects, polls, and reads replies and streams.

Every successful status counts as success: some frameworks answer each POST with 201. After a 202, the given
URL is polled. A redirect is followed only if it stays on the host that the user named, so that no other host
gets the key. An event stream is read as one reply, whether or not it was requested.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING
from urllib.parse import urljoin, urlsplit

from qcal_plugin.engine.chat import ChatBody
from qcal_plugin.engine.failures import (
    RequestFailed,
    http_failure,
    proxy_failure,
    redirect_failure,
    reported_failure,
    transport_failure,
)
from qcal_plugin.engine.network import proxy_for, ssl_context
from qcal_plugin.engine.reply import ChatReply, ErrorInReply, MalformedReply, parse_reply
from qcal_plugin.engine.stream import EventReader, StreamedReply
from qcal_plugin.engine.waits import asked_wait_s

if TYPE_CHECKING:
    import httpx

    from qcal_plugin.engine.settings import EndpointSettings

MAX_REPLY_BYTES = 32 * 1024 * 1024
MAX_ERROR_BYTES = 64 * 1024
MAX_REDIRECTS = 4
CONNECT_TIMEOUT_S = 15.0
KEEPALIVE_S = (
    4.0  # uvicorn closes idle connections after 5 s; a request sent on one at that moment would fail
)
POLL_EVERY_S = 1.0
ACCEPTED = 202
REDIRECTS = frozenset({301, 302, 303, 307, 308})
EVENT_STREAM = "text/event-stream"
logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """A complete HTTP response. For an event stream, ``streamed`` holds the events and ``body`` is empty."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    streamed: StreamedReply | None = None


class Transport:
    """Exchanges requests with one endpoint. Belongs to the engine's thread. Connects at the first request."""

    def __init__(self, settings: EndpointSettings) -> None:
        self._settings = settings
        self._url = settings.url
        self._connections: Connections | None = None

    async def chat(self, body: ChatBody) -> ChatReply:
        """Send a body and read the reply, within ``request_timeout_s``. Raises RequestFailed.

        Credentials are removed from the reply and from errors.
        """
        try:
            return await self._chat(body)
        except RequestFailed as failure:
            failure.message = self._settings.redaction.text(failure.message)
            raise

    async def _chat(self, body: ChatBody) -> ChatReply:
        import aiohttp
        import httpx

        # outside the time limit: loading certificates takes a while and does not depend on the server
        self._connections = self._connections or Connections(self._settings)
        try:
            async with asyncio.timeout(self._settings.request_timeout_s):
                received = await self._polled(await self._redirected(body))
        except (httpx.TransportError, httpx.DecodingError, aiohttp.ClientError, TimeoutError) as error:
            failure = transport_failure(error, self._settings.redaction)
            raise proxy_failure(failure, self._proxy_url) from error
        return self._reply(received)

    async def close(self) -> None:
        """Close all connections."""
        if self._connections is not None:
            await self._connections.close()

    @property
    def _proxy_url(self) -> str | None:
        proxy = proxy_for(self._settings.url)
        return None if proxy is None else proxy.public_url

    async def _redirected(self, body: ChatBody) -> Received:
        """Send the body, and again to the target of a redirect on the same host.

        Later requests go there directly.
        """
        for _ in range(MAX_REDIRECTS):
            received = await self._exchange("POST", self._url, body)
            if received.status not in REDIRECTS:
                return received
            location = urljoin(self._url, received.headers.get("location", ""))
            if received.status not in {307, 308} or not stays_on_host(self._url, location):
                raise redirect_failure(received.status, location, self._settings.public_url)
            self._url = location
        raise redirect_failure(received.status, location, self._settings.public_url)

    async def _polled(self, received: Received) -> Received:
        """After a 202, poll the URL that it gives until the reply is there."""
        while received.status == ACCEPTED:
            location = received.headers.get("location") or received.headers.get("operation-location")
            url = urljoin(self._url, location or "")
            if location is None or not stays_on_host(self._url, url):
                raise RequestFailed(
                    kind="http_202",
                    message="HTTP 202 without a URL to poll on the same host",
                    http_status=ACCEPTED,
                )
            await asyncio.sleep(asked_wait_s(received.headers, b"") or POLL_EVERY_S)
            received = await self._exchange("GET", url, None)
        return received

    async def _exchange(self, method: str, url: str, body: ChatBody | None) -> Received:
        import aiohttp
        import httpx

        assert self._connections is not None, "`chat` makes the connections"
        upload = None if body is None else _Upload(body)
        sent_at = time.monotonic()
        try:
            response = await self._connections.send(method, url, upload)
            try:
                headers = {name.lower(): value for name, value in response.headers.items()}
                if response.is_success and headers.get("content-type", "").startswith(EVENT_STREAM):
                    streamed = await self._events(response, sent_at)
                    return Received(status=response.status_code, headers=headers, body=b"", streamed=streamed)
                body_read = await _read(response)
            finally:
                await response.aclose()
        except (httpx.TransportError, aiohttp.ClientError) as error:
            if upload is not None and upload.lost is not None:
                raise upload.lost from error
            raise
        return Received(status=response.status_code, headers=headers, body=body_read)

    async def _events(self, response: httpx.Response, sent_at: float) -> StreamedReply:
        """Read an event stream to its end.

        Raises RequestFailed on an error event, and if the stream is cut.
        """
        reader, reply, size = EventReader(), StreamedReply(), 0
        redaction = self._settings.redaction
        async for chunk in response.aiter_bytes():
            size += len(chunk)
            if size > MAX_REPLY_BYTES:
                raise _too_large()
            for event in reader.feed(chunk):
                reply.take(redaction.reply(event), time.monotonic() - sent_at)
        for event in reader.finish():
            reply.take(redaction.reply(event), time.monotonic() - sent_at)
        if not reply.ended:
            message = "the stream ended without finish_reason or [DONE]"
            raise RequestFailed(kind="reset", message=message, retriable=True)
        return reply

    def _reply(self, received: Received) -> ChatReply:
        redaction = self._settings.redaction
        if not 200 <= received.status < 300:
            failure = http_failure(received.status, received.headers, redaction.error(received.body))
            raise proxy_failure(failure, self._proxy_url)
        try:
            if received.streamed is not None:
                return received.streamed.reply().with_texts(
                    redaction.answer
                )  # a secret may be cut over events
            return parse_reply(redaction.reply(received.body))
        except ErrorInReply as error:
            body = redaction.error(received.body)
            raise reported_failure(error.error, received.headers, body, partial=error.partial) from error
        except MalformedReply as error:
            message = redaction.text(str(error))
            raise RequestFailed(
                kind="malformed", message=message, http_status=received.status, retriable=True
            ) from error


class Connections:
    """A pool of connections to one endpoint, its headers, and the cookies that it has set.

    Raises NetworkError.

    Requests go to httpx's transport directly. Its client would also look for authentication, redirects and
    cookies in each of them, which took a tenth of the engine's CPU time.
    """

    def __init__(self, settings: EndpointSettings) -> None:
        import httpx

        self._transport = new_transport(settings)
        self._client = new_client(settings, self._transport)
        self._extensions = {"timeout": self._client.timeout.as_dict()}
        self._cookies = httpx.Cookies()
        self._public_url = settings.public_url

    async def send(self, method: str, url: str, upload: _Upload | None) -> httpx.Response:
        """Send one request; the response's body is not read yet.

        Raises as `httpx.AsyncBaseTransport` does.
        """
        import httpx

        headers = self._client.headers.copy()
        if upload is not None:
            headers["Content-Length"] = f"{upload.body.size_bytes}"
        request = httpx.Request(
            method,
            _parsed(url),
            headers=headers,
            content=None if upload is None else upload.chunks(),
            extensions=self._extensions,
        )
        if self._cookies:
            self._cookies.set_cookie_header(request)
        response = await self._transport.handle_async_request(request)
        response.request = request
        if "set-cookie" in response.headers:
            self._cookies.extract_cookies(response)
        logger.info("%s %s: HTTP %d", method, self._public_url, response.status_code)
        return response

    async def close(self) -> None:
        """Close all connections."""
        await self._client.aclose()


def new_client(
    settings: EndpointSettings, transport: httpx.AsyncBaseTransport | None = None
) -> httpx.AsyncClient:
    """Make a client of one endpoint, with its headers. Raises NetworkError."""
    import httpx

    headers = httpx.Headers({"Content-Type": "application/json", "User-Agent": "qcaleval-pytest"})
    if settings.authorization:
        headers["Authorization"] = settings.authorization
    headers.update(settings.headers)
    return httpx.AsyncClient(
        headers=headers,
        transport=transport or new_transport(settings),
        timeout=httpx.Timeout(None, connect=CONNECT_TIMEOUT_S),
        trust_env=False,  # qcal_plugin.engine.network reads the environment
    )


def new_transport(settings: EndpointSettings) -> httpx.AsyncBaseTransport:
    """Make a pool of connections without a limit: the `Limiter` counts requests. Raises NetworkError."""
    import httpx
    from httpx_aiohttp import AiohttpTransport

    proxy = proxy_for(settings.url)
    through = None if proxy is None else httpx.Proxy(proxy.url)
    # aiohttp takes a fraction of the CPU time of httpx's own transport, but only the latter supports SOCKS
    if proxy is not None and proxy.is_socks:
        limits = httpx.Limits(max_connections=None, keepalive_expiry=KEEPALIVE_S)
        return httpx.AsyncHTTPTransport(verify=ssl_context(), trust_env=False, limits=limits, proxy=through)
    limits = httpx.Limits(max_connections=0, keepalive_expiry=KEEPALIVE_S)  # 0 means no limit here
    return AiohttpTransport(verify=ssl_context(), trust_env=False, limits=limits, proxy=through)


def stays_on_host(url: str, location: str) -> bool:
    """Whether a redirect stays on the host and does not change from https to http."""
    here, there = urlsplit(url), urlsplit(location)
    return here.hostname == there.hostname and there.scheme in {here.scheme, "https"}


@lru_cache(maxsize=16)
def _parsed(url: str) -> httpx.URL:
    """Parse a URL. Cached: httpx takes a tenth of a request's time for it."""
    import httpx

    return httpx.URL(url)


class _Upload:
    """A body that is being sent. ``lost`` is the error if it could not be read to its end."""

    def __init__(self, body: ChatBody) -> None:
        self.body = body
        self.lost: OSError | None = None

    async def chunks(self) -> AsyncIterator[bytes]:
        """Yield the body in pieces. Raises OSError if an image is missing or damaged."""
        try:
            for chunk in self.body.chunks():
                yield chunk
        except OSError as error:
            self.lost = error
            raise


async def _read(response: httpx.Response) -> bytes:
    """Return the decompressed body; of an error, only the beginning.

    Raises RequestFailed above MAX_REPLY_BYTES.
    """
    chunks: list[bytes] = []
    size = 0
    limit = MAX_REPLY_BYTES if response.is_success else MAX_ERROR_BYTES
    async for chunk in response.aiter_bytes():
        size += len(chunk)
        chunks.append(chunk)
        if size > limit:
            break
    if size > MAX_REPLY_BYTES:
        raise _too_large()
    return b"".join(chunks)


def _too_large() -> RequestFailed:
    message = f"the reply is longer than {MAX_REPLY_BYTES // 2**20} MiB"
    return RequestFailed(kind="too_large", message=message, http_status=200)
