import csv
from pathlib import Path

import pytest

from reports.analysis.leaderboard import published_rows, published_scores
from reports.records.outcomes import evaluation_of
from reports.render.text import render
from reports.tables.full import full_report
from reports.tables.leaderboard import leaderboard_table
from scoring.questions import Mode, Question
from tests.rendering import as_text
from tests.run_factory import run_of

REFERENCE = Path(__file__).parents[2] / "shared" / "reference"


def values(zeroshot=243, icl=236, score=0.5):
    return {
        (f"s{number}", question.value, mode.value): score
        for mode, samples in ((Mode.ZEROSHOT, zeroshot), (Mode.ICL, icl))
        for number in range(samples)
        for question in mode.questions
    }


def test_the_published_rows_are_all_there():
    assert (18 + 3, 17 + 3, 22) == (
        len(published_scores(Mode.ZEROSHOT)),
        len(published_scores(Mode.ICL)),
        len(published_rows("q6_by_family_2026_04.csv")),
    )


@pytest.mark.parametrize("mode", list(Mode))
def test_a_published_mean_is_the_mean_of_its_questions(mode):
    for row in published_scores(mode):
        if row.questions:
            assert pytest.approx(row.mean, abs=0.0011) == sum(row.questions.values()) / len(row.questions)


@pytest.mark.skipif(
    not REFERENCE.is_dir(), reason="the folder of published figures is not next to the project"
)
@pytest.mark.parametrize(
    ("mode", "name"), [(Mode.ZEROSHOT, "leaderboard_zeroshot.csv"), (Mode.ICL, "leaderboard_icl.csv")]
)
def test_the_published_scores_are_those_of_the_source(mode, name):
    ours = {row.model: row for row in published_scores(mode)}
    for row in csv.DictReader((REFERENCE / name).read_text().splitlines()):
        scores = [float(row["mean"]), *(float(row[question.lower()]) for question in mode.questions)]
        published = ours[row["model"]]
        fractions = [published.mean, *(published.questions[question] for question in mode.questions)]
        assert pytest.approx(scores) == [100 * score for score in fractions]


def test_the_leaderboard_with_a_comparable_run(snapshot):
    table = leaderboard_table(evaluation_of(run_of(values(score=0.625))), Mode.ICL)
    assert snapshot == as_text(table)


def test_a_comparable_run_has_a_rank_and_moves_those_below():
    table = leaderboard_table(evaluation_of(run_of(values(score=1.0))), Mode.ZEROSHOT)
    assert [(1, "> test-vlm"), (2, "Ising Calibration 1.5 31B BF16 (July)")] == [
        row[:2] for row in table.rows[:2]
    ]


def test_a_run_that_is_not_comparable_has_no_rank():
    table = leaderboard_table(evaluation_of(run_of(values(5, 0))), Mode.ZEROSHOT)
    assert [None] == [row[0] for row in table.rows if row[1] == "> test-vlm"]
    assert list(range(1, 22)) == [row[0] for row in table.rows if row[0] is not None]
    assert (
        "This run is not comparable, for the reasons at the head of the report, and has no rank."
        in table.notes
    )


def test_the_full_report_gives_the_reasons_once():
    text = render(full_report(evaluation_of(run_of(values(5, 3)))), 200)
    assert 1 == text.count("5 of 243 samples")


def test_a_run_without_a_mean_is_not_on_the_leaderboard():
    evaluation = evaluation_of(run_of(values(5, 0) | {("s0", "Q1", "icl"): None}))
    assert (None, None) == (
        leaderboard_table(evaluation, Mode.ICL),
        leaderboard_table(evaluation_of(run_of({})), Mode.ICL),
    )


def test_questions_that_were_not_asked_have_no_figure():
    table = leaderboard_table(evaluation_of(run_of({("a", "Q2", "zeroshot"): 1.0})), Mode.ZEROSHOT)
    names = [column.name for column in table.columns]
    own = next(row for row in table.rows if row[1] == "> test-vlm")
    assert (1.0, None) == (own[names.index(Question.Q2)], own[names.index(Question.Q6)])
