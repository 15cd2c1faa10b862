"""The page of a comparison: its tables, and each item that was fixed or broken with its plot and both answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from reports.analysis.comparison import ItemName, flipped_items
from reports.html.items import plots_json, shortened
from reports.records.illustrations import load_sheets, plot_files
from reports.records.names import MODE_NAMES
from reports.records.outcomes import counted_records, evaluation_of
from reports.records.records import ItemKey, Record
from reports.records.run_files import load_run

ANSWER_CHARACTERS = 3000
MOST_FLIPS = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One run's result for an item.

    ``score``: 0..1, the mean over repeats; the answer is the first repeat's.
    """

    score: float
    extracted: str
    answer: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Flip:
    """An item that was fixed or broken. ``plots``: ``data:`` URLs, if the run kept plots."""

    title: str
    fixed: bool
    expected: str
    earlier: Side
    later: Side
    plots: tuple[str, ...]


def flips(earlier_dir: Path, later_dir: Path) -> tuple[Flip, ...]:
    """Return at most MOST_FLIPS items, fixed before broken, the largest changes first; plots are the later run's.

    Raises RunFileError or OSError.
    """
    earlier, later = load_run(earlier_dir), load_run(later_dir)
    flipped = flipped_items(evaluation_of(earlier), evaluation_of(later))[:MOST_FLIPS]
    before, now = counted_records(earlier), counted_records(later)
    sheets = load_sheets(later_dir)
    wanted = {
        digest for name, *_ in flipped if name.sample_id in sheets for digest in sheets[name.sample_id].plots
    }
    pictures = plots_json(
        {digest: path for digest, path in plot_files(later_dir).items() if digest in wanted}
    )
    return tuple(
        Flip(
            title=f"{name.sample_id} {name.question} ({MODE_NAMES[name.mode]})",
            fixed=later_score > earlier_score,
            expected=_expected(now.get(_key(name))),
            earlier=_side(earlier_score, before.get(_key(name))),
            later=_side(later_score, now.get(_key(name))),
            plots=_plots(sheets[name.sample_id].plots if name.sample_id in sheets else (), pictures),
        )
        for name, earlier_score, later_score in flipped
    )


def _plots(digests: Sequence[str], pictures: dict[str, str]) -> tuple[str, ...]:
    return tuple(pictures[digest] for digest in digests if digest in pictures)


def _key(name: ItemName) -> ItemKey:
    """Return the key of the first repeat."""
    return ItemKey(name.sample_id, name.question, name.mode)


def _expected(record: Record | None) -> str:
    return "" if record is None or record.score is None else str(record.score.expected)


def _side(score: float, record: Record | None) -> Side:
    extracted = "" if record is None or record.score is None else str(record.score.extracted)
    answer = "" if record is None or record.answer is None else record.answer.text
    return Side(score=score, extracted=extracted, answer=shortened(answer, ANSWER_CHARACTERS))
