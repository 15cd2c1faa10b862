"""Temporary folders.

If a session is killed, the next session that makes such a folder removes those that are left.

Standard library only: workers import it.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

if sys.platform != "win32":  # there, folders of killed sessions stay
    import fcntl

LOCK_NAME = ".owner"
_RANDOM = "[a-z0-9_]{8}"


class TemporaryFolder:
    """A new folder of mode 0700, removed by `close`.

    Its owner holds a lock on a file in it, which the operating system releases when the process ends in any
    way. So a folder with a lock file that nobody holds is left over, and is removed when the next folder of
    that name is made.

    Args:
        parent: the folder in which it is made.
        prefix: of its name, followed by eight random characters.
    """

    def __init__(self, parent: str | Path, prefix: str) -> None:
        remove_left_over(Path(parent), prefix)
        self.path = Path(tempfile.mkdtemp(prefix=prefix, dir=parent))
        self._lock = _hold(self.path)

    def close(self) -> None:
        """Remove the folder, whatever is in it."""
        shutil.rmtree(self.path, ignore_errors=True)
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def __enter__(self) -> Path:
        """The folder's path."""
        return self.path

    def __exit__(self, *_: object) -> None:
        """Remove the folder."""
        self.close()


def remove_left_over(parent: Path, prefix: str) -> None:
    """Remove this user's folders in ``parent`` that ended processes have left."""
    if sys.platform == "win32":
        return
    for folder in _own_folders(parent, prefix):
        with contextlib.suppress(OSError):
            lock = os.open(folder / LOCK_NAME, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder, ignore_errors=True)
            finally:
                os.close(lock)


def _own_folders(parent: Path, prefix: str) -> Iterator[Path]:
    name = re.compile(re.escape(prefix) + _RANDOM)
    with contextlib.suppress(OSError), os.scandir(parent) as entries:
        for entry in entries:
            if (
                name.fullmatch(entry.name)
                and entry.is_dir(follow_symlinks=False)
                and entry.stat(follow_symlinks=False).st_uid == os.getuid()
            ):
                yield Path(entry.path)


def _hold(folder: Path) -> int | None:
    """Lock a file in the folder.

    It is renamed after it is locked, so that no other process sees it unlocked.
    """
    if sys.platform == "win32":
        return None
    aside = folder / f"{LOCK_NAME}.new"
    lock = os.open(aside, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        aside.rename(folder / LOCK_NAME)
    except OSError:  # a file system without locks: then the folder never counts as left over
        aside.unlink(missing_ok=True)
        os.close(lock)
        return None
    return lock
