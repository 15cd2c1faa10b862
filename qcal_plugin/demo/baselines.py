"""Models without weights for ``--demo`` and ``--baseline``, which a real model has to beat (docs/baselines.md)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import TypeAlias, assert_never

from qcal_plugin.dataset.prepare import Progress
from qcal_plugin.dataset.prepared import PreparedDataset
from qcal_plugin.demo.blind_baseline import blind_answer
from qcal_plugin.demo.content import Part, prompt_text
from qcal_plugin.demo.copying_baseline import copied_answer

Answerer: TypeAlias = Callable[[Sequence[Part]], str]
"""Answers the content of a message. Raises ValueError if a picture in it cannot be read."""


class Baseline(StrEnum):
    """The kinds of baseline."""

    NEAREST = "nearest"
    """Gives the answer of the most similar synthetic plot, or of the most similar demonstration if there are any."""
    BLIND = "blind"
    """Answers from the prompt's text alone."""
    COPY = "copy"
    """Repeats the last demonstration."""

    @property
    def model(self) -> str:
        """The name under which it is served."""
        return f"{self.value}-baseline"

    @property
    def stand_in(self) -> str:
        """Its description for tables."""
        match self:
            case Baseline.NEAREST:
                return "model: nearest-plot baseline, compares pictures with synthetic plots of another seed"
            case Baseline.BLIND:
                return "model: blind baseline, reads the prompt's text and no image"
            case Baseline.COPY:
                return "model: copying baseline, repeats the last demonstration and sees no image"
            case _:
                assert_never(self)


def answerer(baseline: Baseline, dataset: PreparedDataset, progress: Progress | None) -> Answerer:
    """Return the baseline, ready for questions about the dataset; ``progress`` is called during long steps.

    Raises DatasetError if the plots that it compares with cannot be prepared.
    """
    match baseline:
        case Baseline.NEAREST:
            from qcal_plugin.demo.nearest_plot import NearestPlot
            from qcal_plugin.demo.plot_memory import remembered

            return NearestPlot(remembered(dataset, progress))
        case Baseline.BLIND:
            return _blind
        case Baseline.COPY:
            return copied_answer
        case _:
            assert_never(baseline)


def _blind(parts: Sequence[Part]) -> str:
    return blind_answer(prompt_text(parts))
