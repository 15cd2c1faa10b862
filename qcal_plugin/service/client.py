"""Send streamed requests and time them. Failures are results of a load test, so they are not retried.

The client must not be slower than the server. While a stream lasts, each read therefore costs no more than a
clock reading and an append: events are decoded up to the first token, and then after the end. Secrets are
removed from what is kept, and not from each event.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from qcal_plugin.engine.failures import RequestFailed, http_failure, transport_failure
from qcal_plugin.engine.settings import EndpointSettings
from qcal_plugin.engine.stream import EventReader, StreamedReply
from qcal_plugin.engine.transport import MAX_ERROR_BYTES, new_client

if TYPE_CHECKING:
    import httpx


@dataclass(slots=True)
class Timed:
    """One request with its times, in seconds since it was sent.

    ``reply`` holds what arrived before a ``failure``.
    """

    sent_at: float
    reply: StreamedReply = field(default_factory=StreamedReply)
    ttfb_s: float | None = None
    duration_s: float = 0.0
    failure: RequestFailed | None = None
    resent: bool = False


class StreamClient:
    """A pool of connections to one endpoint, for one event loop."""

    def __init__(self, settings: EndpointSettings) -> None:
        self._settings = settings
        self._client = new_client(settings)
        self._client.headers["Accept-Encoding"] = "identity"  # a compressing proxy would hold tokens back

    async def close(self) -> None:
        """Close all connections."""
        await self._client.aclose()

    async def send(self, body: bytes, timed: Timed | None = None) -> Timed:
        """Send one request and read its stream to the end; ``timed`` is filled in as it goes.

        Some servers close a connection after a stream without announcing it, and the next request on it
        fails. That does not count as a failure: the request is sent once more, on another connection, and
        timed from there.
        """
        timed = timed or Timed(sent_at=time.perf_counter())
        await self._attempt(body, timed)
        if timed.failure is not None and timed.failure.kind == "reset" and timed.ttfb_s is None:
            timed.sent_at, timed.failure, timed.resent = time.perf_counter(), None, True
            await self._attempt(body, timed)
        return timed

    async def _attempt(self, body: bytes, timed: Timed) -> None:
        import aiohttp
        import httpx

        try:
            async with asyncio.timeout(self._settings.request_timeout_s):
                async with self._client.stream("POST", self._settings.url, content=body) as response:
                    timed.ttfb_s = time.perf_counter() - timed.sent_at
                    await self._read(response, timed)
        except RequestFailed as failure:
            timed.failure = failure
        except (httpx.TransportError, httpx.DecodingError, aiohttp.ClientError, TimeoutError) as error:
            timed.failure = transport_failure(error, self._settings.redaction)
        finally:
            timed.duration_s = time.perf_counter() - timed.sent_at

    async def _read(self, response: httpx.Response, timed: Timed) -> None:
        redaction = self._settings.redaction
        if response.status_code != 200:
            body = await _beginning(response)
            raise http_failure(response.status_code, response.headers, redaction.error(body))
        if not response.headers.get("content-type", "").startswith("text/event-stream"):
            raise RequestFailed(kind="no_stream", message="the server sent no event stream", http_status=200)
        await self._read_events(response, timed)
        if not timed.reply.ended:
            raise RequestFailed(kind="reset", message="the stream ended without finish_reason or [DONE]")
        if not timed.reply.token_s:
            raise RequestFailed(
                kind="no_answer",
                message=f"the reply has no content (finish_reason: {timed.reply.finish_reason})",
                http_status=200,
            )

    async def _read_events(self, response: httpx.Response, timed: Timed) -> None:
        """Read all events. Raises RequestFailed for an error among them, without secrets."""
        events, unread = EventReader(), list[tuple[float, bytes]]()
        plain = response.headers.get("content-encoding", "identity") == "identity"
        try:
            async for received in response.aiter_raw() if plain else response.aiter_bytes():
                now = time.perf_counter() - timed.sent_at
                if timed.reply.token_s:
                    unread.append((now, received))
                else:
                    self._take(timed.reply, events.feed(received), now)
        except BaseException:  # keep what arrived before a stream was cut
            with contextlib.suppress(RequestFailed):
                self._take_rest(timed, events, unread)
            raise
        self._take_rest(timed, events, unread)

    def _take_rest(self, timed: Timed, events: EventReader, unread: list[tuple[float, bytes]]) -> None:
        for now, received in unread:
            self._take(timed.reply, events.feed(received), now)
        self._take(timed.reply, events.finish(), time.perf_counter() - timed.sent_at)
        reason = timed.reply.finish_reason
        timed.reply.finish_reason = reason and self._settings.redaction.answer(reason)

    def _take(self, reply: StreamedReply, events: list[bytes], now: float) -> None:
        """Decode events.

        The message of a failure may quote an event, so it is made from one without secrets.
        """
        for event in events:
            with contextlib.suppress(RequestFailed):
                reply.take(event, now)
                continue
            reply.take(self._settings.redaction.error(event), now)


async def _beginning(response: httpx.Response) -> bytes:
    body = b""
    async for received in response.aiter_bytes():
        body += received
        if len(body) > MAX_ERROR_BYTES:
            break
    return body
