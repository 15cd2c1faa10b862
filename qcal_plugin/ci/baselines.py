"""Baselines that a CI stores: ``artifact:BRANCH`` is the last run of the workflow on that branch.

``QCAL_BASELINES`` names a folder with runs by branch, from ``qcaleval baseline fetch`` or another CI. A run
in it is used without a download.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path, PurePosixPath

from qcal_plugin.ci.archives import unpack_run
from qcal_plugin.ci.client import CIError
from qcal_plugin.ci.forges import NOT_A_CI, NoArtifactError, forge_of
from qcal_plugin.dataset.cache import cache_dir, write_folder
from reports.gates.file import ARTIFACT_PREFIX, GateFile
from reports.records.run_files import MANIFEST_NAME

BASELINES_VARIABLE = "QCAL_BASELINES"


def with_artifacts(file: GateFile, environment: Mapping[str, str] = os.environ) -> GateFile:
    """Return the file with run directories for its ``artifact:`` baselines. Raises CIError."""
    folders = {path: fetch(branch, environment) for path, branch in file.artifacts.items()}
    return replace(file, folders={**file.folders, **folders})


def fetch(branch: str, environment: Mapping[str, str] = os.environ) -> Path:
    """Return the directory with the workflow's last run on a branch; download it if necessary.

    Raises CIError.
    """
    name = f"baseline {ARTIFACT_PREFIX}{branch}"
    if not branch_folder(Path(), branch).parts:
        raise CIError(f"{name}: not the name of a branch")
    if named := environment.get(BASELINES_VARIABLE):
        folder = branch_folder(Path(named), branch)
        if (folder / MANIFEST_NAME).is_file():
            return folder
    try:
        return _download(branch, environment)
    except NoArtifactError as error:
        raise NoArtifactError(f"{name}: {error}") from error
    except CIError as error:
        elsewhere = f"; or put the run into FOLDER/{branch} and set {BASELINES_VARIABLE}=FOLDER"
        raise CIError(f"{name}: {error}{elsewhere if str(error) == NOT_A_CI else ''}") from error


def branch_folder(parent: Path, branch: str) -> Path:
    """Return the place of a branch's run in a folder.

    The folder itself if the name is not one of a branch.
    """
    parts = PurePosixPath(branch).parts
    if not parts or "\\" in branch or PurePosixPath(branch).is_absolute() or ".." in parts:
        return parent
    return parent.joinpath(*parts)


def _download(branch: str, environment: Mapping[str, str]) -> Path:
    forge = forge_of(environment)
    with tempfile.TemporaryDirectory() as aside:
        archive = Path(aside, "artifact.zip")
        forge.download_artifact(branch, archive)
        with archive.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        folder = cache_dir() / "baselines" / digest
        if not (folder / MANIFEST_NAME).is_file():
            write_folder(folder, lambda fresh: unpack_run(archive, fresh))
    return folder
