"""The nearest-plot baseline: gives the reference answer of the most similar plot that it remembers.

It has neither a network nor weights. It compares pictures by the distance between their features
(`qcal_plugin.demo.picture_features`). The words of the prompt identify the family; if they do not (Q1), plots
of all families are compared.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from qcal_plugin.demo.blind_baseline import asked_question
from qcal_plugin.demo.content import Part, Picture, Shown, demonstrated, prompt_text, shown
from qcal_plugin.demo.picture_features import Features, picture_features
from qcal_plugin.demo.plot_memory import RememberedPlot
from scoring.diagnosis import STATUS_CODES, read_status
from scoring.json_answer import parse_json
from scoring.questions import Question

_WORD = re.compile(r"[^\W\d]{3,}")


class NearestPlot:
    """Answers the content of messages. Thread-safe."""

    def __init__(self, plots: Sequence[RememberedPlot]) -> None:
        self._plots = plots
        self._families = FamilyWords(plots)
        self._known: dict[bytes, Features] = {}

    def __call__(self, parts: Sequence[Part]) -> str:
        """Return the answer of the most similar demonstration if there are any, else of the most similar plot.

        Raises ValueError if a picture cannot be read.
        """
        *examples, query = shown(parts) or [Shown((), "")]
        seen = self._see(query.pictures)
        if examples:
            nearest = min(examples, key=lambda example: distance(seen, self._see(example.pictures)))
            return demonstrated(nearest.text)
        text = prompt_text(parts)
        question = asked_question(text)
        best = min(self._candidates(question, text), key=lambda plot: distance(seen, plot.pictures))
        answer = best.answers[question]
        return _for_pictures(answer, len(seen)) if question is Question.Q1 else answer

    def _candidates(self, question: Question, text: str) -> Sequence[RememberedPlot]:
        """Return the remembered plots of the prompt's family whose status is among the prompt's options."""
        family = None if question is Question.Q1 else self._families.named_in(text)
        plots = [plot for plot in self._plots if family in {None, plot.family}]
        offered = (
            STATUS_CODES.intersection(re.findall(r"\w+", text)) if question is Question.Q6 else frozenset()
        )
        return [plot for plot in plots if read_status(plot.answers[Question.Q6]) in offered] or plots

    def _see(self, pictures: Iterable[Picture]) -> list[Features]:
        return [self._features(picture) for picture in pictures]

    def _features(self, picture: Picture) -> Features:
        digest = hashlib.sha256(picture.url.encode()).digest()
        if digest not in self._known:
            try:
                self._known[digest] = picture_features(picture.content())
            except OSError as error:
                raise ValueError("a picture cannot be read") from error
        return self._known[digest]


class FamilyWords:
    """Identifies families by the words of their prompts. A word that fewer families use has more weight."""

    def __init__(self, plots: Iterable[RememberedPlot]) -> None:
        words: dict[str, set[str]] = {}
        for plot in plots:
            texts = (text for question, text in plot.prompts.items() if question is not Question.Q1)
            words.setdefault(plot.family, set()).update(*map(_words, texts))
        used = Counter(word for of_family in words.values() for word in of_family)
        weights = {word: math.log(len(words) / count) for word, count in used.items()}
        self._families: Mapping[str, Mapping[str, float]] = {
            family: _scaled({word: weights[word] for word in of_family if weights[word]})
            for family, of_family in words.items()
        }

    def named_in(self, text: str) -> str | None:
        """Return the family whose words the text shares most; None if it shares no distinctive word."""
        words = _words(text)
        shared = {
            family: sum(weight for word, weight in weights.items() if word in words)
            for family, weights in self._families.items()
        }
        best = max(shared, key=lambda family: shared[family])
        return best if shared[best] else None


def distance(seen: Sequence[Features], others: Sequence[Features]) -> tuple[bool, float]:
    """Return how different two plots are, for comparison; plots with different numbers of pictures are last."""
    pairs = [float(np.sum((one - other) ** 2)) for one, other in zip(seen, others, strict=False)]
    return len(seen) != len(others), sum(pairs) / len(pairs) if pairs else 0.0


def _words(text: str) -> set[str]:
    return {word.lower() for word in _WORD.findall(text)}


def _scaled(weights: Mapping[str, float]) -> dict[str, float]:
    """Normalise the weights, so that a family with many words is not more likely than others."""
    length = math.sqrt(sum(weight * weight for weight in weights.values())) or 1.0
    return {word: weight / length for word, weight in weights.items()}


def _for_pictures(answer: str, count: int) -> str:
    """Shorten a description to this number of pictures, if the remembered plot has more."""
    described = parse_json(answer)
    if not isinstance(described, list) or len(described) <= count:
        return answer
    return json.dumps(described[:count] if count > 1 else described[0])
