"""``--judge-baselines``: the last demonstration's answer to Q3, graded by the judges like a model's.

Such an item has the variant `COPIED`, and its score is the floor of the in-context item. The model is not
asked.
"""

from __future__ import annotations

from dataclasses import dataclass

from qcal_plugin.dataset.cases import Case, TextPart
from qcal_plugin.demo.content import Picture, demonstrated, shown
from qcal_plugin.engine.chat import ChatRequest
from qcal_plugin.engine.failures import RequestFailed
from qcal_plugin.engine.model import Model
from reports.records.conditions import COPIED
from reports.records.records import Answer, ItemKey
from scoring.questions import Mode, Question

FINISHED = "stop"


def has_judged_floor(key: ItemKey) -> bool:
    """Return whether the item's floor for copying needs judges."""
    return key.mode is Mode.ICL and key.question is Question.Q3 and not key.variant


@dataclass(frozen=True, slots=True)
class CopyingModel:
    """A model that is not asked items of the variant `COPIED`: a demonstration's answer is returned."""

    model: Model

    def request(self, case: Case) -> ChatRequest:
        """See `Model`."""
        return self.model.request(case)

    async def ask(self, case: Case, request: ChatRequest, ready_at: float) -> Answer:
        """See `Model`. Raises RequestFailed if nothing is demonstrated."""
        if case.key.variant != COPIED:
            return await self.model.ask(case, request, ready_at)
        parts = [part.text if isinstance(part, TextPart) else Picture("") for part in case.prompt]
        examples = shown(parts)[:-1]
        text = demonstrated(examples[-1].text) if examples else ""
        if not text:
            raise RequestFailed(
                kind="no_demonstration", message="the prompt has no demonstration to repeat", attempts=0
            )
        return Answer(text=text, finish_reason=FINISHED, attempts=0)
