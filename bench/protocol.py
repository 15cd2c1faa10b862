"""Requests by docs/protocol.md that all contestants share, so that they differ only in how they send them."""

import json
from typing import Any

PARAMETERS = {"max_tokens": 16384, "temperature": 0.0}
JUDGE_PARAMETERS = {"max_tokens": 4096, "temperature": 0.0}
ZEROSHOT = ("q1", "q2", "q3", "q4", "q5", "q6")
ICL = ("q3", "q5", "q6")
JUDGED = ("q1", "q3")
IMAGE_TAG = "<image>"


def image_block(base64_png: str) -> dict[str, Any]:
    """Return an image part."""
    return {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{base64_png}"}}


def zeroshot_content(prompt: str, images: list[str]) -> list[dict[str, Any]]:
    """Return all images, then the unchanged prompt."""
    return [*map(image_block, images), {"type": "text", "text": prompt}]


def icl_content(prompt: str, images: list[str]) -> list[dict[str, Any]]:
    """Return the prompt with an image instead of each tag."""
    pieces = prompt.split(IMAGE_TAG)
    blocks: list[dict[str, Any]] = []
    for number, piece in enumerate(pieces):
        if piece.strip():
            blocks.append({"type": "text", "text": piece.strip()})
        if number < len(images):
            blocks.append(image_block(images[number]))
    return blocks


def chat(model: str, content: str | list[dict[str, Any]], parameters: dict[str, Any]) -> dict[str, Any]:
    """Return a request's body."""
    return {"model": model, "messages": [{"role": "user", "content": content}], **parameters}


def judge_prompt(row: dict[str, Any], question: str, answer: str) -> str:
    """Return a judge request of about the usual length."""
    points = "\n".join(
        f"{number}. {point}" for number, point in enumerate(row.get(f"{question}_key_points", []), 1)
    )
    return (
        f"Experiment type: {row['experiment_type']} ({row['id']}), question {question}.\n"
        f"About the plot: {row.get('q1_answer', '')}\nReference answer: {row[f'{question}_answer']}\n"
        f"Answer to grade: {answer}\nKey points:\n{points}\n"
        "Reply with a JSON array of one score per key point: 1 correct, 0.5 partly, 0 missing or wrong."
    )


def answer_of(completion: dict[str, Any]) -> str:
    """Return the text of a chat completion."""
    return str(completion["choices"][0]["message"]["content"]).strip()


def grades_of(reply: str) -> list[float]:
    """Return the array in a judge's reply."""
    return list(json.loads(reply[reply.index("[") : reply.index("]") + 1]))
