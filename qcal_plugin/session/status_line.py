"""A line below pytest's output on a terminal, redrawn in place."""

from __future__ import annotations

import os
import sys

import pytest

_UP, _COLUMN, _ERASE_BELOW, _ERASE_LINE = "\x1b[A", "\x1b[{}G", "\x1b[J", "\x1b[K"


class StatusLine:
    """A line below the cursor, which returns to its place after a dot or a name.

    Moving up by one line also works if writing the line scrolled the screen. Call `erase` before pytest
    writes, because its text would not cover a longer line.
    """

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._is_drawn = False

    @staticmethod
    def is_possible() -> bool:
        """Return whether the output is a terminal that supports this."""
        return sys.stdout.isatty() and os.environ.get("TERM", "dumb") != "dumb" and sys.platform != "win32"

    def draw(self, text: str) -> None:
        """Show the text, which must be shorter than the width of the terminal."""
        column = self._config.get_terminal_writer().width_of_current_line
        self._write(f"\n{text}{_ERASE_LINE}{_UP}{_COLUMN.format(column + 1)}")
        self._is_drawn = True

    def erase(self) -> None:
        """Remove the line, so that pytest can write."""
        if self._is_drawn:
            self._write(_ERASE_BELOW)
            self._is_drawn = False

    @staticmethod
    def _write(text: str) -> None:
        sys.stdout.write(text)
        sys.stdout.flush()
