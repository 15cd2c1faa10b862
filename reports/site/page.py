"""``index.html``: everything except the answers, which are separate files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from reports.analysis.leaderboard import published_scores
from reports.analysis.pairs import Pair, Ranking, pairs, ranking
from reports.html.environment import content_security_policy, environment, mode_name, static
from reports.html.items import island
from reports.records.families import FamilyPart
from reports.records.names import question_name
from reports.site.boards import Contest, boards
from reports.site.charts import History, Plot, effort_plots, histories
from reports.site.data import figure_name, site_data
from reports.site.entries import LeftOut
from reports.statistics.intervals import Interval
from reports.statistics.rank_correlation import FEWEST_RANKED, kendall_tau
from scoring.questions import Mode, Question

MOST_PAIRED = 24
"""The most runs whose pairs are tested, which gives 276 pairs in each mode; of more runs, the best ones."""
STYLES = ("page.css", "heat.css", "items.css")
SHARED_SCRIPTS = ("dom.js", "shell.js", "math.js")
OWN_SCRIPTS = ("unpack.js", "boards.js", "matrix.js", "answers.js", "site.js")


@dataclass(frozen=True, slots=True, kw_only=True)
class PairTable:
    """The pairs of a mode: ``places`` are the rows and columns, ``cells`` by (row, column)."""

    mode: Mode
    places: tuple[int, ...]
    cells: Mapping[tuple[int, int], Pair]
    rankings: Mapping[int, Ranking]
    left: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TauTable:
    """Kendall's tau between questions over several models."""

    title: str
    models: int
    questions: tuple[Question, ...]
    taus: Mapping[tuple[Question, Question], float | None]


def render_site(
    contest: Contest,
    hrefs: Sequence[str | None],
    answers: Mapping[str, str],
    costs: Mapping[tuple[int, Mode], float],
    left_out: Sequence[LeftOut],
    part: FamilyPart | None = None,
) -> str:
    """Return the page.

    ``hrefs``: address of each run's report, None if it has none; ``costs`` by place and mode.

    ``part``: the families that the page shows; None for all.
    """
    style = "\n".join((static("reports.html", STYLES), static("reports.site", ("site.css",))))
    script = "\n".join((static("reports.html", SHARED_SCRIPTS), static("reports.site", OWN_SCRIPTS)))
    all_boards = boards(contest)
    figures = [(mode, question) for mode in contest.modes for question in (None, *mode.questions)]
    return (
        environment("reports.site", {"question_name": question_name, "negated": _negated}, {})
        .get_template("site.jinja")
        .render(
            contest=contest,
            standard=contest.field.standard,
            part=part,
            stand_ins=sorted({name for entrant in contest.entrants for name in entrant.identity.stand_ins}),
            boards=all_boards,
            reasons={letter: reason for board in all_boards for letter, reason in board.reasons.items()},
            pair_tables=[
                _pair_table(contest, mode) for mode in contest.modes if len(_rivals(contest, mode)) > 1
            ],
            tau_tables=list(_tau_tables(contest)),
            effort=_effort(contest, costs),
            histories=_histories(contest),
            figures=[(figure_name(mode, question), mode, question) for mode, question in figures],
            hrefs=hrefs,
            left_out=left_out,
            data=Markup(island(site_data(contest, hrefs, answers))),  # noqa: S704  # nosec B704  # escaped by `island`
            style=Markup(style),  # noqa: S704  # nosec B704  # the package's own
            script=Markup(script),  # noqa: S704  # nosec B704  # the package's own
            policy=content_security_policy(style, script, own_files=True),
        )
    )


def _rivals(contest: Contest, mode: Mode) -> list[int]:
    """Return the latest comparable runs of each name in a mode, the best first."""
    alike = [
        place
        for place in contest.latest
        if contest.alike(place) and contest.entrants[place].mean(mode) is not None
    ]
    return sorted(alike, key=lambda place: -(contest.entrants[place].mean(mode) or 0.0))


def _pair_table(contest: Contest, mode: Mode) -> PairTable:
    rivals = _rivals(contest, mode)
    places = rivals[:MOST_PAIRED]
    tested = pairs([contest.entrants[place] for place in places], mode)
    return PairTable(
        mode=mode,
        places=tuple(places),
        cells={(places[pair.second], places[pair.first]): pair for pair in tested},
        rankings={place: ranking(number, tested) for number, place in enumerate(places)},
        left=len(rivals) - len(places),
    )


def _tau_tables(contest: Contest) -> Iterator[TauTable]:
    for mode in contest.modes:
        rivals = [contest.entrants[place] for place in _rivals(contest, mode)]
        own = [{question: entrant.mean(mode, question) for question in mode.questions} for entrant in rivals]
        published = [dict(row.questions) for row in published_scores(mode) if row.questions]
        for title, rows in (
            (f"{mode_name(mode)}: runs here", own),
            (f"{mode_name(mode)}: published models", published),
        ):
            complete = [
                row for row in rows if all(row.get(question) is not None for question in mode.questions)
            ]
            if len(complete) >= FEWEST_RANKED:
                yield _tau_table(title, mode, complete)


def _tau_table(title: str, mode: Mode, rows: Sequence[Mapping[Question, float | None]]) -> TauTable:
    columns = {question: [row[question] or 0.0 for row in rows] for question in mode.questions}
    return TauTable(
        title=title,
        models=len(rows),
        questions=mode.questions,
        taus={
            (one, other): kendall_tau(columns[one], columns[other]) for one in columns for other in columns
        },
    )


def _effort(contest: Contest, costs: Mapping[tuple[int, Mode], float]) -> list[tuple[Mode, list[Plot]]]:
    shown = [place for place in contest.latest if contest.alike(place)]
    entrants, labels = (
        [contest.entrants[place] for place in shown],
        [str(contest.numbers[place]) for place in shown],
    )
    plots = [
        (
            mode,
            effort_plots(
                entrants,
                labels,
                mode,
                {number: costs[place, mode] for number, place in enumerate(shown) if (place, mode) in costs},
            ),
        )
        for mode in contest.modes
    ]
    return [(mode, found_plots) for mode, found_plots in plots if found_plots]


def _histories(contest: Contest) -> list[tuple[Mode, list[History]]]:
    runs = {
        contest.entrants[latest].name: [
            entrant
            for place, entrant in enumerate(contest.entrants)
            if entrant.name == contest.entrants[latest].name and contest.alike(place)
        ]
        for latest in contest.latest
    }
    lines = [(mode, histories(runs, mode)) for mode in contest.modes]
    return [(mode, found_lines) for mode, found_lines in lines if found_lines]


def _negated(interval: Interval) -> Interval:
    return Interval(-interval.high, -interval.low)
