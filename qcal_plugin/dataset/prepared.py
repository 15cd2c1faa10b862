"""A validated dataset on disk, made ready for asking: light to collect from, everything else read on demand.

Standard library only, and no dataset library: xdist workers open it and stay small.

Layout of a prepared dataset's folder (``<cache>/prepared/<key>``)::

    index.json                   identity, warnings, one entry per sample, where each image's base64 text is;
                                 of a mix: its parts, and which items of each sample are asked
    references-<digest>.jsonl    one line per sample: answers, key points, field rules, background
    prompts-<digest>.jsonl       one line per sample: content of every prompt, images by id

The index is written last and names the other two, which never change: readers see all or nothing. The base64 texts are
in ``<cache>/images``, shared by all prepared datasets.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from qcal_plugin.dataset.cases import Case, ImagePart, PromptPart, TextPart
from reports.records.mixes import MIX_SETTING, mix_from_json
from reports.records.records import ItemKey
from scoring.questions import Mode, Question
from scoring.reference import JSON, Reference

FORMAT_VERSION = 3
"""Part of the folder's key: raised when the layout, the rows' checks or the making of prompts change."""

INDEX_FILE = "index.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetIdentity:
    """Which data exactly.

    Attributes:
        name: as given to ``--dataset``: Hub id, folder or ``synthetic:...``; ``mix:<title>`` of a mix.
        revision: commit hash of the Hub repository, or ``sha256:<digest>`` of a folder's content or a mix's parts.
        warnings: what the user should know about how the revision was found, one line each.
    """

    name: str
    revision: str
    warnings: tuple[str, ...] = field(default=(), compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleEntry:
    """A sample as collection sees it.

    Attributes:
        modes: those in which the dataset can ask about it.
        asked: what a mix, or a further ICL row, asks about it; None for everything that its modes have.
        pictures: how many images of its own it has.
        source_id: of a further ICL row about a sample, that sample; None for the samples themselves.
    """

    sample_id: str
    family: str
    scenario_type: str
    modes: tuple[Mode, ...]
    asked: frozenset[tuple[Mode, Question]] | None = None
    pictures: int = 1
    source_id: str | None = None

    def items(self) -> tuple[tuple[Mode, Question], ...]:
        """What is asked about it, in the benchmark's order."""
        everything = ((mode, question) for mode in self.modes for question in mode.questions)
        return tuple(item for item in everything if self.asked is None or item in self.asked)


class SampleLines(NamedTuple):
    """What a prepared dataset holds of a sample, as JSON: its entry in the index, references, prompts by mode."""

    entry: Mapping[str, Any]
    references: Mapping[str, Any]
    prompts: Mapping[str, Any]


