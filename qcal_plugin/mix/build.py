"""Build a mix: assign items to parts, draw samples, and join the parts' prepared datasets into one.

Raises DatasetError if a part does not fit its dataset, or if no sample is left for it.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

from qcal_plugin.dataset.errors import DatasetError
from qcal_plugin.dataset.prepared import DatasetIdentity, PreparedDataset, SampleEntry, SampleLines
from qcal_plugin.dataset.prepared_files import write_prepared
from qcal_plugin.engine.model import Sampling
from qcal_plugin.mix.file import MixFile, PartFile
from qcal_plugin.studies.selection import largest_remainder, stratified
from reports.records.mixes import in_mix, split
from reports.records.records import ItemKey
from scoring.questions import Mode, Question
from scoring.reference import JSON

ANY_MODEL = Sampling(model="", max_tokens=1, temperature=0.0)
"""With it, requests are equal if they ask the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """The samples that a part contributes to the mix.

    Attributes:
        samples: with their ids and items in the mix.
        taken: how many of the items that it selects belong to earlier parts.
    """

    part: PartFile
    dataset: PreparedDataset
    samples: tuple[SampleEntry, ...]
    taken: int


def build_mix(
    identity: DatasetIdentity,
    mix: MixFile,
    datasets: Sequence[PreparedDataset],
    directory: Path,
    description: Mapping[str, JSON],
) -> None:
    """Write the mix of these datasets, one for each part, into ``directory``.

    Raises DatasetError or OSError.
    """
    try:
        choices = drawn(mix, choose(mix.parts, datasets))
    except DatasetError as error:
        raise DatasetError(f"--mix {mix.path}: {error}") from error
    lines = [_lines(choice, entry) for choice in choices for entry in choice.samples]
    write_prepared(
        directory,
        identity,
        lines,
        _images(choices, lines),
        warnings=[*_warnings(choices)],
        mix=dict(description),
    )


def choose(parts: Sequence[PartFile], datasets: Sequence[PreparedDataset]) -> list[Choice]:
    """Return what each part selects and no earlier part does. Raises DatasetError if that is nothing."""
    claimed: set[str] = set()
    choices = []
    for part, dataset in zip(parts, datasets, strict=True):
        _check_families(part, dataset)
        asked = {sample.sample_id: _asked(part, dataset, sample) for sample in dataset.samples}
        left = [
            replace(sample, sample_id=in_mix(part.name, sample.sample_id), asked=frozenset(items))
            for sample in dataset.samples
            if (
                items := [item for item, request in asked[sample.sample_id].items() if request not in claimed]
            )
        ]
        requests = [request for items in asked.values() for request in items.values()]
        taken = sum(request in claimed for request in requests)
        if not left:
            raise DatasetError(_nothing(part, taken))
        claimed.update(requests)
        choices.append(Choice(part=part, dataset=dataset, samples=tuple(left), taken=taken))
    return choices


def drawn(mix: MixFile, choices: Sequence[Choice]) -> list[Choice]:
    """Return the choices with the mix's number of samples, stratified by family; all of them without a number.

    Raises DatasetError if a part gets no sample.
    """
    if mix.samples is None:
        return list(choices)
    weights = {choice.part.name: choice.part.weight for choice in choices}
    counts = share_out(
        mix.samples, weights, {choice.part.name: len(choice.samples) for choice in choices}, mix.seed
    )
    if without := [name for name, count in counts.items() if not count]:
        raise DatasetError(
            f"samples is {mix.samples}, and part {without[0]} would get none; increase samples"
        )
    return [
        replace(choice, samples=tuple(stratified(choice.samples, counts[choice.part.name], seed=mix.seed)))
        for choice in choices
    ]


