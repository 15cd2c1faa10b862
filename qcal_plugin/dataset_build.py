"""Making a prepared dataset: check every row and every image, then write what `qcal_plugin.prepared` reads."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from qcal_plugin.cache import write_folder
from qcal_plugin.dataset_errors import BadDataError
from qcal_plugin.dataset_findings import warnings
from qcal_plugin.dataset_layout import CONFIG_FILE, FEWSHOT_FILE, SAMPLES_FILE
from qcal_plugin.dataset_prompts import icl_prompts, zeroshot_prompt
from qcal_plugin.dataset_rows import FewshotRow, SampleRow, check_config, read_fewshot, read_samples
from qcal_plugin.images import ImageError, StoredImage, store_image
from qcal_plugin.prepared import (
    FORMAT_VERSION,
    INDEX_FILE,
    PROMPTS_FILE,
    REFERENCES_FILE,
    DatasetIdentity,
    Span,
    images_dir,
)
from scoring.questions import Mode

_IMAGE_THREADS = min(4, os.cpu_count() or 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Image:
    """An image of a sample, and where it stands in the data."""

    image_id: str
    row: SampleRow
    position: int
    original: bytes = field(repr=False)


def build(
    identity: DatasetIdentity,
    files: Mapping[str, Path],
    directory: Path,
    *,
    progress: Callable[[int, int], None] | None = None,
) -> None:
    """Prepare the dataset in these files in ``directory``; `progress` is told images done and images in all.

    Raises BadDataError for the first fault, and leaves no directory then.
    """
    check_config(files[CONFIG_FILE])
    samples = read_samples(files[SAMPLES_FILE])
    fewshot = read_fewshot(files[FEWSHOT_FILE], samples)
    images = _store_images(samples.values(), images_dir(directory), progress)
    found = warnings(samples.values(), fewshot.values())
    write_folder(directory, lambda folder: _write(folder, identity, samples, fewshot, images, found))


def _store_images(
    samples: Iterable[SampleRow], folder: Path, progress: Callable[[int, int], None] | None
) -> dict[str, StoredImage]:
    images = {image.image_id: image for row in samples for image in _images(row)}
    stored = {}
    with ThreadPoolExecutor(_IMAGE_THREADS) as pool:
        results = pool.map(lambda image: _store_image(image, folder), images.values())
        for image_id, result in zip(images, results, strict=True):
            stored[image_id] = result
            if progress is not None:
                progress(len(stored), len(images))
    return stored


def _images(row: SampleRow) -> Iterable[_Image]:
    for position, (image_id, original) in enumerate(zip(row.image_ids, row.images, strict=True)):
        yield _Image(image_id=image_id, row=row, position=position, original=original)


def _store_image(image: _Image, folder: Path) -> StoredImage:
    try:
        return store_image(image.original, folder)
    except ImageError as error:
        raise BadDataError(
            f"image {image.position} ({image.image_id!r}): {error}",
            file=SAMPLES_FILE,
            row=image.row.index,
            row_id=image.row.sample_id,
            column="images",
        ) from error


def _write(
    folder: Path,
    identity: DatasetIdentity,
    samples: Mapping[str, SampleRow],
    fewshot: Mapping[str, FewshotRow],
    images: Mapping[str, StoredImage],
    found: Iterable[str],
) -> None:
    pairs = [(row, fewshot.get(sample_id)) for sample_id, row in samples.items()]
    references = _write_lines(folder / REFERENCES_FILE, [_references(*pair) for pair in pairs])
    prompts = _write_lines(folder / PROMPTS_FILE, [_prompts(*pair, known=images) for pair in pairs])
    entries = [
        {
            "sample_id": row.sample_id,
            "family": row.family,
            "scenario_type": row.scenario_type,
            "icl_id": None if icl_row is None else icl_row.icl_id,
            "references": reference_span,
            "prompts": prompt_span,
        }
        for (row, icl_row), reference_span, prompt_span in zip(pairs, references, prompts, strict=True)
    ]
    index = {
        "format": FORMAT_VERSION,
        "name": identity.name,
        "revision": identity.revision,
        "warnings": list(found),
        "samples": entries,
        "images": {image_id: image._asdict() for image_id, image in images.items()},
    }
    (folder / INDEX_FILE).write_text(json.dumps(index), encoding="utf-8")


def _references(row: SampleRow, icl_row: FewshotRow | None) -> dict[str, Any]:
    answers = {Mode.ZEROSHOT: row.answers} | ({} if icl_row is None else {Mode.ICL: icl_row.answers})
    return {
        "answers": answers,
        "scenario_type": row.scenario_type,
        "key_points": row.key_points,
        "field_rules": row.field_rules,
    }


def _prompts(row: SampleRow, icl_row: FewshotRow | None, *, known: Mapping[str, Any]) -> dict[str, Any]:
    zeroshot = {question: zeroshot_prompt(prompt, row.image_ids) for question, prompt in row.prompts.items()}
    if icl_row is None:
        return {Mode.ZEROSHOT: zeroshot}
    return {Mode.ZEROSHOT: zeroshot, Mode.ICL: icl_prompts(icl_row.prompts, icl_row.image_ids, known)}


def _write_lines(path: Path, lines: Iterable[Mapping[str, Any]]) -> list[Span]:
    spans, offset = [], 0
    with path.open("wb") as file:
        for line in lines:
            length = file.write(json.dumps(line).encode() + b"\n")
            spans.append(Span(offset, length))
            offset += length
    return spans
