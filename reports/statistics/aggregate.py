"""Averages over outcomes: per question, over questions, and what demonstrations change (docs/protocol.md#aggregation).

All values are fractions, 0..1, unrounded. Averages leave out items that were not measured. A figure without
any measurement is None, never 0.
"""

from __future__ import annotations

import math
import statistics
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from reports.records.outcomes import Outcome, grouped
from reports.statistics.families import dispersions
from reports.statistics.floors import AboveFloor, above_floor
from reports.statistics.intervals import (
    Dispersion,
    Interval,
    cluster_values,
    mean_interval,
    median_interval,
)
from reports.statistics.paired import change_interval, unpaired_values
from scoring.questions import Mode, Question


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """How much of what was planned a figure is based on, in items (each repeat counts).

    Attributes:
        measured: items with a score.
        counted_errors: items that failed and still enter the averages (``--errors``); 0 by default.
        unmeasured: items without a score, by state (``unjudged``, ``request_failed``, ``judge_failed``,
            ``missing``).
    """

    planned: int
    measured: int
    counted_errors: int
    unmeasured: Mapping[str, int]

    @property
    def share(self) -> float | None:
        """Measured of planned, 0..1; None if nothing was planned."""
        return self.measured / self.planned if self.planned else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """The scores of a group of items, the repeats of an item averaged first.

    Attributes:
        samples: how many samples ``mean``, ``median``, ``minimum`` and ``maximum`` are taken over.
        mean: None, like the others, if no item was measured. The interval of the mean is None for fewer than
            two samples, that of the median for fewer than ten.
        floor: how far the scores are above those of answers that look at no plot; None if that is not known.
    """

    coverage: Coverage
    samples: int
    mean: float | None
    mean_interval: Interval | None
    median: float | None
    median_interval: Interval | None
    minimum: float | None
    maximum: float | None
    floor: AboveFloor | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MeanOfQuestions:
    """The published "Mean": the mean of question means.

    ``mean`` is None unless every planned question has a measured item, because the mean of fewer questions is
    another quantity. ``floor`` is over the questions that have one; its ``mean`` is over these, too.
    """

    coverage: Coverage
    questions: tuple[Question, ...]
    mean: float | None
    interval: Interval | None
    floor: AboveFloor | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class IclDelta:
    """What demonstrations change in one question.

    Attributes:
        delta: ICL mean minus zero-shot mean, over the samples of each (as published); -1..1, None if a mean
            is.
        paired_delta: mean over the samples measured in both modes of ICL minus zero-shot; None if there are
            none.
        pairs: how many samples those are, of ``planned_pairs`` planned in both modes.
        copying: ICL minus copying a demonstration's answer; None if that is not known.
    """

    icl: Coverage
    zeroshot: Coverage
    icl_mean: float | None
    zeroshot_mean: float | None
    delta: float | None
    delta_interval: Interval | None
    paired_delta: float | None
    paired_interval: Interval | None
    pairs: int
    planned_pairs: int
    copying: AboveFloor | None = None


def coverage(outcomes: Sequence[Outcome]) -> Coverage:
    """Count planned, measured and unmeasured items."""
    states = Counter(outcome.state for outcome in outcomes if not outcome.measured)
    return Coverage(
        planned=len(outcomes),
        measured=sum(outcome.measured for outcome in outcomes),
        counted_errors=sum(not outcome.measured and outcome.value is not None for outcome in outcomes),
        unmeasured=dict(sorted(states.items())),
    )


def sample_scores(outcomes: Iterable[Outcome]) -> dict[str, float]:
    """Map each measured sample to its score: the mean over its outcomes (repeats)."""
    return {
        sample: statistics.fmean(values)
        for sample, group in grouped(outcomes, lambda outcome: outcome.sample).items()
        if (values := [outcome.value for outcome in group if outcome.value is not None])
    }


