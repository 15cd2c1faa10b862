"""Making a prepared dataset: check every row and every image, then write what `qcal_plugin.prepared` reads."""

from __future__ import annotations

import hashlib
import itertools
import json
import os
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from qcal_plugin.cache import write_file
from qcal_plugin.dataset_errors import BadDataError
from qcal_plugin.dataset_findings import warnings
from qcal_plugin.dataset_layout import CONFIG_FILE, FEWSHOT_FILE, SAMPLES_FILE
from qcal_plugin.dataset_prompts import icl_prompts, zeroshot_prompt
from qcal_plugin.dataset_rows import FewshotRow, SampleRow, check_config, read_fewshot, read_samples
from qcal_plugin.images import ImageError, StoredImage, store_image
from qcal_plugin.prepared import FORMAT_VERSION, INDEX_FILE, DatasetIdentity, Span, images_dir
from scoring.questions import Mode

_IMAGE_THREADS = min(4, os.cpu_count() or 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Image:
    """An image of a sample, and where it stands in the data."""

    image_id: str
    row: SampleRow
    position: int
    original: bytes = field(repr=False)


class _Lines(NamedTuple):
    """A file of lines, and where each stands in it."""

    file: str
    spans: list[Span]


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
    pairs = [(row, fewshot.get(sample_id)) for sample_id, row in samples.items()]
    references = _write_lines(directory, "references", [_references(*pair) for pair in pairs])
    prompts = _write_lines(directory, "prompts", [_prompts(*pair, known=images) for pair in pairs])
    index = {
        "format": FORMAT_VERSION,
        "name": identity.name,
        "revision": identity.revision,
        "warnings": warnings(samples.values(), fewshot.values()),
        "references": references.file,
        "prompts": prompts.file,
        "samples": [_entry(*pair, *spans) for pair, *spans in zip(pairs, references.spans, prompts.spans, strict=True)],
        "images": {image_id: image._asdict() for image_id, image in images.items()},
    }
    write_file(directory / INDEX_FILE, json.dumps(index).encode())


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


def _entry(row: SampleRow, icl_row: FewshotRow | None, references: Span, prompts: Span) -> dict[str, Any]:
    return {
        "sample_id": row.sample_id,
        "family": row.family,
        "scenario_type": row.scenario_type,
        "icl_id": None if icl_row is None else icl_row.icl_id,
        "references": references,
        "prompts": prompts,
    }


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
    line = {"background": row.background, Mode.ZEROSHOT: zeroshot}
    if icl_row is None:
        return line
    return {**line, Mode.ICL: icl_prompts(icl_row.prompts, icl_row.image_ids, known)}


def _write_lines(directory: Path, name: str, lines: Iterable[Mapping[str, Any]]) -> _Lines:
    encoded = [json.dumps(line).encode() + b"\n" for line in lines]
    ends = [*itertools.accumulate(map(len, encoded))]
    content = b"".join(encoded)
    file = f"{name}-{hashlib.sha256(content).hexdigest()[:16]}.jsonl"
    write_file(directory / file, content)
    return _Lines(file, [Span(end - len(line), len(line)) for end, line in zip(ends, encoded, strict=True)])
