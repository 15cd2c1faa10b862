"""A comparison of several runs: a table of runs by questions, a chart in characters, and every pair."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from reports.analysis.comparison import UnlikeRunsError, unlike_fields
from reports.analysis.pairs import Ranking, pairs, ranking
from reports.analysis.standings import Entrant, Figure, Standing, figure_floors
from reports.records.names import MODE_NAMES
from reports.records.outcomes import Evaluation, Outcome
from reports.statistics.floors import AboveFloor
from reports.tables.comparison import compare, hard_section
from reports.tables.floors import FLOOR_COLUMNS, UNKNOWN, floor_cells, rules_text
from reports.tables.model import Cell, Column, Document, Section, Table, Unit, capitalised
from scoring.questions import Mode, Question

CHART_WIDTH = 34
PAIR_COLUMNS = (
    Column("First"),
    Column("Second"),
    Column("Difference", Unit.DIFFERENCE, 1),
    Column("95% interval", Unit.DIFFERENCE, 1, span=True),
    Column("p (Holm)", Unit.NUMBER, 3),
    Column("Samples", Unit.COUNT),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """A run to be compared: its figures and their evaluation."""

    entrant: Entrant
    evaluation: Evaluation


def compare_several(
    runs: Sequence[Compared],
    *,
    anyway: bool = False,
    full: bool = False,
    floors: bool = False,
    part: str = "",
) -> Document:
    """Compare runs by question, then every pair; ``full`` adds pairs by question and each pair in detail.

    ``floors`` adds the floors of scores (docs/baselines.md). ``part`` names the items that the tables are
    about; empty for all. ``anyway`` compares runs that differ in dataset revision, scorer, judges or
    settings, and labels every table. Raises UnlikeRunsError for fewer than two runs, and for such differences
    without ``anyway``.
    """
    if len(runs) < 2:
        raise UnlikeRunsError("only one run; name at least two runs to compare")
    first = runs[0].entrant
    differences = _differences([run.entrant for run in runs])
    if differences and not anyway:
        raise UnlikeRunsError(f"{'; '.join(differences)} (--anyway compares them and labels every table)")
    stand_ins = sorted({name for run in runs for name in run.entrant.identity.stand_ins})
    labels = [
        *([part] if part else []),
        *([f"stand-ins: {'; '.join(stand_ins)}"] if stand_ins else []),
        *(["compared although unlike"] if differences else []),
    ]
    entrants = [run.entrant for run in runs]
    details = list(_pair_details(runs, floors=floors)) if full else []
    score_tables = (*_score_tables(runs, floors=floors), *(_floor_tables(runs) if floors else ()))
    return Document(
        title=f"QCalEval: {len(runs)} runs compared" + (f", {part}" if part else ""),
        facts=(
            *(
                (f"Run {number}", f"{entrant.name} ({entrant.run_id})")
                for number, entrant in enumerate(entrants, 1)
            ),
            ("Dataset", f"{first.identity.dataset} at {first.identity.dataset_revision}"),
        ),
        warnings=tuple(f"Unlike runs: {difference}." for difference in differences),
        sections=(
            Section(title="Scores", tables=score_tables),
            Section(title="Pairs", tables=tuple(_pair_tables(entrants, full=full))),
            *details,
            hard_section([run.evaluation for run in runs]),
        ),
        label="; ".join(labels),
    )


def _differences(entrants: Sequence[Entrant]) -> list[str]:
    """Return the differences from the first run, each once with all runs that have it."""
    first = entrants[0]
    names: dict[str, list[str]] = {}
    for other in entrants[1:]:
        for words in unlike_fields(first.identity, other.identity):
            names.setdefault(words, []).append(other.name)
    return [f"{', '.join(others)} and {first.name}: {words}" for words, others in names.items()]


def joined(documents: Sequence[tuple[str, Document]]) -> Document:
    """Join documents about named parts of the same runs: the sections of the first, then those of the next."""
    (_, first), *others = documents
    if not others:
        return first
    sections = [
        replace(
            section,
            title=f"{section.title}: {part}",
            tables=tuple(replace(table, title=f"{table.title} [{part}]") for table in section.tables),
        )
        for part, document in documents
        for section in document.sections
    ]
    label = first.label.removeprefix(documents[0][0]).removeprefix("; ")
    return replace(first, title=first.title.partition(",")[0], sections=tuple(sections), label=label)


def _score_tables(runs: Sequence[Compared], *, floors: bool) -> Iterator[Table]:
    entrants = [run.entrant for run in runs]
    modes = [mode for mode in Mode if any((mode, None) in entrant.standings for entrant in entrants)]
    yield Table(
        title="Runs by questions",
        columns=(
            Column("Run"),
            *(column for mode in modes for column in _columns(mode)),
            *_delta_columns(modes),
        ),
        rows=(
            *(_score_cells(entrant, modes) for entrant in entrants),
            *([_floor_row(runs, modes)] if floors else ()),
        ),
        notes=(
            "Mean: of the question means, each over all samples that the run measured. "
            + (
                "Delta: ICL minus zero-shot mean of the questions that both modes ask."
                if len(modes) > 1
                else ""
            ),
            *(_FLOOR_ROW_NOTES if floors else ()),
        ),
    )
    for mode in modes:
        yield _chart(entrants, mode)


def _columns(mode: Mode) -> Iterator[Column]:
    name = capitalised(MODE_NAMES[mode])
    yield Column(name, Unit.SCORE, 1)
    yield Column("95% interval", Unit.SCORE, 1, span=True)
    prefix = "ICL " if mode is Mode.ICL else ""
    yield from (Column(f"{prefix}{question}", Unit.SCORE, 1) for question in mode.questions)
    yield Column("Items", Unit.COUNT)


def _delta_columns(modes: Sequence[Mode]) -> tuple[Column, ...]:
    return (Column("Delta", Unit.DIFFERENCE, 1),) if len(modes) > 1 else ()


def _score_cells(entrant: Entrant, modes: Sequence[Mode]) -> tuple[Cell, ...]:
    cells: list[Cell] = [entrant.name]
    for mode in modes:
        overall = entrant.standings.get((mode, None))
        cells += [None, None] if overall is None else [overall.mean, overall.interval]
        cells += [entrant.mean(mode, question) for question in mode.questions]
        cells.append(None if overall is None else overall.measured)
    return (*cells, entrant.delta(None)) if len(modes) > 1 else tuple(cells)


def _floor_row(runs: Sequence[Compared], modes: Sequence[Mode]) -> tuple[Cell, ...]:
    """Return the row of floors by question.

    The mean has none, because it includes questions without a floor.
    """
    measured: dict[tuple[object, ...], Outcome] = {}
    for run in runs:
        for outcome in run.evaluation.benchmark:
            if outcome.measured:
                measured.setdefault(outcome.key, outcome)
    floors = figure_floors(measured.values())
    cells: list[Cell] = ["floor of these items"]
    for mode in modes:
        of_questions = (floors.get((mode, question)) for question in mode.questions)
        cells += [None, None, *(None if one is None else one.floor for one in of_questions), None]
    return (*cells, *(None for _ in _delta_columns(modes)))


_FLOOR_ROW_NOTES = (
    "The last row is the floor of all items that some run measured.",
    "The mean has no floor there: it includes questions without one.",
)


def _floor_tables(runs: Sequence[Compared]) -> Iterator[Table]:
    """Yield a table per mode: how far each run is above its floor."""
    floors = [(run.entrant, figure_floors(run.evaluation.benchmark)) for run in runs]
    for mode in Mode:
        if any((mode, None) in entrant.standings for entrant, _ in floors):
            yield _above_table(floors, mode)


def _above_table(floors: Sequence[tuple[Entrant, Mapping[Figure, AboveFloor]]], mode: Mode) -> Table:
    known = [one[mode, None] for _, one in floors if (mode, None) in one]
    asked = [question for question in mode.questions if any((mode, question) in one for _, one in floors)]
    rows = tuple(
        (
            entrant.name,
            *floor_cells(one.get((mode, None))),
            *(_above(one.get((mode, question))) for question in asked),
        )
        for entrant, one in floors
        if (mode, None) in entrant.standings
    )
    notes = [UNKNOWN]
    if known:
        widest = max(known, key=lambda floor: len(floor.rules))
        notes = [
            f"Floor: what answers that ignore the plot score: {rules_text(widest)}.",
            "Above: the run's mean over these questions minus Floor, paired by sample; then the same by question.",
        ]
    return Table(
        title=f"{capitalised(MODE_NAMES[mode])}: above the floor",
        columns=(
            Column("Run"),
            *FLOOR_COLUMNS,
            *(Column(question.value, Unit.DIFFERENCE, 1) for question in asked),
        ),
        rows=rows,
        notes=tuple(notes),
    )


def _above(floor: AboveFloor | None) -> float | None:
    return None if floor is None else floor.above.mean


def _chart(entrants: Sequence[Entrant], mode: Mode) -> Table:
    """Return the means as dots with intervals, one line for each run."""
    standings = [entrant.standings.get((mode, None)) for entrant in entrants]
    ends = [end for standing in standings if standing is not None for end in _ends(standing)]
    low, high = _scale(ends)
    rows = tuple(
        (entrant.name, _line(standing, low, high), standing.mean)
        for entrant, standing in zip(entrants, standings, strict=True)
        if standing is not None
    )
    name = capitalised(MODE_NAMES[mode])
    return Table(
        title=f"{name} means, with 95% intervals",
        columns=(
            Column("Run"),
            Column(f"{100 * low:.0f} to {100 * high:.0f}"),
            Column("Mean", Unit.SCORE, 1),
        ),
        rows=rows,
    )


def _scale(ends: Sequence[float]) -> tuple[float, float]:
    """Return the smallest range of whole tens that contains all of these."""
    if not ends:
        return 0.0, 1.0
    low, high = math.floor(10 * min(ends)) / 10, math.ceil(10 * max(ends)) / 10
    return low, min(1.0, max(high, low + 0.1))


def _ends(standing: Standing) -> tuple[float, ...]:
    if standing.interval is not None:
        return standing.interval.low, standing.interval.high
    return () if standing.mean is None else (standing.mean,)


def _line(standing: Standing, low: float, high: float) -> str:
    """Return a mean with its interval as text, such as ``....|--o---|......``."""
    if standing.mean is None:
        return ""

    def place(value: float) -> int:
        return min(CHART_WIDTH - 1, max(0, round((value - low) / (high - low) * (CHART_WIDTH - 1))))

    line = ["."] * CHART_WIDTH
    if standing.interval is not None:
        first, last = place(standing.interval.low), place(standing.interval.high)
        line[first : last + 1] = "-" * (last + 1 - first)
        line[first] = line[last] = "|"
    line[place(standing.mean)] = "o"
    return "".join(line)


def _pair_tables(entrants: Sequence[Entrant], *, full: bool) -> Iterator[Table]:
    for mode in Mode:
        questions: tuple[Question | None, ...] = (None, *(mode.questions if full else ()))
        for question in questions:
            table = _pair_table(entrants, mode, question)
            if table.rows:
                yield table


def _pair_table(entrants: Sequence[Entrant], mode: Mode, question: Question | None) -> Table:
    compared = pairs(entrants, mode, question)
    rows = tuple(
        (
            entrants[pair.first].name,
            entrants[pair.second].name,
            pair.difference.mean,
            pair.difference.interval,
            pair.adjusted_p,
            pair.difference.samples,
        )
        for pair in compared
    )
    name = capitalised(MODE_NAMES[mode])
    notes = (
        "Difference: second minus first, on the samples that both measured.",
        f"p (Holm): exact sign-flip test by sample, corrected for the {len(compared)} pairs of this table.",
        *(_tally(entrants[place], ranking(place, compared)) for place in range(len(entrants))),
    )
    title = f"{name}, {question}: every pair" if question else f"{name} mean: every pair"
    return Table(title=title, columns=PAIR_COLUMNS, rows=rows, notes=notes if question is None else ())


def _tally(entrant: Entrant, ranking: Ranking) -> str:
    return (
        f"{entrant.name}: ahead of {ranking.ahead}, behind {ranking.behind}, undecided {ranking.undecided}."
    )


def _pair_details(runs: Sequence[Compared], *, floors: bool) -> Iterator[Section]:
    for first, second in itertools.combinations(runs, 2):
        document = compare(first.evaluation, second.evaluation, anyway=True, floors=floors)
        names = f"{second.entrant.name} against {first.entrant.name}"
        for section in document.sections:
            yield replace(section, title=f"{names}: {section.title.lower()}")
