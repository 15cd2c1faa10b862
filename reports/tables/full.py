"""The full report: the overview, the published models, and a breakdown of each mode."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from reports.analysis.breakdown import HARD_BELOW, Breakdown, FamilyScores, ScenarioScore, break_down
from reports.analysis.consistency import Contradiction, Legibility
from reports.analysis.judges import judge_report
from reports.analysis.labels import BIASES, ConfusionMatrix
from reports.analysis.parameters import FieldError, FieldScore
from reports.records.names import MODE_NAMES, question_name
from reports.records.outcomes import Evaluation
from reports.records.records import Run
from reports.statistics.aggregate import Coverage, Summary
from reports.statistics.rates import Rate
from reports.tables.floors import FLOOR_COLUMNS, field_floor_notes, floor_cells, with_floors
from reports.tables.judges import judge_tables
from reports.tables.leaderboard import leaderboard_table
from reports.tables.model import QUESTION, Cell, Column, Document, Section, Table, Unit, capitalised, printed
from reports.tables.new_families import new_family_section
from reports.tables.overview import INTERVAL_NAME, document, overview
from reports.tables.shots import shot_details
from scoring.questions import Mode, Question

FAMILY = Column("Family", families=True)
COVERAGE_COLUMNS = (
    Column("Planned", Unit.COUNT),
    Column("Measured", Unit.COUNT),
    Column("%", Unit.PERCENT, 1),
)
SCORE_COLUMNS = (Column("Mean", Unit.SCORE, 1), Column(INTERVAL_NAME, Unit.SCORE, 1, span=True))
SHARE_COLUMNS = (Column("Share", Unit.PERCENT, 1), Column(INTERVAL_NAME, Unit.PERCENT, 1, span=True))


def full_report(
    evaluation: Evaluation,
    run: Run | None = None,
    *,
    breakdowns: Mapping[Mode, Breakdown] | None = None,
    short: Document | None = None,
    floors: bool = False,
) -> Document:
    """Return the complete report of an evaluation; some of the `Breakdown` needs the ``run``.

    ``breakdowns`` from `break_down` and the ``short`` report from `overview` are computed if they are not
    given.
    ``floors``: as in `overview`.
    """
    if breakdowns is None:
        breakdowns = break_down(evaluation, run)
    boards = tuple(board for mode in Mode if (board := leaderboard_table(evaluation, mode, floors=floors)))
    published = (Section(title="Published models", tables=boards),) if boards else ()
    panel = None if run is None else judge_report(run)
    judges = () if panel is None else (Section(title="Judges", tables=tuple(judge_tables(panel))),)
    parts = (section for breakdown in breakdowns.values() for section in sections(breakdown, floors=floors))
    shots = shot_details(evaluation)
    short = short or overview(evaluation, run, floors=floors)
    sure = new_family_section(evaluation, floors=floors)
    return document(evaluation, (*short.sections, *published, sure, *shots, *judges, *parts), run)


def sections(breakdown: Breakdown, *, floors: bool = False) -> Iterator[Section]:
    """Yield the sections of one mode, by subject."""
    mode = capitalised(MODE_NAMES[breakdown.mode])
    yield Section(title=f"{mode}: families", tables=tuple(family_tables(breakdown, floors=floors)))
    if breakdown.confusion or breakdown.biases:
        matrices = (confusion_table(matrix) for matrix in breakdown.confusion)
        yield Section(title=f"{mode}: labels", tables=(*matrices, bias_table(breakdown.biases)))
    if breakdown.fields:
        yield Section(title=f"{mode}: parameters", tables=(field_table(breakdown.fields, floors=floors),))
    if breakdown.legibility:
        tables = [cut_table(breakdown.legibility), unreadable_table(breakdown.legibility)]
        if breakdown.contradictions:
            tables.append(contradiction_table(breakdown.contradictions))
        yield Section(title=f"{mode}: answers", tables=tuple(tables))


# --- families -----------------------------------------------------------------------------------------------


def family_tables(breakdown: Breakdown, *, floors: bool = False) -> Iterator[Table]:
    """Yield all questions in one table, then each question with intervals, then the hard scenario types."""
    questions = [
        question for question in Question if any(question in entry.questions for entry in breakdown.families)
    ]
    yield side_by_side(breakdown.families, questions, floors=floors)
    for question in questions:
        yield question_by_family(breakdown.families, question, floors=floors)
    yield hard_scenario_table(breakdown.hard_scenarios, floors=floors)


def side_by_side(
    families: Sequence[FamilyScores], questions: Sequence[Question], *, floors: bool = False
) -> Table:
    """Return mean scores, with a row per family and a column per question; with their ``floors``."""
    rows = tuple(
        (
            entry.family,
            *_coverage_cells(entry.mean.coverage),
            entry.mean.mean,
            *(
                entry.questions[question].mean if question in entry.questions else None
                for question in questions
            ),
            *(floor_cells(entry.mean.floor)[1:2] if floors else ()),
        )
        for entry in families
    )
    planned, *coverage = COVERAGE_COLUMNS
    columns = (FAMILY, replace(planned, optional=True), *coverage, Column("Mean", Unit.SCORE, 1))
    return Table(
        title="Scores by family",
        columns=(
            *columns,
            *(Column(question.value, Unit.SCORE, 1) for question in questions),
            *(FLOOR_COLUMNS[1:2] if floors else ()),
        ),
        rows=rows,
        notes=(
            "Scores 0 to 100. Counts are items of all questions; the tables by question have intervals.",
            f"{', '.join(map(question_name, questions))}.",
            *(("Above: mean minus floor, over the questions that have one.",) if floors else ()),
        ),
    )


def question_by_family(
    families: Sequence[FamilyScores], question: Question, *, floors: bool = False
) -> Table:
    """Return the table of one question, with a row per family, the best first; with their ``floors``."""
    asked = [(entry.family, entry.questions[question]) for entry in families if question in entry.questions]
    ranked = sorted(asked, key=lambda entry: (entry[1].mean is None, -(entry[1].mean or 0.0), entry[0]))
    columns = (FAMILY, *COVERAGE_COLUMNS, *SCORE_COLUMNS)
    return Table(
        title=f"{question_name(question)} by family",
        columns=with_floors(columns) if floors else columns,
        rows=tuple((family, *_summary_cells(summary, floors=floors)) for family, summary in ranked),
    )


def hard_scenario_table(scores: Sequence[ScenarioScore], *, floors: bool = False) -> Table:
    """Return the table of scenario types and questions that the model hardly ever answers."""
    rows = tuple(
        (score.scenario_type, score.question.value, *_summary_cells(score.summary, floors=floors))
        for score in scores
    )
    columns: tuple[Column, ...] = (Column("Scenario type"), QUESTION, *COVERAGE_COLUMNS, *SCORE_COLUMNS)
    columns = with_floors(columns) if floors else columns
    notes = () if rows else (f"No scenario type has a mean score below {100 * HARD_BELOW:.0f}.",)
    return Table(
        title=f"Scenario types below {100 * HARD_BELOW:.0f}", columns=columns, rows=rows, notes=notes
    )


# --- labels -------------------------------------------------------------------------------------------------


def confusion_table(matrix: ConfusionMatrix) -> Table:
    """Return the matrix with a row per expected label and a column per answered label."""
    rows: tuple[tuple[Cell, ...], ...] = tuple(
        (expected, *[answers.get(label, 0) for label in matrix.answered], sum(answers.values()))
        for expected, answers in matrix.counts.items()
    )
    columns = (
        Column("Expected"),
        *(Column(label, Unit.COUNT) for label in matrix.answered),
        Column("All", Unit.COUNT),
    )
    family = f", {matrix.family}" if matrix.family else ""
    return Table(
        title=f"{matrix.question} answers{family} ({MODE_NAMES[matrix.mode]})",
        columns=columns,
        rows=rows,
        notes=(_measured_note(matrix.measured, matrix.planned),),
    )


def bias_table(biases: Mapping[str, Rate]) -> Table:
    """Return the table of errors that were possible, each with its denominator."""
    definitions = {bias.name: bias.definition for bias in BIASES}
    rows = tuple((name, *_rate_cells(rate), definitions[name]) for name, rate in biases.items() if rate.of)
    columns = (Column("Error"), Column("Items", Unit.COUNT), Column("Of", Unit.COUNT), *SHARE_COLUMNS)
    return Table(title="Biases", columns=(*columns, Column("What is counted")), rows=rows)


# --- parameters and answers ---------------------------------------------------------------------------------


def field_table(fields: Sequence[FieldScore], *, floors: bool = False) -> Table:
    """Return the table with a row per field of Q5 and errors as shares of the items; with their ``floors``."""
    errors = tuple(Column(kind.value.capitalize(), Unit.PERCENT, 1) for kind in FieldError)
    rows = tuple(
        (
            score.family,
            score.field,
            score.items,
            score.coverage.share,
            score.mean,
            score.interval,
            *(floor_cells(score.floor) if floors else ()),
            *(score.errors[kind].share for kind in FieldError),
        )
        for score in fields
    )
    columns = (
        FAMILY,
        Column("Field"),
        Column("Items", Unit.COUNT),
        Column("%", Unit.PERCENT, 1),
    )
    of_scores = (*SCORE_COLUMNS, *(FLOOR_COLUMNS if floors else ()))
    return Table(
        title="Q5 by field",
        columns=(*columns, *of_scores, *errors),
        rows=rows,
        notes=(*_FIELD_NOTES, *(field_floor_notes([score.floor for score in fields]) if floors else ())),
    )


_FIELD_NOTES = (
    "%: measured of the family's planned Q5 items. Errors are shares of Items; answers with credit have none.",
    "Unit: wrong by a power of a thousand. Magnitude: not that, but ten times too large or too small, or more.",
    "Declined: no value, although the reference has one. Invented: a value, although the reference has none.",
)


def cut_table(questions: Mapping[Question, Legibility]) -> Table:
    """Return the table of answers cut at ``max_tokens``, with a row per question."""
    columns = (QUESTION, Column("Cut", Unit.COUNT), Column("Answers", Unit.COUNT), *SHARE_COLUMNS)
    rows = tuple((question.value, *_rate_cells(entry.truncated)) for question, entry in questions.items())
    return Table(title="Answers cut at max_tokens", columns=columns, rows=rows)


def unreadable_table(questions: Mapping[Question, Legibility]) -> Table:
    """Return the table of unreadable answers, with a row per question except Q3."""
    columns = (QUESTION, Column("Unreadable", Unit.COUNT), Column("Measured", Unit.COUNT), *SHARE_COLUMNS)
    rows = tuple(
        (question.value, *_rate_cells(entry.unreadable))
        for question, entry in questions.items()
        if entry.unreadable is not None
    )
    notes = ("Unreadable: no JSON (Q1, Q5), none of the question's labels (Q2, Q4), no status code (Q6).",)
    return Table(title="Unreadable answers", columns=columns, rows=rows, notes=notes)


def contradiction_table(contradictions: Sequence[Contradiction]) -> Table:
    """Return the table with a row per contradiction, and its rate among the reference answers."""
    rows = tuple(
        (entry.name, *_rate_cells(entry.answers), entry.references.share) for entry in contradictions
    )
    columns = (
        Column("Contradiction"),
        Column("Samples", Unit.COUNT),
        Column("Of", Unit.COUNT),
        *SHARE_COLUMNS,
    )
    return Table(
        title="Contradictions within a sample",
        columns=(*columns, Column("In references", Unit.PERCENT, 1)),
        rows=rows,
        notes=(
            "Of: samples whose two answers could be read. From the fit: fields that some reference declines.",
        ),
    )


# --- cells --------------------------------------------------------------------------------------------------


def _coverage_cells(counts: Coverage) -> tuple[Cell, ...]:
    return (counts.planned, counts.measured, counts.share)


def _summary_cells(summary: Summary, *, floors: bool) -> tuple[Cell, ...]:
    above = floor_cells(summary.floor) if floors else ()
    return (*_coverage_cells(summary.coverage), summary.mean, summary.mean_interval, *above)


def _rate_cells(rate: Rate | None) -> tuple[Cell, ...]:
    return (None, None, None, None) if rate is None else (rate.count, rate.of, rate.share, rate.interval)


def _measured_note(measured: int, planned: int) -> str:
    share = printed(measured / planned if planned else None, Column("%", Unit.PERCENT, 1))
    return f"Rows: what was expected; columns: what was answered. {measured} of {planned} items measured ({share}%)."
