"""Judges as instruments: agreement, each judge alone, disputed items."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.analysis.judges import judge_report, krippendorff_alpha, weighted_kappa
from reports.records.outcomes import evaluation_of
from reports.records.records import Run, Verdict
from reports.render.text import render
from reports.tables.full import full_report
from scoring.questions import Question
from tests.run_factory import manifest, planned_item, run_of, scored

GRADES = st.lists(st.sampled_from([0.0, 0.5, 1.0]), min_size=2, max_size=20)


def verdicts(first, second):
    return (
        Verdict(judge="judge-a", reply="", grades=first),
        Verdict(judge="judge-b", reply="", grades=second),
    )


def panel_run():
    """Q3 of two samples, on the first of which the judges differ; Q1 with two of three fields right."""
    items = [planned_item("a", "Q3"), planned_item("b", "Q3"), planned_item("a", "Q1")]
    records = (
        scored(items[0], 0.5, verdicts=verdicts((1.0, 1.0), (0.0, 0.0))),
        scored(items[1], 1.0, verdicts=verdicts((1.0, 1.0), (1.0, 1.0))),
        scored(
            items[2],
            0.5 * 2 / 3 + 0.5 * 0.75,
            components={"fields": 2 / 3},
            verdicts=verdicts((1.0,), (0.5,)),
        ),
    )
    return Run(manifest=manifest(items), records=records)


def test_each_judge_alone_gives_the_scores_that_its_grades_would_have_given():
    report = judge_report(panel_run())

    alone = {entry.question: entry for entry in report.alone}
    assert (1.0, 0.5) == alone[Question.Q3].alone
    assert 0.75 == alone[Question.Q3].together
    assert (0.5 * 2 / 3 + 0.5, 0.5 * 2 / 3 + 0.25) == pytest.approx(alone[Question.Q1].alone)
    assert 2 == alone[Question.Q3].items


def test_the_difference_of_judges_is_clustered_by_sample():
    pair = judge_report(panel_run()).pairs[0]

    assert (3, 5, 2) == (pair.items, pair.key_points, pair.samples)
    assert pytest.approx(((1.0 + 0.5) / 2 + 0.0) / 2) == pair.difference


def test_the_widest_gap_comes_first_and_agreement_is_not_listed():
    disputed = judge_report(panel_run()).disputed

    assert [("a", "Q3", 1.0), ("a", "Q1", 0.5)] == [
        (r.key.sample_id, r.key.question, gap) for r, gap in disputed
    ]


def test_grades_of_a_studys_items_do_not_count():
    run = panel_run()
    blank = planned_item("a", "Q3", variant="blank")
    record = scored(blank, 0.0, verdicts=verdicts((0.0, 0.0), (1.0, 0.0)))
    studied = replace(run, manifest=manifest([*run.manifest.planned, blank]), records=(*run.records, record))

    assert judge_report(run) == judge_report(studied)


def test_one_judge_alone_is_not_a_panel():
    item = planned_item("a", "Q3")
    records = (scored(item, 1.0, verdicts=verdicts((1.0,), (1.0,))[:1]),)
    assert judge_report(Run(manifest=manifest([item]), records=records)) is None


def test_the_full_report_shows_the_panel(snapshot):
    run = panel_run()
    document = full_report(evaluation_of(run), run)
    judges = tuple(section for section in document.sections if section.title == "Judges")

    assert snapshot == render(replace(document, sections=judges), 80)


@given(GRADES)
def test_full_agreement_is_1(grades):
    assert weighted_kappa(grades, grades) in {None, 1.0}
    assert krippendorff_alpha(np.array([grades, grades])) in {None, 1.0}


@pytest.mark.parametrize("grade", [0.1, 0.7, 1.0])
def test_agreement_is_undefined_if_all_grades_are_equal(grade):
    grades = [grade] * 3
    assert weighted_kappa(grades, grades) is None
    assert krippendorff_alpha(np.array([grades, grades])) is None


def test_judges_that_never_differ_are_not_certain_to_agree():
    values = {(f"s{n}", "Q3", "zeroshot"): 1.0 for n in range(8)}
    verdicts = tuple(Verdict(judge=name, reply="", grades=(1.0,)) for name in ("a", "b"))
    run = run_of(values)
    run = replace(run, records=tuple(replace(record, verdicts=verdicts) for record in run.records))
    pair = judge_report(run).pairs[0]
    assert 0.0 == pair.difference
    assert pair.interval.low < -0.1 < 0.1 < pair.interval.high


def test_kappa_of_a_known_example():
    """2 x 2 table 20, 5, 10, 15 (of right-or-wrong grades): kappa 0.4, and weights change nothing."""
    first = [1.0] * 25 + [0.0] * 25
    second = [1.0] * 20 + [0.0] * 5 + [1.0] * 10 + [0.0] * 15
    assert pytest.approx(0.4) == weighted_kappa(first, second)


def test_alpha_of_a_known_example():
    """Two judges, three key points: (1, 1), (0, 0), (1, 0).

    Observed 1/6; expected var of 1,0,1,1,0,0 is 0.3.
    """
    grades = np.array([[1.0, 0.0, 1.0], [1.0, 0.0, 0.0]])
    assert pytest.approx(1 - (0.5 / 3) / 0.3) == krippendorff_alpha(grades)


@given(GRADES, st.randoms())
def test_agreement_is_symmetric_and_at_most_1(grades, random):
    other = random.sample(grades, len(grades))
    kappa = weighted_kappa(grades, other)
    assert weighted_kappa(other, grades) == pytest.approx(kappa) if kappa is not None else kappa is None
    assert kappa is None or kappa <= 1
