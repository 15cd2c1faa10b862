"""The private socket between xdist workers and the engine in the controller: length-prefixed JSON.

ChannelError    a reply to another demand
"""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import os
import secrets
import socket
import struct
import tempfile
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from dataclasses import dataclass, field

from qcal_plugin.dataset.temporary import TemporaryFolder
from qcal_plugin.engine.failures import EngineStopped, NotNeeded
from qcal_plugin.engine.result import EngineResult
from reports.records.records import ItemKey, PlannedItem
from reports.records.typed_json import DecodeError, decode, encode

_LENGTH = struct.Struct(">I")


class ChannelError(Exception):
    """The channel replied to another demand; ``str()`` names both."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelAddress:
    """The engine's address: ``path`` of a unix socket, else ``port`` on loopback; with the ``token`` that it wants."""

    path: str | None
    port: int | None
    token: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelCall:
    """A message of a worker: its token first, then a declaration or a demand each."""

    token: str | None = None
    declare: tuple[PlannedItem, ...] = ()
    demand: ItemKey | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelReply:
    """A reply to a worker: empty for a declaration; for a demand, an outcome or one of two reasons for none."""

    key: ItemKey | None = None
    outcome: EngineResult | None = None
    stopped: str | None = None
    not_needed: str | None = None


SOCKET_NAME = "engine"
FOLDER_PREFIX = "qcal-engine-"
LONGEST_SOCKET_PATH = 104
"""Bytes of a unix socket's address, including the final NUL: 108 on Linux, 104 on macOS and BSD."""


