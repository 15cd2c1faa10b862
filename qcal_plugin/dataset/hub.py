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

# The Hub's client lets the errors of its HTTP library through (httpx up to 1.x, httpx2 since); its own error derives
# from the common one of that library.
_TRANSPORT_ERROR = cast("type[Exception]", HfHubHTTPError.__bases__[0])
_HUB_ERRORS = (HfHubHTTPError, EntryNotFoundError, FileMetadataError, OfflineModeIsEnabled, _TRANSPORT_ERROR)


def current_commit(name: str, revision: str, file: str) -> tuple[str, tuple[str, ...]]:
    """The commit that a branch, tag or commit stands for now, and warnings.

    One request for the headers of ``file``, none if ``revision`` is a full commit hash. Offline the Hub's cache
    answers; it does so with a warning where the Hub fails. Raises DatasetNotFoundError or HubError.
    """
    cached = _cached_commit(name, revision, file)
    if _COMMIT.fullmatch(revision):
        return revision, ()
    try:
        commit = _commit_on_hub(name, revision, file)
        if commit != cached:
            # Downloaded by its branch or tag, the file leaves in the Hub's cache what offline runs look up.
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
    """The file at that commit; from the Hub's cache without any request if it is there.

    Raises DatasetNotFoundError or HubError.
    """
    try:
        with _cache_is_writable(name):
            return Path(hf_hub_download(name, file, repo_type="dataset", revision=commit))
    except _HUB_ERRORS as error:
        raise _explain(error, name, commit, file) from error


@contextmanager
def _cache_is_writable(name: str) -> Iterator[None]:
    """Blame the Hub's cache for what the file system refuses. Raises DatasetError."""
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
    """Whether the Hub has answered that there is nothing to be had, so that an old copy would be a wrong answer."""
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
                f"dataset {name}: {_host()} has no such dataset, or it is private: then set HF_TOKEN to a token that "
                "may read it"
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
