"""The lexical judge: a deterministic, in-process stand-in for a judge model that grades by word overlap.

It rewards an answer that uses a key point's words and numbers, whatever the answer says with them. Use it to
try the suite; do not quote its scores.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

from qcal_plugin.dataset.cases import TextPart
from qcal_plugin.engine.chat import ChatRequest
from qcal_plugin.engine.judge import Submission
from reports.records.records import Verdict

MODEL = "lexical-overlap"
FULL_RECALL = 0.6
HALF_RECALL = 0.3
NUMBER_TOLERANCE = 0.05

_WORD = re.compile(r"[^\W\d_]{3,}")
_NUMBER = re.compile(r"(?<![\w.])[-+\u2212]?\d+(?:\.\d+)?(?:[eE][-+]?\d{1,3})?", re.ASCII)
_STEM_LENGTH = 6
_STOP_WORDS = frozenset(
    """about also and any are because been both but can could does each for from had has have here how however into its
    may more most near not only other over same shows should since some such than that the their then there these they
    this those through under very was well were what when where which while whose will with within would
    """.split()  # noqa: SIM905  sixty words, one a line, would hide the code
)


@dataclass(frozen=True, slots=True, kw_only=True)
class LexicalJudge:
    """The embedded stand-in of ``--demo``: word overlap, deterministic, no network."""

    name: str = MODEL

    def identify(self, submission: Submission) -> str:
        """See `qcal_plugin.engine.judge.Judge`."""
        key_points = "\x1f".join(submission.reference.key_points)
        return ChatRequest(
            model=self.name,
            prompt=(TextPart(text=f"{submission.text}\x1e{key_points}"),),
            max_tokens=0,
            temperature=0.0,
        ).sha256

    async def grade(self, submission: Submission) -> Verdict:
        """See `qcal_plugin.engine.judge.Judge`."""
        grades = lexical_grades(submission.text, submission.reference.key_points)
        return Verdict(judge=self.name, reply=None, grades=grades)


def lexical_grades(answer: str, key_points: Sequence[str]) -> tuple[float, ...]:
    """Return one grade per key point: 1, 0.5 or 0.

    The grade depends on the share of the key point's distinct terms that occur in ``answer``: at least
    `FULL_RECALL` gives 1, at least `HALF_RECALL` 0.5, less 0. Terms are numbers, equal within
    `NUMBER_TOLERANCE` (relative), and words of three letters or more, without stop words, compared by their
    first six letters in any case. A key point without terms gets 0.
    """
    words, numbers = _words(answer), _numbers(answer)
    return tuple(_grade(_recall(point, words, numbers)) for point in key_points)


def _recall(key_point: str, words: frozenset[str], numbers: frozenset[float]) -> float:
    wanted_words, wanted_numbers = _words(key_point), _numbers(key_point)
    terms = len(wanted_words) + len(wanted_numbers)
    matched = len(wanted_words & words) + sum(_occurs(number, numbers) for number in wanted_numbers)
    return matched / terms if terms else 0.0


def _grade(recall: float) -> float:
    if recall >= FULL_RECALL:
        return 1.0
    return 0.5 if recall >= HALF_RECALL else 0.0


def _words(text: str) -> frozenset[str]:
    folded = (word.casefold() for word in _WORD.findall(text))
    return frozenset(word[:_STEM_LENGTH] for word in folded if word not in _STOP_WORDS)


def _numbers(text: str) -> frozenset[float]:
    return frozenset(float(number.replace("\u2212", "-")) for number in _NUMBER.findall(text))


def _occurs(wanted: float, numbers: frozenset[float]) -> bool:
    return any(math.isclose(wanted, number, rel_tol=NUMBER_TOLERANCE) for number in numbers)
