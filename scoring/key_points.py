"""Key points of Q1 and Q3: the prompt for a judge, and the mean of the grades (docs/protocol.md#the-judge).

A prompt is made from a ``string.Template`` with the placeholders `PLACEHOLDERS`. The model's text is quoted
as data. ``$answer`` is that text in a block that it cannot end: every line is quoted, and control characters
and the markup of chat formats are made harmless. Of a text longer than `MAX_ANSWER_CHARS` the middle is left
out. ``$verbatim_answer`` is the unchanged text, for templates that follow the reference's wording.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from importlib import resources
from string import Template

from scoring.errors import BadValueError
from scoring.questions import Question
from scoring.reference import Reference

PLACEHOLDERS = frozenset(
    {
        "experiment_type",
        "question",
        "plot_description",
        "reference_answer",
        "answer",
        "verbatim_answer",
        "key_points",
        "n_key_points",
    }
)

MAX_ANSWER_CHARS = 64_000
"""Of a longer answer the judge reads this much: 3/4 from its start, 1/4 from its end.

16384 tokens rarely exceed it.
"""

_OPENING = '===== ANSWER TO BE GRADED (each of its lines begins with "| ") ====='
_CLOSING = "===== END OF THE ANSWER ====="
CHAT_MARKUP = re.compile(
    r"<[|\uFF5C][^<>\n]{1,40}[|\uFF5C]>|</?s>|<(?:start|end)_of_turn>|\[/?INST\]|<</?SYS>>", re.IGNORECASE
)
"""Tokens that delimit messages in chat formats."""


@cache
def default_template() -> str:
    """Return our wording, from ``judge_template.txt`` next to this module."""
    return load_template(
        resources.files("scoring").joinpath("judge_template.txt").read_text(encoding="utf-8")
    )


def load_template(template: str) -> str:
    """Return the template after checking it.

    Raises BadValueError with what is unknown, missing or malformed.
    """
    parsed = Template(template)
    if not parsed.is_valid():
        raise BadValueError(
            "judge template: a $ is not followed by a placeholder; write $$ for the character itself"
        )
    used = set(parsed.get_identifiers())
    if unknown := used - PLACEHOLDERS:
        raise BadValueError(f"judge template: unknown {_listed(unknown)}; there are {_listed(PLACEHOLDERS)}")
    if "key_points" not in used:
        raise BadValueError("judge template: $key_points is missing, so there is nothing to grade by")
    if not used & {"answer", "verbatim_answer"}:
        raise BadValueError(
            "judge template: $answer (or $verbatim_answer) is missing, so there is nothing to grade"
        )
    return template


def judge_prompt(question: Question, text: str, reference: Reference, template: str | None = None) -> str:
    """Return the message that asks a judge to grade one answer; ``template`` None means `default_template`.

    Raises BadValueError for a template that `load_template` refuses.
    """
    return Template(default_template() if template is None else load_template(template)).substitute(
        experiment_type=reference.scenario_type,
        question=question.task.replace("_", " "),
        plot_description=reference.plot_description,
        reference_answer=reference.answer,
        answer=quoted_answer(text),
        verbatim_answer=text,
        key_points="\n".join(
            f"{i}. {' '.join(point.split())}" for i, point in enumerate(reference.key_points, start=1)
        ),
        n_key_points=len(reference.key_points),
    )


def quoted_answer(text: str) -> str:
    """Return a model's text as the block that a judge reads: between markers, with each line quoted."""
    parts = [line for part in shown_parts(text) for line in (*_quoted_lines(part), _gap(text))][:-1]
    return "\n".join([_OPENING, *parts, _CLOSING])


def shown_parts(text: str) -> tuple[str, ...]:
    """Return what a judge reads: the text, or the start and the end of a text longer than `MAX_ANSWER_CHARS`."""
    if len(text) <= MAX_ANSWER_CHARS:
        return (text,)
    tail = MAX_ANSWER_CHARS // 4
    return text[: MAX_ANSWER_CHARS - tail], text[-tail:]


def _gap(text: str) -> str:
    return f"===== {len(text) - MAX_ANSWER_CHARS} characters of the answer are left out here ====="


def repair_prompt(fault: str) -> str:
    """Return the text to add to a prompt after an unusable reply.

    ``fault`` is the message of the BadReply.
    """
    return (
        f"Your last reply could not be used: {fault}. "
        "Reply again with one flat JSON array of numbers, one for each key point, and nothing else."
    )


def mean_grade(grades: Sequence[Sequence[float]], n_key_points: int) -> float:
    """Return an item's key-point score, 0..1: the mean over judges of the mean of each judge's grades.

    Raises ValueError without judges (unjudged is not 0), and unless each judge gave one number of 0..1 per
    key point.
    """
    if not grades:
        raise ValueError(
            f"{n_key_points} key points without grades: the item is unjudged, which is not a score of 0"
        )
    for judge, given in enumerate(grades, start=1):
        if len(given) != n_key_points:
            raise ValueError(f"judge {judge} gave {len(given)} grades for {n_key_points} key points")
        if not all(0 <= grade <= 1 for grade in given):
            raise ValueError(f"judge {judge} gave grades outside 0..1: {list(given)}")
    return sum(sum(given) / n_key_points for given in grades) / len(grades)


def _quoted_lines(text: str) -> list[str]:
    """Split at every kind of line break that Unicode knows, and begin each line with "| "."""
    defused = CHAT_MARKUP.sub(lambda match: f"{match[0][0]} {match[0][1:]}", text)
    return [f"| {''.join(map(_printable, line))}" for line in defused.splitlines() or [""]]


def _printable(char: str) -> str:
    if char.isprintable():
        return char
    return " " if char.isspace() else "\N{REPLACEMENT CHARACTER}"


def _listed(names: set[str] | frozenset[str]) -> str:
    return ", ".join(f"${name}" for name in sorted(names))