class Span(NamedTuple):
    """Where a line stands in its file, in bytes."""

    offset: int
    length: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedDataset:
    """A dataset whose rows and images have all been checked.

    Attributes:
        warnings: findings about the data that do not stop a run, and those of the identity; one line each.
        samples: in the order of the dataset.
        images: the dataset's images by id.
        mix: what the dataset is mixed from (`reports.records.mixes`); None for a dataset of its own.
    """

    directory: Path
    identity: DatasetIdentity
    warnings: tuple[str, ...]
    samples: tuple[SampleEntry, ...]
    images: Mapping[str, ImagePart] = field(repr=False)
    references_path: Path = field(repr=False)
    prompts_path: Path = field(repr=False)
    mix: Mapping[str, JSON] | None = field(repr=False, default=None)
    _entries: Mapping[str, Mapping[str, Any]] = field(repr=False)

    def case(self, key: ItemKey) -> Case:
        """What is asked for this item, and what the answer is compared with.

        Raises KeyError if the dataset does not have the item.
        """
        entry = self._entry(key)
        prompts = _read_line(self.prompts_path, entry["prompts"])
        return Case(
            key=key,
            family=entry["family"],
            scenario_type=entry["scenario_type"],
            prompt=tuple(self._part(part) for part in prompts[key.mode][key.question]),
            reference=self.reference(key),
        )

    def reference(self, key: ItemKey) -> Reference:
        """The reference side of the item. Raises KeyError if the dataset does not have the item."""
        line = _read_line(self.references_path, self._entry(key)["references"])
        return Reference(
            answer=line["answers"][key.question],
            plot_description=line["answers"][Question.Q1],
            scenario_type=line["scenario_type"],
            key_points=tuple(line["key_points"].get(key.question, ())),
            field_rules=line["field_rules"] if key.question is Question.Q5 else {},
        )

    def images_of(self, sample_id: str) -> list[ImagePart]:
        """The sample's own images, in order. Raises KeyError if there is no such sample."""
        prompt = self.case(ItemKey(sample_id, Question.Q1, Mode.ZEROSHOT)).prompt
        return [part for part in prompt if isinstance(part, ImagePart)]

    def background(self, sample_id: str) -> str:
        """What the dataset says of the experiment. Raises KeyError if there is no such sample."""
        text: str = _read_line(self.references_path, self._entries[sample_id]["references"])["background"]
        return text

    def source_id(self, sample_id: str) -> str:
        """The sample that is asked about: another one only for a further ICL row."""
        source_id: str = self._entries[sample_id].get("source_id", sample_id)
        return source_id

    @property
    def own_samples(self) -> tuple[SampleEntry, ...]:
        """The samples without further ICL rows about them."""
        return tuple(sample for sample in self.samples if sample.source_id is None)

    def icl_id(self, sample_id: str) -> str | None:
        """The id of the sample's row in the ICL file (result files name it); None without ICL."""
        icl_id: str | None = self._entries[sample_id]["icl_id"]
        return icl_id

    def lines(self, sample_id: str) -> SampleLines:
        """What the files hold of the sample. Raises KeyError if there is no such sample."""
        entry = self._entries[sample_id]
        references, prompts = (
            _read_line(path, entry[name])
            for path, name in ((self.references_path, "references"), (self.prompts_path, "prompts"))
        )
        return SampleLines(entry, references, prompts)

    @property
    def stand_ins(self) -> tuple[str, ...]:
        """What in it stands in for the benchmark's samples, in words for tables."""
        if self.mix is None:
            return ("dataset: synthetic samples",) if is_synthetic(self.identity.name) else ()
        parts = [part.name for part in mix_from_json(self.mix).parts if is_synthetic(part.dataset)]
        which = f"part{'s' if len(parts) > 1 else ''} {', '.join(parts)}"
        return (f"dataset: synthetic samples ({which})",) if parts else ()

    def is_complete(self) -> bool:
        """Whether all files are there, the images' of the length they had."""
        return (
            self.references_path.is_file()
            and self.prompts_path.is_file()
            and all(_has_size(Path(image.base64_path), image.size_bytes) for image in self.images.values())
        )

    def _entry(self, key: ItemKey) -> Mapping[str, Any]:
        entry = self._entries.get(key.sample_id)
        asked_in = _modes(entry) if entry is not None else ()
        if entry is None or key.mode not in asked_in or key.question not in key.mode.questions:
            raise KeyError(f"{self.identity.name} has no item {key.sample_id} {key.question} in mode {key.mode}")
        return entry

    def _part(self, part: Mapping[str, str]) -> PromptPart:
        return TextPart(text=part["text"]) if "text" in part else self.images[part["image"]]


def open_prepared(directory: Path) -> PreparedDataset:
    """Open what `qcal_plugin.dataset.prepare.prepare` has made.

    Raises FileNotFoundError if there is nothing, ValueError or KeyError if it is of another format.
    """
    index = json.loads((directory / INDEX_FILE).read_bytes())
    if index["format"] != FORMAT_VERSION:
        raise ValueError(f"{directory}: format {index['format']}, expected {FORMAT_VERSION}")
    entries: list[dict[str, Any]] = index["samples"]
    return PreparedDataset(
        directory=directory,
        identity=DatasetIdentity(name=index["name"], revision=index["revision"]),
        warnings=tuple(index["warnings"]),
        samples=tuple(_sample(entry) for entry in entries),
        images={image_id: _image(directory, image_id, image) for image_id, image in index["images"].items()},
        references_path=directory / index["references"],
        prompts_path=directory / index["prompts"],
        mix=index.get(MIX_SETTING),
        _entries={entry["sample_id"]: entry for entry in entries},
    )


def is_synthetic(name: str) -> bool:
    """Whether a dataset's name stands for synthetic samples."""
    return name.startswith("synthetic:")


def images_dir(prepared: Path) -> Path:
    """Where the base64 texts of the prepared dataset in this folder are."""
    return prepared.parent.parent / "images"


def _read_line(path: Path, span: tuple[int, int]) -> Any:  # noqa: ANN401  JSON of our own making
    offset, length = span
    with path.open("rb") as file:
        file.seek(offset)
        return json.loads(file.read(length))


def _sample(entry: Mapping[str, Any]) -> SampleEntry:
    asked = entry.get("asked")
    return SampleEntry(
        sample_id=entry["sample_id"],
        family=entry["family"],
        scenario_type=entry["scenario_type"],
        modes=_modes(entry),
        asked=None if asked is None else frozenset((Mode(mode), Question(question)) for mode, question in asked),
        pictures=entry["pictures"],
        source_id=entry.get("source_id"),
    )


def _modes(entry: Mapping[str, Any]) -> tuple[Mode, ...]:
    return (Mode.ZEROSHOT,) if entry["icl_id"] is None else (Mode.ZEROSHOT, Mode.ICL)


def _image(directory: Path, image_id: str, image: Mapping[str, Any]) -> ImagePart:
    return ImagePart(
        image_id=image_id,
        sha256=image["sha256"],
        base64_path=str(images_dir(directory) / image["file"]),
        size_bytes=image["size_bytes"],
    )


def _has_size(path: Path, size_bytes: int) -> bool:
    try:
        return path.stat().st_size == size_bytes
    except OSError:
        return False
