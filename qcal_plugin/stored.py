"""Answers of an earlier run, for ``--answers``: scored and judged again without asking the model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from qcal_plugin.journal import JournalError, read_lines, stored_answer
from qcal_plugin.model import Sampling, StoredAnswer
from qcal_plugin.run_directory import ANSWERS_FILE, MANIFEST_FILE, RunDirectoryError, read_manifest
from reports.records import ItemKey, RunManifest, key_from_json


class StoredAnswersError(Exception):
    """There are no answers to be had from there; ``str()`` is for the user."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredAnswers:
    """Answers by item, and the run that they come from."""

    source: str
    model: str
    base_url: str
    dataset: str | None
    sampling: Sampling
    answers: dict[ItemKey, StoredAnswer] = field(repr=False)


def load_stored_answers(path: Path) -> StoredAnswers:
    """The answers in a run's folder. Raises StoredAnswersError."""
    try:
        manifest = read_manifest(path)
        if manifest is None:
            raise StoredAnswersError(f"--answers {path}: no run there (no {MANIFEST_FILE})")
        return StoredAnswers(
            source=str(path),
            model=manifest.model,
            base_url=manifest.base_url,
            dataset=manifest.dataset,
            sampling=_sampling(manifest),
            answers=_answers(path / ANSWERS_FILE),
        )
    except (RunDirectoryError, JournalError) as error:
        raise StoredAnswersError(f"--answers {path}: {error}") from error
    except OSError as error:
        raise StoredAnswersError(f"--answers {path}: {error.strerror}") from error


def _answers(path: Path) -> dict[ItemKey, StoredAnswer]:
    """The first answer to each item: a further attempt never replaces it."""
    found: dict[ItemKey, StoredAnswer] = {}
    for _, (key, stored) in read_lines(path, _stored):
        if stored is not None:
            found.setdefault(key, stored)
    return found


def _stored(line: Mapping[str, Any]) -> tuple[ItemKey, StoredAnswer | None]:
    """A line's item and answer; None for a verdict."""
    answer = stored_answer(line) if line["type"] == "answer" else None
    stored = None if answer is None else StoredAnswer(answer=answer, request_sha256=line["request_sha256"])
    return key_from_json(line), stored


def _sampling(manifest: RunManifest) -> Sampling:
    settings = manifest.settings
    try:
        return Sampling(
            model=manifest.model,
            max_tokens=settings["max_tokens"],  # type: ignore[arg-type]  # written by this suite
            temperature=settings["temperature"],  # type: ignore[arg-type]
            extra_body=settings["extra_body"],  # type: ignore[arg-type]
        )
    except KeyError as error:
        raise StoredAnswersError(f"--answers: the run's {MANIFEST_FILE} lacks the setting {error}") from error
