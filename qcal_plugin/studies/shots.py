"""``--shots``: ask the same question with 0, 1, 2, ... demonstrations in the prompt (paper, appendix F).

The first demonstration is another sample of the query's scenario type. Each further one adds a scenario type
of the family; when all have been shown, a second round begins. So a larger set contains the smaller ones,
every set shows the right answer, and the query is never part of it. The samples and their order in the prompt
depend only on the seed and on ids.
"""

from __future__ import annotations

import hashlib
import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from qcal_plugin.dataset.cases import Case, ImagePart, PromptPart, TextPart
from qcal_plugin.dataset.prepared import PreparedDataset, SampleEntry
from qcal_plugin.dataset.prompts import IMAGE_TAG
from reports.records.conditions import Shots
from reports.records.records import ItemKey
from scoring.dispatch import Scorer, score
from scoring.errors import BadValueError
from scoring.flags import Flag
from scoring.questions import Mode, Question
from scoring.reference import Reference

INTRODUCTION = "Here are labelled examples:"
QUERY = "Now the query plot:"
SCENARIO_TYPES = 5
"""How many scenario types the families have that are studied by default."""
LISTED_FAMILIES = 4
PAPER_FAMILIES = ("drag", "rabi", "ramsey_t2star", "t1")
"""DRAG, Rabi, Ramsey and T1; their 63 samples give the paper's shares (55.6% is 35 of 63) and 1,008 questions."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShotPlan:
    """The options of ``--shots``.

    Attributes:
        counts: the numbers of demonstrations, ascending; 0 is the zero-shot item.
        orders: in how many orders each set is shown, at most.
        families: names, or one of ``five`` (those with five scenario types), ``paper`` and ``all``.
    """

    counts: tuple[int, ...]
    orders: int = 1
    families: tuple[str, ...] = ("five",)


def queries(plan: ShotPlan, samples: Sequence[SampleEntry]) -> list[SampleEntry]:
    """Return the samples that are asked about, the same for every number of demonstrations.

    They belong to the plan's families, which have another sample of their scenario type and enough other
    samples.

    Raises BadValueError for unknown families, for more demonstrations than any family has, and if no sample
    is left.
    """
    families = _families(plan, samples)
    candidates = [
        sample
        for sample in samples
        if sample.family in families
        and any(_own_type(sample, other) for other in samples if other is not sample)
    ]
    enough = [sample for sample in candidates if _others(sample, samples) >= max(plan.counts)]
    if not candidates:
        raise BadValueError(
            f"--shots: {_named(families)} has no sample with another one of its scenario type to show; --shot-families "
            "selects others, --dataset synthetic:per-scenario=3 has three of each"
        )
    most = max(_others(sample, samples) for sample in candidates)
    if max(plan.counts) > most:
        raise BadValueError(
            f"--shots {max(plan.counts)}: the largest of these families has {most} other samples to show"
        )
    return enough


def demonstrations(sample: SampleEntry, samples: Sequence[SampleEntry], seed: int) -> list[SampleEntry]:
    """Return all demonstrations for this query. Sets of any size are taken from the start."""
    others = [other for other in samples if other.family == sample.family and other is not sample]
    ranked = sorted(others, key=lambda other: _rank(seed, sample, other.sample_id))
    types = sorted(
        {other.scenario_type for other in others},
        key=lambda name: (name != sample.scenario_type, _rank(seed, sample, name)),
    )
    by_type = [[other for other in ranked if other.scenario_type == name] for name in types]
    rounds = itertools.zip_longest(*by_type)
    return [other for one_round in rounds for other in one_round if other is not None]


def conditions(plan: ShotPlan) -> list[Shots]:
    """Return the conditions under which each query is asked, besides its zero-shot item."""
    return [
        Shots(count, order)
        for count in plan.counts
        if count > 0
        for order in range(1, min(plan.orders, math.factorial(min(count, 20))) + 1)
    ]


def shown(dataset: PreparedDataset, key: ItemKey, shots: Shots, seed: int) -> list[SampleEntry]:
    """Return the demonstrations of this item, in the order of its prompt.

    Raises KeyError for an unknown sample.
    """
    sample = {entry.sample_id: entry for entry in dataset.own_samples}[key.sample_id]
    chosen = demonstrations(sample, dataset.own_samples, seed)[: shots.number]
    if len(chosen) < shots.number or shots.order > math.factorial(len(chosen)):
        raise KeyError(
            f"{key.sample_id} has no {shots.variant}: the dataset has too few others of {sample.family}"
        )
    return next(itertools.islice(_orders(sample, chosen, seed), shots.order - 1, None))


def shot_case(dataset: PreparedDataset, key: ItemKey, shots: Shots, seed: int) -> Case:
    """Return the item with its demonstrations before the query. Raises KeyError if there is no such item.

    As in the benchmark's in-context prompts, each ``<image>`` tag of the query is replaced by the next of its
    images.
    """
    query = dataset.case(zeroshot_key(key))
    background, task = _divided(query, dataset.background(key.sample_id))
    others = shown(dataset, key, shots, seed)
    examples = [dataset.case(ItemKey(other.sample_id, key.question, Mode.ZEROSHOT)) for other in others]
    parts: list[PromptPart] = [TextPart(text="\n\n".join(filter(None, (background, INTRODUCTION))))]
    for number, example in enumerate(examples, start=1):
        parts += [
            TextPart(text=f"Example {number}:"),
            *_images(example),
            TextPart(text=example.reference.answer),
        ]
    parts.append(TextPart(text=QUERY))
    parts += _interleaved(task, _images(query))
    return Case(
        key=key,
        family=query.family,
        scenario_type=query.scenario_type,
        prompt=tuple(_joined(parts)),
        reference=query.reference,
    )


def zeroshot_key(key: ItemKey) -> ItemKey:
    """Return the item without demonstrations."""
    return ItemKey(key.sample_id, key.question, Mode.ZEROSHOT)


def copy_flags(
    question: Question, text: str, reference: Reference, shown: Sequence[Reference], scorer: Scorer
) -> tuple[str, ...]:
    """Return flags for a wrong answer that is equal to that of a demonstration, and of the last one.

    Two answers are equal if the scorer accepts one as the other; those to Q1 and Q3, which judges grade, if
    their texts are equal.
    """

    def copied(other: Reference) -> bool:
        if question.needs_judge:
            return _folded(text) == _folded(other.answer) != _folded(reference.answer)
        same = score(question, text, other, (), scorer=scorer).value == 1
        return same and score(question, other.answer, reference, (), scorer=scorer).value < 1

    copies = [copied(other) for other in shown]
    flags = {
        Flag.COPIES_DEMONSTRATION: any(copies),
        Flag.COPIES_LAST_DEMONSTRATION: bool(copies) and copies[-1],
    }
    return tuple(flag for flag, holds in flags.items() if holds)


def parse_counts(texts: Sequence[str]) -> tuple[int, ...]:
    """Read ``0 1 2`` or ``0,1,2``, ascending, each once.

    Raises BadValueError for anything but whole numbers.
    """
    numbers = [text.strip() for entry in texts for text in entry.split(",")]
    for text in numbers:
        if not text.isdecimal():
            raise BadValueError(f"{text!r}: expected whole numbers, such as --shots 0 1 2 3 4 5")
    return tuple(sorted({int(text) for text in numbers}))


def parse_families(text: str) -> tuple[str, ...]:
    """Read ``drag,rabi``, ``five``, ``paper`` or ``all``. Raises BadValueError if nothing is named."""
    names = tuple(name.strip() for name in text.split(",") if name.strip())
    if not names:
        raise BadValueError(f"{text!r}: expected names of families, five, paper or all")
    return names


def _families(plan: ShotPlan, samples: Sequence[SampleEntry]) -> list[str]:
    types: dict[str, set[str]] = {}
    for sample in samples:
        types.setdefault(sample.family, set()).add(sample.scenario_type)
    match plan.families:
        case ("all",):
            return sorted(types)
        case ("five",):
            return sorted(family for family, names in types.items() if len(names) == SCENARIO_TYPES)
        case ("paper",):
            wanted = PAPER_FAMILIES
        case wanted:
            pass
    if unknown := [family for family in wanted if family not in types]:
        raise BadValueError(
            f"--shot-families: the dataset has no {', '.join(unknown)}; it has {', '.join(sorted(types))}"
        )
    return list(wanted)


def _others(sample: SampleEntry, samples: Sequence[SampleEntry]) -> int:
    return sum(other.family == sample.family for other in samples) - 1


def _named(families: Sequence[str]) -> str:
    match len(families):
        case 0:
            return "of families with five scenario types, the dataset"
        case few if few <= LISTED_FAMILIES:
            return f"of {', '.join(families)}, the dataset"
        case many:
            return f"of {many} families, the dataset"


def _own_type(sample: SampleEntry, other: SampleEntry) -> bool:
    return (sample.family, sample.scenario_type) == (other.family, other.scenario_type)


def _orders(sample: SampleEntry, chosen: Sequence[SampleEntry], seed: int) -> Iterator[list[SampleEntry]]:
    """Yield the orders of the demonstrations, each once, in a random sequence."""
    seen: set[tuple[str, ...]] = set()
    for attempt in itertools.count():
        ranked = sorted(chosen, key=lambda other: _rank(seed, sample, f"{attempt}/{other.sample_id}"))
        ids = tuple(other.sample_id for other in ranked)
        if ids not in seen:
            seen.add(ids)
            yield ranked


def _rank(seed: int, sample: SampleEntry, name: str) -> bytes:
    return hashlib.sha256(f"{seed}/{sample.sample_id}/{name}".encode()).digest()


def _divided(query: Case, background: str) -> tuple[str, str]:
    """Divide the query's prompt into its background, if it begins with that, and its task."""
    text = "".join(part.text for part in query.prompt if isinstance(part, TextPart))
    if background and text.startswith(background):
        return background, text[len(background) :].strip()
    return "", text.strip()


def _images(case: Case) -> list[ImagePart]:
    return [part for part in case.prompt if isinstance(part, ImagePart)]


def _interleaved(task: str, images: Sequence[ImagePart]) -> Iterator[PromptPart]:
    """Yield the task with its images in place of its tags; images without a tag come first."""
    pieces = task.split(IMAGE_TAG)
    untagged = max(0, len(images) - (len(pieces) - 1))
    yield from images[:untagged]
    turns = iter(images[untagged:])
    for number, piece in enumerate(pieces):
        image = next(turns, None) if number else None
        if image is not None:
            yield image
        if piece.strip():
            yield TextPart(text=piece.strip())


def _joined(parts: Sequence[PromptPart]) -> Iterator[PromptPart]:
    """Join adjacent texts."""
    for is_text, group in itertools.groupby(parts, key=lambda part: isinstance(part, TextPart)):
        if is_text:
            yield TextPart(text="\n\n".join(part.text for part in group if isinstance(part, TextPart)))
        else:
            yield from group


def _folded(text: str) -> str:
    return " ".join(text.split())
