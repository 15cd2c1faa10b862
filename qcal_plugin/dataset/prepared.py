"""A validated dataset on disk. Collection needs only its index; everything else is read on demand.

Standard library only: xdist workers open it and stay small.

Layout of a prepared dataset's folder (``<cache>/prepared/<key>``)::

    index.json                   identity, warnings, one entry per sample, digests of all other files;
                                 for a mix, its parts and which items of each sample are asked;
                                 for a part, the samples whose images are present
    references-<digest>.jsonl    one line per sample: answers, key points, field rules, background
    prompts-<digest>.jsonl       one line per sample: content of every prompt, with images by id
    floors-<digest>.jsonl        one line per sample: scores of answers given without the plot (docs/baselines.md)

The index is written last and names the other files, which never change. So readers see all of a dataset or
nothing. The base64 texts are in ``<cache>/images``, shared by all prepared datasets.

No file is trusted. The index contains the digests of all other files and a digest of its content. The latter
is part of the revision that reports print (`DatasetIdentity`). Floors follow from the rest and have a
separate digest, so improved floors do not change the revision. Each file is read once, as a whole, and used
only if it has its digest. An image is read when it is sent.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from qcal_plugin.dataset.cache import read_verified
from qcal_plugin.dataset.cases import Case, ImagePart, PromptPart, TextPart
from qcal_plugin.dataset.verified_file import VerifiedFile
from reports.records.files import read_file
from reports.records.floors import ItemFloors, item_floors_from_json
from reports.records.mixes import MIX_SETTING, mix_from_json
from reports.records.records import ItemKey
from scoring.dispatch import Scorer
from scoring.questions import Mode, Question
from scoring.reference import JSON, Reference

FORMAT_VERSION = 5
"""Part of the folder's key.

