"""Opens and writes the files of run directories and caches, which somebody else may have written or prepared.

Only regular files are opened, never by way of a link, so that a run directory that somebody sent shows nothing of this
machine, changes no other file and hangs nowhere. The standard library alone: xdist workers import it.
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
    """A regular file, to read. Raises OSError on anything else, such as a link, a pipe or a device."""
    return _opened(path, READ_FLAGS, "rb")


def open_to_append(path: Path) -> BinaryIO:
    """A regular file to write at its end, unbuffered, made if it is missing; it can be read, too.

    Raises OSError on anything else, and on a file that has a second name: it may be somebody else's.
    """
    return _opened(path, APPEND_FLAGS, "ab+", writing=True)


def read_file(path: Path) -> bytes:
    """The content of a regular file. Raises OSError on anything else, such as a link or a pipe."""
    with open_file(path) as file:
        return file.read()


def read_if_there(path: Path) -> bytes | None:
    """The content of a regular file; None if there is nothing of that name. Raises OSError on anything else."""
    try:
        return read_file(path)
    except (FileNotFoundError, NotADirectoryError):
        return None


def is_there(path: Path) -> bool:
    """Whether there is anything of that name, be it a broken link."""
    return os.path.lexists(path)


def write_file(path: Path, content: bytes) -> None:
    """Write aside, to the disk, then replace: other processes, and a later start, see the whole file or none.

    What had the name before is not followed or changed. Raises OSError.
    """
    write_parts(path, (content,))


def write_parts(path: Path, parts: Iterable[bytes]) -> None:
    """The same for content that comes in parts."""
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
    """The files of a folder that are named by a SHA-256 digest, in order; none if the folder is a link or missing."""
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
