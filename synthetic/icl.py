"""In-context rows: the samples that are shown as demonstrations for each query.

As in the paper, Q3 and Q6 show one demonstration of every scenario type of the family, and Q5 shows one
sibling, that is, another sample of the query's type. The query is never among them, and a sample without a
sibling has no row.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from numpy.random import Generator

from scoring.questions import ICL_QUESTIONS, Question
from synthetic.families import load_family
from synthetic.prompts import icl_prompt
from synthetic.sample import Sample


@dataclass(frozen=True, slots=True, kw_only=True)
class IclRow:
    """One query and its demonstrations.

    Attributes:
        prompts: Q3, Q5 and Q6, with a tag in the place of each image.
        image_ids: the images for the tags of the three prompts, in order.
        demonstrations: the samples shown for each question, in order.
    """

    query: Sample
    prompts: Mapping[Question, str]
    image_ids: tuple[str, ...]
    demonstrations: Mapping[Question, tuple[Sample, ...]]


def icl_rows(samples: Sequence[Sample]) -> list[IclRow]:
    """Return the rows of all samples that have a sibling, in the order of the samples."""
    by_type: dict[tuple[str, str], list[Sample]] = {}
    for sample in samples:
        by_type.setdefault((sample.key.family, sample.key.scenario), []).append(sample)
    return [
        _row(sample, [group for (family, _), group in by_type.items() if family == sample.key.family])
        for sample in samples
        if len(by_type[sample.key.family, sample.key.scenario]) > 1
    ]


def _row(query: Sample, groups: Sequence[Sequence[Sample]]) -> IclRow:
    *_, rng = query.key.generators(3)  # the first two made the sample itself
    choices = [[sample for sample in group if sample is not query] for group in groups]
    every_type = [_pick(rng, group) for group in choices]
    sibling = next(sample for sample in every_type if sample.key.scenario == query.key.scenario)
    shown = {
        Question.Q3: _shuffled(rng, every_type),
        Question.Q5: (sibling,),
        Question.Q6: _shuffled(rng, every_type),
    }
    return IclRow(
        query=query,
        prompts={question: _prompt(question, query, shown[question]) for question in ICL_QUESTIONS},
        image_ids=tuple(
            image_id
            for question in ICL_QUESTIONS
            for sample in (*shown[question], query)
            for image_id in sample.image_ids
        ),
        demonstrations=shown,
    )


def _prompt(question: Question, query: Sample, shown: Sequence[Sample]) -> str:
    family = load_family(query.key.family)
    return icl_prompt(
        question, family, images=len(query.images), examples=[sample.answers[question] for sample in shown]
    )


def _pick(rng: Generator, group: Sequence[Sample]) -> Sample:
    return group[int(rng.integers(len(group)))]


def _shuffled(rng: Generator, samples: Sequence[Sample]) -> tuple[Sample, ...]:
    return tuple(samples[int(k)] for k in rng.permutation(len(samples)))
