"""``--judge-canary``: judges grade a frozen set of answers with known grades before anything else is asked.

CanaryError    a judge gave no usable reply at all; the message says why
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from qcal_plugin.dataset.cache import write_file
from qcal_plugin.engine.failures import EngineStopped
from qcal_plugin.engine.judge import Judge, Submission
from scoring.canary import CanaryAnswer, agreement, load_canary
from scoring.errors import QCalError

CANARY_FILE = "canary.json"


class CanaryError(QCalError):
    """A judge cannot grade; ``str()`` says which, and why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CanaryResult:
    """How one judge graded the canary.

    Attributes:
        agreement: share of key points graded as known, 0..1.
        grades: per answer, in the order of the set; None where no usable reply came.
    """

    judge: str
    agreement: float
    grades: tuple[tuple[float, ...] | None, ...]


async def judge_canary(judges: Sequence[Judge]) -> tuple[CanaryResult, ...]:
    """Let every judge grade the whole set, all at once: it is small.

    Raises CanaryError for a judge without a single usable reply: an agreement of 0% would be a figure about nothing.
    """
    answers = load_canary()
    return tuple([await _judge_one(judge, answers) for judge in judges])


def write_canary(run_dir: Path, results: Sequence[CanaryResult]) -> None:
    """Write ``canary.json``: the set's names, traits and known grades, and each judge's."""
    answers = [{"name": item.name, "trait": item.trait, "known": item.grades} for item in load_canary()]
    judges = [_result_json(result) for result in results]
    text = json.dumps({"schema_version": 1, "answers": answers, "judges": judges}, indent=1)
    write_file(run_dir / CANARY_FILE, text.encode())


async def _judge_one(judge: Judge, answers: Sequence[CanaryAnswer]) -> CanaryResult:
    submissions = [Submission(question=item.question, text=item.text, reference=item.reference) for item in answers]
    try:
        verdicts = await asyncio.gather(*(judge.grade(submission) for submission in submissions))
    except EngineStopped as stopped:
        raise CanaryError(f"judge {judge.name} grades nothing of the canary: {stopped}") from stopped
    if all(verdict.grades is None for verdict in verdicts):
        why = next((verdict.error for verdict in verdicts if verdict.error), "no usable reply")
        raise CanaryError(f"judge {judge.name} grades nothing of the canary: {why}; nothing else was asked")
    grades = tuple(verdict.grades for verdict in verdicts)
    return CanaryResult(judge=judge.name, agreement=agreement([item.grades for item in answers], grades), grades=grades)


def _result_json(result: CanaryResult) -> dict[str, Any]:
    return {"judge": result.judge, "agreement": result.agreement, "grades": result.grades}
