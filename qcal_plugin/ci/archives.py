"""Extracts a run from a workflow's archive: only the files of a baseline, and never a path from the archive."""

from __future__ import annotations

import zipfile
from pathlib import Path, PurePosixPath

from qcal_plugin.ci.client import CIError
from reports.gates.promotion import BASELINE_FILES, BASELINE_FOLDER
from reports.records.run_files import MANIFEST_NAME

MAX_FILE_BYTES = 1_000_000_000
PART_BYTES = 1 << 20


def unpack_run(archive: Path, target: Path) -> None:
    """Write the files of the run in a ZIP archive into a folder. Raises CIError.

    The archive holds one run, or one in a folder ``qcaleval-baseline`` besides others.
    """
    try:
        with zipfile.ZipFile(archive) as opened:
            folder = _folder(opened)
            for name in BASELINE_FILES:
                if (entry := str(folder / name)) in opened.namelist():
                    _copy(opened, entry, target / name)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError) as error:
        raise CIError(f"the artefact is not a ZIP archive that can be read: {error}") from error


def _folder(archive: zipfile.ZipFile) -> PurePosixPath:
    folders = [
        PurePosixPath(name).parent for name in archive.namelist() if PurePosixPath(name).name == MANIFEST_NAME
    ]
    preferred = [folder for folder in folders if folder.name == BASELINE_FOLDER] or folders
    if len(preferred) != 1:
        count = "no run" if not preferred else f"{len(preferred)} runs"
        raise CIError(
            f"the artefact holds {count}; expected one folder with {MANIFEST_NAME}, such as {BASELINE_FOLDER}/"
        )
    return preferred[0]


def _copy(archive: zipfile.ZipFile, name: str, target: Path) -> None:
    size = 0
    with archive.open(name) as source, target.open("xb") as file:
        while part := source.read(PART_BYTES):
            size += len(part)
            if size > MAX_FILE_BYTES:
                raise CIError(f"{name} in the artefact is larger than {MAX_FILE_BYTES / 1e9:g} GB")
            file.write(part)
