"""GitHub and GitLab: the last artefact of a branch, and comments on pull and merge requests.

CIError
    NoArtifactError    the branch has no such artefact (yet)
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol
from urllib.parse import quote

from qcal_plugin.ci.client import CIError, CIRefusedError, Client, Entry

ARTIFACT_NAME_VARIABLE = "QCAL_ARTIFACT_NAME"
GITHUB_ARTIFACT = "qcaleval-baseline"
GITLAB_JOB = "qcaleval"
NOT_A_CI = (
    "this is neither GitHub Actions nor GitLab CI: set GITHUB_REPOSITORY and GH_TOKEN, or CI_API_V4_URL, "
    "CI_PROJECT_ID and GITLAB_TOKEN"
)
_PULL_REF = re.compile(r"refs/pull/(\d+)/")


class NoArtifactError(CIError):
    """The branch has no artefact with that name, or it has expired."""


class Forge(Protocol):
    """A service that runs workflows, stores their artefacts, and shows comments on changes."""

    @property
    def run_url(self) -> str | None:
        """The web page of this run of the workflow; None outside a workflow."""

    def download_artifact(self, branch: str, target: Path) -> None:
        """Download the archive of the branch's last run into a file. Raises CIError."""

    def comments(self) -> Iterator[tuple[str, str]]:
        """Yield the API path and the text of each comment on the change. Raises CIError."""

    def edit_comment(self, address: str, text: str) -> str:
        """Replace a comment and return its web page. Raises CIError."""

    def add_comment(self, text: str) -> str:
        """Comment on the change and return the web page of the comment. Raises CIError."""


def forge_of(environment: Mapping[str, str]) -> Forge:
    """Return the CI that the environment describes. Raises CIError."""
    if environment.get("GITHUB_REPOSITORY"):
        return _github(environment)
    if environment.get("CI_PROJECT_ID") and environment.get("CI_API_V4_URL"):
        return _gitlab(environment)
    raise CIError(NOT_A_CI)


@dataclass(frozen=True, slots=True, kw_only=True)
class GitHub:
    """A repository on GitHub. ``number`` is that of the pull request; None if there is none."""

    client: Client
    repository: str
    artifact: str
    run_url: str | None
    number: int | None

    def download_artifact(self, branch: str, target: Path) -> None:
        """Write the branch's newest artefact into a file. Raises CIError.

        A fork's artefacts do not count: its branches may have any name.
        """
        expired = 0
        path = f"/repos/{self.repository}/actions/artifacts"
        for page in self.client.pages(path, "artifacts", name=self.artifact):
            own = [entry for entry in page if _is_of_branch(entry, branch)]
            usable = [entry for entry in own if not entry.get("expired")]
            expired += len(own) - len(usable)
            if usable:
                newest = max(usable, key=lambda entry: str(entry.get("created_at")))
                return self.client.download(f"{path}/{newest.get('id')}/zip", target)
        gone = f"; {expired} have expired" if expired else ""
        raise NoArtifactError(
            f"no artefact {self.artifact} of branch {branch} in {self.repository}{gone}: "
            f"let the workflow run on {branch} first"
        )

    def comments(self) -> Iterator[tuple[str, str]]:
        """Yield the API path and the text of each comment. Raises CIError."""
        for page in self.client.pages(f"{self._issue}/comments"):
            for entry in page:
                yield f"/repos/{self.repository}/issues/comments/{entry.get('id')}", str(entry.get("body"))

    def edit_comment(self, address: str, text: str) -> str:
        """Replace a comment and return its place. Raises CIError."""
        return _url(self.client.send("PATCH", address, {"body": text}), "html_url")

    def add_comment(self, text: str) -> str:
        """Add a comment and return its place. Raises CIError."""
        return _url(self.client.send("POST", f"{self._issue}/comments", {"body": text}), "html_url")

    @property
    def _issue(self) -> str:
        if self.number is None:
            raise CIError("no pull request to comment on: this workflow was not started by one")
        return f"/repos/{self.repository}/issues/{self.number}"


