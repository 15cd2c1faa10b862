"""The 41 status codes of Q6 (calibration diagnosis); see docs/protocol.md#q6-calibration-diagnosis."""

from __future__ import annotations

import re

_CODES = """
    AMP_TOO_HIGH ABERRATED ASYMMETRIC BEATING CORRECTED DAMPED DETUNED EVENT FIT_FAILED FIT_POOR HIGH_POWER
    INCOMPLETE INVERTED LARGE_ERROR LOW_CONTRAST MISCALIBRATED MODERATE_ERROR MULTIPLE_PEAKS NEGATIVE_OFFSET
    NOT_TUNABLE NO_COHERENCE NO_DETUNING NO_EVENT NO_EXCITATION NO_GATE NO_RES_RESPONSE NO_SIGNAL NO_TRANSITION
    OFF_RESONANCE OPTIMAL_NOT_CENTERED POSITIVE_OFFSET RANDOM_WALK RANGE_TOO_NARROW SAMPLING_TOO_COARSE STABLE
    SUCCESS TELEGRAPHIC TOO_FEW_OSC TOO_MANY_OSC UNDERSAMPLED WINDOW_TOO_SHORT
"""
STATUS_CODES = frozenset(_CODES.split())

INTERCHANGEABLE = frozenset({"TOO_MANY_OSC", "SAMPLING_TOO_COARSE"})
"""Two names of the same finding: each is right if the other is expected."""

# Possessive quantifiers: backtracking over a long run of spaces would take quadratic time.
_HEADED = tuple(
    re.compile(rf"\b{heading}:\s*+\*{{0,2}}+\s*+([A-Z][A-Za-z_]*)")
    for heading in ("Status", "Classification")
)


def read_status(text: str) -> str | None:
    """Return the status code that a text names; None if it names none.

    These places are tried in turn: after ``Status:``; after ``Classification:`` (both are whole words, so
    ``ExitStatus:`` does not count); the whole first line; any whole word of the text. If the text holds
    several codes, the longest wins; of equally long codes, the first.
    """
    for pattern in _HEADED:
        match = pattern.search(text)
        if match and match[1].upper() in STATUS_CODES:
            return match[1].upper()
    first_line = text.strip().partition("\n")[0].strip().upper()
    if first_line in STATUS_CODES:
        return first_line
    named = (word for word in re.findall(r"\w+", text.upper()) if word in STATUS_CODES)
    return max(named, key=len, default=None)


def statuses_match(answer: str, reference: str) -> bool:
    """Return whether both codes mean the same."""
    return answer == reference or {answer, reference} == INTERCHANGEABLE
