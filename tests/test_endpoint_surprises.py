"""Reported behaviour of servers, routers and gateways, over real HTTP: how each item ends."""

import json
from dataclasses import replace

import pytest

from qcal_plugin.engine.adaptation import Change
from qcal_plugin.engine.failures import EngineStopped
from qcal_plugin.engine.settings import Streaming
from reports.records.records import Status
from tests.endpoint import Endpoint, Raw, Reply
from tests.engine_factory import QUICK, keys, running_engine
from tests.raw_server import RawServer
from tests.real_engine import free_port
from tests.scripts import always, error, faults_first, rate_limited

ANSWER = "Status: SUCCESS"
OK = Reply(ANSWER)
LONG_S = 30.0


def completion(message, finish_reason="stop", **choice):
    choices = [
        {"index": 0, "message": {"role": "assistant", **message}, "finish_reason": finish_reason, **choice}
    ]
    return Raw(json.dumps({"id": "x", "object": "chat.completion", "choices": choices}).encode())


def asked(script, folder, *, items=1, concurrency=1, **settings):
    """Ask some items; returns their outcomes, the client's endpoint and the server."""
    with Endpoint(script) as server:
        quick = replace(QUICK, **settings)
        with running_engine(server.base_url, folder, settings=quick, concurrency=concurrency) as (
            engine,
            endpoints,
        ):
            engine.declare(keys(items))
            outcomes = [engine.demand(key).result(LONG_S) for key in keys(items)]
        return outcomes, endpoints[0], server


def sse(*events, done=True):
    lines = b"".join(b"data: " + json.dumps(event).encode() + b"\n\n" for event in events)
    return Raw(lines + (b"data: [DONE]\n\n" if done else b""), headers={"Content-Type": "text/event-stream"})


def chunk(delta, finish=None, **top):
    return {"choices": [{"index": 0, "delta": delta, "finish_reason": finish}], **top}


def http_reply(body, status="200 OK"):
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode() + body


# --- good answers in unusual forms ---


@pytest.mark.parametrize(
    "reply",
    [
        Raw(OK.body("m"), status=201),
        Raw(b"\n" * 40 + b"   " + OK.body("m")),
        Raw(b"\xef\xbb\xbf" + OK.body("m")),
        completion({"content": ANSWER}, finish_reason=None),
        completion({"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "Status: DAMPED"}]},
                                {"type": "text", "text": ANSWER}]}),
        Raw(json.dumps({**json.loads(OK.body("m")), "usage": []}).encode()),
        Raw(json.dumps({**json.loads(OK.body("m")), "error": None}).encode()),
        sse(chunk({"content": "Status:"}), chunk({"content": " SUCCESS"}), chunk({}, "stop")),
        sse(chunk({"role": "assistant", "content": ""}), chunk({"content": ANSWER}, "stop"), done=False),
    ],
)  # fmt: skip
def test_an_answer_is_read_in_whatever_form_it_comes(reply, tmp_path):
    (outcome,), _, server = asked(always(reply), tmp_path)
    assert (ANSWER, Status.SCORED) == (outcome.answer.text, outcome.status)
    assert len(server.requests) == 1


def test_usage_model_and_fingerprint_of_a_stream_are_kept_and_the_first_text_is_timed(tmp_path):
    usage = {
        "prompt_tokens": 300,
        "completion_tokens": 20,
        "completion_tokens_details": {"reasoning_tokens": 7},
    }
    head = {"model": "vlm-7b", "system_fingerprint": "fp_1", "provider": "A"}
    reply = sse(
        chunk({"reasoning_content": "Let me see."}, **head), chunk({"content": ANSWER}, "stop"),
        {"choices": [], "usage": usage, **head},
    )  # fmt: skip
    (outcome,), _, server = asked(always(reply), tmp_path, streaming=Streaming.ALWAYS)
    answer = outcome.answer
    assert (ANSWER, "Let me see.", False) == (answer.text, answer.reasoning, answer.from_reasoning)
    assert (300, 20, 7) == (answer.prompt_tokens, answer.completion_tokens, answer.reasoning_tokens)
    assert ("vlm-7b", "fp_1", "A") == (answer.served_model, answer.fingerprint, answer.provider)
    assert 0 < answer.ttft_s <= answer.latency_s
    sent = server.requests[0].body
    assert (True, {"include_usage": True}) == (sent["stream"], sent["stream_options"])


