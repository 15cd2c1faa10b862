"""Service studies from end to end: what is sent, written, reported, and mistakes in one line."""

import json
import re

import pytest

from reports.service.records import RequestStatus, read_levels
from tests.endpoint import Raw, Stream
from tests.scripts import always

pytest_plugins = ["pytester"]

USAGE_ERROR = 4
STATUS = Stream(["Sta", "tus: ", "SUCC", "ESS"])


@pytest.fixture
def study(quick, endpoint, tiny_folder):
    """Runs a service study on the tiny dataset."""
    endpoint.script = always(STATUS)

    def run(*arguments, file="test_qcaleval/test_service.py"):
        options = ("--model-url", endpoint.base_url, "--dataset", str(tiny_folder), "--max-tokens", "64")
        command = [file, "--run-dir", "run", *options, *arguments]
        done = quick.pytester.runpytest_inprocess(*command)
        return quick.result(int(done.ret), f"{done.stdout}\n{done.stderr}")

    return run


def levels_of(result):
    return {level.level.name: level for level in read_levels(result.run_dir / "service.jsonl")}


def test_study_from_end_to_end(study, endpoint):
    result = study("--parallel", "1", "2", "--number", "4", "8", "--slo", "ttft<=5,e2e<=5")
    assert 0 == result.exit_status, result.out
    assert "2 passed" in result.out
    levels = levels_of(result)
    assert {"parallel=1": (1, 4), "parallel=2": (2, 8)} == {
        name: (level.level.warmup, len(level.counted)) for name, level in levels.items()
    }
    assert 1 + 1 + 4 + 2 + 8 == len(endpoint.requests)  # a first try, warm-up, counted
    assert 2 >= endpoint.in_flight_peak
    records = [record for level in levels.values() for record in level.records]
    assert {RequestStatus.OK} == {record.status for record in records}
    assert {"Status: SUCCESS"} == {record.answer for record in records}
    assert all((record.score is None) is (record.question in {"Q1", "Q3"}) for record in records)
    assert [1.0, 1.0] == [level["good"] for level in result.report["levels"]]
    assert [] == endpoint.asked_twice()
    assert [] == result.manifest["planned"]
    page = (result.run_dir / "report.html").read_text()
    assert "data:image/svg+xml;base64," in page
    assert "Scores under load" in page
    assert (result.run_dir / "service.svg").read_text().startswith("<?xml")
    assert "### TTFT, to the first token" in (result.run_dir / "report.md").read_text()


def test_every_request_begins_on_a_new_line(study, endpoint):
    study("--parallel", "2", "--number", "10", "--questions", "Q6")
    beginnings = [request.prompt[0] for request in endpoint.requests]
    assert len(beginnings) == len(set(beginnings))
    assert all(re.fullmatch(r"Request [0-9a-f]{16}\.", beginning) for beginning in beginnings)


def test_right_answers_are_scored_under_load(study):
    result = study("--parallel", "2", "--number", "8", "--questions", "Q6", "--modes", "zeroshot")
    (level,) = result.report["levels"]
    assert (8, 8, 0.5) == tuple(level["accuracy"][name] for name in ("scored", "samples", "mean"))
    assert level["accuracy"]["right_rate"] == pytest.approx(level["request_rate"] / 2, rel=0.5)


def test_search_of_the_highest_load(study, endpoint):
    """A server that answers in time while no more than 5 are in flight.

    It may count a request that the client has just read to its end: of 20 requests, one may be late.
    """
    endpoint.script = lambda request: Stream(["x"], first_s=0.02 if request.in_flight <= 5 else 0.8)
    result = study("--find-max-load", "--slo", "ttft<=0.5", "--number", "20", "--warmup", "0")
    assert 0 == result.exit_status, result.out
    assert ["search=1", "search=2", "search=4", "search=8", "search=6", "search=5"] == list(levels_of(result))
    assert "5 requests in flight with 95% good requests" in result.out
    head = result.out.partition("QCalEval: service")[2].splitlines()
    assert head[4].startswith("Highest load: 5 requests in flight")
    assert "highest load, 5" in (result.run_dir / "service.svg").read_text()


def test_a_trace_is_replayed(study, endpoint, tmp_path):
    times = [0, 30, 40, 130, 150, 200]
    (tmp_path / "trace.jsonl").write_text("".join(f'{{"timestamp": {5000 + at}}}\n' for at in times))
    result = study("--replay", str(tmp_path / "trace.jsonl"), "--replay-speed", "0.5", "--warmup", "1")
    assert 0 == result.exit_status, result.out
    ((name, level),) = levels_of(result).items()
    assert "replay=12.5" == name
    assert [at / 500 for at in times] == pytest.approx([record.planned_s for record in level.records])
    assert (1, 5) == (level.level.warmup, len(level.counted))
    wrong = study("--replay-speed", "2", "--parallel", "1")
    assert "--replay-speed without --replay: there is no trace" in wrong.out
    missing = study("--replay", "nowhere.jsonl")
    assert USAGE_ERROR == missing.exit_status
    assert "--replay: nowhere.jsonl: No such file or directory" in missing.out


