"""Turns the value of ``--dataset`` into a prepared dataset.

Download, checks and conversion of images happen once per revision. Later starts only look up the revision and
open the prepared folder, without importing a dataset library.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from qcal_plugin.dataset.cache import CACHE_VARIABLE, cache_dir
from qcal_plugin.dataset.errors import BadDataError, DatasetError, DatasetNotFoundError, HubError
from qcal_plugin.dataset.generated import Progress, generated, generated_folder
from qcal_plugin.dataset.layout import CONFIG_FILE, FILES, content_digest
from qcal_plugin.dataset.part import Part
from qcal_plugin.dataset.prepared import (
    DIGEST_MARK,
    FORMAT_VERSION,
    INDEX_FILE,
    DatasetIdentity,
    OtherFormatError,
    PreparedDataset,
    is_synthetic,
    open_prepared,
)
from synthetic.settings import SettingsError, parse_dataset_name

__all__ = [
    "BadDataError",
    "DatasetError",
    "DatasetIdentity",
    "DatasetNotFoundError",
    "HubError",
    "Progress",
    "prepare",
    "resolve",
]

DEFAULT_DATASET = "nvidia/QCalEval"
MIX_PREFIX = "mix:"
"""Prefix of the names of mixes (`qcal_plugin.mix.prepare`)."""


def prepare(
    name: str = DEFAULT_DATASET,
    revision: str | None = None,
    *,
    part: Part | None = None,
    progress: Progress | None = None,
    cache: Path | None = None,
) -> PreparedDataset:
    """Return the checked dataset. It is prepared on first use and only opened afterwards.

    With ``part``, only the images of these samples are prepared if the dataset is large and not prepared yet.
    The part gets a separate folder and revision (`PreparedDataset.part`). ``cache`` defaults to
    `qcal_plugin.dataset.cache.cache_dir`. Raises DatasetError.
    """
    cache = cache or cache_dir()

    def source() -> DatasetSource:
        identity = resolve(name, revision, cache=cache, progress=progress)
        files = fetch(identity, cache)
        # a folder's revision is its digest already
        digest = identity.revision if identity.revision.startswith("sha256:") else content_digest(files)
        return DatasetSource(identity=identity, digest=digest, files=files)

    images = None if progress is None else partial(progress, "checking images")

    def make(source: DatasetSource, directory: Path) -> None:
        from qcal_plugin.dataset.build import build

        build(source.identity, source.files, directory, progress=images)

    def make_part(source: DatasetSource, directory: Path, part: Part) -> bool:
        from qcal_plugin.dataset.build import build_part

        return build_part(source.identity, source.files, directory, part.choose, progress=images)

    dataset = open_or_make(name, source, make, cache, part=part, make_part=make_part)
    if revision is not None and DIGEST_MARK in revision and dataset.identity.revision != revision:
        raise DatasetNotFoundError(
            f"dataset {name}: its prepared revision is {dataset.identity.revision}, but the requested revision is "
            f"{revision}. Leave out {DIGEST_MARK} and what follows it to require only the same source"
        )
    return dataset


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetSource:
    """The source of a prepared dataset.

    Attributes:
        digest: of the content that is read, independent of the revision; part of the folder's key.
        files: by name; empty for a mix.
    """

    identity: DatasetIdentity
    digest: str
    files: Mapping[str, Path] = field(default_factory=dict, repr=False)


def open_or_make(
    name: str,
    identify: Callable[[], DatasetSource],
    make: Callable[[DatasetSource, Path], None],
    cache: Path,
    *,
    part: Part | None = None,
    make_part: Callable[[DatasetSource, Path, Part], bool] | None = None,
) -> PreparedDataset:
    """Return the prepared dataset of this source, with its warnings.

    It is prepared if it is missing or damaged.

    ``make_part`` returns whether it has prepared the part. It is not called if the whole dataset is prepared.
    Raises DatasetError; an unwritable cache raises it too.
    """
    try:
        source = identify()
        directory = prepared_directory(source, cache)
        dataset: PreparedDataset | None = None
        damage: tuple[str, ...] = ()
        if part is not None and make_part is not None and not directory.is_dir():
            part_directory = prepared_directory(source, cache, part=part.key)
            dataset, damage = _open_verified(part_directory, source.identity)
            if dataset is None and make_part(source, part_directory, part):
                dataset = open_prepared(part_directory)
        if dataset is None:
            dataset, damage = _open_verified(directory, source.identity)
        if dataset is None:
            make(source, directory)
            dataset = open_prepared(directory)
    except OSError as error:
        raise DatasetError(
            f"dataset {name}: {error}. Is the cache {cache} writable? {CACHE_VARIABLE} names another folder"
        ) from error
    repairs = tuple(
        f"dataset {name}: damaged in the cache and rebuilt from the source: {what}" for what in damage
    )
    warnings = (*source.identity.warnings, *repairs, *_about_part(dataset))
    identity = replace(dataset.identity, warnings=warnings)
    return replace(dataset, identity=identity, warnings=(*warnings, *dataset.warnings), repairs=repairs)


def resolve(
    name: str, revision: str | None = None, *, cache: Path | None = None, progress: Progress | None = None
) -> DatasetIdentity:
    """Return the identity of the data to which ``name`` refers now.

    Args:
        name: Hub id, folder with the Hub repository's layout, or
            ``synthetic:seed=7,per-scenario=3[,families=a+b]``, which is drawn on first use and kept in the
            cache. A folder with that name has precedence over a Hub id.
        revision: branch, tag or commit of the Hub repository (``main`` if None); for a folder, the digest
            that its content must have. A ``+`` and what follows it are ignored here (`prepare`).
        cache: defaults to `qcal_plugin.dataset.cache.cache_dir`.
        progress: called as synthetic samples are drawn.

    Unless ``revision`` is a commit, the commit is requested from the Hub. Offline, or if the Hub cannot be
    reached, it comes from the Hub's cache. Raises DatasetError.
    """
    name = _canonical(name)
    revision = None if revision is None else revision.partition(DIGEST_MARK)[0]
    folder, warnings = _folder(name, cache or cache_dir(), progress)
    if folder is None:
        from qcal_plugin.dataset.hub import current_commit

        commit, warnings = current_commit(name, revision or "main", CONFIG_FILE)
        return DatasetIdentity(name=name, revision=commit, warnings=warnings)
    digest = content_digest({file: _existing(folder / file) for file in FILES})
    if revision not in {None, digest}:
        raise DatasetNotFoundError(
            f"dataset {name}: its content is {digest}, but the requested revision is {revision}. "
            "A folder's revision is the digest of its content"
        )
    return DatasetIdentity(name=name, revision=digest, warnings=warnings)


def fetch(identity: DatasetIdentity, cache: Path) -> Mapping[str, Path]:
    """Return the files of a dataset that `resolve` has identified, by name. Missing files are downloaded.

    Raises DatasetError.
    """
    if is_synthetic(identity.name):
        folder: Path | None = generated_folder(parse_dataset_name(identity.name), cache)
    else:
        folder, _ = _folder(identity.name, cache)
    if folder is not None:
        return {file: folder / file for file in FILES}
    from qcal_plugin.dataset.hub import download

    return {file: download(identity.name, identity.revision, file) for file in FILES}


def prepared_directory(source: DatasetSource, cache: Path, *, part: str | None = None) -> Path:
    """Return the folder for this dataset when prepared, or for the part of it with this key."""
    names = (str(FORMAT_VERSION), source.identity.name, source.identity.revision, source.digest)
    key = "\n".join(names if part is None else (*names, part))
    return cache / "prepared" / hashlib.sha256(key.encode()).hexdigest()[:32]


def _about_part(dataset: PreparedDataset) -> tuple[str, ...]:
    if not dataset.part:
        return ()
    prepared, every = len(dataset.part), len(dataset.samples)
    return (
        f"only {prepared} of {every} samples were prepared (--limit, --sample); the revision is of these",
    )


def _open_verified(
    directory: Path, identity: DatasetIdentity
) -> tuple[PreparedDataset | None, tuple[str, ...]]:
    """Return the prepared dataset if all of its files have their digests; else None, and what is damaged.

    Nothing counts as damaged if nothing was prepared yet, or if another version of this suite prepared it.
    """
    try:
        dataset = open_prepared(directory)
        _check_identity(dataset, identity)
        dataset.verify()
    except OtherFormatError:
        return None, ()
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        if isinstance(error, FileNotFoundError) and not directory.is_dir():
            return None, ()
        return None, (_damage(error),)
    return dataset, ()


def _check_identity(dataset: PreparedDataset, identity: DatasetIdentity) -> None:
    source = dataset.identity.revision.partition(DIGEST_MARK)[0]
    if (dataset.identity.name, source) != (identity.name, identity.revision):
        raise ValueError("its index belongs to another dataset")


def _damage(error: Exception) -> str:
    if isinstance(error, OSError) and error.filename is not None:
        return f"{Path(os.fsdecode(error.filename)).name} ({error.strerror})"
    return f"{INDEX_FILE} ({type(error).__name__})"


def _canonical(name: str) -> str:
    """Return the name; for a synthetic dataset, the canonical name of its settings."""
    try:
        return str(parse_dataset_name(name)) if is_synthetic(name) else name
    except SettingsError as error:
        raise DatasetNotFoundError(f"dataset {name}: {error}") from error


def _folder(name: str, cache: Path, progress: Progress | None = None) -> tuple[Path | None, tuple[str, ...]]:
    """Return the local folder to which ``name`` refers, None if it is a Hub id, and warnings."""
    if name.startswith(MIX_PREFIX):
        raise DatasetNotFoundError(f"dataset {name}: a mix of datasets is given by its file: --mix FILE")
    if is_synthetic(name):
        return generated(parse_dataset_name(name), cache, progress)
    folder = Path(os.path.expanduser(name))  # noqa: PTH111 - of Path, an unknown user would raise
    if folder.is_dir():
        return folder, ()
    if name.startswith((".", "/", "~")) or name.count("/") > 1:
        raise DatasetNotFoundError(
            f"dataset {name}: no such folder. Give a folder, a Hub id such as {DEFAULT_DATASET}, "
            "or synthetic:seed=7,per-scenario=3"
        )
    return None, ()


def _existing(path: Path) -> Path:
    if not path.is_file():
        raise DatasetNotFoundError(
            f"dataset {path.parent}: {path.name} is missing. A dataset's folder has the files {', '.join(FILES)}"
        )
    return path