@dataclass(frozen=True, slots=True, kw_only=True)
class GitLab:
    """A project on GitLab. ``number`` is that of the merge request in the project; None if there is none."""

    client: Client
    project: str
    job: str
    run_url: str | None
    number: str | None

    def download_artifact(self, branch: str, target: Path) -> None:
        """Write the artefact of the branch's last successful pipeline into a file. Raises CIError."""
        path = f"{self._path}/jobs/artifacts/{quote(branch, safe='')}/download"
        try:
            self.client.download(path, target, job=self.job)
        except CIRefusedError as error:
            if error.status != 404:
                raise
            raise NoArtifactError(
                f"no artefact of job {self.job} in the last successful pipeline of branch {branch}: "
                f"let the pipeline run on {branch} first"
            ) from error

    def comments(self) -> Iterator[tuple[str, str]]:
        """Yield the API path and the text of each comment. Raises CIError."""
        for page in self.client.pages(self._notes):
            for entry in page:
                if not entry.get("system"):
                    yield f"{self._notes}/{entry.get('id')}", str(entry.get("body"))

    def edit_comment(self, address: str, text: str) -> str:
        """Replace a comment and return its place. Raises CIError."""
        return self._seen(self.client.send("PUT", address, {"body": text}))

    def add_comment(self, text: str) -> str:
        """Add a comment and return its place. Raises CIError."""
        return self._seen(self.client.send("POST", self._notes, {"body": text}))

    @property
    def _path(self) -> str:
        return f"/projects/{quote(self.project, safe='')}"

    @property
    def _notes(self) -> str:
        if self.number is None:
            raise CIError("no merge request to comment on: this pipeline was not started by one")
        return f"{self._path}/merge_requests/{self.number}/notes"

    def _seen(self, note: object) -> str:
        identity = note.get("id") if isinstance(note, dict) else None
        return f"merge request {self.number}, note {identity}"


def _github(environment: Mapping[str, str]) -> GitHub:
    get = environment.get
    variable = next((name for name in ("GITHUB_TOKEN", "GH_TOKEN") if get(name)), None)
    token = environment[variable] if variable else ""
    repository, run = environment["GITHUB_REPOSITORY"], get("GITHUB_RUN_ID")
    server = get("GITHUB_SERVER_URL", "https://github.com")
    return GitHub(
        client=Client(
            api_url=get("GITHUB_API_URL", "https://api.github.com").rstrip("/"),
            headers={
                "Accept": "application/vnd.github+json",
                "X-GitHub-Api-Version": "2022-11-28",
                **({"Authorization": f"Bearer {token}"} if token else {}),
            },
            secrets=(token,),
            token_hint=f"{variable or 'GITHUB_TOKEN'} {'may not do this' if variable else 'is not set'}: the job "
            "needs `permissions: actions: read` to read artefacts and `pull-requests: write` to comment; "
            "pull requests from forks may not comment",
        ),
        repository=repository,
        artifact=get(ARTIFACT_NAME_VARIABLE) or GITHUB_ARTIFACT,
        run_url=f"{server}/{repository}/actions/runs/{run}" if run else None,
        number=_pull_request(environment),
    )


def _pull_request(environment: Mapping[str, str]) -> int | None:
    """Return the number of the pull request, from the ref or from the event that started the workflow."""
    if match := _PULL_REF.match(environment.get("GITHUB_REF", "")):
        return int(match[1])
    try:
        event = json.loads(Path(environment.get("GITHUB_EVENT_PATH", "")).read_bytes())
        return int(event["pull_request"]["number"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _gitlab(environment: Mapping[str, str]) -> GitLab:
    get = environment.get
    own, job_token = get("GITLAB_TOKEN", ""), get("CI_JOB_TOKEN", "")
    headers = {"PRIVATE-TOKEN": own} if own else {"JOB-TOKEN": job_token} if job_token else {}
    hint = (
        "GITLAB_TOKEN may not do this: it needs the scope api"
        if own
        else "a job's token may not do this here: set GITLAB_TOKEN to a project access token of the scope api"
    )
    return GitLab(
        client=Client(
            api_url=environment["CI_API_V4_URL"].rstrip("/"),
            headers=headers,
            secrets=(own, job_token),
            token_hint=hint,
        ),
        project=environment["CI_PROJECT_ID"],
        job=get(ARTIFACT_NAME_VARIABLE) or GITLAB_JOB,
        run_url=get("CI_JOB_URL") or get("CI_PIPELINE_URL"),
        number=get("CI_MERGE_REQUEST_IID") or None,
    )


def _is_of_branch(artifact: Entry, branch: str) -> bool:
    run = artifact.get("workflow_run")
    return (
        isinstance(run, dict)
        and run.get("head_branch") == branch
        and run.get("repository_id") == run.get("head_repository_id")
    )


def _url(reply: object, name: str) -> str:
    return str(reply.get(name)) if isinstance(reply, dict) else "the comment"
