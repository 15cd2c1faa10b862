"""A line below pytest's own output on a terminal, redrawn in place."""

from __future__ import annotations

import os
import sys

import pytest

_UP, _COLUMN, _ERASE_BELOW, _ERASE_LINE = "\x1b[A", "\x1b[{}G", "\x1b[J", "\x1b[K"


class StatusLine:
    """Drawn on the line below the cursor, which then returns to where pytest left it, after a dot or a name.

    Moving up by one line also works where writing the line has scrolled the screen. Whoever lets pytest write must
    `erase` first: its text would not cover a longer line.
    """

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._is_drawn = False

    @staticmethod
    def is_possible() -> bool:
        """Whether the output is a terminal that can be drawn on."""
        return sys.stdout.isatty() and os.environ.get("TERM", "dumb") != "dumb" and sys.platform != "win32"

    def draw(self, text: str) -> None:
        """Show the text, which must be shorter than the terminal is wide."""
        column = self._config.get_terminal_writer().width_of_current_line
        self._write(f"\n{text}{_ERASE_LINE}{_UP}{_COLUMN.format(column + 1)}")
        self._is_drawn = True

    def erase(self) -> None:
        """Let pytest write on."""
        if self._is_drawn:
            self._write(_ERASE_BELOW)
            self._is_drawn = False

    @staticmethod
    def _write(text: str) -> None:
        sys.stdout.write(text)
        sys.stdout.flush()
