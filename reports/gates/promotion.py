"""Baselines as folders: the files of a run that gates read, without its reports, plots and ``answers.jsonl``.

PromotionError    the run cannot be a baseline, or the folder is taken; the message says what to do
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from reports.gates.history import BASELINE_NAME, note_baseline
from reports.records.files import is_there, read_if_there, write_file
from reports.records.looks import LOOKS_NAME
from reports.records.outcomes import counted_records
from reports.records.records import WITHHELD, Run
from reports.records.run_files import CANARY_NAME, DEVIATIONS_NAME, MANIFEST_NAME, RECORDS_NAME, load_run
from scoring.errors import QCalError

BASELINE_FOLDER = "qcaleval-baseline"
"""The name of a folder that holds the baseline, among several in an artefact."""
BASELINE_FILES = (RECORDS_NAME, CANARY_NAME, LOOKS_NAME, DEVIATIONS_NAME, BASELINE_NAME, MANIFEST_NAME)
"""The files that gates read. The manifest is written last, because it makes the folder a run."""


class PromotionError(QCalError):
    """A run cannot become this baseline; ``str()`` is for the user."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Promoted:
    """A run that has become a baseline.

    ``unmeasured`` counts planned items that could be measured and were not.
    """

    folder: Path
    model: str
    repeats: int
    measured: int
    planned: int
    unmeasured: int


def promote(
    run_dir: Path, folder: Path, *, replace: bool = False, chosen_from: int | None = None
) -> Promoted:
    """Copy the files that gates read into a folder.

    ``replace``: replace another run there. ``chosen_from``: the number of runs of which this is the best.
    Raises PromotionError, RunFileError or OSError.
    """
    run = load_run(run_dir, texts=False)
    promoted = _described(run, folder)
    if not promoted.measured:
        raise PromotionError(
            f"{run_dir}: nothing was measured in this run, so nothing can be compared with it"
        )
    if is_there(folder / MANIFEST_NAME):
        _check_replaceable(run, folder, replace=replace)
    contents = {name: read_if_there(run_dir / name) for name in BASELINE_FILES}
    (folder / MANIFEST_NAME).unlink(missing_ok=True)
    for name, content in contents.items():
        if content is None:
            (folder / name).unlink(missing_ok=True)
        else:
            write_file(folder / name, content)
    if chosen_from is not None:
        note_baseline(folder, chosen_from)
    return promoted


def _described(run: Run, folder: Path) -> Promoted:
    planned, records = run.manifest.planned, counted_records(run)
    missing = [
        item
        for item in planned
        if (record := records.get(item.key)) is None or not (record.measured or record.status in WITHHELD)
    ]
    return Promoted(
        folder=folder,
        model=run.manifest.model,
        repeats=1 + max((item.key.repeat for item in planned), default=0),
        measured=sum(record.measured for record in records.values()),
        planned=len(planned),
        unmeasured=len(missing),
    )


def _check_replaceable(run: Run, folder: Path, *, replace: bool) -> None:
    other = load_run(folder, texts=False).manifest
    if other.run_id != run.manifest.run_id and not replace:
        raise PromotionError(
            f"{folder} is the baseline {other.run_id} of {other.model} already; --replace puts this run in its place"
        )
