"""``--gate`` in a session: exit status, last lines, JUnit, reports, GitHub; plain and with workers."""

import json
from xml.etree import ElementTree as ET

import pytest

from reports.exchange.junit import load_junit
from tests.endpoint import Reply
from tests.run_factory import run_of, write_run
from tests.scripts import always, by_model, error, faithful_judge, from_request, judge_reply

pytest_plugins = ["pytester"]

USAGE_ERROR = 4
SUCCESS = always(Reply("Status: SUCCESS"))  # right for half of the tiny dataset's 8 samples
Q6 = ("--questions=Q6", "--modes=zeroshot", "--no-html")


def toml(metric="zeroshot.Q6", **keys):
    return "[[gate]]\n" + "".join(
        f"{key} = {json.dumps(value)}\n" for key, value in {"metric": metric, **keys}.items()
    )


PASSING = toml(min=50, mode="point")
FAILING = toml(min=51, mode="point")
UNDECIDED = toml(min=40)
COVERED = "[coverage]\nmax_unmeasured = 0\n"


@pytest.fixture
def gated(quick, endpoint, tiny_folder):
    """Runs a session with the gates given as TOML."""

    def run(gates, *options, gate_options=("--gate=gates.toml",), **more):
        (quick.folder / "gates.toml").write_text(gates)
        asking = ["--model-url", endpoint.base_url, "--dataset", str(tiny_folder), "--retries=0"]
        return quick.run(*asking, *gate_options, *Q6, *options, **more)

    return run


def gate_lines(result):
    """Return the lines after pytest's last line."""
    return result.out.strip().split("qcal: written to run")[1].splitlines()[1:]


# --- exit status ---


@pytest.mark.parametrize(
    ("status", "gates"),
    [(0, PASSING), (1, PASSING + FAILING), (10, PASSING + UNDECIDED), (11, PASSING + COVERED)],
    ids=["pass", "fail", "inconclusive", "cannot"],
)
def test_the_exit_status_is_the_verdict(gated, endpoint, status, gates):
    endpoint.script = SUCCESS if status != 11 else from_request(7, error(400, "too long"), before=SUCCESS)
    result = gated(gates)
    assert status == result.exit_status, result.out
    assert f"(exit status {status})" in gate_lines(result)[-1]


def test_without_gates_the_exit_status_is_pytests_own(gated):
    result = gated(FAILING, gate_options=())
    assert 0 == result.exit_status
    assert "gates" not in result.report
    assert "FAIL" not in result.out


@pytest.mark.parametrize(("status", "gates"), [(0, PASSING), (1, FAILING)])
def test_failing_tests_do_not_hide_a_verdict(gated, status, gates):
    result = gated(gates, "--pass-mark=100")
    assert "4 failed, 4 passed" in result.out
    assert status == result.exit_status


def test_a_session_without_tests_cannot_be_gated(gated):
    result = gated(PASSING, "-k", "nothing_of_that_name")
    assert 11 == result.exit_status
    assert "Q6 (zeroshot) not asked in this run" in result.out


def test_a_session_that_a_budget_ends_cannot_be_gated(gated):
    result = gated(PASSING, "--budget-requests=3", "--concurrency=1")
    assert 11 == result.exit_status, result.out
    assert "qcal: not gated: the session was interrupted: --budget-requests 3 is used up" in result.out


def test_a_session_that_its_first_failure_ends_cannot_be_gated(gated, workers):
    result = gated(PASSING, "-x", "--pass-mark=100", *workers)
    assert 11 == result.exit_status, result.out
    assert "qcal: not gated: the session was interrupted" in result.out


def test_what_could_not_be_measured_is_asked_again_and_then_gated(gated, endpoint):
    endpoint.script = from_request(7, error(400, "too long"), before=SUCCESS)
    first = gated(toml(min=55, mode="point"))
    assert 11 == first.exit_status
    assert "depends on 1 items that were not measured" in first.out
    assert "next: measure what is missing (--lf what failed, --resume all)" in gate_lines(first)[-1]

    endpoint.script = SUCCESS
    again = gated(toml(min=50, mode="point"), "--lf")
    assert 0 == again.exit_status, again.out
    assert 9 == len(endpoint.requests)


def test_a_failed_gate_is_not_a_failed_test_for_lf(gated):
    gated(FAILING + toml(min=99, mode="point") + COVERED)
    assert "no previously failed tests" in gated(PASSING, "--lf").out


# --- what is said ---


def test_the_last_ten_lines_say_what_to_do_next(gated):
    result = gated(PASSING + FAILING + UNDECIDED + toml("q6.false_success", max=90, mode="point"))
    lines = gate_lines(result)
    assert len(lines) <= 9
    assert result.out.strip().endswith(lines[-1])
    assert ["PASS", "INCONCLUSIVE", "FAIL", "FAIL"] == [
        line.split()[1] for line in lines[:-1] if not line.startswith("qcal:   ")
    ]
    assert (
        "qcal: gates.toml: FAIL (exit status 1): 2 of 4 gates failed; next: see which items fail: "
        "python -m reports run --full"
    ) == lines[-1]


def test_repeats_show_how_much_of_the_uncertainty_they_can_remove(gated, endpoint):
    endpoint.script = lambda request: Reply(
        "Status: SUCCESS" if request.attempt == 1 else "Status: NO_SIGNAL"
    )
    result = gated(toml(min=25), "--repeats=2")
    (entry,) = result.report["gates"]["gates"]
    assert (2, "INCONCLUSIVE") == (entry["repeats"], entry["verdict"])
    assert f"{100 * entry['repeats_share']:.0f}% of the variance from repeats" in result.out
    assert f"or --repeats {entry['outlook']['repeats']} (now 2)" in result.out


