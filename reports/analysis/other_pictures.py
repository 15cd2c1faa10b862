"""Items asked again with another picture, compared with the same items and their own plots."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from reports.analysis.comparison import FLIP, Row, item_scores, overall_row
from reports.records.outcomes import Outcome, grouped
from reports.statistics.floors import AboveFloor, above_floor
from reports.statistics.sign_flips import NO_CHANGE
from scoring.questions import Mode, Question

CONTROLS = {
    "blank": "a blank picture",
    "shuffled": "another family's plot",
    "sibling": "another scenario type's plot",
}
"""Variants that are controls, in words."""

PERTURBATIONS = {
    "colormap": "other colours",
    "dpi": "another resolution",
    "jpeg": "JPEG compression",
    "axis-order": "the axes of maps exchanged",
}
"""Variants that are harmless changes, in words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureRow:
    """One group of items with both pictures; scores 0..1.

    Attributes:
        compared: under a control, the later is the plot (its difference is the gain); under a perturbation, the earlier
            is the plot as drawn (the difference is the change).
        items: measured with both pictures, repeats averaged.
        moved: of these, how many scores differ at all.
        flipped: of these, how many differ by at least FLIP, up or down.
        floor: how far the scores with the plot as drawn are above their floor.
    """

    compared: Row
    items: int
    moved: int
    flipped: int
    floor: AboveFloor | None


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
        return (*self.questions, self.mean, *self.families)


def picture_studies(outcomes: Sequence[Outcome]) -> tuple[PictureStudy, ...]:
    """What was asked with other pictures, controls first, mode by mode."""
    asked = grouped(outcomes, lambda outcome: (outcome.key.variant, outcome.key.mode))
    return tuple(
        _study(variant, mode, asked.get(("", mode), []), [_without_variant(o) for o in asked[variant, mode]])
        for variant in (*CONTROLS, *PERTURBATIONS)
        for mode in Mode
        if (variant, mode) in asked
    )


def pictures_json(studies: Sequence[PictureStudy]) -> dict[str, list[dict[str, Any]]]:
    """The rows of `gain_tables` and `change_tables` as entries of ``report.json``: ``controls``, ``perturbations``."""
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
        mean=row("Mean", lambda _: True),
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
    )


def _is_of_question(question: Question) -> Callable[[Outcome], bool]:
    return lambda outcome: outcome.key.question is question


def _is_of_family(family: str) -> Callable[[Outcome], bool]:
    return lambda outcome: outcome.family == family
