"""What strict scoring reads from a final answer: what the answer states, not what it mentions.

A label or status code is stated behind its heading at the start of a line (``Status: SUCCESS``; in any case, with or
without emphasis, list marks or quotes), and of several such lines the last one counts. What stands there has to begin
with the name and, up to the first remark, to name no other. So "Assessment: Not reliable", "Assessment: Reliable or
Unreliable" and "I cannot call this SUCCESS" state nothing. A status code may also be the whole first line. JSON is read
as in compatible scoring.
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
_ONE_WORD = re.compile(r"\W*+(\w+)[^\w\n]*+$", re.MULTILINE)


def read_strict(question: Question, answer: str) -> JSON:
    """What a final answer states: JSON (Q1, Q5), a label (Q2, Q4), a status code (Q6); None if nothing.

    Q3 is read by judges: always None.
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
    """The name behind the last line with the first heading that occurs."""
    for heading in headings:
        headed = rf"^[^\w\n]*+(?:final )?{heading}[^\w\n:\uFF1A]*+[:\uFF1A]\W*+(.*)$"
        values = re.findall(headed, answer, re.IGNORECASE | re.MULTILINE)
        if values:
            return _only_name(values[-1], names)
    return None


def _only_name(value: str, names: Collection[str]) -> str | None:
    """The name that a value begins with, if it names no other before its first remark."""
    statement = _REMARK.split(value, maxsplit=1)[0]
    named = [name for name in names if re.search(rf"\b{name}\b", statement, re.IGNORECASE)]
    begins = len(named) == 1 and statement.lower().startswith(named[0].lower())
    return named[0] if begins else None


def _whole_first_line(answer: str) -> str | None:
    found = _ONE_WORD.match(answer)
    return found[1].upper() if found and found[1].upper() in STATUS_CODES else None
