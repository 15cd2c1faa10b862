"""Which of several runs can be compared in one table, and why the others cannot."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from reports.analysis.comparison import unlike_fields
from reports.analysis.standings import Entrant
from reports.records.names import MODE_NAMES
from scoring.questions import Mode

COMPLETE = 0.99
"""A run with a smaller share of its items measured is not compared, because the missing items may be the hard ones."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """The runs of one table.

    Attributes:
        standard: the run whose dataset, scorer, judges and settings most others share; the latest of several.
        reasons: for each run, in order, why it is not comparable with the standard; empty if it is.
    """

    standard: Entrant
    reasons: tuple[tuple[str, ...], ...]


def field_of(entrants: Sequence[Entrant]) -> Field:
    """Choose the standard among at least one run, and say why the others are not comparable with it."""
    latest = sorted(entrants, key=lambda entrant: (entrant.started_at, entrant.run_id), reverse=True)
    kinds: list[list[Entrant]] = []
    for entrant in latest:
        kind = next((kind for kind in kinds if not unlike_fields(kind[0].identity, entrant.identity)), None)
        if kind is None:
            kinds.append([entrant])
        else:
            kind.append(entrant)
    kind = max(kinds, key=len)
    items = Counter(frozenset(entrant.planned) for entrant in kind)
    plan = max(items, key=lambda planned: (items[planned], len(planned)))
    standard = next(entrant for entrant in kind if frozenset(entrant.planned) == plan)
    return Field(standard=standard, reasons=tuple(tuple(_reasons(entrant, standard)) for entrant in entrants))


def _reasons(entrant: Entrant, standard: Entrant) -> Iterator[str]:
    yield from unlike_words(standard, entrant)
    for mode in Mode:
        wanted = {name for name in standard.planned if name.mode is mode}
        own = {name for name in entrant.planned if name.mode is mode}
        if own and (absent := len(wanted - own)):
            yield f"{MODE_NAMES[mode]}: {absent:,} of {len(wanted):,} items not asked"
        elif own and (extra := len(own - wanted)):
            yield f"{MODE_NAMES[mode]}: {extra:,} further items"
    planned = sum(
        standing.planned for (_, question), standing in entrant.standings.items() if question is None
    )
    measured = sum(
        standing.measured for (_, question), standing in entrant.standings.items() if question is None
    )
    if measured < COMPLETE * planned:
        yield f"{planned - measured:,} of {planned:,} items not measured"


def unlike_words(standard: Entrant, entrant: Entrant) -> tuple[str, ...]:
    """Say what differs in dataset, scorer, judges and settings, with the second run as "here"."""
    differences = unlike_fields(standard.identity, entrant.identity)
    parted = [words.removesuffix(" in the other").partition(" in one and ") for words in differences]
    return tuple(f"{before} in the others and {now} here" for before, _, now in parted)
