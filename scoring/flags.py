"""Properties of an answer that reports count in addition to its score."""

from __future__ import annotations

from enum import StrEnum


class Flag(StrEnum):
    """A property of one answer, by its name in the ``flags`` of ``records.jsonl``.

    No flag changes a score.
    """

    TRUNCATED = "truncated"
    """The answer was cut at ``max_tokens``."""
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
    """A correct label scores 0 only because it is on the line below a bold heading (docs/protocol.md#labels)."""
    COPIES_DEMONSTRATION = "copies_demonstration"
    """The answer equals a demonstration's answer, which is wrong here."""
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
    """The answer holds words with letters that English does not use.

    The patterns cannot read what they say.
    """
    DISGUISED = "disguised"
    """One of these signs was visible only after look-alike, hidden or spaced-out letters were replaced."""
    OVERSIZED = "oversized"
    """The answer is so long that the judge read it shortened."""
