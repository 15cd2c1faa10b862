"""The labels of Q2 (experimental conclusion) and Q4 (fit reliability); see docs/protocol.md#labels."""

from __future__ import annotations

from scoring.labels import read_label

CONCLUSIONS = ("Expected behavior", "Anomalous behavior", "Suboptimal parameters", "Apparatus issue")
"""Q2's labels, in the order in which they are tried."""

ASSESSMENTS = ("Unreliable", "No fit", "Reliable")
"""Q4's labels, in the order in which they are tried: "Unreliable" contains "reliable"."""


def read_conclusion(text: str) -> str | None:
    """Return Q2's label: one of `CONCLUSIONS`, else the text after ``Classification:``.

    None without that heading.
    """
    return read_label(text, "Classification", CONCLUSIONS)


def read_assessment(text: str) -> str | None:
    """Return Q4's label: one of `ASSESSMENTS`, else the text after ``Assessment:``.

    None without that heading.
    """
    return read_label(text, "Assessment", ASSESSMENTS)
