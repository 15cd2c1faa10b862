"""Studies: conditions under which items are asked again, beside the benchmark itself or in its place.

A condition is the variant of an item's key: it decides what is asked and what the answer is compared with.
Standard library only: xdist workers import this module.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from qcal_plugin.cases import Case
from qcal_plugin.controls import Control, controlled_case
from qcal_plugin.prepared import PreparedDataset, SampleEntry, open_prepared
from reports.records import ItemKey
from scoring.reference import Reference


@dataclass(frozen=True, slots=True, kw_only=True)
class StudiedDataset:
    """A dataset whose items may carry a study's condition as their variant.

    Attributes:
        perturbed: the same samples drawn in another style, by the name of the perturbation (``--perturb``).
    """

    dataset: PreparedDataset
    perturbed: Mapping[str, PreparedDataset] = field(default_factory=dict)

    @property
    def samples(self) -> tuple[SampleEntry, ...]:
        """The samples, in the order of the dataset."""
        return self.dataset.samples

    def case(self, key: ItemKey) -> Case:
        """What is asked for this item, under its condition. Raises KeyError if there is no such item."""
        if key.variant in self.perturbed:
            return self.perturbed[key.variant].case(key)
        if key.variant in set(Control):
            return controlled_case(self.dataset, key)
        return self.dataset.case(key)

    def reference(self, key: ItemKey) -> Reference:
        """What the answer is compared with. Raises KeyError if there is no such item."""
        return self.perturbed.get(key.variant, self.dataset).reference(key)

    def to_json(self) -> dict[str, object]:
        """Where it lies, for workers."""
        perturbed = {name: str(dataset.directory) for name, dataset in self.perturbed.items()}
        return {"dataset": str(self.dataset.directory), "perturbed": perturbed}


def open_studied(directory: str, perturbed: Mapping[str, str]) -> StudiedDataset:
    """Inverse of `StudiedDataset.to_json`. Raises as `open_prepared` does."""
    return StudiedDataset(
        dataset=open_prepared(Path(directory)),
        perturbed={name: open_prepared(Path(path)) for name, path in perturbed.items()},
    )
