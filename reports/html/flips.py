"""The page of a comparison: its tables, and each item that was fixed or broken with its plot and both answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from reports.comparison import FLIP, ItemName, item_scores
from reports.html.items import plots_json, shortened
from reports.illustrations import load_sheets, plot_files
from reports.outcomes import counted_records, evaluation_of
from reports.records import ItemKey, Record, Run
from reports.run_files import load_run
from reports.tables import MODE_NAMES

ANSWER_CHARACTERS = 3000
MOST_FLIPS = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """What one run made of an item; ``score`` 0..1, the mean over repeats; the answer is the first repeat's."""

    score: float
    extracted: str
    answer: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Flip:
    """An item whose score changed by at least FLIP. ``plots``: ``data:`` URLs, none where the run kept none."""

    title: str
    fixed: bool
    expected: str
    earlier: Side
    later: Side
    plots: tuple[str, ...]


def flips(earlier_dir: Path, later_dir: Path) -> tuple[Flip, ...]:
    """The largest changes first, fixed before broken, at most MOST_FLIPS. Plots come from the later run's folder.

    Raises RunFileError or OSError.
    """
    earlier, later = load_run(earlier_dir), load_run(later_dir)
    before, now = item_scores(evaluation_of(earlier)), item_scores(evaluation_of(later))
    changes = {name: now[name] - before[name] for name in before.keys() & now.keys()}
    names = sorted((n for n in changes if abs(changes[n]) >= FLIP), key=lambda n: (-changes[n], n))[:MOST_FLIPS]
    sheets = load_sheets(later_dir)
    wanted = {digest for name in names if name.sample_id in sheets for digest in sheets[name.sample_id].plots}
    pictures = plots_json({digest: path for digest, path in plot_files(later_dir).items() if digest in wanted})
    return tuple(
        Flip(
            title=f"{name.sample_id} {name.question} ({MODE_NAMES[name.mode]})",
            fixed=changes[name] > 0,
            expected=_expected(_record(later, name)),
            earlier=_side(before[name], _record(earlier, name)),
            later=_side(now[name], _record(later, name)),
            plots=_plots(sheets[name.sample_id].plots if name.sample_id in sheets else (), pictures),
        )
        for name in names
    )


def _plots(digests: Sequence[str], pictures: dict[str, str]) -> tuple[str, ...]:
    return tuple(pictures[digest] for digest in digests if digest in pictures)


def _record(run: Run, name: ItemName) -> Record | None:
    return counted_records(run).get(ItemKey(name.sample_id, name.question, name.mode))


def _expected(record: Record | None) -> str:
    return "" if record is None or record.score is None else str(record.score.expected)


def _side(score: float, record: Record | None) -> Side:
    extracted = "" if record is None or record.score is None else str(record.score.extracted)
    answer = "" if record is None or record.answer is None else record.answer.text
    return Side(score=score, extracted=extracted, answer=shortened(answer, ANSWER_CHARACTERS))
