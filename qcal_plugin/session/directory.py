"""The folder of a run: created or continued, locked, described by ``run.json`` (ARCHITECTURE.md).

RunDirectoryError    the folder cannot be used; the message says why and what to do
"""

from __future__ import annotations

import re
import shutil
import threading
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import TypeAlias

from filelock import FileLock, Timeout

from reports.records.files import is_there, open_file, read_if_there, write_file
from reports.records.mixes import differing_settings
from reports.records.names import as_text
from reports.records.records import PlannedItem, RunManifest, manifest_from_file, manifest_to_json
from reports.records.typed_json import DecodeError, encode_indented
from scoring.errors import QCalError

MANIFEST_FILE = "run.json"
ANSWERS_FILE = "answers.jsonl"
RECORDS_FILE = "records.jsonl"
LOCK_FILE = "run.lock"

IDENTITY_FIELDS = ("model", "judges", "dataset_revision", "scorer", "scorer_version", "settings")
"""Fields that must agree in all sessions of a run.

The endpoint's address may change, because servers move.
"""


JUDGE_SETTINGS = ("judge_template_sha256", "judge_max_tokens")
"""Settings without meaning in a run without judges."""


LEFTOVER = re.compile(r"\.[\w.-]+\.[0-9a-f]{16}")
"""Names of temporary files, as `reports.records.files.write_parts` chooses them."""


RevisionOfPart: TypeAlias = Callable[[Sequence[str]], str | None]


class RunDirectoryError(QCalError):
    """The run directory cannot be used; ``str()`` is for the user."""


class UnreadableManifestError(RunDirectoryError):
    """There is a ``run.json``, but it is not readable."""


class RunDirectory:
    """One run's folder, locked while this object is open."""

    def __init__(
        self, path: Path, manifest: RunManifest, revision_of_part: RevisionOfPart = lambda _: None
    ) -> None:
        self.path = path
        self.manifest = manifest
        self._revision_of_part = revision_of_part
        self._lock = FileLock(path / LOCK_FILE)
        self._made = [folder for folder in (path, *path.absolute().parents) if not folder.exists()]
        self._writing = threading.Lock()

    @property
    def answers(self) -> Path:
        """The file that the engine writes."""
        return self.path / ANSWERS_FILE

    @property
    def records(self) -> Path:
        """The file that the owner writes."""
        return self.path / RECORDS_FILE

    @classmethod
    def open(
        cls,
        path: Path,
        manifest: RunManifest,
        *,
        resume: bool,
        rebuild: bool = False,
        revision_of_part: RevisionOfPart = lambda _: None,
    ) -> RunDirectory:
        """Create the folder, or continue the run in it. Raises RunDirectoryError if that is not possible.

        With ``rebuild``, a run whose ``run.json`` is lost starts again from the stored answers.
        A run that continues keeps its id, start and planned items; `manifest` must agree with it in
        IDENTITY_FIELDS. A run on a part of the dataset continues on all of it if that part has not changed:
        ``revision_of_part`` returns the revision of these samples of the dataset.
        """
        directory = cls(path, manifest, revision_of_part)
        try:
            path.mkdir(parents=True, exist_ok=True)
            if is_there(path / LOCK_FILE):
                open_file(path / LOCK_FILE).close()  # refuses a link, because the lock is written to
            directory._lock.acquire(timeout=0)
        except Timeout as error:
            raise RunDirectoryError(
                f"{path}: another session is writing this run; wait for it to end"
            ) from error
        except OSError as error:
            raise RunDirectoryError(f"{path}: {error.strerror}; choose another --run-dir") from error
        try:
            if rebuild:
                directory._set_aside()
            directory._join(resume=resume)
            directory._remove_leftovers()
        except BaseException:
            directory.close()
            raise
        return directory

    def plan(self, items: Iterable[PlannedItem]) -> None:
        """Add items to the run's plan; write ``run.json`` if any of them is new."""
        with self._writing:
            known = {item.key for item in self.manifest.planned}
            new = tuple(item for item in items if item.key not in known)
            if new or not known:
                self.manifest = replace(self.manifest, planned=self.manifest.planned + new)
                self._write()

    def close(self) -> None:
        """Release the folder for the next session."""
        self._lock.release()

    def discard_unplanned(self) -> bool:
        """Remove the folder if this session made it and planned nothing; return whether it was removed.

        Call it after `close`.
        """
        if self.manifest.planned or not self._made:
            return False
        shutil.rmtree(self.path, ignore_errors=True)
        with suppress(OSError):  # another session may have used a parent in the meantime
            for parent in self._made[1:]:
                parent.rmdir()
        return True

    def _set_aside(self) -> None:
        """Rename an unreadable ``run.json``, and the records, which cannot be assigned to a run.

        The answers stay.
        """
        try:
            if read_manifest(self.path) is not None:
                raise RunDirectoryError(
                    f"--rebuild: {self.path / MANIFEST_FILE} is readable; leave --rebuild out"
                )
        except UnreadableManifestError:
            _rename_aside(self.path / MANIFEST_FILE)
        if is_there(self.records):
            _rename_aside(self.records)

    def _remove_leftovers(self) -> None:
        """Delete temporary files of a killed session.

        They never got their final names, so nothing has read them.
        """
        for file in self.path.iterdir():
            if LEFTOVER.fullmatch(file.name):
                file.unlink(missing_ok=True)

    def _join(self, *, resume: bool) -> None:
        earlier = read_manifest(self.path)
        if earlier is None:
            if is_there(self.records) and self.records.lstat().st_size:
                raise RunDirectoryError(
                    f"{self.path} holds records but no {MANIFEST_FILE}: restore it, choose another --run-dir, or add "
                    "--resume --rebuild to start again from the stored answers"
                )
            return
        if not resume:
            raise RunDirectoryError(
                f"{self.path} already holds a run: add --resume to continue it, or choose another --run-dir"
            )
        is_now_judged = bool(self.manifest.judges) and not earlier.judges
        if is_now_judged:
            earlier = judged_by(earlier, self.manifest)
        is_now_whole = self._is_part(earlier)
        if is_now_whole:
            earlier = replace(
                earlier,
                dataset_revision=self.manifest.dataset_revision,
                dataset_part=(),
                dataset_warnings=self.manifest.dataset_warnings,
            )
        differences = unlike(earlier, self.manifest)
        if differences:
            raise RunDirectoryError(
                f"{self.path} is another run: {'; '.join(differences)}; choose another --run-dir"
            )
        self.manifest = replace(earlier, base_url=self.manifest.base_url)
        if is_now_judged or is_now_whole:
            self._write()

    def _is_part(self, earlier: RunManifest) -> bool:
        """Return whether the earlier run was on a part of this dataset."""
        part = earlier.dataset_part
        return bool(part) and earlier.dataset_revision == self._revision_of_part(part)

    def _write(self) -> None:
        content = encode_indented(manifest_to_json(self.manifest))
        try:
            write_file(self.path / MANIFEST_FILE, content)
        except OSError as error:
            raise RunDirectoryError(f"cannot write {self.path / MANIFEST_FILE}: {error.strerror}") from error


