"""The final answer of a reasoning model: its text without the thought that some servers leave in it.

A thought stands between ``<think>`` and ``</think>`` (or ``thinking``, ``thought``, ``reasoning``, in any case, or the
``◁think▷`` of Kimi-VL). A closing tag without an opening one ends a thought that began with the text. An opening tag
that is never closed begins a thought that was cut off: such a text has no final answer. The tags ``<answer>`` and
``</answer>`` that some models put around what follows are dropped.
"""

from __future__ import annotations

import re
from typing import NamedTuple

_ANSWER_TAG = re.compile(r"</?answer>", re.IGNORECASE)
_TAG = re.compile(r"[<◁](?P<closing>/?)(?:think|thinking|thought|reasoning)[>▷]", re.IGNORECASE)


class _Parts(NamedTuple):
    answer: str
    has_thought: bool
    is_unclosed: bool


def final_answer(text: str) -> str | None:
    """What is left without thoughts, stripped; None if nothing is, or the last thought is not closed."""
    parts = _split(text)
    answer = _ANSWER_TAG.sub("\n", parts.answer).strip()
    return None if parts.is_unclosed else answer or None


def thought_flags(text: str) -> tuple[str, ...]:
    """``thought`` if the text contains one, and ``unclosed_thought`` if it was cut off inside one."""
    parts = _split(text)
    flags = {"thought": parts.has_thought, "unclosed_thought": parts.is_unclosed}
    return tuple(name for name, holds in flags.items() if holds)


def _split(text: str) -> _Parts:
    kept: list[str] = []
    start, inside, has_thought = 0, False, False
    for tag in _TAG.finditer(text):
        has_thought = True
        if tag["closing"]:
            if not inside:
                kept.clear()
            inside, start = False, tag.end()
        elif not inside:
            kept.append(text[start : tag.start()])
            inside = True
    return _Parts("".join([*kept, "" if inside else text[start:]]), has_thought, inside)
