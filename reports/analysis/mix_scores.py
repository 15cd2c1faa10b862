"""The weighted score of a mix of datasets (``--mix``), from the scores of its parts.

A part's score is the mean of its means by mode and question. The mix's score is the sum of weight times
score, divided by the sum of weights. Both are undefined if one of these means is, because neither is taken
over less than was planned.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from reports.records.floors import Floor
from reports.records.mixes import Mix, MixPart, split
from reports.records.outcomes import Evaluation, Outcome, grouped
from reports.statistics.aggregate import Coverage, coverage, sample_scores
from reports.statistics.floors import GroupFloor, group_floors, mean_of_means
from reports.statistics.intervals import Interval, cluster_values, weighted_interval
from reports.statistics.paired import PairedDifference, paired_difference, weighted_difference
from scoring.questions import Mode, Question

Group = tuple[Mode, Question]


@dataclass(frozen=True, slots=True, kw_only=True)
class MixFloor:
    """How far a part's score, or the weighted score, is above answers that look at no plot.

    Attributes:
        rules: mode -> question -> the rule, for those that have a floor; empty for the whole mix.
        floor, mean: of the floors and of the scores over these, as means of the means by mode and question.
        above: ``mean`` minus ``floor``, paired by sample.
    """

    rules: Mapping[Mode, Mapping[Question, Floor]]
    floor: float
    mean: float
    above: PairedDifference


@dataclass(frozen=True, slots=True, kw_only=True)
class PartScore:
    """The score of one part of a mix. The interval is clustered by sample, like that of a mean of questions.

    Attributes:
        share: the part's weight as a fraction of all weights, 0..1.
        mean: the part's score; None unless every planned mode and question has a measured item.
        unmeasured: the modes and questions without a measured item.
        floor: None if no measured item of the part has one.
    """

    part: MixPart
    share: float
    coverage: Coverage
    mean: float | None
    interval: Interval | None
    unmeasured: tuple[Group, ...]
    floor: MixFloor | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MixScore:
    """The score of a mix.

    ``mean``, the weighted score, is None if that of a part is. The same holds for ``floor``.
    """

    mix: Mix
    parts: tuple[PartScore, ...]
    coverage: Coverage
    mean: float | None
    interval: Interval | None
    floor: MixFloor | None = None


def mix_score(evaluation: Evaluation) -> MixScore | None:
    """Return the scores of the evaluation's mix, without a study's variants; None if it has no mix."""
    mix = evaluation.identity.mix
    if mix is None:
        return None
    benchmark = evaluation.benchmark
    of_parts = grouped(benchmark, lambda outcome: split(outcome.key.sample_id)[0])
    groups = [_groups(of_parts.get(part.name, [])) for part in mix.parts]
    values = [_values(values_of_part) for values_of_part in groups]
    floors = [group_floors(of_parts.get(part.name, [])) for part in mix.parts]
    scores = tuple(
        PartScore(
            part=part,
            share=mix.share(part),
            coverage=coverage(of_parts.get(part.name, [])),
            mean=_mean(values_of_part),
            interval=weighted_interval([1.0], [values_of_part]) if values_of_part else None,
            unmeasured=tuple(name for name, group in named.items() if not sample_scores(group)),
            floor=_part_floor(floors_of_part),
        )
        for part, named, values_of_part, floors_of_part in zip(mix.parts, groups, values, floors, strict=True)
    )
    means = [score.mean for score in scores if score.mean is not None]
    shares = [score.share for score in scores]
    complete = len(means) == len(scores)
    return MixScore(
        mix=mix,
        parts=scores,
        coverage=coverage(benchmark),
        mean=math.fsum(share * mean for share, mean in zip(shares, means, strict=True)) if complete else None,
        interval=weighted_interval(shares, values) if complete else None,
        floor=_weighted_floor(scores, floors) if complete else None,
    )


def mix_json(score: MixScore) -> dict[str, Any]:
    """Return the score as it is in ``report.json``."""
    return {
        "title": score.mix.title,
        "mean": score.mean,
        "interval": None if score.interval is None else asdict(score.interval),
        "coverage": asdict(score.coverage),
        "floor": None if score.floor is None else asdict(score.floor),
        "parts": [_part_json(part) for part in score.parts],
    }


def _part_json(score: PartScore) -> dict[str, Any]:
    figures = {name: value for name, value in asdict(score).items() if name not in {"part", "unmeasured"}}
    unmeasured = [{"mode": mode, "question": question} for mode, question in score.unmeasured]
    return asdict(score.part) | figures | {"unmeasured": unmeasured}


def _groups(outcomes: Sequence[Outcome]) -> Mapping[Group, list[Outcome]]:
    """Group the outcomes by mode and question, in the benchmark's order."""
    groups = grouped(outcomes, lambda outcome: (outcome.key.mode, outcome.key.question))
    order = [(mode, question) for mode in Mode for question in mode.questions]
    return {key: groups[key] for key in order if key in groups}


def _values(groups: Mapping[Group, Sequence[Outcome]]) -> dict[str, float]:
    """Return one value per sample, with the part's score as mean.

    Empty if a mode and question has no measured item.
    """
    scores = [sample_scores(group) for group in groups.values()]
    if not scores or not all(scores):
        return {}
    return dict(zip(sorted(set().union(*scores)), cluster_values(scores), strict=True))


def _part_floor(groups: Mapping[Group, GroupFloor]) -> MixFloor | None:
    if not groups:
        return None
    floors, scores = [one.floors for one in groups.values()], [one.scores for one in groups.values()]
    rules: dict[Mode, dict[Question, Floor]] = {}
    for (mode, question), one in groups.items():
        rules.setdefault(mode, {})[question] = one.rule
    return MixFloor(
        rules=rules,
        floor=mean_of_means(floors),
        mean=mean_of_means(scores),
        above=paired_difference(floors, scores, tested=False),
    )


def _weighted_floor(
    parts: Sequence[PartScore], floors: Sequence[Mapping[Group, GroupFloor]]
) -> MixFloor | None:
    """Return the floor of the weighted score; None if a part has no floor."""
    known = [part.floor for part in parts if part.floor is not None]
    if len(known) < len(parts):
        return None
    shares = [part.share for part in parts]
    return MixFloor(
        rules={},
        floor=math.fsum(share * one.floor for share, one in zip(shares, known, strict=True)),
        mean=math.fsum(share * one.mean for share, one in zip(shares, known, strict=True)),
        above=weighted_difference(
            shares, [_gains(groups) for groups in floors], [1 / len(groups) for groups in floors]
        ),
    )


def _gains(groups: Mapping[Group, GroupFloor]) -> dict[str, float]:
    """Map each sample to a value whose mean is the mean of score minus floor over the groups."""
    gains = [
        {sample: score - one.floors[sample] for sample, score in one.scores.items()}
        for one in groups.values()
    ]
    return dict(zip(sorted(set().union(*gains)), cluster_values(gains), strict=True))


def _mean(values: Mapping[str, float]) -> float | None:
    return math.fsum(values.values()) / len(values) if values else None
