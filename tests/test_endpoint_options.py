"""Options for endpoints: the requests that arrive, and the notes in the run's reports."""

import json

import pytest

from qcal_plugin.cli.extra_body import parse_body, parse_extra_body
from qcal_plugin.cli.requests import parse_rate, read_headers
from qcal_plugin.engine.pacing import Pace
from reports.records.records import is_same_model
from tests.endpoint import Raw, Reply
from tests.scripts import always, by_model, error, judge_reply
from tests.test_endpoint_surprises import completion, gpt5

pytest_plugins = ["pytester"]

SECRET = "azure-0123456789abcdef"
ANSWER = "Status: SUCCESS"


@pytest.fixture
def asking(endpoint, tiny_folder):
    """Options of a run that asks Q6 of two samples."""
    endpoint.script = always(Reply(ANSWER))
    target = ["--model-url", endpoint.base_url, "--model", "model-a", "--dataset", str(tiny_folder)]
    return [*target, "--modes=zeroshot", "--questions=Q6", "--limit=2", "--no-html"]


# --- options ---


def test_header_values_come_from_the_environment_and_only_from_there():
    environ = {"AZURE_KEY": SECRET, "ORG": "lab"}
    assert {"api-key": SECRET, "X-Org": "org lab"} == read_headers(
        "--model-header", ["api-key: $AZURE_KEY", "X-Org: org ${ORG}"], environ
    )


@pytest.mark.parametrize(
    ("header", "words"),
    [
        ("api-key", "expected 'NAME: $VARIABLE'"),
        ("api key: $AZURE_KEY", "expected 'NAME: $VARIABLE'"),
        ("api-key: azure-0123", "give its value in an environment variable"),
        ("api-key: $OTHER", "the environment variable OTHER is not set or empty"),
        ("api-key: $BROKEN", "BROKEN holds characters that no header can carry"),
    ],
)
def test_a_header_that_cannot_work_is_refused_without_its_value(header, words):
    with pytest.raises(pytest.UsageError, match="--model-header") as refused:
        read_headers("--model-header", [header], {"AZURE_KEY": SECRET, "BROKEN": "a\nb"})
    assert words in str(refused.value)
    assert "azure-0123" not in str(refused.value)


@pytest.mark.parametrize(
    ("text", "expected"), [("300/min", 5.0), ("5/s", 5.0), ("1000/h", 1000 / 3600), ("2 / sec", 2.0)]
)
def test_a_rate_has_a_unit(text, expected):
    assert pytest.approx(expected) == parse_rate(text)


@pytest.mark.parametrize("text", ["", "300", "0/min", "-1/s", "5/day", "fast"])
def test_what_is_not_a_rate_is_refused(text):
    with pytest.raises(ValueError, match="expected something like 300/min"):
        parse_rate(text)


@pytest.mark.parametrize(
    "body",
    [
        '{"api_key": "abc"}',
        '{"user": {"password": "abc"}}',
        '{"x": [{"apiKey": "abc"}]}',
        '{"auth": ["abc"]}',
        '{"access_token": 1234}',
        '{"user": "sk-abc0123456789abcdef01"}',
        '{"metadata": ["hf_abcDEF0123456789abc"]}',
        '{"proxy": "http://me:abc@proxy"}',
        '{"header": "Bearer abc0123456789"}',
        '{"sk-abc0123456789abcdef01": 1}',
    ],
)
def test_a_credential_in_a_body_is_refused_because_the_manifest_would_hold_it(body):
    for parse in (parse_extra_body, parse_body):
        with pytest.raises(ValueError, match="looks like a credential") as refused:
            parse(body)
        assert "abc" not in str(refused.value)


@pytest.mark.parametrize(
    "body",
    [
        '{"prompt_cache_key": "run-1", "max_tokens": 5, "stop_token_ids": [1, 2], "logprobs": true}',
        '{"stop": ["Basic understanding", "http://host:80/a@b"], "return_token_ids": true, "top_k": 20}',
    ],
)
def test_usual_fields_of_a_body_are_not_taken_for_credentials(body):
    assert json.loads(body) == parse_extra_body(body.replace('"max_tokens": 5, ', "")) | (
        {"max_tokens": 5} if "max_tokens" in body else {}
    )


def test_a_credential_next_to_a_headers_variable_is_refused(monkeypatch):
    with pytest.raises(pytest.UsageError, match="give its value in an environment variable") as refused:
        read_headers(
            "--model-header", ["Authorization: Bearer sk-abc0123456789abcdef01 $TEAM"], {"TEAM": "a"}
        )
    assert "abc0" not in str(refused.value)


