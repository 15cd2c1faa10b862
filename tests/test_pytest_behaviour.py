"""The suite behaves as a pytest user expects: selection, stopping, output, exit status, rerunning, own tests."""

import gc
import re
import xml.etree.ElementTree as ET
from dataclasses import replace

import pytest

from reports.__main__ import main as print_reports
from tests.endpoint import Reply
from tests.scripts import HOSTILE_TEXT, always, by_text, delayed, error

pytest_plugins = ["pytester"]

OK, FAILED, INTERRUPTED, NOTHING_COLLECTED = 0, 1, 2, 5
ALL = 72  # 8 samples, 6 zero-shot and 3 ICL items each


@pytest.fixture
def session(quick, endpoint, tiny_folder):
    """Runs the suite on the tiny dataset."""

    def run(*options, run_dir="run"):
        return quick.run(
            "--model-url",
            endpoint.base_url,
            "--dataset",
            str(tiny_folder),
            "--no-html",
            *options,
            run_dir=run_dir,
        )

    return run


def planned(result):
    return {(item["sample_id"], item["question"], item["mode"]) for item in result.manifest["planned"]}


def counts(result):
    """What pytest's last line counts, such as {"passed": 3}."""
    line = re.findall(r"^=* ?((?:\d+ \w+(?:, )?)+) in [\d.]+s", result.out, re.MULTILINE)[-1]
    return {
        word.removesuffix("s") if word == "errors" else word: int(n)
        for n, word in re.findall(r"(\d+) (\w+)", line)
    }


# --- choosing ---


def test_k_selects_by_family_sample_and_question(session, endpoint):
    result = session("-k", "drag and Q6")
    assert OK == result.exit_status, result.out
    samples = {
        f"drag_{scenario}_{letter}" for scenario in ("success", "failure_no_signal") for letter in "ab"
    }
    assert {(sample, "Q6", mode) for sample in samples for mode in ("zeroshot", "icl")} == planned(result)
    assert 8 == len(endpoint.requests) == len(result.records)


def test_m_selects_exactly_by_the_markers_fields(session, endpoint):
    result = session("-m", "qcal(family='rabi', question='Q2') or qcal(sample='drag_success_a', mode='icl')")
    assert OK == result.exit_status, result.out
    assert {"rabi"} == {record["family"] for record in result.records if record["question"] == "Q2"}
    assert 4 + 3 == len(endpoint.requests) == len(planned(result))


def test_one_node_id_selects_one_item(session, quick, endpoint, tiny_folder):
    node = "test_qcaleval/test_icl.py::test_icl[drag-drag_success_a-Q5]"
    result = quick.pytester.runpytest_inprocess(
        node, "--model-url", endpoint.base_url, "--dataset", str(tiny_folder), "--run-dir=run"
    )
    result.assert_outcomes(passed=1)
    assert 1 == len(endpoint.requests)


def test_deselecting_everything_asks_nothing(session, endpoint):
    result = session("-k", "nothing_of_the_kind")
    assert NOTHING_COLLECTED == result.exit_status
    assert 0 == len(endpoint.requests)


def test_co_shows_the_items_zeroshot_first_and_needs_no_endpoint(quick, tiny_folder):
    result = quick.run("--co", "-q", "--dataset", str(tiny_folder))
    assert OK == result.exit_status, result.out
    ids = [line for line in result.out.splitlines() if "::" in line]
    assert ALL == len(ids)
    assert "test_qcaleval/test_zeroshot.py::test_zeroshot[rabi-rabi_success_a-Q1]" == ids[0]
    assert "test_qcaleval/test_icl.py::test_icl[drag-drag_failure_no_signal_b-Q6]" == ids[-1]
    assert 48 == next(number for number, line in enumerate(ids) if "test_icl.py" in line)
    assert not result.run_dir.exists()


def test_co_and_setup_plan_leave_the_endpoint_alone(session, endpoint):
    for option in ("--co", "--setup-plan"):
        result = session(option, "-k", "Q6")
        assert OK == result.exit_status, result.out
        assert not result.run_dir.exists()
    assert 0 == endpoint.model_list_requests == len(endpoint.requests)


def test_zeroshot_is_asked_before_icl(session, endpoint):
    session("--concurrency=1")
    assert [1] * 48 + [2] * 24 == [len(request.images) for request in endpoint.requests]


# --- stopping ---


@pytest.fixture
def first_fails(endpoint):
    """The first item collected meets an error that is final, while the others are answered at once."""
    fault = replace(error(400, "This picture cannot be read."), delay_s=0.5)
    endpoint.script = lambda request: (
        fault if request.text == "Question 1 about rabi 0: <image> what?" else Reply("Status: SUCCESS")
    )


def test_x_asks_nothing_long_after_the_first_failure(session, endpoint, first_fails, workers):
    """Three rounds of two requests may be ahead of the tests, and two in flight.

    A second worker still runs.
    """
    result = session("-x", "--concurrency=2", *workers)
    assert (INTERRUPTED if workers else FAILED) == result.exit_status, result.out
    assert 3 * 2 + 2 >= len(endpoint.requests) - len(result.records)
    assert "stopping after 1 failures" in result.out
    assert f"of {ALL} items not measured" in result.out


