"""The folder that keeps prepared datasets and encoded images between runs.

Standard library only: workers import it.
"""

from __future__ import annotations

import errno
import hashlib
import os
from collections.abc import Callable
from pathlib import Path

from qcal_plugin.dataset.errors import DatasetError
from qcal_plugin.dataset.temporary import TemporaryFolder
from reports.records.files import read_file

CACHE_VARIABLE = "QCAL_CACHE_DIR"


def cache_dir() -> Path:
    """Return the folder named by ``QCAL_CACHE_DIR``, else ``~/.cache/qcaleval``.

    It may be deleted between runs.

    Raises DatasetError if there is no home directory.
    """
    named = os.environ.get(CACHE_VARIABLE)
    try:
        return Path(named).expanduser().absolute() if named else Path.home() / ".cache" / "qcaleval"
    except RuntimeError as error:  # neither HOME nor an entry in the password database, as in some containers
        raise DatasetError(
            f"no folder for the cache: {error} Set {CACHE_VARIABLE} to a writable folder"
        ) from error


def read_verified(path: Path, sha256: str) -> bytes:
    """Return the content of a regular file. Raises OSError, also if the content does not have this digest."""
    content = read_file(path)
    if hashlib.sha256(content).hexdigest() != sha256:
        raise OSError(errno.EIO, "its content is not what was prepared", str(path))
    return content


def write_folder(path: Path, fill: Callable[[Path], None]) -> None:
    """Let ``fill`` write to a temporary folder, then rename that folder to ``path``.

    If another process has made ``path`` meanwhile, its folder is kept. Nothing is left behind if ``fill``
    raises. The next process removes what a killed one has left.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryFolder(path.parent, ".making-") as aside:
        folder = aside / path.name
        folder.mkdir()
        fill(folder)
        try:
            folder.rename(path)
        except OSError:
            if not path.is_dir():
                raise
