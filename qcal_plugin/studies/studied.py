"""Studies ask items under conditions, in addition to the benchmark or instead of it.

A condition is the variant of an item's key. It decides what is asked and what the answer is compared with.
Light to import, because xdist workers do.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple

from qcal_plugin.baselines.demonstrations import Demonstrations
from qcal_plugin.baselines.floors import floors_of
from qcal_plugin.dataset.cases import Case
from qcal_plugin.dataset.prepared import PreparedDataset, SampleEntry, open_prepared
from qcal_plugin.studies.controls import Control, controlled_case, stand_in_score
from qcal_plugin.studies.shots import shot_case, shown, zeroshot_key
from reports.records.conditions import parse_shots
from reports.records.floors import Floor, ItemFloors, item_floors_from_json
from reports.records.records import ItemKey
from scoring.dispatch import Scorer
from scoring.reference import Reference
from synthetic.drawing.perturbation import Perturbation


class Place(NamedTuple):
    """The folder of a prepared dataset, and the revision that it must have."""

    directory: str
    revision: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StudiedPlace:
    """The data needed to open a `StudiedDataset` in another process."""

    dataset: Place
    perturbed: Mapping[str, Place]
    seed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StudiedDataset:
    """A dataset whose items may carry a study's condition as their variant.

    Attributes:
        perturbed: the same samples redrawn, by the name of the perturbation (``--perturb``).
        seed: of the demonstrations (``--shots``).
    """

    dataset: PreparedDataset
    perturbed: Mapping[str, PreparedDataset] = field(default_factory=dict)
    seed: int = 0

    @property
    def samples(self) -> tuple[SampleEntry, ...]:
        """The samples, in the order of the dataset."""
        return self.dataset.samples

    @property
    def datasets(self) -> tuple[PreparedDataset, ...]:
        """The dataset, and its perturbed versions."""
        return (self.dataset, *self.perturbed.values())

    @property
    def own_samples(self) -> tuple[SampleEntry, ...]:
        """The samples without further ICL rows about them, which no study uses."""
        return self.dataset.own_samples

    def case(self, key: ItemKey) -> Case:
        """Return what is asked for this item under its condition.

        Raises KeyError if there is no such item.
        """
        if key.variant in set(Control):
            return controlled_case(self.dataset, key)
        shots = parse_shots(key.variant)
        if shots is not None:
            return shot_case(self.dataset, key, shots, self.seed)
        return self._drawn(key.variant).case(key)

    def reference(self, key: ItemKey) -> Reference:
        """Return what the answer is compared with. Raises KeyError if there is no such item."""
        return self._drawn(key.variant).reference(benchmark_key(key))

    def demonstrations(self, key: ItemKey) -> tuple[Reference, ...]:
        """Return the references of the item's demonstrations, in order; none without ``--shots``."""
        shots = parse_shots(key.variant)
        examples = () if shots is None else shown(self.dataset, key, shots, self.seed)
        return tuple(
            self.dataset.reference(zeroshot_key(key._replace(sample_id=example.sample_id)))
            for example in examples
        )

    def floors_of(self, key: ItemKey, scorer: Scorer) -> ItemFloors:
        """Return what answers that look at no plot score on the item.

        Raises KeyError if there is no such item.
        """
        floors = self.dataset.floors_of(benchmark_key(key), scorer)
        if key.variant in set(Control):
            read = stand_in_score(self.dataset, key, scorer)
            return floors if read is None else replace(floors, scores={**floors.scores, Floor.STAND_IN: read})
        examples = self.demonstrations(key)
        if not examples or key.question.needs_judge:
            return floors
        shown = Demonstrations(answers=tuple(example.answer for example in examples), before=len(examples))
        copying = floors_of(key.question, self.reference(key), shown.copied(key.question))
        copied = item_floors_from_json(copying[scorer])
        return ItemFloors(
            scores={**floors.scores, **copied.scores}, fields={**floors.fields, **copied.fields}
        )

    def is_redrawn(self, sample_id: str, perturbation: str) -> bool:
        """Return whether the sample's pictures differ under the perturbation.

        Raises KeyError if there is no sample.
        """
        plain, other = (drawn.images_of(sample_id) for drawn in (self.dataset, self._drawn(perturbation)))
        return [image.sha256 for image in plain] != [image.sha256 for image in other]

    def _drawn(self, variant: str) -> PreparedDataset:
        """Return the dataset whose pictures are shown under this condition."""
        if variant not in set(Perturbation):
            return self.dataset
        if variant not in self.perturbed:
            raise KeyError(f"items of the variant {variant} need --perturb {variant}")
        return self.perturbed[variant]

    @property
    def place(self) -> StudiedPlace:
        """The place from which workers can open it."""
        perturbed = {name: _place(dataset) for name, dataset in self.perturbed.items()}
        return StudiedPlace(dataset=_place(self.dataset), perturbed=perturbed, seed=self.seed)


def benchmark_key(key: ItemKey) -> ItemKey:
    """Return the benchmark's item of a study's item, without its repeat; with demonstrations, the zero-shot item."""
    return zeroshot_key(key) if parse_shots(key.variant) is not None else key._replace(repeat=0, variant="")


def open_studied(place: StudiedPlace) -> StudiedDataset:
    """Return the dataset at this place. Raises as `open_prepared` does."""
    return StudiedDataset(
        dataset=_open(place.dataset),
        perturbed={name: _open(other) for name, other in place.perturbed.items()},
        seed=place.seed,
    )


def _place(dataset: PreparedDataset) -> Place:
    return Place(str(dataset.directory), dataset.identity.revision)


def _open(place: Place) -> PreparedDataset:
    dataset = open_prepared(Path(place.directory), place.revision)
    for file in (dataset.references, dataset.floors):
        file.content()  # from here on in memory, so changes to the file do not matter to this process
    return dataset
