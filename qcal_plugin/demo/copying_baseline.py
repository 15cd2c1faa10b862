"""The copying baseline: the last demonstration's answer, verbatim; without demonstrations, the blind answer."""

from __future__ import annotations

from collections.abc import Sequence

from qcal_plugin.demo.blind_baseline import blind_answer
from qcal_plugin.demo.content import Part, demonstrated, prompt_text, shown


def copied_answer(parts: Sequence[Part]) -> str:
    """Return the answer after the last pictures before the question's."""
    examples = shown(parts)[:-1]
    return demonstrated(examples[-1].text) if examples else blind_answer(prompt_text(parts))
