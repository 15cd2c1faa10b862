"""Judges: each grades the key points of one answer (PROTOCOL.md section 4)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from qcal_plugin.dataset.cases import TextPart
from qcal_plugin.engine.chat import ChatRequest
from qcal_plugin.engine.failures import RequestFailed
from reports.records.records import Verdict
from scoring.key_points import BadReply, Grades, judge_prompt, parse_reply, repair_prompt

if TYPE_CHECKING:
    from qcal_plugin.engine.endpoint import Endpoint, Exchange
    from scoring.questions import Question
    from scoring.reference import Reference

JUDGE_MAX_TOKENS = 4096
REPLIES_ASKED = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """An answer to be graded, with what it is graded against."""

    question: Question
    text: str
    reference: Reference


class Judge(Protocol):
    """Whoever grades key points. ``name`` identifies the judge among those of a run."""

    @property
    def name(self) -> str:
        """Unique in a run."""
        ...

    def identify(self, submission: Submission) -> str:
        """Digest of all that the verdict depends on; a stored verdict is used again only if it matches."""
        ...

    async def grade(self, submission: Submission) -> Verdict:
        """Grade one answer. A judge that fails says so in the verdict; EngineStopped passes through."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelJudge:
    """A judge behind an endpoint, asked with one text-only user message."""

    name: str
    model: str
    endpoint: Endpoint
    template: str

    def identify(self, submission: Submission) -> str:
        """See `Judge`."""
        return self._request(self._prompt(submission)).sha256

    async def grade(self, submission: Submission) -> Verdict:
        """See `Judge`. After an unusable reply it asks again with the fault named, up to five replies in all."""
        prompt = self._prompt(submission)
        message, attempts = prompt, 0
        reply, fault = "", ""
        for _ in range(REPLIES_ASKED):
            try:
                exchange = await self.endpoint.chat(self._request(message).body())
            except RequestFailed as failure:
                return Verdict(
                    judge=self.name,
                    reply=reply or None,
                    grades=None,
                    error=f"{failure.kind}: {failure.message}",
                    attempts=attempts + failure.attempts,
                )
            attempts += exchange.attempts
            reply = exchange.reply.text or ""
            try:
                grades = parse_reply(reply, len(submission.reference.key_points))
            except BadReply as bad:
                fault = str(bad)
                message = f"{prompt}\n\n{repair_prompt(fault)}"
            else:
                return self._verdict(exchange, grades, attempts)
        return Verdict(judge=self.name, reply=reply, grades=None, error=f"bad_reply: {fault}", attempts=attempts)

    def _prompt(self, submission: Submission) -> str:
        return judge_prompt(submission.question, submission.text, submission.reference, template=self.template)

    def _request(self, message: str) -> ChatRequest:
        return ChatRequest(
            model=self.model, prompt=(TextPart(text=message),), max_tokens=JUDGE_MAX_TOKENS, temperature=0.0
        )

    def _verdict(self, exchange: Exchange, grades: Grades, attempts: int) -> Verdict:
        reply = exchange.reply
        return Verdict(
            judge=self.name,
            reply=reply.text,
            grades=grades.grades,
            faults=grades.faults,
            attempts=attempts,
            latency_s=exchange.latency_s,
            prompt_tokens=reply.prompt_tokens,
            completion_tokens=reply.completion_tokens,
        )