@pytest.mark.parametrize("name", ["reasoning", "reasoning_content"])
def test_an_answer_in_the_reasoning_is_read_under_either_name_and_flagged(name, tmp_path):
    (outcome,), *_ = asked(always(Reply(None, **{name: ANSWER})), tmp_path)
    assert (ANSWER, True) == (outcome.answer.text, outcome.answer.from_reasoning)


# --- not an answer ---


@pytest.mark.parametrize(
    ("reply", "status", "text"),
    [
        (completion({"content": ""}, "content_filter"), Status.FILTERED, ""),
        (completion({"content": "Status: "}, "content_filter"), Status.FILTERED, "Status:"),
        (completion({"content": None}, "SAFETY"), Status.FILTERED, ""),
        (completion({"content": "Status: D"}, "SAFETY"), Status.FILTERED, "Status: D"),
        (completion({"content": None, "refusal": "I can't help with that image."}), Status.REFUSED, ""),
        (completion({"content": "I can't.", "refusal": "I can't."}), Status.REFUSED, "I can't."),
        (sse(chunk({"refusal": "I "}), chunk({"refusal": "can't."}, "stop")), Status.REFUSED, ""),
    ],
)
def test_what_was_filtered_or_refused_is_asked_once_kept_and_not_an_answer(reply, status, text, tmp_path):
    (outcome,), _, server = asked(always(reply), tmp_path)
    assert (status, text) == (outcome.status, outcome.answer and outcome.answer.text)
    assert len(server.requests) == 1


CHOICE_ERROR = completion(
    {"content": "Status: SUC"}, "error", error={"code": 502, "message": "provider disconnected"}
)


@pytest.mark.parametrize(
    "broken",
    [
        CHOICE_ERROR,
        completion({"content": "Status: SUC"}, "error"),
        completion({"content": "Status: SUC"}, "abort"),
        sse(chunk({"content": "Status: SUC"}), {"error": {"code": 502, "message": "provider disconnected"}}),
        sse(chunk({"content": "Status: SUC"}), done=False),
    ],
)
def test_a_generation_that_broke_off_is_asked_again_like_a_lost_connection(broken, tmp_path):
    (outcome,), *_ = asked(faults_first([broken] * 3, always(OK)), tmp_path)
    assert (ANSWER, 4) == (outcome.answer.text, outcome.attempts)


# --- limits ---

ROUTERS_429 = {"error": {"message": "Provider returned error", "code": 429}, "choices": None, "model": None}


@pytest.mark.parametrize(
    "limited",
    [
        rate_limited(),
        Raw(json.dumps(ROUTERS_429).encode()),
        Raw(json.dumps({"error": ROUTERS_429["error"]}).encode()),
    ],
)
def test_a_rate_limit_uses_up_no_retry_however_it_is_reported(limited, tmp_path):
    (outcome,), client, _ = asked(
        faults_first([limited] * 9, always(OK)), tmp_path, retries=1, backoff_ceiling_s=0.02
    )
    assert (ANSWER, 10, 9) == (outcome.answer.text, outcome.attempts, client.rate_limited)


def test_a_quota_of_a_few_requests_at_a_time_ends_with_every_item_measured(tmp_path):
    """Three answers per 0.2 s; the wait is only in the body, as with Google's servers."""
    windows = {}

    def quota(request):
        window = int(request.at_s / 0.2)
        windows[window] = windows.get(window, 0) + 1
        left = {"retryDelay": f"{0.2 * (window + 1) - request.at_s:.6f}s"}
        body = [{"error": {"code": 429, "message": "Quota used up", "details": [left]}}]
        return OK if windows[window] <= 3 else Raw(json.dumps(body).encode(), status=429)

    outcomes, client, _ = asked(quota, tmp_path, items=24, concurrency=12, retries=1)
    assert [Status.SCORED] * 24 == [outcome.status for outcome in outcomes]
    assert client.rate_limited > 0


def test_an_empty_account_ends_the_run_at_the_first_reply(tmp_path):
    body = {
        "error": {"message": "You exceeded your current quota", "code": "insufficient_quota", "type": "x"}
    }
    spent = always(Raw(json.dumps(body).encode(), status=429))
    with Endpoint(spent) as server, running_engine(server.base_url, tmp_path) as (engine, _):
        engine.declare(keys(5))
        first = engine.demand(keys(5)[0]).result(LONG_S)
        with pytest.raises(EngineStopped, match="the account is empty"):
            engine.demand(keys(5)[4]).result(LONG_S)
    assert ("http_429", 1) == (first.failure.kind, len(server.requests))


