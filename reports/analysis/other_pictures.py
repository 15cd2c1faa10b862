"""Controls and perturbations: items asked with another picture, compared with the same items and their plots."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from reports.analysis.comparison import FLIP, Row, item_name, item_scores, overall_row
from reports.records.floors import Floor
from reports.records.outcomes import Outcome, grouped
from reports.statistics.floors import AboveFloor, above_floor
from reports.statistics.sign_flips import NO_CHANGE
from scoring.questions import Mode, Question

CONTROLS = {
    "blank": "a blank picture",
    "shuffled": "another family's plot",
    "sibling": "another scenario type's plot",
}
"""The variants that are controls, as tables name them."""

MEAN = "Mean"

PERTURBATIONS = {
    "colormap": "other colours",
    "dpi": "another resolution",
    "jpeg": "JPEG compression",
    "axis-order": "the axes of maps exchanged",
}
"""The variants that are harmless changes, as tables name them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ceiling:
    """The largest possible gain over a control, on the items for which it is known; 0..1.

    If a control shows another sample's plot, a reader that always describes the plot shown correctly still
    scores on items with the same right answer for both plots.

    Attributes:
        gain: the gain on these items.
        possible: the gain of such a reader.
    """

    gain: float
    possible: float

    @property
    def share(self) -> float | None:
        """The gain as a share of the possible gain; None if no gain is possible."""
        return self.gain / self.possible if self.possible > NO_CHANGE else None


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureRow:
    """One group of items with both pictures; scores are 0..1.

    Attributes:
        compared: for a control, "later" is the plot, and the difference is the gain; for a perturbation,
            "earlier" is the plot as drawn, and the difference is the change.
        items: how many were measured with both pictures, repeats averaged.
        moved: how many of their scores differ.
        flipped: how many differ by at least FLIP, up or down.
        floor: how far the scores with the plot as drawn are above their floor.
        ceiling: of the gain; None for a perturbation or a blank picture, and if it is not known for any item.
    """

    compared: Row
    items: int
    moved: int
    flipped: int
    floor: AboveFloor | None
    ceiling: Ceiling | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureStudy:
    """One control or perturbation in one mode: a row for each question, for their mean, and for each family."""

    variant: str
    mode: Mode
    questions: tuple[PictureRow, ...]
    mean: PictureRow
    families: tuple[PictureRow, ...]

    @property
    def rows(self) -> tuple[PictureRow, ...]:
        """All rows, in the order of a table."""
        return (*self.by_question, *self.families)

    @property
    def by_question(self) -> tuple[PictureRow, ...]:
        """The rows of the questions and of their mean."""
        return (*self.questions, self.mean)


def picture_studies(outcomes: Sequence[Outcome]) -> tuple[PictureStudy, ...]:
    """Return the studies of other pictures in these outcomes, controls first, by mode."""
    asked = grouped(outcomes, lambda outcome: (outcome.key.variant, outcome.key.mode))
    return tuple(
        _study(variant, mode, asked.get(("", mode), []), [_without_variant(o) for o in asked[variant, mode]])
        for variant in (*CONTROLS, *PERTURBATIONS)
        for mode in Mode
        if (variant, mode) in asked
    )


def pictures_json(studies: Sequence[PictureStudy]) -> dict[str, list[dict[str, Any]]]:
    """Return the rows of `gain_tables` and `change_tables` as ``controls`` and ``perturbations`` of ``report.json``."""
    return {
        "controls": [
            _row_json(study, row, "control_mean", "mean", "gain") for study, row in _rows(studies, CONTROLS)
        ],
        "perturbations": [
            _row_json(study, row, "mean", "changed_mean", "change")
            for study, row in _rows(studies, PERTURBATIONS)
        ],
    }


def _rows(
    studies: Sequence[PictureStudy], variants: Container[str]
) -> Iterator[tuple[PictureStudy, PictureRow]]:
    return ((study, row) for study in studies if study.variant in variants for row in study.rows)


def _row_json(
    study: PictureStudy, row: PictureRow, earlier: str, later: str, difference: str
) -> dict[str, Any]:
    change = row.compared.difference
    return {
        "variant": study.variant,
        "mode": study.mode,
        "group": row.compared.name,
        earlier: row.compared.earlier_mean,
        later: row.compared.later_mean,
        difference: change.mean,
        "interval": change.interval and asdict(change.interval),
        "samples": change.samples,
        "items": row.items,
        "moved": row.moved,
        "flipped": row.flipped,
        "floor": row.floor and asdict(row.floor),
        **({} if row.ceiling is None else {"ceiling": row.ceiling.possible, "share": row.ceiling.share}),
    }


def _without_variant(outcome: Outcome) -> Outcome:
    return replace(outcome, key=outcome.key._replace(variant=""))


def _study(variant: str, mode: Mode, plain: Sequence[Outcome], shown: Sequence[Outcome]) -> PictureStudy:
    def row(name: str, keep: Callable[[Outcome], bool]) -> PictureRow:
        return _row(name, variant, list(filter(keep, plain)), list(filter(keep, shown)))

    asked, families = (
        {outcome.key.question for outcome in shown},
        sorted({outcome.family for outcome in shown}),
    )
    return PictureStudy(
        variant=variant,
        mode=mode,
        questions=tuple(
            row(question.value, _is_of_question(question)) for question in Question if question in asked
        ),
        mean=row(MEAN, lambda _: True),
        families=tuple(row(family, _is_of_family(family)) for family in families),
    )


def _row(name: str, variant: str, plain: Sequence[Outcome], shown: Sequence[Outcome]) -> PictureRow:
    earlier, later = (shown, plain) if variant in CONTROLS else (plain, shown)
    before, now = item_scores(earlier), item_scores(later)
    sizes = [abs(now[item] - before[item]) for item in before.keys() & now.keys()]
    return PictureRow(
        compared=overall_row(earlier, later, name, tested=False),
        items=len(sizes),
        moved=sum(size > NO_CHANGE for size in sizes),
        flipped=sum(size >= FLIP for size in sizes),
        floor=above_floor(plain),
        ceiling=_ceiling(plain, shown) if variant in CONTROLS else None,
    )


def _ceiling(plain: Sequence[Outcome], shown: Sequence[Outcome]) -> Ceiling | None:
    """Return the ceiling of the gain on the items measured with both pictures, if both have known right answers."""
    measured = {item_name(outcome) for outcome in plain if outcome.measured}
    known = [
        outcome
        for outcome in shown
        if outcome.measured and Floor.STAND_IN in outcome.floors and item_name(outcome) in measured
    ]
    if not known:
        return None
    names = {item_name(outcome) for outcome in known}
    perfect = [replace(outcome, value=outcome.floors[Floor.STAND_IN]) for outcome in known]
    with_plot = overall_row(
        known, [one for one in plain if item_name(one) in names], "", tested=False
    ).difference
    read = overall_row(perfect, [replace(one, value=1.0) for one in known], "", tested=False).difference
    if with_plot.mean is None or read.mean is None:
        return None
    return Ceiling(gain=with_plot.mean, possible=read.mean)


def _is_of_question(question: Question) -> Callable[[Outcome], bool]:
    return lambda outcome: outcome.key.question is question


def _is_of_family(family: str) -> Callable[[Outcome], bool]:
    return lambda outcome: outcome.family == family
