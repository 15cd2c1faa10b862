"""Writes into a run's folder what a report shows beside the records: prompts, reference answers, plots.

A plot is shrunk to `LONGEST_SIDE` and stored as WebP, some 20 KB each, so that a report can hold all of a benchmark.
Each image is encoded once and kept in the cache, next to the images that are sent; runs get copies.
"""

from __future__ import annotations

import base64
import io
import os
import shutil
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from qcal_plugin.cache import write_file
from qcal_plugin.cases import ImagePart, PromptPart, TextPart
from qcal_plugin.prepared import PreparedDataset, images_dir
from reports import illustrations
from reports.illustrations import PLOTS_NAME, SampleSheet, write_sheets
from reports.records import ItemKey, PlannedItem
from scoring.questions import Mode, Question

LONGEST_SIDE = 1000
"""Pixels."""
QUALITY = 85
ENCODING = f"{LONGEST_SIDE}-{QUALITY}"
"""Part of the cached file's name."""

_THREADS = min(4, os.cpu_count() or 1)


def illustrate(
    run_dir: Path,
    planned: Sequence[PlannedItem],
    dataset: PreparedDataset,
    *,
    progress: Callable[[int, int], None] | None = None,
) -> None:
    """Write ``samples.jsonl`` and the plots that the planned items show.

    ``progress`` is told how many of the plots that had to be made are done, and how many there are.

    Raises OSError or ValueError, as where the disk is full or the cache has lost a file.
    """
    sheets = [_sheet(keys, dataset) for keys in _by_sample(planned).values()]
    write_sheets(run_dir, sheets)
    images = {image.sha256: image for image in dataset.images.values()}
    shown = sorted({digest for sheet in sheets for digest in _plots(sheet)})
    cache = images_dir(dataset.directory).parent / PLOTS_NAME
    _fill_cache([images[digest] for digest in shown if not _cached(digest, cache).exists()], cache, progress)
    (run_dir / PLOTS_NAME).mkdir(exist_ok=True)
    for digest in shown:
        shutil.copyfile(_cached(digest, cache), run_dir / PLOTS_NAME / f"{digest}.webp")


def encode_plot(image: bytes) -> bytes:
    """The picture on white, no side longer than `LONGEST_SIDE`, as WebP."""
    from PIL import Image

    with Image.open(io.BytesIO(image)) as opened:
        layer = opened.convert("RGBA")
    plot = Image.new("RGB", layer.size, "white")
    plot.paste(layer, mask=layer.getchannel("A"))
    plot.thumbnail((LONGEST_SIDE, LONGEST_SIDE), Image.Resampling.LANCZOS)
    file = io.BytesIO()
    plot.save(file, "WEBP", quality=QUALITY)
    return file.getvalue()


def _fill_cache(images: Sequence[ImagePart], cache: Path, progress: Callable[[int, int], None] | None) -> None:
    def make(image: ImagePart) -> None:
        plot = encode_plot(base64.b64decode(Path(image.base64_path).read_bytes()))
        write_file(_cached(image.sha256, cache), plot)

    with ThreadPoolExecutor(_THREADS) as pool:
        try:
            for done, _ in enumerate(pool.map(make, images), start=1):
                if progress is not None:
                    progress(done, len(images))
        finally:
            pool.shutdown(cancel_futures=True)  # at Ctrl-C the rest is not waited for


def _cached(digest: str, cache: Path) -> Path:
    return cache / f"{digest}-{ENCODING}.webp"


def _by_sample(planned: Iterable[PlannedItem]) -> dict[str, list[ItemKey]]:
    samples: dict[str, list[ItemKey]] = {}
    for item in planned:
        samples.setdefault(item.key.sample_id, []).append(item.key)
    return samples


def _sheet(keys: Sequence[ItemKey], dataset: PreparedDataset) -> SampleSheet:
    """The sample of these items, all of one sample."""
    sample_id = keys[0].sample_id
    own = dataset.case(ItemKey(sample_id, Question.Q1, Mode.ZEROSHOT)).prompt
    prompts: dict[Mode, dict[Question, tuple[illustrations.PromptPart, ...]]] = {}
    answers: dict[Mode, dict[Question, str]] = {}
    key_points: dict[Question, tuple[str, ...]] = {}
    for key in dict.fromkeys(ItemKey(key.sample_id, key.question, key.mode) for key in keys):
        case = dataset.case(key)
        prompts.setdefault(key.mode, {})[key.question] = tuple(map(_part, case.prompt))
        answers.setdefault(key.mode, {})[key.question] = case.reference.answer
        if case.reference.key_points:
            key_points[key.question] = case.reference.key_points
    return SampleSheet(
        sample_id=sample_id,
        plots=tuple(part.sha256 for part in own if isinstance(part, ImagePart)),
        prompts=prompts,
        answers=answers,
        key_points=key_points,
    )


def _part(part: PromptPart) -> illustrations.PromptPart:
    if isinstance(part, TextPart):
        return illustrations.PromptPart(text=part.text)
    return illustrations.PromptPart(image=part.sha256)


def _plots(sheet: SampleSheet) -> Iterable[str]:
    yield from sheet.plots
    for asked in sheet.prompts.values():
        for parts in asked.values():
            yield from (part.image for part in parts if part.image is not None)
