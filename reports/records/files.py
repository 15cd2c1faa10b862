"""Opens and writes the files of run directories and caches, which somebody else may have written or prepared.

Only regular files are opened, and links are not followed. A run directory that somebody sent therefore cannot
show other files of this machine, change them, or make a command hang. The standard library alone: xdist
workers import it.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import secrets
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

_NO_WAIT = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0)
_DIGEST = re.compile(r"[0-9a-f]{64}")
READ_FLAGS = os.O_RDONLY | getattr(os, "O_BINARY", 0) | _NO_WAIT
APPEND_FLAGS = os.O_RDWR | os.O_APPEND | os.O_CREAT | getattr(os, "O_BINARY", 0) | _NO_WAIT


def open_file(path: Path) -> BinaryIO:
    """Open a regular file for reading.

    Raises OSError on anything else, such as a link, a pipe or a device.
    """
    return _opened(path, READ_FLAGS, "rb")


def open_to_append(path: Path) -> BinaryIO:
    """Open a regular file for appending and reading, unbuffered; create it if it is missing.

    Raises OSError on anything else, and on a file with a second hard link: it may belong to somebody else.
    """
    return _opened(path, APPEND_FLAGS, "ab+", writing=True)


def read_file(path: Path) -> bytes:
    """Return the content of a regular file. Raises OSError on anything else, such as a link or a pipe."""
    with open_file(path) as file:
        return file.read()


def read_if_there(path: Path) -> bytes | None:
    """Return the content of a regular file; None if there is no such file.

    Raises OSError on anything else.
    """
    try:
        return read_file(path)
    except (FileNotFoundError, NotADirectoryError):
        return None


def is_there(path: Path) -> bool:
    """Return whether anything has that name, a broken link included."""
    return os.path.lexists(path)


def write_file(path: Path, content: bytes) -> None:
    """Write a file atomically: other processes, and a later start, see all of it or nothing.

    A link of that name is replaced, not followed. Raises OSError.
    """
    write_parts(path, (content,))


def write_parts(path: Path, parts: Iterable[bytes]) -> None:
    """Write a file as `write_file` does, from content that comes in parts."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        with aside.open("xb") as file:
            for part in parts:
                file.write(part)
            file.flush()
            os.fsync(file.fileno())
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)


def files_by_digest(folder: Path, suffixes: Iterable[str]) -> Iterator[tuple[str, Path]]:
    """Yield a folder's files that are named by a SHA-256 digest, in order.

    None if it is a link or missing.
    """
    with contextlib.suppress(OSError):
        if stat.S_ISDIR(folder.lstat().st_mode):
            yield from (
                (file.stem, file)
                for file in sorted(folder.iterdir())
                if file.suffix in suffixes and _DIGEST.fullmatch(file.stem)
            )


def _opened(path: Path, flags: int, mode: str, *, writing: bool = False) -> BinaryIO:
    try:
        descriptor = os.open(path, flags, 0o666)
    except OSError as error:
        if error.errno in {
            errno.ELOOP,
            errno.ENXIO,
            errno.EMLINK,
        }:  # a link (EMLINK on BSD); a pipe or socket
            raise _refused(path) from None
        raise
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode) or (writing and status.st_nlink != 1):
        os.close(descriptor)
        raise _refused(path)
    return open(descriptor, mode, buffering=0 if writing else -1)  # type: ignore[return-value]  # noqa: PTH123


def _refused(path: Path) -> OSError:
    return OSError(errno.EINVAL, "a link, or not a regular file: put a copy there if you trust it", str(path))
