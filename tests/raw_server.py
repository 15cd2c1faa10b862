"""A TCP server on loopback that sends fixed bytes to each client, over TLS if it has a certificate."""

import socket
import ssl
import threading
from types import TracebackType
from typing import Self


class RawServer:
    """The server, a context manager; ``accepted`` counts connections."""

    def __init__(self, says: bytes, tls: ssl.SSLContext | None = None) -> None:
        self.accepted = 0
        self._says = says
        self._tls = tls

    def __enter__(self) -> Self:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._listener.close()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.accepted += 1
            threading.Thread(target=self._talk, args=(connection,), daemon=True).start()

    def _talk(self, connection: socket.socket) -> None:
        try:
            with self._tls.wrap_socket(connection, server_side=True) if self._tls else connection as talking:
                talking.recv(65536)
                talking.sendall(self._says)
        except OSError:
            connection.close()