class ChannelServer:
    """Serves the workers from the engine's event loop.

    `start` and `close` are called by the controller's main thread; everything else runs in the engine's loop,
    so that the engine's state is never touched by two threads. Each worker has one connection and one call
    open on it at a time: pytest runs a worker's items one after the other.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        *,
        demand: Callable[[ItemKey], Future[EngineResult]],
        declare: Callable[[tuple[PlannedItem, ...]], None],
    ) -> None:
        self._loop = loop
        self._demand = demand
        self._declare = declare
        self._token = secrets.token_hex(16)
        self._folder: TemporaryFolder | None = None
        self._server: asyncio.Server | None = None

    def start(self) -> ChannelAddress:
        """Open the socket: a unix socket in a folder of mode 0700, or loopback TCP on systems without them."""
        return asyncio.run_coroutine_threadsafe(self._open(), self._loop).result()

    def close(self) -> None:
        """Remove the socket's folder. The connections end with the event loop."""
        if self._folder is not None:
            self._folder.close()

    async def _open(self) -> ChannelAddress:
        self._folder = _socket_folder() if hasattr(socket, "AF_UNIX") else None
        if self._folder is not None:
            path = str(self._folder.path / SOCKET_NAME)
            self._server = await asyncio.start_unix_server(self._serve, path)
            return ChannelAddress(path=path, port=None, token=self._token)
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        port = self._server.sockets[0].getsockname()[1]
        return ChannelAddress(path=None, port=port, token=self._token)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one worker: read its token, then reply to declarations and demands in turn until it disconnects."""
        try:
            if not await self._knows_token(reader):
                return
            while True:
                call = await _receive(reader)
                if call.demand is None:
                    self._declare(call.declare)
                    reply = ChannelReply()
                else:
                    reply = await self._answer(call.demand)
                writer.write(_packed(reply))
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        except asyncio.CancelledError:
            return  # the engine closes; asyncio would report a task that ends as cancelled
        finally:
            writer.close()

    async def _knows_token(self, reader: asyncio.StreamReader) -> bool:
        try:
            greeting = await _receive(reader)
        except DecodeError:
            return False
        # Compared in constant time, so that the time of a refusal reveals nothing about the token.
        return hmac.compare_digest((greeting.token or "").encode(), self._token.encode())

    async def _answer(self, key: ItemKey) -> ChannelReply:
        # The engine's loop is this loop: awaiting the wrapped future leaves it free, while result() would
        # block it.
        future = asyncio.wrap_future(self._demand(key))
        try:
            outcome = await future
        except EngineStopped as stopped:
            return ChannelReply(key=key, stopped=str(stopped))
        except NotNeeded as reason:
            return ChannelReply(key=key, not_needed=str(reason))
        return ChannelReply(key=key, outcome=outcome)


def _socket_folder() -> TemporaryFolder | None:
    """Return a new folder whose path leaves room for a socket's name; None if there is none, as with a long TMPDIR.

    It has mode 0700, so other users of the machine cannot connect. The token is for the TCP case.
    """
    for parent in (tempfile.gettempdir(), "/tmp"):  # noqa: S108  # nosec B108  # in a new folder
        if len(os.fsencode(parent)) + len(f"/{FOLDER_PREFIX}12345678/{SOCKET_NAME}") < LONGEST_SOCKET_PATH:
            with contextlib.suppress(OSError):
                return TemporaryFolder(parent, FOLDER_PREFIX)
    return None


class ChannelClient:
    """The worker's end of the channel. It blocks, and only the worker's main thread uses it."""

    def __init__(self, address: ChannelAddress) -> None:
        self._address = address
        self._socket: socket.socket | None = None

    def declare(self, planned: Iterable[PlannedItem]) -> None:
        """Tell the engine which items this worker may demand."""
        self._exchange(ChannelCall(declare=tuple(planned)))

    def demand(self, key: ItemKey) -> EngineResult:
        """Wait for an item's outcome.

        Raises NotNeeded, or EngineStopped, which includes a controller that is gone.
        """
        reply = self._exchange(ChannelCall(demand=key))
        if reply.outcome is None and reply.stopped is not None:
            raise EngineStopped(reply.stopped)
        if reply.key == key and reply.not_needed is not None:
            raise NotNeeded(reply.not_needed)
        if reply.key != key or reply.outcome is None:
            self.close()
            raise ChannelError(f"asked for {key}, got {reply.key}")
        return reply.outcome

    def close(self) -> None:
        """Close the connection."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _exchange(self, call: ChannelCall) -> ChannelReply:
        """Send one message and wait for its reply.

        After an interruption the connection is closed, never reused.

        An unread reply would be taken for that to the next demand, and tests would get other items' answers.
        """
        connection, self._socket = self._socket or self._connect(), None
        with contextlib.ExitStack() as interrupted:
            interrupted.callback(connection.close)
            try:
                connection.sendall(_packed(call))
                size = _LENGTH.unpack(_read_exactly(connection, _LENGTH.size))[0]
                reply = decode(_read_exactly(connection, size), ChannelReply)
            except OSError as error:
                raise EngineStopped(f"the controller of this run is gone ({error})") from error
            interrupted.pop_all()
        self._socket = connection
        return reply

    def _connect(self) -> socket.socket:
        try:
            if self._address.path is not None:
                connection = socket.socket(socket.AF_UNIX)
                connection.connect(self._address.path)
            else:
                connection = socket.create_connection(("127.0.0.1", self._address.port or 0))
            connection.sendall(_packed(ChannelCall(token=self._address.token)))
        except OSError as error:
            raise EngineStopped(f"the controller of this run is gone ({error})") from error
        return connection


def _packed(message: ChannelCall | ChannelReply) -> bytes:
    data = encode(message)
    return _LENGTH.pack(len(data)) + data


async def _receive(reader: asyncio.StreamReader) -> ChannelCall:
    size = _LENGTH.unpack(await reader.readexactly(_LENGTH.size))[0]
    return decode(await reader.readexactly(size), ChannelCall)


def _read_exactly(connection: socket.socket, size: int) -> bytes:
    data = bytearray()
    while len(data) < size:
        chunk = connection.recv(min(65536, size - len(data)))
        if not chunk:
            raise ConnectionError("closed")
        data += chunk
    return bytes(data)
