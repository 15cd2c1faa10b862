"""``--judge-canary``: judges grade a frozen set of answers with known grades before anything else is asked.

CanaryError    a judge gave no usable reply at all; the message says why
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

from qcal_plugin.engine.failures import EngineStopped
from qcal_plugin.engine.judge import Judge, Submission
from reports.records.files import write_file
from reports.records.run_files import CANARY_NAME, CanaryFile, CanaryJudge
from reports.records.typed_json import encode_indented
from scoring.canary import CanaryAnswer, agreement, attacked_twins, gullibility, load_canary
from scoring.errors import QCalError


class CanaryError(QCalError):
    """A judge cannot grade. The message says which, and why."""


async def judge_canary(judges: Sequence[Judge]) -> tuple[CanaryJudge, ...]:
    """Let every judge grade the whole set. It is small, so all requests are sent at once.

    Raises CanaryError for a judge without a single usable reply, since an agreement of 0% would be
    meaningless.
    """
    answers, twins = load_canary(), [twin for _, twin in attacked_twins()]
    return tuple([await _judge_one(judge, answers, twins) for judge in judges])


def write_canary(run_dir: Path, results: Sequence[CanaryJudge]) -> None:
    """Write ``canary.json``: the set's names, traits and known grades, the attacks, and each judge's grades."""
    answers = tuple({"name": item.name, "trait": item.trait, "known": item.grades} for item in load_canary())
    twins = tuple({"name": twin.name, "attack": twin.trait} for _, twin in attacked_twins())
    write_file(
        run_dir / CANARY_NAME,
        encode_indented(CanaryFile(answers=answers, twins=twins, judges=tuple(results))),
    )


async def _judge_one(
    judge: Judge, answers: Sequence[CanaryAnswer], twins: Sequence[CanaryAnswer]
) -> CanaryJudge:
    asked = (*answers, *twins)
    submissions = [
        Submission(question=item.question, text=item.text, reference=item.reference) for item in asked
    ]
    try:
        verdicts = await asyncio.gather(*(judge.grade(submission) for submission in submissions))
    except EngineStopped as stopped:
        raise CanaryError(f"judge {judge.name} graded no answer of the canary: {stopped}") from stopped
    plain, attacked = verdicts[: len(answers)], verdicts[len(answers) :]
    if all(verdict.grades is None for verdict in plain):
        why = next((verdict.error for verdict in plain if verdict.error), "no usable reply")
        raise CanaryError(f"judge {judge.name} graded no answer of the canary: {why}; nothing else was sent")
    grades, twin_grades = (tuple(verdict.grades for verdict in part) for part in (plain, attacked))
    return CanaryJudge(
        judge=judge.name,
        agreement=agreement([item.grades for item in answers], grades),
        grades=grades,
        gullibility=gullibility(grades, twin_grades),
        twin_grades=twin_grades,
    )