# --- refusals ---


def test_one_forbidden_plot_is_one_items_error_even_if_it_comes_first(tmp_path):
    def moderated(request):
        return error(403, "the input was flagged") if "sample-0?" in request.text else OK

    outcomes, *_ = asked(moderated, tmp_path, items=6)
    assert ["http_403"] == [outcome.failure.kind for outcome in outcomes if outcome.failure]
    assert 5 == sum(outcome.status is Status.SCORED for outcome in outcomes)


def gpt5(request):
    """OpenAI's reasoning models: no max_tokens, and no temperature but 1."""
    for name, code, refused in (
        ("max_tokens", "unsupported_parameter", "max_tokens" in request.body),
        ("temperature", "unsupported_value", request.body.get("temperature", 1) != 1),
    ):
        if refused:
            fields = {"message": f"'{name}' is not supported", "type": "invalid_request_error", "param": name}
            return Raw(json.dumps({"error": {**fields, "code": code}}).encode(), status=400)
    return OK


def test_a_refused_parameter_is_left_out_once_for_each_model_and_remembered(tmp_path):
    outcomes, client, server = asked(gpt5, tmp_path, items=5)
    assert [ANSWER] * 5 == [outcome.answer.text for outcome in outcomes]
    assert [Change.RENAME_MAX_TOKENS, Change.DROP_TEMPERATURE] == client.adaptation.changes
    assert 2 + 5 == len(server.requests)
    sent = server.requests[-1].body
    assert (100, False, False) == (sent["max_completion_tokens"], "max_tokens" in sent, "temperature" in sent)


def test_requests_in_flight_together_all_recover_from_a_refused_parameter(tmp_path):
    outcomes, *_ = asked(gpt5, tmp_path, items=20, concurrency=20)
    assert [ANSWER] * 20 == [outcome.answer.text for outcome in outcomes]


def test_a_server_that_only_streams_is_asked_for_a_stream(tmp_path):
    def streams_only(request):
        if not request.body.get("stream"):
            return error(400, "This model only supports stream mode, please enable the stream parameter")
        return sse(chunk({"content": ANSWER}, "stop"))

    outcomes, _, server = asked(streams_only, tmp_path, items=3)
    assert [ANSWER] * 3 == [outcome.answer.text for outcome in outcomes]
    assert 4 == len(server.requests)


@pytest.mark.parametrize("status", [504, 524])
def test_a_proxy_that_cuts_silent_connections_gets_a_stream(status, tmp_path):
    def silent(request):
        return (
            sse(chunk({"content": ANSWER}, "stop"))
            if request.body.get("stream")
            else error(status, "timed out")
        )

    (outcome,), client, server = asked(silent, tmp_path)
    assert (ANSWER, 2, True) == (outcome.answer.text, len(server.requests), client.streaming)


def test_streams_are_not_requested_against_the_users_will(tmp_path):
    (outcome,), client, _ = asked(
        always(error(504, "timed out")), tmp_path, streaming=Streaming.NEVER, retries=1
    )
    assert ("http_504", False) == (outcome.failure.kind, client.streaming)


# --- redirects ---


def test_a_redirect_on_the_same_host_is_followed_and_remembered(tmp_path):
    with Endpoint(always(OK)) as real:
        moved = Raw(b"<html>", status=307, headers={"Location": real.base_url + "/chat/completions"})
        outcomes, _, server = asked(always(moved), tmp_path, items=3)
        assert [ANSWER] * 3 == [outcome.answer.text for outcome in outcomes]
        assert (1, 3) == (len(server.requests), len(real.requests))


@pytest.mark.parametrize("status", [301, 302, 308])
def test_a_redirect_to_another_host_is_named_and_not_followed(status, tmp_path):
    moved = Raw(
        b"<html>", status=status, headers={"Location": "https://vlm.company.example/v1/chat/completions?k=1"}
    )
    (outcome,), _, server = asked(always(moved), tmp_path)
    assert 1 == len(server.requests)
    assert (
        f"HTTP {status}: redirects to https://vlm.company.example/v1/chat/completions, outside"
        in outcome.failure.message
    )
    assert "k=1" not in outcome.failure.message


