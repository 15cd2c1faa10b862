"""Floors: what answers that look at no plot score on an item. They travel in the item's record.

Light to import: xdist workers do.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any

from msgspec import Meta

from reports.records.typed_json import convert
from scoring.questions import Mode


class Floor(StrEnum):
    """A rule that gives an answer without a look at the item's plot (docs/baselines.md)."""

    CONSTANT = "constant"
    """The best answer that is the same for the whole family, chosen in hindsight."""
    COPY_NEAREST = "copy_nearest"
    """The answer of the demonstration that stands nearest to the question."""
    COPY_LAST = "copy_last"
    """The answer of the last demonstration."""
    COPY_FREQUENT = "copy_frequent"
    """The most frequent answer among the demonstrations."""


COPYING = (Floor.COPY_LAST, Floor.COPY_NEAREST, Floor.COPY_FREQUENT)
"""Where two of them score alike the first is named."""

FLOORS_OF = {Mode.ZEROSHOT: (Floor.CONSTANT,), Mode.ICL: COPYING}
"""What scores of a mode are compared with."""

FLOOR_NAMES = {
    Floor.CONSTANT: "best constant",
    Floor.COPY_NEAREST: "copy nearest",
    Floor.COPY_LAST: "copy last",
    Floor.COPY_FREQUENT: "copy most frequent",
}
"""The rules as tables print them."""

Floors = Mapping[Floor, float]
"""What each rule scores on one item, 0..1; without those that have no answer to it."""


def floors_from_json(data: Mapping[str, Any] | None) -> dict[Floor, float]:
    """Floors as a record states them; rules that this version does not know are left out. Raises DecodeError."""
    known = {name: score for name, score in (data or {}).items() if name in set(Floor)}
    return convert(known, dict[Floor, Annotated[float, Meta(ge=0, le=1)]])
