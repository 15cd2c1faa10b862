"""What is odd about a dataset without keeping anyone from asking it: warnings, one line each, equal ones together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from qcal_plugin.dataset.prompts import IMAGE_TAG
from qcal_plugin.dataset.rows import FewshotRow, SampleRow
from scoring.field_rules import rule_problems
from scoring.json_answer import parse_json
from scoring.questions import Question


class Finding(NamedTuple):
    """Something odd about one row."""

    text: str
    row_id: str


def warnings(samples: Iterable[SampleRow], fewshot: Iterable[FewshotRow]) -> tuple[str, ...]:
    """One line for each kind of finding, saying how many rows have it and which is the first."""
    grouped: dict[str, list[str]] = {}
    for row in samples:
        for finding in _about_sample(row):
            grouped.setdefault(finding.text, []).append(finding.row_id)
    for icl_row in fewshot:
        for finding in _about_icl(icl_row):
            grouped.setdefault(finding.text, []).append(finding.row_id)
    return tuple(f"{text} ({_count(row_ids)})" for text, row_ids in grouped.items())


def _about_sample(row: SampleRow) -> Iterator[Finding]:
    for name, rule in row.field_rules.items():
        for problem in rule_problems(rule):
            yield Finding(f"column q5_scoring, field {name!r}: {problem}", row.sample_id)
    if parse_json(row.answers[Question.Q5]) is None:
        yield Finding("column q5_answer holds no JSON: every answer to Q5 scores 0", row.sample_id)
    for question, key_points in row.key_points.items():
        if not key_points:
            yield Finding(f"column {question.lower()}_key_points is empty: nothing to judge", row.sample_id)


def _about_icl(row: FewshotRow) -> Iterator[Finding]:
    tags = sum(prompt.count(IMAGE_TAG) for prompt in row.prompts.values())
    if tags != len(row.image_ids):
        yield Finding("ICL prompts have another number of <image> tags than image_ids", row.icl_id)
    if parse_json(row.answers[Question.Q5]) is None:
        yield Finding("column q5_answer of the ICL file holds no JSON: every answer to Q5 scores 0", row.icl_id)


def _count(row_ids: list[str]) -> str:
    return f"row {row_ids[0]!r}" if len(row_ids) == 1 else f"{len(row_ids)} rows, the first is {row_ids[0]!r}"
