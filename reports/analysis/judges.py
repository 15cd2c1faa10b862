"""How far judges agree, and what the scores would be with each judge alone."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from reports.records.outcomes import benchmark_records
from reports.records.records import Record, Run
from reports.statistics.intervals import ROUNDING, Interval
from reports.statistics.paired import change_interval
from scoring.questions import Mode, Question

LISTED_ITEMS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class PairAgreement:
    """A comparison of two judges.

    Attributes:
        key_points: how many key points both graded, in ``items`` items about ``samples`` samples.
        kappa: quadratically weighted; 1 is full agreement, 0 chance; None if all grades of both are the same
            value.
        difference: the first judge's item grade minus the second's, mean over samples, -1..1.
        interval: of ``difference``, clustered by sample; None for fewer than two samples.
    """

    first: str
    second: str
    items: int
    key_points: int
    samples: int
    kappa: float | None
    difference: float
    interval: Interval | None


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedAlone:
    """The mean score of one question in one mode, by all judges together and by each alone, 0..1."""

    mode: Mode
    question: Question
    items: int
    together: float
    alone: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgeReport:
    """The figures of a panel. ``disputed``: records with the widest gap between two judges' item grades."""

    judges: tuple[str, ...]
    alpha: float | None
    pairs: tuple[PairAgreement, ...]
    alone: tuple[JudgedAlone, ...]
    disputed: tuple[tuple[Record, float], ...]


def judge_report(run: Run) -> JudgeReport | None:
    """Return the panel's figures.

    None with fewer than two judges, or without an item that all of them graded.
    """
    records = [record for record in benchmark_records(run) if record.measured and len(_grades(record)) >= 2]
    if not records:
        return None
    judges = tuple(verdict.judge for verdict in records[0].verdicts)
    common = [record for record in records if tuple(verdict.judge for verdict in record.verdicts) == judges]
    if not common:
        return None
    gaps = sorted(((record, _gap(record)) for record in common), key=lambda entry: (-entry[1], entry[0].key))
    return JudgeReport(
        judges=judges,
        alpha=krippendorff_alpha(_matrix(common)),
        pairs=tuple(_pair(common, judges, i, j) for i, j in combinations(range(len(judges)), 2)),
        alone=tuple(_alone(common)),
        disputed=tuple((record, gap) for record, gap in gaps[:LISTED_ITEMS] if gap > 0),
    )


def weighted_kappa(first: Sequence[float], second: Sequence[float]) -> float | None:
    """Cohen's kappa with quadratic weights: 1 - mean (a_i - b_i)^2 / mean over all i, j of (a_i - b_j)^2.

    J. Cohen 1968, Psychological Bulletin 70, 213, for grades of any value in 0..1. None if all grades of both
    judges are the same value: the denominator is then 0, and agreement beyond chance is undefined.
    """
    a, b = np.asarray(first, dtype=float), np.asarray(second, dtype=float)
    expected = float(a.var() + b.var() + (a.mean() - b.mean()) ** 2)
    return None if expected < ROUNDING else 1 - float(np.mean((a - b) ** 2)) / expected


def krippendorff_alpha(grades: NDArray[np.float64]) -> float | None:
    """Krippendorff's alpha for interval data; ``grades`` of shape (judges, key points), without gaps.

    Alpha is 1 - observed / expected disagreement: the mean squared difference of pairs of grades within a key
    point, over that of all pairs of grades (K. Krippendorff 2011, Computing Krippendorff's
    Alpha-Reliability). None if all grades are equal.
    """
    judges, points = grades.shape
    observed = float(grades.var(axis=0, ddof=1).mean())
    expected = float(grades.var(ddof=1)) if judges * points > 1 else 0.0
    return None if expected < ROUNDING else 1 - observed / expected


def _grades(record: Record) -> list[tuple[float, ...]]:
    return [verdict.grades for verdict in record.verdicts if verdict.grades]


def _matrix(records: Sequence[Record]) -> NDArray[np.float64]:
    return np.hstack([np.array(_grades(record), dtype=float) for record in records])


def item_grades(record: Record) -> list[float]:
    """Return each judge's grade of the item: the mean over its key points."""
    return [math.fsum(grades) / len(grades) for grades in _grades(record)]


def _gap(record: Record) -> float:
    grades = item_grades(record)
    return max(grades) - min(grades)


def _pair(records: Sequence[Record], judges: Sequence[str], i: int, j: int) -> PairAgreement:
    matrix = _matrix(records)
    by_sample: dict[str, list[float]] = {}
    for record in records:
        grades = item_grades(record)
        by_sample.setdefault(record.key.sample_id, []).append(grades[i] - grades[j])
    means = [math.fsum(values) / len(values) for values in by_sample.values()]
    return PairAgreement(
        first=judges[i],
        second=judges[j],
        items=len(records),
        key_points=matrix.shape[1],
        samples=len(means),
        kappa=weighted_kappa(matrix[i].tolist(), matrix[j].tolist()),
        difference=math.fsum(means) / len(means),
        interval=change_interval(means),
    )


def _alone(records: Sequence[Record]) -> Iterator[JudgedAlone]:
    for mode in Mode:
        for question in Question:
            group = [r for r in records if r.key.mode is mode and r.key.question is question]
            if group:
                scores = np.array([_scores_alone(record) for record in group])
                yield JudgedAlone(
                    mode=mode,
                    question=question,
                    items=len(group),
                    together=float(
                        np.mean([record.score.value for record in group if record.score is not None])
                    ),
                    alone=tuple(scores.mean(axis=0).tolist()),
                )


def _scores_alone(record: Record) -> list[float]:
    """Return the item's score by each judge alone.

    Q1 is half fields, half key points (docs/protocol.md#scoring).
    """
    grades = item_grades(record)
    if record.key.question is not Question.Q1 or record.score is None:
        return grades
    fields = record.score.components["fields"]
    return [0.5 * fields + 0.5 * grade for grade in grades]
