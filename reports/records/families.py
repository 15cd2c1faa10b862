"""A run without some of its experiment families, such as for tables about those that a model was trained on.

FamilyFileError    a list of families that cannot be used
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from reports.records.outcomes import Evaluation
from reports.records.records import Run
from scoring.errors import QCalError

_UNSAFE_IN_NAMES = re.compile(r"[^A-Za-z0-9_-]+")


class FamilyFileError(QCalError):
    """A file of families that cannot be used; ``str()`` names it and says what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FamilyPart:
    """The families that tables are about.

    Attributes:
        name: in titles, such as ``3 families of trained.txt``.
        slug: in the names of files, such as ``trained``.
    """

    name: str
    slug: str
    families: frozenset[str]

    @property
    def sentence(self) -> str:
        """The part in a document's head, with its families by name."""
        return f"Only {self.name}: {', '.join(sorted(self.families))}."


def read_families(path: Path, known: frozenset[str]) -> FamilyPart:
    """Read the families that the file names, which are among the ``known`` ones of the runs.

    Raises FamilyFileError as `named_families` and `check_known` do.
    """
    part = named_families(path)
    check_known(part, path, known)
    return part


def named_families(path: Path) -> FamilyPart:
    """Read the families that the file names, one a line; what follows a ``#`` is a comment.

    Raises FamilyFileError if the file cannot be read or names none.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise FamilyFileError(f"{path}: {reason}; a text file with one family a line is expected") from error
    named = frozenset(name for line in lines if (name := line.partition("#")[0].strip()))
    if not named:
        raise FamilyFileError(f"{path}: names no family; one a line is expected")
    slug = _UNSAFE_IN_NAMES.sub("-", path.stem).strip("-") or "families"
    return FamilyPart(name=f"{counted(named)} of {path.name}", slug=slug, families=named)


def check_known(part: FamilyPart, path: Path, known: frozenset[str]) -> None:
    """Raise FamilyFileError if the file names a family that no run has."""
    if unknown := sorted(part.families - known):
        raise FamilyFileError(
            f"{path}: no run has the family {unknown[0]!r}; known: {', '.join(sorted(known))}"
        )


def counted(families: frozenset[str]) -> str:
    """``1 family``, ``3 families``."""
    return f"{len(families)} {'family' if len(families) == 1 else 'families'}"


def families_of(runs: Iterable[Run]) -> frozenset[str]:
    """Return the families of which any run planned an item."""
    return frozenset(item.family for run in runs for item in run.manifest.planned)


def restricted(run: Run, families: frozenset[str]) -> Run:
    """Return the run as if it had planned items of these families only."""
    planned = tuple(item for item in run.manifest.planned if item.family in families)
    kept = {item.key for item in planned}
    return replace(
        run,
        manifest=replace(run.manifest, planned=planned),
        records=tuple(record for record in run.records if record.key in kept),
    )


def restricted_evaluation(evaluation: Evaluation, families: frozenset[str]) -> Evaluation:
    """Return the evaluation without the outcomes of other families."""
    outcomes = tuple(outcome for outcome in evaluation.outcomes if outcome.family in families)
    return replace(evaluation, outcomes=outcomes)
