"""The reference that an answer is compared with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    JSON: TypeAlias = "None | bool | int | float | str | list[JSON] | dict[str, JSON]"
else:
    JSON = Any  # libraries that read annotations at run time cannot follow an alias that contains itself

FieldRules: TypeAlias = Mapping[str, Mapping[str, Any]]
"""Rules of Q5: field -> ``{"type", "tol_full", "tol_half"}`` (docs/protocol.md#q5-parameter-extraction)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """The reference side of one question about one sample.

    Attributes:
        answer: the reference answer to this question, as in the dataset.
        plot_description: the reference answer to Q1, which tells the judge what the plot shows.
        scenario_type: the sample's ``experiment_type``; it is in the judge's prompt.
        key_points: the points that a judge grades one by one; empty for Q2, Q4, Q5 and Q6.
        field_rules: how Q5 compares each field; empty for the other questions.
    """

    answer: str
    plot_description: str
    scenario_type: str
    key_points: tuple[str, ...] = ()
    field_rules: FieldRules = field(default_factory=dict)
