"""Reads the rows of the dataset's files and checks every cell (docs/protocol.md#dataset).

The first fault raises BadDataError.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from qcal_plugin.dataset.errors import BadDataError
from qcal_plugin.dataset.intake import ImageIntake, ImageSurvey, RowImage
from qcal_plugin.dataset.table import IMAGES, TEXT, TEXTS, Cells, read_rows
from scoring.questions import ICL_QUESTIONS, JUDGED_QUESTIONS, Question
from scoring.reference import FieldRules

_PROMPTS = {question: f"{question.lower()}_prompt" for question in Question}
_ANSWERS = {question: f"{question.lower()}_answer" for question in Question}
_KEY_POINTS = {question: f"{question.lower()}_key_points" for question in sorted(JUDGED_QUESTIONS)}

IMAGE_IDS = "image_ids"
SAMPLE_COLUMNS = {
    "id": TEXT,
    "experiment_type": TEXT,
    "experiment_family": TEXT,
    "images": IMAGES,
    IMAGE_IDS: TEXTS,
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
    IMAGE_IDS: TEXTS,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleRow:
    """A row of the test split.

    Attributes:
        image_ids: ids of the row's images, without images that are null.
        null_images: how many of the row's images are null.
        own_rules: the rules in the column q5_scoring.
        field_rules: the rules that apply: those of ``experiment_config.json``, or ``own_rules`` if it has
            none for the family.
    """

    index: int
    sample_id: str
    family: str
    scenario_type: str
    image_ids: tuple[str, ...]
    null_images: int
    background: str
    prompts: Mapping[Question, str]
    answers: Mapping[Question, str]
    key_points: Mapping[Question, tuple[str, ...]]
    own_rules: FieldRules
    field_rules: FieldRules


@dataclass(frozen=True, slots=True, kw_only=True)
class FewshotRow:
    """A row of the ICL file: prompts with demonstrations, about the sample ``source_id``.

    Its ``answers`` are only compared with those of the test row, which are the reference.
    """

    index: int
    icl_id: str
    source_id: str
    image_ids: tuple[str, ...]
    prompts: Mapping[Question, str]
    answers: Mapping[Question, str]


def read_samples(
    path: Path, rules: Mapping[str, FieldRules], images: ImageIntake | ImageSurvey
) -> dict[str, SampleRow]:
    """Return the test split by sample id, in the order of the file. ``rules`` are those of `read_config`.

    Pictures are passed to ``images`` row by row, so that memory does not grow with the file.
    """
    rows: dict[str, SampleRow] = {}
    for cells in read_rows(path, SAMPLE_COLUMNS):
        shown = _shown(cells)
        row = _sample_row(cells, shown, rules)
        if row.sample_id in rows:
            raise cells.fault(
                "id", f"duplicate: row {rows[row.sample_id].index} has the same id. Ids must be unique"
            )
        for image in shown:
            owner = images.take(image)
            if owner is not None:
                raise cells.fault(
                    "image_ids",
                    f"{image.image_id!r} is another picture in sample {owner!r}. Each picture needs a separate id",
                )
        rows[row.sample_id] = row
    if not rows:
        raise BadDataError("no rows: there is nothing to ask", file=path.name)
    return rows


def read_images(path: Path, image_ids: Collection[str]) -> Iterator[RowImage]:
    """Yield the first image with each of these ids. Reading stops at the last of them."""
    missing = set(image_ids)
    if not missing:
        return
    for cells in read_rows(path, {name: SAMPLE_COLUMNS[name] for name in ("id", "images", IMAGE_IDS)}):
        for image in _shown(cells):
            if image.image_id in missing:
                missing.discard(image.image_id)
                yield image
        if not missing:
            return


def read_fewshot(path: Path, samples: Mapping[str, SampleRow]) -> list[FewshotRow]:
    """Return the ICL rows, in the order of the file; may be empty. Several may be about the same sample."""
    rows = []
    for cells in read_rows(path, FEWSHOT_COLUMNS):
        row = _fewshot_row(cells)
        if row.source_id not in samples:
            raise cells.fault("source_id", f"{row.source_id!r} is not a sample of the test split")
        rows.append(row)
    return rows


def read_config(path: Path) -> dict[str, FieldRules]:
    """Return family -> rules for Q5 from ``experiment_config.json``, without families that have none."""
    try:
        config = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise BadDataError(f"unreadable JSON ({error}). Download the file again", file=path.name) from error
    if not isinstance(config, dict):
        raise BadDataError(f"expected a JSON object, family by family, got {_kind(config)}", file=path.name)
    rules_by_family = {}
    for family, entry in config.items():
        if not isinstance(entry, dict):
            raise BadDataError(
                f"family {family!r}: expected a JSON object, got {_kind(entry)}", file=path.name
            )
        rules = entry.get("q5_scoring")
        if rules is not None:
            if problem := _rules_problem(rules):
                raise BadDataError(f"family {family!r}, q5_scoring: {problem}", file=path.name)
            rules_by_family[family] = rules
    return rules_by_family


def _shown(cells: Cells) -> list[RowImage]:
    """Return the row's images, without those that are null."""
    images = cells.images("images")
    image_ids = cells.texts(IMAGE_IDS) if images else ()
    if len(image_ids) != len(images):
        raise cells.fault(
            "image_ids", f"{len(image_ids)} ids for {len(images)} images; expected one id for each image"
        )
    shown = [
        (image_id, image) for image_id, image in zip(image_ids, images, strict=True) if image is not None
    ]
    return [
        RowImage(
            image_id=image_id, row=cells.index, sample_id=cells.name("id"), position=position, original=image
        )
        for position, (image_id, image) in enumerate(shown)
    ]


