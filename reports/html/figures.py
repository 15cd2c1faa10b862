"""The figures of a page: what stands in tiles, charts and matrices, taken from the same places as all tables."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from reports.aggregate import (
    Coverage,
    IclDelta,
    MeanOfQuestions,
    Summary,
    by_mode,
    by_question,
    coverage,
    icl_deltas,
)
from reports.breakdown import Breakdown, FamilyScores, ScenarioScore, break_down
from reports.comparability import comparability
from reports.html.charts import Axis, Bar, Box, box, difference_axis, histogram, quantity_axis
from reports.leaderboard import PublishedScores, published_scores
from reports.outcomes import Evaluation, counted_records
from reports.overview import findings
from reports.records import Record, Run
from reports.tables import MODE_NAMES
from scoring.questions import Mode, Question


@dataclass(frozen=True, slots=True, kw_only=True)
class ModeFigures:
    """One mode's scores, and the published ones."""

    mode: Mode
    mean: MeanOfQuestions
    questions: Mapping[Question, Summary]
    published: tuple[PublishedScores, ...]
    breakdown: Breakdown

    def published_range(self, question: Question) -> list[float]:
        """The published scores of a question, in no order."""
        return [row.questions[question] for row in self.published if question in row.questions]


@dataclass(frozen=True, slots=True, kw_only=True)
class FamilyRow:
    """A row of the heat map: one family in each mode."""

    family: str
    samples: int
    modes: Mapping[Mode, FamilyScores]


@dataclass(frozen=True, slots=True, kw_only=True)
class Distribution:
    """Times or tokens: of all answers together, and a box per mode and question."""

    title: str
    unit: str
    axis: Axis
    bars: tuple[Bar, ...]
    all: Box
    rows: Mapping[tuple[Mode, Question], Box]


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """Everything on a page but the items themselves. Empty where nothing was planned outside of variants."""

    coverage: Coverage
    not_comparable: tuple[str, ...]
    modes: tuple[ModeFigures, ...]
    families: tuple[FamilyRow, ...]
    deltas: Mapping[Question, IclDelta]
    delta_axis: Axis
    hard: tuple[tuple[Mode, ScenarioScore], ...]
    distributions: tuple[Distribution, ...]
    findings: Mapping[str, int]


def figures(evaluation: Evaluation, run: Run) -> Figures:
    """The figures of a run. Those of scores leave out the items of a study's variants."""
    benchmark = [outcome for outcome in evaluation.outcomes if not outcome.key.variant]
    questions, means, breakdowns = by_question(benchmark), by_mode(benchmark), break_down(evaluation, run)
    modes = tuple(
        ModeFigures(
            mode=mode,
            mean=mean,
            questions={question: summary for (asked, question), summary in questions.items() if asked is mode},
            published=published_scores(mode),
            breakdown=breakdowns[mode],
        )
        for mode, mean in means.items()
    )
    deltas = icl_deltas(benchmark)
    return Figures(
        coverage=coverage(evaluation.outcomes),
        not_comparable=comparability(evaluation),
        modes=modes,
        families=tuple(family_rows(modes)),
        deltas=deltas,
        delta_axis=difference_axis(_delta_reach(deltas.values())),
        hard=tuple((mode.mode, score) for mode in modes for score in mode.breakdown.hard_scenarios),
        distributions=tuple(distributions(counted_records(run).values())),
        findings=findings(run),
    )


def family_rows(modes: Sequence[ModeFigures]) -> Iterator[FamilyRow]:
    """The families in the order of the first mode (the best mean first), then those that only others have."""
    by_family: dict[str, dict[Mode, FamilyScores]] = {}
    for figures_of_mode in modes:
        for entry in figures_of_mode.breakdown.families:
            by_family.setdefault(entry.family, {})[figures_of_mode.mode] = entry
    for family, entries in by_family.items():
        samples = max(_planned_samples(entry) for entry in entries.values())
        yield FamilyRow(family=family, samples=samples, modes=entries)


def distributions(records: Iterable[Record]) -> Iterator[Distribution]:
    """Of latencies and tokens, each from the answers that report it; none without such answers."""
    answered = [(record.key, record.answer) for record in records if record.answer is not None]
    measures = (
        ("Latency", "s", lambda answer: answer.latency_s or None),
        ("Answer tokens", "tokens", lambda answer: answer.completion_tokens),
        ("Prompt tokens", "tokens", lambda answer: answer.prompt_tokens),
    )
    for title, unit, measure in measures:
        groups: dict[tuple[Mode, Question], list[float]] = {}
        for key, answer in answered:
            if (value := measure(answer)) is not None:
                groups.setdefault((key.mode, key.question), []).append(value)
        if groups:
            yield _distribution(title, unit, groups)


def mode_name(mode: Mode) -> str:
    """The mode as a heading begins with it."""
    name = MODE_NAMES[mode]
    return name[:1].upper() + name[1:]


def _distribution(title: str, unit: str, groups: Mapping[tuple[Mode, Question], Sequence[float]]) -> Distribution:
    values = [value for group in groups.values() for value in group]
    axis = quantity_axis(values)
    order = [(mode, question) for mode in Mode for question in Question]
    return Distribution(
        title=title,
        unit=unit,
        axis=axis,
        bars=histogram(values, axis),
        all=box(values),
        rows={key: box(groups[key]) for key in order if key in groups},
    )


def _planned_samples(entry: FamilyScores) -> int:
    """The most samples that a question of the family was planned for, repeats aside."""
    return max(summary.samples for summary in entry.questions.values())


def _delta_reach(deltas: Iterable[IclDelta]) -> Iterator[float]:
    for delta in deltas:
        if delta.delta is not None:
            yield delta.delta
        if delta.delta_interval is not None:
            yield from (delta.delta_interval.low, delta.delta_interval.high)
