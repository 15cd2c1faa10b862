"""The scripted server of the tests does what its scripts say, and its journal counts right."""

import asyncio
import base64
import hashlib
import json
import time
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx
import pytest

from tests.endpoint import Drip, Endpoint, Hang, Raw, Reply, Reset
from tests.scripts import (
    BOGUS_GZIP,
    EMPTY_CHOICES,
    HALF_JSON,
    HOSTILE_TEXT,
    WRONG_SHAPE,
    always,
    by_model,
    by_prompt,
    by_text,
    delayed,
    error,
    faults_first,
    for_image,
    from_request,
    huge_reply,
    judge_reply,
    lognormal,
    plain_error,
    rate_limited,
    retry_after_date,
    retry_after_ms,
    retry_after_seconds,
)

PICTURE = b"\x89PNG picture"
PICTURE_SHA256 = hashlib.sha256(PICTURE).hexdigest()
SUCCESS = always(Reply("Status: SUCCESS"))


def image(data):
    return {
        "type": "image_url",
        "image_url": {"url": f"data:image/png;base64,{base64.b64encode(data).decode()}"},
    }


def text(words):
    return {"type": "text", "text": words}


def chat(content, model="model-a"):
    return {"model": model, "messages": [{"role": "user", "content": content}]}


def ask(endpoint, content="hello", model="model-a", **options):
    return httpx.post(
        f"{endpoint.base_url}/chat/completions", json=chat(content, model), timeout=5, **options
    )


def answer(reply):
    return reply.json()["choices"][0]["message"]["content"]


