"""The figures of a page, for tiles, charts and matrices; from the same functions as the tables."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

from reports.analysis.breakdown import Breakdown, FamilyScores, ScenarioScore
from reports.analysis.comparability import comparability
from reports.analysis.leaderboard import PublishedScores, published_scores
from reports.analysis.mix_scores import MixScore, mix_score
from reports.html.charts import Bar, Box, ChartAxis, box, difference_axis, histogram, quantity_axis
from reports.records.names import MODE_NAMES
from reports.records.outcomes import Evaluation, Outcome, counted_records
from reports.records.records import Answer, Record, Run
from reports.statistics.aggregate import (
    Coverage,
    IclDelta,
    MeanOfQuestions,
    Summary,
    by_mode,
    by_question,
    coverage,
    icl_deltas,
)
from reports.tables.floors import rules_text
from reports.tables.overview import findings
from scoring.questions import Mode, Question


@dataclass(frozen=True, slots=True, kw_only=True)
class ModeFigures:
    """One mode's scores, and the published ones.

    ``published``: see `published_scores`.
    """

    mode: Mode
    mean: MeanOfQuestions
    questions: Mapping[Question, Summary]
    published: tuple[PublishedScores, ...]
    breakdown: Breakdown

    @property
    def board(self) -> list[PublishedScores | None]:
        """The published rows, the best mean first, with None at the place of this run."""
        own = self.mean.mean
        above = sum(own is not None and row.mean > own for row in self.published)
        return [*self.published[:above], *([] if own is None else [None]), *self.published[above:]]

    def published_means(self, question: Question | None = None) -> list[float]:
        """Return the published means of a question, or of all questions for None."""
        if question is None:
            return [row.mean for row in self.published]
        return [row.questions[question] for row in self.published if question in row.questions]


@dataclass(frozen=True, slots=True, kw_only=True)
class FamilyRow:
    """A row of the heat map: one family in each mode; ``samples`` as planned."""

    family: str
    samples: int
    modes: Mapping[Mode, FamilyScores]


@dataclass(frozen=True, slots=True, kw_only=True)
class HardScenario:
    """A scenario type and its questions that are hardly ever answered correctly."""

    family: str
    scenario_type: str
    scores: tuple[tuple[Mode, ScenarioScore], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class BoxPlot:
    """Times or tokens: of all answers together, and a box per mode and question."""

    title: str
    unit: str
    axis: ChartAxis
    bars: tuple[Bar, ...]
    all: Box
    rows: Mapping[tuple[Mode, Question], Box]


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """Everything on a page except the items. Figures of scores are empty if only variants were planned."""

    coverage: Coverage
    not_comparable: tuple[str, ...]
    mix: MixScore | None
    modes: tuple[ModeFigures, ...]
    families: tuple[FamilyRow, ...]
    deltas: Mapping[Question, IclDelta]
    delta_axis: ChartAxis
    floor_words: tuple[str, ...]
    hard: tuple[HardScenario, ...]
    distributions: tuple[BoxPlot, ...]
    findings: Mapping[str, int]


MEASURES: tuple[tuple[str, str, Callable[[Answer], float | None]], ...] = (
    ("Latency", "s", lambda answer: answer.latency_s or None),
    ("Answer tokens", "tokens", lambda answer: answer.completion_tokens),
    ("Prompt tokens", "tokens", lambda answer: answer.prompt_tokens),
)
"""The distributions: title, unit, and how to get the values. Answers from result files have no latency."""


def figures(evaluation: Evaluation, run: Run, breakdowns: Mapping[Mode, Breakdown]) -> Figures:
    """Return the figures of a run, with its `break_down`. Figures of scores leave out studies' variants."""
    benchmark = evaluation.benchmark
    questions, means = by_question(benchmark), by_mode(benchmark)
    modes = tuple(
        ModeFigures(
            mode=mode,
            mean=mean,
            questions={
                question: summary for (asked, question), summary in questions.items() if asked is mode
            },
            published=published_scores(mode),
            breakdown=breakdowns[mode],
        )
        for mode, mean in means.items()
    )
    deltas = icl_deltas(benchmark)
    return Figures(
        coverage=coverage(evaluation.outcomes),
        not_comparable=comparability(evaluation),
        mix=mix_score(evaluation),
        modes=modes,
        families=tuple(family_rows(modes, benchmark)),
        deltas=deltas,
        delta_axis=difference_axis(_delta_reach(deltas.values())),
        floor_words=tuple(_floor_words(modes)),
        hard=tuple(hard_scenarios(modes)),
        distributions=tuple(distributions(counted_records(run).values())),
        findings=findings(run),
    )


