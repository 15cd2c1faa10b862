"""An OpenAI-compatible HTTP server on loopback, in a thread of this process."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Coroutine
from types import TracebackType
from typing import Any, Self, TypeAlias, TypeVar

from aiohttp import web

Handler: TypeAlias = Callable[[web.Request], Awaitable[web.StreamResponse]]
T = TypeVar("T")

_BACKLOG = 1024
_MAX_BODY_BYTES = 1 << 30


class LoopbackServer:
    """Serves two handlers on 127.0.0.1 while its context lasts, in a daemon thread with a separate event loop.

    A handler is cancelled when its client disconnects. When the context ends, unanswered requests are
    aborted.

    Attributes:
        base_url: ``http://127.0.0.1:PORT/v1``.
        port: the free port that was found.
    """

    base_url: str
    port: int

    def __init__(self, *, chat_completions: Handler, models: Handler) -> None:
        app = web.Application(client_max_size=_MAX_BODY_BYTES)
        app.router.add_post("/v1/chat/completions", chat_completions)
        app.router.add_get("/v1/models", models)
        self._runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=0.1)

    def __enter__(self) -> Self:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="loopback-server", daemon=True)
        self._thread.start()
        self.port = self._run(self._listen())
        self.base_url = f"http://127.0.0.1:{self.port}/v1"
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._run(self._runner.cleanup())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _listen(self) -> int:
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0, backlog=_BACKLOG).start()
        return int(self._runner.addresses[0][1])

    def _run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result()
