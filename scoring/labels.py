"""A label behind a heading, such as ``Classification: Expected behavior`` (PROTOCOL.md section 3, Q2 and Q4)."""

from __future__ import annotations

import re
from collections.abc import Sequence


def read_label(text: str, heading: str, known: Sequence[str]) -> str | None:
    """The label behind the first ``heading:`` of the text; None only where there is no such heading.

    The heading may stand in any case; its colon follows directly. If the value contains a known label (in any case;
    tried in the given order), that is the label; else the value itself is.
    """
    value = _value_behind(text, heading)
    if value is None:
        return None
    lowered = value.lower()
    return next((label for label in known if label.lower() in lowered), value)


def labels_match(answer: str, reference: str) -> bool:
    """Whether both labels are equal in lower case."""
    return answer.lower() == reference.lower()


def _value_behind(text: str, heading: str) -> str | None:
    """The rest of the heading's line, or the next line that is not blank, without emphasis and trailing full stops."""
    found = re.search(rf"{heading}:\s*\*{{0,2}}\s*", text, re.IGNORECASE)
    if found is None:
        return None
    line = text[found.end() :].partition("\n")[0]
    return line.strip().removesuffix("**").strip().rstrip(".").replace("**", "").strip()
