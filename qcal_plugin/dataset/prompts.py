"""What the content of a request is made of (docs/protocol.md#requests), before images have been looked up."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping, Sequence
from typing import TypeAlias

from scoring.questions import ICL_QUESTIONS, Question

IMAGE_TAG = "<image>"

Piece: TypeAlias = dict[str, str]
"""``{"text": ...}`` or ``{"image": <image id>}``."""


def zeroshot_prompt(prompt: str, image_ids: Sequence[str]) -> list[Piece]:
    """All images in order, then the prompt unchanged; its ``<image>`` tags stay in as text."""
    return [*({"image": image_id} for image_id in image_ids), {"text": prompt}]


def icl_prompts(
    prompts: Mapping[Question, str], image_ids: Sequence[str], known: Container[str]
) -> dict[Question, list[Piece]]:
    """The three prompts of a fewshot row, each tag replaced by the next image of the row.

    One running index goes over Q3, Q5 and Q6 in this order. Text is stripped, empty text dropped. An id that is not
    ``known``, or a tag after the last id, leaves no image but uses up its turn.
    """
    turns = iter(image_ids)
    return {question: list(_interleaved(prompts[question], turns, known)) for question in ICL_QUESTIONS}


def _interleaved(prompt: str, turns: Iterator[str], known: Container[str]) -> Iterator[Piece]:
    for count, text in enumerate(prompt.split(IMAGE_TAG)):
        image_id = next(turns, None) if count else None
        if image_id is not None and image_id in known:
            yield {"image": image_id}
        if text.strip():
            yield {"text": text.strip()}
