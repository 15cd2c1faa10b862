"""What a run directory holds for people to look at: the prompts and reference answers, and the plots.

``samples.jsonl`` has a line per planned sample, ``plots/<sha256>.webp`` (or ``.png``) one file per image, named by the
digest of the image that was sent. Both may be absent: figures need neither.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias, TypeVar

from reports.records.run_files import RunGarbledError
from scoring.questions import Mode, Question

SAMPLES_NAME = "samples.jsonl"
PLOTS_NAME = "plots"
T = TypeVar("T")
ByItem: TypeAlias = Mapping[Mode, Mapping[Question, T]]

MEDIA_TYPES = {".webp": "image/webp", ".png": "image/png"}


class PromptPart(NamedTuple):
    """A block of a prompt: a text, or the digest of an image; the other is None."""

    text: str | None = None
    image: str | None = None


Prompts: TypeAlias = ByItem[tuple[PromptPart, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class References:
    """What answers about a sample are compared with; ``key_points`` are what judges grade, of Q1 and Q3."""

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
        variants: the prompts of a study's conditions, by variant; left out of the file where there are none.
        variant_references: likewise, where they differ from ``references``.
    """

    sample_id: str
    plots: tuple[str, ...]
    prompts: Prompts
    references: References
    variants: Mapping[str, Prompts] = field(default_factory=dict)
    variant_references: Mapping[str, References] = field(default_factory=dict)


def sheet_to_json(sheet: SampleSheet) -> dict[str, Any]:
    """One line of ``samples.jsonl``; a prompt is a list of ``{"text": ...}`` and ``{"image": <sha256>}``."""
    variants = {variant: _prompts_to_json(prompts) for variant, prompts in sheet.variants.items()}
    differing = {variant: references_to_json(own) for variant, own in sheet.variant_references.items()}
    return {
        "sample_id": sheet.sample_id,
        "plots": list(sheet.plots),
        "prompts": _prompts_to_json(sheet.prompts),
        **({"variants": variants} if variants else {}),
        **references_to_json(sheet.references),
        **({"variant_references": differing} if differing else {}),
    }


def sheet_from_json(data: Mapping[str, Any]) -> SampleSheet:
    """Inverse of `sheet_to_json`. Raises KeyError, TypeError, AttributeError or ValueError on anything else."""
    return SampleSheet(
        sample_id=data["sample_id"],
        plots=tuple(data["plots"]),
        prompts=_prompts_from_json(data["prompts"]),
        references=_references_from_json(data),
        variants={variant: _prompts_from_json(prompts) for variant, prompts in data.get("variants", {}).items()},
        variant_references={
            variant: _references_from_json(own) for variant, own in data.get("variant_references", {}).items()
        },
    )


def references_to_json(references: References) -> dict[str, Any]:
    """``answers`` and ``key_points``."""
    return {
        "answers": {mode: dict(answers) for mode, answers in references.answers.items()},
        "key_points": {question: list(points) for question, points in references.key_points.items()},
    }


def _references_from_json(data: Mapping[str, Any]) -> References:
    return References(
        answers={
            Mode(mode): {Question(question): text for question, text in answers.items()}
            for mode, answers in data["answers"].items()
        },
        key_points={Question(question): tuple(points) for question, points in data["key_points"].items()},
    )


def load_sheets(run_dir: Path) -> dict[str, SampleSheet]:
    """The samples by id; none where the run wrote none. Raises RunGarbledError."""
    file = run_dir / SAMPLES_NAME
    if not file.is_file():
        return {}
    sheets = {}
    for number, line in enumerate(file.read_bytes().splitlines(), start=1):
        try:
            sheet = sheet_from_json(json.loads(line))
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise RunGarbledError(f"{file}, line {number}: not a sample ({error}); delete the file to go on") from error
        sheets[sheet.sample_id] = sheet
    return sheets


def write_sheets(run_dir: Path, sheets: Iterable[SampleSheet]) -> None:
    """Write ``samples.jsonl`` anew. Raises OSError."""
    lines = [json.dumps(sheet_to_json(sheet)) + "\n" for sheet in sheets]
    aside = run_dir / f".{SAMPLES_NAME}"
    aside.write_text("".join(lines), encoding="ascii")
    aside.replace(run_dir / SAMPLES_NAME)


def plot_files(run_dir: Path) -> dict[str, Path]:
    """The plots by the digest of the image that was sent."""
    files = sorted((run_dir / PLOTS_NAME).glob("*"))
    return {file.stem: file for file in files if file.suffix in MEDIA_TYPES}


def join_illustrations(sources: Sequence[Path], target: Path) -> None:
    """Bring the samples and plots of several runs together in ``target``. Raises RunGarbledError or OSError."""
    sheets: dict[str, SampleSheet] = {}
    for source in sources:
        for sample_id, sheet in load_sheets(source).items():
            sheets[sample_id] = _joined(sheets[sample_id], sheet) if sample_id in sheets else sheet
        for file in plot_files(source).values():
            (target / PLOTS_NAME).mkdir(exist_ok=True)
            shutil.copyfile(file, target / PLOTS_NAME / file.name)
    if sheets:
        write_sheets(target, sheets.values())


def _prompts_to_json(prompts: Prompts) -> dict[str, dict[str, list[dict[str, str | None]]]]:
    return {
        mode: {question: [_part_to_json(part) for part in parts] for question, parts in asked.items()}
        for mode, asked in prompts.items()
    }


def _prompts_from_json(data: Mapping[str, Any]) -> Prompts:
    return {
        Mode(mode): {Question(q): tuple(PromptPart(**part) for part in parts) for q, parts in asked.items()}
        for mode, asked in data.items()
    }


def _joined(first: SampleSheet, second: SampleSheet) -> SampleSheet:
    """What both say of one sample, of which they asked different questions or modes."""
    variants = first.variants.keys() | second.variants.keys()
    differing = (first.variant_references, second.variant_references)
    return replace(
        first,
        prompts=_merged(first.prompts, second.prompts),
        references=_joined_references(first.references, second.references),
        variants={name: _merged(first.variants.get(name, {}), second.variants.get(name, {})) for name in variants},
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


def _part_to_json(part: PromptPart) -> dict[str, str | None]:
    return {"text": part.text} if part.image is None else {"image": part.image}
