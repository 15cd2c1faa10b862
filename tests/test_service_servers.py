"""A load on punctual, caching, overloaded, broken and unusual servers: the records."""

import pytest

from qcal_plugin.cli.service import RandomImages
from qcal_plugin.engine.failures import RequestFailed
from qcal_plugin.engine.model import Sampling
from qcal_plugin.engine.settings import EndpointSettings
from qcal_plugin.service.load import RandomLoad
from qcal_plugin.service.runner import LoadRunner
from reports.service.figures import level_figures
from reports.service.records import LoadKind, LoadLevel, RequestStatus, Timing
from tests.endpoint import Raw, Reply, Reset, Stream
from tests.scripts import always, error, faults_first, from_request

FIRST_S, INTERVAL_S, TOKENS = 0.2, 0.02, 11
STATUS = Stream(["Sta", "tus: ", "SUCC", "ESS"])


@pytest.fixture
def hold(endpoint, tmp_path):
    """Holds a load of small random images and returns what was measured."""
    endpoint.script = always(STATUS)

    def measure(load=1, number=4, *, kind=LoadKind.PARALLEL, warmup=0, **options):
        images = RandomImages(width=16, height=8, images=2, words=7)
        sampling = Sampling(model="model-a", max_tokens=64, temperature=0.0)
        runner = LoadRunner(
            EndpointSettings(url=f"{endpoint.base_url}/chat/completions", public_url=endpoint.base_url),
            RandomLoad(folder=tmp_path, images=images, sampling=sampling),
            **{"burstiness": 1.0, "seed": 0, "min_tokens": None} | options,
        )
        return runner.measure(LoadLevel(kind=kind, load=load, number=number, warmup=warmup))

    return measure


def statuses(measured):
    return [record.status.value for record in measured.records]


def within_5_percent(value):
    return pytest.approx(value, rel=0.05)


def test_figures_agree_with_known_delays(hold, endpoint):
    """First token after 200 ms, then one every 20 ms; the role delta before it does not count."""
    deltas = [{"role": "assistant", "content": ""}, *["x"] * TOKENS]
    endpoint.script = always(
        Stream(deltas, first_s=FIRST_S - INTERVAL_S, interval_s=INTERVAL_S, tokens=TOKENS)
    )
    figures = level_figures(hold(4, 20, warmup=4), ())
    e2e_s = FIRST_S + (TOKENS - 1) * INTERVAL_S
    median_s = {metric: times.quantiles[0.5] for metric, times in figures.times.items()}
    assert within_5_percent(FIRST_S) == median_s[Timing.TTFT]
    assert within_5_percent(FIRST_S) == median_s[Timing.ANSWER]
    assert within_5_percent(INTERVAL_S) == median_s[Timing.TPOT]
    assert within_5_percent(INTERVAL_S) == figures.gaps.quantiles[0.5]
    assert within_5_percent(e2e_s) == median_s[Timing.E2E]
    # Between two requests of a place a busy client takes its time: the load is what was in flight.
    assert 3.5 < figures.in_flight <= 4 + 1e-9
    assert within_5_percent(figures.in_flight / e2e_s) == figures.request_rate
    assert within_5_percent(figures.in_flight / e2e_s * TOKENS) == figures.output_rate


def test_closed_loop_never_has_more_in_flight_than_asked(hold, endpoint):
    endpoint.script = always(Stream(["x"], first_s=0.02))
    measured = hold(3, 12, warmup=3)
    assert 3 == endpoint.in_flight_peak
    assert [False] * 3 + [True] * 12 == [record.counted for record in measured.records]
    assert 1 + 15 == len(endpoint.requests)  # the first is a try


def test_open_loop_sends_when_it_is_time_whatever_is_in_flight(hold, endpoint):
    endpoint.script = always(Stream(["x"], first_s=0.3))
    measured = hold(100, 20, kind=LoadKind.RATE)
    assert endpoint.in_flight_peak > 10
    assert ["ok"] * 20 == statuses(measured)
    assert all(record.sent_s >= record.planned_s for record in measured.records)


def test_random_images_are_new_in_every_request(hold, endpoint, tmp_path):
    hold(2, 6)
    images = [image for request in endpoint.requests for image in request.images]
    assert 2 * 7 == len(images) == len(set(images))
    assert {7} == {len(request.prompt[-1].split()) for request in endpoint.requests}
    assert [] == list(tmp_path.iterdir())


