"""The same samples as chat-format training data: JSON lines, with the images beside them (paper, appendix G)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from scoring.questions import ICL_QUESTIONS, Question
from synthetic.icl import IclRow, icl_rows
from synthetic.prompts import IMAGE_TAG
from synthetic.sample import Sample

IMAGE_FOLDER = "images"


def write_sft(out_dir: Path, samples: Sequence[Sample]) -> None:
    """Write ``zeroshot.jsonl``, ``icl.jsonl`` and ``images/<image id>.png`` into ``out_dir``, which is created.

    A line is ``{"id", "question", "messages": [user, assistant]}``; the user's content is a list of ``{"type": "image",
    "image": <relative path>}`` and ``{"type": "text", "text"}`` parts in the order in which the benchmark sends them
    (docs/protocol.md#requests).

    Raises:
        OSError: files that cannot be written.
    """
    folder = out_dir / IMAGE_FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    for sample in samples:
        for image_id, png in zip(sample.image_ids, sample.images, strict=True):
            (folder / f"{image_id}.png").write_bytes(png)
    zero_shot = (_zero_shot(sample, question) for sample in samples for question in Question)
    in_context = (conversation for row in icl_rows(samples) for conversation in _in_context(row))
    _write_lines(out_dir / "zeroshot.jsonl", zero_shot)
    _write_lines(out_dir / "icl.jsonl", in_context)


def _zero_shot(sample: Sample, question: Question) -> dict[str, Any]:
    content = [*map(_image, sample.image_ids), _text(sample.prompts[question])]
    return _conversation(sample, question, content)


def _in_context(row: IclRow) -> Iterator[dict[str, Any]]:
    image_ids = iter(row.image_ids)
    for question in ICL_QUESTIONS:
        first, *others = row.prompts[question].split(IMAGE_TAG)
        content = [_text(first.strip())]
        for text in others:
            content.append(_image(next(image_ids)))
            content.extend([_text(text.strip())] if text.strip() else [])
        yield _conversation(row.query, question, content)


def _conversation(sample: Sample, question: Question, content: list[dict[str, str]]) -> dict[str, Any]:
    answer = {"role": "assistant", "content": [_text(sample.answers[question])]}
    messages = [{"role": "user", "content": content}, answer]
    return {"id": sample.key.sample_id, "question": question.value, "messages": messages}


def _image(image_id: str) -> dict[str, str]:
    return {"type": "image", "image": f"{IMAGE_FOLDER}/{image_id}.png"}


def _text(text: str) -> dict[str, str]:
    return {"type": "text", "text": text}


def _write_lines(path: Path, records: Iterable[dict[str, Any]]) -> None:
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.writelines(json.dumps(record, ensure_ascii=False) + "\n" for record in records)
