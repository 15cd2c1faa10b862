"""The standard report of an evaluation: scores per question and mode, ICL deltas, and what could not be measured."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from reports.analysis.comparability import comparability
from reports.analysis.consistency import truncated
from reports.analysis.mix_scores import mix_score
from reports.analysis.other_pictures import picture_studies
from reports.analysis.repeats import repeat_spreads
from reports.records.conditions import parse_shots
from reports.records.names import MODE_NAMES, question_span
from reports.records.outcomes import ErrorRule, Evaluation, Outcome, counted_records, grouped
from reports.records.records import WITHHELD, Record, Run, is_same_model
from reports.records.stored import final_records
from reports.statistics.aggregate import (
    Coverage,
    IclDelta,
    MeanOfQuestions,
    Summary,
    by_mode,
    by_question,
    coverage,
    icl_deltas,
)
from reports.tables.attempts import attempt_tables
from reports.tables.floors import copying_table, floor_cells, floor_notes, with_floors
from reports.tables.mix import mix_table, mix_text
from reports.tables.model import (
    QUESTION,
    Cell,
    Column,
    Document,
    Section,
    Table,
    Unit,
    capitalised,
    error_notes,
    printed,
)
from reports.tables.other_pictures import change_tables, gain_tables
from reports.tables.reasoning import reasoning_tables
from reports.tables.repeats import repeat_tables
from reports.tables.shots import shot_section
from scoring.flags import Flag
from scoring.questions import Mode, Question

INTERVAL_NAME = "95% interval"
SCORE_COLUMNS = (
    QUESTION,
    Column("Planned", Unit.COUNT),
    Column("Measured", Unit.COUNT),
    Column("%", Unit.PERCENT, 1),
    Column("Mean", Unit.SCORE, 1),
    Column(INTERVAL_NAME, Unit.SCORE, 1, span=True),
    Column("Median", Unit.SCORE, 1),
    Column("Min", Unit.SCORE, 1, optional=True),
    Column("Max", Unit.SCORE, 1, optional=True),
)
DELTA_COLUMNS = (
    QUESTION,
    Column("ICL", Unit.SCORE, 1),
    Column("Delta", Unit.DIFFERENCE, 1),
    Column(INTERVAL_NAME, Unit.DIFFERENCE, 1, span=True),
    Column("Paired", Unit.DIFFERENCE, 1),
    Column(INTERVAL_NAME, Unit.DIFFERENCE, 1, span=True),
    Column("Pairs", Unit.COUNT),
    Column("%", Unit.PERCENT, 1),
)
ERROR_RULES = {
    None: "not stated: as the file's writer counted them",
    ErrorRule.UNMEASURED: "unmeasured: items without an answer count nowhere",
    ErrorRule.ZERO: "zero: items without an answer count as 0, which is not the reference's rule",
    ErrorRule.AS_REFERENCE: "as-reference: items without an answer count as in the reference scripts: Q5 earns the "
    'fields whose value is null or "Unreliable", all else is 0',
}


def overview(evaluation: Evaluation, run: Run | None = None, *, floors: bool = False) -> Document:
    """Return the standard report; with the ``run`` of the evaluation it also says what failed and why.

    ``floors`` adds to tables of scores what answers that ignore the plot score.
    """
    mixed = mix_score(evaluation)
    headline = () if mixed is None else (mix_table(mixed, floors=floors),)
    sections = [
        Section(title="Scores", tables=(*headline, *score_tables(evaluation.outcomes, floors=floors)))
    ]
    sections += shot_section(evaluation, run, floors=floors)
    studies = picture_studies(evaluation.outcomes)
    if gains := tuple(gain_tables(studies, floors=floors)):
        sections.append(Section(title="Does it look at the plot?", tables=gains))
    if changes := tuple(change_tables(studies, floors=floors)):
        sections.append(Section(title="Do harmless changes of style move it?", tables=changes))
    repeats = repeat_tables(repeat_spreads(evaluation.outcomes))
    of_run = () if run is None else (*attempt_tables(run), *reasoning_tables(run), *answer_tables(run))
    findings = (*repeats, *unmeasured_tables(evaluation.outcomes, run), *of_run)
    if findings:
        sections.append(Section(title="Behind the scores", tables=findings))
    return document(evaluation, tuple(sections), run)


def document(evaluation: Evaluation, sections: tuple[Section, ...], run: Run | None = None) -> Document:
    """Return a document about the evaluation: its identity, warnings, and the given sections."""
    identity = evaluation.identity
    reasons = comparability(evaluation)
    warnings = []
    if identity.stand_ins:
        warnings.append(f"Stand-ins, not a measurement of any real model: {'; '.join(identity.stand_ins)}.")
    if reasons:
        warnings.append(f"Not comparable with the published figures: {'; '.join(reasons)}.")
    if run is not None:
        warnings += [f"Dataset: {warning}." for warning in run.manifest.dataset_warnings]
    return Document(
        title=f"QCalEval: {identity.model or 'model not stated'}",
        facts=tuple(_facts(evaluation, run, comparable=not reasons)),
        warnings=tuple(warnings),
        sections=sections,
        label="; ".join(_labels(evaluation)),
    )


def _labels(evaluation: Evaluation) -> Iterator[str]:
    if evaluation.identity.stand_ins:
        yield f"stand-ins: {'; '.join(evaluation.identity.stand_ins)}"
    if evaluation.errors not in {None, ErrorRule.UNMEASURED}:
        yield f"errors: {evaluation.errors}"


def _facts(evaluation: Evaluation, run: Run | None, *, comparable: bool) -> Iterator[tuple[str, str]]:
    identity, counts = evaluation.identity, coverage(evaluation.outcomes)
    yield "Model", identity.model or "not stated"
    yield "Judge", ", ".join(identity.judges) or "none"
    if run is not None and run.judge_agreement:
        yield "Judge canary", "; ".join(_agreements(run))
    yield (
        "Dataset",
        f"{identity.dataset or 'not stated'} at {identity.dataset_revision or 'revision not stated'}",
    )
    if identity.mix is not None:
        yield "Mix", mix_text(identity.mix)
    yield "Scorer", identity.scorer or "not stated"
    if identity.deviations:
        yield "Deviations from the protocol", "; ".join(identity.deviations)
    yield "Errors", ERROR_RULES[evaluation.errors]
    yield "Items", f"{counts.measured} of {counts.planned} measured{_percent(counts)}{_withheld(evaluation)}"
    yield "Comparable with published figures", "yes" if comparable else "no"
    if run is not None:
        yield "Run", run.manifest.run_id


def _agreements(run: Run) -> Iterator[str]:
    percent = Column("", Unit.PERCENT)
    for judge, agreement in run.judge_agreement.items():
        gullibility = run.judge_gullibility.get(judge)
        raised = (
            "" if gullibility is None else f", attacks raise {printed(gullibility, percent)}% of its grades"
        )
        yield f"{judge} agrees with {printed(agreement, percent)}% of known grades{raised}"


def _withheld(evaluation: Evaluation) -> str:
    """Return how many answers were filtered or refused, as text that follows the coverage."""
    counts = Counter(outcome.status for outcome in evaluation.outcomes if outcome.status in WITHHELD)
    return "".join(f", {counts[status]} {status}" for status in sorted(WITHHELD) if counts[status])


def _percent(counts: Coverage) -> str:
    return "" if counts.share is None else f" ({printed(counts.share, Column('', Unit.PERCENT, 1))}%)"


# --- scores -------------------------------------------------------------------------------------------------


def score_tables(outcomes: Sequence[Outcome], *, floors: bool = False) -> Iterator[Table]:
    """Yield for each variant a table per mode, the ICL deltas, and ICL minus copying."""
    for variant, group in sorted(grouped(outcomes, lambda outcome: outcome.key.variant).items()):
        if parse_shots(variant) is not None:
            continue  # see reports.analysis.shots
        suffix = f", variant {variant}" if variant else ""
        summaries, means = by_question(group), by_mode(group)
        for mode, mean in means.items():
            rows = {question: summary for (asked, question), summary in summaries.items() if asked is mode}
            yield mode_table(f"{capitalised(MODE_NAMES[mode])}{suffix}", rows, mean, floors=floors)
        if deltas := icl_deltas(group):
            yield delta_table(f"Effect of demonstrations (ICL minus zero-shot){suffix}", deltas)
        icl = {question: summary for (mode, question), summary in summaries.items() if mode is Mode.ICL}
        yield from copying_table(f"Above copying (ICL minus a demonstration's answer){suffix}", icl)


def mode_table(
    title: str, summaries: dict[Question, Summary], mean: MeanOfQuestions, *, floors: bool = False
) -> Table:
    """Return the table with a row per question and the mean of the question means; with their ``floors``."""
    rows = [(question.value, *_score_cells(summary)) for question, summary in summaries.items()]
    counts = mean.coverage
    total = (
        "Mean",
        counts.planned,
        counts.measured,
        counts.share,
        mean.mean,
        mean.interval,
        None,
        None,
        None,
    )
    notes = tuple(_score_notes(summaries, mean))
    if not floors:
        return Table(title=title, columns=SCORE_COLUMNS, rows=(*rows, total), notes=notes)
    floor_values = [*(summary.floor for summary in summaries.values()), mean.floor]
    return Table(
        title=title,
        columns=with_floors(SCORE_COLUMNS),
        rows=tuple(
            (*row, *floor_cells(above)) for row, above in zip((*rows, total), floor_values, strict=True)
        ),
        notes=(*notes, *floor_notes(mean.floor, summaries)),
    )


def _score_cells(summary: Summary) -> tuple[Cell, ...]:
    counts = summary.coverage
    return (
        counts.planned,
        counts.measured,
        counts.share,
        summary.mean,
        summary.mean_interval,
        summary.median,
        summary.minimum,
        summary.maximum,
    )


def _score_notes(summaries: dict[Question, Summary], mean: MeanOfQuestions) -> Iterator[str]:
    yield "Scores 0 to 100; Mean: of the question means; intervals treat the samples as drawn at random."
    if empty := [question for question, summary in summaries.items() if summary.mean is None]:
        yield f"The mean of the question means is undefined: nothing was measured in {question_span(empty)}."
        if scored := {
            question: summary.mean for question, summary in summaries.items() if summary.mean is not None
        }:
            of_these = printed(statistics.fmean(scored.values()), Column("", Unit.SCORE, 1))
            yield f"The mean over {question_span(scored)} is {of_these}."
    yield from error_notes(mean.coverage.counted_errors)


def delta_table(title: str, deltas: dict[Question, IclDelta]) -> Table:
    """Return the table with a row per question that was asked in both modes."""
    rows = tuple(
        (
            question.value,
            delta.icl_mean,
            delta.delta,
            delta.delta_interval,
            delta.paired_delta,
            delta.paired_interval,
            delta.pairs,
            delta.pairs / delta.planned_pairs if delta.planned_pairs else None,
        )
        for question, delta in deltas.items()
    )
    return Table(title=title, columns=DELTA_COLUMNS, rows=rows, notes=_DELTA_NOTES)


_DELTA_NOTES = (
    "Delta: ICL mean minus zero-shot mean, as published.",
    "Paired: on the samples measured in both modes; %: of those planned in both.",
)


# --- behind the scores --------------------------------------------------------------------------------------


def unmeasured_tables(outcomes: Sequence[Outcome], run: Run | None) -> Iterator[Table]:
    """Yield the table of unmeasured items, by state and kind of error, the most frequent first; nothing without any."""
    records = {} if run is None else counted_records(run)
    reasons = grouped(
        (outcome for outcome in outcomes if not outcome.measured),
        lambda outcome: (outcome.state, _kind(records.get(outcome.key))),
    )
    if reasons:
        columns = (Column("State"), Column("Reason"), Column("Items", Unit.COUNT), Column("For example"))
        ranked = sorted(reasons.items(), key=lambda entry: (-len(entry[1]), entry[0]))
        rows = tuple(
            (state, kind, len(group), _example(group[0], records.get(group[0].key)))
            for (state, kind), group in ranked
        )
        yield Table(title="Not measured", columns=columns, rows=rows, notes=(_STATES_NOTE,))


_STATES_NOTE = (
    "missing: never reached (--resume asks it). unjudged: no judge was given. filtered, refused: the server replied "
    "without an answer; not asked again. None of these counts as zero."
)


def _kind(record: Record | None) -> str:
    return "" if record is None or record.error is None else record.error.kind


def _example(outcome: Outcome, record: Record | None) -> str:
    key = outcome.key
    message = "" if record is None or record.error is None else f": {record.error.message}"
    name = " ".join(filter(None, (key.sample_id, key.question, key.mode, key.variant)))
    return f"{name}{message}"


def answer_tables(run: Run) -> Iterator[Table]:
    """Yield the table of findings in answers and files, as counts of items; nothing if there are none."""
    counts = findings(run)
    if counts:
        columns = (Column("Finding"), Column("Items", Unit.COUNT), Column("%", Unit.PERCENT, 1))
        answered = sum(record.answer is not None for record in counted_records(run).values())
        rows = tuple((name, count, count / answered if answered else None) for name, count in counts.items())
        yield Table(
            title="Findings", columns=columns, rows=rows, notes=(f"%: of {answered} items with an answer.",)
        )


FLAG_WORDS: dict[str, str] = {
    Flag.BOLD_HEADING: "right label lost: it is on the line below a bold heading (Q2, Q4)"
}
"""Flags that tables describe, in place of their name."""


def findings(run: Run) -> dict[str, int]:
    """Count findings in answers and files: finding -> items.

    These are answers cut at ``max_tokens``, flags by name, scores on which the two scorers differ, and for
    each judge the replies that were used despite a fault (`Verdict.faults`).
    """
    flags: Counter[str] = Counter()
    faults: Counter[tuple[str, str]] = Counter()
    served: Counter[tuple[str, str | None]] = Counter()
    cut = differ = 0
    for record in counted_records(run).values():
        flags.update(flag for flag in record.flags if flag != Flag.TRUNCATED)
        faults.update((verdict.judge, fault) for verdict in record.verdicts for fault in verdict.faults)
        cut += truncated(record)
        differ += _scorers_differ(record)
        if record.answer is not None and record.answer.served_model:
            served[record.answer.served_model, record.answer.fingerprint] += 1
    counts = {
        "answer cut (finish_reason length)": cut,
        "compatible and strict scores differ": differ,
        **{FLAG_WORDS.get(name, f"flag {name}"): count for name, count in sorted(flags.items())},
        **_other_models(run.manifest.model, served),
        **{f"judge {judge}: {fault} reply": count for (judge, fault), count in sorted(faults.items())},
        "record of an item that was not planned": len(final_records(run)) - len(counted_records(run)),
        "line cut while it was written": run.torn_lines,
        "damaged line, not read; --resume asks its item again": run.damaged_lines,
    }
    return {name: count for name, count in counts.items() if count}


def _other_models(asked: str, served: Mapping[tuple[str, str | None], int]) -> dict[str, int]:
    """Count answers by other models than the requested one, and the versions of it that answered.

    ``served``: the number of answers by each model and fingerprint.
    """
    others: Counter[str] = Counter()
    for (model, _), count in served.items():
        if asked and not is_same_model(asked, model):
            others[model] += count
    changed = {"versions of the model (name and fingerprint)": len(served)} if len(served) > 1 else {}
    return {**{f"answered by {name}": count for name, count in sorted(others.items())}, **changed}


def _scorers_differ(record: Record) -> bool:
    return (
        record.score is not None
        and record.other_score is not None
        and record.score.value != record.other_score.value
    )