def summarise(outcomes: Sequence[Outcome], spread: Dispersion | None = None) -> Summary:
    """Return the summary of outcomes of one question in one mode.

    ``spread``: as in `mean_interval`; given if the outcomes are a small part of a question, such as a family.
    """
    values = list(sample_scores(outcomes).values())
    return Summary(
        coverage=coverage(outcomes),
        samples=len(values),
        mean=_mean(values),
        mean_interval=mean_interval(values, spread),
        median=statistics.median(values) if values else None,
        median_interval=median_interval(values),
        minimum=min(values, default=None),
        maximum=max(values, default=None),
        floor=above_floor(outcomes),
    )


def by_question(outcomes: Iterable[Outcome]) -> dict[tuple[Mode, Question], Summary]:
    """Return a summary for each mode and question that was planned, in the benchmark's order."""
    groups = grouped(outcomes, lambda outcome: (outcome.key.mode, outcome.key.question))
    order = [(mode, question) for mode in Mode for question in Question]
    return {key: summarise(groups[key]) for key in order if key in groups}


def mean_of_questions(outcomes: Sequence[Outcome], spread: Dispersion | None = None) -> MeanOfQuestions:
    """Return the mean of the question means of one mode's outcomes, with errors clustered by sample."""
    groups = grouped(outcomes, lambda outcome: outcome.key.question)
    questions = tuple(question for question in Question if question in groups)
    scores = [sample_scores(groups[question]) for question in questions]
    values = cluster_values(scores) if scores and all(scores) else []
    return MeanOfQuestions(
        coverage=coverage(outcomes),
        questions=questions,
        mean=_mean(values),
        interval=mean_interval(values, spread),
        floor=above_floor(outcomes),
    )


def by_mode(outcomes: Iterable[Outcome]) -> dict[Mode, MeanOfQuestions]:
    """Return the mean of question means of each mode that was planned."""
    groups = grouped(outcomes, lambda outcome: outcome.key.mode)
    return {mode: mean_of_questions(groups[mode]) for mode in Mode if mode in groups}


def icl_deltas(outcomes: Iterable[Outcome]) -> dict[Question, IclDelta]:
    """Return the effect of demonstrations on each question that was planned in both modes."""
    groups = grouped(outcomes, lambda outcome: (outcome.key.question, outcome.key.mode))
    return {
        question: _icl_delta(groups[question, Mode.ICL], groups[question, Mode.ZEROSHOT])
        for question in Question
        if (question, Mode.ICL) in groups and (question, Mode.ZEROSHOT) in groups
    }


def _icl_delta(icl: Sequence[Outcome], zeroshot: Sequence[Outcome]) -> IclDelta:
    after, before = sample_scores(icl), sample_scores(zeroshot)
    shared = sorted(after.keys() & before.keys())
    paired_after, paired_before = (
        {sample: scores[sample] for sample in shared} for scores in (after, before)
    )
    return IclDelta(
        icl=coverage(icl),
        zeroshot=coverage(zeroshot),
        icl_mean=_mean(list(after.values())),
        zeroshot_mean=_mean(list(before.values())),
        delta=_difference(after, before),
        delta_interval=change_interval(unpaired_values(after, before)),
        paired_delta=_difference(paired_after, paired_before),
        paired_interval=change_interval(unpaired_values(paired_after, paired_before)),
        pairs=len(shared),
        planned_pairs=len({outcome.sample for outcome in icl} & {outcome.sample for outcome in zeroshot}),
        copying=above_floor(icl),
    )


def family_dispersions(outcomes: Iterable[Outcome]) -> dict[str, Dispersion]:
    """Map each family to the dispersion of its scores, for outcomes of one question in one mode."""
    families = grouped(outcomes, lambda outcome: outcome.family)
    return dispersions({family: list(sample_scores(group).values()) for family, group in families.items()})


def _difference(first: Mapping[str, float], second: Mapping[str, float]) -> float | None:
    if not first or not second:
        return None
    return statistics.fmean(first.values()) - statistics.fmean(second.values())


def _mean(values: Sequence[float]) -> float | None:
    return math.fsum(values) / len(values) if values else None
