"""From the value of ``--dataset`` to a prepared dataset.

A warm start looks up the revision, opens the prepared folder and imports no dataset library; everything else, from the
download to the check of each image, happens once per revision.
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
"""What the names of mixes begin with (`qcal_plugin.mix.prepare`)."""


def prepare(
    name: str = DEFAULT_DATASET,
    revision: str | None = None,
    *,
    part: Part | None = None,
    progress: Progress | None = None,
    cache: Path | None = None,
) -> PreparedDataset:
    """The dataset, checked and ready for asking; made on first use, opened afterwards.

    With ``part``, a large dataset of which nothing is prepared yet gets only the images of these samples. It then has a
    folder and a revision of its own (`PreparedDataset.part`). ``cache`` defaults to
    `qcal_plugin.dataset.cache.cache_dir`. Raises DatasetError.
    """
    cache = cache or cache_dir()

    def source() -> DatasetSource:
        identity = resolve(name, revision, cache=cache, progress=progress)
        files = fetch(identity, cache)
        # of a folder the revision is the digest already
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
            f"dataset {name}: what is prepared from it here is {dataset.identity.revision}, not the revision "
            f"{revision} that was asked for; without {DIGEST_MARK} and what follows only the source has to be the same"
        )
    return dataset


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetSource:
    """What a prepared dataset is made from.

    Attributes:
        digest: of what is really read, whatever the revision says; part of the folder's key.
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
    """The prepared dataset of this source, with its warnings; made in its folder where it is not there as it was made.

    ``make_part`` returns whether it has made the part. A part is not made if everything has been prepared before.
    Raises DatasetError, also where the cache cannot be written.
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
        f"dataset {name}: damaged in the cache and made anew from the source: {what}" for what in damage
    )
    warnings = (*source.identity.warnings, *repairs, *_about_part(dataset))
    identity = replace(dataset.identity, warnings=warnings)
    return replace(dataset, identity=identity, warnings=(*warnings, *dataset.warnings), repairs=repairs)


def resolve(
    name: str, revision: str | None = None, *, cache: Path | None = None, progress: Progress | None = None
) -> DatasetIdentity:
    """Which data exactly ``name`` stands for, now.

    Args:
        name: Hub id, folder of the Hub repository's layout, or ``synthetic:seed=7,per-scenario=3[,families=a+b]``,
            which is made on first use and kept in the cache. A folder of that name wins over a Hub id.
        revision: branch, tag or commit of the Hub repository (``main`` if None); for a folder, the digest that its
            content must have. What follows a ``+`` is about what is prepared from it (`prepare`).
        cache: defaults to `qcal_plugin.dataset.cache.cache_dir`.
        progress: told of synthetic samples as they are drawn.

    Raises DatasetError. The Hub is asked for its commit unless ``revision`` is one; offline, or where it cannot be
    reached, the Hub's cache answers.
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
            f"dataset {name}: its content is {digest}, not the revision {revision} that was asked for; a folder's "
            "revision is the digest of its content"
        )
    return DatasetIdentity(name=name, revision=digest, warnings=warnings)


def fetch(identity: DatasetIdentity, cache: Path) -> Mapping[str, Path]:
    """The files of a dataset that `resolve` has identified, by name; downloaded where they are not on this machine yet.

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
    """Where this dataset is kept when prepared, or the part of it that has this key."""
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
    """The prepared dataset if every file is what was prepared; else None, and a line about what is wrong.

    There is no such line where nothing was prepared yet, or by another version of this suite.
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
        raise ValueError("its index is of another dataset")


def _damage(error: Exception) -> str:
    if isinstance(error, OSError) and error.filename is not None:
        return f"{Path(os.fsdecode(error.filename)).name} ({error.strerror})"
    return f"{INDEX_FILE} ({type(error).__name__})"


def _canonical(name: str) -> str:
    """The name itself; of a synthetic dataset the one name that its settings have."""
    try:
        return str(parse_dataset_name(name)) if is_synthetic(name) else name
    except SettingsError as error:
        raise DatasetNotFoundError(f"dataset {name}: {error}") from error


def _folder(name: str, cache: Path, progress: Progress | None = None) -> tuple[Path | None, tuple[str, ...]]:
    """The local folder that ``name`` stands for, None if it is a Hub id; and warnings."""
    if name.startswith(MIX_PREFIX):
        raise DatasetNotFoundError(
            f"dataset {name}: a mix of datasets is known by its file; give that with --mix FILE"
        )
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
