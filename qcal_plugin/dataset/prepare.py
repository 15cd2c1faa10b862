"""From the value of ``--dataset`` to a prepared dataset.

A warm start looks up the revision, opens the prepared folder and imports no dataset library; everything else, from the
download to the check of each image, happens once per revision.
"""

from __future__ import annotations

import hashlib
import itertools
import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

from qcal_plugin.dataset.cache import CACHE_VARIABLE, cache_dir, write_folder
from qcal_plugin.dataset.errors import BadDataError, DatasetError, DatasetNotFoundError, HubError
from qcal_plugin.dataset.layout import CONFIG_FILE, FILES
from qcal_plugin.dataset.prepared import FORMAT_VERSION, DatasetIdentity, PreparedDataset, is_synthetic, open_prepared
from synthetic.settings import SYNTHETIC_VERSION, SettingsError, SyntheticSettings, parse_dataset_name

__all__ = ["BadDataError", "DatasetError", "DatasetIdentity", "DatasetNotFoundError", "HubError", "prepare", "resolve"]

DEFAULT_DATASET = "nvidia/QCalEval"
MIX_PREFIX = "mix:"
"""What the names of mixes begin with (`qcal_plugin.mix.prepare`)."""
Progress = Callable[[str, int, int], None]
"""Told what is being done, how much of it is, and how much there is; called in the caller's thread."""


def prepare(
    name: str = DEFAULT_DATASET,
    revision: str | None = None,
    *,
    progress: Progress | None = None,
    cache: Path | None = None,
) -> PreparedDataset:
    """The dataset, checked and ready for asking; made on first use, opened afterwards.

    ``cache`` defaults to `qcal_plugin.dataset.cache.cache_dir`. Raises DatasetError.
    """
    cache = cache or cache_dir()

    def make(identity: DatasetIdentity, directory: Path) -> None:
        files = fetch(identity, cache)
        from qcal_plugin.dataset.build import build

        images = None if progress is None else partial(progress, "checking images")
        build(identity, files, directory, progress=images)

    return open_or_make(name, lambda: resolve(name, revision, cache=cache, progress=progress), make, cache)


def open_or_make(
    name: str,
    identify: Callable[[], DatasetIdentity],
    make: Callable[[DatasetIdentity, Path], None],
    cache: Path,
) -> PreparedDataset:
    """The prepared dataset of this identity, with the identity's warnings; made in its folder where it is not there.

    Raises DatasetError, also where the cache cannot be written.
    """
    try:
        identity = identify()
        directory = prepared_directory(identity, cache)
        dataset = _open_complete(directory)
        if dataset is None:
            make(identity, directory)
            dataset = open_prepared(directory)
    except OSError as error:
        raise DatasetError(
            f"dataset {name}: {error}. Is the cache {cache} writable? {CACHE_VARIABLE} names another folder"
        ) from error
    return replace(dataset, identity=identity, warnings=identity.warnings + dataset.warnings)


def resolve(
    name: str, revision: str | None = None, *, cache: Path | None = None, progress: Progress | None = None
) -> DatasetIdentity:
    """Which data exactly ``name`` stands for, now.

    Args:
        name: Hub id, folder of the Hub repository's layout, or ``synthetic:seed=7,per-scenario=3[,families=a+b]``,
            which is made on first use and kept in the cache. A folder of that name wins over a Hub id.
        revision: branch, tag or commit of the Hub repository (``main`` if None); for a folder, the digest that its
            content must have.
        cache: defaults to `qcal_plugin.dataset.cache.cache_dir`.
        progress: told of synthetic samples as they are drawn.

    Raises DatasetError. The Hub is asked for its commit unless ``revision`` is one; offline, or where it cannot be
    reached, the Hub's cache answers.
    """
    name = _canonical(name)
    folder = _folder(name, cache or cache_dir(), progress)
    if folder is None:
        from qcal_plugin.dataset.hub import current_commit

        commit, warnings = current_commit(name, revision or "main", CONFIG_FILE)
        return DatasetIdentity(name=name, revision=commit, warnings=warnings)
    digest = content_digest({file: _existing(folder / file) for file in FILES})
    if revision not in {None, digest}:
        raise DatasetNotFoundError(
            f"dataset {name}: its content is {digest}, not the revision {revision} that was asked for; a folder's "
            "revision is the digest of its content"
        )
    return DatasetIdentity(name=name, revision=digest)


