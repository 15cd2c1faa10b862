"""Q6 (calibration diagnosis): one of 41 status codes (docs/protocol.md#q6-calibration-diagnosis)."""

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
"""Two names of one finding: either is right where the other is expected."""

# Possessive, because backtracking over a long run of spaces would take quadratic time.
_HEADED = tuple(
    re.compile(rf"\b{heading}:\s*+\*{{0,2}}+\s*+([A-Z][A-Za-z_]*)")
    for heading in ("Status", "Classification")
)


def read_status(text: str) -> str | None:
    """The status code that a text names; None if it names none.

    Looked for in turn: after ``Status:``; after ``Classification:`` (both as whole words, so not after
    ``ExitStatus:``); as the whole first line; anywhere as a whole word, where the longest code wins and, of equally
    long ones, the first in the text.
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
    """Whether both codes mean the same."""
    return answer == reference or {answer, reference} == INTERCHANGEABLE