def test_a_cookie_that_the_server_sets_is_sent_with_later_requests(tmp_path):
    """Load balancers keep a client on one server by a cookie. Cookies of other hosts are not kept."""
    named = Raw(OK.body("m"), headers={"Set-Cookie": "server=b; Path=/"})
    with_stranger = Raw(OK.body("m"), headers={"Set-Cookie": "stranger=1; Domain=elsewhere.example"})
    replies = {0: named, 1: with_stranger}
    outcomes, _, server = asked(lambda request: replies.get(request.number, OK), tmp_path, items=3)
    assert [ANSWER] * 3 == [outcome.answer.text for outcome in outcomes]
    assert [None, "server=b", "server=b"] == [request.headers.get("Cookie") for request in server.requests]


def test_redirects_in_a_circle_end(tmp_path):
    moved = Raw(b"", status=307, headers={"Location": "/v1/chat/completions"})
    (outcome,), *_ = asked(always(moved), tmp_path)
    assert "http_307" == outcome.failure.kind


def test_a_reply_without_usage_is_counted_by_estimate(tmp_path):
    reply = Reply("x" * 400, prompt_tokens=None, completion_tokens=None)
    _, client, _ = asked(always(reply), tmp_path, items=2)
    assert 2 == client._budget.replies_without_usage
    assert client._budget.tokens_used >= 2 * 100


@pytest.mark.parametrize(
    ("kind", "refusal"),
    [
        (
            "context_overflow",
            error(400, "This model's maximum context length is 8192 tokens. However, you requested ..."),
        ),
        ("context_overflow", error(400, "the request exceeds the available context size, try increasing it")),
        (
            "context_overflow",
            error(400, "input length and `max_tokens` exceed context limit: prompt is too long"),
        ),
        ("image_refused", error(400, "At most 1 image(s) may be provided in one prompt.")),
        (
            "image_refused",
            error(400, "You uploaded an unsupported image. Please make sure your image is valid."),
        ),
        ("image_refused", error(422, "image exceeds 5 MB maximum")),
        ("http_400", error(400, "top_k is out of range")),
    ],
)
def test_a_request_that_no_server_could_answer_has_a_separate_kind(kind, refusal, tmp_path):
    (outcome,), _, server = asked(always(refusal), tmp_path)
    assert (kind, 1) == (outcome.failure.kind, len(server.requests))


def test_a_202_is_polled_at_the_url_it_gives(tmp_path):
    """The reply is a file of another server on the same host."""
    with RawServer(http_reply(OK.body("m"))) as later:
        accepted = Raw(
            b"", status=202, headers={"Location": f"http://127.0.0.1:{later.port}/x", "Retry-After": "0"}
        )
        (outcome,), _, server = asked(always(accepted), tmp_path)
    assert (ANSWER, 1) == (outcome.answer.text, len(server.requests))


def test_a_202_without_a_place_is_an_error(tmp_path):
    (outcome,), *_ = asked(always(Raw(b"", status=202)), tmp_path)
    assert "HTTP 202 without a URL to poll on the same host" in outcome.failure.message


def test_a_proxys_own_status_names_the_proxy(tmp_path, monkeypatch):
    with RawServer(http_reply(b"<html>no", status="503 Unavailable")) as proxy:
        monkeypatch.setenv("HTTP_PROXY", f"http://user:secret@127.0.0.1:{proxy.port}")
        monkeypatch.delenv("NO_PROXY", raising=False)
        (outcome,), *_ = asked(always(OK), tmp_path, retries=0)
    assert (
        f"through the proxy http://127.0.0.1:{proxy.port}; NO_PROXY exempts a host" in outcome.failure.message
    )
    assert "secret" not in outcome.failure.message


def test_a_socks_proxy_that_is_not_there_is_named(tmp_path, monkeypatch):
    monkeypatch.setenv("ALL_PROXY", f"socks5://127.0.0.1:{free_port()}")
    monkeypatch.delenv("NO_PROXY", raising=False)
    (outcome,), _, server = asked(always(OK), tmp_path, retries=0)
    assert ("connect", 0) == (outcome.failure.kind, len(server.requests))
    assert "through the proxy socks5://127.0.0.1:" in outcome.failure.message
