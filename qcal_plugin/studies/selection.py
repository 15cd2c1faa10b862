"""Select the items of a run: by mode, question, sample and shard, and with the conditions of its studies."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import NamedTuple, TypeVar

from qcal_plugin.dataset.part import Part
from qcal_plugin.dataset.prepared import SampleEntry
from qcal_plugin.studies.controls import Control, can_be_controlled
from qcal_plugin.studies.copies import has_judged_floor
from qcal_plugin.studies.shots import ShotPlan, conditions, queries
from qcal_plugin.studies.studied import StudiedDataset
from reports.records.conditions import COPIED, Shots
from reports.records.records import ItemKey, PlannedItem
from scoring.errors import BadValueError
from scoring.questions import Mode, Question


class Shard(NamedTuple):
    """One of the ``parts`` into which a run is divided; ``part`` counts from 1."""

    part: int
    parts: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """The options that select a run's items; `select` explains them."""

    modes: tuple[Mode, ...] = tuple(Mode)
    questions: tuple[Question, ...] = tuple(Question)
    limit: int | None = None
    sample: int | None = None
    seed: int = 0
    shard: Shard | None = None
    repeats: int = 1
    controls: tuple[Control, ...] = ()
    shots: ShotPlan | None = None
    judge_baselines: bool = False


def parse_modes(text: str) -> tuple[Mode, ...]:
    """Read ``zeroshot,icl`` (any case) in the benchmark's order, each once.

    BadValueError names an unknown mode.
    """
    return parse_members(Mode, text)


def parse_questions(text: str) -> tuple[Question, ...]:
    """Read ``Q1,Q6`` (any case) in the benchmark's order, each once.

    BadValueError names an unknown question.
    """
    return parse_members(Question, text)


def parse_shard(text: str) -> Shard:
    """Read ``2/5``. Raises BadValueError if it is not i/n with 1 <= i <= n."""
    first, slash, second = text.partition("/")
    if not (slash and first.isdecimal() and second.isdecimal() and 1 <= int(first) <= int(second)):
        raise BadValueError(f"shard {text!r}: expected i/n with 1 <= i <= n, such as 2/5")
    return Shard(int(first), int(second))


def select(
    samples: Sequence[SampleEntry],
    *,
    modes: Iterable[Mode] = tuple(Mode),
    questions: Iterable[Question] = tuple(Question),
    limit: int | None = None,
    sample: int | None = None,
    seed: int = 0,
    shard: Shard | None = None,
) -> tuple[PlannedItem, ...]:
    """Return the items of a run, by mode, sample (in the dataset's order) and question.

    ``limit`` is a number of samples to keep from the start, ``sample`` a number of samples to draw,
    `stratified` by family; both keep all samples if there are fewer. ``shard`` keeps those of the rest whose
    id hashes to this part: a sample's items stay together, and it stays in its shard when samples are added
    to the dataset.

    Raises BadValueError for limit or sample below 1, for both at once, and for a selection without items.
    """
    modes, questions = tuple(modes), tuple(questions)
    chosen = _choose(samples, limit=limit, sample=sample, seed=seed)
    kept = [entry for entry in chosen if shard is None or in_shard(entry.sample_id, shard)]
    if shard is not None and not kept:
        raise BadValueError(
            f"nothing to ask: shard {shard.part}/{shard.parts} has none of {len(chosen)} selected samples"
        )
    items = tuple(
        _item(entry, question, mode)
        for mode in Mode
        if mode in modes
        for entry in kept
        for asked, question in entry.items()
        if asked is mode and question in questions
    )
    if not items:
        raise BadValueError(
            f"nothing to ask: {len(kept)} samples have no item for modes {_names(modes)} and questions "
            f"{_names(questions)} (icl asks only {_names(Mode.ICL.questions)})"
        )
    return items


def select_items(selection: Selection, dataset: StudiedDataset) -> tuple[PlannedItem, ...]:
    """Return the items that a command line selects, with those of its studies.

    Each item is followed by its controls, if the dataset has other plots to show, by the perturbations under
    which its plots differ, and by a repeated demonstration that judges grade (``--judge-baselines``), all of
    them repeated. With a `ShotPlan`, only its questions are asked. Raises BadValueError if there is nothing
    to ask.
    """
    if selection.shots is not None:
        return _repeated(_shot_items(selection, selection.shots, dataset.own_samples), selection.repeats)
    items = _selected(selection, dataset.samples, selection.modes)
    asked = {item.key.sample_id for item in items}
    variants = {
        sample.sample_id: ("", *_conditions(sample, dataset, selection.controls))
        for sample in dataset.samples
        if sample.sample_id in asked
    }
    varied = (
        replace(item, key=item.key._replace(variant=variant))
        for item in items
        for variant in (*variants[item.key.sample_id], *_copies(item, selection))
    )
    return _repeated(varied, selection.repeats)


def _copies(item: PlannedItem, selection: Selection) -> Iterator[str]:
    if selection.judge_baselines and has_judged_floor(item.key):
        yield COPIED


def _selected(
    selection: Selection, samples: Sequence[SampleEntry], modes: Iterable[Mode]
) -> tuple[PlannedItem, ...]:
    return select(
        samples,
        modes=modes,
        questions=selection.questions,
        limit=selection.limit,
        sample=selection.sample,
        seed=selection.seed,
        shard=selection.shard,
    )


