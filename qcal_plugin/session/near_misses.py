"""Suggest names if ``-k`` and ``-m`` select nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from difflib import get_close_matches

from qcal_plugin.worker.collection import item_id
from reports.records.records import PlannedItem

OPERATORS = frozenset({"and", "or", "not", "True", "False", "None"})
FIELDS = frozenset({"qcal", "family", "scenario", "question", "mode", "sample", "variant"})
_WORD = re.compile(r"[\w.-]+")


def nothing_selected(keywords: str, markers: str, items: Sequence[PlannedItem]) -> str:
    """Return one line on why no item was selected.

    ``keywords`` and ``markers`` are the values of ``-k`` and ``-m``.
    """
    given = " and ".join(f"{flag} {text!r}" for flag, text in (("-k", keywords), ("-m", markers)) if text)
    if not given:
        return "no item is selected"
    close = [f"{word!r}: did you mean {name}?" for word, name in near_misses(f"{keywords} {markers}", items)]
    remedy = "; ".join(close) or "pytest --list families, scenarios or questions shows what there is"
    return f"{given} selects none of {len(items)} items; {remedy}"


def near_misses(expression: str, items: Sequence[PlannedItem]) -> Iterator[tuple[str, str]]:
    """Yield the words of the expression that occur in no item's name, each with the closest name."""
    ids = [f"{item_id(item)} {item.scenario_type} test_{item.key.mode}".lower() for item in items]
    names = sorted(
        {
            name
            for item in items
            for name in (item.family, item.scenario_type, item.key.question.value, item.key.mode.value)
        }
    )
    for word in dict.fromkeys(_WORD.findall(expression)):
        if word in OPERATORS | FIELDS or any(word.lower() in text for text in ids):
            continue
        by_lower = {name.lower(): name for name in names}
        for match in get_close_matches(word.lower(), by_lower, n=1, cutoff=0.5):
            yield word, by_lower[match]
