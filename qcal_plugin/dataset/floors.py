"""The floors of a dataset's items, computed from its rows (`qcal_plugin.baselines`)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from qcal_plugin.baselines.constants import best_constant
from qcal_plugin.baselines.demonstrations import Piece, demonstrations
from qcal_plugin.baselines.floors import floors_of
from qcal_plugin.dataset.rows import SampleRow
from reports.records.floors import Floor
from scoring.questions import Mode, Question
from scoring.reference import Reference


class DatasetFloors:
    """Computes floors from all samples: the best constant answer of each family, and the samples that prompts show."""

    def __init__(self, samples: Iterable[SampleRow]) -> None:
        families: dict[str, list[SampleRow]] = {}
        self._by_image: dict[str, list[SampleRow]] = {}
        for row in samples:
            families.setdefault(row.family, []).append(row)
            for image_id in row.image_ids:
                self._by_image.setdefault(image_id, []).append(row)
        self._constants = {
            (family, question): best_constant(question, [_reference(row, question) for row in rows])
            for family, rows in families.items()
            for question in Question
        }

    def of(self, row: SampleRow, icl_prompts: Mapping[Question, Sequence[Piece]]) -> dict[str, Any]:
        """Map mode -> question -> scorer -> floors of the item; ICL is left out without prompts."""
        zeroshot = {question: self._floors(row, question, {}) for question in Question}
        icl = {
            question: self._floors(row, question, self._copied(row, question, prompt))
            for question, prompt in icl_prompts.items()
        }
        return {mode: floors for mode, floors in ((Mode.ZEROSHOT, zeroshot), (Mode.ICL, icl)) if floors}

    def _floors(
        self, row: SampleRow, question: Question, copied: Mapping[Floor, str]
    ) -> dict[str, dict[str, Any]]:
        answers = {Floor.CONSTANT: self._constants[row.family, question], **copied}
        return floors_of(question, _reference(row, question), answers)

    def _copied(self, row: SampleRow, question: Question, prompt: Sequence[Piece]) -> dict[Floor, str]:
        shown = dict.fromkeys(piece["image"] for piece in prompt if "image" in piece)
        others = {
            image_id: [other.answers[question] for other in self._by_image[image_id] if other is not row]
            for image_id in shown
        }
        return demonstrations(question, prompt, row.image_ids, others).copied(question)


def _reference(row: SampleRow, question: Question) -> Reference:
    return Reference(
        answer=row.answers[question],
        plot_description=row.answers[Question.Q1],
        scenario_type=row.scenario_type,
        key_points=row.key_points.get(question, ()),
        field_rules=row.field_rules if question is Question.Q5 else {},
    )
