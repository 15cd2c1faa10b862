"""A file whose content is used only if it has the expected digest. Standard library only."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from qcal_plugin.dataset.cache import read_verified

KEPT_LINES = 64
"""How many parsed lines are kept. A sample's items come one after the other, and they share a line."""


class VerifiedFile:
    """A file of JSON lines. It is read as a whole on first use.

    Its methods raise OSError if the file cannot be read or does not have its digest.
    """

    def __init__(self, path: Path, sha256: str) -> None:
        self.path = path
        self.sha256 = sha256
        self._content: bytes | None = None
        self._recent: dict[tuple[int, int], Any] = {}

    def content(self) -> bytes:
        """Return the whole content."""
        if self._content is None:
            self._content = read_verified(self.path, self.sha256)
        return self._content

    def line(self, span: tuple[int, int]) -> Any:  # noqa: ANN401  JSON of our own making
        """Return the parsed line at (offset, length). It is shared by all callers and must not be changed."""
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
