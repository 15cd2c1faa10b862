"""Outcomes: one per planned item, from whatever source. Every figure is computed from them.

A run directory and JUnit files both become an `Evaluation`; later stages do not know the difference.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TypeVar, assert_never

from reports.records.conditions import COPIED
from reports.records.floors import Floor, Floors
from reports.records.mixes import Mix, mix_of
from reports.records.records import UNANSWERED, ItemKey, Record, Run, RunManifest, Status
from reports.records.stored import SelectedRecords, final_records
from scoring.questions import Question
from scoring.reference import JSON

MISSING = "missing"
"""The state of an item that was planned and never reached; the others are statuses."""

Group = TypeVar("Group", bound=Hashable)


class ErrorRule(StrEnum):
    """How items that the model did not answer enter the averages (``--errors``)."""

    AS_REFERENCE = "as-reference"
    """As the reference scripts score a missing answer (docs/protocol.md#aggregation)."""
    ZERO = "zero"
    UNMEASURED = "unmeasured"
    """Items without an answer are left out of the averages: the default."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The outcome of one planned item.

    Attributes:
        status: None if the item was never reached.
        value: what enters the averages, 0..1; None if nothing does. The score if the item was measured.
        unanswered_value: what the reference scripts give an unanswered item, 0..1; None if that is not known.
        sample: the sample that errors are clustered by: the key's, except in parts of a mix that share
            samples.
        floors: what answers that look at no plot score on the item (`reports.records.floors`).
    """

    key: ItemKey
    family: str
    scenario_type: str
    status: Status | None = None
    value: float | None = None
    unanswered_value: float | None = None
    sample: str = ""
    floors: Floors = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "sample", self.sample or self.key.sample_id)

    @property
    def measured(self) -> bool:
        """Whether the value is a measurement."""
        return self.status is Status.SCORED

    @property
    def state(self) -> str:
        """The status as text; ``missing`` if the item was never reached."""
        return MISSING if self.status is None else self.status.value


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """The model, the dataset and the judges. None (no judges: an empty tuple) if a source does not name them.

    Attributes:
        judges: the judges' model names, in order.
        stand_ins: embedded replacements, such as ``model: blind baseline``; every table repeats them.
        settings: see `RunManifest.settings`.
        mix: the weighted datasets; None for a single dataset.
        deviations: see `reports.records.records.Run`.
    """

    model: str | None = None
    judges: tuple[str, ...] = ()
    dataset: str | None = None
    dataset_revision: str | None = None
    scorer: str | None = None
    scorer_version: str | None = None
    stand_ins: tuple[str, ...] = ()
    settings: Mapping[str, JSON] | None = None
    mix: Mix | None = None
    deviations: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """Everything that a report is computed from.

    ``outcomes`` are sorted by key, so that the same outcomes give the same figures to the last digit in any
    order of collection, shards or files. Outcomes of repeated demonstrations (`COPIED`) become floors of
    their items. ``errors`` is the rule in force (`counting_errors`); None if a file does not say which rule
    its writer used.
    """

    identity: Identity
    outcomes: tuple[Outcome, ...]
    errors: ErrorRule | None = ErrorRule.UNMEASURED

    def __post_init__(self) -> None:
        mix = self.identity.mix
        outcomes = (
            self.outcomes
            if mix is None
            else (replace(outcome, sample=mix.sample(outcome.key.sample_id)) for outcome in self.outcomes)
        )
        in_order = sorted(_with_judged_floors(tuple(outcomes)), key=lambda outcome: outcome.key)
        object.__setattr__(self, "outcomes", tuple(in_order))

    @property
    def benchmark(self) -> tuple[Outcome, ...]:
        """The outcomes of the benchmark's own items, without those of a study's variants."""
        return tuple(outcome for outcome in self.outcomes if not outcome.key.variant)


