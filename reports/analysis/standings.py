"""The figures of a run in a comparison of runs: scores, cost of answers, and the verdict of its gates.

They are cheaper than the run's report, which also has medians and much else: a hundred runs are read in
seconds.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from reports.analysis.comparability import comparability
from reports.analysis.comparison import ItemName, item_scores, outcomes_by_mode, question_scores
from reports.records.outcomes import Evaluation, Identity, Outcome, benchmark_records, grouped
from reports.records.records import Answer, Record, Run
from reports.statistics.aggregate import coverage, mean_of_questions, sample_scores
from reports.statistics.floors import AboveFloor, above_floor, group_floors
from reports.statistics.intervals import Interval, mean_interval
from scoring.questions import Mode, Question

Figure: TypeAlias = tuple[Mode, Question | None]
"""A question of a mode; None means the mean of the mode's questions."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A mean, 0..1, with its interval; None if undefined. ``measured`` and ``planned`` count items."""

    mean: float | None
    interval: Interval | None
    measured: int
    planned: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Effort:
    """Time and tokens of the answers of one mode; None if no answer reports them.

    Attributes:
        latency_s: median over answers, in seconds.
        prompt_tokens, completion_tokens: mean per answer.
    """

    latency_s: float | None
    prompt_tokens: float | None
    completion_tokens: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Entrant:
    """One run among others.

    Attributes:
        run_id: as in the manifest.
        name: the model, or the label given to the run.
        identity: who was measured on what.
        started_at: ISO 8601, UTC.
        standings: for each question that was asked and for each mode's mean.
        families: the same means by family.
        samples: mode and question -> sample -> measured score, for paired differences.
        items: item -> score, averaged over repeats.
        planned: the items that the run planned -> their family.
        effort: by mode.
        floors: for each question that has one, the score of answers that look at no plot, on the measured
            items.
        not_published: why the run is not comparable with the published figures; empty if it is.
        verdict: of the run's gates, such as ``PASS``; None without gates.
    """

    run_id: str
    name: str
    identity: Identity
    started_at: str
    standings: Mapping[Figure, Standing]
    families: Mapping[Figure, Mapping[str, float]]
    samples: Mapping[tuple[Mode, Question], Mapping[str, float]]
    items: Mapping[ItemName, float]
    planned: Mapping[ItemName, str] = field(repr=False)
    effort: Mapping[Mode, Effort]
    floors: Mapping[Figure, float] = field(default_factory=dict)
    not_published: tuple[str, ...] = ()
    verdict: str | None = None

    def mean(self, mode: Mode, question: Question | None = None) -> float | None:
        """Return the mean of a question, or of a mode's questions; None if it is undefined."""
        standing = self.standings.get((mode, question))
        return None if standing is None else standing.mean

    def delta(self, question: Question | None) -> float | None:
        """Return ICL mean minus zero-shot mean, as published: of a question, or of those that both modes ask."""
        questions = (
            [question] if question else [asked for asked in Mode.ICL.questions if self._in_both(asked)]
        )
        pairs = [(self.mean(Mode.ICL, asked), self.mean(Mode.ZEROSHOT, asked)) for asked in questions]
        deltas = [icl - zeroshot for icl, zeroshot in pairs if icl is not None and zeroshot is not None]
        return statistics.fmean(deltas) if deltas and len(deltas) == len(pairs) else None

    def _in_both(self, question: Question) -> bool:
        return all((mode, question) in self.standings for mode in Mode)


def entrant(
    run: Run, evaluation: Evaluation, *, name: str | None = None, verdict: str | None = None
) -> Entrant:
    """Return the run's figures.

    ``evaluation`` is the run's, with the rule for items without an answer applied.
    """
    modes = outcomes_by_mode(evaluation)
    standings: dict[Figure, Standing] = {}
    families: dict[Figure, dict[str, float]] = {}
    for mode, outcomes in modes.items():
        overall = mean_of_questions(outcomes)
        standings[mode, None] = Standing(
            mean=overall.mean,
            interval=overall.interval,
            measured=overall.coverage.measured,
            planned=overall.coverage.planned,
        )
        families[mode, None] = _by_family(outcomes, lambda group: mean_of_questions(group).mean)
        for question, asked in grouped(outcomes, lambda outcome: outcome.key.question).items():
            standings[mode, question] = _figure(asked)
            families[mode, question] = _by_family(asked, _mean)
    records = grouped_records(benchmark_records(run))
    return Entrant(
        run_id=run.manifest.run_id,
        name=name or run.manifest.model or "not stated",
        identity=evaluation.identity,
        started_at=run.manifest.started_at,
        standings=standings,
        families=families,
        samples={
            (mode, question): question_scores(outcomes, question)
            for mode, outcomes in modes.items()
            for question in mode.questions
        },
        items=item_scores(evaluation.outcomes),
        planned={
            ItemName(outcome.key.sample_id, outcome.key.question, outcome.key.mode): outcome.family
            for outcome in evaluation.benchmark
        },
        effort={mode: _effort(group) for mode, group in records.items()},
        floors={
            key: statistics.fmean(one.floors.values())
            for key, one in group_floors(evaluation.benchmark).items()
        },
        not_published=comparability(evaluation),
        verdict=verdict,
    )


def figure_floors(outcomes: Iterable[Outcome]) -> dict[Figure, AboveFloor]:
    """Map each figure that has a floor to how far the outcomes are above it (docs/baselines.md)."""
    floors: dict[Figure, AboveFloor] = {}
    for mode, asked in grouped(outcomes, lambda outcome: outcome.key.mode).items():
        by_question = grouped(asked, lambda outcome: outcome.key.question)
        for question, group in ((None, asked), *by_question.items()):
            if (floor := above_floor(group)) is not None:
                floors[mode, question] = floor
    return floors


def grouped_records(records: Iterable[Record]) -> dict[Mode, list[Record]]:
    """Group the records by mode."""
    groups: dict[Mode, list[Record]] = {}
    for record in records:
        groups.setdefault(record.key.mode, []).append(record)
    return groups


def _figure(outcomes: Sequence[Outcome]) -> Standing:
    values = list(sample_scores(outcomes).values())
    counted = coverage(outcomes)
    return Standing(
        mean=statistics.fmean(values) if values else None,
        interval=mean_interval(values),
        measured=counted.measured,
        planned=counted.planned,
    )


def _by_family(
    outcomes: Sequence[Outcome], mean: Callable[[Sequence[Outcome]], float | None]
) -> dict[str, float]:
    means = {
        family: mean(group) for family, group in grouped(outcomes, lambda outcome: outcome.family).items()
    }
    return {family: value for family, value in means.items() if value is not None}


def _mean(outcomes: Sequence[Outcome]) -> float | None:
    values = sample_scores(outcomes).values()
    return statistics.fmean(values) if values else None


def _effort(records: Sequence[Record]) -> Effort:
    answers = [record.answer for record in records if record.answer is not None]
    latencies = _known(answers, lambda answer: answer.latency_s or None)
    prompts = _known(answers, lambda answer: answer.prompt_tokens)
    completions = _known(answers, lambda answer: answer.completion_tokens)
    return Effort(
        latency_s=statistics.median(latencies) if latencies else None,
        prompt_tokens=statistics.fmean(prompts) if prompts else None,
        completion_tokens=statistics.fmean(completions) if completions else None,
    )


def _known(answers: Iterable[Answer], measure: Callable[[Answer], float | None]) -> list[float]:
    return [value for answer in answers if (value := measure(answer)) is not None]
