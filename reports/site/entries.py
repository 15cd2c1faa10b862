"""The runs of a site, read from disk: their figures, and their answers by sample.

SiteError    a site cannot be made; the message says what to do
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from os import cpu_count
from pathlib import Path
from typing import TypeVar

from reports.analysis.standings import Entrant, entrant
from reports.records.families import families_of, restricted
from reports.records.files import read_file
from reports.records.outcomes import ErrorRule, benchmark_records, counting_errors, evaluation_of
from reports.records.plain_text import one_line
from reports.records.records import Record
from reports.records.run_files import MANIFEST_NAME, RunFileError, load_run
from reports.records.steps import StepProgress
from reports.service.records import SERVICE_NAME
from reports.site.names import LEADERBOARD_MARK
from scoring.errors import QCalError

T = TypeVar("T")
REPORT_JSON = "report.json"
FEWEST_FOR_A_POOL = 8
"""Fewer runs are read faster than further processes start."""
READ_CHARACTERS = 300


class SiteError(QCalError):
    """A site cannot be made; ``str()`` says why and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """A run's answer to one item (its first repeat): status, what was read from it, and its text."""

    status: str
    read: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A run of a site.

    Attributes:
        folder: the run directory.
        entrant: its figures.
        answers: sample -> item (``Q6/zeroshot``) -> answer.
        families: of the whole run, even if the site shows only some.
    """

    folder: Path
    entrant: Entrant
    answers: dict[str, dict[str, Said]]
    families: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """A folder that looks like a run and cannot be shown.

    ``families``: see `Entry`, empty if it cannot be read.
    """

    folder: Path
    reason: str
    families: frozenset[str] = frozenset()


def run_folders(paths: Sequence[Path]) -> list[Path]:
    """Return the run directories that are named, or are below a named folder, each once; sites are left out.

    Raises SiteError if a path is not a folder or holds no run.
    """
    folders: dict[Path, Path] = {}
    for path in paths:
        below = list(_below(path)) if path.is_dir() else []
        if not below:
            raise SiteError(f"{path}: no run here; name run directories, or a folder of them, such as runs/")
        folders |= {folder.resolve(): folder for folder in below}
    return list(folders.values())


def _below(folder: Path) -> Iterator[Path]:
    if (folder / MANIFEST_NAME).is_file():
        yield folder
    elif not (folder / LEADERBOARD_MARK).is_file():
        for child in sorted(folder.iterdir()):
            if child.is_dir() and not child.name.startswith("."):
                yield from _below(child)


def read_entries(
    folders: Sequence[Path],
    labels: Sequence[str] = (),
    *,
    errors: ErrorRule = ErrorRule.UNMEASURED,
    families: frozenset[str] | None = None,
) -> tuple[list[Entry], list[LeftOut]]:
    """Read the runs in these folders; also return those that cannot be read or measured nothing of the benchmark.

    ``labels``: names for the runs, in their order, in place of the models'; empty for none. ``families``:
    those that the site is about; None for all.
    """
    names: Sequence[str | None] = labels or [None] * len(folders)
    read = partial(_read, errors=errors, families=families)
    loaded = mapped("reading runs", read, folders, names)
    entries = [entry for entry in loaded if isinstance(entry, Entry)]
    return entries, [entry for entry in loaded if isinstance(entry, LeftOut)]


def mapped(step: str, function: Callable[..., T], *arguments: Sequence[object]) -> list[T]:
    """Map as `map` does, in several processes if there are many calls; show the progress of the ``step``."""
    calls = len(arguments[0])
    if calls < FEWEST_FOR_A_POOL or (cpu_count() or 1) < 2:
        return list(_counted(step, map(function, *arguments), calls))
    with ProcessPoolExecutor(mp_context=get_context("spawn")) as pool:
        return list(_counted(step, pool.map(function, *arguments, chunksize=2), calls))


def _counted(step: str, results: Iterable[T], planned: int) -> Iterator[T]:
    progress = StepProgress(verbosity=0)
    progress(step, 0, planned)
    for done, result in enumerate(results, start=1):
        progress(step, done, planned)
        yield result


def _read(
    folder: Path, name: str | None, *, errors: ErrorRule, families: frozenset[str] | None
) -> Entry | LeftOut:
    if (folder / SERVICE_NAME).is_file():
        return LeftOut(folder=folder, reason="a load test, not a run of the benchmark")
    try:
        run = load_run(folder)
    except (RunFileError, OSError) as error:
        return LeftOut(folder=folder, reason=str(error))
    known = families_of([run])
    verdict = _verdict(folder / REPORT_JSON)
    if families is not None:
        run, verdict = restricted(run, families), None  # gates are about the whole run
    evaluation = counting_errors(evaluation_of(run), errors)
    entry = entrant(run, evaluation, name=name, verdict=verdict)
    if not entry.items:
        of_these = "" if families is None else " in the families of this site"
        return LeftOut(
            folder=folder, reason=f"nothing of the benchmark itself was measured{of_these}", families=known
        )
    answers: dict[str, dict[str, Said]] = {}
    for record in benchmark_records(run):
        if not record.key.repeat:
            answers.setdefault(record.key.sample_id, {})[f"{record.key.question}/{record.key.mode}"] = _said(
                record
            )
    return Entry(folder=folder, entrant=entry, answers=answers, families=known)


def _said(record: Record) -> Said:
    read = "" if record.score is None or record.score.extracted is None else record.score.extracted
    words = read if isinstance(read, str) else json.dumps(read, ensure_ascii=False)
    text = "" if record.answer is None else record.answer.text
    if not text and record.error is not None:
        text = f"{record.error.kind}: {record.error.message}"
    return Said(status=record.status.value, read=one_line(words)[:READ_CHARACTERS], text=text)


def _verdict(file: Path) -> str | None:
    """Return the gates' verdict in the run's report; None if there is none."""
    try:
        verdict = json.loads(read_file(file))["gates"]["verdict"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return verdict if isinstance(verdict, str) else None
