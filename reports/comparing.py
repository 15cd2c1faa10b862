"""``compare``: reads runs from disk and compares them in a document and on a page."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest
from pathlib import Path

from reports.analysis.comparison import UnlikeRunsError
from reports.analysis.standings import entrant, figure_floors
from reports.html.flips import flips
from reports.html.plain_page import StandingsChart, StandingsRow, render_plain_page
from reports.records.families import counted, families_of, read_families, restricted
from reports.records.names import MODE_NAMES, question_name
from reports.records.outcomes import evaluation_of
from reports.records.records import Run
from reports.records.run_files import load_run
from reports.tables.comparison import compare, hard_section
from reports.tables.model import Document, capitalised
from reports.tables.several import Compared, compare_several, joined
from scoring.questions import Mode


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """How runs are compared.

    Attributes:
        labels: names of the runs, in their order, instead of the models' names; empty for none.
        families: a file that names the families to compare; None for all.
        split: compare the families of the file, then the others.
        anyway: compare runs that differ in dataset revision, scorer, judges or settings.
        full: for more than two runs, also compare each pair by family, label and item.
        floors: show what answers that ignore the plot score; the page always shows it.
    """

    labels: tuple[str, ...] = ()
    families: Path | None = None
    split: bool = False
    anyway: bool = False
    full: bool = False
    floors: bool = False


def compare_runs(paths: Sequence[Path], choices: Choices, page: Path | None = None) -> Document:
    """Compare the runs in these folders; also write the comparison to ``page``, if given.

    Raises UnlikeRunsError, RunFileError, FamilyFileError or OSError.
    """
    if len(paths) < 2:
        raise UnlikeRunsError("only one run; name at least two runs to compare")
    if choices.labels and len(choices.labels) != len(paths):
        raise UnlikeRunsError(
            f"{len(choices.labels)} labels for {len(paths)} runs; give one for each, in their order"
        )
    if choices.split and choices.families is None:
        raise UnlikeRunsError("--split needs --families FILE, which names the families of the first part")
    runs = [_named(load_run(path, texts=False), label) for path, label in zip_longest(paths, choices.labels)]
    parts = _parts(runs if len(runs) == 2 else _distinct(runs), choices)
    document = _documents(parts, choices, paths)
    if page is not None:
        flipped = flips(paths[0], paths[1]) if len(paths) == 2 else ()
        charts = [chart for name, part in parts for chart in _charts(part, name)]
        shown = document if choices.floors else _documents(parts, replace(choices, floors=True), paths)
        page.write_text(render_plain_page(shown, flips=flipped, standings=charts), encoding="utf-8")
    return document


def _documents(
    parts: Sequence[tuple[str, Sequence[Run]]], choices: Choices, paths: Sequence[Path]
) -> Document:
    return joined([(name, _document(part, choices, name, paths)) for name, part in parts])


def _named(run: Run, label: str | None) -> Run:
    return run if label is None else replace(run, manifest=replace(run.manifest, model=label))


def _distinct(runs: Sequence[Run]) -> list[Run]:
    """Return the runs with their number after names that several of them share: ``my-vlm #1``, ``my-vlm #4``."""
    names = Counter(run.manifest.model for run in runs)
    return [
        _named(run, f"{run.manifest.model} #{number}") if names[run.manifest.model] > 1 else run
        for number, run in enumerate(runs, start=1)
    ]


def _parts(runs: Sequence[Run], choices: Choices) -> list[tuple[str, list[Run]]]:
    """Return the runs restricted to the families to compare, with a name for these.

    The name is empty for all.
    """
    if choices.families is None:
        return [("", [*runs])]
    known = families_of(runs)
    named = read_families(choices.families, known)
    others = known - named.families
    parts = [(named.name, named.families)]
    if choices.split and others:
        parts.append((f"the other {counted(others)}", others))
    return [(name, [restricted(run, families) for run in runs]) for name, families in parts]


def _document(runs: Sequence[Run], choices: Choices, part: str, paths: Sequence[Path]) -> Document:
    evaluations = [evaluation_of(run) for run in runs]
    if len(runs) > 2:
        compared = [
            Compared(entrant=entrant(run, evaluation), evaluation=evaluation)
            for run, evaluation in zip(runs, evaluations, strict=True)
        ]
        return compare_several(
            compared, anyway=choices.anyway, full=choices.full, floors=choices.floors, part=part
        )
    try:
        document = compare(evaluations[0], evaluations[1], anyway=choices.anyway, floors=choices.floors)
    except UnlikeRunsError as error:
        raise UnlikeRunsError(f"{paths[0]} and {paths[1]} differ: {error}") from error
    return replace(
        document,
        title=document.title + (f", {part}" if part else ""),
        label="; ".join(filter(None, (part, document.label))),
        sections=(*document.sections, hard_section(evaluations)),
    )


def _charts(runs: Sequence[Run], part: str) -> list[StandingsChart]:
    """Return a chart for each mode's mean and each question, with a row for each run."""
    runs = _distinct(runs)
    evaluations = [evaluation_of(run) for run in runs]
    entrants = [entrant(run, evaluation) for run, evaluation in zip(runs, evaluations, strict=True)]
    floors = [figure_floors(evaluation.benchmark) for evaluation in evaluations]
    figures = [(mode, question) for mode in Mode for question in (None, *mode.questions)]
    charts = [
        StandingsChart(
            title=f"{capitalised(MODE_NAMES[mode])}, {question_name(question) if question else 'mean'}",
            part=part,
            is_mean=question is None,
            rows=tuple(
                StandingsRow(
                    name=one.name, standing=one.standings[mode, question], floor=of_run.get((mode, question))
                )
                for one, of_run in zip(entrants, floors, strict=True)
                if (mode, question) in one.standings
            ),
        )
        for mode, question in figures
    ]
    return [chart for chart in charts if chart.rows]