def fetch(identity: DatasetIdentity, cache: Path) -> Mapping[str, Path]:
    """The dataset's files by name, downloaded where they are not on this machine yet. Raises DatasetError."""
    folder = _folder(identity.name, cache)
    if folder is not None:
        return {file: folder / file for file in FILES}
    from qcal_plugin.dataset.hub import download

    return {file: download(identity.name, identity.revision, file) for file in FILES}


def prepared_directory(identity: DatasetIdentity, cache: Path) -> Path:
    """Where this dataset is kept when prepared."""
    key = "\n".join((str(FORMAT_VERSION), identity.name, identity.revision))
    return cache / "prepared" / hashlib.sha256(key.encode()).hexdigest()[:32]


def content_digest(files: Mapping[str, Path]) -> str:
    """``sha256:`` and the digest of the files' names and contents."""
    digest = hashlib.sha256()
    for name, path in files.items():
        with path.open("rb") as file:
            digest.update(f"{name} {hashlib.file_digest(file, 'sha256').hexdigest()}\n".encode())
    return f"sha256:{digest.hexdigest()}"


def _open_complete(directory: Path) -> PreparedDataset | None:
    """None if there is nothing usable: nothing yet, another format, a damaged index, files deleted from the cache."""
    try:
        dataset = open_prepared(directory)
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return None
    return dataset if dataset.is_complete() else None


def _canonical(name: str) -> str:
    """The name itself; of a synthetic dataset the one name that its settings have."""
    try:
        return str(parse_dataset_name(name)) if is_synthetic(name) else name
    except SettingsError as error:
        raise DatasetNotFoundError(f"dataset {name}: {error}") from error


def _folder(name: str, cache: Path, progress: Progress | None = None) -> Path | None:
    """The local folder that ``name`` stands for; None if it is a Hub id."""
    if name.startswith(MIX_PREFIX):
        raise DatasetNotFoundError(f"dataset {name}: a mix of datasets is known by its file; give that with --mix FILE")
    if is_synthetic(name):
        return _synthetic_folder(parse_dataset_name(name), cache, progress)
    folder = Path(os.path.expanduser(name))  # noqa: PTH111 - of Path, an unknown user would raise
    if folder.is_dir():
        return folder
    if name.startswith((".", "/", "~")) or name.count("/") > 1:
        raise DatasetNotFoundError(
            f"dataset {name}: no such folder. Give a folder, a Hub id such as {DEFAULT_DATASET}, "
            "or synthetic:seed=7,per-scenario=3"
        )
    return None


def _synthetic_folder(settings: SyntheticSettings, cache: Path, progress: Progress | None) -> Path:
    """The generated dataset, made on first use."""
    key = f"{SYNTHETIC_VERSION}\n{settings!r}"  # unlike the name, this lists the families that there are
    folder = cache / "synthetic" / hashlib.sha256(key.encode()).hexdigest()[:32]
    if not folder.is_dir():
        from synthetic.dataset import write_dataset
        from synthetic.production import produce, sample_keys

        keys = sample_keys(settings)
        counter = _counter("drawing synthetic samples", len(keys), progress)
        samples = produce(keys, workers=os.cpu_count() or 1, on_sample=counter)
        write_folder(folder, lambda path: write_dataset(path, settings, samples))
    return folder


def _counter(what: str, planned: int, progress: Progress | None) -> Callable[[], None] | None:
    """Counts calls for `progress`, which hears of the beginning, too."""
    if progress is None:
        return None
    done = itertools.count(1)
    progress(what, 0, planned)
    return lambda: progress(what, next(done), planned)


def _existing(path: Path) -> Path:
    if not path.is_file():
        raise DatasetNotFoundError(
            f"dataset {path.parent}: {path.name} is missing. A dataset's folder has the files {', '.join(FILES)}"
        )
    return path