def family_rows(modes: Sequence[ModeFigures], outcomes: Iterable[Outcome]) -> Iterator[FamilyRow]:
    """Yield the families in the first mode's order (the best mean first), then those of other modes only."""
    samples = Counter(
        family for family, _ in {(outcome.family, outcome.key.sample_id) for outcome in outcomes}
    )
    by_family: dict[str, dict[Mode, FamilyScores]] = {}
    for figures_of_mode in modes:
        for entry in figures_of_mode.breakdown.families:
            by_family.setdefault(entry.family, {})[figures_of_mode.mode] = entry
    for family, entries in by_family.items():
        yield FamilyRow(family=family, samples=samples[family], modes=entries)


def hard_scenarios(modes: Iterable[ModeFigures]) -> list[HardScenario]:
    """Return the scenario types with hard questions; those with the most hard questions come first."""
    by_scenario: dict[tuple[str, str], list[tuple[Mode, ScenarioScore]]] = {}
    for figures_of_mode in modes:
        for score in figures_of_mode.breakdown.hard_scenarios:
            by_scenario.setdefault((score.family, score.scenario_type), []).append(
                (figures_of_mode.mode, score)
            )
    ranked = sorted(by_scenario.items(), key=lambda entry: (-len(entry[1]), entry[0]))
    return [
        HardScenario(family=family, scenario_type=scenario, scores=tuple(scores))
        for (family, scenario), scores in ranked
    ]


def distributions(records: Iterable[Record]) -> Iterator[BoxPlot]:
    """Yield the distributions of latencies and tokens, each from the answers that report the value, if any."""
    measured: dict[str, dict[tuple[Mode, Question], array[float]]] = {title: {} for title, _, _ in MEASURES}
    for record in records:
        for title, _, measure in MEASURES:
            if record.answer is not None and (value := measure(record.answer)) is not None:
                group = record.key.mode, record.key.question
                measured[title].setdefault(group, array("d")).append(value)
    for title, unit, _ in MEASURES:
        if measured[title]:
            yield _distribution(title, unit, measured[title])


def _floor_words(modes: Iterable[ModeFigures]) -> Iterator[str]:
    """Yield which floors each mode has; nothing if none are known."""
    for one in modes:
        if one.mean.floor is not None:
            yield f"{MODE_NAMES[one.mode]}: {rules_text(one.mean.floor)}"


def _distribution(title: str, unit: str, groups: Mapping[tuple[Mode, Question], Sequence[float]]) -> BoxPlot:
    values = array("d", chain.from_iterable(groups.values()))
    axis = quantity_axis(values)
    order = [(mode, question) for mode in Mode for question in Question]
    return BoxPlot(
        title=title,
        unit=unit,
        axis=axis,
        bars=histogram(values, axis),
        all=box(values),
        rows={key: box(groups[key]) for key in order if key in groups},
    )


def _delta_reach(deltas: Iterable[IclDelta]) -> Iterator[float]:
    for delta in deltas:
        if delta.delta is not None:
            yield delta.delta
        if delta.delta_interval is not None:
            yield from (delta.delta_interval.low, delta.delta_interval.high)
