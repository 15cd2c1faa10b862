"""What a test's report carries, and what becomes a line of records.jsonl."""

from dataclasses import replace

import pytest

from qcal_plugin.engine.result import EngineResult
from qcal_plugin.session.recording import Recorder
from qcal_plugin.worker.measuring import below_mark, lost_label_flags
from reports.records.records import Answer, Record, Run, Status, Verdict
from reports.tables.overview import findings
from scoring.dispatch import Scorer, score
from scoring.questions import Question
from scoring.reference import Reference
from scoring.score import Score
from tests.run_factory import manifest, planned_item, scored


def graded(value):
    return Score(value=value, extracted=None, expected=None)


def record_of(item, status, score=None):
    """A record as a test makes it, without the engine's part."""
    return Record(
        key=item.key, family=item.family, scenario_type=item.scenario_type, status=status, score=score
    )


@pytest.mark.parametrize("mark", range(101))
def test_an_item_exactly_at_the_pass_mark_passes_and_one_just_below_fails(mark):
    """Of the marks themselves too whose hundredth is not exact: 100 * 0.57 is 56.99999999999999."""
    assert below_mark(graded(mark / 100), mark) is None
    if mark:
        below = below_mark(graded(mark / 100 - 1e-6), mark)
        assert f"is below --pass-mark {mark}: extracted null, expected null" in below


def test_without_a_pass_mark_no_score_fails():
    assert below_mark(graded(0.0), None) is None


@pytest.mark.parametrize("status", [Status.UNJUDGED, Status.SCORED])
def test_an_item_with_an_unchanged_stored_answer_has_one_line_however_often_the_run_is_resumed(
    tmp_path, status
):
    item = planned_item("a", "Q3")
    score = graded(1.0) if status is Status.SCORED else None
    attempts = [1, 0, 0]  # asked once; then the stored answer is used
    for sent in attempts:
        outcome = EngineResult(
            key=item.key,
            request_sha256="0" * 64,
            answer=Answer(text="It rises."),
            verdicts=(),
            judging=item.key.question is Question.Q3,
            failure=None,
            attempts=sent,
        )
        recorder = Recorder(tmp_path / "records.jsonl", lambda _, outcome=outcome: outcome)
        recorder.take(record_of(item, status, score))
        recorder.close()
    assert 1 == len((tmp_path / "records.jsonl").read_text().splitlines())


def test_an_item_that_was_unjudged_and_is_judged_later_has_a_second_line(tmp_path):
    item = planned_item("a", "Q3")
    outcome = EngineResult(
        key=item.key,
        request_sha256="0" * 64,
        answer=Answer(text="It rises."),
        verdicts=(),
        judging=True,
        failure=None,
        attempts=0,
    )
    recorder = Recorder(tmp_path / "records.jsonl", lambda _: outcome)
    for record in (
        record_of(item, Status.UNJUDGED),
        record_of(item, Status.UNJUDGED),
        record_of(item, Status.SCORED, graded(0.5)),
    ):
        recorder.take(record)
    recorder.close()
    assert 2 == len((tmp_path / "records.jsonl").read_text().splitlines())


# --- a right label that a bold heading loses ---


@pytest.mark.parametrize(
    ("flags", "question", "text"),
    [
        (("bold_heading",), Question.Q2, "**Classification:**\nExpected behavior"),
        (("bold_heading",), Question.Q4, "**Assessment:** \n- Reliable"),
        ((), Question.Q2, "**Classification:**\nApparatus issue"),  # lost, but wrong
        ((), Question.Q2, "**Classification:** Expected behavior"),  # not lost
        (
            (),
            Question.Q2,
            "Classification: none yet\nClassification: Expected behavior",
        ),  # lost for another reason
        ((), Question.Q6, "**Status:**\nSUCCESS"),
    ],
)
def test_an_answer_that_loses_its_score_to_a_bold_heading_alone_is_flagged(flags, question, text):
    answers = {Question.Q2: "Classification: Expected behavior", Question.Q4: "Assessment: Reliable"}
    reference = Reference(
        answer=answers.get(question, "Status: SUCCESS"), plot_description="{}", scenario_type="rabi_success"
    )
    compatible = score(question, text, reference, scorer=Scorer.COMPATIBLE)
    strict = score(question, text, reference, scorer=Scorer.STRICT)
    assert flags == lost_label_flags(question, compatible, strict)


def test_the_report_counts_lost_labels_and_odd_judge_replies_per_judge():
    lost = replace(scored(planned_item("a", "Q2"), 0.0), flags=("bold_heading",))
    odd = Verdict(judge="judge-a", reply="[NaN]", grades=(1.0,), faults=("nan", "short"))
    graded_item = replace(scored(planned_item("a", "Q3"), 1.0), verdicts=(odd,))
    run = Run(
        manifest=manifest([planned_item("a", "Q2"), planned_item("a", "Q3")]), records=(lost, graded_item)
    )
    assert {
        "right label lost: it is on the line below a bold heading (Q2, Q4)": 1,
        "judge judge-a: nan reply": 1,
        "judge judge-a: short reply": 1,
    }.items() <= findings(run).items()
