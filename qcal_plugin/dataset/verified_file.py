"""A file that is believed only if it has the digest that something trusted names. Standard library only."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from qcal_plugin.dataset.cache import read_verified

KEPT_LINES = 64
"""A sample's items follow each other, and all of them are on the same line."""


class VerifiedFile:
    """A file of JSON lines, read as a whole at the first need and used only if it has its digest.

    Raises OSError where it has another one or cannot be read.
    """

    def __init__(self, path: Path, sha256: str) -> None:
        self.path = path
        self.sha256 = sha256
        self._content: bytes | None = None
        self._recent: dict[tuple[int, int], Any] = {}

    def content(self) -> bytes:
        """All of it."""
        if self._content is None:
            self._content = read_verified(self.path, self.sha256)
        return self._content

    def line(self, span: tuple[int, int]) -> Any:  # noqa: ANN401  JSON of our own making
        """The line in these bytes, shared by all who ask for it: not to be changed."""
        offset, length = span
        parsed = self._recent.get((offset, length))
        if parsed is None:
            if len(self._recent) >= KEPT_LINES:
                self._recent = {}
            parsed = self._recent[offset, length] = json.loads(self.content()[offset : offset + length])
        return parsed

    def __eq__(self, other: object) -> bool:
        return isinstance(other, VerifiedFile) and (self.path, self.sha256) == (other.path, other.sha256)

    def __hash__(self) -> int:
        return hash((self.path, self.sha256))
