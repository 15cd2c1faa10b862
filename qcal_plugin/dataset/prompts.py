"""The content of requests (docs/protocol.md#requests), with images by id."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping, Sequence
from typing import TypeAlias

from scoring.questions import ICL_QUESTIONS, Question

IMAGE_TAG = "<image>"

Piece: TypeAlias = dict[str, str]
"""``{"text": ...}`` or ``{"image": <image id>}``."""


def zeroshot_prompt(prompt: str, image_ids: Sequence[str]) -> list[Piece]:
    """Return all images in order, then the unchanged prompt, in which ``<image>`` tags remain as text."""
    return [*({"image": image_id} for image_id in image_ids), {"text": prompt}]


def icl_prompts(
    prompts: Mapping[Question, str], image_ids: Sequence[str], known: Container[str]
) -> dict[Question, list[Piece]]:
    """Return the three prompts of a fewshot row, with each tag replaced by the next image of the row.

    One index runs over Q3, Q5 and Q6 in this order. Text is stripped, and empty text is dropped. An id that
    is not ``known`` inserts no image but advances the index; so does a tag after the last id.
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