def read_manifest(path: Path) -> RunManifest | None:
    """Read the manifest in a run's folder; None if there is none.

    Raises RunDirectoryError if it is unreadable.
    """
    file = path / MANIFEST_FILE
    try:
        content = read_if_there(file)
        return None if content is None else manifest_from_file(content)
    except (OSError, DecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise UnreadableManifestError(
            f"{file} is not readable as a run's manifest ({reason}); choose another folder, or add "
            "--resume --rebuild to start again from the stored answers"
        ) from error


def _rename_aside(path: Path) -> None:
    """Rename a file to the first free name with a suffix. Raises RunDirectoryError."""
    names = (path.with_name(f"{path.name}.damaged{number or ''}") for number in count())
    try:
        path.rename(next(name for name in names if not is_there(name)))
    except OSError as error:
        raise RunDirectoryError(f"--rebuild: {path}: {error.strerror}") from error


def judged_by(earlier: RunManifest, later: RunManifest) -> RunManifest:
    """Return an unjudged run's manifest with the judges of a later session and their settings."""
    settings = {name: later.settings[name] for name in JUDGE_SETTINGS if name in later.settings}
    return replace(earlier, judges=later.judges, settings={**earlier.settings, **settings})


def unlike(earlier: RunManifest, later: RunManifest) -> list[str]:
    """Return how two manifests differ in what identifies a run: a line for each field, and for each setting."""
    differences = []
    for name in IDENTITY_FIELDS:
        before, now = getattr(earlier, name), getattr(later, name)
        if name == "settings":
            differences += [
                f"{difference.name} was {as_text(difference.before)}, is now {as_text(difference.now)}"
                for difference in differing_settings(before, now)
            ]
        elif name == "judges":
            before, now = [judge.model for judge in before], [judge.model for judge in now]
        if name != "settings" and before != now:
            differences.append(f"{name} was {as_text(before)}, is now {as_text(now)}")
    return differences


def new_run_path(parent: Path, model: str) -> Path:
    """Return ``runs/<UTC time>-<model>``, with a number appended if two runs start in the same second."""
    stem = f"{datetime.now(UTC):%Y-%m-%dT%H%M%S}Z-{re.sub(r'[^A-Za-z0-9._-]+', '-', model)[:60]}"
    path, number = parent / stem, 1
    while path.exists():
        number += 1
        path = parent / f"{stem}-{number}"
    return path
