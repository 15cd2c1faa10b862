"""Small models guess the status of unseen samples from one part of them."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from synthetic.audit.observed import Observed

TEXT, STYLE, AXES, THUMBNAILS = "text", "style", "axes", "thumbnails"


@dataclass(frozen=True, slots=True, kw_only=True)
class Guesses:
    """The results of the models on one family.

    Attributes:
        samples: how many were guessed, each by models that were trained on the other seeds.
        majority: how many have the status that is most frequent in the family.
        right: how many were guessed right, by the part that the model saw.
    """

    family: str
    samples: int
    majority: int
    right: Mapping[str, int]


def guesses(family: str, observed: Sequence[Observed]) -> Guesses:
    """Train on all seeds but one and guess that one, in turn.

    This needs scikit-learn and two seeds or more.
    """
    statuses = [each.sample.status for each in observed]
    seeds = np.array([each.sample.key.seed for each in observed])
    return Guesses(
        family=family,
        samples=len(observed),
        majority=max(Counter(statuses).values()),
        right={part: _right(model, parts, statuses, seeds) for part, model, parts in _parts(observed)},
    )


def _parts(observed: Sequence[Observed]) -> list[tuple[str, Callable[[], Any], list[Any]]]:
    """Return a model for each part; leaves of three samples keep a forest from memorising single ones."""
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.feature_extraction import DictVectorizer
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    def forest(leaf: int) -> Any:  # noqa: ANN401 - scikit-learn has no types
        return RandomForestClassifier(50, min_samples_leaf=leaf, random_state=0)

    return [
        (
            TEXT,
            lambda: make_pipeline(TfidfVectorizer(), LogisticRegression()),
            [each.text for each in observed],
        ),
        (STYLE, lambda: make_pipeline(DictVectorizer(), forest(3)), [each.style for each in observed]),
        (AXES, lambda: make_pipeline(DictVectorizer(), forest(1)), [each.axes for each in observed]),
        (THUMBNAILS, lambda: forest(1), [each.thumbnails for each in observed]),
    ]


def _right(model: Callable[[], Any], parts: list[Any], statuses: list[str], seeds: Any) -> int:  # noqa: ANN401
    right = 0
    for seed in np.unique(seeds):
        train, test = np.flatnonzero(seeds != seed), np.flatnonzero(seeds == seed)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about constant features, which is what we hope for
            trained = model().fit([parts[k] for k in train], [statuses[k] for k in train])
            guessed = trained.predict([parts[k] for k in test])
        right += sum(str(guess) == statuses[k] for guess, k in zip(guessed, test, strict=True))
    return right