def _with_judged_floors(outcomes: Sequence[Outcome]) -> Iterator[Outcome]:
    """Yield the outcomes without repeated demonstrations, whose scores are floors of the items that they belong to."""
    copies = {outcome.key: outcome for outcome in outcomes if outcome.key.variant == COPIED}
    for outcome in outcomes:
        copy = None if outcome.key.variant else copies.get(outcome.key._replace(variant=COPIED))
        if copy is not None and copy.measured and copy.value is not None:
            yield replace(outcome, floors={**outcome.floors, Floor.COPY_LAST: copy.value})
        elif outcome.key not in copies:
            yield outcome


def evaluation_of(run: Run) -> Evaluation:
    """Return the outcomes of the run's planned items. Records of items that were not planned are left out."""
    records = counted_records(run)
    manifest = run.manifest
    planned = {item.key: item for item in manifest.planned}
    known_floors: dict[tuple[tuple[Floor, float], ...], Floors] = {}
    outcomes = []
    for key, item in planned.items():
        outcome = Outcome(key=key, family=item.family, scenario_type=item.scenario_type)
        record = records.get(key)
        if record is not None:
            floors = known_floors.setdefault(tuple(record.floors.items()), record.floors)  # few differ
            outcome = _measured(outcome, record, floors)
        outcomes.append(outcome)
    return Evaluation(
        identity=replace(identity_of(manifest), deviations=run.deviations), outcomes=tuple(outcomes)
    )


def identity_of(manifest: RunManifest) -> Identity:
    """Return the identity that the manifest states."""
    return Identity(
        model=manifest.model,
        judges=tuple(judge.model for judge in manifest.judges),
        dataset=manifest.dataset,
        dataset_revision=manifest.dataset_revision,
        scorer=manifest.scorer,
        scorer_version=manifest.scorer_version,
        stand_ins=manifest.stand_ins,
        settings=manifest.settings,
        mix=mix_of(manifest.settings),
    )


def counted_records(run: Run) -> Mapping[ItemKey, Record]:
    """Return the record that counts for each planned item that has one, in the order of the plan."""
    return final_records(run).only(item.key for item in run.manifest.planned)


def benchmark_records(run: Run) -> Sequence[Record]:
    """Return those of `counted_records` that are of the benchmark's own items, without those of a study's variants."""
    records = counted_records(run)
    return SelectedRecords(records, [key for key in records if not key.variant])


def _measured(planned: Outcome, record: Record, floors: Floors) -> Outcome:
    value = None if record.score is None or not record.measured else record.score.value
    unanswered = None if record.unanswered_score is None else record.unanswered_score.value
    return replace(planned, status=record.status, value=value, unanswered_value=unanswered, floors=floors)


def counting_errors(evaluation: Evaluation, rule: ErrorRule) -> Evaluation:
    """Return the evaluation with items that the model did not answer (`UNANSWERED`) in its averages, by this rule.

    If the reference's judge fails, its whole run ends, so ``judge_failed`` has no counterpart there;
    ``unjudged`` and missing items are unfinished, not wrong (docs/protocol.md#aggregation). A failed Q5 that
    an earlier version recorded has no ``unanswered_score``: as-reference leaves it unmeasured.
    """
    outcomes = tuple(
        replace(outcome, value=_error_value(outcome, rule)) if outcome.status in UNANSWERED else outcome
        for outcome in evaluation.outcomes
    )
    return replace(evaluation, outcomes=outcomes, errors=rule)


def _error_value(outcome: Outcome, rule: ErrorRule) -> float | None:
    match rule:
        case ErrorRule.UNMEASURED:
            return None
        case ErrorRule.ZERO:
            return 0.0
        case ErrorRule.AS_REFERENCE:
            unknown = None if outcome.key.question is Question.Q5 else 0.0
            return unknown if outcome.unanswered_value is None else outcome.unanswered_value
        case _:
            assert_never(rule)


def grouped(outcomes: Iterable[Outcome], group: Callable[[Outcome], Group]) -> dict[Group, list[Outcome]]:
    """Return the outcomes by group, groups in the order of their first outcome."""
    groups: dict[Group, list[Outcome]] = {}
    for outcome in outcomes:
        groups.setdefault(group(outcome), []).append(outcome)
    return groups