def test_min_tokens_are_passed_on(hold, endpoint):
    hold(1, 2, min_tokens=5)
    assert {(5, 64)} == {
        (request.body["min_tokens"], request.body["max_tokens"]) for request in endpoint.requests
    }


# --- servers that differ ---


def test_server_without_usage(hold, endpoint):
    endpoint.script = always(Stream(["a", "b", "c"], usage=False, tail=b""))
    assert {(3, True, None)} == {(r.output_tokens, r.estimated, r.prompt_tokens) for r in hold().records}


def test_server_that_refuses_stream_options(hold, endpoint):
    refusal = error(422, "Unsupported fields in the request: {'stream_options'}")
    endpoint.script = lambda request: refusal if "stream_options" in request.body else STATUS
    assert ["ok"] * 4 == statuses(hold())
    assert [True, *[False] * 5] == ["stream_options" in request.body for request in endpoint.requests]


def test_cached_answers_never_count(hold, endpoint):
    """The chat template's own beginning is always in the cache: 16 of 300 tokens say nothing, 288 do."""
    cached, fresh = (Stream(["Yes"], cached_tokens=tokens) for tokens in (288, 16))
    endpoint.script = lambda request: cached if request.number % 2 else fresh
    measured = hold(1, 6)
    assert ["cached", "ok"] * 3 == statuses(measured)
    assert 3 == level_figures(measured, ()).times[Timing.E2E].n


# --- trouble ---


def test_failures_are_counted_and_never_sent_again(hold, endpoint):
    endpoint.script = lambda request: error(503, "busy") if request.number % 4 == 3 else STATUS
    measured = hold(1, 8)
    assert ["ok", "ok", "failed", "ok", "ok", "ok", "failed", "ok"] == statuses(measured)
    assert {"HTTP 503: busy"} == {record.error.message for record in measured.records if record.error}
    assert 9 == len(endpoint.requests)


def test_connection_that_the_server_has_closed_is_not_a_failure(hold, endpoint):
    """Some servers close the connection after each stream; the next request is sent again, but only once."""
    endpoint.script = faults_first([Reset()], always(STATUS))
    assert [("ok", True)] * 4 == [(record.status, record.resent) for record in hold().records]
    endpoint.script = always(Reset())
    with pytest.raises(RequestFailed, match="the connection broke before the reply was complete"):
        hold()
    assert 2 == max(endpoint.counts.values())


def test_stream_that_is_cut_is_a_failure(hold, endpoint):
    endpoint.script = from_request(1, Stream(["a"], ending=None, tail=b""), always(STATUS))
    assert ["failed"] * 2 == statuses(hold(1, 2))


def test_server_that_fails_for_good_ends_the_level(hold, endpoint):
    endpoint.script = from_request(3, error(500, "out of memory"), always(STATUS))
    measured = hold(1, 40)
    assert "10 requests in a row failed, the last with: HTTP 500: out of memory" == measured.stopped
    assert 12 == len(measured.records)


def test_overrun_server_is_given_up(hold, endpoint):
    endpoint.script = lambda request: Stream(["x"], first_s=0.01 if request.number < 20 else 60)
    measured = hold(100, 400, kind=LoadKind.RATE)
    assert measured.stopped.startswith("over-saturated after ")
    assert {"ok", "cut"} == set(statuses(measured))
    assert 200 > len(measured.records)
    assert RequestStatus.CUT is measured.records[-1].status


@pytest.mark.parametrize(
    ("outcome", "words"),
    [
        (Reply("Status: SUCCESS"), "the server sent no event stream"),
        (Stream(["a"], ending=None, tail=b""), r"the stream ended without finish_reason or \[DONE\]"),
        (Stream([""]), r"the reply has no content \(finish_reason: stop\)"),
        (Raw(b"{}", status=500), "HTTP 500"),
    ],
)
def test_server_that_streams_no_answer_is_noticed_at_the_first_try(hold, endpoint, outcome, words):
    endpoint.script = always(outcome)
    with pytest.raises(RequestFailed, match=words):
        hold()
    assert 1 == len(endpoint.requests)
