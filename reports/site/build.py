"""Makes a site: a folder that can be opened from disk or served as it is."""

from __future__ import annotations

import re
import shutil
import tempfile
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from reports.analysis.alikeness import field_of
from reports.records.families import FamilyPart, check_known, named_families
from reports.records.outcomes import ErrorRule
from reports.records.run_files import RunFileError
from reports.site.boards import contest
from reports.site.entries import Entry, LeftOut, SiteError, mapped, read_entries, run_folders
from reports.site.names import INDEX, LEADERBOARD_MARK, REPORT, RUNS
from reports.site.packed import collected_sheets, pack_report, reports_budget, write_answers, write_plots
from reports.site.page import render_site
from reports.site.prices import Price, cost_per_answer
from scoring.questions import Mode

UNSAFE_IN_NAMES = re.compile(r"[^A-Za-z0-9._-]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """A finished site: its first page, how many runs it shows, and the runs that it left out."""

    index: Path
    runs: int
    left_out: tuple[LeftOut, ...]
    size: int


def build_site(
    paths: Sequence[Path],
    out: Path,
    *,
    labels: Sequence[str] = (),
    prices: Mapping[str, Price] | None = None,
    errors: ErrorRule = ErrorRule.UNMEASURED,
    families: Path | None = None,
) -> Site:
    """Make the site of these runs, or of the runs in these folders, in ``out``; an earlier site there is replaced.

    ``families``: a file that names the families to show; None for all. Raises SiteError if there are no runs,
    if labels and runs differ in number, or if ``out`` is not empty and not a site; FamilyFileError; OSError.
    """
    _check_target(out)
    folders = run_folders(paths)
    part = None if families is None else named_families(families)
    if labels and len(labels) != len(folders):
        raise SiteError(
            f"{len(labels)} labels for {len(folders)} runs; give one for each, in the order of the folders"
        )
    entries, left_out = read_entries(
        folders, labels, errors=errors, families=None if part is None else part.families
    )
    if families is not None and part is not None:
        known = [*(entry.families for entry in entries), *(one.families for one in left_out)]
        check_known(part, families, frozenset().union(*known))
    if not entries:
        raise SiteError(f"none of {len(folders)} runs can be shown; the first: {left_out[0].reason}")
    with tempfile.TemporaryDirectory(prefix=f".{out.name}.", dir=out.parent) as aside:
        made = Path(aside) / out.name
        _write(entries, left_out, made, prices or {}, part)
        if out.exists():
            shutil.rmtree(out)
        made.rename(out)
    size = sum(file.stat().st_size for file in out.rglob("*") if file.is_file())
    return Site(index=out / INDEX, runs=len(entries), left_out=tuple(left_out), size=size)


def _check_target(out: Path) -> None:
    if out.exists() and not (out / LEADERBOARD_MARK).is_file() and (not out.is_dir() or any(out.iterdir())):
        raise SiteError(f"{out}: is not empty and not a site; name a new folder, or delete this one")
    out.parent.mkdir(parents=True, exist_ok=True)


def _write(
    entries: Sequence[Entry],
    left_out: Sequence[LeftOut],
    site: Path,
    prices: Mapping[str, Price],
    part: FamilyPart | None,
) -> None:
    site.mkdir()
    (site / LEADERBOARD_MARK).write_text(
        "Made by qcaleval leaderboard, which replaces this folder when run again.\n"
    )
    plots = write_plots((entry.folder for entry in entries), site)
    answers = write_answers(entries, collected_sheets(entries), plots, site)
    hrefs = _own_reports(entries, plots, site)
    entrants = [entry.entrant for entry in entries]
    costs = {
        (place, mode): cost
        for place, entrant in enumerate(entrants)
        for mode in Mode
        if (cost := cost_per_answer(entrant, prices, mode)) is not None
    }
    page = render_site(contest(entrants, field_of(entrants)), hrefs, answers, costs, left_out, part)
    (site / INDEX).write_text(page, encoding="utf-8")


def _own_reports(entries: Sequence[Entry], plots: Mapping[str, str], site: Path) -> list[str | None]:
    """Return the address of each run's report in the site; None if there is none, or it cannot be read."""
    names: list[str] = []
    for entry in entries:
        name = UNSAFE_IN_NAMES.sub("-", entry.entrant.run_id).strip(".-") or "run"
        names.append(name if name not in names else f"{name}-{len(names)}")
    pack = partial(_own_report, plots=plots, budget=reports_budget(len(entries)))
    targets = [site / RUNS / name / REPORT for name in names]
    written = mapped("packing reports", pack, [entry.folder / REPORT for entry in entries], targets)
    return [f"{RUNS}/{name}/{REPORT}" if done else None for name, done in zip(names, written, strict=True)]


def _own_report(source: Path, target: Path, *, plots: Mapping[str, str], budget: int) -> bool:
    """Pack a report; return whether there was one.

    Its data may have any shape: anyone may have written it.
    """
    try:
        pack_report(source, target, plots, budget)
    except (
        OSError,
        RunFileError,
        ValueError,
        TypeError,
        AttributeError,
        LookupError,
        RecursionError,
        zlib.error,
    ):
        shutil.rmtree(target.parent, ignore_errors=True)
        return False
    return True
