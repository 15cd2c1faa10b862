"""When and how often a request is retried, how all requests back off, and when the engine stops asking."""

import asyncio
import time
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qcal_plugin.engine import endpoint as endpoint_module
from qcal_plugin.engine.endpoint import backoff_bound_s
from qcal_plugin.engine.failures import EngineStopped
from qcal_plugin.engine.limiter import Limiter
from qcal_plugin.engine.settings import EndpointSettings
from scoring.questions import Question
from tests.endpoint import Hang, Reply
from tests.engine_factory import QUICK, keys, running_engine
from tests.fault_servers import OK, other_words_each_time
from tests.scripts import (
    always,
    by_model,
    delayed,
    error,
    from_request,
    judge_reply,
    rate_limited,
    retry_after_seconds,
)
from tests.waiting import wait_until

DEFAULT = EndpointSettings(url="", public_url="")
DENIED = error(400, "No.")


def ask(engine, items):
    engine.declare(items)
    return [engine.demand(item) for item in items]


def ends(futures):
    """The kind of each item's failure, ``stopped``, or None."""
    kinds = []
    for future in futures:
        try:
            failure = future.result(timeout=20).failure
            kinds.append(failure and failure.kind)
        except EngineStopped:
            kinds.append("stopped")
    return kinds


# --- waiting ------------------------------------------------------------------------------------------------


def test_retry_after_holds_back_model_and_judge_requests_alike(endpoint, tmp_path):
    told_s = 0.6
    refused_at = []

    def refuse_the_fifth(request):
        if "sample-4?" in request.text and request.attempt == 1:
            refused_at.append(request.at_s)
            return rate_limited(retry_after_seconds(told_s))
        return OK(request)

    slowly = {
        "model-a": delayed(0.05, refuse_the_fifth),
        "judge-a": delayed(0.05, always(judge_reply([1, 1, 1]))),
    }
    endpoint.script = by_model(slowly)
    with running_engine(endpoint.base_url, tmp_path, concurrency=2, judges=["judge-a"]) as (engine, _):
        assert [None] * 12 == ends(ask(engine, keys(12, Question.Q1)))

    heard_s, over_s = refused_at[0] + 0.25, refused_at[0] + 0.05 + told_s
    during = [request for request in endpoint.requests if heard_s < request.at_s < over_s]
    after = [request for request in endpoint.requests if request.at_s >= over_s]
    assert [] == during
    assert {"model-a", "judge-a"} <= {request.model for request in after}


def test_the_wait_before_an_attempt_is_drawn_evenly_below_a_bound_that_doubles(
    endpoint, tmp_path, monkeypatch
):
    drawn = []
    monkeypatch.setattr(endpoint_module.random, "uniform", lambda low, high: drawn.append((low, high)) or 0.0)
    endpoint.script = other_words_each_time

    with running_engine(endpoint.base_url, tmp_path, settings=replace(DEFAULT, retries=8)) as (engine, _):
        assert ["http_500"] == ends(ask(engine, keys(1)))

    assert [(0.0, bound) for bound in (1, 2, 4, 8, 16, 32, 60, 60)] == drawn


@given(st.integers(1, 10**6))
def test_no_wait_exceeds_the_ceiling(attempt):
    assert 0 < backoff_bound_s(attempt, DEFAULT) <= DEFAULT.backoff_ceiling_s == 60


@pytest.mark.parametrize("retries", [0, 2])
def test_retries_count_as_attempts(endpoint, tmp_path, retries):
    endpoint.script = other_words_each_time
    with running_engine(endpoint.base_url, tmp_path, settings=replace(QUICK, retries=retries)) as (engine, _):
        assert ["http_500"] == ends(ask(engine, keys(1)))
    assert 1 + retries == len(endpoint.requests)


def test_the_run_ends_at_once_although_a_server_asked_to_wait(endpoint, tmp_path):
    endpoint.script = always(rate_limited(retry_after_seconds(500)))
    with running_engine(endpoint.base_url, tmp_path, concurrency=2) as (engine, _):
        futures = ask(engine, keys(4))
        while not endpoint.requests:
            time.sleep(0.01)
        engine.drain("enough")
        assert ["stopped"] * 4 == ends(futures)


