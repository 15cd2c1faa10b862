"""The leaderboards of a site: own runs and published models, mode by mode, and why some rows are grey."""

from __future__ import annotations

import string
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from reports.analysis.alikeness import Field
from reports.analysis.leaderboard import PublishedScores, published_scores
from reports.analysis.standings import Entrant, Standing
from reports.html.charts import ChartAxis
from reports.site.charts import score_axis
from scoring.questions import Mode, Question


@dataclass(frozen=True, slots=True, kw_only=True)
class Contest:
    """The runs of a site and how they compare.

    Attributes:
        entrants: all runs, in the order of their folders.
        field: which of them are comparable.
        latest: places of the latest run of each name (the latest comparable one, if there is any), the best
            first.
        numbers: place -> the run's number in charts and tables, from 1 for the best; for ``latest`` only.
    """

    entrants: tuple[Entrant, ...]
    field: Field
    latest: tuple[int, ...]
    numbers: Mapping[int, int]

    def alike(self, place: int) -> bool:
        """Return whether the run is comparable with the site's standard."""
        return not self.field.reasons[place]

    @property
    def modes(self) -> list[Mode]:
        """The modes that at least one run asked."""
        return [mode for mode in Mode if any((mode, None) in entrant.standings for entrant in self.entrants)]


@dataclass(frozen=True, slots=True, kw_only=True)
class BoardRow:
    """A run, a published model, or the floor of the runs' items, in one mode.

    Attributes:
        place: of the run; None for the others.
        number: see `Contest.numbers`.
        standings: of the mean under None, then of the questions.
        deltas: ICL minus zero-shot, with the same keys; empty in other modes.
        notes: letters of the reasons why the row is grey; empty if it is comparable.
        older: a later run of the same name exists.
        is_floor: the standings are scores of answers that do not look at the plot (docs/baselines.md).
    """

    name: str
    kind: str = ""
    place: int | None = None
    number: int | None = None
    standings: Mapping[Question | None, Standing]
    deltas: Mapping[Question | None, float | None] = field(default_factory=dict)
    notes: str = ""
    older: bool = False
    is_floor: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """The rows of a mode, the best mean first.

    ``reasons``: letter -> why rows with it are grey; a letter means the same on all boards of a site.
    """

    axis: ChartAxis
    mode: Mode
    questions: tuple[Question, ...]
    rows: tuple[BoardRow, ...]
    reasons: Mapping[str, str]


def contest(entrants: Sequence[Entrant], field: Field) -> Contest:
    """Choose the run for each name, and their order."""
    by_name: dict[str, list[int]] = {}
    for place, entrant in enumerate(entrants):
        by_name.setdefault(entrant.name, []).append(place)
    latest = [max(places, key=lambda place: _recency(place, entrants, field)) for places in by_name.values()]
    mode = next((mode for mode in Mode if (mode, None) in field.standard.standings), Mode.ZEROSHOT)
    latest.sort(key=lambda place: (bool(field.reasons[place]), -(entrants[place].mean(mode) or -1.0), place))
    numbers = {place: number for number, place in enumerate(latest, start=1)}
    return Contest(entrants=tuple(entrants), field=field, latest=tuple(latest), numbers=numbers)


def boards(contest: Contest) -> list[Board]:
    """Return a board for each mode that was asked."""
    letters: dict[str, str] = {}
    return [_board(contest, mode, letters) for mode in contest.modes]


def _recency(place: int, entrants: Sequence[Entrant], field: Field) -> tuple[bool, str, int]:
    return not field.reasons[place], entrants[place].started_at, place


def _board(contest: Contest, mode: Mode, letters: dict[str, str]) -> Board:
    rows = [*_own_rows(contest, mode, letters), *_published_rows(contest, mode, letters)]
    rows.sort(key=_rank)
    means = [row.standings[None] for row in rows]
    rows += _floor_rows(contest, mode)
    ends = [end for one in means if one.interval is not None for end in (one.interval.low, one.interval.high)]
    return Board(
        axis=score_axis([*ends, *(one.mean for one in means if one.mean is not None)], vertical=False),
        mode=mode,
        questions=mode.questions,
        rows=tuple(rows),
        reasons={
            letter: reason
            for reason, letter in letters.items()
            if any(letter in row.notes.split() for row in rows)
        },
    )


def _rank(row: BoardRow) -> float:
    mean = row.standings[None].mean
    return 1.0 if mean is None else -mean


def _own_rows(contest: Contest, mode: Mode, letters: dict[str, str]) -> Iterator[BoardRow]:
    for place, entrant in enumerate(contest.entrants):
        if (mode, None) in entrant.standings:
            questions: tuple[Question | None, ...] = (None, *mode.questions)
            yield BoardRow(
                name=entrant.name,
                place=place,
                number=contest.numbers.get(place),
                standings={
                    question: entrant.standings[mode, question]
                    for question in questions
                    if (mode, question) in entrant.standings
                },
                deltas={question: entrant.delta(question) for question in questions}
                if mode is Mode.ICL
                else {},
                notes=_lettered(contest.field.reasons[place], letters),
                older=place not in contest.numbers,
            )


def _floor_rows(contest: Contest, mode: Mode) -> Iterator[BoardRow]:
    """Yield the floor row of the standard's items, if it has floors.

    It has no mean: some questions have no floor.
    """
    floors = contest.field.standard.floors
    known = {question: floors[mode, question] for question in mode.questions if (mode, question) in floors}
    if known:
        yield BoardRow(
            name="Floor",
            standings={None: _without_interval(None)}
            | {question: _without_interval(floor) for question, floor in known.items()},
            is_floor=True,
        )


def _published_rows(contest: Contest, mode: Mode, letters: dict[str, str]) -> Iterator[BoardRow]:
    reasons = contest.field.standard.not_published
    words = [f"published figures: the runs here differ from them ({'; '.join(reasons)})"] if reasons else []
    for row in published_scores(mode):
        yield BoardRow(
            name=row.model,
            kind=row.kind,
            standings={None: _without_interval(row.mean)}
            | {asked: _without_interval(mean) for asked, mean in row.questions.items()},
            deltas=_published_deltas(row, mode),
            notes=_lettered(words, letters),
        )


def _published_deltas(row: PublishedScores, mode: Mode) -> dict[Question | None, float | None]:
    if mode is not Mode.ICL:
        return {}
    before = next((other for other in published_scores(Mode.ZEROSHOT) if other.model == row.model), None)
    if before is None or not row.questions or not before.questions:
        return {}
    deltas = {question: mean - before.questions[question] for question, mean in row.questions.items()}
    overall: dict[Question | None, float | None] = {None: sum(deltas.values()) / len(deltas)}
    return overall | deltas


def _without_interval(mean: float | None) -> Standing:
    return Standing(mean=mean, interval=None, measured=0, planned=0)


def _lettered(reasons: Sequence[str], letters: dict[str, str]) -> str:
    """Return the letters of these reasons; a new reason gets the next letter."""
    return " ".join(letters.setdefault(reason, _letter(len(letters))) for reason in reasons)


def _letter(number: int) -> str:
    """Return a, b ... z, aa, ab ..."""
    alphabet = string.ascii_lowercase
    return alphabet[number] if number < len(alphabet) else _letter(number // 26 - 1) + alphabet[number % 26]
