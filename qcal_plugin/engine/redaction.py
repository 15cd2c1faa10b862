"""Takes credentials out of what servers and libraries say, before it is recorded, logged or shown."""

from __future__ import annotations

import base64
import contextlib
import json
import logging
from collections.abc import Iterable, Iterator
from urllib.parse import quote

SHORTEST_IN_ERRORS = 4
SHORTEST_IN_REPLIES = 16
"""In a reply only what is surely a credential is replaced: a dummy key such as EMPTY may be a model's word."""

REPLACEMENT = b"[key]"


class Redaction:
    """Replaces secrets, also where they are escaped as in JSON or URLs, or encoded as base64."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        forms = {form for secret in secrets if len(secret) >= SHORTEST_IN_ERRORS for form in _forms(secret)}
        self._forms = sorted(forms, key=len, reverse=True)

    def __repr__(self) -> str:
        return f"Redaction({len(self._forms)} forms)"

    def error(self, body: bytes) -> bytes:
        """An error's body."""
        for form in self._forms:
            body = body.replace(form, REPLACEMENT)
        return body

    def reply(self, body: bytes) -> bytes:
        """A successful reply's body."""
        for form in self._forms:
            body = body.replace(form, REPLACEMENT) if len(form) >= SHORTEST_IN_REPLIES else body
        return body

    def text(self, text: str) -> str:
        """A library's message."""
        return self.error(text.encode("utf-8", "replace")).decode()

    @contextlib.contextmanager
    def of_log(self, name: str) -> Iterator[None]:
        """While it lasts, also what the logger of this name says: HTTP clients log URLs, query and all."""
        logger = logging.getLogger(name)
        logger.addFilter(self._rewritten)
        try:
            yield
        finally:
            logger.removeFilter(self._rewritten)

    def _rewritten(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = self.text(record.getMessage()), ()
        return True


def _forms(secret: str) -> set[bytes]:
    in_json = json.dumps(secret)[1:-1]
    plain = {secret, in_json, in_json.replace("/", "\\/"), json.dumps(secret, ensure_ascii=False)[1:-1]}
    encoded = base64.b64encode(secret.encode("utf-8", "surrogateescape"))
    return {
        *(form.encode("utf-8", "surrogateescape") for form in plain),
        quote(secret, safe="", errors="surrogateescape").encode(),
        encoded,
        encoded.rstrip(b"="),
    }
