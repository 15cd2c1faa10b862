"""The records of large runs, which stay in their file and are decoded each time they are used.

A report of 300,000 records therefore needs little more memory than one of 30,000. Small runs keep tuples.
"""

from __future__ import annotations

import weakref
from abc import abstractmethod
from array import array
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, chain
from typing import BinaryIO, overload

from reports.records.records import ItemKey, Record, Run

_NOWHERE = -1


class _DecodedRecords(Sequence[Record]):
    """Records that are decoded when they are used; a slice of them is a tuple."""

    @abstractmethod
    def _at(self, place: int) -> Record: ...

    @overload
    def __getitem__(self, place: int) -> Record: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[Record]: ...
    def __getitem__(self, place: int | slice) -> Record | Sequence[Record]:
        """The record at a place, or those of a slice. Raises DecodeError if a file has changed since."""
        if isinstance(place, slice):
            return tuple(self._at(i) for i in range(*place.indices(len(self))))
        return self._at(place)


class StoredRecords(_DecodedRecords):
    """Records in an open file, in the order written.

    Attributes:
        places: item -> the place, among these records, of the one that counts (see `final_places`).
    """

    def __init__(
        self,
        file: BinaryIO,
        decode: Callable[[bytes], Record],
        *,
        starts: array[int],
        sizes: array[int],
        places: Mapping[ItemKey, int],
    ) -> None:
        self._file, self._decode, self._starts, self._sizes = file, decode, starts, sizes
        self.places = places
        self._close = weakref.finalize(self, file.close)

    def __len__(self) -> int:
        """How many there are."""
        return len(self._starts)

    def _at(self, place: int) -> Record:
        self._file.seek(self._starts[place])
        return self._decode(self._file.read(self._sizes[place]))

    def __eq__(self, other: object) -> bool:
        """Whether the other is a sequence of equal records."""
        if not isinstance(other, Sequence) or len(other) != len(self):
            return NotImplemented
        return all(mine == yours for mine, yours in zip(self, other, strict=True))

    __hash__ = None  # type: ignore[assignment]  # as for lists


@dataclass(frozen=True, slots=True)
class PickedRecords(Mapping[ItemKey, Record]):
    """One record for each item, found by its place among the records."""

    records: Sequence[Record]
    places: Mapping[ItemKey, int]

    def __getitem__(self, key: ItemKey) -> Record:
        """The item's record."""
        return self.records[self.places[key]]

    def __iter__(self) -> Iterator[ItemKey]:
        """The items."""
        return iter(self.places)

    def __len__(self) -> int:
        """How many items there are."""
        return len(self.places)

    def __contains__(self, key: object) -> bool:
        """Whether the item has a record, which is not decoded for that."""
        return key in self.places

    def only(self, keys: Iterable[ItemKey]) -> PickedRecords:
        """Return only the items in ``keys``, in that order."""
        return PickedRecords(self.records, {key: self.places[key] for key in keys if key in self.places})


@dataclass(frozen=True, slots=True)
class SelectedRecords(Sequence[Record]):
    """The records of some items, in the order of ``keys``. Each must have one."""

    records: Mapping[ItemKey, Record]
    keys: Sequence[ItemKey]

    @overload
    def __getitem__(self, place: int) -> Record: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[Record]: ...
    def __getitem__(self, place: int | slice) -> Record | Sequence[Record]:
        """The record of the item at a place, or of those of a slice."""
        if isinstance(place, slice):
            return SelectedRecords(self.records, self.keys[place])
        return self.records[self.keys[place]]

    def __len__(self) -> int:
        """How many there are."""
        return len(self.keys)


class _JoinedRecords(_DecodedRecords):
    def __init__(self, parts: Sequence[Sequence[Record]]) -> None:
        self._parts = parts
        self._ends = list(accumulate(map(len, parts)))

    def __len__(self) -> int:
        return self._ends[-1]

    def _at(self, place: int) -> Record:
        place = range(len(self))[place]
        part = bisect_right(self._ends, place)
        return self._parts[part][place - self._ends[part]]


def joined_records(parts: Sequence[Sequence[Record]]) -> Sequence[Record]:
    """Return the records of several runs, one run after the other; those on disk stay there."""
    if any(isinstance(part, StoredRecords) for part in parts):
        return _JoinedRecords(parts)
    return tuple(chain.from_iterable(parts))


def final_places(keys: Iterable[tuple[ItemKey, bool]], planned: Iterable[ItemKey] = ()) -> dict[ItemKey, int]:
    """Return the place of the record that counts for each item: the first that measured it, else the last one.

    A later attempt never replaces a measured score: repeating only the items that failed would bias the
    result.

    Args:
        keys: of each record the item, and whether the record measured it.
        planned: items whose keys the result shares.
    """
    places = dict.fromkeys(planned, _NOWHERE)
    measured = bytearray()
    for place, (key, is_measured) in enumerate(keys):
        earlier = places.get(key, _NOWHERE)
        if earlier == _NOWHERE or not measured[earlier]:
            places[key] = place
        measured.append(is_measured)
    if _NOWHERE in places.values():
        return {key: place for key, place in places.items() if place != _NOWHERE}
    return places


def final_records(run: Run) -> PickedRecords:
    """Return the record that counts for each item of the run, planned or not (see `final_places`)."""
    records = run.records
    if isinstance(records, StoredRecords):
        return PickedRecords(records, records.places)
    return PickedRecords(records, final_places((record.key, record.measured) for record in records))
