"""Read ``mix.toml``: the datasets that a run mixes, and their weights (reference and example: docs/collections.md).

Imports only the standard library, because workers read it with the command line.

    MixFileError      the file cannot be used; the message names the file, the part, the key and the mistake
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from qcal_plugin.studies.selection import parse_modes, parse_questions
from reports.records.mixes import LARGEST_WEIGHT, is_weight
from reports.records.toml_tables import TomlError, check_keys, count, entries, read_file, text
from scoring.questions import Mode, Question

KEYS = {"title", "seed", "samples", "part"}
PART_KEYS = {"name", "dataset", "revision", "weight", "families", "questions", "modes"}
NAME = re.compile(r"[A-Za-z0-9_-]+")

T = TypeVar("T")


class MixFileError(TomlError):
    """A mix file that cannot be used; ``str()`` is for the user."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PartFile:
    """A ``[[part]]``.

    Attributes:
        dataset: as written: Hub id, folder or ``synthetic:...``.
        location: the same for `qcal_plugin.dataset.prepare.prepare`: a folder is relative to the file.
        revision: None for the latest.
        weight: as written, above 0.
        families: None for all.
    """

    name: str
    dataset: str
    location: str
    revision: str | None
    weight: float
    families: tuple[str, ...] | None
    questions: tuple[Question, ...]
    modes: tuple[Mode, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class MixFile:
    """The content of a file. ``samples``: how many the parts give together; None for all that they have."""

    path: Path
    title: str
    seed: int
    samples: int | None
    parts: tuple[PartFile, ...]


def read_mix_file(path: Path) -> MixFile:
    """Return the mix in the file. Raises MixFileError."""
    return read_file(path, _mix, MixFileError)


def _mix(path: Path, data: Mapping[str, Any]) -> MixFile:
    check_keys("the file", data, KEYS)
    title = text("the file", data, "title")
    if not title.isprintable():
        raise MixFileError(f"title is {title!r}; expected text on one line")
    numbered = enumerate(entries(data, "part", "mix"), start=1)
    parts = tuple(_part(path.parent, f"part {position}", entry) for position, entry in numbered)
    names = [part.name for part in parts]
    if again := next((name for position, name in enumerate(names) if name in names[:position]), None):
        raise MixFileError(
            f"part {names.index(again, names.index(again) + 1) + 1}: name {again!r} is the name of another part"
        )
    return MixFile(
        path=path,
        title=title,
        seed=_seed(data),
        samples=count("the file", data, "samples", "samples", lowest=1),
        parts=parts,
    )


def _seed(data: Mapping[str, Any]) -> int:
    seed = data.get("seed", 0)
    if isinstance(seed, bool) or not isinstance(seed, int):
        raise MixFileError(f"the file: seed is {seed!r}; expected a whole number")
    return seed


def _part(folder: Path, place: str, entry: Mapping[str, Any]) -> PartFile:
    check_keys(place, entry, PART_KEYS)
    name = text(place, entry, "name")
    if not NAME.fullmatch(name):
        raise MixFileError(f"{place}: name is {name!r}; expected letters, digits, _ and - only")
    place = f"part {name}"
    dataset = text(place, entry, "dataset")
    return PartFile(
        name=name,
        dataset=dataset,
        location=_location(folder, dataset),
        revision=text(place, entry, "revision") if "revision" in entry else None,
        weight=_weight(place, entry),
        families=_texts(place, entry, "families") if "families" in entry else None,
        questions=_members(place, entry, "questions", parse_questions, tuple(Question)),
        modes=_members(place, entry, "modes", parse_modes, tuple(Mode)),
    )


def _location(folder: Path, dataset: str) -> str:
    beside = (folder / os.path.expanduser(dataset)).absolute()  # noqa: PTH111 - of Path, an unknown user would raise
    return str(beside) if dataset.startswith((".", "/", "~")) or beside.is_dir() else dataset


def _weight(place: str, entry: Mapping[str, Any]) -> float:
    weight = entry.get("weight")
    if not is_weight(weight):
        raise MixFileError(
            f"{place}: weight is {weight!r}; expected a number above 0, at most {LARGEST_WEIGHT:g}"
        )
    checked: float = weight  # type: ignore[assignment]  # is_weight has checked the type
    return checked


def _texts(place: str, entry: Mapping[str, Any], name: str) -> tuple[str, ...]:
    value = entry[name]
    if not isinstance(value, list) or not value or not all(isinstance(item, str) and item for item in value):
        raise MixFileError(f"{place}: {name} is {value!r}; expected a list of strings")
    return tuple(value)


def _members(
    place: str,
    entry: Mapping[str, Any],
    name: str,
    parse: Callable[[str], tuple[T, ...]],
    everything: tuple[T, ...],
) -> tuple[T, ...]:
    if name not in entry:
        return everything
    try:
        return parse(",".join(_texts(place, entry, name)))
    except ValueError as error:
        raise MixFileError(f"{place}: {name}: {error}") from None
