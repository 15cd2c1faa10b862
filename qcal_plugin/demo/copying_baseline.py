"""The copying baseline: the answer of the last demonstration, word for word; the blind baseline's if there is none."""

from __future__ import annotations

from collections.abc import Sequence

from qcal_plugin.demo.blind_baseline import blind_answer
from qcal_plugin.demo.content import Part, demonstrated, prompt_text, shown


def copied_answer(parts: Sequence[Part]) -> str:
    """What the text behind the last pictures but those of the question says."""
    examples = shown(parts)[:-1]
    return demonstrated(examples[-1].text) if examples else blind_answer(prompt_text(parts))
