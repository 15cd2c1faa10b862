"""Q2 (experimental conclusion) and Q4 (fit reliability): one label each (docs/protocol.md#labels)."""

from __future__ import annotations

from scoring.labels import read_label

CONCLUSIONS = ("Expected behavior", "Anomalous behavior", "Suboptimal parameters", "Apparatus issue")
"""Q2's labels, in the order in which they are looked for."""

ASSESSMENTS = ("Unreliable", "No fit", "Reliable")
"""Q4's labels, in the order in which they are looked for: "Unreliable" contains "reliable"."""


def read_conclusion(text: str) -> str | None:
    """Q2's label, one of `CONCLUSIONS` or the text behind ``Classification:``; None without that heading."""
    return read_label(text, "Classification", CONCLUSIONS)


def read_assessment(text: str) -> str | None:
    """Q4's label, one of `ASSESSMENTS` or the text behind ``Assessment:``; None without that heading."""
    return read_label(text, "Assessment", ASSESSMENTS)
