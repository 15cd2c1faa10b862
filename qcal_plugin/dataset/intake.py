"""Moves images from a file's rows to the cache.

They are checked and stored in threads while further rows are read.
"""

from __future__ import annotations

import hashlib
import os
from collections import deque
from collections.abc import Callable, Collection
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from qcal_plugin.dataset.errors import BadDataError
from qcal_plugin.dataset.images import ImageError, StoredImage, same_picture, store_image, stored_png
from qcal_plugin.dataset.layout import SAMPLES_FILE

_THREADS = min(4, os.cpu_count() or 1)
_WAITING = 2 * _THREADS
"""Images that may wait for a thread.

Without a limit all images would be in memory: reading is faster than encoding.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class RowImage:
    """An image of a row, and its place in the data."""

    image_id: str
    row: int
    sample_id: str
    position: int
    original: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class _Taken:
    """What is kept of an image after its bytes are released."""

    sample_id: str
    original_sha256: bytes
    stored: Future[StoredImage]


class DifferentBytesError(Exception):
    """Two images with the same id have different bytes.

    Only decoding them shows whether the pictures differ.
    """


class ImageSurvey:
    """Takes images as `ImageIntake` does, but only lists them and stores none."""

    def __init__(self) -> None:
        self._sha256s: dict[str, bytes] = {}

    @property
    def image_ids(self) -> Collection[str]:
        """The ids of all images so far."""
        return self._sha256s.keys()

    def take(self, image: RowImage) -> None:
        """Remember an image's id and digest. Raises DifferentBytesError."""
        sha256 = hashlib.sha256(image.original).digest()
        if self._sha256s.setdefault(image.image_id, sha256) != sha256:
            raise DifferentBytesError


class ImageIntake:
    """Stores each image once, under its id. ``progress`` is called with the number of stored images.

    As a context manager it cancels images that have not been started when reading ends early.
    """

    def __init__(self, folder: Path, progress: Callable[[int], None] | None = None) -> None:
        self._folder = folder
        self._progress = progress
        self._pool = ThreadPoolExecutor(_THREADS)
        self._taken: dict[str, _Taken] = {}
        self._waiting: deque[Future[StoredImage]] = deque()
        self._done = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.shutdown(cancel_futures=True)

    def take(self, image: RowImage) -> str | None:
        """Store an image, unless one with this id is there.

        Returns the sample that has another picture under the id.

        Faults of images are raised by `stored`, so that faults in rows come first.
        """
        sha256 = hashlib.sha256(image.original).digest()
        taken = self._taken.get(image.image_id)
        if taken is None:
            future = self._pool.submit(_store, image, self._folder)
            self._taken[image.image_id] = _Taken(image.sample_id, sha256, future)
            self._waiting.append(future)
            self._make_room(_WAITING)
            return None
        if taken.original_sha256 == sha256 or self._shows(taken.stored, image.original):
            return None
        return taken.sample_id

    def stored(self) -> dict[str, StoredImage]:
        """Wait until all images are stored and return them by id.

        Raises BadDataError for the first bad one.
        """
        self._make_room(0)
        return {image_id: taken.stored.result() for image_id, taken in self._taken.items()}

    def _make_room(self, most: int) -> None:
        while len(self._waiting) > most:
            self._waiting.popleft().exception()  # waits; what is raised comes later, from `stored`
            self._done += 1
            if self._progress is not None:
                self._progress(self._done)

    def _shows(self, stored: Future[StoredImage], original: bytes) -> bool:
        if stored.exception() is not None:
            return False
        return same_picture(stored_png(stored.result(), self._folder), original)


def _store(image: RowImage, folder: Path) -> StoredImage:
    try:
        return store_image(image.original, folder)
    except ImageError as error:
        raise BadDataError(
            f"image {image.position} ({image.image_id!r}): {error}",
            file=SAMPLES_FILE,
            row=image.row,
            row_id=image.sample_id,
            column="images",
        ) from error
