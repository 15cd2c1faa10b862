"""Synthetic datasets: drawn on first use and kept in the cache."""

from __future__ import annotations

import hashlib
import itertools
import os
import shutil
from collections.abc import Callable
from pathlib import Path

from qcal_plugin.dataset.cache import write_folder
from qcal_plugin.dataset.layout import FILES, content_digest
from reports.records.files import read_file, write_file
from synthetic.settings import SYNTHETIC_VERSION, SyntheticSettings

GENERATED_FILE = "generated.sha256"
"""A file next to generated samples, with the digest of their files as they were written."""
Progress = Callable[[str, int, int], None]
"""Takes the name of a step, how much of it is done, and how much there is. Called in the caller's thread."""


def generated_folder(settings: SyntheticSettings, cache: Path) -> Path:
    """Return the folder in which the dataset is kept."""
    key = f"{SYNTHETIC_VERSION}\n{settings!r}"  # unlike the name, this lists the existing families
    return cache / "synthetic" / hashlib.sha256(key.encode()).hexdigest()[:32]


def generated(
    settings: SyntheticSettings, cache: Path, progress: Progress | None
) -> tuple[Path, tuple[str, ...]]:
    """Return the dataset's folder, and a warning if it was damaged.

    The dataset is drawn on first use, and again if its files are not as they were written.
    """
    folder = generated_folder(settings, cache)
    if _is_as_generated(folder):
        return folder, ()
    damaged = (folder / GENERATED_FILE).is_file()
    shutil.rmtree(folder, ignore_errors=True)
    _generate(folder, settings, progress)
    return folder, (f"dataset {settings}: damaged in the cache and drawn again",) if damaged else ()


def _generate(folder: Path, settings: SyntheticSettings, progress: Progress | None) -> None:
    from synthetic.dataset import write_dataset
    from synthetic.production import produce, sample_keys

    keys = sample_keys(settings)
    counter = _counter("drawing synthetic samples", len(keys), progress)
    samples = produce(keys, workers=os.cpu_count() or 1, on_sample=counter)

    def fill(path: Path) -> None:
        write_dataset(path, settings, samples)
        write_file(path / GENERATED_FILE, content_digest({file: path / file for file in FILES}).encode())

    write_folder(folder, fill)


def _is_as_generated(folder: Path) -> bool:
    try:
        digest = content_digest({file: folder / file for file in FILES})
        return read_file(folder / GENERATED_FILE) == digest.encode()
    except OSError:
        return False


def _counter(what: str, planned: int, progress: Progress | None) -> Callable[[], None] | None:
    """Return a function that counts its calls for `progress`. The beginning is reported too."""
    if progress is None:
        return None
    done = itertools.count(1)
    progress(what, 0, planned)
    return lambda: progress(what, next(done), planned)
