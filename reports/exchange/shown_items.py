"""An item for other tools: its prompt and plots, its target, and an explanation of its score."""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from reports.records.files import read_file
from reports.records.illustrations import MEDIA_TYPES, PromptBlock, SampleSheet, load_sheets, plot_files
from reports.records.records import Record
from reports.records.typed_json import json_safe
from scoring.reference import JSON
from scoring.score import Score

OMITTED = "[plot of a demonstration]"
"""Replaces images of other samples, with which a log would have hundreds of megabytes."""


@dataclass(frozen=True, slots=True)
class Block:
    """A block of a prompt: a text, or an image as a ``data:`` URL."""

    text: str = ""
    image: str | None = None


@dataclass(slots=True, kw_only=True)
class Illustrations:
    """Prompts, reference answers and plots of a run, as far as its folder holds them."""

    sheets: Mapping[str, SampleSheet]
    files: Mapping[str, Path]
    _urls: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of_run(cls, run_dir: Path | None) -> Illustrations:
        """Read what the folder holds; nothing without one. Raises RunGarbledError or OSError."""
        if run_dir is None:
            return cls(sheets={}, files={})
        return cls(sheets=load_sheets(run_dir), files=plot_files(run_dir))

    def prompt(self, record: Record) -> list[Block]:
        """Return the prompt; without the run's samples, a line that names the item."""
        key, sheet = record.key, self.sheets.get(record.key.sample_id)
        prompts = (
            {} if sheet is None else sheet.variants.get(key.variant, {}) if key.variant else sheet.prompts
        )
        parts = prompts.get(key.mode, {}).get(key.question, ())
        if not parts or sheet is None:
            about = f"{record.family} / {record.scenario_type}, {key.mode}"
            return [Block(f"{key.question} about {key.sample_id} ({about})")]
        own = frozenset(sheet.plots) if not key.variant else None
        return [self._block(part, own) for part in parts]

    def target(self, record: Record) -> str:
        """Return the correct label or fields; for a judged question, the reference answer."""
        key, sheet = record.key, self.sheets.get(record.key.sample_id)
        expected = None if record.score is None else record.score.expected
        if expected is not None:
            return written(expected)
        references = None if sheet is None else sheet.variant_references.get(key.variant, sheet.references)
        return "" if references is None else references.answers.get(key.mode, {}).get(key.question, "")

    def _block(self, part: PromptBlock, own: frozenset[str] | None) -> Block:
        if part.image is None:
            return Block(part.text or "")
        url = self._url(part.image)
        if url is None:
            return Block(f"[plot {part.image[:12]}, which the run's folder does not hold]")
        return Block(image=url) if own is None or part.image in own else Block(OMITTED)

    def _url(self, digest: str) -> str | None:
        if digest not in self._urls and digest in self.files:
            file = self.files[digest]
            content = base64.b64encode(read_file(file)).decode()
            self._urls[digest] = f"data:{MEDIA_TYPES[file.suffix]};base64,{content}"
        return self._urls.get(digest)


def answer_read(record: Record, score: Score) -> str:
    """Return the part of the answer that was scored; if there is none, the answer."""
    read = "" if score.extracted is None else written(score.extracted)
    return read or ("" if record.answer is None else record.answer.text)


def explanation(record: Record, score: Score) -> str:
    """Return the components of the score, and each judge's grades and reply."""
    parts = [f"{name}: {_number(value)}" for name, value in score.components.items()]
    for verdict in record.verdicts:
        grades = "none" if verdict.grades is None else ", ".join(map(_number, verdict.grades))
        parts.append(f"{verdict.judge} graded the key points: {grades}")
        parts += [f"{verdict.judge}: {words}" for words in (verdict.error, verdict.reply) if words]
    if not parts:
        parts.append(f"read: {written(score.extracted)}; expected: {written(score.expected)}")
    return "\n\n".join(parts)


def written(value: JSON) -> str:
    """Return a text as it is, "nothing" for None, all else as JSON."""
    if value is None:
        return "nothing"
    return value if isinstance(value, str) else json.dumps(json_safe(value), ensure_ascii=False)


def _number(value: float) -> str:
    return f"{value:.3g}" if math.isfinite(value) else str(value)
