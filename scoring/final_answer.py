r"""The final answer in a reply: its text without thoughts and without the markup that serving stacks leave around it.

Three kinds of markup occur, in any combination:

- Thoughts between tags: ``<think>`` and ``</think>`` (or ``thinking``, ``thought``, ``reasoning``, ``reflection``,
  ``scratchpad``, in any case), the triangles of Kimi-VL, Mistral's ``[THINK]``, Seed's ``<seed:think>``,
  ``<|begin_of_thought|>``. A closing tag without an opening one ends a thought that began with the text. An opening tag
  that is never closed means that the thought was cut off; such a text has no final answer.
- Channels: ``<|channel|>final<|message|>...`` of the harmony format, whose other channels are thoughts.
- Wrappers: ``<answer>``, ``\boxed{...}`` around everything, special tokens such as ``<|im_end|>`` or ``</s>``.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from scoring.flags import Flag

_THINKING = r"(?:seed:)?(?:think|thinking|thought|thoughts|reasoning|reflection|scratchpad)"
_TAG = re.compile(
    rf"<(?P<closing>/?){_THINKING}>"
    rf"|\N{{WHITE LEFT-POINTING TRIANGLE}}(?P<kimi>/?){_THINKING}\N{{WHITE RIGHT-POINTING TRIANGLE}}"
    r"|\[(?P<mistral>/?)THINK\]"
    r"|<\|(?:begin|(?P<ended>end))_of_thought\|>",
    re.IGNORECASE,
)
_CHANNEL = re.compile(
    r"<\|channel\|>\s*(?P<name>\w+)(?:(?!<\|message\|>).){0,200}?<\|message\|>", re.IGNORECASE | re.DOTALL
)
_CHANNEL_END = re.compile(r"<\|(?:end|return|call|start|channel)\|>", re.IGNORECASE)
_LEAKED_CHANNEL = re.compile(r"^\s*analysis.*?assistantfinal", re.DOTALL)
"""Harmony's channels after a tokenizer has dropped its special tokens: ``analysis...assistantfinal...``."""

_WRAPPER = re.compile(
    r"</?answer>|<[|\uFF5C][^<>\n]{1,40}[|\uFF5C]>|</?s>|<eos>|<(?:start|end)_of_turn>|<\uFF5C?end\u2581of\u2581sentence\uFF5C?>"
    r"|\[/?INST\]",
    re.IGNORECASE,
)
_BOXED = re.compile(r"\s*\$*\\boxed\{(?:\\text\{)?(?P<inside>[^{}]*)\}?\}\$*[\s.]*")


class _Parts(NamedTuple):
    answer: str
    has_thought: bool
    is_unclosed: bool


def final_answer(text: str) -> str | None:
    """Return a text without thoughts and wrappers, stripped.

    None if that is empty, or if a thought was cut off.
    """
    parts = _split(text)
    answer = _WRAPPER.sub("\n", parts.answer).strip()
    boxed = _BOXED.fullmatch(answer)
    answer = boxed["inside"].strip() if boxed is not None else answer
    return None if parts.is_unclosed else answer or None


def thought_flags(text: str) -> tuple[Flag, ...]:
    """Return ``thought`` if the text contains one, and ``unclosed_thought`` if it was cut off inside one."""
    parts = _split(text)
    flags = {Flag.THOUGHT: parts.has_thought, Flag.UNCLOSED_THOUGHT: parts.is_unclosed}
    return tuple(flag for flag, holds in flags.items() if holds)


def _split(text: str) -> _Parts:
    channels = list(_CHANNEL.finditer(text))
    if channels:
        return _final_channel(text, channels)
    leaked = _LEAKED_CHANNEL.match(text)
    if leaked is not None:
        return _Parts(text[leaked.end() :], has_thought=True, is_unclosed=False)
    return _without_thoughts(text)


def _final_channel(text: str, channels: list[re.Match[str]]) -> _Parts:
    """Take the last channel named ``final``; a text that has only other channels was cut off in a thought."""
    final = [channel for channel in channels if channel["name"].lower() == "final"]
    has_thought = len(final) < len(channels)
    if not final:
        return _Parts("", has_thought, is_unclosed=True)
    rest = text[final[-1].end() :]
    end = _CHANNEL_END.search(rest)
    return _Parts(rest if end is None else rest[: end.start()], has_thought, is_unclosed=False)


def _without_thoughts(text: str) -> _Parts:
    kept: list[str] = []
    start, inside, has_thought = 0, False, False
    for tag in _TAG.finditer(text):
        has_thought = True
        if tag["closing"] or tag["kimi"] or tag["mistral"] or tag["ended"]:
            if not inside:
                kept.clear()
            inside, start = False, tag.end()
        elif not inside:
            kept.append(text[start : tag.start()])
            inside = True
    return _Parts("".join([*kept, "" if inside else text[start:]]), has_thought, inside)