def test_higher_rates_are_not_tried_when_one_is_too_much(study, endpoint):
    endpoint.script = lambda request: Stream(["x"], first_s=0.01 if request.number < 20 else 60)
    result = study("--rate", "100,200", "--number", "400", "--warmup", "0")
    assert "rate=100: over-saturated after" in result.out
    assert "1 skipped, 1 error" in result.out
    assert ["rate=100"] == list(levels_of(result))


def test_server_that_cannot_be_loaded_is_reported_as_an_error(study, endpoint):
    endpoint.script = always(Raw(b"out of memory", status=500))
    result = study("--parallel", "1", "--number", "2")
    assert "1 error" in result.out
    assert "parallel=1: the first request failed: HTTP 500: out of memory" in result.out
    assert "Traceback" not in result.out


def test_demo_streams(quick, tiny_folder):
    result = quick.run("--demo", "--dataset", str(tiny_folder), "--parallel", "2", "--number", "6")
    assert 0 == result.exit_status, result.out
    assert "stand-ins: model: blind baseline" in result.out
    assert "judge: lexical" not in result.out


# --- with the benchmark -----


def test_without_a_load_no_load_is_collected(quick, endpoint, tiny_folder):
    result = quick.run("--model-url", endpoint.base_url, "--dataset", str(tiny_folder), "--limit=1")
    assert "test_service" not in result.out
    assert not (result.run_dir / "service.jsonl").exists()


def test_with_a_load_the_benchmark_is_not_asked(study, endpoint):
    result = study("--parallel", "1", "--number", "2", file="test_qcaleval")
    assert "1 passed" in result.out
    assert {True} == {request.body["stream"] for request in endpoint.requests}


def test_collect_only_lists_the_loads_and_sends_nothing(study, endpoint):
    result = study("--parallel", "1,2", "--rate", "0.5", "--collect-only", "-q")
    for name in ("parallel=1", "parallel=2", "rate=0.5"):
        assert f"test_service.py::test_load[{name}]" in result.out
    assert "test_highest_load" not in result.out
    assert [] == endpoint.requests


def test_tables_again_from_what_is_on_disk(study, capsys):
    from reports.__main__ import main

    result = study("--parallel", "1", "--number", "2")
    before = (result.run_dir / "report.json").read_text()
    assert 0 == main([str(result.run_dir), "--full"])
    assert "In the client's queue" in capsys.readouterr().out
    assert json.loads(before) == result.report


# --- mistakes ---


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ([], "test_service.py runs load tests: add --parallel 1,2,5 or --rate 2"),
        (["--parallel=0"], "--parallel '0': expected whole numbers, at least 1, such as --parallel 1,2,5"),
        (["--parallel=1,,2"], "--parallel '': expected whole numbers"),
        (["--parallel=1.5"], "--parallel '1.5': expected whole numbers"),
        (["--rate=-1"], "--rate '-1': expected numbers above 0"),
        (["--parallel=1,2", "--number=4,8,20"], "3 --number for 2 loads: give one, or one for each"),
        (
            ["--parallel=8", "--number=4"],
            "--number 4 for parallel=8: expected at least as many as are in flight",
        ),
        (["--parallel=2,2"], "parallel=2, parallel=2: the same load twice"),
        (["--rate=1", "--burstiness=0"], "--burstiness 0.0: expected a number above 0"),
        (["--parallel=1", "--warmup=-1"], "--warmup -1: expected a number, at least 0"),
        (
            ["--parallel=1", "--slo=ttft<0.5"],
            "--slo: 'ttft<0.5': expected such as ttft<=0.5 (seconds), with one of",
        ),
        (["--parallel=1", "--slo=itl<=1"], "--slo: 'itl<=1': expected such as ttft<=0.5"),
        (["--find-max-load"], "--find-max-load without --slo: give the limits that a load must keep"),
        (["--parallel=1", "--image-num=2"], "--image-num without --image-width: there are no random images"),
        (["--parallel=1", "--image-width=0"], "--image-width 0: expected a number, at least 1"),
        (["--parallel=1", "--min-tokens=0"], "--min-tokens 0: expected a number, at least 1"),
        (["--parallel=1", "-n2"], "--parallel: one process holds the load: leave out -n"),
        (["--parallel=1", "--judge-url=http://localhost:1/v1"], "--parallel: judging would disturb the load"),
        (["--parallel=1", "--shots=1"], "--parallel sends the benchmark's prompts: leave out --shots"),
        (
            ["--parallel=1", "--control=blank"],
            "--parallel sends the benchmark's prompts: leave out --control",
        ),
        (["--rate=1", "--resume"], "--rate and --resume: give one of them"),
        (["--rate=1", "--dry-run"], "--rate and --dry-run: give one of them"),
    ],
)
def test_mistake_is_one_line(study, endpoint, arguments, complaint):
    result = study(*arguments)
    assert USAGE_ERROR == result.exit_status, result.out
    assert complaint in result.out
    assert 1 == len([line for line in result.out.splitlines() if line.strip()]), result.out
    assert [] == endpoint.requests


def test_load_without_a_model_is_a_mistake(quick):
    result = quick.run("--parallel", "1", run_dir=None)
    assert USAGE_ERROR == result.exit_status
    assert "--parallel: no model to ask: add --model-url http://localhost:8000/v1, or --demo" in result.out
