"""Turns records into tables and reports.

Importing the package itself is cheap; each module imports what it needs.

`load_run` and `Results` are for notebooks and scripts (`reports.notebook`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reports.notebook import Results, load_run

__all__ = ["Results", "load_run"]


def __getattr__(name: str) -> object:
    if name in __all__:
        from reports import notebook

        return getattr(notebook, name)
    raise AttributeError(f"module 'reports' has no attribute {name!r}")
