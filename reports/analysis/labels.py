"""Labels: confusion matrices of Q2, Q4 and Q6, and rates of typical errors.

The rates follow the paper (appendix D.2 and its analysis of Q4). The paper leaves some denominators open;
`BIASES` defines them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from reports.records.records import Record
from reports.statistics.rates import Rate, rate
from scoring.classification import ASSESSMENTS, CONCLUSIONS
from scoring.diagnosis import STATUS_CODES
from scoring.questions import Mode, Question
from scoring.reference import JSON

NOTHING = "(nothing read)"
"""The label of an answer in which no label can be read."""
OTHER = "(other text)"
"""The label of an answer with a label that the question does not offer."""

EXPECTED, ANOMALOUS, SUBOPTIMAL, APPARATUS = CONCLUSIONS
UNRELIABLE, NO_FIT, RELIABLE = ASSESSMENTS
SUCCESS = "SUCCESS"
GOOD_STATUSES = frozenset({SUCCESS, "STABLE", "CORRECTED", "EVENT", "NO_EVENT"})
"""Codes with which the benchmark says "Expected behavior"; three families have no SUCCESS."""

KNOWN_LABELS: Mapping[Question, tuple[str, ...]] = {
    Question.Q2: (EXPECTED, SUBOPTIMAL, ANOMALOUS, APPARATUS),
    Question.Q4: (RELIABLE, UNRELIABLE, NO_FIT),
    Question.Q6: (SUCCESS, *sorted(STATUS_CODES - {SUCCESS})),
}
"""The labels of each question, in the order of tables."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfusionMatrix:
    """How often each label was answered for each expected label.

    Attributes:
        family: None for all families together.
        planned, measured: the number of items.
        answered: the labels that were answered, in the order of tables; `OTHER` and `NOTHING` come last.
        counts: expected label -> answered label -> items; zeros are left out.
    """

    question: Question
    mode: Mode
    family: str | None
    planned: int
    measured: int
    answered: tuple[str, ...]
    counts: Mapping[str, Mapping[str, int]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bias:
    """A kind of error: answering ``question`` with one of ``labels``, as a share of the items that are ``among``."""

    name: str
    definition: str
    question: Question
    among: Callable[[Record], bool]
    labels: frozenset[str]


def answered_label(record: Record) -> str:
    """Return the label of a measured Q2, Q4 or Q6 answer, in the question's spelling; else `OTHER` or `NOTHING`."""
    return _label(record, None if record.score is None else record.score.extracted)


def expected_label(record: Record) -> str:
    """Return the label of the reference answer, as `answered_label` does."""
    return _label(record, None if record.score is None else record.score.expected)


def confusion_matrix(
    records: Sequence[Record], *, planned: int, question: Question, mode: Mode, family: str | None = None
) -> ConfusionMatrix:
    """Return the matrix of measured records, all of one question, mode and (if given) family, of ``planned`` items."""
    pairs = Counter((expected_label(record), answered_label(record)) for record in records)
    order = (*KNOWN_LABELS[question], OTHER, NOTHING)
    return ConfusionMatrix(
        question=question,
        mode=mode,
        family=family,
        planned=planned,
        measured=len(records),
        answered=tuple(label for label in order if any(answered == label for _, answered in pairs)),
        counts={
            expected: {answered: pairs[expected, answered] for answered in order if pairs[expected, answered]}
            for expected in order
            if any(label == expected for label, _ in pairs)
        },
    )


def bias_rates(records: Iterable[Record]) -> dict[str, Rate]:
    """Return the rate of each of `BIASES` among measured records of one mode."""
    cases: dict[str, list[tuple[str, bool]]] = {bias.name: [] for bias in BIASES}
    for record in records:
        for bias in BIASES:
            if record.key.question is bias.question and bias.among(record):
                case = record.key.sample_id, answered_label(record) in bias.labels
                cases[bias.name].append(case)
    return {name: rate(counted) for name, counted in cases.items()}


def _label(record: Record, read: JSON) -> str:
    if not isinstance(read, str):
        return NOTHING
    known = KNOWN_LABELS[record.key.question]
    return next((label for label in known if label.lower() == read.lower()), OTHER)


def _wrong(record: Record) -> bool:
    return record.score is not None and record.score.value == 0


def _expects(label: str) -> Callable[[Record], bool]:
    return lambda record: expected_label(record) == label


def _failed(record: Record) -> bool:
    return expected_label(record) not in GOOD_STATUSES


BIASES = (
    Bias(
        name="False success (Q6)",
        definition="answers of SUCCESS or another good status if a failure is right",
        question=Question.Q6,
        among=_failed,
        labels=GOOD_STATUSES,
    ),
    Bias(
        name="Optimism (Q6)",
        definition="wrong answers that say SUCCESS, of all wrong answers",
        question=Question.Q6,
        among=_wrong,
        labels=frozenset({SUCCESS}),
    ),
    Bias(
        name="Optimism (Q2)",
        definition="wrong answers that say Expected behavior, of all wrong answers",
        question=Question.Q2,
        among=_wrong,
        labels=frozenset({EXPECTED}),
    ),
    Bias(
        name="Suboptimal called expected (Q2)",
        definition="answers of Expected behavior if Suboptimal parameters is right",
        question=Question.Q2,
        among=_expects(SUBOPTIMAL),
        labels=frozenset({EXPECTED}),
    ),
    Bias(
        name="False confidence (Q4)",
        definition="answers of Reliable if Unreliable is right",
        question=Question.Q4,
        among=_expects(UNRELIABLE),
        labels=frozenset({RELIABLE}),
    ),
    Bias(
        name="No-fit blindness (Q4)",
        definition="answers of Reliable or Unreliable if the plot has no fit",
        question=Question.Q4,
        among=_expects(NO_FIT),
        labels=frozenset({RELIABLE, UNRELIABLE}),
    ),
)
"""The kinds of errors that are counted.

Unreadable answers are in the denominators, but not counted as errors.
"""