def test_x_ends_although_other_requests_hang(session, endpoint, workers):
    """With xdist, too: there the session waits for its workers, and they for their answers."""
    hanging = delayed(600.0, always(Reply("late")))
    endpoint.script = lambda request: error(400, "No.") if request.number == 0 else hanging(request)
    result = session("-x", "--concurrency=4", *workers)
    assert "1 error" in result.out
    assert "stopping after 1 failures" in result.out


def test_maxfail_counts_items_that_could_not_be_measured(session, endpoint):
    good, bad = Reply("Status: SUCCESS"), error(400, "Too many pixels.")
    endpoint.script = lambda request: bad if "about rabi" in request.text else good
    result = session("--maxfail=3", "--concurrency=1")
    assert FAILED == result.exit_status, result.out
    assert ["request_failed"] * 3 == [record["status"] for record in result.records]
    assert 3 + 3 >= len(endpoint.requests)


# --- output ---


def test_quiet_session_ends_with_the_tables_and_where_they_are(session):
    out = session("-q", "--questions=Q6").out
    assert "Effect of demonstrations" in out
    assert "qcal: dataset" not in out
    assert "qcal: written to run; to print the tables again: python -m reports run" == out.splitlines()[-1]


def test_very_quiet_session_prints_no_tables(session):
    out = session("-qq", "--questions=Q6").out
    assert "Zero-shot" not in out
    assert "qcal: written to run; to print the tables again: python -m reports run" in out


def test_header_says_what_is_measured_and_where_it_is_written(session, endpoint):
    out = session("--questions=Q6", "--limit=1").out
    assert f"qcal: model-a at {endpoint.base_url}; judge: none: Q1 and Q3 stay unjudged" in out
    assert "tiny-dataset at sha256:" in out
    assert "qcal: writing run" in out


def test_verbose_session_has_a_line_for_each_item(session):
    out = session("-v", "--questions=Q6").out
    lines = [line for line in out.splitlines() if re.search(r"] \d+\.\d ", line)]
    assert 16 == len(lines)
    assert 8 == sum("test_icl.py::test_icl[" in line for line in lines)


def test_durations_are_the_models_latencies(session, endpoint, workers):
    slow = by_text({}, always(Reply("Status: SUCCESS")))
    endpoint.script = delayed(lambda request: 2.0 if "drag 5" in request.text else 0.0, slow)
    out = session("--durations=1", "--questions=Q6", "--modes=zeroshot", *workers).out
    seconds, what = re.search(r"([\d.]+)s (call.*)", out).groups()
    assert 2.0 <= float(seconds) < 10.0
    assert "drag_success_b-Q6" in what


def test_unjudged_items_are_skipped_with_the_reason(session):
    result = session("-rs", "--questions=Q1,Q2", "--modes=zeroshot")
    assert OK == result.exit_status
    assert {"passed": 8, "skipped": 8} == counts(result)
    assert "unjudged: no --judge-url; the answer is kept, --answers RUN judges it later" in result.out
    assert {"Q1": "unjudged", "Q2": "scored"} == {
        record["question"]: record["status"] for record in result.records
    }


def test_item_without_an_answer_is_an_error_at_setup_that_says_why(session, first_fails):
    result = session("--questions=Q1,Q2", "--limit=1")
    assert FAILED == result.exit_status
    assert {"passed": 1, "error": 1} == counts(result)
    assert "no answer: HTTP 400: This picture cannot be read." in result.out
    assert "fixturefunc" not in result.out
    assert "running.py" not in result.out


# --- JUnit ---


def test_junit_file_gives_the_same_tables_by_itself(session, endpoint, workers, capsys, tmp_path):
    file = tmp_path / "junit.xml"
    result = session("-q", f"--junitxml={file}", "--questions=Q2,Q6", *workers)
    assert OK == result.exit_status
    capsys.readouterr()

    assert 0 == print_reports([str(file), "--width=80"])

    tables = capsys.readouterr().out
    assert tables[tables.index("Zero-shot\n") :].strip() in result.out
    assert "Items: 24 of 24 measured (100.0%)" in tables


def test_junit_file_is_xml_whatever_the_model_says(session, endpoint, tmp_path):
    file = tmp_path / "junit.xml"
    hostile = f"Classification: {HOSTILE_TEXT} \x9b31m \u202e ]]>&<"
    endpoint.script = by_text({"Question 2": hostile}, always(error(400, HOSTILE_TEXT)))
    result = session("--pass-mark=100", f"--junitxml={file}", "--questions=Q2,Q4", "--limit=1")

    cases = {case.get("name"): case for case in ET.parse(file).iter("testcase")}
    assert {"failure"} == {child.tag for child in cases["test_zeroshot[rabi-rabi_success_a-Q2]"]} - {
        "properties"
    }
    assert {"error"} == {child.tag for child in cases["test_zeroshot[rabi-rabi_success_a-Q4]"]} - {
        "properties"
    }
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e\ud800-\udfff]", result.out)


