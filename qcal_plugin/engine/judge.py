"""Judges: each grades the key points of one answer (docs/protocol.md#the-judge)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from qcal_plugin.dataset.cases import TextPart
from qcal_plugin.engine.chat import ChatRequest
from qcal_plugin.engine.failures import RequestFailed
from qcal_plugin.engine.reply import ChatReply
from reports.records.records import Verdict
from scoring.judge_reply import BadReply, Grades, read_reply
from scoring.key_points import judge_prompt, repair_prompt
from scoring.reference import JSON

if TYPE_CHECKING:
    from qcal_plugin.engine.endpoint import Endpoint
    from scoring.questions import Question
    from scoring.reference import Reference

JUDGE_MAX_TOKENS = 4096
MOST_ROOM = 4
"""After truncated replies ``max_tokens`` grows up to this factor, so that a judge that repeats itself costs no more."""

REPLIES_ASKED = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """An answer to be graded, with its reference."""

    question: Question
    text: str
    reference: Reference


class Judge(Protocol):
    """Grades key points. ``name`` identifies the judge among those of a run."""

    @property
    def name(self) -> str:
        """Unique in a run."""
        ...

    def identify(self, submission: Submission) -> str:
        """Return a digest of everything that the verdict depends on.

        A stored verdict is reused only if it matches.
        """
        ...

    async def grade(self, submission: Submission) -> Verdict:
        """Grade one answer. If the judge fails, the verdict contains the error. Raises EngineStopped."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelJudge:
    """A judge behind an endpoint. Each request is one user message of text.

    ``extra_body`` holds further fields of its requests; null removes a field of the protocol.
    """

    name: str
    model: str
    endpoint: Endpoint
    template: str
    max_tokens: int = JUDGE_MAX_TOKENS
    extra_body: Mapping[str, JSON] = field(default_factory=dict)

    def identify(self, submission: Submission) -> str:
        """Return the digest of the request."""
        return self._request(self._prompt(submission)).sha256

    async def grade(self, submission: Submission) -> Verdict:
        """Grade one answer.

        After an unusable reply, ask again and name the fault, up to REPLIES_ASKED replies.

        If a reply is truncated or has no content, ``max_tokens`` is doubled, up to MOST_ROOM times the first
        value.
        """
        prompt = self._prompt(submission)
        request = self._request(prompt)
        attempts = 0
        said: str | None = None
        fault: str | None = None
        for _ in range(REPLIES_ASKED):
            try:
                reply = await self.endpoint.chat(request)
            except RequestFailed as failure:
                return self._failed(_request_error(failure, fault), said, attempts + failure.attempts)
            attempts += reply.attempts
            said = reply.content or said
            try:
                grades = _grades(reply, request.max_tokens, len(submission.reference.key_points))
            except BadReply as bad:
                fault = str(bad)
                if _is_cut(reply) and request.max_tokens >= MOST_ROOM * self.max_tokens:
                    break  # the same request would be truncated again
                room = self._room(reply, request.max_tokens)
                request = self._request(f"{prompt}\n\n{repair_prompt(fault)}", room)
            else:
                return self._verdict(reply, grades, attempts)
        return self._failed(f"bad_reply: {fault}", said, attempts)

    def _prompt(self, submission: Submission) -> str:
        return judge_prompt(
            submission.question, submission.text, submission.reference, template=self.template
        )

    def _request(self, message: str, max_tokens: int | None = None) -> ChatRequest:
        return ChatRequest(
            model=self.model,
            prompt=(TextPart(text=message),),
            max_tokens=max_tokens or self.max_tokens,
            temperature=0.0,
            extra_body=self.extra_body,
        )

    def _room(self, reply: ChatReply, max_tokens: int) -> int:
        """Return the next ``max_tokens``: twice as many if this reply was truncated or has no content."""
        if reply.content and not _is_cut(reply):
            return max_tokens
        return min(2 * max_tokens, MOST_ROOM * self.max_tokens)

    def _failed(self, error: str, reply: str | None, attempts: int) -> Verdict:
        return Verdict(judge=self.name, reply=reply, grades=None, error=error, attempts=attempts)

    def _verdict(self, reply: ChatReply, grades: Grades, attempts: int) -> Verdict:
        return Verdict(
            judge=self.name,
            reply=reply.content,
            grades=grades.grades,
            faults=grades.faults,
            attempts=attempts,
            latency_s=reply.latency_s,
            prompt_tokens=reply.prompt_tokens,
            completion_tokens=reply.completion_tokens,
        )


def _grades(reply: ChatReply, max_tokens: int, n_key_points: int) -> Grades:
    """Return the grades in the content of a judge's reply. Raises BadReply if it is truncated or has none."""
    if _is_cut(reply):
        raise BadReply(f"it was cut at {max_tokens} tokens")
    if not reply.content:
        raise BadReply("it has no content")
    return read_reply(reply.content, n_key_points)


def _is_cut(reply: ChatReply) -> bool:
    return reply.finish_reason == "length"


def _request_error(failure: RequestFailed, fault: str | None) -> str:
    """Return the error of a verdict: of the failed request, and of the unusable reply before it."""
    error = f"{failure.kind}: {failure.message}"
    return error if fault is None else f"{error} (after a reply that could not be used: {fault})"