def test_what_waits_for_its_turn_when_the_run_ends_is_not_sent(endpoint, tmp_path):
    endpoint.script = delayed(0.3, OK)
    with running_engine(endpoint.base_url, tmp_path, concurrency=4) as (engine, endpoints):
        endpoints[0].limiter.limit = 1.0
        futures = ask(engine, keys(4))
        while not endpoint.requests:
            time.sleep(0.01)
        engine.drain("enough")
        assert [None] + ["stopped"] * 3 == ends(futures)
    assert 1 == len(endpoint.requests)


# --- the limiter --------------------------------------------------------------------------------------------


def test_the_limit_adapts_to_what_the_server_takes_and_loses_nothing(endpoint, tmp_path):
    def at_most_six(request):
        return rate_limited() if request.in_flight > 6 else Reply("Status: SUCCESS")

    endpoint.script = delayed(0.02, at_most_six)
    patient = replace(QUICK, retries=30)
    with running_engine(endpoint.base_url, tmp_path, settings=patient, concurrency=24) as (engine, endpoints):
        assert [None] * 150 == ends(ask(engine, keys(150)))

    limiter = endpoints[0].limiter
    limits = [limit for _, limit in limiter.history]
    assert 24 == limiter.ceiling == limiter.peak
    assert min(limits) < 8
    assert sorted(at for at, _ in limiter.history) == [at for at, _ in limiter.history]
    assert endpoints[0].rate_limited < 150


def test_as_many_are_in_flight_as_are_allowed(endpoint, tmp_path):
    """More than the hundred connections that HTTP clients allow by default."""
    endpoint.script = always(Hang())
    with running_engine(endpoint.base_url, tmp_path, concurrency=130) as (engine, _):
        ask(engine, keys(131))
        limit_at = time.monotonic() + 20
        while len(endpoint.requests) < 130 and time.monotonic() < limit_at:
            time.sleep(0.02)
        assert 130 == endpoint.in_flight_peak


async def in_turns(limiter, number):
    """Return after this number of requests is in flight."""
    for _ in range(number):
        await limiter.__aenter__()


def test_a_lowered_limit_holds_for_all_that_wait_for_a_turn():
    async def scenario():
        limiter = Limiter(16)
        await in_turns(limiter, 16)
        limiter.overloaded(sent_at=0.0, now=1.0)
        waiting = [asyncio.create_task(limiter.__aenter__()) for _ in range(16)]
        await asyncio.sleep(0)
        for _ in range(16):
            await limiter.__aexit__(None, None, None)
        await asyncio.sleep(0)
        granted = sum(task.done() for task in waiting)
        for task in waiting:
            task.cancel()
        return granted

    assert int(16 * 0.8) == asyncio.run(scenario())


def test_the_limit_falls_by_a_fifth_once_per_episode():
    async def scenario():
        limiter = Limiter(10)
        await in_turns(limiter, 10)
        limiter.overloaded(sent_at=1.0, now=2.0)
        limiter.overloaded(sent_at=1.5, now=2.1)  # sent before the limit fell: the same overload
        limiter.overloaded(sent_at=3.0, now=4.0)
        return limiter.history

    assert [(2.0, 8.0), (4.0, 6.4)] == asyncio.run(scenario())


def test_the_limit_grows_by_one_per_round_trip_while_it_binds_and_up_to_the_ceiling():
    async def scenario():
        limiter = Limiter(5)
        limiter.overloaded(sent_at=0.0, now=1.0)  # 4.0
        limiter.succeeded(2.0)
        idle = limiter.limit
        await in_turns(limiter, 4)
        for now in range(3, 7):
            limiter.succeeded(float(now))
        return idle, limiter.limit, limiter.history

    idle, limit, history = asyncio.run(scenario())
    assert 4.0 == idle
    assert 4.9 < limit <= 5.0
    assert (1.0, 4.0) == history[0]


