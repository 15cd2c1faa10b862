"""One conversation per item: what the benchmark asks about a sample, and the reference answer (paper, appendix G)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from scoring.questions import ICL_QUESTIONS, Mode, Question
from synthetic.icl import IclRow, icl_rows
from synthetic.prompts import IMAGE_TAG
from synthetic.sample import Sample, SampleKey


@dataclass(frozen=True, slots=True)
class Picture:
    """An image in a prompt."""

    image_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversation:
    """One question about one sample, with its answer.

    Attributes:
        prompt: images and texts in their order. Each image appears once, and no text holds an image tag.
    """

    key: SampleKey
    question: Question
    mode: Mode
    prompt: tuple[Picture | str, ...]
    answer: str

    @property
    def conversation_id(self) -> str:
        """An id that no other conversation of the data set has."""
        return f"{self.key.sample_id}-{self.question}-{self.mode}"

    @property
    def image_ids(self) -> tuple[str, ...]:
        """The images of the prompt, in their order."""
        return tuple(part.image_id for part in self.prompt if isinstance(part, Picture))

    @property
    def labels(self) -> dict[str, str]:
        """What every line says about its origin, so that it can be filtered by family, scenario type or question."""
        return {
            "id": self.conversation_id,
            "sample": self.key.sample_id,
            "family": self.key.family,
            "scenario_type": self.key.scenario,
            "question": self.question.value,
            "mode": self.mode.value,
        }


def conversations(samples: Sequence[Sample], mode: Mode) -> Iterator[Conversation]:
    """All conversations of a mode, in the order of the samples; in-context ones of samples that have a sibling."""
    if mode is Mode.ZEROSHOT:
        return (_zero_shot(sample, question) for sample in samples for question in Question)
    return (conversation for row in icl_rows(samples) for conversation in _in_context(row))


def _zero_shot(sample: Sample, question: Question) -> Conversation:
    """The images, then the text, as in the benchmark's requests; the image tags in the text are left out."""
    text = sample.prompts[question].replace(f" {IMAGE_TAG}", "")
    return Conversation(
        key=sample.key,
        question=question,
        mode=Mode.ZEROSHOT,
        prompt=(*map(Picture, sample.image_ids), text),
        answer=sample.answers[question],
    )


def _in_context(row: IclRow) -> Iterator[Conversation]:
    """Texts and images alternate.

    The index into the images runs on over the questions, as in a few-shot row.
    """
    image_ids = iter(row.image_ids)
    for question in ICL_QUESTIONS:
        first, *others = row.prompts[question].split(IMAGE_TAG)
        prompt: list[Picture | str] = [first.strip()]
        for text in others:
            prompt.append(Picture(next(image_ids)))
            prompt.extend([text.strip()] if text.strip() else [])
        yield Conversation(
            key=row.query.key,
            question=question,
            mode=Mode.ICL,
            prompt=tuple(prompt),
            answer=row.query.answers[question],
        )


class Format(StrEnum):
    """Who reads the files."""

    TRL = "trl"
    SHAREGPT = "sharegpt"
    SWIFT = "swift"
    LLAVA = "llava"
