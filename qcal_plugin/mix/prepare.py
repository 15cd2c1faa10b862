"""``--mix FILE``: several datasets as one, prepared once and asked like any other.

An item that several parts select belongs to the first of them, so that nothing is asked twice. Two items are
the same if their texts and pictures are. From what remains of a part, ``samples`` draws its share
(`share_out`), stratified by family.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

from qcal_plugin.dataset.cache import cache_dir
from qcal_plugin.dataset.prepare import (
    MIX_PREFIX,
    DatasetError,
    DatasetSource,
    Progress,
    open_or_make,
    prepare,
)
from qcal_plugin.dataset.prepared import DatasetIdentity, PreparedDataset, is_synthetic
from qcal_plugin.mix.file import MixFile, PartFile
from scoring.reference import JSON
from synthetic.settings import parse_dataset_name

MIX_VERSION = "1"
"""Increased when the same file would give other items; part of a mix's revision."""


def prepare_mix(
    mix: MixFile, *, progress: Progress | None = None, cache: Path | None = None
) -> PreparedDataset:
    """Return the mix, checked and ready to be asked; ``cache`` as in `prepare`. Raises DatasetError."""
    cache = cache or cache_dir()
    datasets = [_prepare_part(mix, part, progress, cache) for part in mix.parts]
    description = describe_mix(mix, datasets)
    warnings = [
        f"part {part.name}: {warning}"
        for part, dataset in zip(mix.parts, datasets, strict=True)
        for warning in dataset.warnings
    ]
    name = f"{MIX_PREFIX}{mix.title}"
    known = DatasetIdentity(name=name, revision=_digest(description), warnings=tuple(warnings))

    def make(source: DatasetSource, directory: Path) -> None:
        from qcal_plugin.mix.build import build_mix

        build_mix(source.identity, mix, datasets, directory, description)

    return open_or_make(name, lambda: DatasetSource(identity=known, digest=known.revision), make, cache)


def describe_mix(mix: MixFile, datasets: Sequence[PreparedDataset]) -> dict[str, JSON]:
    """Return what identifies the mix, as in a run's settings (`reports.records.mixes` reads it)."""
    total = sum(part.weight for part in mix.parts)
    sources = _sources(mix, datasets)
    parts: list[JSON] = [
        {
            "name": part.name,
            "dataset": part.dataset if part.location != part.dataset else dataset.identity.name,
            "revision": dataset.identity.revision,
            "weight": part.weight,
            "share": part.weight / total,
            "source": sources[part.name],
            "families": None if part.families is None else [*sorted(set(part.families))],
            "questions": [question.value for question in part.questions],
            "modes": [mode.value for mode in part.modes],
        }
        for part, dataset in zip(mix.parts, datasets, strict=True)
    ]
    return {"title": mix.title, "seed": mix.seed, "samples": mix.samples, "parts": parts}


def _sources(mix: MixFile, datasets: Sequence[PreparedDataset]) -> dict[str, str]:
    """Map each part to its source (`reports.records.mixes.MixPart`): the first of the parts that share plots."""
    groups: list[tuple[list[str], set[str]]] = []
    for part, dataset in zip(mix.parts, datasets, strict=True):
        names, plots = [part.name], {image.sha256 for image in dataset.images.values()} | _simulated(dataset)
        for group in [group for group in groups if group[1] & plots]:
            groups.remove(group)
            names, plots = names + group[0], plots | group[1]
        groups.append((names, plots))
    in_order = [part.name for part in mix.parts]
    return {name: min(names, key=in_order.index) for names, _ in groups for name in names}


def _simulated(dataset: PreparedDataset) -> set[str]:
    """Return names of synthetic samples that do not depend on how they are drawn (``perturb=``)."""
    if not is_synthetic(dataset.identity.name):
        return set()
    seed = parse_dataset_name(dataset.identity.name).seed
    return {f"seed {seed}: {sample.sample_id}" for sample in dataset.samples}


def _digest(description: JSON) -> str:
    text = json.dumps([MIX_VERSION, description], sort_keys=True)
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def _prepare_part(mix: MixFile, part: PartFile, progress: Progress | None, cache: Path) -> PreparedDataset:
    try:
        return prepare(part.location, part.revision, progress=progress, cache=cache)
    except DatasetError as error:
        raise DatasetError(f"--mix {mix.path}: part {part.name}: {error}") from error
