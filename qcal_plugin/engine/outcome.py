"""What the engine found out about one item; travels from the controller to a worker as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from reports.records.records import (
    Answer,
    Failure,
    ItemKey,
    Status,
    Verdict,
    answer_from_json,
    key_from_json,
    key_to_json,
    verdict_from_json,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The answer to one item and its verdicts, or why there is none.

    Attributes:
        judging: whether the item's score needs verdicts.
        attempts: model requests sent in this run for this outcome; 0 where a stored answer was used.
    """

    key: ItemKey
    request_sha256: str
    answer: Answer | None
    verdicts: tuple[Verdict, ...]
    judging: bool
    failure: Failure | None
    attempts: int

    @property
    def status(self) -> Status:
        """Whether the item can be scored, and if not, why."""
        if self.answer is None:
            return Status.REQUEST_FAILED
        if self.answer.withheld is not None:
            return self.answer.withheld
        if not self.judging:
            return Status.SCORED
        if not self.verdicts:
            return Status.UNJUDGED
        usable = all(verdict.grades is not None for verdict in self.verdicts)
        return Status.SCORED if usable else Status.JUDGE_FAILED

    @property
    def error(self) -> Failure | None:
        """The failure to report: the request's, or the judges'."""
        if self.failure is not None or self.status is not Status.JUDGE_FAILED:
            return self.failure
        errors = [f"judge {verdict.judge}: {verdict.error}" for verdict in self.verdicts if verdict.error]
        return Failure(kind="judge", message="; ".join(errors))


def outcome_to_json(outcome: Outcome) -> dict[str, Any]:
    """The outcome as plain JSON."""
    return {
        "key": key_to_json(outcome.key),
        "request_sha256": outcome.request_sha256,
        "answer": None if outcome.answer is None else asdict(outcome.answer),
        "verdicts": [asdict(verdict) for verdict in outcome.verdicts],
        "judging": outcome.judging,
        "failure": None if outcome.failure is None else asdict(outcome.failure),
        "attempts": outcome.attempts,
    }


def outcome_from_json(data: Mapping[str, Any]) -> Outcome:
    """Inverse of `outcome_to_json`."""
    return Outcome(
        key=key_from_json(data["key"]),
        request_sha256=data["request_sha256"],
        answer=None if data["answer"] is None else answer_from_json(data["answer"]),
        verdicts=tuple(verdict_from_json(verdict) for verdict in data["verdicts"]),
        judging=data["judging"],
        failure=None if data["failure"] is None else Failure(**data["failure"]),
        attempts=data["attempts"],
    )
