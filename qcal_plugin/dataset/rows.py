"""The rows of the dataset's files, checked cell by cell (PROTOCOL.md section 1). The first fault is a BadDataError."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from qcal_plugin.dataset.errors import BadDataError
from qcal_plugin.dataset.table import IMAGES, TEXT, TEXTS, Cells, read_rows
from scoring.questions import ICL_QUESTIONS, JUDGED_QUESTIONS, Question
from scoring.reference import FieldRules

_PROMPTS = {question: f"{question.lower()}_prompt" for question in Question}
_ANSWERS = {question: f"{question.lower()}_answer" for question in Question}
_KEY_POINTS = {question: f"{question.lower()}_key_points" for question in sorted(JUDGED_QUESTIONS)}

SAMPLE_COLUMNS = {
    "id": TEXT,
    "experiment_type": TEXT,
    "experiment_family": TEXT,
    "images": IMAGES,
    "image_ids": TEXTS,
    "experiment_background": TEXT,
    **dict.fromkeys(_PROMPTS.values(), TEXT),
    **dict.fromkeys(_ANSWERS.values(), TEXT),
    **dict.fromkeys(_KEY_POINTS.values(), TEXTS),
    "q5_scoring": TEXT,
    "q6_expected_status": TEXT,
}
FEWSHOT_COLUMNS = {
    "id": TEXT,
    "source_id": TEXT,
    "experiment_type": TEXT,
    **dict.fromkeys((_PROMPTS[question] for question in ICL_QUESTIONS), TEXT),
    **dict.fromkeys((_ANSWERS[question] for question in ICL_QUESTIONS), TEXT),
    "image_ids": TEXTS,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleRow:
    """A row of the test split. ``images`` are the files' bytes, not looked at yet, parallel to ``image_ids``."""

    index: int
    sample_id: str
    family: str
    scenario_type: str
    image_ids: tuple[str, ...]
    images: tuple[bytes, ...] = field(repr=False)
    background: str
    prompts: Mapping[Question, str]
    answers: Mapping[Question, str]
    key_points: Mapping[Question, tuple[str, ...]]
    field_rules: FieldRules


@dataclass(frozen=True, slots=True, kw_only=True)
class FewshotRow:
    """A row of the ICL file: prompts with demonstrations about the sample ``source_id``."""

    index: int
    icl_id: str
    source_id: str
    image_ids: tuple[str, ...]
    prompts: Mapping[Question, str]
    answers: Mapping[Question, str]


def read_samples(path: Path) -> dict[str, SampleRow]:
    """The test split by sample id, in the order of the file."""
    rows: dict[str, SampleRow] = {}
    pictures: dict[str, tuple[bytes, str]] = {}
    for cells in read_rows(path, SAMPLE_COLUMNS):
        row = _sample_row(cells)
        if row.sample_id in rows:
            raise cells.fault("id", f"duplicate: row {rows[row.sample_id].index} has it too. Each row needs its own")
        for image_id, image in zip(row.image_ids, row.images, strict=True):
            known, owner = pictures.setdefault(image_id, (image, row.sample_id))
            if known != image:
                raise cells.fault("image_ids", f"{image_id!r} is a different picture in sample {owner!r}")
        rows[row.sample_id] = row
    if not rows:
        raise BadDataError("no rows: there is nothing to ask", file=path.name)
    return rows


def read_fewshot(path: Path, samples: Mapping[str, SampleRow]) -> dict[str, FewshotRow]:
    """The ICL rows by the id of the sample they ask about, in the order of the file; may be empty."""
    images = {image_id for row in samples.values() for image_id in row.image_ids}
    rows: dict[str, FewshotRow] = {}
    icl_ids: dict[str, int] = {}
    for cells in read_rows(path, FEWSHOT_COLUMNS):
        row = _fewshot_row(cells)
        if row.icl_id in icl_ids:
            raise cells.fault("id", f"duplicate: row {icl_ids[row.icl_id]} has it too. Each row needs its own")
        if row.source_id not in samples:
            raise cells.fault("source_id", f"{row.source_id!r} is no sample of the test split")
        if row.source_id in rows:
            raise cells.fault("source_id", f"duplicate: row {rows[row.source_id].index} asks about that sample too")
        for image_id in row.image_ids:
            if image_id not in images:
                raise cells.fault("image_ids", f"unknown image id {image_id!r}: no row of the test split has it")
        icl_ids[row.icl_id] = row.index
        rows[row.source_id] = row
    return rows


def check_config(path: Path) -> None:
    """See that ``experiment_config.json`` is an object of objects. Its rules stand in the rows too: those are used."""
    try:
        config = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise BadDataError(f"unreadable JSON ({error}). Fetch the file again", file=path.name) from error
    if not isinstance(config, dict):
        raise BadDataError(f"expected a JSON object, family by family, got {_kind(config)}", file=path.name)
    for family, rules in config.items():
        if not isinstance(rules, dict):
            raise BadDataError(f"family {family!r}: expected a JSON object, got {_kind(rules)}", file=path.name)


def _sample_row(cells: Cells) -> SampleRow:
    image_ids, images = cells.texts("image_ids"), cells.images("images")
    if len(image_ids) != len(images):
        raise cells.fault("image_ids", f"{len(image_ids)} ids for {len(images)} images. Each image needs one id")
    return SampleRow(
        index=cells.index,
        sample_id=cells.name("id"),
        family=cells.name("experiment_family"),
        scenario_type=cells.name("experiment_type"),
        image_ids=image_ids,
        images=images,
        background=cells.text("experiment_background"),
        prompts={question: cells.text(column) for question, column in _PROMPTS.items()},
        answers={question: cells.text(column) for question, column in _ANSWERS.items()},
        key_points={question: cells.texts(column) for question, column in _KEY_POINTS.items()},
        field_rules=_field_rules(cells),
    )


def _fewshot_row(cells: Cells) -> FewshotRow:
    return FewshotRow(
        index=cells.index,
        icl_id=cells.name("id"),
        source_id=cells.name("source_id"),
        image_ids=cells.texts("image_ids"),
        prompts={question: cells.text(_PROMPTS[question]) for question in ICL_QUESTIONS},
        answers={question: cells.text(_ANSWERS[question]) for question in ICL_QUESTIONS},
    )


def _field_rules(cells: Cells) -> FieldRules:
    column = "q5_scoring"
    try:
        rules = json.loads(cells.text(column))
    except (ValueError, RecursionError) as error:
        raise cells.fault(column, f"unreadable JSON ({error}). It has to be an object, field by field") from error
    if not isinstance(rules, dict):
        raise cells.fault(column, f"expected a JSON object, field by field, got {_kind(rules)}")
    for name, rule in rules.items():
        if not isinstance(rule, dict):
            raise cells.fault(column, f"field {name!r}: expected an object with type and tolerances, got {_kind(rule)}")
    return rules


def _kind(value: object) -> str:
    return "null" if value is None else type(value).__name__
