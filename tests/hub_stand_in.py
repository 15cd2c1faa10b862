"""A Hugging Face Hub on loopback: real HTTP, dataset repositories with commits, and faults on request.

Processes reach it through `HubStandIn.environment`, which the Hub's client reads when it is imported.
"""

import hashlib
import json
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, Self
from urllib.parse import unquote, urlsplit

from qcal_plugin.dataset.layout import FILES


@dataclass
class Repository:
    """Files by commit, and commits by branch or tag."""

    commits: dict[str, dict[str, bytes]] = field(default_factory=dict)
    refs: dict[str, str] = field(default_factory=dict)
    gated: bool = False

    def commit(self, revision: str) -> str | None:
        return revision if revision in self.commits else self.refs.get(revision)


class HubStandIn:
    """A context manager.

    ``requests`` are the (method, path) pairs seen; ``failing`` is a status for all replies.
    """

    def __init__(self) -> None:
        self.repositories: dict[str, Repository] = {}
        self.requests: list[tuple[str, str]] = []
        self.failing: int | None = None
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"hub": self}))
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Refuse connections from now on. It may be called again."""
        self._server.shutdown()
        self._server.server_close()

    def publish(self, name: str, folder: Path, *, ref: str = "main") -> str:
        """Commit the dataset files that the folder has, and return the commit's hash."""
        files = {file: (folder / file).read_bytes() for file in FILES if (folder / file).exists()}
        repository = self.repositories.setdefault(name, Repository())
        commit = hashlib.sha1(repr(sorted(files.items())).encode()).hexdigest()
        repository.commits[commit] = files
        repository.refs[ref] = commit
        return commit

    def environment(self, home: Path) -> dict[str, str]:
        """Return variables for a process that uses this Hub, with its caches below ``home``."""
        return {
            "HF_ENDPOINT": self.url,
            "HF_HOME": str(home / "huggingface"),
            "QCAL_CACHE_DIR": str(home / "qcaleval"),
            "HF_HUB_DISABLE_TELEMETRY": "1",
            "HF_HUB_DISABLE_PROGRESS_BARS": "1",
        }


class _Handler(BaseHTTPRequestHandler):
    hub: HubStandIn
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._answer()

    def do_HEAD(self) -> None:
        self._answer()

    def log_message(self, *_: object) -> None:
        """Stay silent."""

    def _answer(self) -> None:
        path = unquote(urlsplit(self.path).path)
        self.hub.requests.append((self.command, path))
        if self.hub.failing:
            return self._send(self.hub.failing, b"")
        match path.strip("/").split("/"):
            case ["datasets", owner, name, "resolve", revision, *file]:
                return self._find(
                    f"{owner}/{name}", revision, lambda commit, files: self._file(commit, files, file)
                )
            case ["api", "datasets", owner, name]:
                return self._find(f"{owner}/{name}", "main", self._info)
            case ["api", "datasets", owner, name, "revision", revision]:
                return self._find(f"{owner}/{name}", revision, self._info)
            case ["api", "datasets", owner, name, "tree", revision]:
                return self._find(f"{owner}/{name}", revision, self._tree)
            case _:
                return self._send(404, b"")

    def _find(self, name: str, revision: str, reply: Any) -> None:
        repository = self.hub.repositories.get(name)
        if repository is None:
            return self._send(
                401, b"", {"X-Error-Code": "RepoNotFound"}
            )  # as the Hub answers without a token
        if repository.gated:
            return self._send(403, b"", {"X-Error-Code": "GatedRepo"})
        commit = repository.commit(revision)
        if commit is None:
            return self._send(404, b"", {"X-Error-Code": "RevisionNotFound"})
        return reply(commit, repository.commits[commit])

    def _file(self, commit: str, files: dict[str, bytes], path: list[str]) -> None:
        content = files.get("/".join(path))
        if content is None:
            return self._send(404, b"", {"X-Error-Code": "EntryNotFound", "X-Repo-Commit": commit})
        headers = {"X-Repo-Commit": commit, "ETag": f'"{hashlib.sha1(content).hexdigest()}"'}
        return self._send(200, content, headers)

    def _info(self, commit: str, files: dict[str, bytes]) -> None:
        self._send(
            200, json.dumps({"sha": commit, "siblings": [{"rfilename": file} for file in files]}).encode()
        )

    def _tree(self, _commit: str, files: dict[str, bytes]) -> None:
        entries = [{"type": "file", "path": path, "size": len(content)} for path, content in files.items()]
        self._send(200, json.dumps(entries).encode())

    def _send(self, status: int, content: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)
