"""The items of a page, as JSON for its script: what was asked, answered, extracted, expected and graded.

Everything in it is data of models and servers. `island` makes it safe to embed in a ``<script>`` element, and
the page's script shows it as text only.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from reports.analysis.labels import answered_label, expected_label
from reports.records.files import read_file
from reports.records.illustrations import MEDIA_TYPES, PromptBlock, Prompts, SampleSheet, references_to_json
from reports.records.outcomes import MISSING
from reports.records.records import Answer, PlannedItem, Record, Run, Verdict, score_to_json
from reports.records.stored import final_records
from reports.records.typed_json import to_builtins
from scoring.questions import Question

TEXT_BUDGET = 6_000_000
"""The most characters of answers, reasoning and judges' replies in one page; keeps it well below 30 MB."""
MOST_ITEMS = 30_000
"""The most items in the list of one page; a browser needs seconds to load this many."""
TEXT_LIMITS = (200_000, 100_000, 50_000, 20_000, 10_000, 5_000, 2_000, 1_000, 500)
PLOT_BUDGET = 12_000_000
"""The most bytes of plots in one page."""

LABELLED = frozenset({Question.Q2, Question.Q4, Question.Q6})
_UNSAFE = re.compile("[<>&\u2028\u2029\ud800-\udfff]")


def listed_items(run: Run) -> Sequence[PlannedItem]:
    """Return the items that the page lists: the first `MOST_ITEMS` of the plan."""
    return run.manifest.planned[:MOST_ITEMS]


def items_island(run: Run, sheets: Mapping[str, SampleSheet]) -> Iterator[str]:
    """Yield the `island` of the items in parts, so that it is never in memory as a whole.

    An object with ``items`` in the order of the plan, the ``samples`` that they are about, and the prompts'
    ``texts``, each text once. The middle of answers, reasoning and replies longer than ``limit`` characters
    is left out.
    """
    listed = listed_items(run)
    records = final_records(run).only(item.key for item in listed)
    limit = text_limit([len(text) for record in records.values() for text in _texts(record)])
    yield f'{{"limit":{limit},"items":['
    for number, planned in enumerate(listed):
        yield f"{',' if number else ''}{island(_item(planned, records.get(planned.key), limit))}"
    texts: dict[str, int] = {}
    samples = {sample_id: _sample(sheet, texts) for sample_id, sheet in sheets.items()}
    yield f'],"samples":{island(samples)},"texts":{island(list(texts))}}}'


def plots_json(files: Mapping[str, Path]) -> dict[str, str]:
    """Map digests to plots as ``data:`` URLs, as many as fit into `PLOT_BUDGET`. Raises OSError."""
    plots, left = {}, PLOT_BUDGET
    for digest, file in files.items():
        content = read_file(file)
        if len(content) <= left:
            left -= len(content)
            plots[digest] = f"data:{MEDIA_TYPES[file.suffix]};base64,{base64.b64encode(content).decode()}"
    return plots


def island(data: object) -> str:
    """Return the data as JSON that is safe within HTML and JavaScript and can be encoded as UTF-8."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return _UNSAFE.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def text_limit(lengths: Sequence[int]) -> int:
    """Return the largest of `TEXT_LIMITS` that keeps texts of these lengths within `TEXT_BUDGET`; else the smallest."""
    fitting = (limit for limit in TEXT_LIMITS if sum(min(length, limit) for length in lengths) <= TEXT_BUDGET)
    return next(fitting, TEXT_LIMITS[-1])


def shortened(text: str, limit: int) -> str:
    """Return the text; if it is too long, its beginning and its end, where conclusions are, with a note in between."""
    if len(text) <= limit:
        return text
    head, tail = limit * 2 // 3, limit // 3
    return f"{text[:head]}\n\n[... {len(text) - head - tail:,} characters left out of this page ...]\n\n{text[-tail:]}"


def _item(planned: PlannedItem, record: Record | None, limit: int) -> dict[str, Any]:
    key = planned.key
    item: dict[str, Any] = {
        "sample": key.sample_id,
        "question": key.question,
        "mode": key.mode,
        "repeat": key.repeat,
        "variant": key.variant,
        "family": planned.family,
        "scenario": planned.scenario_type,
    }
    return item | ({"status": MISSING} if record is None else _measured(record, limit))


def _measured(record: Record, limit: int) -> dict[str, Any]:
    labelled = record.measured and record.key.question in LABELLED
    return {
        "status": record.status,
        "score": None if record.score is None else score_to_json(record.score),
        "other": None if record.other_score is None else record.other_score.value,
        "said": answered_label(record) if labelled else None,
        "truth": expected_label(record) if labelled else None,
        "answer": None if record.answer is None else _answer(record.answer, limit),
        "verdicts": [_verdict(verdict, limit) for verdict in record.verdicts],
        "error": to_builtins(record.error),
        "request": record.request_sha256,
        "attempts": record.attempts,
        "flags": record.flags,
        "finished": record.finished_at,
    }


def _answer(answer: Answer, limit: int) -> dict[str, Any]:
    reasoning = None if answer.reasoning is None else shortened(answer.reasoning, limit)
    return {**to_builtins(answer), "text": shortened(answer.text, limit), "reasoning": reasoning}


def _verdict(verdict: Verdict, limit: int) -> dict[str, Any]:
    return {
        **to_builtins(verdict),
        "reply": None if verdict.reply is None else shortened(verdict.reply, limit),
    }


def _texts(record: Record) -> Iterable[str]:
    if record.answer is not None:
        yield record.answer.text
        yield record.answer.reasoning or ""
    yield from (verdict.reply or "" for verdict in record.verdicts)


def _sample(sheet: SampleSheet, texts: dict[str, int]) -> dict[str, Any]:
    """Return the sample; texts of prompts become indices into ``texts``, and images digests."""

    def part(given: PromptBlock) -> int | str:
        return given.image if given.image is not None else texts.setdefault(given.text or "", len(texts))

    def prompts(given: Prompts) -> dict[str, dict[str, list[int | str]]]:
        return {
            mode: {question: [*map(part, parts)] for question, parts in asked.items()}
            for mode, asked in given.items()
        }

    return {
        "plots": sheet.plots,
        "prompts": prompts(sheet.prompts),
        "variants": {variant: prompts(asked) for variant, asked in sheet.variants.items()},
        **references_to_json(sheet.references),
        "references": {variant: references_to_json(own) for variant, own in sheet.variant_references.items()},
    }
