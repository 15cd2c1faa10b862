import subprocess
import sys
from dataclasses import replace
from xml.sax.saxutils import quoteattr

import pytest

from reports.exchange.junit import JUnitError, load_junit
from reports.records.outcomes import ErrorRule, counting_errors, evaluation_of
from reports.records.records import Run, identity_properties, item_properties, outcome_properties
from reports.records.stored import final_records
from reports.statistics.aggregate import by_question
from scoring.questions import Mode, Question
from scoring.score import Score
from tests.run_factory import failed, manifest, planned_item, run_of

VALUES = {
    ("a", "Q5", "zeroshot"): 1 / 3,
    ("b", "Q5", "zeroshot"): 0.0,
    ("c", "Q5", "zeroshot"): None,
    ("a", "Q5", "icl"): 1.0,
}


def properties(pairs):
    return "".join(f"<property name={quoteattr(name)} value={quoteattr(value)}/>" for name, value in pairs)


def case_element(pairs):
    return f'<testcase classname="t" name="n"><properties>{properties(pairs)}</properties></testcase>'


def junit(run, *, identity=True):
    """The JUnit file that pytest writes for the run, as far as reports read it."""
    stated = identity_properties(run.manifest) if identity else []
    final = final_records(run)
    tests = "".join(
        case_element([*stated, *item_properties(item), *outcome(final.get(item.key))])
        for item in run.manifest.planned
    )
    return f'<?xml version="1.0"?><testsuites><testsuite name="pytest">{tests}</testsuite></testsuites>'


def outcome(record):
    return [] if record is None else outcome_properties(record.status, record.score, record.unanswered_score)


@pytest.fixture
def write(tmp_path):
    def write(name, text):
        file = tmp_path / name
        file.write_text(text)
        return file

    return write


def test_junit_files_hold_the_evaluation_but_for_its_settings_and_scorer_version(write):
    run = run_of(VALUES, stand_ins=('model: a "blind" <baseline>',))
    evaluation = evaluation_of(run)
    expected = replace(evaluation, identity=replace(evaluation.identity, settings=None, scorer_version=None))
    assert expected == load_junit([write("a.xml", junit(run))])


def test_shards_add_up_to_the_run(write):
    run = run_of(VALUES)
    shards = [run_of({key: VALUES[key]}) for key in VALUES]
    files = [write(f"{number}.xml", junit(shard)) for number, shard in enumerate(shards)]
    expected = by_question(evaluation_of(run).outcomes)
    assert expected == by_question(load_junit(files).outcomes)


def test_a_failed_test_says_what_the_reference_gives_it(write):
    item = planned_item("a", "Q5")
    score = Score(value=0.75, extracted=None, expected=None)
    run = Run(manifest=manifest([item]), records=(failed(item, unanswered_score=score),))
    evaluation = load_junit([write("a.xml", junit(run))])
    means = {
        rule: [outcome.value for outcome in counting_errors(evaluation, rule).outcomes] for rule in ErrorRule
    }
    assert {"as-reference": [0.75], "zero": [0.0], "unmeasured": [None]} == means


def test_a_test_without_a_status_is_planned_and_not_measured(write):
    counts = by_question(load_junit([write("a.xml", junit(run_of(VALUES)))]).outcomes)[
        Mode.ZEROSHOT, Question.Q5
    ]
    assert (3, 2, {"missing": 1}) == (
        counts.coverage.planned,
        counts.coverage.measured,
        counts.coverage.unmeasured,
    )


def test_of_one_item_in_several_files_the_first_measurement_counts(write):
    key = ("a", "Q6", "zeroshot")
    files = [write(f"{n}.xml", junit(run_of({key: value}))) for n, value in enumerate([None, 0.0, 1.0])]
    assert [0.0] == [outcome.value for outcome in load_junit(files).outcomes]


def test_what_is_not_stated_stays_unstated(write):
    identity = load_junit([write("a.xml", junit(run_of(VALUES), identity=False))]).identity
    assert (None, (), None, None) == (identity.model, identity.judges, identity.dataset, identity.settings)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"model": "other-vlm"}, r"b\.xml: model is other-vlm, but test-vlm in .*a\.xml"),
        ({"dataset_revision": "fff"}, "dataset revision is fff, but 0123"),
        ({"scorer": "strict"}, "scorer is strict, but compatible"),
        ({"judges": ()}, r"judges is not stated, but gpt-5\.4"),
    ],
)
def test_files_of_unlike_runs_are_refused_naming_the_field(write, change, message):
    files = [write("a.xml", junit(run_of(VALUES))), write("b.xml", junit(run_of(VALUES, **change)))]
    with pytest.raises(JUnitError, match=message):
        load_junit(files)


BOMB = '<!DOCTYPE lolz [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]><testsuites>&b;</testsuites>'
FETCH = '<!DOCTYPE x SYSTEM "http://localhost:1/x.dtd"><testsuites/>'


@pytest.mark.parametrize("text", [BOMB, FETCH])
def test_a_document_type_declaration_is_refused(write, text):
    with pytest.raises(JUnitError, match=r"a\.xml: has a document type declaration"):
        load_junit([write("a.xml", text)])


@pytest.mark.parametrize(
    ("pairs", "message"),
    [
        ([("qcal_status", "scored")], "no property qcal_score"),
        ([("qcal_status", "scored"), ("qcal_score", "1.5")], "score 1.5 is not within 0 to 1"),
        ([("qcal_status", "scored"), ("qcal_score", "nan")], "score nan is not within 0 to 1"),
        ([("qcal_status", "fine")], "'fine' is not a valid Status"),
    ],
)
def test_impossible_properties_name_file_and_sample(write, pairs, message):
    text = f"<testsuite>{case_element([*item_properties(planned_item('a')), *pairs])}</testsuite>"
    with pytest.raises(JUnitError, match=f"a.xml: test of sample 'a': {message}"):
        load_junit([write("a.xml", text)])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("<testsuites><testsuite>", "not XML"),
        ("", "not XML"),
        (
            '<testsuite><testcase name="other"/></testsuite>',
            "no test of the benchmark in these files; make them with",
        ),
    ],
)
def test_files_that_hold_no_evaluation_are_refused(write, text, message):
    with pytest.raises(JUnitError, match=message):
        load_junit([write("a.xml", text)])


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(JUnitError, match=r"gone\.xml: cannot be read \(No such file or directory\)"):
        load_junit([tmp_path / "gone.xml"])


def test_a_file_that_pytest_wrote_is_read(tmp_path):
    pairs = [*item_properties(planned_item("a")), ("qcal_status", "scored"), ("qcal_score", "0.125")]
    test = tmp_path / "test_item.py"
    test.write_text(
        "def test_item(request, record_testsuite_property):\n"
        "    record_testsuite_property('qcal_model', 'm')\n"
        f"    request.node.user_properties += {pairs!r}\n"
    )
    command = [sys.executable, "-m", "pytest", str(test), "--junitxml", str(tmp_path / "out.xml")]
    subprocess.run([*command, "--rootdir", str(tmp_path), "-c", "/dev/null"], check=True, capture_output=True)
    evaluation = load_junit([tmp_path / "out.xml"])
    assert ("m", [0.125]) == (evaluation.identity.model, [outcome.value for outcome in evaluation.outcomes])