@given(st.lists(st.booleans(), max_size=200), st.integers(1, 40))
def test_the_limit_stays_between_one_and_the_ceiling(overloads, ceiling):
    async def scenario():
        limiter = Limiter(ceiling)
        for now, overload in enumerate(overloads, start=1):
            async with limiter:
                if overload:
                    limiter.overloaded(sent_at=now - 0.5, now=now)
                else:
                    limiter.succeeded(now)
            assert 1.0 <= limiter.limit <= ceiling
        assert 0 == limiter.in_flight

    asyncio.run(scenario())


def test_turns_are_taken_in_order_and_a_cancelled_one_is_passed_on():
    async def scenario():
        limiter, order = Limiter(1), []

        async def request(name):
            async with limiter:
                order.append(name)
                await asyncio.sleep(0.01)

        tasks = [asyncio.create_task(request(name)) for name in "abcd"]
        await asyncio.sleep(0.005)
        tasks[1].cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        return order, limiter.in_flight

    assert (["a", "c", "d"], 0) == asyncio.run(scenario())


# --- the circuit breaker ------------------------------------------------------------------------------------


def test_twenty_failures_in_a_row_stop_the_run(endpoint, tmp_path):
    endpoint.script = always(DENIED)
    with running_engine(endpoint.base_url, tmp_path) as (engine, _):
        assert ["http_400"] * 20 + ["stopped"] * 10 == ends(ask(engine, keys(30)))
        assert (
            f"{endpoint.base_url}: 20 requests in a row failed, the last with: HTTP 400: No."
            == engine.stopped
        )
    assert 20 == len(endpoint.requests)


def test_requests_that_are_at_fault_themselves_do_not_stop_a_server_that_works(endpoint, tmp_path):
    endpoint.script = from_request(1, DENIED, OK)
    with running_engine(endpoint.base_url, tmp_path) as (engine, _):
        assert [None] + ["http_400"] * 29 == ends(ask(engine, keys(30)))
        assert engine.stopped is None


def test_an_outage_midway_stops_the_run_and_what_is_in_flight_is_not_tried_again(endpoint, tmp_path):
    endpoint.script = delayed(0.01, from_request(5, error(503, "shutting down"), OK))
    settings = replace(QUICK, retries=1)
    with running_engine(endpoint.base_url, tmp_path, settings=settings, concurrency=4) as (engine, _):
        kinds = ends(ask(engine, keys(60)))
        assert "20 requests in a row failed, the last with: HTTP 503: shutting down" in engine.stopped
        asked = len(endpoint.requests)
        time.sleep(0.1)
        assert asked == len(endpoint.requests)
    assert {None: 5, "http_503": kinds.count("http_503"), "stopped": 55 - kinds.count("http_503")} == {
        kind: kinds.count(kind) for kind in (None, "http_503", "stopped")
    }
    assert 20 <= kinds.count("http_503") <= 23


def test_a_success_between_failures_keeps_the_run_going(endpoint, tmp_path):
    def every_tenth_works(request):
        return Reply("Status: SUCCESS") if request.number % 10 == 0 else error(403, "moderated")

    endpoint.script = lambda request: every_tenth_works(request) if request.number % 3 else OK(request)
    with running_engine(endpoint.base_url, tmp_path) as (engine, _):
        kinds = ends(ask(engine, keys(60)))
        assert engine.stopped is None
    assert 0 < kinds.count("http_403") < 60


def test_a_judge_that_refuses_stops_the_run_and_the_answers_stay(endpoint, tmp_path):
    endpoint.script = by_model({"model-a": OK, "judge-a": always(error(401, "Who are you?"))})
    with running_engine(endpoint.base_url, tmp_path, judges=["judge-a"]) as (engine, _):
        outcomes = ask(engine, keys(5, Question.Q3))
        first = outcomes[0].result(timeout=20)
        assert "http_401: HTTP 401: Who are you?" == first.verdicts[0].error
        assert f"{endpoint.base_url} refuses: HTTP 401: Who are you?" == engine.stopped
        ends(outcomes)
        wait_until(lambda: endpoint.in_flight["model-a"] == 0)  # what was in flight may end
        wait_until(
            lambda: (
                stored_answers(tmp_path) == sum(request.model == "model-a" for request in endpoint.requests)
            )
        )


def stored_answers(folder):
    return (folder / "answers.jsonl").read_text().count('"type":"answer"')
