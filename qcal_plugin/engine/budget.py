"""Limits on a run's requests and tokens: ``--budget-requests`` and ``--budget-tokens``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from qcal_plugin.engine.chat import ChatBody
from qcal_plugin.engine.failures import EngineStopped
from qcal_plugin.engine.reply import ChatReply

CHARACTERS_PER_TOKEN = 4
TOKENS_PER_IMAGE = 1000
"""Estimates for servers that report no usage: English text, and a plot at a typical price."""


@dataclass(slots=True, kw_only=True)
class Budget:
    """Counts requests and tokens, including those of judges, and stops the engine when a limit is reached.

    ``requests`` is never exceeded. Tokens are known only after a reply, so requests in flight may exceed
    ``tokens``.
    """

    requests: int | None
    tokens: int | None
    requests_sent: int = 0
    tokens_used: int = 0
    on_exhausted: Callable[[str], None] = field(default=lambda _: None, repr=False)
    replies_without_usage: int = 0

    @property
    def notice(self) -> str | None:
        """A line for the user if there is a limit on tokens and they are estimated; else None."""
        if self.tokens is None or not self.replies_without_usage:
            return None
        return f"replies report no usage: --budget-tokens {self.tokens} counts an estimate"

    def request(self) -> None:
        """Count a request that is about to be sent. Raises EngineStopped if a limit is reached."""
        if self.requests is not None and self.requests_sent >= self.requests:
            raise EngineStopped(
                self._exhausted(f"--budget-requests {self.requests} is used up; continue with --resume")
            )
        if self.tokens is not None and self.tokens_used >= self.tokens:
            raise EngineStopped(
                self._exhausted(f"--budget-tokens {self.tokens} is used up; continue with --resume")
            )
        self.requests_sent += 1

    def reply(self, tokens: int) -> None:
        """Count the tokens of a reply."""
        self.tokens_used += tokens

    def estimated(self, body: ChatBody, reply: ChatReply) -> int:
        """Estimate the tokens of an exchange whose reply does not report them, and count that reply."""
        self.replies_without_usage += 1
        written = len(reply.content or "") + len(reply.reasoning or "")
        return (body.text_bytes + written) // CHARACTERS_PER_TOKEN + body.images * TOKENS_PER_IMAGE

    def _exhausted(self, reason: str) -> str:
        self.on_exhausted(reason)
        return reason
