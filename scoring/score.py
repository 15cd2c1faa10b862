"""The outcome of scoring one answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from scoring.reference import JSON


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """How good one answer is.

    Attributes:
        value: 0 (wrong) to 1 (right), unrounded. The protocol's 0-100 is ``100 * value``.
        extracted: what was read from the answer (a label, a status code, the parsed JSON); None if nothing
            was found.
        expected: the same, read from the reference answer.
        components: the parts that make up ``value``, each 0..1 (Q1: plot_type, x_scale, y_scale, fields,
            key_points; Q3: key_points; Q5: one per field). If the reference of a Q5 is an array, ``value`` is
            0 and the only component is ``per_site``, which does not enter it
            (docs/protocol.md#q5-parameter-extraction).
    """

    value: float
    extracted: JSON
    expected: JSON
    components: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Raise ValueError on a value that no scorer gives: stored scores are read into this class, too."""
        if not 0 <= self.value <= 1:
            raise ValueError(f"score {self.value} is not in 0..1")