Raised when the layout, the checks of rows or the composition of prompts change.
"""

INDEX_FILE = "index.json"
DIGEST_MARK = "+"
"""Separates the source's revision from the digest of what was prepared from it."""
DIGEST_LENGTH = 32
_VERIFYING_THREADS = min(4, os.cpu_count() or 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetIdentity:
    """Identifies the data.

    Attributes:
        name: as given to ``--dataset``: Hub id, folder or ``synthetic:...``; for a mix, ``mix:<title>``.
        revision: commit hash of the Hub repository, or ``sha256:<digest>`` of a folder's content or a mix's
            parts. For a prepared dataset, ``+`` and a digest of everything that was prepared follow.
        warnings: about how the revision was determined, one line each.
    """

    name: str
    revision: str
    warnings: tuple[str, ...] = field(default=(), compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleEntry:
    """What collection needs to know of a sample.

    Attributes:
        modes: those for which the dataset has prompts about it.
        asked: the items that a mix or a further ICL row asks; None for all items of its modes.
        pictures: how many images it has, demonstrations not counted.
        source_id: for a further ICL row about a sample, that sample; None for the samples themselves.
    """

    sample_id: str
    family: str
    scenario_type: str
    modes: tuple[Mode, ...]
    asked: frozenset[tuple[Mode, Question]] | None = None
    pictures: int = 1
    source_id: str | None = None

    def items(self) -> tuple[tuple[Mode, Question], ...]:
        """Return the items about it, in the benchmark's order."""
        everything = ((mode, question) for mode in self.modes for question in mode.questions)
        return tuple(item for item in everything if self.asked is None or item in self.asked)


class SampleLines(NamedTuple):
    """What a prepared dataset holds of a sample, as JSON: its entry in the index, references, prompts by mode, floors.

    ``floors``: mode -> question -> scorer -> ``scores`` by rule, and for Q5 ``fields`` by rule and field.
    """

    entry: Mapping[str, Any]
    references: Mapping[str, Any]
    prompts: Mapping[str, Any]
    floors: Mapping[str, Any]


class Span(NamedTuple):
    """The position of a line in its file, in bytes."""

    offset: int
    length: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedDataset:
    """A dataset whose rows and images have all been checked.

    Attributes:
        warnings: findings about the data that do not prevent a run, and those of the identity; one line each.
        samples: in the order of the dataset.
        images: the dataset's images by id.
        mix: the parts of a mix (`reports.records.mixes`); None if the dataset is not a mix.
        repairs: what was damaged in the cache and has been rebuilt, one line each; also among the warnings.
        part: the samples whose images were prepared, if not all were: only these can be asked about. Else
            empty.
    """

    directory: Path
    identity: DatasetIdentity
    warnings: tuple[str, ...]
    samples: tuple[SampleEntry, ...]
    images: Mapping[str, ImagePart] = field(repr=False)
    references: VerifiedFile = field(repr=False)
    prompts: VerifiedFile = field(repr=False)
    floors: VerifiedFile = field(repr=False)
    mix: Mapping[str, JSON] | None = field(repr=False, default=None)
    repairs: tuple[str, ...] = field(compare=False, default=())
    part: tuple[str, ...] = ()
    _entries: Mapping[str, Mapping[str, Any]] = field(repr=False)
    _floor_spans: Mapping[str, tuple[int, int]] = field(repr=False)

    def case(self, key: ItemKey) -> Case:
        """Return the prompt of this item and its reference.

        Raises KeyError if the dataset does not have the item.
        """
        entry = self._entry(key)
        prompts = self.prompts.line(entry["prompts"])
        return Case(
            key=key,
            family=entry["family"],
            scenario_type=entry["scenario_type"],
            prompt=tuple(self._part(part) for part in prompts[key.mode][key.question]),
            reference=self.reference(key),
        )

    def reference(self, key: ItemKey) -> Reference:
        """Return the item's reference. Raises KeyError if the dataset does not have the item."""
        line = self.references.line(self._entry(key)["references"])
        return Reference(
            answer=line["answers"][key.question],
            plot_description=line["answers"][Question.Q1],
            scenario_type=line["scenario_type"],
            key_points=tuple(line["key_points"].get(key.question, ())),
            field_rules=line["field_rules"] if key.question is Question.Q5 else {},
        )

    def floors_of(self, key: ItemKey, scorer: Scorer) -> ItemFloors:
        """Return what answers that look at no plot score on the item.

        Raises KeyError if there is no such item.
        """
        self._entry(key)
        by_question = self.floors.line(self._floor_spans[key.sample_id])[key.mode]
        return item_floors_from_json(by_question[key.question].get(scorer))

    def images_of(self, sample_id: str) -> list[ImagePart]:
        """Return the sample's images, in order, without demonstrations.

        Raises KeyError if there is no such sample.
        """
        prompt = self.case(ItemKey(sample_id, Question.Q1, Mode.ZEROSHOT)).prompt
        return [part for part in prompt if isinstance(part, ImagePart)]

    def background(self, sample_id: str) -> str:
        """Return the dataset's description of the experiment. Raises KeyError if there is no such sample."""
        text: str = self.references.line(self._entries[sample_id]["references"])["background"]
        return text

    def source_id(self, sample_id: str) -> str:
        """Return the sample that the questions are about.

        It differs from ``sample_id`` only for a further ICL row.
        """
        source_id: str = self._entries[sample_id].get("source_id", sample_id)
        return source_id

    @property
    def own_samples(self) -> tuple[SampleEntry, ...]:
        """The samples without further ICL rows about them."""
        return tuple(sample for sample in self.samples if sample.source_id is None)

    def icl_id(self, sample_id: str) -> str | None:
        """Return the id of the sample's row in the ICL file, which result files contain; None without ICL."""
        icl_id: str | None = self._entries[sample_id]["icl_id"]
        return icl_id

    def lines(self, sample_id: str) -> SampleLines:
        """Return what the files contain about the sample. Raises KeyError if there is no such sample."""
        entry = self._entries[sample_id]
        return SampleLines(
            entry=entry,
            references=self.references.line(entry["references"]),
            prompts=self.prompts.line(entry["prompts"]),
            floors=self.floors.line(self._floor_spans[sample_id]),
        )

    def revision_of_part(self, sample_ids: Sequence[str]) -> str | None:
        """Return the revision that preparing only these samples would give; None if some of them are missing here.

        It equals the revision of a part that was prepared separately if texts, references and images are the
        same. Raises OSError, ValueError or KeyError if the dataset's files are damaged.
        """
        if self.part or not sample_ids or not set(sample_ids) <= self._entries.keys():
            return None
        content = json.loads(read_file(self.directory / INDEX_FILE))["content"]
        shown = shown_images(self.prompts.line(self._entries[name]["prompts"]) for name in sample_ids)
        images = {image_id: content["images"][image_id] for image_id in shown}
        digest = content_sha256({**content, "images": images, "part": list(sample_ids)})
        source = self.identity.revision.partition(DIGEST_MARK)[0]
        return f"{source}{DIGEST_MARK}{digest[:DIGEST_LENGTH]}"

    @property
    def stand_ins(self) -> tuple[str, ...]:
        """What replaces the benchmark's samples, as text for tables."""
        if self.mix is None:
            return ("dataset: synthetic samples",) if is_synthetic(self.identity.name) else ()
        parts = [part.name for part in mix_from_json(self.mix).parts if is_synthetic(part.dataset)]
        which = f"part{'s' if len(parts) > 1 else ''} {', '.join(parts)}"
        return (f"dataset: synthetic samples ({which})",) if parts else ()

    def verify(self) -> None:
        """Check the digest of every file. Raises OSError, which names the first file that fails."""
        self.references.content()
        self.prompts.content()
        self.floors.content()
        images = {image.base64_path: image for image in self.images.values()}
        with ThreadPoolExecutor(_VERIFYING_THREADS) as pool:
            for _ in pool.map(verify_image, images.values()):
                pass

    def _entry(self, key: ItemKey) -> Mapping[str, Any]:
        entry = self._entries.get(key.sample_id)
        asked_in = _modes(entry) if entry is not None else ()
        if entry is None or key.mode not in asked_in or key.question not in key.mode.questions:
            raise KeyError(
                f"{self.identity.name} has no item {key.sample_id} {key.question} in mode {key.mode}"
            )
        if self.part and key.sample_id not in self.part:
            raise KeyError(
                f"{self.identity.name}: {key.sample_id} is not among the samples that were prepared"
            )
        return entry

    def _part(self, part: Mapping[str, str]) -> PromptPart:
        return TextPart(text=part["text"]) if "text" in part else self.images[part["image"]]


class OtherFormatError(ValueError):
    """The dataset was prepared by another version of this suite."""


def open_prepared(directory: Path, revision: str | None = None) -> PreparedDataset:
    """Open a dataset that `qcal_plugin.dataset.prepare.prepare` has written; ``revision`` is the one it must have.

    Raises FileNotFoundError if there is none, OtherFormatError if it has another format, and OSError,
    ValueError, KeyError or TypeError if the index is damaged. The other files are verified when they are
    read, or by `verify`.
    """
    index = json.loads(read_file(directory / INDEX_FILE))
    if index["format"] != FORMAT_VERSION:
        raise OtherFormatError(f"{directory}: format {index['format']}, expected {FORMAT_VERSION}")
    content, floors = index["content"], index["floors"]
    if (content_sha256(content), content_sha256(floors)) != (index["sha256"], index["floors_sha256"]):
        raise ValueError(f"{directory / INDEX_FILE}: its content is not what was prepared")
    identity = DatasetIdentity(
        name=index["name"], revision=f"{index['revision']}{DIGEST_MARK}{index['sha256'][:DIGEST_LENGTH]}"
    )
    if revision not in {None, identity.revision}:
        raise ValueError(f"{directory}: revision {identity.revision}, expected {revision}")
    entries: list[dict[str, Any]] = content["samples"]
    return PreparedDataset(
        directory=directory,
        identity=identity,
        warnings=tuple(content["warnings"]),
        samples=tuple(sample_entry(entry) for entry in entries),
        images={
            image_id: _image(directory, image_id, image) for image_id, image in content["images"].items()
        },
        references=_lines(directory, "references", content["references"]),
        prompts=_lines(directory, "prompts", content["prompts"]),
        floors=_lines(directory, "floors", floors["sha256"]),
        mix=content.get(MIX_SETTING),
        part=tuple(content.get("part", ())),
        _entries={entry["sample_id"]: entry for entry in entries},
        _floor_spans=floors["spans"],
    )


def content_sha256(content: Mapping[str, Any]) -> str:
    """Return the digest of a section of an index.

    The section contains the digests of the files that it describes.
    """
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def lines_file(name: str, sha256: str) -> str:
    """Return the name of the file of references, prompts or floors with this digest."""
    return f"{name}-{sha256[:16]}.jsonl"


def image_file(sha256: str) -> str:
    """Return the name of the file with the base64 text of the PNG with this digest."""
    return f"{sha256}.b64"


def verify_image(image: ImagePart) -> None:
    """Check the digest of an image's file. Raises OSError."""
    read_verified(Path(image.base64_path), image.base64_sha256)


def shown_images(prompts: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return the ids of the images in these prompts (mode -> question -> pieces), each once."""
    pieces = (
        piece
        for by_mode in prompts
        for by_question in by_mode.values()
        for prompt in by_question.values()
        for piece in prompt
    )
    return list(dict.fromkeys(piece["image"] for piece in pieces if "image" in piece))


def is_synthetic(name: str) -> bool:
    """Whether a dataset's name is that of synthetic samples."""
    return name.startswith("synthetic:")


def images_dir(prepared: Path) -> Path:
    """Return the folder with the base64 texts for the prepared dataset in this folder."""
    return prepared.parent.parent / "images"


def _lines(directory: Path, name: str, sha256: str) -> VerifiedFile:
    return VerifiedFile(directory / lines_file(name, sha256), sha256)


def sample_entry(entry: Mapping[str, Any]) -> SampleEntry:
    """Read a sample's entry of an index."""
    asked = entry.get("asked")
    return SampleEntry(
        sample_id=entry["sample_id"],
        family=entry["family"],
        scenario_type=entry["scenario_type"],
        modes=_modes(entry),
        asked=None
        if asked is None
        else frozenset((Mode(mode), Question(question)) for mode, question in asked),
        pictures=entry["pictures"],
        source_id=entry.get("source_id"),
    )


def _modes(entry: Mapping[str, Any]) -> tuple[Mode, ...]:
    return (Mode.ZEROSHOT,) if entry["icl_id"] is None else (Mode.ZEROSHOT, Mode.ICL)


def _image(directory: Path, image_id: str, image: Mapping[str, Any]) -> ImagePart:
    return ImagePart(
        image_id=image_id,
        sha256=image["sha256"],
        base64_path=str(images_dir(directory) / image_file(image["sha256"])),
        base64_sha256=image["base64_sha256"],
        size_bytes=image["size_bytes"],
    )
