"""Where a model fails: by family, scenario type, label and parameter, and in contradictions between its answers.

These are the paper's tables for any run. Everything is computed per mode, without the items of a study's
variants. Figures about labels, fields and finish reasons need the run's records and are absent without them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from reports.analysis.consistency import Contradiction, Legibility, contradictions, legibility
from reports.analysis.labels import ConfusionMatrix, bias_rates, confusion_matrix
from reports.analysis.parameters import FieldScore, field_scores
from reports.records.outcomes import Evaluation, Outcome, counted_records, grouped
from reports.records.records import ItemKey, Record, Run
from reports.records.stored import SelectedRecords
from reports.statistics.aggregate import (
    MeanOfQuestions,
    Summary,
    family_dispersions,
    mean_of_questions,
    sample_scores,
    summarise,
)
from reports.statistics.families import dispersions
from reports.statistics.intervals import cluster_values
from reports.statistics.rates import Rate
from scoring.questions import Mode, Question

LABELLED = (Question.Q2, Question.Q4, Question.Q6)
HARD_BELOW = 0.1
"""A scenario type is hard if its mean score is below this (the paper's Table 9: answered below 10%)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FamilyScores:
    """One family in one mode: each question and their mean."""

    family: str
    questions: Mapping[Question, Summary]
    mean: MeanOfQuestions


@dataclass(frozen=True, slots=True, kw_only=True)
class ScenarioScore:
    """One question about one scenario type in one mode."""

    family: str
    scenario_type: str
    question: Question
    summary: Summary


@dataclass(frozen=True, slots=True, kw_only=True)
class Breakdown:
    """The breakdown of one mode.

    ``hard_scenarios`` are sorted, the worst first. ``legibility``, ``confusion``, ``biases``, ``fields`` and
    ``contradictions`` are empty without records. ``contradictions`` is also empty if the mode lacks Q2 or Q6.
    """

    mode: Mode
    families: tuple[FamilyScores, ...]
    hard_scenarios: tuple[ScenarioScore, ...]
    legibility: Mapping[Question, Legibility]
    confusion: tuple[ConfusionMatrix, ...]
    biases: Mapping[str, Rate]
    fields: tuple[FieldScore, ...]
    contradictions: tuple[Contradiction, ...]


def break_down(evaluation: Evaluation, run: Run | None = None) -> dict[Mode, Breakdown]:
    """Break down each mode that was asked; with the ``run`` of the evaluation also what was answered."""
    modes = grouped(evaluation.benchmark, lambda outcome: outcome.key.mode)
    records = {} if run is None else counted_records(run)
    return {mode: _break_down(mode, modes[mode], records) for mode in Mode if mode in modes}


def _break_down(mode: Mode, outcomes: Sequence[Outcome], final: Mapping[ItemKey, Record]) -> Breakdown:
    records = _records(outcomes, final)

    def measured(*questions: Question) -> Sequence[Record]:
        return _records((o for o in outcomes if o.measured and o.key.question in questions), final)

    by_question = grouped(outcomes, lambda outcome: outcome.key.question)
    return Breakdown(
        mode=mode,
        families=tuple(family_scores(outcomes)),
        hard_scenarios=tuple(hard_scenarios(outcomes)),
        legibility={
            question: legibility(_records(by_question[question], final), question)
            for question in Question
            if question in by_question and records
        },
        confusion=tuple(_confusion(mode, outcomes, final)) if records else (),
        biases=bias_rates(measured(*LABELLED)) if records else {},
        fields=tuple(field_scores(outcomes, measured(Question.Q5))),
        contradictions=contradictions(measured(*LABELLED, Question.Q5))
        if by_question.keys() >= {Question.Q2, Question.Q6}
        else (),
    )


def _records(outcomes: Iterable[Outcome], final: Mapping[ItemKey, Record]) -> Sequence[Record]:
    """The records of these outcomes, those that have one."""
    return SelectedRecords(final, [outcome.key for outcome in outcomes if outcome.key in final])


def family_scores(outcomes: Sequence[Outcome]) -> list[FamilyScores]:
    """Return the families of one mode's outcomes, the best mean first; those without a mean come last, by name.

    Intervals use a family's dispersion shrunk towards that of all families (`reports.statistics.families`).
    """
    by_question = grouped(outcomes, lambda outcome: outcome.key.question)
    spreads = {question: family_dispersions(group) for question, group in by_question.items()}
    families = grouped(outcomes, lambda outcome: outcome.family)
    mean_spreads = dispersions({family: _cluster_values(group) for family, group in families.items()})
    scores = [
        FamilyScores(
            family=family,
            questions={
                question: summarise(asked, spreads[question][family])
                for question in Question
                if (asked := [outcome for outcome in group if outcome.key.question is question])
            },
            mean=mean_of_questions(group, mean_spreads[family]),
        )
        for family, group in families.items()
    ]
    return sorted(
        scores, key=lambda entry: (-(entry.mean.mean or 0.0), entry.mean.mean is None, entry.family)
    )


def hard_scenarios(outcomes: Sequence[Outcome]) -> list[ScenarioScore]:
    """Return the scenario types and questions with a mean below `HARD_BELOW`, from outcomes of one mode."""
    by_question = grouped(outcomes, lambda outcome: outcome.key.question)
    spreads = {question: family_dispersions(group) for question, group in by_question.items()}
    scenarios = grouped(
        outcomes, lambda outcome: (outcome.family, outcome.scenario_type, outcome.key.question)
    )
    hard = [
        ScenarioScore(
            family=family,
            scenario_type=scenario,
            question=question,
            summary=summarise(group, spreads[question][family]),
        )
        for (family, scenario, question), group in scenarios.items()
        if (scores := sample_scores(group)) and fmean(scores.values()) < HARD_BELOW
    ]
    return sorted(
        hard, key=lambda score: (score.summary.mean, score.family, score.scenario_type, score.question)
    )


def hard_for_all(evaluations: Iterable[Evaluation], mode: Mode) -> list[tuple[str, str, Question]]:
    """Return family, scenario type and question of what is hard in every evaluation, in the order of the first one."""
    hard = [
        [(score.family, score.scenario_type, score.question) for score in hard_scenarios(outcomes)]
        for evaluation in evaluations
        if (outcomes := [outcome for outcome in evaluation.benchmark if outcome.key.mode is mode])
    ]
    return [entry for entry in hard[0] if all(entry in others for others in hard[1:])] if hard else []


def _confusion(
    mode: Mode, outcomes: Sequence[Outcome], final: Mapping[ItemKey, Record]
) -> Iterator[ConfusionMatrix]:
    """Yield one matrix for Q2 and one for Q4, and one for Q6 per family, because status codes depend on the family."""
    for question in LABELLED:
        asked = [outcome for outcome in outcomes if outcome.key.question is question]
        families = grouped(asked, _family_with_own_labels)
        for family in sorted(families, key=str):
            yield confusion_matrix(
                _records((outcome for outcome in families[family] if outcome.measured), final),
                planned=len(families[family]),
                question=question,
                mode=mode,
                family=family,
            )


def _family_with_own_labels(outcome: Outcome) -> str | None:
    return outcome.family if outcome.key.question is Question.Q6 else None


def _cluster_values(outcomes: Sequence[Outcome]) -> list[float]:
    questions = grouped(outcomes, lambda outcome: outcome.key.question)
    scores = [sample_scores(group) for group in questions.values()]
    return cluster_values(scores) if all(scores) else []
