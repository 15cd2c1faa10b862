"""The values that a gate's metric is computed from, by question and item, measured or not.

A figure is the mean over questions of the mean over samples of a sample's value. A sample's value is a sum of
signed
parts: a score alone; ICL minus zero-shot; a run minus its baseline; or a difference of such differences. All
are fractions.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from reports.analysis.consistency import unreadable
from reports.analysis.labels import BIASES, answered_label
from reports.gates.file import Gate, RateName
from reports.records.mixes import mix_of
from reports.records.outcomes import counted_records
from reports.records.records import ItemKey, PlannedItem, Record, Run
from reports.statistics.families import dispersions
from reports.statistics.intervals import Dispersion, cluster_values
from scoring.questions import Mode, Question

Items = Mapping[str, tuple[float | None, ...]]
"""Sample -> one value for each of its planned repeats, 0..1; None if it was not measured."""

BIAS_RATES = {
    RateName.FALSE_SUCCESS: "False success (Q6)",
    RateName.SUBOPTIMAL_AS_EXPECTED: "Suboptimal called expected (Q2)",
    RateName.FALSE_CONFIDENCE: "False confidence (Q4)",
    RateName.NO_FIT_BLINDNESS: "No-fit blindness (Q4)",
}
"""The rates that are biases in `labels`; the other rates count unreadable answers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A term of each sample's value.

    ``sign`` is 1 or -1, ``of_baseline`` whether these are the baseline's answers.
    """

    sign: int
    items: Items
    of_baseline: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricValues:
    """The values that one figure is computed from.

    Attributes:
        questions: the parts of each question; a sample counts if it is planned in all parts of the question.
        families: sample -> its family.
    """

    questions: Mapping[Question, tuple[Part, ...]]
    families: Mapping[str, str]

    def of_family(self, family: str) -> MetricValues:
        """Return the values of one family's samples."""
        questions = {
            question: tuple(
                replace(part, items={s: v for s, v in part.items.items() if self.families[s] == family})
                for part in parts
            )
            for question, parts in self.questions.items()
        }
        return MetricValues(questions=questions, families=self.families)

    @property
    def samples(self) -> int:
        """The number of samples planned in at least one question."""
        return len({sample for parts in self.questions.values() for sample in parts[0].items})

    @property
    def unmeasured(self) -> int:
        """The number of items that are planned but not measured."""
        return sum(
            value is None
            for parts in self.questions.values()
            for part in parts
            for values in part.items.values()
            for value in values
        )

    def repeats(self, *, of_baseline: bool = False) -> int:
        """Return how many repeats every item of the run, or of its baseline, has at least.

        0 without items.
        """
        parts = (
            part for parts in self.questions.values() for part in parts if part.of_baseline is of_baseline
        )
        return min((len(values) for part in parts for values in part.items.values()), default=0)

    def sample_values(self, unmeasured_as: float | None = None) -> list[float]:
        """Return one value per sample, with the figure as mean (`cluster_values`); empty if a question has none.

        ``unmeasured_as``: None leaves unmeasured items out; 0 and 1 give the lowest and the highest figure
        possible if they had been measured (C. F. Manski 1990, Am. Econ. Rev. 80, 319).
        """
        scores = [_question_values(parts, unmeasured_as) for parts in self.questions.values()]
        return cluster_values(scores) if scores and all(scores) else []

    def spread(self, family: str) -> Dispersion | None:
        """Return the dispersion of one family's values (`reports.statistics.families`).

        None for an unknown family.
        """
        families = sorted(set(self.families.values()))
        return dispersions({name: self.of_family(name).sample_values() for name in families}).get(family)

    def variance_of_repeats(self) -> float | None:
        """Return the variance of the figure that comes from single answers; None if no item was repeated.

        A run without repeats is assumed to vary as its baseline does, and a baseline without repeats as the
        run does. Sum over questions and parts of s^2 * sum over samples of 1 / repeats, over (questions *
        samples)^2, with s^2 the variance between repeats of an item, pooled over items (one-way random
        effects; S. R. Searle, G. Casella, C. E. McCulloch 1992, Variance Components, chapter 3).
        """
        shares = [
            share
            for parts in self.questions.values()
            for share in _repeat_variances(parts, len(self.questions))
        ]
        known = [share for share in shares if share is not None]
        return math.fsum(known) if known and len(known) == len(shares) else None


def metric_values(gate: Gate, run: Run, baseline: Run | None = None) -> MetricValues:
    """Return the values of the gate's metric, in all families.

    ``baseline``: the run that ``gate.baseline`` names.
    """
    questions = {
        question: _in_all_parts(tuple(_parts(gate, question, run, baseline)))
        for question in gate.metric.questions
    }
    name = _sample_names(run)
    return MetricValues(
        questions=questions, families={name(item.key.sample_id): item.family for item in run.manifest.planned}
    )


def _sample_names(run: Run) -> Callable[[str], str]:
    """Return a function from a sample id to the sample that errors are clustered by (`outcomes.Outcome`)."""
    mix = mix_of(run.manifest.settings)
    return str if mix is None else mix.sample


