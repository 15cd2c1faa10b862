"""Floors: the scores of answers that do not look at the plot. An item's record holds them.

Light to import: xdist workers do.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated, Any

from msgspec import Meta

from reports.records.typed_json import convert
from scoring.questions import Mode


class Floor(StrEnum):
    """A rule that answers without looking at the item's plot (docs/baselines.md)."""

    CONSTANT = "constant"
    """The best answer that is the same for the whole family, chosen in hindsight."""
    COPY_NEAREST = "copy_nearest"
    """The answer of the demonstration that is nearest to the question in the prompt."""
    COPY_LAST = "copy_last"
    """The answer of the last demonstration."""
    COPY_FREQUENT = "copy_frequent"
    """The most frequent answer among the demonstrations."""
    STAND_IN = "stand_in"
    """The right answer about the plot that a control shows in place of the item's own."""


COPYING = (Floor.COPY_LAST, Floor.COPY_NEAREST, Floor.COPY_FREQUENT)
"""If two of them have the same score, the first is named."""

FLOORS_OF = {Mode.ZEROSHOT: (Floor.CONSTANT,), Mode.ICL: COPYING}
"""The rules that scores of a mode are compared with."""

FLOOR_NAMES = {
    Floor.CONSTANT: "best constant",
    Floor.COPY_NEAREST: "copy nearest",
    Floor.COPY_LAST: "copy last",
    Floor.COPY_FREQUENT: "copy most frequent",
    Floor.STAND_IN: "read the plot shown",
}
"""The rules as tables print them."""

Floors = Mapping[Floor, float]
"""The score of each rule on one item, 0..1; rules without an answer to it are left out."""

FieldFloors = Mapping[Floor, Mapping[str, float]]
"""The score of each rule on each field of a Q5 item, 0..1."""

_Fraction = Annotated[float, Meta(ge=0, le=1)]


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemFloors:
    """The floors of one item by one scorer: of its score, and for Q5 of each field."""

    scores: Floors = field(default_factory=dict)
    fields: FieldFloors = field(default_factory=dict)


_NAMES = frozenset(Floor)
_Floors = dict[Floor, _Fraction]
_FieldFloors = dict[Floor, dict[str, _Fraction]]


def floors_from_json(data: Mapping[str, Any] | None) -> dict[Floor, float]:
    """Return the floors that a record states, without rules that this version does not know.

    Raises DecodeError.
    """
    return convert(_known(data), _Floors) if data else {}


def field_floors_from_json(data: Mapping[str, Any] | None) -> dict[Floor, dict[str, float]]:
    """Return the floors by field that a record states, without unknown rules. Raises DecodeError."""
    return convert(_known(data), _FieldFloors) if data else {}


def item_floors_from_json(data: Mapping[str, Any] | None) -> ItemFloors:
    """Return an item's floors as a prepared dataset states them; none for None. Raises DecodeError."""
    stated = data or {}
    return ItemFloors(
        scores=floors_from_json(stated.get("scores")), fields=field_floors_from_json(stated.get("fields"))
    )


def _known(data: Mapping[str, Any]) -> dict[str, Any]:
    return {name: stated for name, stated in data.items() if name in _NAMES}
