"""The part of a dataset that is prepared for a run of a few samples.

Standard library only: workers import it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from qcal_plugin.dataset.prepared import SampleEntry


@dataclass(frozen=True, slots=True)
class Part:
    """The samples that a run asks about, if it needs no others.

    Attributes:
        key: what `choose` depends on besides the dataset; part of the folder's key.
        choose: returns the ids of these samples, given all samples of the dataset.
    """

    key: str
    choose: Callable[[Sequence[SampleEntry]], Collection[str]]