def test_reply_is_a_chat_completion_with_usage(endpoint):
    endpoint.script = always(
        Reply("hi", finish_reason="length", reasoning="hm", prompt_tokens=5, completion_tokens=2)
    )
    completion = ask(endpoint).json()
    assert {"role": "assistant", "content": "hi", "reasoning": "hm"} == completion["choices"][0]["message"]
    assert completion["choices"][0]["finish_reason"] == "length"
    assert {"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7} == completion["usage"]


def test_reply_can_lack_usage_and_count_reasoning(endpoint):
    endpoint.script = by_text({"bare": ""}, always(Reply(None, reasoning_content="x", reasoning_tokens=3)))
    assert {"reasoning_tokens": 3} == ask(endpoint).json()["usage"]["completion_tokens_details"]
    assert ask(endpoint).json()["choices"][0]["message"]["reasoning_content"] == "x"
    endpoint.script = always(Reply("", prompt_tokens=None))
    assert "usage" not in ask(endpoint).json()


@pytest.mark.parametrize("content", [None, "", [], [{"type": "text", "text": "a"}], 7, HOSTILE_TEXT])
def test_content_may_be_anything(endpoint, content):
    endpoint.script = always(Reply(content))
    assert content == answer(ask(endpoint))


def test_models_are_listed_or_refused():
    with Endpoint(SUCCESS, models=("m", "judge")) as endpoint:
        listed = httpx.get(f"{endpoint.base_url}/models").json()
        endpoint.models = error(401, "wrong key")
        assert httpx.get(f"{endpoint.base_url}/models").status_code == 401
    assert ["m", "judge"] == [model["id"] for model in listed["data"]]
    assert endpoint.model_list_requests == 2


def test_journal_holds_what_arrived(endpoint):
    content = [image(PICTURE), text("What <image>?"), image(b"other"), text("And?")]
    ask(endpoint, content, headers={"Authorization": "Bearer k1", "X-Test": "yes"})
    ask(endpoint, "plain")
    first, second = endpoint.requests
    assert (f"sha256:{PICTURE_SHA256}", "What <image>?") == first.prompt[:2]
    assert (PICTURE_SHA256, hashlib.sha256(b"other").hexdigest()) == first.images
    assert first.text == "What <image>?\nAnd?"
    assert first.body == chat(content)
    assert first.bearer == "k1"
    assert first.headers["X-Test"] == "yes"
    assert "k1" not in f"{first}"
    assert (1, None, ("plain",)) == (second.number, second.bearer, second.prompt)
    assert first.at_s < second.at_s


def test_journal_counts_equal_bodies(endpoint):
    for words in ("a", "b", "a", "a"):
        ask(endpoint, words)
    assert [1, 1, 2, 3] == [request.attempt for request in endpoint.requests]
    assert sorted(endpoint.counts.values()) == [1, 3]
    assert ["a"] == endpoint.asked_twice()


def test_journal_holds_equal_images_once(endpoint):
    for words in ("a", "b"):
        ask(endpoint, [image(PICTURE), text(words)])
    first, second = (
        request.body["messages"][0]["content"][0]["image_url"]["url"] for request in endpoint.requests
    )
    assert first is second


async def ask_together(endpoint, requests):
    async with httpx.AsyncClient(timeout=10) as client:
        posts = (
            client.post(f"{endpoint.base_url}/chat/completions", json=chat(*request)) for request in requests
        )
        return await asyncio.gather(*posts, return_exceptions=True)


def test_in_flight_peaks_are_counted_per_model(endpoint):
    endpoint.script = delayed(1.0, SUCCESS)
    replies = asyncio.run(
        ask_together(endpoint, [(f"{n}", "judge" if n < 5 else "model-a") for n in range(20)])
    )
    assert {200} == {reply.status_code for reply in replies}
    assert endpoint.in_flight_peak == 20
    assert {"judge": 5, "model-a": 15} == endpoint.in_flight_peaks
    assert endpoint.in_flight.total() == 0


def test_scripts_route_by_model_prompt_and_text(endpoint):
    answers = {(f"sha256:{PICTURE_SHA256}", "Q"): "by prompt"}
    model = by_prompt(answers, by_text({"needle": "by text"}, SUCCESS))
    endpoint.script = by_model({"model-a": model, "judge": always(judge_reply([1, 0.5]))})
    assert answer(ask(endpoint, [image(PICTURE), text("Q")])) == "by prompt"
    assert answer(ask(endpoint, [text("Q"), image(PICTURE)])) == "Status: SUCCESS"
    assert answer(ask(endpoint, "a needle here")) == "by text"
    assert answer(ask(endpoint, model="judge")) == "[1, 0.5]"
    assert ask(endpoint, model="stranger").status_code == 404


def test_faults_come_first_for_each_request(endpoint):
    endpoint.script = faults_first([rate_limited(), plain_error(503, "busy")], SUCCESS)
    assert [429, 503, 200, 200] == [ask(endpoint, "a").status_code for _ in range(4)]
    assert [429, 503, 200] == [ask(endpoint, "b").status_code for _ in range(3)]


def test_key_is_revoked_midway(endpoint):
    endpoint.script = from_request(2, error(401, "revoked"), SUCCESS)
    assert [200, 200, 401, 401] == [ask(endpoint).status_code for _ in range(4)]


def test_one_image_alone_is_refused(endpoint):
    endpoint.script = for_image(PICTURE_SHA256, plain_error(500, "cannot decode"), SUCCESS)
    assert ask(endpoint, [image(b"good"), text("Q")]).status_code == 200
    refused = ask(endpoint, [image(b"good"), image(PICTURE), text("Q")])
    assert (500, "cannot decode") == (refused.status_code, refused.text)


def test_retry_after_in_each_spelling(endpoint):
    endpoint.script = always(rate_limited(retry_after_seconds(2)))
    assert ask(endpoint).headers["Retry-After"] == "2"
    endpoint.script = always(rate_limited(retry_after_ms(250)))
    assert ask(endpoint).headers["retry-after-ms"] == "250"
    endpoint.script = always(rate_limited(retry_after_date(60)))
    wait = parsedate_to_datetime(ask(endpoint).headers["Retry-After"]) - datetime.now(UTC)
    assert 50 < wait.total_seconds() <= 60
    endpoint.script = always(rate_limited())
    assert "Retry-After" not in ask(endpoint).headers


@pytest.mark.parametrize(
    ("outcome", "exception"),
    [
        (Reset(), httpx.ReadError),
        (Reset(within_body=True), httpx.ReadError),
        (BOGUS_GZIP, httpx.DecodingError),
        (Hang(), httpx.ReadTimeout),
    ],
)
def test_faults_of_the_connection(endpoint, outcome, exception):
    endpoint.script = always(outcome)
    with pytest.raises(exception), httpx.Client(timeout=0.2) as client:
        client.post(f"{endpoint.base_url}/chat/completions", json=chat("hello"))


def test_reset_within_the_body_comes_after_the_headers(endpoint):
    endpoint.script = always(Reset(within_body=True))
    with httpx.stream("POST", f"{endpoint.base_url}/chat/completions", json=chat("hello")) as reply:
        assert reply.status_code == 200
        with pytest.raises(httpx.ReadError):
            reply.read()


def test_malformed_bodies(endpoint):
    endpoint.script = always(HALF_JSON)
    with pytest.raises(json.JSONDecodeError):
        ask(endpoint).json()
    endpoint.script = always(WRONG_SHAPE)
    assert "choices" not in ask(endpoint).json()
    endpoint.script = always(EMPTY_CHOICES)
    assert [] == ask(endpoint).json()["choices"]


def test_raw_sends_any_bytes_and_status(endpoint):
    endpoint.script = always(Raw(b"\xff\x00", status=418, headers={"X-Odd": "1"}))
    reply = ask(endpoint)
    assert (418, b"\xff\x00", "1") == (reply.status_code, reply.content, reply.headers["X-Odd"])


def test_huge_reply_arrives_whole(endpoint):
    endpoint.script = always(huge_reply(5_000_000))
    assert len(answer(ask(endpoint))) == 5_000_000


def test_drip_sends_byte_by_byte(endpoint):
    endpoint.script = always(Drip("ok", interval_s=0.001))
    assert answer(ask(endpoint)) == "ok"
    endpoint.script = always(Drip("ok", interval_s=1.0))
    with httpx.stream("POST", f"{endpoint.base_url}/chat/completions", json=chat("hello")) as reply:
        assert len(next(reply.iter_raw())) == 1


def test_clients_that_leave_are_counted(endpoint):
    endpoint.script = always(Hang())
    with pytest.raises(httpx.ReadTimeout), httpx.Client(timeout=0.1) as client:
        client.post(f"{endpoint.base_url}/chat/completions", json=chat("hello"))
    deadline = time.monotonic() + 5
    while endpoint.in_flight.total() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert endpoint.abandoned == 1


def test_lognormal_delays_depend_on_the_body_alone(endpoint):
    for words in ("a", "b", "a"):
        ask(endpoint, words)
    first, second, again = map(lognormal(2.0, 0.8, seed=1), endpoint.requests)
    assert first == again != second
    assert first != lognormal(2.0, 0.8, seed=2)(endpoint.requests[0])


def test_lognormal_delays_have_the_asked_median(endpoint):
    asyncio.run(ask_together(endpoint, [(f"{n}",) for n in range(200)]))
    delays = sorted(map(lognormal(2.0, 0.8), endpoint.requests))
    assert 1.5 < delays[100] < 2.7


def test_endpoint_with_hanging_requests_closes():
    with (
        Endpoint(always(Hang())) as endpoint,
        pytest.raises(httpx.ReadTimeout),
        httpx.Client(timeout=0.1) as client,
    ):
        client.post(f"{endpoint.base_url}/chat/completions", json=chat("hello"))
    with pytest.raises(httpx.ConnectError):
        ask(endpoint)
