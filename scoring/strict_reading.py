"""Read a final answer for strict scoring: what it states counts, not what it mentions.

A label or status code is stated after its heading at the start of a line (``Status: SUCCESS``; in any case,
with or without emphasis, list marks or quotes). The text after the heading has to begin with the name, and to
name no other before the first remark. So "Assessment: Not reliable", "Assessment: Reliable or Unreliable" and
"I cannot call this SUCCESS" state nothing. If several lines state one, the last counts. If a heading is alone
on its line, it counts if the next line begins with a name; if not, it is a section's title. A status code may
also be the whole first line. JSON is read as in compatible scoring.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from typing import assert_never

from scoring.classification import ASSESSMENTS, CONCLUSIONS
from scoring.diagnosis import STATUS_CODES
from scoring.json_answer import parse_json
from scoring.questions import Question
from scoring.reference import JSON

_STATUS_HEADINGS = ("Status", "Classification", "Diagnosis")
_REMARK = re.compile(r"[.:;(\u2013\u2014]|\s-\s")
_LINE_WITH_A_WORD = re.compile(r"\W*+(?P<line>\w.*)")
_ONE_WORD = re.compile(r"\W*+(\w+)[^\w\n]*+$", re.MULTILINE)


def read_strict(question: Question, answer: str) -> JSON:
    """Return what a final answer states: JSON (Q1, Q5), a label (Q2, Q4) or a status code (Q6); None if nothing.

    Judges read Q3, so it gives None.
    """
    match question:
        case Question.Q1 | Question.Q5:
            return parse_json(answer)
        case Question.Q2:
            return _stated(answer, ("Classification",), CONCLUSIONS)
        case Question.Q3:
            return None
        case Question.Q4:
            return _stated(answer, ("Assessment",), ASSESSMENTS)
        case Question.Q6:
            return _stated(answer, _STATUS_HEADINGS, STATUS_CODES) or _whole_first_line(answer)
        case _:
            assert_never(question)


def _stated(answer: str, headings: Sequence[str], names: Collection[str]) -> str | None:
    """Return the name in the last statement after the first of the headings that has one."""
    for heading in headings:
        headed = rf"^[^\w\n]*+(?:final )?{heading}[^\w\n:\uFF1A]*+[:\uFF1A][^\w\n]*+(?P<value>.*)$"
        for line in reversed(list(re.finditer(headed, answer, re.IGNORECASE | re.MULTILINE))):
            name = _only_name(line["value"] or _next_line(answer, line.end()), names)
            if name or line["value"]:
                return name
    return None


def _next_line(answer: str, start: int) -> str:
    """Return the first line after a position that holds a word, from that word on."""
    match = _LINE_WITH_A_WORD.match(answer, start)
    return match["line"] if match else ""


def _only_name(value: str, names: Collection[str]) -> str | None:
    """Return the name that a value begins with, if it names no other before its first remark."""
    statement = _REMARK.split(value, maxsplit=1)[0]
    if not statement.lower().startswith(tuple(name.lower() for name in names)):
        return None
    named = [name for name in names if re.search(rf"\b{name}\b", statement, re.IGNORECASE)]
    return named[0] if len(named) == 1 else None


def _whole_first_line(answer: str) -> str | None:
    match = _ONE_WORD.match(answer)
    return match[1].upper() if match and match[1].upper() in STATUS_CODES else None