def test_verdicts_are_in_every_report(gated):
    result = gated(PASSING + FAILING)
    assert ["PASS", "FAIL"] == [entry["verdict"] for entry in result.report["gates"]["gates"]]
    for name in ("report.md", "summary.md"):
        assert "gates.toml: FAIL, exit status 1." in (result.run_dir / name).read_text()


def test_junit_has_a_case_for_every_gate(gated, endpoint):
    endpoint.script = from_request(7, error(400, "too long"), before=SUCCESS)
    gates = toml(min=10, mode="point") + toml(min=99, mode="point") + UNDECIDED + toml(min=55, mode="point")
    result = gated(gates, "--junitxml=out.xml")
    file = result.run_dir.parent / "out.xml"
    cases = [case for case in ET.parse(file).iter("testcase") if case.get("classname") == "gates.toml"]
    assert {
        "zeroshot.Q6, min 10, plain figure": "PASS",
        "zeroshot.Q6, min 99, plain figure": "FAIL",
        "zeroshot.Q6, min 40": "INCONCLUSIVE",
        "zeroshot.Q6, min 55, plain figure": "CANNOT BE GATED",
    } == {
        case.get("name"): case.find(".//property[@name='qcal_gate_verdict']").get("value") for case in cases
    }
    kinds = [{child.tag for child in case} - {"properties"} for case in cases]
    assert [set(), {"failure"}, {"skipped"}, {"error"}] == kinds
    assert "7 passed, 1 error" in result.out, "gates are not tests"
    assert 8 == len(load_junit([file]).outcomes)
    assert ["PASS", "FAIL", "INCONCLUSIVE", "CANNOT BE GATED"] == [
        entry["verdict"] for entry in result.report["gates"]["gates"]
    ]
    assert "gates.toml: FAIL (exit status 1)" in gate_lines(result)[-1]
    assert 1 == result.exit_status


def test_github_gets_annotations_and_a_summary(gated, monkeypatch, tmp_path):
    summary = tmp_path / "step-summary"
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    result = gated(PASSING + FAILING)
    assert "\n::error title=QCalEval gate%3A FAIL::zeroshot.Q6, min 51, plain figure: 50.0, " in result.out
    assert "## Gates" in summary.read_text()
    assert not gate_lines(result)[-1].startswith("::")


def test_github_gets_a_summary_of_runs_without_gates(gated, monkeypatch, tmp_path):
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "step-summary"))
    gated(PASSING, gate_options=())
    assert "# QCalEval: model-a" in (tmp_path / "step-summary").read_text()


# --- judges ---


@pytest.mark.parametrize(
    ("grades", "status"), [((1.0, 1.0, 1.0), 11), (None, 0)], ids=["flatterer", "faithful"]
)
def test_a_judge_that_fails_the_canary_gates_nothing(gated, endpoint, grades, status):
    endpoint.models = ("model-a", "judge-a")
    judge = faithful_judge() if grades is None else always(judge_reply(grades))
    endpoint.script = by_model({"model-a": SUCCESS, "judge-a": judge})
    judging = ("--judge-url", endpoint.base_url, "--judge-model=judge-a", "--judge-canary", "--model=model-a")
    result = gated(PASSING + "[judges]\nmin_agreement = 0.7\n", *judging)
    assert status == result.exit_status, result.out
    if status:
        assert "not gated: judge judge-a agrees with" in result.out
        assert "of 56 known grades of the canary" in result.out
        assert "is below min_agreement 0.7; 45 of 56 would be enough" in result.out
    assert (result.report["judge_agreement"]["judge-a"] < 0.7) == bool(status)


# --- mistakes, before anything is asked ---


@pytest.mark.parametrize(
    ("gates", "options", "complaint"),
    [
        ("", (), "--gate gates.toml: no [[gate]] in it"),
        (toml(min=150), (), "--gate gates.toml: gate 1: min is 150; expected a number from 0 to 100"),
        (PASSING, ("--gate=absent.toml",), "--gate absent.toml: No such file or directory"),
        (
            PASSING + "[judges]\nmin_agreement = 0.5\n",
            (),
            "--gate gates.toml: [judges] min_agreement needs --judge-c",
        ),
        (
            toml(min=50, family="rabbi"),
            (),
            "gates.toml: zeroshot.Q6 of rabbi, min 50: no sample of family rabbi in ",
        ),
        (
            toml("zeroshot.mean", min=50),
            (),
            "gates.toml: zeroshot.mean, min 50: Q1, Q2, Q3, Q4, Q5 (zeroshot) not asked",
        ),
        (
            toml(min=80, family="rabi"),
            (),
            "gates.toml: zeroshot.Q6 of rabi, min 80: 4 samples are too few to pass",
        ),
        (
            toml(baseline="gone", max_drop=2),
            (),
            "gates.toml: baseline gone: no run.json here; name a run directory",
        ),
        (
            toml(baseline="other", max_drop=2),
            (),
            "gates.toml: zeroshot.Q6, max_drop 2 from other: the baseline is another",
        ),
    ],
)
def test_a_mistake_ends_the_session_before_anything_is_asked(
    gated, quick, endpoint, gates, options, complaint
):
    write_run(run_of({("a", "Q6", "zeroshot"): 1.0}), quick.folder / "other")
    result = gated(gates, *options)
    assert USAGE_ERROR == result.exit_status, result.out
    assert complaint in result.out
    assert 1 == len([line for line in result.out.splitlines() if line.strip()])
    assert not endpoint.requests
    assert not result.run_dir.exists()
