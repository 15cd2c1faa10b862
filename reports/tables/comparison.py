"""Two or more runs on the same items: what changed, by how much, and whether that is more than chance.

UnlikeRunsError    the runs differ in more than the model; the message names the field
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from operator import itemgetter
from typing import NamedTuple

from reports.analysis.breakdown import HARD_BELOW, hard_for_all
from reports.records.mixes import differing, differing_settings
from reports.records.outcomes import Evaluation, Identity, Outcome, grouped
from reports.statistics.aggregate import sample_scores
from reports.statistics.paired import LabelChanges, PairedDifference, label_changes, paired_difference
from reports.tables.model import MODE_NAMES, Cell, Column, Document, Section, Table, Unit, capitalised
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


class ItemName(NamedTuple):
    """An item without its repeats, which are averaged: repeat 2 of one run has nothing to do with that of another."""

    sample_id: str
    question: Question
    mode: Mode


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One group of items compared. Means are over the samples that both runs measured."""

    name: str
    earlier_mean: float | None
    later_mean: float | None
    difference: PairedDifference


def unlike_fields(earlier: Identity, later: Identity, *, judged: bool = True) -> tuple[str, ...]:
    """What keeps two runs from being compared, in words; the model may differ, that is the point.

    ``judged=False``: as far as questions without a judge are concerned.
    """
    settings = differing_settings(earlier.settings or {}, later.settings or {})
    return tuple(
        f"{name} is {before!r} in one and {now!r} in the other"
        for name, before, now in sorted([*differing(_traits(earlier), _traits(later)), *settings], key=itemgetter(0))
        if judged or not name.startswith("judge")
    )


def _traits(identity: Identity) -> dict[str, object]:
    fields = ("dataset_revision", "scorer", "scorer_version", "judges")
    return {name.replace("_", " "): getattr(identity, name) for name in fields}


def compare(earlier: Evaluation, later: Evaluation, *, anyway: bool = False) -> Document:
    """The comparison of two runs, later minus earlier, over the items that both measured.

    Raises UnlikeRunsError where they differ in dataset revision, scorer, judges or settings, unless ``anyway``; then
    every table says so.
    """
    differences = unlike_fields(earlier.identity, later.identity)
    if differences and not anyway:
        raise UnlikeRunsError(f"{'; '.join(differences)} (--anyway compares all the same and says so in every table)")
    names = tuple(evaluation.identity.model or "not stated" for evaluation in (earlier, later))
    stand_ins = sorted({name for evaluation in (earlier, later) for name in evaluation.identity.stand_ins})
    labels = [f"stand-ins: {'; '.join(stand_ins)}"] if stand_ins else []
    return Document(
        title=f"QCalEval: {names[1]} against {names[0]}",
        facts=(
            ("Earlier", names[0]),
            ("Later", names[1]),
            ("Dataset", f"{earlier.identity.dataset} at {earlier.identity.dataset_revision}"),
            ("Items", _items_fact(earlier, later)),
        ),
        warnings=tuple(f"Unlike runs: {difference}." for difference in differences),
        sections=(
            Section(title="Scores", tables=tuple(_score_tables(earlier, later))),
            Section(title="Changes", tables=tuple(_change_tables(earlier, later))),
        ),
        label="; ".join([*labels, *(["compared although unlike"] if differences else [])]),
    )


def hard_section(evaluations: Sequence[Evaluation]) -> Section:
    """The scenario types and questions that no run answers, mode by mode (the paper's Table 9 over several models)."""
    columns = (Column("Family"), Column("Scenario type"), Column("Question"))
    tables = []
    for mode in Mode:
        rows = tuple(hard_for_all(evaluations, mode))
        notes = () if rows else ("There is none.",)
        title = f"{capitalised(MODE_NAMES[mode])}: below {100 * HARD_BELOW:.0f} in each of {len(evaluations)} runs"
        tables.append(Table(title=title, columns=columns, rows=rows, notes=notes))
    return Section(title="Hard for all", tables=tuple(tables))


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


def _items_fact(earlier: Evaluation, later: Evaluation) -> str:
    planned = {_item_name(outcome) for outcome in (*earlier.benchmark, *later.benchmark)}
    shared = item_scores(earlier.outcomes).keys() & item_scores(later.outcomes).keys()
    return f"{len(shared)} measured in both, of {len(planned)} planned in either"


def item_scores(outcomes: Iterable[Outcome]) -> dict[ItemName, float]:
    """The score of each item that was measured, 0..1, repeats averaged; a study's variants are left out."""
    measured = [outcome for outcome in outcomes if outcome.measured and not outcome.key.variant]
    return {
        name: score
        for name, attempts in grouped(measured, _item_name).items()
        for score in sample_scores(attempts).values()
    }


