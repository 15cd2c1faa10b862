"""Two or more runs on the same items: what changed, by how much, and whether that is more than chance.

UnlikeRunsError    the runs differ in more than the model; the message names the field
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from reports.aggregate import sample_scores
from reports.outcomes import Evaluation, Outcome, grouped
from reports.overview import capitalised
from reports.paired import LabelChanges, PairedDifference, label_changes, paired_difference
from reports.records import ItemKey
from reports.tables import MODE_NAMES, Cell, Column, Document, Section, Table, Unit
from scoring.questions import Mode, Question

LABEL_QUESTIONS = frozenset({Question.Q2, Question.Q4, Question.Q6})
FLIP = 0.5
"""An item is fixed or broken if its score rose or fell by at least this."""

DIFFERENCE_COLUMNS = (
    Column("Group"),
    Column("Earlier", Unit.SCORE, 1),
    Column("Later", Unit.SCORE, 1),
    Column("Difference", Unit.DIFFERENCE, 1),
    Column("95% interval", Unit.DIFFERENCE, 1, span=True),
    Column("p", Unit.NUMBER, 3),
    Column("Detectable", Unit.SCORE, 1),
    Column("Samples", Unit.COUNT),
)
CHANGE_COLUMNS = (
    Column("Question"),
    Column("Fixed", Unit.COUNT),
    Column("Broken", Unit.COUNT),
    Column("McNemar p", Unit.NUMBER, 3),
)
FLIP_COLUMNS = (
    Column("Item"),
    Column("Mode"),
    Column("Earlier", Unit.SCORE, 1),
    Column("Later", Unit.SCORE, 1),
)


class UnlikeRunsError(Exception):
    """The runs cannot be compared as they are; ``str()`` names the field and both values."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One group of items compared. Means are over the items that both runs measured."""

    name: str
    earlier_mean: float | None
    later_mean: float | None
    difference: PairedDifference


def unlike_fields(earlier: Evaluation, later: Evaluation) -> tuple[str, ...]:
    """What keeps two runs from being compared, in words; the model may differ, that is the point."""
    before, now = earlier.identity, later.identity
    differences = [
        f"{name.replace('_', ' ')} is {getattr(before, name)!r} in one and {getattr(now, name)!r} in the other"
        for name in ("dataset_revision", "scorer", "judges")
        if getattr(before, name) != getattr(now, name)
    ]
    ours, theirs = before.settings or {}, now.settings or {}
    differences += [
        f"{name} is {ours.get(name)!r} in one and {theirs.get(name)!r} in the other"
        for name in sorted(ours.keys() | theirs.keys())
        if ours.get(name) != theirs.get(name)
    ]
    return tuple(differences)


def compare(earlier: Evaluation, later: Evaluation, *, anyway: bool = False) -> Document:
    """The comparison of two runs, later minus earlier, over the items that both measured.

    Raises UnlikeRunsError where they differ in dataset revision, scorer, judges or settings, unless ``anyway``; then
    every table says so.
    """
    differences = unlike_fields(earlier, later)
    if differences and not anyway:
        raise UnlikeRunsError(f"{differences[0]}; --anyway compares them all the same and says so in every table")
    names = tuple(evaluation.identity.model or "not stated" for evaluation in (earlier, later))
    shared = shared_items(earlier, later)
    stand_ins = sorted({name for evaluation in (earlier, later) for name in evaluation.identity.stand_ins})
    labels = [f"stand-ins: {'; '.join(stand_ins)}"] if stand_ins else []
    return Document(
        title=f"QCalEval: {names[1]} against {names[0]}",
        facts=(
            ("Earlier", names[0]),
            ("Later", names[1]),
            ("Dataset", f"{earlier.identity.dataset} at {earlier.identity.dataset_revision}"),
            ("Items", f"{len(shared)} measured in both"),
        ),
        warnings=tuple(f"Unlike runs: {difference}." for difference in differences),
        sections=(
            Section(title="Scores", tables=tuple(_score_tables(earlier, later))),
            Section(title="Changes", tables=tuple(_change_tables(earlier, later))),
        ),
        label="; ".join([*labels, *(["compared although unlike"] if differences else [])]),
    )


def joined(documents: Sequence[Document]) -> Document:
    """Several comparisons with the same earlier run as one document. Raises UnlikeRunsError for none at all."""
    if not documents:
        raise UnlikeRunsError("one run alone: name the earlier run and at least one later one")
    first, *others = documents
    if not others:
        return first
    sections = tuple(
        Section(title=f"{document.title}: {section.title.lower()}", tables=section.tables)
        for document in documents
        for section in document.sections
    )
    warnings = tuple(dict.fromkeys(warning for document in documents for warning in document.warnings))
    return replace(first, title=f"QCalEval: {len(documents)} comparisons", sections=sections, warnings=warnings)


def shared_items(earlier: Evaluation, later: Evaluation) -> tuple[tuple[Outcome, Outcome], ...]:
    """Pairs of outcomes that are measured in both."""
    before = {outcome.key: outcome for outcome in earlier.outcomes if outcome.measured}
    return tuple(
        (before[outcome.key], outcome) for outcome in later.outcomes if outcome.measured and outcome.key in before
    )


