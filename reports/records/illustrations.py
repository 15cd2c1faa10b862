"""What a run directory holds for its report to show: prompts, reference answers and plots.

``samples.jsonl`` has a line per planned sample, ``plots/<sha256>.webp`` (or ``.png``) one file per image,
named by the digest of the image that was sent. Both may be absent; scores do not need them.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

import msgspec

from reports.records.files import files_by_digest, is_there, open_file, read_file, write_file, write_parts
from reports.records.run_files import RunGarbledError
from reports.records.typed_json import DecodeError, convert, decode_object, encode, to_builtins
from scoring.questions import Mode, Question

SAMPLES_NAME = "samples.jsonl"
PLOTS_NAME = "plots"
T = TypeVar("T")
ByItem: TypeAlias = Mapping[Mode, Mapping[Question, T]]

MEDIA_TYPES = {".webp": "image/webp", ".png": "image/png"}


class PromptBlock(msgspec.Struct, frozen=True, omit_defaults=True):
    """A block of a prompt: a text, or the digest of an image; the other is None.

    This is a struct, not a dataclass, so that files hold only the field that is set.
    """

    text: str | None = None
    image: str | None = None


Prompts: TypeAlias = ByItem[tuple[PromptBlock, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class References:
    """The reference answers about a sample. ``key_points`` are what judges grade, for Q1 and Q3."""

    answers: ByItem[str]
    key_points: Mapping[Question, tuple[str, ...]]


NO_REFERENCES = References(answers={}, key_points={})


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleSheet:
    """One sample as it was asked.

    Attributes:
        plots: digests of the sample's own images; prompts with demonstrations hold others too.
        prompts: of the planned questions.
        references: of the planned questions.
        variants: the prompts of a study's conditions, by variant; left out of the file if there are none.
        variant_references: the same for references that differ from ``references``.
    """

    sample_id: str
    plots: tuple[str, ...]
    prompts: Prompts
    references: References
    variants: Mapping[str, Prompts] = field(default_factory=dict)
    variant_references: Mapping[str, References] = field(default_factory=dict)

    @property
    def images(self) -> frozenset[str]:
        """The digests of all images that its prompts show."""
        asked = (self.prompts, *self.variants.values())
        blocks = (
            block for prompts in asked for mode in prompts.values() for one in mode.values() for block in one
        )
        return frozenset(self.plots) | {block.image for block in blocks if block.image is not None}


def sheet_to_json(sheet: SampleSheet) -> dict[str, Any]:
    """Return a line of ``samples.jsonl``.

    A prompt is a list of ``{"text": ...}`` and ``{"image": <sha256>}``.
    """
    data: dict[str, Any] = to_builtins(sheet)
    references = data.pop("references")
    studies = ("variants", "variant_references")
    return {name: value for name, value in {**data, **references}.items() if value or name not in studies}


def sheet_from_json(data: Mapping[str, Any]) -> SampleSheet:
    """Inverse of `sheet_to_json`. Raises DecodeError."""
    return convert({**data, "references": data}, SampleSheet)


def references_to_json(references: References) -> dict[str, Any]:
    """Return ``answers`` and ``key_points`` as JSON."""
    data: dict[str, Any] = to_builtins(references)
    return data


def load_sheets(run_dir: Path, wanted: Container[str] | None = None) -> dict[str, SampleSheet]:
    """Return the samples by id, all or only the ``wanted`` ones; {} if the run wrote none.

    Raises RunGarbledError.
    """
    file = run_dir / SAMPLES_NAME
    sheets = {}
    for number, line in enumerate(_lines(file), start=1):
        try:
            sheet = sheet_from_json(decode_object(line))
        except DecodeError as error:
            raise RunGarbledError(
                f"{file}, line {number}: not a sample ({error}); delete the file to continue"
            ) from error
        if wanted is None or sheet.sample_id in wanted:
            sheets[sheet.sample_id] = sheet
    return sheets


def _lines(file: Path) -> Iterator[bytes]:
    try:
        if is_there(file):
            with open_file(file) as opened:
                yield from opened
    except OSError as error:
        raise RunGarbledError(f"{file}: {error.strerror}") from error


def write_sheets(run_dir: Path, sheets: Iterable[SampleSheet]) -> None:
    """Write ``samples.jsonl``, replacing an earlier one. Raises OSError."""
    write_parts(run_dir / SAMPLES_NAME, (encode(sheet_to_json(sheet)) + b"\n" for sheet in sheets))


def plot_files(run_dir: Path) -> dict[str, Path]:
    """Return the plots by the digest of the image that was sent."""
    return dict(files_by_digest(run_dir / PLOTS_NAME, MEDIA_TYPES))


def join_illustrations(sources: Sequence[Path], target: Path) -> None:
    """Copy the samples and plots of several runs into ``target``. Raises RunGarbledError or OSError."""
    sheets: dict[str, SampleSheet] = {}
    for source in sources:
        for sample_id, sheet in load_sheets(source).items():
            sheets[sample_id] = _joined(sheets[sample_id], sheet) if sample_id in sheets else sheet
        for file in plot_files(source).values():
            write_file(target / PLOTS_NAME / file.name, read_file(file))
    if sheets:
        write_sheets(target, sheets.values())


def _joined(first: SampleSheet, second: SampleSheet) -> SampleSheet:
    """Join two sheets about one sample that was asked different questions or modes."""
    variants = first.variants.keys() | second.variants.keys()
    differing = (first.variant_references, second.variant_references)
    return replace(
        first,
        prompts=_merged(first.prompts, second.prompts),
        references=_joined_references(first.references, second.references),
        variants={
            name: _merged(first.variants.get(name, {}), second.variants.get(name, {})) for name in variants
        },
        variant_references={
            name: _joined_references(*(each.get(name, NO_REFERENCES) for each in differing))
            for name in differing[0].keys() | differing[1].keys()
        },
    )


def _joined_references(first: References, second: References) -> References:
    return References(
        answers=_merged(first.answers, second.answers), key_points={**first.key_points, **second.key_points}
    )


def _merged(first: ByItem[T], second: ByItem[T]) -> ByItem[T]:
    return {mode: {**first.get(mode, {}), **second.get(mode, {})} for mode in first.keys() | second.keys()}
