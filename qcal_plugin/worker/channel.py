"""The private socket between xdist workers and the engine in the controller: length-prefixed JSON.

ChannelError    a reply that belongs to another question
"""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import json
import secrets
import shutil
import socket
import struct
import tempfile
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from qcal_plugin.engine.failures import EngineStopped
from qcal_plugin.engine.outcome import Outcome, outcome_from_json, outcome_to_json
from reports.records.records import ItemKey, PlannedItem, key_from_json, key_to_json

_LENGTH = struct.Struct(">I")


class ChannelError(Exception):
    """The channel answered something else than what was asked; ``str()`` says what."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelAddress:
    """Where a worker finds the engine. ``path`` of a unix socket, else ``port`` on loopback; ``token`` opens it."""

    path: str | None
    port: int | None
    token: str = field(repr=False)

    def to_json(self) -> str:
        """As text, for ``workerinput``."""
        return json.dumps({"path": self.path, "port": self.port, "token": self.token})

    @classmethod
    def from_json(cls, text: str) -> ChannelAddress:
        """Inverse of `to_json`."""
        return cls(**json.loads(text))


class ChannelServer:
    """Serves the workers from the engine's event loop."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        *,
        demand: Callable[[ItemKey], Future[Outcome]],
        declare: Callable[[tuple[PlannedItem, ...]], None],
    ) -> None:
        self._loop = loop
        self._demand = demand
        self._declare = declare
        self._token = secrets.token_hex(16)
        self._folder: str | None = None
        self._server: asyncio.Server | None = None

    def start(self) -> ChannelAddress:
        """Open the socket: a unix socket in a folder of mode 0700, or loopback TCP where there are none."""
        return asyncio.run_coroutine_threadsafe(self._open(), self._loop).result()

    def close(self) -> None:
        """Remove the socket's folder. The connections end with the event loop."""
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)

    async def _open(self) -> ChannelAddress:
        if hasattr(socket, "AF_UNIX"):
            self._folder = tempfile.mkdtemp(prefix="qcal-")
            path = str(Path(self._folder) / "engine")
            self._server = await asyncio.start_unix_server(self._serve, path)
            return ChannelAddress(path=path, port=None, token=self._token)
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        port = self._server.sockets[0].getsockname()[1]
        return ChannelAddress(path=None, port=port, token=self._token)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One worker: a token, then declarations and demands, one after the other, until it hangs up."""
        try:
            if not await self._knows_token(reader):
                return
            while True:
                message = await _receive(reader)
                if "declare" in message:
                    self._declare(tuple(planned_from_json(item) for item in message["declare"]))
                    reply: dict[str, Any] = {}
                else:
                    reply = await self._answer(key_from_json(message["demand"]))
                writer.write(_packed(reply))
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        except asyncio.CancelledError:
            return  # the engine closes; asyncio would report a connection's task that ends as cancelled
        finally:
            writer.close()

    async def _knows_token(self, reader: asyncio.StreamReader) -> bool:
        try:
            greeting = await _receive(reader)
        except ValueError:
            return False
        return hmac.compare_digest(json.dumps(greeting), json.dumps({"token": self._token}))

    async def _answer(self, key: ItemKey) -> dict[str, Any]:
        future = asyncio.wrap_future(self._demand(key))
        try:
            outcome = await future
        except EngineStopped as stopped:
            return {"key": key_to_json(key), "stopped": str(stopped)}
        return {"key": key_to_json(key), "outcome": outcome_to_json(outcome)}


class ChannelClient:
    """A worker's end. Standard library only; used by one thread."""

    def __init__(self, address: ChannelAddress) -> None:
        self._address = address
        self._socket: socket.socket | None = None

    def declare(self, planned: Iterable[PlannedItem]) -> None:
        """Tell the engine which items this worker may demand."""
        self._exchange({"declare": [planned_to_json(item) for item in planned]})

    def demand(self, key: ItemKey) -> Outcome:
        """Wait for an item's outcome. Raises EngineStopped, also where the controller is gone."""
        reply = self._exchange({"demand": key_to_json(key)})
        if key_from_json(reply["key"]) != key:
            self.close()
            raise ChannelError(f"asked for {key}, got {reply['key']}")
        if "stopped" in reply:
            raise EngineStopped(reply["stopped"])
        return outcome_from_json(reply["outcome"])

    def close(self) -> None:
        """Hang up."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _exchange(self, message: dict[str, Any]) -> dict[str, Any]:
        """Send one message and wait for its reply; after any interruption the connection is dropped, never reused.

        A reply left unread would answer the next demand: that once gave tests other items' answers.
        """
        connection, self._socket = self._socket or self._connect(), None
        with contextlib.ExitStack() as interrupted:
            interrupted.callback(connection.close)
            try:
                connection.sendall(_packed(message))
                size = _LENGTH.unpack(_read_exactly(connection, _LENGTH.size))[0]
                reply: dict[str, Any] = json.loads(_read_exactly(connection, size))
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
            connection.sendall(_packed({"token": self._address.token}))
        except OSError as error:
            raise EngineStopped(f"the controller of this run is gone ({error})") from error
        return connection


def planned_to_json(item: PlannedItem) -> dict[str, Any]:
    """A planned item as plain JSON."""
    return {**key_to_json(item.key), "family": item.family, "scenario_type": item.scenario_type}


def planned_from_json(data: dict[str, Any]) -> PlannedItem:
    """Inverse of `planned_to_json`."""
    return PlannedItem(key=key_from_json(data), family=data["family"], scenario_type=data["scenario_type"])


def _packed(message: dict[str, Any]) -> bytes:
    data = json.dumps(message).encode()
    return _LENGTH.pack(len(data)) + data


async def _receive(reader: asyncio.StreamReader) -> dict[str, Any]:
    size = _LENGTH.unpack(await reader.readexactly(_LENGTH.size))[0]
    message: dict[str, Any] = json.loads(await reader.readexactly(size))
    return message


def _read_exactly(connection: socket.socket, size: int) -> bytes:
    data = bytearray()
    while len(data) < size:
        chunk = connection.recv(min(65536, size - len(data)))
        if not chunk:
            raise ConnectionError("closed")
        data += chunk
    return bytes(data)