def _repeated(items: Iterable[PlannedItem], repeats: int) -> tuple[PlannedItem, ...]:
    if repeats == 1:
        return tuple(items)
    return tuple(
        replace(item, key=item.key._replace(repeat=repeat)) for item in items for repeat in range(repeats)
    )


def _shot_items(
    selection: Selection, plan: ShotPlan, samples: Sequence[SampleEntry]
) -> Iterator[PlannedItem]:
    """Yield the items of the plan's queries with each number of demonstrations; 0 is the zero-shot item."""
    zeroshot = _selected(selection, queries(plan, samples), (Mode.ZEROSHOT,))
    asked = [Shots(0)] if 0 in plan.counts and Mode.ZEROSHOT in selection.modes else []
    asked += conditions(plan) if Mode.ICL in selection.modes else []
    if not asked:
        counts, modes = " ".join(map(str, plan.counts)), _names(selection.modes)
        raise BadValueError(
            f"nothing to ask: --shots {counts} with --modes {modes} (0 is zeroshot, more are icl)"
        )
    for item in zeroshot:
        for shots in asked:
            with_shots = item.key._replace(mode=Mode.ICL, variant=shots.variant)
            yield replace(item, key=with_shots) if shots.number else item


def _conditions(sample: SampleEntry, dataset: StudiedDataset, controls: Iterable[Control]) -> Iterator[str]:
    yield from (
        control.value for control in controls if can_be_controlled(sample, dataset.own_samples, control)
    )
    yield from (name for name in dataset.perturbed if dataset.is_redrawn(sample.sample_id, name))


def stratified(samples: Sequence[SampleEntry], count: int, *, seed: int) -> list[SampleEntry]:
    """Return ``count`` of the samples, from each family in proportion to its size; all of them if there are no more.

    Seats are allotted by largest remainder. Equal remainders are ranked by a hash of the seed and the
    family's name, and samples within a family by a hash of the seed and their id. So the choice depends only
    on names and seed, and not on the order of the rows, the machine or the version of Python.
    """
    sizes = Counter(entry.family for entry in samples)
    seats = largest_remainder(sizes, min(count, len(samples)), seed=seed)
    taken: Counter[str] = Counter()
    chosen = set()
    for entry in sorted(samples, key=lambda entry: _digest(f"{seed}/{entry.sample_id}")):
        if taken[entry.family] < seats[entry.family]:
            taken[entry.family] += 1
            chosen.add(entry.sample_id)
    return [entry for entry in samples if entry.sample_id in chosen]


def in_shard(sample_id: str, shard: Shard) -> bool:
    """Return whether the sample belongs to the shard, which depends only on the two."""
    return _digest(sample_id) % shard.parts == shard.part - 1


def _item(entry: SampleEntry, question: Question, mode: Mode) -> PlannedItem:
    key = ItemKey(entry.sample_id, question, mode)
    return PlannedItem(key=key, family=entry.family, scenario_type=entry.scenario_type)


def part_of(selection: Selection) -> Part | None:
    """The samples that ``--limit`` or ``--sample`` leave, if the items of the selection show no others' plots."""
    plain = Selection(
        modes=selection.modes,
        questions=selection.questions,
        limit=selection.limit,
        sample=selection.sample,
        seed=selection.seed,
        repeats=selection.repeats,
    )
    if selection != plain or (selection.limit, selection.sample) == (None, None):
        return None

    def choose(samples: Sequence[SampleEntry]) -> set[str]:
        chosen = _choose(samples, limit=selection.limit, sample=selection.sample, seed=selection.seed)
        return {entry.sample_id for entry in chosen}

    seed = "" if selection.sample is None else f", seed {selection.seed}"
    return Part(f"limit {selection.limit}, sample {selection.sample}{seed}", choose)


def _choose(
    samples: Sequence[SampleEntry], *, limit: int | None, sample: int | None, seed: int
) -> Sequence[SampleEntry]:
    for option, value in (("limit", limit), ("sample", sample)):
        if value is not None and value < 1:
            raise BadValueError(f"{option} {value}: expected a number of samples, at least 1")
    match limit, sample:
        case None, None:
            return samples
        case int(), None:
            return samples[:limit]
        case None, int():
            return stratified(samples, sample, seed=seed)
        case _:
            raise BadValueError(f"limit {limit} and sample {sample}: give one of the two")


def largest_remainder(sizes: Counter[str], count: int, *, seed: int) -> Counter[str]:
    """Return ``count`` seats in proportion to sizes; equal remainders are ranked by a hash of seed and name."""
    total = sizes.total()
    seats = Counter({family: count * size // total for family, size in sizes.items()})
    by_remainder = sorted(
        sizes, key=lambda family: (-(count * sizes[family] % total), _digest(f"{seed}/{family}"))
    )
    seats.update(by_remainder[: count - seats.total()])
    return seats


def _digest(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest())


_Member = TypeVar("_Member", bound=StrEnum)


def parse_members(kind: type[_Member], text: str) -> tuple[_Member, ...]:
    """Read ``first,second`` (any case) in the order of ``kind``, each once.

    Raises BadValueError for others.
    """
    known = {member.value.lower(): member for member in kind}
    names = [name.strip().lower() for name in text.split(",") if name.strip()]
    for name in names:
        if name not in known:
            raise BadValueError(f"unknown {kind.__name__.lower()} {name!r}: choose from {_names(kind)}")
    if not names:
        raise BadValueError(f"no {kind.__name__.lower()} given: choose from {_names(kind)}")
    return tuple(member for name, member in known.items() if name in names)


def _names(members: Iterable[StrEnum]) -> str:
    return ",".join(members)
