"""Read which answers an in-context prompt demonstrates, from the prompt and the rows of the dataset."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from reports.records.floors import Floor
from scoring.json_answer import parse_json
from scoring.questions import Question
from scoring.reading import read_compatible

Piece = Mapping[str, str]
"""``{"text": ...}`` or ``{"image": <image id>}``, as in `qcal_plugin.dataset.prompts`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Demonstrations:
    """The answers that a prompt shows.

    Attributes:
        answers: in the order of the prompt.
        before: how many of them stand before the question's own pictures.
    """

    answers: tuple[str, ...]
    before: int

    def copied(self, question: Question) -> dict[Floor, str]:
        """Return the answer of each copying rule; empty if the prompt shows no answer.

        Nearest: the last answer before the question's pictures, else the first one after them. Most frequent:
        answers are equal if the same is read in them; of equally frequent ones, the nearest to the question
        is returned.
        """
        if not self.answers:
            return {}
        by_nearness = [*reversed(self.answers[: self.before]), *self.answers[self.before :]]
        counts = Counter(_read(question, answer) for answer in by_nearness)
        return {
            Floor.COPY_NEAREST: by_nearness[0],
            Floor.COPY_LAST: self.answers[-1],
            Floor.COPY_FREQUENT: max(by_nearness, key=lambda answer: counts[_read(question, answer)]),
        }


Answers = Mapping[str, Sequence[str]]
"""Image id -> the reference answers of the samples with this image, except the sample of the question."""


class _Group(NamedTuple):
    """Adjoining images of a prompt, and the text that follows them."""

    images: tuple[str, ...]
    text: str


def demonstrations(
    question: Question, prompt: Sequence[Piece], own_images: Container[str], answers: Answers
) -> Demonstrations:
    """Return the demonstrations of a prompt about the sample with ``own_images``.

    A demonstration is a picture and the text that follows it. Its answer is the reference answer of the
    picture's sample if the text contains it. Else, for Q5 and Q6, its answer is the text, if an answer can be
    read in it.
    """
    groups = list(_groups(prompt))
    queries = [
        index for index, group in enumerate(groups) if any(image in own_images for image in group.images)
    ]
    query = queries[-1] if queries else len(groups)
    examples = [
        (index, answer)
        for index, group in enumerate(groups)
        if index != query and (answer := _answer(question, group, answers, own=index in queries)) is not None
    ]
    return Demonstrations(
        answers=tuple(answer for _, answer in examples), before=sum(index < query for index, _ in examples)
    )


def _groups(prompt: Sequence[Piece]) -> Iterator[_Group]:
    images: list[str] = []
    texts: list[str] = []
    for piece in prompt:
        if "image" in piece and texts:
            if images:
                yield _Group(tuple(images), "\n".join(texts))
            images, texts = [], []
        if "image" in piece:
            images.append(piece["image"])
        else:
            texts.append(piece["text"])
    if images:
        yield _Group(tuple(images), "\n".join(texts))


def _answer(question: Question, group: _Group, answers: Answers, *, own: bool) -> str | None:
    """Return the answer that the group's text demonstrates.

    ``own``: its pictures are, or may be, the question's.
    """
    text = _folded(group.text)
    for answer in (answer for image in group.images for answer in answers.get(image, ())):
        if answer.strip() and _folded(answer) in text:
            return answer
    if own:
        return None
    match question:
        case Question.Q5:
            return group.text if isinstance(parse_json(group.text), dict | list) else None
        case Question.Q6:
            return group.text if read_compatible(question, group.text) is not None else None
        case _:
            return None


def _read(question: Question, answer: str) -> str:
    """Return what is read in an answer, as text; for Q3, which judges read, the answer itself."""
    return _folded(answer) if question is Question.Q3 else repr(read_compatible(question, answer))


def _folded(text: str) -> str:
    return " ".join(text.split())
