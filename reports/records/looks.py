"""``looks.json``: how often a run may ask everything, how often it did, and what each look between brought."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from reports.records.files import write_file
from reports.records.typed_json import encode_indented

LOOKS_NAME = "looks.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class LookPlan:
    """After which repeats somebody looks.

    Attributes:
        first: repeats before the first look.
        most: repeats after which nothing is asked any more.
        open: repeats that are asked by now.
        verdicts: what the looks so far brought, in order.
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
        """The plan after one more look."""
        return replace(self, open=self.open + goes_on, verdicts=(*self.verdicts, str(verdict)))


def write_looks(run_dir: Path, plan: LookPlan) -> None:
    """Write the plan beside a run's records, whole or not at all. Raises OSError."""
    write_file(run_dir / LOOKS_NAME, encode_indented(plan))
