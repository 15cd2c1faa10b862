"""Warnings about a dataset that can be used but has oddities: one line per kind."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterable, Iterator, Mapping
from typing import NamedTuple

from qcal_plugin.dataset.layout import CONFIG_FILE
from qcal_plugin.dataset.prompts import IMAGE_TAG
from qcal_plugin.dataset.rows import FewshotRow, SampleRow
from scoring.field_rules import rule_problems
from scoring.json_answer import parse_json
from scoring.questions import Question
from scoring.reference import FieldRules

NAMED_ROWS = 10
"""How many rows a warning names."""


class Finding(NamedTuple):
    """Something odd about one row."""

    text: str
    row_id: str


def warnings(
    samples: Mapping[str, SampleRow], fewshot: Iterable[FewshotRow], rules: Mapping[str, FieldRules]
) -> tuple[str, ...]:
    """Return one line for each kind of finding, with the number of rows and their ids.

    ``rules`` are those of `qcal_plugin.dataset.rows.read_config`.
    """
    grouped: dict[str, list[str]] = {}
    images = {image_id for row in samples.values() for image_id in row.image_ids}
    asked: Counter[str] = Counter()
    for row in samples.values():
        for finding in (*_about_sample(row), *_about_rules(row, rules)):
            grouped.setdefault(finding.text, []).append(finding.row_id)
    for icl_row in fewshot:
        asked[icl_row.source_id] += 1
        for finding in (
            *_about_icl(icl_row, samples[icl_row.source_id], images),
            *_about_source(icl_row, asked),
        ):
            grouped.setdefault(finding.text, []).append(finding.row_id)
    return tuple(f"{text} ({_count(row_ids)})" for text, row_ids in grouped.items())


def _about_rules(row: SampleRow, rules: Mapping[str, FieldRules]) -> Iterator[Finding]:
    source = CONFIG_FILE if row.family in rules else "column q5_scoring"
    for name, rule in row.field_rules.items():
        for problem in rule_problems(rule):
            yield Finding(f"{source}, field {name!r}: {problem}", row.sample_id)
    if row.family not in rules:
        yield Finding(f"{CONFIG_FILE} has no q5_scoring for the family: the row's is used", row.sample_id)
    elif row.own_rules != row.field_rules:
        yield Finding(f"column q5_scoring differs from {CONFIG_FILE}, whose rules count", row.sample_id)


def _about_sample(row: SampleRow) -> Iterator[Finding]:
    if row.null_images:
        yield Finding("column images holds nulls, which are left out", row.sample_id)
    elif not row.image_ids:
        yield Finding("column images holds no image: asked without one", row.sample_id)
    if parse_json(row.answers[Question.Q5]) is None:
        yield Finding("column q5_answer holds no JSON: every answer to Q5 scores 0", row.sample_id)
    for question, key_points in row.key_points.items():
        if not key_points:
            yield Finding(f"column {question.lower()}_key_points is empty: nothing to judge", row.sample_id)


def _about_icl(row: FewshotRow, source: SampleRow, images: Container[str]) -> Iterator[Finding]:
    tags = sum(prompt.count(IMAGE_TAG) for prompt in row.prompts.values())
    if tags != len(row.image_ids):
        yield Finding("ICL prompts have another number of <image> tags than image_ids", row.icl_id)
    if any(image_id not in images for image_id in row.image_ids):
        yield Finding("ICL prompts leave out images whose ids no row of the test split has", row.icl_id)
    if any(answer.strip() != source.answers[question].strip() for question, answer in row.answers.items()):
        yield Finding("answers of the ICL file differ from the test split's, which count", row.icl_id)


def _about_source(row: FewshotRow, asked: Mapping[str, int]) -> Iterator[Finding]:
    if asked[row.source_id] > 1:
        yield Finding("ICL rows about a sample that an earlier row asks about too: each counts", row.icl_id)


def _count(row_ids: list[str]) -> str:
    if len(row_ids) == 1:
        return f"row {row_ids[0]!r}"
    more = ", ..." if len(row_ids) > NAMED_ROWS else ""
    return f"{len(row_ids)} rows: {', '.join(map(repr, row_ids[:NAMED_ROWS]))}{more}"
