"""Takes credentials out of what servers and libraries say, before it is recorded, logged or shown."""

from __future__ import annotations

import contextlib
import json
import logging
from collections.abc import Iterable, Iterator, Sequence

from qcal_plugin.engine.encodings import Needle, needle, replaced
from scoring.reference import JSON

SHORTEST_IN_ERRORS = 4
SHORTEST_IN_REPLIES = 16
"""In replies only long secrets are replaced, since a model may write a short dummy key such as EMPTY as a word."""

REPLACEMENT = "[key]"


class Redaction:
    """Replaces secrets, including those escaped as in JSON, URLs, HTML or headers, and those in base64 or hex.

    JSON is decoded first, so that no notation of a string hides a secret.
    """

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        wanted = sorted(
            {secret for secret in secrets if len(secret) >= SHORTEST_IN_ERRORS}, key=len, reverse=True
        )
        self._in_errors = [needle(secret) for secret in wanted]
        self._in_replies = [each.at_least(SHORTEST_IN_REPLIES) for each in self._in_errors]

    def __repr__(self) -> str:
        return f"Redaction({len(self._in_errors)} secrets)"

    def error(self, body: bytes) -> bytes:
        """Return an error's body without secrets."""
        return _body(body, self._in_errors)

    def reply(self, body: bytes) -> bytes:
        """Return a successful reply's body without secrets."""
        return _body(body, self._in_replies)

    def text(self, text: str) -> str:
        """Return a message of a library or of an error without secrets."""
        return replaced(text, self._in_errors, REPLACEMENT)

    def answer(self, text: str) -> str:
        """Return a text of a successful reply without secrets, after its pieces have been joined."""
        return replaced(text, self._in_replies, REPLACEMENT)

    @contextlib.contextmanager
    def of_log(self, name: str) -> Iterator[None]:
        """Remove secrets from this logger's messages in this context: HTTP clients log URLs with their queries."""
        logger = logging.getLogger(name)
        logger.addFilter(self._rewritten)
        try:
            yield
        finally:
            logger.removeFilter(self._rewritten)

    def _rewritten(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = self.text(record.getMessage()), ()
        return True


def _body(body: bytes, needles: Sequence[Needle]) -> bytes:
    """Return the body unchanged if it contains no needle; else without needles, and JSON encoded again."""
    if not needles:
        return body
    try:
        data = json.loads(body)
        clean = _value(data, needles)
        return body if clean == data else json.dumps(clean).encode()
    except (ValueError, RecursionError):
        # in UTF-16 there is a NUL between the letters of a secret
        text = body.replace(b"\0", b"").decode("utf-8", "surrogateescape")
        clean_text = replaced(text, needles, REPLACEMENT)
        return body if clean_text == body.decode("utf-8", "surrogateescape") else _encoded(clean_text)


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _value(value: JSON, needles: Sequence[Needle]) -> JSON:
    match value:
        case str():
            return replaced(value, needles, REPLACEMENT)
        case list():
            return [_value(item, needles) for item in value]
        case int() | float() if not isinstance(value, bool):
            return value if replaced(str(value), needles, REPLACEMENT) == str(value) else REPLACEMENT
        case dict():
            return {replaced(key, needles, REPLACEMENT): _value(item, needles) for key, item in value.items()}
        case _:
            return value
