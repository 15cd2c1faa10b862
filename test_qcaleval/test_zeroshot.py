"""Zero-shot: six questions about each plot, without demonstrations."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from qcal_plugin.worker.measuring import CaseUnderTest
from reports.records.records import Answer, Verdict
from scoring.score import Score


@pytest.mark.qcal_asks(mode="zeroshot")
def test_zeroshot(
    case: CaseUnderTest,
    model_answer: Answer,
    judge_verdicts: tuple[Verdict, ...],
    record_score: Callable[[Score], None],
) -> None:
    """Take the model's answer and the judges' grades, and record the score."""
    record_score(case.score(model_answer, judge_verdicts))
