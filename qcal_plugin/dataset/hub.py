"""The dataset's files on the Hugging Face Hub, or in its cache on this machine."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import cast
from urllib.parse import urlsplit

from huggingface_hub import (
    constants,
    get_hf_file_metadata,
    hf_hub_download,
    hf_hub_url,
    try_to_load_from_cache,
)
from huggingface_hub.errors import (
    EntryNotFoundError,
    FileMetadataError,
    GatedRepoError,
    HfHubHTTPError,
    HFValidationError,
    LocalEntryNotFoundError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from qcal_plugin.dataset.errors import DatasetError, DatasetNotFoundError, HubError

_COMMIT = re.compile(r"[0-9a-f]{40}")

# The Hub's client raises the errors of its HTTP library (httpx up to 1.x, httpx2 since then). The client's
# error is a subclass of that library's base error.
_TRANSPORT_ERROR = cast("type[Exception]", HfHubHTTPError.__bases__[0])
_HUB_ERRORS = (HfHubHTTPError, EntryNotFoundError, FileMetadataError, OfflineModeIsEnabled, _TRANSPORT_ERROR)


def current_commit(name: str, revision: str, file: str) -> tuple[str, tuple[str, ...]]:
    """Return the commit to which a branch, tag or commit refers now, and warnings.

    Sends one request for the headers of ``file``, or none if ``revision`` is a full commit hash. Offline, the
    commit comes from the Hub's cache. If the Hub fails, it also comes from the cache, with a warning. Raises
    DatasetNotFoundError or HubError.
    """
    cached = _cached_commit(name, revision, file)
    if _COMMIT.fullmatch(revision):
        return revision, ()
    try:
        commit = _commit_on_hub(name, revision, file)
        if commit != cached:
            # Downloading by branch or tag writes the reference to the Hub's cache, where offline runs look it
            # up.
            with _cache_is_writable(name):
                commit = Path(hf_hub_download(name, file, repo_type="dataset", revision=revision)).parent.name
    except _HUB_ERRORS as error:
        if cached is None or _is_final(error):
            raise _explain(error, name, revision, file) from error
        if isinstance(error, OfflineModeIsEnabled):
            return cached, ()
        return cached, (
            f"dataset {name}: {_reason(error)}; using revision {revision} as it was last seen, {cached}",
        )
    return commit, ()


def download(name: str, commit: str, file: str) -> Path:
    """Return the file at that commit. If it is in the Hub's cache, no request is sent.

    Raises DatasetNotFoundError or HubError.
    """
    try:
        with _cache_is_writable(name):
            return Path(hf_hub_download(name, file, repo_type="dataset", revision=commit))
    except _HUB_ERRORS as error:
        raise _explain(error, name, commit, file) from error


@contextmanager
def _cache_is_writable(name: str) -> Iterator[None]:
    """Turn errors of the file system into a DatasetError that names the Hub's cache."""
    try:
        yield
    except _HUB_ERRORS:
        raise
    except OSError as error:
        raise DatasetError(
            f"dataset {name}: {error}. Is the Hub's cache {constants.HF_HUB_CACHE} writable? "
            "HF_HUB_CACHE names another folder"
        ) from error


def _commit_on_hub(name: str, revision: str, file: str) -> str:
    commit = get_hf_file_metadata(hf_hub_url(name, file, repo_type="dataset", revision=revision)).commit_hash
    if commit is None:
        raise FileMetadataError("no commit in the reply's headers")
    return commit


def _cached_commit(name: str, revision: str, file: str) -> str | None:
    try:
        path = try_to_load_from_cache(name, file, repo_type="dataset", revision=revision)
    except HFValidationError:
        raise DatasetNotFoundError(
            f"dataset {name}: neither a folder nor a Hub id such as owner/name"
        ) from None
    return Path(path).parent.name if isinstance(path, str) else None


def _is_final(error: Exception) -> bool:
    """Whether the Hub replied that the dataset does not exist, so that a cached copy must not be used."""
    return isinstance(error, RepositoryNotFoundError | RevisionNotFoundError | EntryNotFoundError)


def _explain(error: Exception, name: str, revision: str, file: str) -> DatasetError:
    if isinstance(error, LocalEntryNotFoundError):
        error = error.__cause__ if isinstance(error.__cause__, _HUB_ERRORS) else error
    match error:
        case GatedRepoError():
            return HubError(
                f"dataset {name}: access is restricted. Accept its terms on {_host()} and set HF_TOKEN to a token of "
                "that account",
                host=_host(),
                status=_status(error),
            )
        case RepositoryNotFoundError():
            return DatasetNotFoundError(
                f"dataset {name}: {_host()} has no such dataset, or it is private. For a private "
                "dataset set HF_TOKEN to a token that may read it"
            )
        case RevisionNotFoundError():
            return DatasetNotFoundError(f"dataset {name}: there is no revision {revision} on {_host()}")
        case EntryNotFoundError() if not isinstance(error, LocalEntryNotFoundError):
            return DatasetNotFoundError(
                f"dataset {name}: {file} is missing in revision {revision} on {_host()}"
            )
        case _:
            return HubError(
                f"dataset {name}: {_reason(error)}, and {file} of revision {revision} is not in its cache "
                f"{constants.HF_HUB_CACHE}. Connect once, or give a folder",
                host=_host(),
                status=_status(error),
            )


def _reason(error: Exception) -> str:
    status = _status(error)
    if status in {401, 403}:
        return f"{_host()} refuses access (HTTP {status}); check HF_TOKEN"
    if status is not None:
        return f"{_host()} answers with HTTP {status}"
    if constants.is_offline_mode():
        return "HF_HUB_OFFLINE is set"
    return f"{_host()} cannot be reached as a Hub ({type(error).__name__})"


def _status(error: Exception) -> int | None:
    return error.response.status_code if isinstance(error, HfHubHTTPError) else None


def _host() -> str:
    """The Hub's host and port, without the user info that the endpoint's URL may hold."""
    return urlsplit(constants.ENDPOINT).netloc.rpartition("@")[2]
