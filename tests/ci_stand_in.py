"""The artefact and comment APIs of GitHub and GitLab on loopback, with a storage on another origin behind redirects."""

import io
import json
import zipfile
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, Self
from urllib.parse import parse_qs, unquote, urlsplit

TOKEN = "ghs_of-the-workflow-0123456789"
REPOSITORY, REPOSITORY_ID, FORK_ID, PROJECT = "lab/models", 7, 8, "42"


@dataclass
class SeenRequest:
    method: str
    path: str
    headers: dict[str, str] = field(repr=False)


def zipped(folder: Path, prefix: str = "") -> bytes:
    """The folder's files as an archive."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for file in sorted(folder.rglob("*")):
            if file.is_file():
                archive.write(file, prefix + str(file.relative_to(folder)))
    return content.getvalue()


class CIStandIn:
    """A context manager: two servers, the API (``url``) and the storage.

    ``failing``: a status for all replies.
    """

    def __init__(self) -> None:
        self.artifacts: list[dict[str, Any]] = []
        self.archives: dict[int, bytes] = {}
        self.jobs: dict[tuple[str, str], int] = {}
        """GitLab: (branch, job) -> archive."""
        self.comments: dict[int, str] = {}
        self.locked: set[int] = set()
        """Comments of other people, which may not be edited."""
        self.requests: list[SeenRequest] = []
        self.failing: tuple[int, bytes] | None = None
        self._servers = [
            ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (kind,), {"ci": self}))
            for kind in (_Api, _Storage)
        ]
        self.url, self.storage_url = (f"http://127.0.0.1:{server.server_port}" for server in self._servers)

    def __enter__(self) -> Self:
        for server in self._servers:
            Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        for server in self._servers:
            server.shutdown()
            server.server_close()

    def leave(
        self,
        archive: bytes,
        branch: str,
        name: str = "qcaleval-baseline",
        *,
        fork: bool = False,
        expired: bool = False,
    ) -> int:
        """Keep an artefact of a workflow, newer than those before; GitLab knows its name as that of a job."""
        number = len(self.archives) + 1
        self.archives[number] = archive
        self.jobs[branch, name] = number
        run = {
            "head_branch": branch,
            "repository_id": REPOSITORY_ID,
            "head_repository_id": FORK_ID if fork else REPOSITORY_ID,
        }
        self.artifacts.insert(
            0,
            {
                "id": number,
                "name": name,
                "expired": expired,
                "created_at": f"2026-05-01T00:{number:02}:00Z",
                "workflow_run": run,
            },
        )
        return number

    def github(self) -> dict[str, str]:
        """The environment of a workflow on GitHub, on pull request 12."""
        return {
            "GITHUB_API_URL": self.url,
            "GITHUB_REPOSITORY": REPOSITORY,
            "GITHUB_TOKEN": TOKEN,
            "GITHUB_REF": "refs/pull/12/merge",
            "GITHUB_RUN_ID": "345",
        }

    def gitlab(self) -> dict[str, str]:
        """The environment of a job on GitLab, on merge request 12."""
        return {
            "CI_API_V4_URL": self.url,
            "CI_PROJECT_ID": PROJECT,
            "GITLAB_TOKEN": TOKEN,
            "CI_MERGE_REQUEST_IID": "12",
            "CI_JOB_URL": "https://gitlab.example/job/9",
        }

    def tokens_sent_to_storage(self) -> list[str]:
        return [
            name
            for request in self.requests
            if request.path.startswith("/storage/")
            for name, value in request.headers.items()
            if TOKEN in value
        ]


class _Handler(BaseHTTPRequestHandler):
    ci: CIStandIn
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        """Stay silent."""

    def do_GET(self) -> None:
        self._handle()

    def do_POST(self) -> None:
        self._handle()

    def do_PATCH(self) -> None:
        self._handle()

    def do_PUT(self) -> None:
        self._handle()

    def _handle(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(length)) if length else None
        parts = urlsplit(self.path)
        self.ci.requests.append(SeenRequest(self.command, self.path, dict(self.headers)))
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        if self.ci.failing:
            return self._reply(*self.ci.failing)
        return self.answer(parts.path.strip("/").split("/"), query, body)

    def answer(self, path: list[str], query: dict[str, str], body: Any) -> None:
        raise NotImplementedError

    def _json(self, data: Any, status: int = 200) -> None:
        self._reply(status, json.dumps(data).encode())

    def _reply(self, status: int, content: bytes = b"", headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


class _Storage(_Handler):
    def answer(self, path: list[str], query: dict[str, str], body: Any) -> None:
        if query.get("sig") != "signed" or "Authorization" in self.headers:
            return self._reply(403, b"<Error>signature and token</Error>")
        return self._reply(200, self.ci.archives[int(path[-1])])


class _Api(_Handler):
    def answer(self, path: list[str], query: dict[str, str], body: Any) -> None:
        if TOKEN not in {
            self.headers.get("Authorization", "").removeprefix("Bearer "),
            self.headers.get("PRIVATE-TOKEN"),
            self.headers.get("JOB-TOKEN"),
        }:
            self._json({"message": f"Bad credentials {self.headers.get('Authorization')}"}, 401)
            return
        match path:
            case ["repos", "lab", "models", "actions", "artifacts"]:
                named = [entry for entry in self.ci.artifacts if entry["name"] == query["name"]]
                self._json({"total_count": len(named), "artifacts": self._page(named, query)})
            case ["repos", "lab", "models", "actions", "artifacts", number, "zip"]:
                self._redirect(int(number))
            case ["projects", project, "jobs", "artifacts", branch, "download"] if project == PROJECT:
                number = self.ci.jobs.get((unquote(branch), query["job"]))
                self._redirect(number)
            case ["repos", "lab", "models", "issues", "12", "comments"]:
                self._comments(query, body)
            case ["projects", project, "merge_requests", "12", "notes"] if project == PROJECT:
                self._comments(query, body)
            case [*_, "comments" | "notes", number] if body is not None:
                self._edit(int(number), body)
            case _:
                self._json({"message": "Not Found"}, 404)

    def _redirect(self, number: int | None) -> None:
        if number is None:
            return self._json({"message": "404 Not Found"}, 404)
        return self._reply(302, headers={"Location": f"{self.ci.storage_url}/storage/{number}?sig=signed"})

    def _comments(self, query: dict[str, str], body: Any) -> None:
        if body is None:
            texts = [{"id": number, "body": text} for number, text in sorted(self.ci.comments.items())]
            return self._json(self._page(texts, query))
        number = len(self.ci.comments) + 1
        self.ci.comments[number] = body["body"]
        return self._json({"id": number, "html_url": f"https://github.example/12#{number}"}, 201)

    def _edit(self, number: int, body: Any) -> None:
        if number in self.ci.locked:
            return self._json({"message": "Resource not accessible by integration"}, 403)
        self.ci.comments[number] = body["body"]
        return self._json({"id": number, "html_url": f"https://github.example/12#{number}"})

    @staticmethod
    def _page(entries: list[Any], query: dict[str, str]) -> list[Any]:
        size = int(query["per_page"])
        begin = (int(query["page"]) - 1) * size
        return entries[begin : begin + size]
