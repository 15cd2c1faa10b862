"""A run without some of its experiment families, such as for tables about those that a model was trained on.

FamilyFileError    a list of families that cannot be used
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from reports.records.records import Run
from scoring.errors import QCalError


class FamilyFileError(QCalError):
    """A file of families that cannot be used; ``str()`` names it and says what to do."""


def read_families(path: Path, runs: Sequence[Run]) -> frozenset[str]:
    """The families that the file names, one a line; what follows a ``#`` is a comment.

    Raises FamilyFileError where there is none, or one that no run has.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise FamilyFileError(f"{path}: {reason}; a text file with one family a line is expected") from error
    named = [name for line in lines if (name := line.partition("#")[0].strip())]
    if not named:
        raise FamilyFileError(f"{path}: names no family; one a line is expected")
    known = families_of(runs)
    for name in named:
        if name not in known:
            raise FamilyFileError(
                f"{path}: no run has the family {name!r}; known: {', '.join(sorted(known))}"
            )
    return frozenset(named)


def families_of(runs: Iterable[Run]) -> frozenset[str]:
    """The families of which any run planned an item."""
    return frozenset(item.family for run in runs for item in run.manifest.planned)


def restricted(run: Run, families: frozenset[str]) -> Run:
    """The run as if it had planned items of these families only."""
    planned = tuple(item for item in run.manifest.planned if item.family in families)
    kept = {item.key for item in planned}
    return replace(
        run,
        manifest=replace(run.manifest, planned=planned),
        records=tuple(record for record in run.records if record.key in kept),
    )