def test_requests_are_spaced_evenly_and_tokens_are_counted_over_a_minute():
    now = [0.0]
    pace = Pace(requests_per_s=4.0, tokens_per_minute=100, clock=lambda: now[0])
    assert [0.0, 0.25, 0.5] == [pace.wait_s() for _ in range(3)]
    pace.used(60)
    now[0] = 10.0
    assert (0.0, 0.0) == (pace.wait_s(), pace.tokens_wait_s())
    pace.used(60)
    assert 50.0 == pace.tokens_wait_s()
    now[0] = 60.5
    assert 0.0 == pace.tokens_wait_s()


@pytest.mark.parametrize(
    ("same", "asked", "served"),
    [
        (True, "gpt-5.4", "gpt-5.4"),
        (True, "gpt-5.4", "gpt-5.4-2026-03-05"),
        (True, "openai/gpt-5.4:free", "gpt-5.4"),
        (False, "gpt-5.4", "gpt-5.4o"),
        (False, "gpt-5.4", "claude-5"),
        (False, "gpt-5.4", None),
    ],
)
def test_names_of_one_model(same, asked, served):
    assert same == is_same_model(asked, served)


# --- runs ---


def test_headers_and_bodies_reach_the_model_and_are_in_no_file(quick, endpoint, asking, monkeypatch):
    monkeypatch.setitem(quick.environment, "AZURE_KEY", SECRET)
    monkeypatch.setenv("AZURE_KEY", SECRET)

    def keyed(request):
        known = request.headers.get("api-key") == SECRET
        return Reply(ANSWER) if known else error(401, f"no such key: {request.headers.get('api-key')}")

    endpoint.script = keyed
    body = '{"temperature": null, "max_tokens": 7, "top_p": 0.5}'
    result = quick.run(
        *asking, "--model-header", "api-key: $AZURE_KEY", "--model-body", body, "--reasoning-effort=low"
    )
    assert 0 == result.exit_status, result.out
    sent = endpoint.requests[0].body
    assert (7, 0.5, "low") == (sent["max_tokens"], sent["top_p"], sent["reasoning_effort"])
    assert "temperature" not in sent
    files = b"".join(path.read_bytes() for path in result.run_dir.rglob("*") if path.is_file())
    assert SECRET.encode() not in files
    assert SECRET not in result.out


def test_judges_get_their_own_fields_and_room(quick, endpoint, asking):
    endpoint.script = by_model(
        {"model-a": always(Reply("text")), "judge-a": always(judge_reply([1, 1, 0.5]))}
    )
    judge = [
        "--judge-url",
        endpoint.base_url,
        "--judge-model=judge-a",
        "--judge-max-tokens=99",
        "--judge-no-think",
    ]
    result = quick.run(*[option for option in asking if option != "--questions=Q6"], "--questions=Q3", *judge)
    assert 0 == result.exit_status, result.out
    sent = next(request.body for request in endpoint.requests if request.model == "judge-a")
    assert (99, {"enable_thinking": False}) == (sent["max_tokens"], sent["chat_template_kwargs"])
    settings = json.loads((result.run_dir / "run.json").read_text())["settings"]
    assert 99 == settings["judge_max_tokens"]


def test_a_deviation_is_in_the_reports_head_and_is_not_learned_twice(quick, endpoint, asking):
    endpoint.script = gpt5
    result = quick.run(*asking, "--concurrency=1")
    assert 0 == result.exit_status, result.out
    words = ["model: max_tokens is sent as max_completion_tokens", "model: temperature is not sent"]
    assert words == json.loads((result.run_dir / "report.json").read_text())["identity"]["deviations"]
    assert "max_tokens is sent as max_completion_tokens" in " ".join(result.out.split())
    refused = sum("max_tokens" in request.body for request in endpoint.requests)
    assert 1 == refused

    (result.run_dir / "answers.jsonl").write_text("")  # so that there is something to ask
    more = quick.run(*asking, "--resume")
    assert len(endpoint.requests) > refused + 2, more.out
    assert 1 == sum("max_tokens" in request.body for request in endpoint.requests)


def test_filtered_and_refused_answers_are_skipped_counted_kept_and_not_asked_again(quick, endpoint, asking):
    replies = [
        completion({"content": "Status: "}, "content_filter"),
        completion({"content": None, "refusal": "No."}),
    ]
    endpoint.script = lambda request: replies[request.number % 2]
    result = quick.run(*asking, "--concurrency=1")
    assert {"filtered", "refused"} == set(result.statuses().values())
    assert {None} == set(result.values().values())
    assert "2 skipped" in result.out
    assert "1 filtered, 1 refused" in " ".join(result.out.split())
    assert "Status:" in {record["answer"] for record in result.records}

    again = quick.run(*asking, "--resume")
    assert 2 == len(endpoint.requests)
    assert 2 == len(again.records)