def share_out(
    samples: int, weights: Mapping[str, float], sizes: Mapping[str, int], seed: int
) -> dict[str, int]:
    """Return how many of ``samples`` each part gives: in proportion to its weight, by largest remainder.

    A part that has fewer than its share gives all it has, and the others share out the rest in the same way.
    If the parts have no more than ``samples`` in total, all of them give all they have.
    """
    exact = {name: Fraction(repr(weight)) for name, weight in weights.items()}
    scale = math.lcm(*(weight.denominator for weight in exact.values()))
    open_parts = Counter({name: int(weight * scale) for name, weight in exact.items()})
    counts: dict[str, int] = {}
    while full := [
        name for name in open_parts if samples * open_parts[name] >= sizes[name] * open_parts.total()
    ]:
        counts |= {name: sizes[name] for name in full}
        samples -= sum(sizes[name] for name in full)
        for name in full:
            del open_parts[name]
    return counts | (dict(largest_remainder(open_parts, samples, seed=seed)) if open_parts else {})


def _check_families(part: PartFile, dataset: PreparedDataset) -> None:
    known = sorted({sample.family for sample in dataset.samples})
    for family in part.families or ():
        if family not in known:
            raise DatasetError(
                f"part {part.name}: families: no sample of {family!r} in {part.dataset}; known: {', '.join(known)}"
            )


def _asked(part: PartFile, dataset: PreparedDataset, sample: SampleEntry) -> dict[tuple[Mode, Question], str]:
    """Return the items of a sample that the part selects, each with the digest of its request."""
    if part.families is not None and sample.family not in part.families:
        return {}
    return {
        (mode, question): ANY_MODEL.request(dataset.case(ItemKey(sample.sample_id, question, mode))).sha256
        for mode, question in sample.items()
        if mode in part.modes and question in part.questions
    }


def _nothing(part: PartFile, taken: int) -> str:
    if taken:
        return f"part {part.name}: all {taken} items that it selects belong to earlier parts; move it before them"
    return f"part {part.name}: its families, questions and modes select no item (icl asks only Q3, Q5, Q6)"


def _warnings(choices: Sequence[Choice]) -> Iterator[str]:
    for choice in choices:
        if choice.taken:
            yield f"part {choice.part.name}: {choice.taken} items that it selects belong to earlier parts"


# --- files --------------------------------------------------------------------------------------------------


def _lines(choice: Choice, entry: SampleEntry) -> SampleLines:
    part = choice.part.name
    stored = choice.dataset.lines(split(entry.sample_id)[1])
    icl_id = stored.entry["icl_id"]
    return SampleLines(
        entry={
            "sample_id": entry.sample_id,
            "family": entry.family,
            "scenario_type": entry.scenario_type,
            "icl_id": None if icl_id is None else in_mix(part, icl_id),
            "asked": entry.items(),
            "pictures": entry.pictures,
            **({} if entry.source_id is None else {"source_id": in_mix(part, entry.source_id)}),
        },
        references=stored.references,
        prompts={
            mode: {question: [_named(part, piece) for piece in pieces] for question, pieces in asked.items()}
            for mode, asked in stored.prompts.items()
        },
        floors=stored.floors,
    )


def _named(part: str, piece: Mapping[str, str]) -> Mapping[str, str]:
    """Return a piece of a prompt, with its image named as in the mix."""
    return {"image": in_mix(part, piece["image"])} if "image" in piece else piece


def _images(choices: Sequence[Choice], lines: Sequence[SampleLines]) -> dict[str, Mapping[str, Any]]:
    """Return the images of the lines' prompts. Their base64 texts are already in the cache's one folder."""
    datasets = {choice.part.name: choice.dataset for choice in choices}
    names = dict.fromkeys(
        piece["image"]
        for line in lines
        for asked in line.prompts.values()
        for pieces in asked.values()
        for piece in pieces
        if "image" in piece
    )
    images = {name: datasets[split(name)[0]].images[split(name)[1]] for name in names}
    return {
        name: {"sha256": image.sha256, "base64_sha256": image.base64_sha256, "size_bytes": image.size_bytes}
        for name, image in images.items()
    }
