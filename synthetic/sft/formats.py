"""Conversations in the formats of four trainers.

| format | files | read by |
|---|---|---|
| ``trl`` | Parquet with ``images``, ``prompt`` and ``completion`` | TRL's ``SFTTrainer`` |
| ``sharegpt`` | JSON with ``conversations`` and ``images``; ``dataset_info.json`` | LLaMA-Factory |
| ``swift`` | JSON lines with ``messages`` and ``images`` | ms-swift |
| ``llava`` | JSON with ``conversations`` and ``image`` | LLaVA, LLaVA-NeXT |

All but ``trl`` name images by paths relative to the folder; there, ``<image>`` marks the place of each image.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from scoring.questions import Mode
from synthetic.prompts import IMAGE_TAG
from synthetic.sample import Sample
from synthetic.sft.conversations import Conversation, Format, Picture, conversations

IMAGE_FOLDER = "images"
INFO_FILE = "dataset_info.json"

ROWS_IN_A_GROUP = 128
"""Of a Parquet file: within a group, an image that several rows show is stored once."""

DICTIONARY_BYTES = 1 << 30

TEXT = pa.string()
PARTS = pa.list_(pa.struct([("type", TEXT), ("text", TEXT)]))
TURNS = pa.list_(pa.struct([("role", TEXT), ("content", PARTS)]))
IMAGES = pa.list_(pa.struct([("bytes", pa.binary()), ("path", TEXT)]))
LABELS = ("id", "sample", "family", "scenario_type", "question", "mode")

_TEXT_FEATURE = {"dtype": "string", "_type": "Value"}
_TURNS_FEATURE = [{"role": _TEXT_FEATURE, "content": [{"type": _TEXT_FEATURE, "text": _TEXT_FEATURE}]}]
_FEATURES = {
    **dict.fromkeys(LABELS, _TEXT_FEATURE),
    "images": {"feature": {"_type": "Image"}, "_type": "Sequence"},
    "prompt": _TURNS_FEATURE,
    "completion": _TURNS_FEATURE,
}
SCHEMA = pa.schema(
    [*((name, TEXT) for name in LABELS), ("images", IMAGES), ("prompt", TURNS), ("completion", TURNS)],
    metadata={"huggingface": json.dumps({"info": {"features": _FEATURES}})},
)


def file_name(mode: Mode, form: Format) -> str:
    """The file of a mode's conversations."""
    endings = {Format.TRL: "parquet", Format.SWIFT: "jsonl", Format.SHAREGPT: "json", Format.LLAVA: "json"}
    return f"{mode.value}.{endings[form]}"


def write_conversations(
    folder: Path, samples: Sequence[Sample], modes: Sequence[Mode], form: Format
) -> dict[Mode, int]:
    """Write a file for each mode, with the images; return how many conversations each has.

    Raises:
        OSError: files that cannot be written.
    """
    images = {
        image_id: png
        for sample in samples
        for image_id, png in zip(sample.image_ids, sample.images, strict=True)
    }
    if form is not Format.TRL:
        (folder / IMAGE_FOLDER).mkdir(exist_ok=True)
        for image_id, png in images.items():
            (folder / image_path(image_id)).write_bytes(png)
    if form is Format.SHAREGPT:
        _write_json(folder / INFO_FILE, {dataset_name(mode): _dataset_info(mode) for mode in modes})
    counts = {}
    for mode in modes:
        path, told = folder / file_name(mode, form), list(conversations(samples, mode))
        match form:
            case Format.TRL:
                _write_parquet(path, told, images)
            case Format.SWIFT:
                _write_lines(path, map(_swift, told))
            case Format.SHAREGPT:
                _write_json(path, [_sharegpt(conversation) for conversation in told])
            case Format.LLAVA:
                _write_json(path, [_llava(conversation) for conversation in told])
        counts[mode] = len(told)
    return counts


def image_path(image_id: str) -> str:
    """Where an image lies, relative to the folder."""
    return f"{IMAGE_FOLDER}/{image_id}.png"


def dataset_name(mode: Mode) -> str:
    """The name of a mode's data set in ``dataset_info.json``."""
    return f"qcal_synthetic_{mode.value}"


def _tagged(conversation: Conversation) -> str:
    return "\n".join(IMAGE_TAG if isinstance(part, Picture) else part for part in conversation.prompt)


def _paths(conversation: Conversation) -> list[str]:
    return [image_path(image_id) for image_id in conversation.image_ids]


def _swift(conversation: Conversation) -> dict[str, Any]:
    """ms-swift's standard format: docs/source_en/Customization/Custom-dataset.md, "Multimodal"."""
    messages = [
        {"role": "user", "content": _tagged(conversation)},
        {"role": "assistant", "content": conversation.answer},
    ]
    return {**conversation.labels, "messages": messages, "images": _paths(conversation)}


def _sharegpt(conversation: Conversation) -> dict[str, Any]:
    """LLaMA-Factory's sharegpt format: data/README.md, "Multimodal Image Dataset"."""
    return {**conversation.labels, "conversations": _turns(conversation), "images": _paths(conversation)}


def _dataset_info(mode: Mode) -> dict[str, Any]:
    return {
        "file_name": file_name(mode, Format.SHAREGPT),
        "formatting": "sharegpt",
        "columns": {"messages": "conversations", "images": "images"},
    }


def _llava(conversation: Conversation) -> dict[str, Any]:
    """LLaVA's format: docs/Finetune_Custom_Data.md; a list of several images is LLaVA-NeXT's addition."""
    paths = _paths(conversation)
    image = paths[0] if len(paths) == 1 else paths
    return {**conversation.labels, "image": image, "conversations": _turns(conversation)}


def _turns(conversation: Conversation) -> list[dict[str, str]]:
    return [
        {"from": "human", "value": _tagged(conversation)},
        {"from": "gpt", "value": conversation.answer},
    ]


def _trl(conversation: Conversation, images: Mapping[str, bytes]) -> dict[str, Any]:
    """TRL's conversational vision format: docs/source/dataset_formats.md, "Vision datasets"."""
    prompt = [
        {"type": "image"} if isinstance(part, Picture) else {"type": "text", "text": part}
        for part in conversation.prompt
    ]
    answer = [{"type": "text", "text": conversation.answer}]
    return {
        **conversation.labels,
        "images": [
            {"bytes": images[image_id], "path": f"{image_id}.png"} for image_id in conversation.image_ids
        ],
        "prompt": [{"role": "user", "content": prompt}],
        "completion": [{"role": "assistant", "content": answer}],
    }


def _write_parquet(path: Path, told: Sequence[Conversation], images: Mapping[str, bytes]) -> None:
    with pq.ParquetWriter(path, SCHEMA, dictionary_pagesize_limit=DICTIONARY_BYTES) as writer:
        for group in _batches(told, ROWS_IN_A_GROUP):
            rows = [_trl(conversation, images) for conversation in group]
            writer.write_table(pa.Table.from_pylist(rows, schema=SCHEMA))


def _batches(told: Iterable[Conversation], size: int) -> Iterator[list[Conversation]]:
    left = iter(told)
    while group := list(islice(left, size)):
        yield group


def _write_lines(path: Path, records: Iterable[dict[str, Any]]) -> None:
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.writelines(json.dumps(record, ensure_ascii=False) + "\n" for record in records)


def _write_json(path: Path, content: object) -> None:
    text = json.dumps(content, ensure_ascii=False, indent=1)
    path.write_text(text + "\n", encoding="utf-8", newline="\n")
