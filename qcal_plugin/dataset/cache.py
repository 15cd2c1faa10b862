"""Where prepared datasets and encoded images are kept between runs. Standard library only: workers import it."""

from __future__ import annotations

import os
import secrets
import tempfile
from collections.abc import Callable
from pathlib import Path

from qcal_plugin.dataset.errors import DatasetError

CACHE_VARIABLE = "QCAL_CACHE_DIR"


def cache_dir() -> Path:
    """The folder named by ``QCAL_CACHE_DIR``, else ``~/.cache/qcaleval``. Safe to delete between runs.

    Raises DatasetError if there is no home directory.
    """
    named = os.environ.get(CACHE_VARIABLE)
    try:
        return Path(named).expanduser().absolute() if named else Path.home() / ".cache" / "qcaleval"
    except RuntimeError as error:  # neither HOME nor an entry in the password database, as in some containers
        raise DatasetError(
            f"no folder for the cache: {error} Set {CACHE_VARIABLE} to a folder that can be written"
        ) from error


def write_file(path: Path, content: bytes) -> None:
    """Write aside, then replace: other processes see the whole file or none."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        aside.write_bytes(content)
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)


def write_folder(path: Path, fill: Callable[[Path], None]) -> None:
    """Let ``fill`` write into a folder aside, then give it its name; if another process was faster, its folder stays.

    Nothing is left behind if ``fill`` raises.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".") as aside:
        folder = Path(aside) / path.name
        folder.mkdir()
        fill(folder)
        try:
            folder.rename(path)
        except OSError:
            if not path.is_dir():
                raise