def overall_row(earlier: Sequence[Outcome], later: Sequence[Outcome], name: str) -> Row:
    """The mean of question means of two sets of outcomes of one mode, over shared items."""
    keys = {outcome.key for outcome in earlier if outcome.measured} & {o.key for o in later if o.measured}
    questions = [question for question in Question if any(o.key.question is question for o in later)]
    before, now = ([_scores(outcomes, keys, question) for question in questions] for outcomes in (earlier, later))
    return Row(
        name=name,
        earlier_mean=_mean_of_means([list(scores.values()) for scores in before]),
        later_mean=_mean_of_means([list(scores.values()) for scores in now]),
        difference=paired_difference(before, now),
    )


def _scores(outcomes: Sequence[Outcome], keys: set[ItemKey], question: Question) -> dict[str, float]:
    return sample_scores(o for o in outcomes if o.key in keys and o.key.question is question)


def _mean_of_means(groups: Sequence[Sequence[float]]) -> float | None:
    if not groups or not all(groups):
        return None
    return sum(sum(values) / len(values) for values in groups) / len(groups)


def _by_mode(evaluation: Evaluation) -> dict[Mode, list[Outcome]]:
    return grouped((o for o in evaluation.outcomes if not o.key.variant), lambda outcome: outcome.key.mode)


def _score_tables(earlier: Evaluation, later: Evaluation) -> Iterator[Table]:
    before, now = _by_mode(earlier), _by_mode(later)
    for mode in (mode for mode in Mode if mode in before and mode in now):
        yield _table(f"{capitalised(MODE_NAMES[mode])} by question", _question_rows(before[mode], now[mode]))
        yield _table(f"{capitalised(MODE_NAMES[mode])} by family", _family_rows(before[mode], now[mode]))


def _question_rows(before: Sequence[Outcome], now: Sequence[Outcome]) -> Iterator[Row]:
    for question in Question:
        rows = [[o for o in outcomes if o.key.question is question] for outcomes in (before, now)]
        if all(rows):
            yield overall_row(rows[0], rows[1], question.value)
    yield overall_row(before, now, "Mean")


def _family_rows(before: Sequence[Outcome], now: Sequence[Outcome]) -> Iterator[Row]:
    families = grouped(before, lambda outcome: outcome.family)
    later = grouped(now, lambda outcome: outcome.family)
    for family in sorted(families.keys() & later.keys()):
        yield overall_row(families[family], later[family], family)


def _table(title: str, rows: Iterator[Row]) -> Table:
    return Table(
        title=title,
        columns=DIFFERENCE_COLUMNS,
        rows=tuple(_cells(row) for row in rows),
        notes=(
            "Difference: later minus earlier on the items measured in both; p: sign-flip permutation by sample.",
            "Detectable: the smallest true difference that this comparison would have found in 80% of cases.",
        ),
    )


def _cells(row: Row) -> tuple[Cell, ...]:
    found = row.difference
    means = (row.earlier_mean, row.later_mean)
    return (row.name, *means, found.mean, found.interval, found.p_value, found.detectable, found.samples)


def _change_tables(earlier: Evaluation, later: Evaluation) -> Iterator[Table]:
    before, now = _by_mode(earlier), _by_mode(later)
    for mode in (mode for mode in Mode if mode in before and mode in now):
        rows = tuple(_change_cells(question, found) for question, found in _label_rows(before[mode], now[mode]))
        yield Table(
            title=f"{capitalised(MODE_NAMES[mode])}: labels fixed and broken", columns=CHANGE_COLUMNS, rows=rows
        )
    yield flip_table(earlier, later)


def _label_rows(before: Sequence[Outcome], now: Sequence[Outcome]) -> Iterator[tuple[Question, LabelChanges]]:
    keys = {outcome.key for outcome in before if outcome.measured} & {o.key for o in now if o.measured}
    for question in sorted(LABEL_QUESTIONS):
        if any(key.question is question for key in keys):
            yield question, label_changes(_scores(before, keys, question), _scores(now, keys, question))


def _change_cells(question: Question, found: LabelChanges) -> tuple[Cell, ...]:
    return (question.value, found.fixed, found.broken, found.p_value)


def flip_table(earlier: Evaluation, later: Evaluation) -> Table:
    """The items that were fixed or broken, the largest changes first, fixed before broken."""
    flips = [
        (now.value - before.value, now.key, before.value, now.value)
        for before, now in shared_items(earlier, later)
        if before.value is not None and now.value is not None and abs(now.value - before.value) >= FLIP
    ]
    rows = tuple(
        (f"{key.sample_id} {key.question}", MODE_NAMES[key.mode], before, now)
        for _, key, before, now in sorted(flips, key=lambda flip: (-flip[0], flip[1]))
    )
    fixed = sum(change > 0 for change, *_ in flips)
    return Table(
        title="Items fixed and broken",
        columns=FLIP_COLUMNS,
        rows=rows,
        notes=(f"{fixed} fixed, {len(flips) - fixed} broken: scores that changed by at least {100 * FLIP:.0f}.",),
    )
