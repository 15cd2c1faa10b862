"""Names of the benchmark's terms, as people read them."""

from __future__ import annotations

from scoring.questions import Mode

MODE_NAMES = {Mode.ZEROSHOT: "zero-shot", Mode.ICL: "ICL"}
"""The modes as they are printed."""