def _item_name(outcome: Outcome) -> ItemName:
    return ItemName(outcome.key.sample_id, outcome.key.question, outcome.key.mode)


def overall_row(earlier: Sequence[Outcome], later: Sequence[Outcome], name: str, *, tested: bool = True) -> Row:
    """The mean of question means of two sets of outcomes of one mode, over the questions that both ask.

    Undefined where one of these has no sample that both measured.
    """
    pairs = [(_scores(earlier, question), _scores(later, question)) for question in shared_questions(earlier, later)]
    before = [{sample: first[sample] for sample in first.keys() & second.keys()} for first, second in pairs]
    now = [{sample: second[sample] for sample in first.keys() & second.keys()} for first, second in pairs]
    return Row(
        name=name,
        earlier_mean=_mean_of_means([list(scores.values()) for scores in before]),
        later_mean=_mean_of_means([list(scores.values()) for scores in now]),
        difference=paired_difference(before, now, tested=tested),
    )


def shared_questions(earlier: Sequence[Outcome], later: Sequence[Outcome]) -> list[Question]:
    """The questions that both sets of outcomes ask, in order."""
    return sorted({outcome.key.question for outcome in earlier} & {outcome.key.question for outcome in later})


def _scores(outcomes: Sequence[Outcome], question: Question) -> dict[str, float]:
    return sample_scores(o for o in outcomes if o.measured and o.key.question is question)


def _mean_of_means(groups: Sequence[Sequence[float]]) -> float | None:
    if not groups or not all(groups):
        return None
    return math.fsum(math.fsum(values) / len(values) for values in groups) / len(groups)


def _by_mode(evaluation: Evaluation) -> dict[Mode, list[Outcome]]:
    return grouped(evaluation.benchmark, lambda outcome: outcome.key.mode)


def _score_tables(earlier: Evaluation, later: Evaluation) -> Iterator[Table]:
    before, now = _by_mode(earlier), _by_mode(later)
    for mode in (mode for mode in Mode if mode in before and mode in now):
        yield _table(f"{capitalised(MODE_NAMES[mode])} by question", _question_rows(before[mode], now[mode]))
        yield _table(f"{capitalised(MODE_NAMES[mode])} by family", _family_rows(before[mode], now[mode]))


def _question_rows(before: Sequence[Outcome], now: Sequence[Outcome]) -> Iterator[Row]:
    for question in shared_questions(before, now):
        yield overall_row(_of(before, question), _of(now, question), question.value)
    yield overall_row(before, now, "Mean")


def _of(outcomes: Sequence[Outcome], question: Question) -> list[Outcome]:
    return [outcome for outcome in outcomes if outcome.key.question is question]


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
            "Difference: later minus earlier, on the samples measured in both. Mean: of the questions asked in both.",
            "p: sign-flip permutation by sample, against no difference; with many rows some are small by chance.",
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
        asked = [question for question in shared_questions(before[mode], now[mode]) if question in LABEL_QUESTIONS]
        rows = [
            _change_cells(question, label_changes(_scores(before[mode], question), _scores(now[mode], question)))
            for question in asked
        ]
        if rows:
            title = f"{capitalised(MODE_NAMES[mode])}: labels fixed and broken"
            yield Table(title=title, columns=CHANGE_COLUMNS, rows=tuple(rows))
    yield flip_table(earlier, later)


def _change_cells(question: Question, found: LabelChanges) -> tuple[Cell, ...]:
    return (question.value, found.fixed, found.broken, found.p_value)


def flipped_items(earlier: Evaluation, later: Evaluation) -> list[tuple[ItemName, float, float]]:
    """Items whose score changed by at least FLIP, with both scores; the largest changes first, fixed before broken."""
    before, now = item_scores(earlier.outcomes), item_scores(later.outcomes)
    changes = {name: now[name] - before[name] for name in before.keys() & now.keys()}
    flips = sorted((name for name in changes if abs(changes[name]) >= FLIP), key=lambda name: (-changes[name], name))
    return [(name, before[name], now[name]) for name in flips]


def flip_table(earlier: Evaluation, later: Evaluation) -> Table:
    """The items that were fixed or broken, the largest changes first, fixed before broken."""
    flips = flipped_items(earlier, later)
    rows = tuple(
        (f"{name.sample_id} {name.question}", MODE_NAMES[name.mode], before, now) for name, before, now in flips
    )
    fixed = sum(now > before for _, before, now in flips)
    return Table(
        title="Items fixed and broken",
        columns=FLIP_COLUMNS,
        rows=rows,
        notes=(f"{fixed} fixed, {len(flips) - fixed} broken: scores that changed by at least {100 * FLIP:.0f}.",),
    )
