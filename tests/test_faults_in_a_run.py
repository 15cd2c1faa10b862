"""Whole runs whose items meet faults: the records, the messages, and how the run is completed."""

import json
from xml.etree import ElementTree as ET

import pytest

from tests.endpoint import Hang, Reply
from tests.scripts import HALF_JSON, HOSTILE_TEXT, always, error, from_request, rate_limited

pytest_plugins = ["pytester"]

ANSWER = Reply("Status: SUCCESS")
FAULTS = {  # by the number in the sample's prompt
    1: error(500, "cannot decode the image"),
    2: error(400, "context length exceeded"),
    3: Hang(),
    4: Reply(HOSTILE_TEXT),
    5: Reply(None, finish_reason="length"),
    6: rate_limited(),
    7: HALF_JSON,
}
KINDS = {1: "http_500", 2: "context_overflow", 3: "timeout", 5: "no_answer", 7: "malformed"}
ATTEMPTS = {1: 2, 2: 1, 3: 2, 4: 1, 5: 1, 6: 2, 7: 2}


def number_of(request):
    return int(request.text.partition(":")[0].split()[-1])


def faulty(request):
    number = number_of(request)
    return ANSWER if number == 6 and request.attempt > 1 else FAULTS.get(number, ANSWER)


@pytest.fixture
def asking(endpoint, tiny_folder, workers):
    """Options of a run that asks Q6 of eight samples."""
    model = ["--model-url", endpoint.base_url, "--model", "model-a"]
    return [*model, "--dataset", str(tiny_folder), "--modes=zeroshot", "--questions=Q6", *workers]


def test_each_item_of_a_run_ends_as_its_own_fault_demands(quick, endpoint, asking):
    endpoint.script = faulty

    result = quick.run(*asking, "--retries=1", "--request-timeout=0.7", "--junitxml=out.xml")

    by_number = dict(enumerate(sorted_by_sample(result)))
    assert 1 == result.exit_status
    assert KINDS == {n: record["error"]["kind"] for n, record in by_number.items() if record["error"]}
    assert {0, 4, 6} == {n for n, record in by_number.items() if record["status"] == "scored"}
    assert ATTEMPTS == {n: record["attempts"] for n, record in by_number.items() if n}
    assert "\x1b[31m" not in result.out
    assert 8 == len(ET.parse(quick.folder / "out.xml").findall(".//testcase"))
    for words in (
        "no answer: HTTP 500: cannot decode the image (same error twice)",
        "no answer: HTTP 400: context length exceeded",
        "no answer: no complete reply in time",
        "no answer: the reply has no content (finish_reason: length)",
        "qcal: 5 of 8 items not measured: --lf asks those that failed, --resume all that are missing",
    ):
        assert words in result.out
    (session,) = json.loads((result.run_dir / "engine.json").read_text())["sessions"]
    assert (len(endpoint.requests), 1) == tuple(
        session["model"]["endpoints"][0][name] for name in ("requests_sent", "rate_limited")
    )
    assert [0.8 * 32] == [limit for _, limit in session["model"]["limit_history"]]

    endpoint.script = always(ANSWER)
    completed = quick.run(*asking, "--lf")
    assert 0 == completed.exit_status, completed.out
    assert {"scored"} == set(completed.statuses().values())
    assert 8 + len(KINDS) == len(completed.records)
    assert 3 == len({r.body_sha256 for r in endpoint.requests}) - len(KINDS)


def sorted_by_sample(result):
    """Records in the order of the dataset, which the prompts number."""
    order = [item["sample_id"] for item in result.manifest["planned"]]
    return sorted(result.records, key=lambda record: order.index(record["sample_id"]))


def test_a_key_revoked_midway_stops_the_run_and_resume_completes_it(quick, endpoint, asking):
    endpoint.script = from_request(3, error(401, "key revoked"), always(ANSWER))

    stopped = quick.run(*asking, "--concurrency=1")

    assert 2 == stopped.exit_status, stopped.out
    assert 6 == len(endpoint.requests)
    assert {"scored": 3, "request_failed": 3} == counts(stopped)
    assert f"qcal: stopped asking: {endpoint.base_url} refuses: HTTP 401: key revoked" in stopped.out
    assert (
        "qcal: 5 of 8 items not measured: --lf asks those that failed, --resume all that are missing"
        in stopped.out
    )
    assert "Traceback" not in stopped.out

    endpoint.script = always(ANSWER)
    completed = quick.run(*asking, "--resume")
    assert 0 == completed.exit_status, completed.out
    assert 6 + 5 == len(endpoint.requests)
    assert {"scored"} == set(completed.statuses().values())
    sessions = json.loads((completed.run_dir / "engine.json").read_text())["sessions"]
    assert [f"{endpoint.base_url} refuses: HTTP 401: key revoked", None] == [
        entry["stopped"] for entry in sessions
    ]


def counts(result):
    statuses = [record["status"] for record in result.records]
    return {status: statuses.count(status) for status in statuses}


def test_a_server_that_fails_for_all_stops_the_run_after_twenty_items(quick, endpoint, tiny_folder):
    endpoint.script = always(error(500, "out of memory"))
    model = ["--model-url", endpoint.base_url, "--model", "model-a", "--dataset", str(tiny_folder)]

    result = quick.run(*model, "--concurrency=4", "--retries=0")

    assert 2 == result.exit_status, result.out
    assert 20 <= len(endpoint.requests) < 24
    words = f"{endpoint.base_url}: 20 requests in a row failed, the last with: HTTP 500: out of memory"
    assert f"qcal: stopped asking: {words}" in result.out
    assert {"request_failed"} == set(counts(result))
    assert "--resume all that are missing" in result.out
