"""Without a model the suite stays out of the way; with one, a user's own tests measure as the benchmark's do."""

import re

import pytest

pytest_plugins = ["pytester"]

# --- no run ---

OWN_TEST = "def test_own():\n    assert 1 + 1 == 2\n"


def test_other_tests_never_start_a_run(quick):
    (quick.folder / "tests").mkdir()
    (quick.folder / "tests" / "test_own.py").write_text(OWN_TEST)
    result = quick.pytester.runpytest_inprocess("tests")
    result.assert_outcomes(passed=1)
    assert "qcal:" not in result.stdout.str()


def test_plain_pytest_skips_the_benchmark_and_says_why(quick):
    (quick.folder / "test_own.py").write_text(OWN_TEST)
    result = quick.pytester.runpytest_inprocess(".", "-rs")
    result.assert_outcomes(passed=1, skipped=2)
    assert "no model to ask: add --model-url http://localhost:8000/v1, or --demo" in result.stdout.str()
    assert not (quick.folder / "runs").exists()


def test_folder_with_the_benchmarks_name_is_not_the_benchmark(quick):
    other = quick.folder / "elsewhere" / "test_qcaleval"
    other.mkdir(parents=True)
    (other / "test_own.py").write_text(OWN_TEST)
    quick.pytester.runpytest_inprocess(str(other)).assert_outcomes(passed=1)


def test_fixtures_are_documented_without_a_model(quick):
    out = quick.run("--fixtures", run_dir=None).out
    for name in ("case", "model_answer", "judge_verdicts", "record_score"):
        assert re.search(rf"^{name} -- ", out, re.MULTILINE), out


def test_session_without_cache_works(quick, endpoint, tiny_folder):
    options = ("--model-url", endpoint.base_url, "--dataset", str(tiny_folder), "--questions=Q6", "--limit=1")
    assert 0 == quick.run("-p", "no:cacheprovider", *options).exit_status


# --- own tests ---

OWN_SUITE = """\
import pytest
@pytest.mark.qcal_asks(mode="zeroshot")
def test_answer_is_short(model_answer, case):
    assert len(model_answer.text) < 100
    assert case.planned.family in {"rabi", "drag"}

@pytest.mark.qcal_asks("icl")
def test_icl_is_right(case, model_answer, judge_verdicts, record_score):
    score = case.score(model_answer, judge_verdicts)
    record_score(score)
    assert score.value == 1.0
"""


def test_own_tests_use_the_same_fixtures_and_share_the_answers(quick, endpoint, tiny_folder, workers):
    """The benchmark's own Q6 items and these ask the same: each is sent once."""
    (quick.folder / "test_mine.py").write_text(OWN_SUITE)
    result = quick.run(
        *(
            "test_mine.py",
            "--model-url",
            endpoint.base_url,
            "--dataset",
            str(tiny_folder),
            "--questions=Q6",
            *workers,
        )
    )
    assert "4 failed, 28 passed" in result.out
    assert 16 == len(endpoint.requests) == len(result.records)
    assert [] == endpoint.asked_twice()


@pytest.mark.parametrize("marker", ["qcal_asks", "qcal_asks(mode='fewshot')", "qcal_asks(question='Q1')"])
def test_own_test_with_a_marker_that_names_no_mode(quick, endpoint, tiny_folder, marker):
    (quick.folder / "test_mine.py").write_text(
        f"import pytest\n@pytest.mark.{marker}\ndef test_mine(model_answer):\n    pass\n"
    )
    result = quick.run("test_mine.py", "--model-url", endpoint.base_url, "--dataset", str(tiny_folder))
    assert pytest.ExitCode.INTERRUPTED == result.exit_status
    assert 'test_mine: qcal_asks names no mode; expected qcal_asks(mode="zeroshot") or icl' in result.out
    assert "Traceback" not in result.out
