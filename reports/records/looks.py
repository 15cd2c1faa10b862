"""``looks.json``: how often a run may ask all items, how often it did, and the verdict after each repeat."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from reports.records.files import write_file
from reports.records.typed_json import encode_indented

LOOKS_NAME = "looks.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class LookPlan:
    """The repeats after which the gates are looked at.

    Attributes:
        first: repeats before the first look.
        most: repeats after which the run ends.
        open: repeats that may be asked so far.
        verdicts: of the looks so far, in order.
    """

    first: int
    most: int
    open: int
    verdicts: tuple[str, ...] = ()

    @property
    def planned(self) -> tuple[int, ...]:
        """The numbers of repeats at the looks, the verdict at the end included."""
        return tuple(range(self.first, self.most + 1))

    def after_look(self, verdict: str, *, goes_on: bool) -> LookPlan:
        """Return the plan after one more look."""
        return replace(self, open=self.open + goes_on, verdicts=(*self.verdicts, str(verdict)))


def write_looks(run_dir: Path, plan: LookPlan) -> None:
    """Write the plan into a run directory, atomically. Raises OSError."""
    write_file(run_dir / LOOKS_NAME, encode_indented(plan))
