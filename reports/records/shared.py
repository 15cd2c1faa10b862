"""Equal parts of many records as one object, so that hundreds of thousands of records fit into little memory."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from reports.records.records import ItemKey, PlannedItem, Record
from scoring.score import Score


class Shared:
    """Gives records the keys and names of their planned items, and plain scores that equal earlier ones."""

    def __init__(self, planned: Iterable[PlannedItem]) -> None:
        self._planned: dict[ItemKey, PlannedItem] = {item.key: item for item in planned}
        self._scores: dict[tuple[object, ...], Score] = {}
        self._tuples: dict[tuple[str, ...], tuple[str, ...]] = {}

    def of(self, record: Record) -> Record:
        """An equal record."""
        item = self._planned.get(record.key)
        named: dict[str, Any] = {} if item is None else {"key": item.key}
        if item is not None and (item.family, item.scenario_type) == (record.family, record.scenario_type):
            named |= {"family": item.family, "scenario_type": item.scenario_type}
        return replace(
            record,
            score=self._score(record.score),
            other_score=self._score(record.other_score),
            unanswered_score=self._score(record.unanswered_score),
            flags=self._tuples.setdefault(record.flags, record.flags),
            **named,
        )

    def _score(self, score: Score | None) -> Score | None:
        """Scores that are a value and labels are few; others hold lists or tables, and differ."""
        if (
            score is None
            or score.components
            or not (_is_label(score.extracted) and _is_label(score.expected))
        ):
            return score
        return self._scores.setdefault((score.value, score.extracted, score.expected), score)


def _is_label(read: object) -> bool:
    return read is None or (isinstance(read, str) and len(read) < 100)
