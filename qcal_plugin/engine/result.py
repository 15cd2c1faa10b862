"""The engine's result for one item. It is sent from the controller to a worker as JSON."""

from __future__ import annotations

from dataclasses import dataclass

from reports.records.records import Answer, Failure, ItemKey, Status, Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineResult:
    """The answer to one item and its verdicts, or why there is none.

    Attributes:
        judging: whether the item's score needs verdicts.
        attempts: model requests sent in this run for this outcome; 0 if a stored answer was used.
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
