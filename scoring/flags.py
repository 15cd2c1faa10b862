"""What is worth counting about an answer beside its score."""

from __future__ import annotations

from enum import StrEnum


class Flag(StrEnum):
    """A finding about one answer, as ``flags`` in ``records.jsonl`` names it. No flag changes a score."""

    TRUNCATED = "truncated"
    """Cut at ``max_tokens``."""
    EMPTY = "empty"
    FROM_REASONING = "from_reasoning"
    """``content`` was null, and the text is the reasoning (docs/protocol.md#requests)."""
    REASONING = "reasoning"
    """The server delivered reasoning next to the answer."""
    THOUGHT = "thought"
    """The text contains reasoning, between tags."""
    UNCLOSED_THOUGHT = "unclosed_thought"
    """The text ends inside reasoning."""
    BOLD_HEADING = "bold_heading"
    """A right label scores 0 only because it is on the line below a bold heading (docs/protocol.md#labels)."""
    COPIES_DEMONSTRATION = "copies_demonstration"
    """The answer is that of a demonstration, and the right answer is another one."""
    COPIES_LAST_DEMONSTRATION = "copies_last_demonstration"
    ADDRESSES_GRADER = "addresses_grader"
    """The answer speaks to the grader or asks for grades."""
    FAKE_GRADES = "fake_grades"
    """The answer holds grades: an array of three or more, JSON, a table or a list."""
    FAKE_KEY_POINTS = "fake_key_points"
    """The answer holds a heading "key points" with a list."""
    BLOCK_DELIMITER = "block_delimiter"
    """The answer imitates the markers around it in the judge's prompt."""
    CHAT_MARKUP = "chat_markup"
    """The answer holds tokens that delimit messages in chat formats."""
    OTHER_LANGUAGE = "other_language"
    """The answer holds words that are not English by their letters; what they say to the judge is not known."""
    DISGUISED = "disguised"
    """One of these signs shows only once look-alike, hidden or spaced-out letters are made plain."""
    OVERSIZED = "oversized"
    """The judge reads a shortened answer."""
