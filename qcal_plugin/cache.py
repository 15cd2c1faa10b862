"""Where prepared datasets and encoded images are kept between runs. Standard library only: workers import it."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

CACHE_VARIABLE = "QCAL_CACHE_DIR"


def cache_dir() -> Path:
    """The folder named by ``QCAL_CACHE_DIR``, else ``~/.cache/qcaleval``. Safe to delete between runs."""
    named = os.environ.get(CACHE_VARIABLE)
    return Path(named).expanduser().absolute() if named else Path.home() / ".cache" / "qcaleval"


def write_file(path: Path, content: bytes) -> None:
    """Write aside, then replace: other processes see the whole file or none."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".", delete=False) as aside:
        try:
            aside.write(content)
        except BaseException:
            Path(aside.name).unlink()
            raise
    Path(aside.name).replace(path)


def write_folder(path: Path, fill: Callable[[Path], None]) -> None:
    """Let ``fill`` write into a folder aside, then put that in the place of whatever stands at ``path``.

    Where another process was faster, its folder is replaced by an equal one. Nothing is left behind if ``fill`` raises.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".", ignore_cleanup_errors=True) as aside:
        fresh, stale = Path(aside) / "fresh", Path(aside) / "stale"
        fresh.mkdir()
        fill(fresh)
        _exchange(fresh, path, stale)


def _exchange(fresh: Path, path: Path, stale: Path) -> None:
    """A folder cannot replace a filled folder in one step, so a rival may slip in between the two: then try again."""
    while True:
        try:
            fresh.rename(path)
        except OSError:
            if not path.is_dir():
                raise
        else:
            return
        try:
            path.rename(stale)
        except FileNotFoundError:
            continue
        shutil.rmtree(stale)