def test_another_model_than_asked_for_is_counted_and_an_error_if_strict(quick, endpoint, asking):
    body = json.loads(Reply(ANSWER).body("fallback-1"))
    endpoint.script = always(Raw(json.dumps(body).encode()))
    result = quick.run(*asking, run_dir="lenient")
    assert "answered by fallback-1" in result.out
    strict = quick.run(*asking, "--strict-model", run_dir="strict")
    assert {"request_failed"} == set(strict.statuses().values())
    assert "answered by fallback-1, not by model-a" in " ".join(strict.out.split())


@pytest.mark.parametrize(
    ("variable", "value", "words"),
    [
        ("SSL_CERT_FILE", "/no/such.pem", "SSL_CERT_FILE=/no/such.pem: the file does not exist"),
        ("HTTP_PROXY", "ftp://proxy", "HTTP_PROXY is not a proxy URL"),
    ],
)
def test_an_environment_that_cannot_work_ends_in_one_line(quick, asking, monkeypatch, variable, value, words):
    monkeypatch.setenv(variable, value)
    monkeypatch.setitem(quick.environment, variable, value)
    result = quick.run(*asking)
    assert 4 == result.exit_status
    assert words in " ".join(result.out.split())
    assert "Traceback" not in result.out


@pytest.mark.parametrize(
    ("listing", "words"),
    [
        (Raw(b"", status=308, headers={"Location": "https://vlm.company.example/v1/models?k=1"}),
         "HTTP 308 redirects to https://vlm.company.example/v1/models; give the URL of the API itself"),
        (Raw(b"<html><head><title>Sign in - SSO</title>", headers={"Content-Type": "text/html; charset=utf-8"}),
         "answers with a web page (Sign in - SSO)"),
        (Raw(b'[{"error": {"code": 400, "message": "API key not valid."}}]', status=400), "it requires a key"),
        (Raw(b'{"error": "bad key"}', status=401), "it requires a key"),
    ],
)  # fmt: skip
def test_a_list_of_models_that_says_no_ends_the_run_before_an_image_is_sent(
    quick, endpoint, asking, listing, words
):
    endpoint.models = listing
    result = quick.run(*asking)
    assert 4 == result.exit_status
    assert words in " ".join(result.out.split())
    assert [] == endpoint.requests
    assert not result.run_dir.exists()


@pytest.mark.parametrize(
    ("judge", "words"),
    [
        (always(Reply("All points are met.")), "it holds no JSON array"),
        (always(error(401, "no such key")), "HTTP 401: no such key"),
        (always(Reply(None, reasoning_content="hm", finish_reason="length")), "it was cut at 16384 tokens"),
    ],
)
def test_a_judge_that_cannot_grade_the_canary_ends_the_run_before_the_model_is_asked(
    quick, endpoint, asking, judge, words
):
    endpoint.script = by_model({"model-a": always(Reply(ANSWER)), "judge-a": judge})
    result = quick.run(*asking, "--judge-url", endpoint.base_url, "--judge-model=judge-a", "--judge-canary")
    out = " ".join(result.out.split())
    assert "judge judge-a graded no answer of the canary" in out
    assert words in out
    assert "Traceback" not in out
    assert {"judge-a"} == {request.model for request in endpoint.requests}


def test_a_judge_that_refuses_a_schema_is_asked_without_it_and_the_report_notes_it(quick, endpoint, asking):
    def judge(request):
        if "response_format" in request.body:
            return error(400, "response_format is not supported by this model")
        return Reply('{"grades": [1, 1, 0.5]}')

    endpoint.script = by_model({"model-a": always(Reply("text")), "judge-a": judge})
    options = [option for option in asking if option != "--questions=Q6"]
    judges = ["--judge-url", endpoint.base_url, "--judge-model=judge-a", "--judge-json-schema"]
    result = quick.run(*options, "--questions=Q3", *judges, "--judge-concurrency=1")
    assert 0 == result.exit_status, result.out
    assert [pytest.approx(2.5 / 3)] * 2 == list(result.values().values())
    assert "judge judge-a: response_format is not sent" in " ".join(result.out.split())
    assert 1 == sum("response_format" in request.body for request in endpoint.requests)


def test_a_token_budget_without_usage_in_the_replies_is_called_an_estimate(quick, endpoint, asking):
    endpoint.script = always(Reply("x" * 4000, prompt_tokens=None, completion_tokens=None))
    result = quick.run(*asking, "--budget-tokens=1000", "--concurrency=1")
    assert "qcal: replies report no usage: --budget-tokens 1000 counts an estimate" in result.out
    assert "--budget-tokens 1000 is used up" in result.out
    assert 1 == len(endpoint.requests)