def _parts(gate: Gate, question: Question, run: Run, baseline: Run | None) -> Iterator[Part]:
    metric = gate.metric
    for sign, source in ((1, run), (-1, baseline)):
        if source is not None:
            of_baseline = sign < 0
            items = _items(source, question, metric.mode, metric.rate)
            yield Part(sign=sign, items=items, of_baseline=of_baseline)
            if metric.delta:
                zeroshot = _items(source, question, Mode.ZEROSHOT, None)
                yield Part(sign=-sign, items=zeroshot, of_baseline=of_baseline)


def _in_all_parts(parts: Sequence[Part]) -> tuple[Part, ...]:
    shared = set.intersection(*(set(part.items) for part in parts))
    return tuple(
        replace(part, items={sample: part.items[sample] for sample in sorted(shared)}) for part in parts
    )


def _items(run: Run, question: Question, mode: Mode, rate: RateName | None) -> Items:
    records = counted_records(run)
    planned = [
        item for item in run.manifest.planned if item.key[1:3] == (question, mode) and not item.key.variant
    ]
    valued = (
        [(item, _score(records.get(item.key))) for item in planned]
        if rate is None
        else _errors(planned, records, rate)
    )
    items: dict[str, tuple[float | None, ...]] = {}
    name = _sample_names(run)
    for item, value in valued:
        sample = name(item.key.sample_id)
        items[sample] = (*items.get(sample, ()), value)
    return items


def _score(record: Record | None) -> float | None:
    return None if record is None or record.score is None or not record.measured else record.score.value


def _errors(
    planned: Sequence[PlannedItem], records: Mapping[ItemKey, Record], rate: RateName
) -> Iterator[tuple[PlannedItem, float | None]]:
    """Yield the items that the rate is a share of, with 1 for a bad answer, 0 for others and None if unmeasured.

    Whether an item counts depends on its right answer, which hardly differs within a scenario type. An
    unmeasured item is left out only if no measured item of its scenario type counts.
    """
    bias = next((bias for bias in BIASES if bias.name == BIAS_RATES.get(rate)), None)
    among: dict[str, bool] = {}
    with_record = {item.key: records[item.key] for item in planned if item.key in records}
    measured = {key: record for key, record in with_record.items() if record.measured}
    for record in measured.values():
        among[record.scenario_type] = (
            among.get(record.scenario_type, False) or bias is None or bias.among(record)
        )
    for item in planned:
        answered = measured.get(item.key)
        if answered is None and among.get(item.scenario_type, True):
            yield item, None
        elif answered is not None and (bias is None or bias.among(answered)):
            yield (
                item,
                float(unreadable(answered) if bias is None else answered_label(answered) in bias.labels),
            )


# --- values of samples --------------------------------------------------------------------------------------


def _question_values(parts: Sequence[Part], unmeasured_as: float | None) -> dict[str, float]:
    terms = [_part_values(part, unmeasured_as) for part in parts]
    first, *others = terms
    shared = [sample for sample in first if all(sample in term for term in others)]
    return {
        sample: math.fsum(term[sample] for term in terms) if others else first[sample] for sample in shared
    }


def _part_values(part: Part, unmeasured_as: float | None) -> dict[str, float]:
    """Return sign * mean of the items by sample, without samples that have nothing to average."""
    if unmeasured_as is not None and part.sign < 0:
        unmeasured_as = 1 - unmeasured_as
    by_part = {
        sample: [value for value in values if value is not None]
        if unmeasured_as is None
        else [unmeasured_as if value is None else value for value in values]
        for sample, values in part.items.items()
    }
    return {
        sample: part.sign * math.fsum(values) / len(values) for sample, values in by_part.items() if values
    }


def _repeat_variances(parts: Sequence[Part], questions: int) -> Iterator[float | None]:
    """Yield each part's share of `MetricValues.variance_of_repeats`; None if nothing is known of a part."""
    pooled = [_pooled_variance(part) for part in parts]
    other_side = (
        len(parts) // 2 if any(part.of_baseline for part in parts) else 0
    )  # `_parts`: run, then baseline
    for place, part in enumerate(parts):
        borrowed = pooled[(place + other_side) % len(parts)]
        variance = borrowed if pooled[place] is None else pooled[place]
        counts = [len(measured) for values in part.items.values() if (measured := _measured(values))]
        if variance is None or not counts:
            yield None
        else:
            yield variance * math.fsum(1 / count for count in counts) / (questions * len(counts)) ** 2


def _pooled_variance(part: Part) -> float | None:
    """Return the variance between repeats of an item, pooled over items.

    None if no item was measured twice.
    """
    repeated = [measured for values in part.items.values() if len(measured := _measured(values)) > 1]
    if not repeated:
        return None
    within = math.fsum(statistics.variance(values) * (len(values) - 1) for values in repeated)
    return within / sum(len(values) - 1 for values in repeated)


def _measured(values: Sequence[float | None]) -> list[float]:
    return [value for value in values if value is not None]
