"""Stores equal parts of records once, so that many records need little memory."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from reports.records.records import ItemKey, PlannedItem, Record
from scoring.score import Score


class Shared:
    """Replaces keys, names and plain scores of records with equal objects that exist already."""

    def __init__(self, planned: Iterable[PlannedItem]) -> None:
        self._planned: dict[ItemKey, PlannedItem] = {item.key: item for item in planned}
        self._scores: dict[tuple[object, ...], Score] = {}
        self._tuples: dict[tuple[str, ...], tuple[str, ...]] = {}

    def of(self, record: Record) -> Record:
        """Return an equal record."""
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
        """Share scores that consist of a value and labels: few of them differ.

        Others hold lists or tables.
        """
        if (
            score is None
            or score.components
            or not (_is_label(score.extracted) and _is_label(score.expected))
        ):
            return score
        return self._scores.setdefault((score.value, score.extracted, score.expected), score)


def _is_label(read: object) -> bool:
    return read is None or (isinstance(read, str) and len(read) < 100)