def test_junit_properties_name_item_status_and_score(session, tmp_path):
    file = tmp_path / "junit.xml"
    session(f"--junitxml={file}", "--questions=Q6", "--limit=1", "--modes=icl")
    (case,) = ET.parse(file).iter("testcase")
    properties = {item.get("name"): item.get("value") for item in case.iter("property")}
    expected = {
        "qcal_sample": "rabi_success_a",
        "qcal_question": "Q6",
        "qcal_mode": "icl",
        "qcal_family": "rabi",
        "qcal_scenario_type": "rabi_success",
        "qcal_status": "scored",
        "qcal_score": "1.0",
        "qcal_model": "model-a",
        "qcal_scorer": "compatible",
    }
    assert expected == {name: properties[name] for name in expected}


# --- marks ---


def test_pass_mark_fails_what_is_below_with_what_was_read_and_expected(session):
    result = session("--pass-mark=50", "--pass-mark=Q4=0", "--questions=Q4,Q6", "--modes=zeroshot")
    assert FAILED == result.exit_status
    assert {"failed": 4, "passed": 12} == counts(result)
    assert 'score 0.0 is below --pass-mark 50: extracted "SUCCESS", expected "DAMPED"' in result.out
    assert {"scored"} == set(result.statuses().values())


def test_skipped_items_are_neither_asked_nor_planned(session, quick, endpoint, workers):
    (quick.folder / "conftest.py").write_text(
        "import pytest\n"
        "def pytest_collection_modifyitems(items):\n"
        "    for item in items:\n"
        "        if 'Q2' in item.name: item.add_marker(pytest.mark.skip(reason='not today'))\n"
        "        if 'Q4' in item.name: item.add_marker(pytest.mark.skipif(True, reason='never'))\n"
        "        if 'Q5' in item.name: item.add_marker(pytest.mark.skipif(False, reason='not so'))\n"
    )
    result = session("-rs", "--questions=Q2,Q4,Q5,Q6", "--modes=zeroshot", *workers)
    assert OK == result.exit_status, result.out
    assert {"passed": 16, "skipped": 16} == counts(result)
    assert {"Q5", "Q6"} == {question for _, question, _ in planned(result)}
    assert 16 == len(endpoint.requests) == len(result.records)


# --- again ---


def test_lf_asks_only_what_failed_and_completes_the_tables(session, endpoint, workers):
    """It continues in the same run's folder without an option that names it."""
    good, bad = always(Reply("Status: SUCCESS")), error(400, "Not now.")
    endpoint.script = lambda request: bad if "about rabi 1" in request.text else good(request)
    first = session("--questions=Q2,Q6", *workers, run_dir=None)
    assert FAILED == first.exit_status
    assert "Items: 22 of 24 measured" in first.out
    asked = len(endpoint.requests)

    endpoint.script = good
    second = session("--questions=Q2,Q6", "--lf", *workers, run_dir=None)

    assert OK == second.exit_status, second.out
    assert {"passed": 2} == {name: n for name, n in counts(second).items() if name != "deselected"}
    assert ["Question 2 about rabi 1: <image> what?", "Question 6 about rabi 1: <image> what?"] == sorted(
        request.text for request in endpoint.requests[asked:]
    )
    assert first.run_dir == second.run_dir
    assert "Items: 24 of 24 measured (100.0%)" in second.out


def test_lf_with_a_pass_mark_keeps_the_measured_score(session, endpoint):
    """A repeated item is a retry: it never replaces a score."""
    endpoint.script = always(Reply("Status: DAMPED"))
    options = ("--pass-mark=50", "--questions=Q6", "--modes=zeroshot", "-k", "rabi")
    first = session(*options)
    assert {"failed": 2, "passed": 2} == {
        name: n for name, n in counts(first).items() if name != "deselected"
    }

    endpoint.script = always(Reply("Status: SUCCESS"))
    second = session(*options, "--lf")

    assert OK == second.exit_status, second.out
    assert 4 + 2 == len(endpoint.requests)
    assert 4 + 2 == len(second.records)
    q6 = re.compile(r"^Q6 diagnosis +4 +4 +100.0 +50.0 ", re.MULTILINE)
    assert q6.search(first.out)
    assert q6.search(second.out)


def test_garbage_collection_is_as_before_after_a_session(session):
    thresholds = gc.get_threshold()
    assert 0 == session("--limit", "1", "--questions", "Q6").exit_status
    assert 0 == gc.get_freeze_count()
    assert thresholds == gc.get_threshold()


@pytest.mark.parametrize(("options", "warned"), [((), True), (("--temperature", "0.7"), False)])
def test_repeats_that_may_all_be_identical_are_pointed_out(session, options, warned):
    result = session("--limit", "1", "--questions", "Q6", "--repeats", "2", *options)
    assert warned == ("--repeats at temperature 0" in " ".join(result.out.split()))
