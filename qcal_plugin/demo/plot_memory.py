"""The plots that the nearest-plot baseline remembers: synthetic samples of a seed that the dataset does not use."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from qcal_plugin.dataset.cache import read_verified
from qcal_plugin.dataset.cases import ImagePart
from qcal_plugin.dataset.prepare import Progress, prepare
from qcal_plugin.dataset.prepared import PreparedDataset, is_synthetic
from qcal_plugin.demo.content import Picture
from qcal_plugin.demo.picture_features import Features, picture_features
from reports.records.mixes import mix_from_json
from reports.records.records import ItemKey
from scoring.questions import Mode, Question
from synthetic.families import family_names
from synthetic.settings import SyntheticSettings, parse_dataset_name

SEED = 1001
"""The seed of the remembered samples; if the dataset uses it, the next one that is free."""
PER_SCENARIO = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class RememberedPlot:
    """A sample: the features of its pictures, and the answers to the six questions about it."""

    family: str
    pictures: tuple[Features, ...] = field(repr=False)
    prompts: Mapping[Question, str] = field(repr=False)
    answers: Mapping[Question, str] = field(repr=False)


def remembered(dataset: PreparedDataset, progress: Progress | None) -> list[RememberedPlot]:
    """Return synthetic samples of the dataset's families, or of all families if none of its own can be simulated.

    They are drawn at the first use and kept in the cache. Raises DatasetError if they cannot be prepared.
    """
    samples = prepare(str(memory_settings(dataset)), progress=progress)
    return [_remember(samples, sample.sample_id, sample.family) for sample in samples.samples]


def memory_settings(dataset: PreparedDataset) -> SyntheticSettings:
    """Return the settings of the samples to remember for this dataset."""
    known = {sample.family for sample in dataset.samples} & set(family_names())
    taken = _seeds(dataset)
    return SyntheticSettings(
        seed=next(seed for seed in itertools.count(SEED) if seed not in taken),
        per_scenario=PER_SCENARIO,
        families=tuple(sorted(known)) or family_names(),
    )


def _seeds(dataset: PreparedDataset) -> Collection[int]:
    """Return the seeds of the dataset, or of the parts of a mix."""
    parts = () if dataset.mix is None else mix_from_json(dataset.mix).parts
    names = [dataset.identity.name, *(part.dataset for part in parts)]
    return {parse_dataset_name(name).seed for name in names if is_synthetic(name)}


def _remember(samples: PreparedDataset, sample_id: str, family: str) -> RememberedPlot:
    cases = {question: samples.case(ItemKey(sample_id, question, Mode.ZEROSHOT)) for question in Question}
    return RememberedPlot(
        family=family,
        pictures=tuple(_features(samples.images_of(sample_id))),
        prompts={
            question: "\n".join(part.text for part in case.prompt if not isinstance(part, ImagePart))
            for question, case in cases.items()
        },
        answers={question: case.reference.answer for question, case in cases.items()},
    )


def _features(images: Collection[ImagePart]) -> Iterator[Features]:
    for image in images:
        text = read_verified(Path(image.base64_path), image.base64_sha256)
        yield picture_features(Picture(f"data:image/png;base64,{text.decode()}").content())
