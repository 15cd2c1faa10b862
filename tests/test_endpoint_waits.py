"""The waits that servers request, in all forms that they use."""

import json

import pytest

from qcal_plugin.engine.waits import asked_wait_s, duration_s

NOW = 1_800_000_000.0
GEMINI = [
    {
        "error": {
            "code": 429,
            "message": "Quota exceeded.",
            "details": [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "34.074824224s"}],
        }
    }
]
ROUTER = {
    "error": {
        "message": "Rate limit",
        "code": 429,
        "metadata": {"headers": {"X-RateLimit-Reset": "1800000008000"}},
    }
}


@pytest.mark.parametrize(
    ("expected", "headers", "body"),
    [
        (None, {}, b""),
        (None, {}, b"<html>busy</html>"),
        (None, {}, {"error": {"message": "Too Many Requests"}}),
        (7.0, {"Retry-After": "7"}, b""),
        (0.25, {"retry-after-ms": "250", "Retry-After": "7"}, b""),
        (20.0, {"Retry-After": "Fri, 15 Jan 2027 08:00:20 GMT"}, b""),
        (12.0, {"llm_provider-retry-after": "12"}, b""),
        (3.0, {"Retry-After": "3", "llm_provider-retry-after": "12"}, b""),
        (360.0, {"x-ratelimit-reset-requests": "6m0s"}, b""),
        (0.12, {"x-ratelimit-reset-tokens": "120ms"}, b""),
        (
            60.0,
            {
                "x-ratelimit-reset-requests": "1s",
                "x-ratelimit-remaining-requests": "59",
                "x-ratelimit-reset-tokens": "1m",
                "x-ratelimit-remaining-tokens": "0",
            },
            b"",
        ),
        (15.0, {"anthropic-ratelimit-requests-reset": "2027-01-15T08:00:15Z"}, b""),
        (9.0, {"X-RateLimit-Reset": "1800000009"}, b""),
        (8.0, {}, ROUTER),
        (34.074824224, {}, GEMINI),
        (5.0, {"Retry-After": "5"}, GEMINI),
        (30.0, {}, {"error": {"details": [{"retryDelay": {"seconds": 30}}]}}),
        (1.242, {}, {"error": {"message": "Limit 30000, Used 29000. Please try again in 1.242s. Visit ..."}}),
        (0.02, {}, {"error": {"message": "Please try again in 20ms."}}),
        (26.0, {}, {"error": {"message": "Please retry after 26 seconds."}}),
        (80.0, {}, {"error": {"message": "try again in 1m20s"}}),
        (None, {}, {"error": {"message": "Please try again in a moment"}}),
        (None, {"Retry-After": "soon"}, b""),
        (None, {"Retry-After": "-3"}, b""),
        (None, {"Retry-After": "inf"}, b""),
    ],
)
def test_a_wait_is_read_from_every_place_where_servers_state_it(expected, headers, body):
    sent = body if isinstance(body, bytes) else json.dumps(body).encode()
    assert asked_wait_s(headers, sent, now=NOW) == (None if expected is None else pytest.approx(expected))


def test_deep_nesting_in_an_error_body_does_no_harm():
    assert asked_wait_s({}, b"[" * 500 + b"]" * 500, now=NOW) is None
    assert asked_wait_s({}, b'{"a":' * 100_000, now=NOW) is None


@pytest.mark.parametrize("text", ["", "s", "1x", "one minute", "1s and more"])
def test_what_is_not_a_duration_is_not_guessed(text):
    assert duration_s(text) is None
