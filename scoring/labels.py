"""Read a label after a heading, such as ``Classification: Expected behavior`` (docs/protocol.md#labels)."""

from __future__ import annotations

import re
from collections.abc import Sequence


def read_label(text: str, heading: str, known: Sequence[str]) -> str | None:
    """Read the label after the first ``heading:`` of a text, as the reference does; None without a value.

    The heading may be in any case; its colon follows directly. The known labels are tried in the given order,
    in any case. If the value contains one, that is the label; if not, the value itself is. After a bold
    heading with nothing else on its line the value is ``*``, or empty if a blank follows the stars: the label
    on the next line is lost. Strict scoring reads it (docs/protocol.md#labels).
    """
    value = _value_after(text, heading)
    if value is None:
        return None
    lowered = value.lower()
    return next((label for label in known if label.lower() in lowered), value)


def labels_match(answer: str, reference: str) -> bool:
    """Return whether both labels are equal in lower case."""
    return answer.lower() == reference.lower()


def _value_after(text: str, heading: str) -> str | None:
    """Return the first non-blank text after the heading, to the end of its line, without emphasis and full stops.

    Up to two stars are skipped, but only if something else is on their line.
    """
    match = re.search(rf"{heading}:(?=\s*\S)\s*\*{{0,2}}(?P<value>.+)", text, re.IGNORECASE)
    if match is None:
        return None
    return match["value"].strip().removesuffix("**").strip().rstrip(".").replace("**", "").strip()
