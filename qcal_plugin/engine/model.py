"""The model under test: behind an endpoint, or as answers stored by an earlier run."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from qcal_plugin.dataset.cases import Case
from qcal_plugin.engine.chat import ChatRequest
from qcal_plugin.engine.failures import RequestFailed
from reports.records.records import Answer, ItemKey, is_same_model
from scoring.reference import JSON

if TYPE_CHECKING:
    from qcal_plugin.engine.endpoint import Endpoint
    from qcal_plugin.engine.reply import ChatReply


class Model(Protocol):
    """The model under test."""

    def request(self, case: Case) -> ChatRequest:
        """Return the request for this case. Its digest identifies the answer."""
        ...

    async def ask(self, case: Case, request: ChatRequest, ready_at: float) -> Answer:
        """Answer one case.

        Raises RequestFailed if there is no answer, EngineStopped if the engine has stopped.

        `ready_at` is the time at which the item could have been sent, in seconds of the monotonic clock.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampling:
    """The content of a request besides its prompt (docs/protocol.md#requests).

    ``request_seed`` plus the number of the repeat is sent as ``seed``; None leaves the field out.
    """

    model: str
    max_tokens: int
    temperature: float
    extra_body: Mapping[str, JSON] = field(default_factory=dict)
    request_seed: int | None = None

    def further_fields(self, repeat: int = 0) -> Mapping[str, JSON]:
        """Return the fields beyond the protocol's; each repeat of an item has a different seed."""
        seed = {} if self.request_seed is None else {"seed": self.request_seed + repeat}
        return {**self.extra_body, **seed}

    def request(self, case: Case) -> ChatRequest:
        """Return the request for one case."""
        return ChatRequest(
            model=self.model,
            prompt=case.prompt,
            max_tokens=self.max_tokens,
            temperature=self.temperature,
            extra_body=self.further_fields(case.key.repeat),
            plain_text=False,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ServedModel:
    """A model behind an endpoint.

    With ``strict``, an answer by another model than the requested one is an error. ``restore`` rebuilds the
    dataset's images if one of them is damaged.
    """

    sampling: Sampling
    endpoint: Endpoint
    strict: bool = False
    restore: Callable[[], Awaitable[None]] | None = None

    def request(self, case: Case) -> ChatRequest:
        """Return the request for this case."""
        return self.sampling.request(case)

    async def ask(self, case: Case, request: ChatRequest, ready_at: float) -> Answer:  # noqa: ARG002 - see Model
        """Ask the endpoint, and once more if an image had to be rebuilt. Raises as `Model.ask` does."""
        try:
            reply = await self._reply(request)
        except OSError as error:
            name = Path(error.filename or "?").name
            message = (
                f"image {name} cannot be read from the cache ({error.strerror}); --resume prepares it again"
            )
            raise RequestFailed(kind="no_image", message=message) from error
        answer = _answer(reply, ready_at)
        if self.strict and not is_same_model(request.model, answer.served_model):
            raise RequestFailed(
                kind="other_model",
                message=f"answered by {answer.served_model or 'a model that is not named'}, not by {request.model}",
                http_status=200,
                attempts=reply.attempts,
            )
        return answer

    async def _reply(self, request: ChatRequest) -> ChatReply:
        """Send the request, and once more if an image had to be rebuilt.

        Raises OSError if that did not help.
        """
        try:
            return await self.endpoint.chat(request)
        except OSError:
            if self.restore is None:
                raise
        await self.restore()
        return await self.endpoint.chat(request)


def _answer(reply: ChatReply, ready_at: float) -> Answer:
    """Return the answer in a reply.

    Raises RequestFailed if it has neither text nor reasoning and was not withheld.
    """
    answer = Answer(
        text=reply.text or "",
        finish_reason=reply.finish_reason,
        from_reasoning=reply.from_reasoning,
        reasoning=None if reply.from_reasoning else reply.reasoning,
        refusal=reply.refusal,
        served_model=reply.model,
        fingerprint=reply.fingerprint,
        provider=reply.provider,
        attempts=reply.attempts,
        latency_s=reply.latency_s,
        ttft_s=reply.ttft_s,
        queue_s=max(0.0, reply.sent_at - ready_at),
        prompt_tokens=reply.prompt_tokens,
        completion_tokens=reply.completion_tokens,
        reasoning_tokens=reply.reasoning_tokens,
    )
    if reply.text is None and answer.withheld is None:
        raise RequestFailed(
            kind="no_answer",
            message=f"the reply has no content (finish_reason: {reply.finish_reason})",
            http_status=200,
            attempts=reply.attempts,
        )
    return answer


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredAnswer:
    """An answer from an earlier run or a result file.

    ``request_sha256`` is None if the file does not contain it.
    """

    answer: Answer
    request_sha256: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredModel:
    """Returns the answers of an earlier run (``--answers``). Sends nothing."""

    sampling: Sampling
    stored: Callable[[ItemKey], StoredAnswer | None]
    source: str

    def request(self, case: Case) -> ChatRequest:
        """Return the request for this case."""
        return self.sampling.request(case)

    async def ask(self, case: Case, request: ChatRequest, ready_at: float) -> Answer:  # noqa: ARG002 - see Model
        """Return the stored answer. Raises RequestFailed if there is none to exactly this request."""
        stored = self.stored(case.key)
        if stored is None:
            raise RequestFailed(kind="no_stored_answer", message=f"{self.source} has no answer to this item")
        if stored.request_sha256 not in {None, request.sha256}:
            raise RequestFailed(
                kind="no_stored_answer",
                message=f"{self.source} has an answer to another request (different prompt, images or parameters)",
            )
        return stored.answer
