"""Write what a report shows besides the records into a run's folder: prompts, reference answers, plots.

Plots are reduced to `LONGEST_SIDE` and stored as WebP of about 20 KB, so that a report can hold those of a
whole benchmark. Each image is encoded once and kept in the cache, next to the images that are sent; runs get
copies.
"""

from __future__ import annotations

import base64
import hashlib
import io
import os
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from qcal_plugin.dataset.cache import read_verified
from qcal_plugin.dataset.cases import Case, ImagePart, PromptPart, TextPart
from qcal_plugin.studies.studied import benchmark_key
from reports.records import illustrations
from reports.records.files import read_file, write_file
from reports.records.illustrations import PLOTS_NAME, References, SampleSheet, write_sheets
from reports.records.records import ItemKey, PlannedItem
from scoring.questions import Mode, Question

LONGEST_SIDE = 1000
"""Pixels."""
QUALITY = 85
METHOD = 2
"""WebP's method: half the time of the default, 4, for files that are 2 to 4% larger."""
ENCODING = f"{LONGEST_SIDE}-{QUALITY}-{METHOD}-checked"
"""Part of the cached file's name."""
DIGEST_BYTES = hashlib.sha256().digest_size

_THREADS = min(4, os.cpu_count() or 1)


def illustrate(
    run_dir: Path,
    planned: Sequence[PlannedItem],
    cases: Callable[[ItemKey], Case],
    *,
    progress: Callable[[int, int], None] | None = None,
    threads: int = _THREADS,
    stopping: threading.Event | None = None,
) -> bool:
    """Write ``samples.jsonl`` and the plots that the planned items show; ``cases`` says what was asked.

    ``progress`` is called with the number of plots made, and the number to make. Returns whether everything
    is written; if ``stopping`` is set meanwhile, the rest is left out. Raises OSError or ValueError, for
    example if the disk is full or a file of the cache is missing.
    """
    stopping = stopping or threading.Event()
    images: dict[str, ImagePart] = {}
    sheets = []
    for keys in _by_sample(planned).values():
        if stopping.is_set():
            return False
        sheets.append(_sheet(keys, cases, images))
    write_sheets(run_dir, sheets)
    missing = [image for image in images.values() if _stored_plot(image) is None]
    _fill_cache(missing, progress, threads=threads, stopping=stopping)
    for image in images.values():
        if stopping.is_set():
            return False
        plot = _stored_plot(image) or encode_plot(_png(image))
        write_file(run_dir / PLOTS_NAME / f"{image.sha256}.webp", plot)
    return True


def encode_plot(image: bytes) -> bytes:
    """Return the picture on white as WebP, with no side longer than `LONGEST_SIDE`."""
    from PIL import Image

    with Image.open(io.BytesIO(image)) as opened:
        layer = opened.convert("RGBA")
    plot = Image.new("RGB", layer.size, "white")
    plot.paste(layer, mask=layer.getchannel("A"))
    plot.thumbnail((LONGEST_SIDE, LONGEST_SIDE), Image.Resampling.LANCZOS)
    file = io.BytesIO()
    plot.save(file, "WEBP", quality=QUALITY, method=METHOD)
    return file.getvalue()


def _fill_cache(
    images: Sequence[ImagePart],
    progress: Callable[[int, int], None] | None,
    *,
    threads: int,
    stopping: threading.Event,
) -> None:
    def make(image: ImagePart) -> None:
        if not stopping.is_set():
            plot = encode_plot(_png(image))
            write_file(_cached(image), hashlib.sha256(plot).digest() + plot)

    with ThreadPoolExecutor(threads) as pool:
        try:
            for done, _ in enumerate(pool.map(make, images), start=1):
                if progress is not None:
                    progress(done, len(images))
        finally:
            pool.shutdown(cancel_futures=True)  # at Ctrl-C the rest is not waited for


def _png(image: ImagePart) -> bytes:
    """Return the bytes that are sent. Raises OSError if the cache holds others."""
    return base64.b64decode(read_verified(Path(image.base64_path), image.base64_sha256))


def _stored_plot(image: ImagePart) -> bytes | None:
    """Return the plot in the cache; None if it is missing or does not match the digest stored before it."""
    try:
        content = read_file(_cached(image))
    except OSError:
        return None
    digest, plot = content[:DIGEST_BYTES], content[DIGEST_BYTES:]
    return plot if hashlib.sha256(plot).digest() == digest else None


def _cached(image: ImagePart) -> Path:
    """Return the path of the plot in the cache, next to the folder of the images that are sent."""
    return Path(image.base64_path).parent.with_name(PLOTS_NAME) / f"{image.sha256}-{ENCODING}.bin"


def _by_sample(planned: Iterable[PlannedItem]) -> dict[str, list[ItemKey]]:
    """Group the items by sample, without repeats."""
    samples: dict[str, list[ItemKey]] = {}
    for key in dict.fromkeys(item.key._replace(repeat=0) for item in planned):
        samples.setdefault(key.sample_id, []).append(key)
    return samples


def _sheet(
    keys: Sequence[ItemKey], cases: Callable[[ItemKey], Case], images: dict[str, ImagePart]
) -> SampleSheet:
    """Return the sheet of these items' sample; add the images that they show to ``images``, by digest."""
    own = cases(ItemKey(keys[0].sample_id, Question.Q1, Mode.ZEROSHOT))
    asked = {key: cases(key) for key in keys}
    for case in (own, *asked.values()):
        images.update({part.sha256: part for part in case.prompt if isinstance(part, ImagePart)})
    prompts: dict[str, dict[Mode, dict[Question, tuple[illustrations.PromptBlock, ...]]]] = {}
    for key, case in asked.items():
        prompts.setdefault(key.variant, {}).setdefault(key.mode, {})[key.question] = tuple(
            map(_part, case.prompt)
        )
    usual = {
        key._replace(variant=""): asked.get(benchmark_key(key)) or cases(benchmark_key(key)) for key in asked
    }
    return SampleSheet(
        sample_id=keys[0].sample_id,
        plots=tuple(part.sha256 for part in own.prompt if isinstance(part, ImagePart)),
        prompts=prompts.pop("", {}),
        variants=prompts,
        references=_references(usual),
        variant_references=_differing(asked, usual),
    )


def _differing(asked: Mapping[ItemKey, Case], usual: Mapping[ItemKey, Case]) -> dict[str, References]:
    """Return, by variant, the references that differ from those without the condition."""
    differing: dict[str, dict[ItemKey, Case]] = {}
    for key, case in asked.items():
        plain, own = usual[key._replace(variant="")].reference, case.reference
        if (plain.answer, plain.key_points) != (own.answer, own.key_points):
            differing.setdefault(key.variant, {})[key] = case
    return {variant: _references(cases) for variant, cases in differing.items()}


def _references(cases: Mapping[ItemKey, Case]) -> References:
    answers: dict[Mode, dict[Question, str]] = {}
    for key, case in cases.items():
        answers.setdefault(key.mode, {})[key.question] = case.reference.answer
    points = {
        key.question: case.reference.key_points for key, case in cases.items() if case.reference.key_points
    }
    return References(answers=answers, key_points=points)


def _part(part: PromptPart) -> illustrations.PromptBlock:
    if isinstance(part, TextPart):
        return illustrations.PromptBlock(text=part.text)
    return illustrations.PromptBlock(image=part.sha256)
