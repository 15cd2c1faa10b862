"""``deviations.json``: what was sent instead of parameters that a model's server refuses.

It is written as soon as a refusal is known, and read when the run continues, so that nothing is refused
twice. Reports show it.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from qcal_plugin.engine.adaptation import REPORTED, Adaptation, Change
from reports.records.files import read_file, write_file
from reports.records.run_files import DEVIATIONS_NAME, DeviationsFile
from reports.records.typed_json import DecodeError, decode, encode_indented


class Deviations:
    """The adaptations of a run's endpoints, by role: ``model`` and ``judge NAME``."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / DEVIATIONS_NAME
        self._adaptations: dict[str, Adaptation] = {}
        self._known = _read(self._path)

    def of(self, role: str) -> Adaptation:
        """Return the adaptation of a role, with what an earlier session learned."""
        return self._adaptations.setdefault(role, Adaptation(list(self._known.get(role, ()))))

    def write(self) -> None:
        """Write the file. Raises OSError."""
        roles = {
            role: adaptation.changes for role, adaptation in self._adaptations.items() if adaptation.changes
        }
        data = DeviationsFile(
            changes={role: tuple(change.value for change in changes) for role, changes in roles.items()},
            deviations=tuple(
                f"{role}: {change.words}"
                for role, changes in roles.items()
                for change in changes
                if change in REPORTED
            ),
        )
        write_file(self._path, encode_indented(data))


def _read(path: Path) -> Mapping[str, list[Change]]:
    """Read what an earlier session wrote; nothing if the file is missing or unusable, as it is cheap to learn again."""
    try:
        changes = decode(read_file(path), DeviationsFile).changes
        return {role: [Change(name) for name in names] for role, names in changes.items()}
    except (OSError, DecodeError, ValueError):  # ValueError: a change that this version does not know
        return {}
