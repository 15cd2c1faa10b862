"""Limits on what a run may ask for: ``--budget-requests`` and ``--budget-tokens``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from qcal_plugin.engine.chat import ChatBody
from qcal_plugin.engine.failures import EngineStopped
from qcal_plugin.engine.reply import ChatReply

CHARACTERS_PER_TOKEN = 4
TOKENS_PER_IMAGE = 1000
"""Rough figures, for servers that report no usage: English text, and a plot in the middle of what models charge."""


@dataclass(slots=True, kw_only=True)
class Budget:
    """Counts requests and tokens, the judges' too; stops the engine where a limit is reached.

    Never one request above ``requests``. Tokens are known after the fact: what is in flight then may exceed ``tokens``.
    """

    requests: int | None
    tokens: int | None
    requests_sent: int = 0
    tokens_used: int = 0
    on_exhausted: Callable[[str], None] = field(default=lambda _: None, repr=False)
    replies_without_usage: int = 0

    @property
    def notice(self) -> str | None:
        """What the user must know: that tokens are guessed, if a limit on them is set. One line, or None."""
        if self.tokens is None or not self.replies_without_usage:
            return None
        return f"replies report no usage: --budget-tokens {self.tokens} counts an estimate"

    def request(self) -> None:
        """Count a request that is about to be sent. Raises EngineStopped where none may be."""
        if self.requests is not None and self.requests_sent >= self.requests:
            raise EngineStopped(
                self._exhausted(f"--budget-requests {self.requests} is used up; go on with --resume")
            )
        if self.tokens is not None and self.tokens_used >= self.tokens:
            raise EngineStopped(
                self._exhausted(f"--budget-tokens {self.tokens} is used up; go on with --resume")
            )
        self.requests_sent += 1

    def reply(self, tokens: int) -> None:
        """Count what a reply says it used."""
        self.tokens_used += tokens

    def estimated(self, body: ChatBody, reply: ChatReply) -> int:
        """Estimate the tokens of an exchange whose reply does not report them, and count that reply."""
        self.replies_without_usage += 1
        written = len(reply.content or "") + len(reply.reasoning or "")
        return (body.text_bytes + written) // CHARACTERS_PER_TOKEN + body.images * TOKENS_PER_IMAGE

    def _exhausted(self, reason: str) -> str:
        self.on_exhausted(reason)
        return reason