def _sample_row(cells: Cells, shown: Sequence[RowImage], rules: Mapping[str, FieldRules]) -> SampleRow:
    own_rules, family = _field_rules(cells), cells.name("experiment_family")
    return SampleRow(
        index=cells.index,
        sample_id=cells.name("id"),
        family=family,
        scenario_type=cells.name("experiment_type"),
        image_ids=tuple(image.image_id for image in shown),
        null_images=len(cells.images("images")) - len(shown),
        background=cells.text("experiment_background"),
        prompts={question: cells.text(column) for question, column in _PROMPTS.items()},
        answers={question: cells.text(column) for question, column in _ANSWERS.items()},
        key_points={question: cells.texts(column) for question, column in _KEY_POINTS.items()},
        own_rules=own_rules,
        field_rules=rules.get(family, own_rules),
    )


def _fewshot_row(cells: Cells) -> FewshotRow:
    return FewshotRow(
        index=cells.index,
        icl_id=cells.name("id"),
        source_id=cells.name("source_id"),
        image_ids=cells.texts(IMAGE_IDS),
        prompts={question: cells.text(_PROMPTS[question]) for question in ICL_QUESTIONS},
        answers={question: cells.text(_ANSWERS[question]) for question in ICL_QUESTIONS},
    )


def _field_rules(cells: Cells) -> FieldRules:
    column = "q5_scoring"
    try:
        rules = json.loads(cells.text(column))
    except (ValueError, RecursionError) as error:
        raise cells.fault(column, f"unreadable JSON ({error}); expected an object, field by field") from error
    if problem := _rules_problem(rules):
        raise cells.fault(column, problem)
    return rules  # type: ignore[no-any-return]  # checked above: an object of objects


def _rules_problem(rules: object) -> str | None:
    if not isinstance(rules, dict):
        return f"expected a JSON object, field by field, got {_kind(rules)}"
    for name, rule in rules.items():
        if not isinstance(rule, dict):
            return f"field {name!r}: expected an object with type and tolerances, got {_kind(rule)}"
    return None


def _kind(value: object) -> str:
    return "null" if value is None else type(value).__name__
