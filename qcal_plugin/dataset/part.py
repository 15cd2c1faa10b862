"""Which part of a dataset is prepared for a run of a few samples. Standard library only: workers import it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from qcal_plugin.dataset.prepared import SampleEntry


@dataclass(frozen=True, slots=True)
class Part:
    """The samples that a run asks about, if it needs no others.

    Attributes:
        key: what `choose` depends on besides the dataset; part of the folder's key.
        choose: the ids of these samples, of all that the dataset has.
    """

    key: str
    choose: Callable[[Sequence[SampleEntry]], Collection[str]]
