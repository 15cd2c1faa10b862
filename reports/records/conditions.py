"""Demonstrations as a condition, as items' variants name them. Standard library only: workers import it."""

from __future__ import annotations

import re
from typing import NamedTuple

COPIED = "copied"
"""The variant of an in-context item that the last demonstration answers: its score is a floor of the item."""


class Shots(NamedTuple):
    """A number of demonstrations in the prompt, in one of their orders (1 for the first)."""

    number: int
    order: int = 1

    @property
    def variant(self) -> str:
        """``3-shot``; ``3-shot-order2`` in another order."""
        return f"{self.number}-shot" + (f"-order{self.order}" if self.order > 1 else "")


_SHOTS = re.compile(r"(\d+)-shot(?:-order(\d+))?")


def parse_shots(variant: str) -> Shots | None:
    """Inverse of `Shots.variant`; None for other variants."""
    match = _SHOTS.fullmatch(variant)
    return None if match is None else Shots(int(match[1]), int(match[2] or 1))
