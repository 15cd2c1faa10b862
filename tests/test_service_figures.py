"""Figures of a load level: the window, the answers that count, quantiles, objectives, tables."""

import json
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reports.records.records import Failure
from reports.service.figures import distribution, level_figures, window_of
from reports.service.records import (
    LoadKind,
    LoadLevel,
    MeasuredLevel,
    RequestStatus,
    ServiceRecord,
    Timing,
    attainment,
    parse_objectives,
    read_levels,
)
from reports.service.report import service_json
from reports.service.tables import time_table
from reports.tables.model import Column, Unit, printed
from tests.run_factory import run_of


def level(load=2.0, kind=LoadKind.PARALLEL, number=8, warmup=0):
    return LoadLevel(kind=kind, load=load, number=number, warmup=warmup)


def request(number, sent_s, duration_s, **fields):
    defaults = {
        "level": "parallel=2",
        "counted": True,
        "planned_s": sent_s,
        "status": RequestStatus.OK,
        "token_s": (0.5, duration_s),
        "output_tokens": 10,
        "prompt_tokens": 90,
    }
    return ServiceRecord(number=number, sent_s=sent_s, duration_s=duration_s, **defaults | fields)


def steady(duration_s, places, rounds, *, warmup_rounds=0, **fields):
    """A closed loop in which every request takes the same time."""
    return MeasuredLevel(
        level=level(places, warmup=places * warmup_rounds),
        records=tuple(
            request(
                places * turn + place, turn * duration_s, duration_s, counted=turn >= warmup_rounds, **fields
            )
            for turn in range(rounds)
            for place in range(places)
        ),
    )


@settings(max_examples=25)  # each is a bootstrap
@given(
    quarters=st.integers(1, 400), places=st.integers(1, 8), warm=st.integers(0, 3), rounds=st.integers(1, 5)
)
def test_a_steady_closed_loop_has_the_rate_that_littles_law_gives(quarters, places, warm, rounds):
    duration_s = quarters / 4
    figures = level_figures(steady(duration_s, places, warm + rounds, warmup_rounds=warm), ())
    assert places == pytest.approx(figures.in_flight)
    assert places / duration_s == pytest.approx(figures.request_rate)
    assert 10 * places / duration_s == pytest.approx(figures.output_rate)
    assert 100 * places / duration_s == pytest.approx(figures.total_rate)


def test_window_of_a_closed_loop_ends_when_a_place_stays_empty():
    """Two places: the last request is sent at 3, the other place ends at 4 and finds nothing left."""
    records = (request(0, 0, 1, counted=False), request(1, 0, 3), request(2, 1, 3), request(3, 3, 9))
    window = window_of(MeasuredLevel(level=level(), records=records))
    assert (0, 4) == (window.start_s, window.end_s)
    assert (1.0, 1.0, 1 / 9) == pytest.approx(tuple(window.share(record) for record in records[1:]))


def test_window_of_an_open_loop_reaches_from_the_first_arrival_to_the_last():
    records = (
        request(0, 0, 1, counted=False),
        request(1, 2.5, 1, planned_s=2),
        request(2, 6, 9, planned_s=6),
    )
    window = window_of(MeasuredLevel(level=level(kind=LoadKind.RATE), records=records))
    assert (2, 6) == (window.start_s, window.end_s)


def test_slow_requests_that_end_in_the_drain_count_in_the_times():
    records = (request(0, 0, 1), request(1, 0, 1), request(2, 1, 1), request(3, 1, 50))
    figures = level_figures(MeasuredLevel(level=level(), records=records), ())
    assert 53 / 4 == figures.times[Timing.E2E].mean


def test_warmup_failures_cuts_and_cached_answers_enter_no_time():
    odd = [
        request(0, 0, 99, counted=False),
        request(1, 0, 99, status=RequestStatus.FAILED, error=Failure(kind="http_500", message="no")),
        request(2, 0, 99, status=RequestStatus.CUT),
        request(3, 0, 99, status=RequestStatus.CACHED),
    ]
    figures = level_figures(MeasuredLevel(level=level(), records=(*odd, request(4, 0, 2))), ())
    assert (2.0, 1) == (figures.times[Timing.E2E].mean, figures.times[Timing.E2E].n)
    assert (1, 1, 1, 1) == tuple(figures.statuses[status] for status in RequestStatus)
    assert 0.5 == figures.success


# --- times of one request ---


def test_times_of_one_request():
    record = request(
        0, 1.25, 2.0, planned_s=1.0, ttfb_s=0.1, token_s=(0.5, 0.5, 0.7, 1.1), answer_s=0.7, output_tokens=4
    )
    expected = {"queue": 0.25, "ttfb": 0.1, "ttft": 0.5, "answer": 0.7, "tpot": 0.2, "e2e": 2.0}
    assert expected == pytest.approx({metric.value: record.figure(metric) for metric in Timing})
    assert (0.2, 0.4) == pytest.approx(record.gaps_s)


@pytest.mark.parametrize("fields", [{"output_tokens": 1}, {"token_s": (0.5, 0.5)}, {"output_tokens": None}])
def test_no_time_per_output_token_without_a_second_token(fields):
    assert request(0, 0, 1, **fields).figure(Timing.TPOT) is None


# --- quantiles ---


@pytest.mark.parametrize(("n", "told"), [(1, 0), (9, 1), (10, 2), (20, 3), (99, 3), (100, 4)])
def test_a_quantile_needs_requests_beyond_it(n, told):
    figures = distribution([(float(value),) for value in range(n)])
    assert [0.5, 0.9, 0.95, 0.99][:told] == [q for q, value in figures.quantiles.items() if value is not None]


def test_quantiles_of_a_hundred_requests():
    figures = distribution([(float(value),) for value in range(1, 101)])
    assert {0.5: 50, 0.9: 90, 0.95: 95, 0.99: 99} == figures.quantiles
    assert all(
        interval.low <= figures.quantiles[q] <= interval.high
        for q, interval in figures.quantile_intervals.items()
    )
    assert 50.5 == figures.mean


def test_gaps_of_one_request_do_not_pass_for_independent():
    """Ten requests with a hundred equal gaps each are as uncertain as ten values."""
    alike = distribution([(float(value),) * 100 for value in range(10)])
    single = distribution([(float(value),) for value in range(10)])
    assert alike.quantile_intervals[0.5].low <= single.quantile_intervals[0.5].low
    assert single.quantile_intervals[0.5].high <= alike.quantile_intervals[0.5].high
    assert (1000, 10) == (alike.n, alike.requests)


@pytest.mark.parametrize(("n", "open_ends"), [(20, [0.9, 0.95]), (72, []), (100, [0.99])])
def test_a_quantile_is_open_above_if_requests_are_too_few(n, open_ends):
    intervals = distribution([(float(value),) for value in range(n)]).quantile_intervals
    assert open_ends == [
        q for q, interval in intervals.items() if interval is not None and interval.high == math.inf
    ]


def test_an_open_end_is_printed_and_in_json_it_is_null():
    figures = level_figures(steady(1.0, 2, 10), ())
    (row,) = time_table("T", "formula", [figures], [figures.times[Timing.E2E]]).rows
    interval = row[7]
    assert "1.0000 or more" == printed(interval, Column("", Unit.SECONDS, 4, span=True))
    manifest = run_of({("a", "Q6", "zeroshot"): 1.0}).manifest
    text = json.dumps(service_json(manifest, [figures]), allow_nan=False)
    assert {"low": 1.0, "high": None} == json.loads(text)["levels"][0]["times"]["e2e"]["quantile_intervals"][
        "0.9"
    ]


def test_scores_that_do_not_change_under_load_give_no_certainty():
    asked = [{"score": 1.0, "sample_id": f"s{n}", "question": "Q6", "mode": "zeroshot"} for n in range(12)]
    first, second = (
        MeasuredLevel(level=level(), records=tuple(request(n, n, 1, **item) for n, item in enumerate(asked)))
        for _ in range(2)
    )
    accuracy = level_figures(second, (), first).accuracy
    assert 0.0 == accuracy.change
    assert accuracy.change_interval.low < -0.1 < 0.1 < accuracy.change_interval.high


# --- objectives ---


def test_goodput_counts_requests_within_all_objectives():
    objectives = parse_objectives("ttft<=0.5, e2e<=1.5")
    records = [
        request(0, 0, 1),
        request(1, 0, 2),
        request(2, 0, 1, token_s=(0.6, 1.0)),
        request(3, 0, 1, status=RequestStatus.FAILED),
        request(4, 0, 1, status=RequestStatus.CACHED),
    ]
    assert 1 / 4 == attainment(MeasuredLevel(level=level(), records=tuple(records)), objectives)


def test_a_reply_of_one_token_breaks_no_tpot_but_one_without_an_answer_breaks_its_time():
    one_token = request(0, 0, 1, token_s=(0.5,), output_tokens=1)
    assert parse_objectives("tpot<=0.1")[0].met(one_token)
    assert not parse_objectives("answer<=10")[0].met(one_token)


def test_no_objectives_no_goodput():
    figures = level_figures(steady(1.0, 2, 3), ())
    assert (None, None) == (figures.good, figures.goodput)


# --- scores ---


def test_scores_are_compared_on_the_items_that_both_levels_asked():
    def scores(*values):
        return MeasuredLevel(
            level=level(),
            records=tuple(
                request(n, n, 1, sample_id=f"s{n}", question="Q6", mode="zeroshot", score=value)
                for n, value in enumerate(values)
            ),
        )

    figures = level_figures(scores(1.0, 0.0, 0.0, 1.0), (), scores(1.0, 1.0)).accuracy
    assert (0.5, -0.5, 4) == (figures.mean, figures.change, figures.scored)


# --- the file ---


def test_a_level_that_was_not_finished_is_left_out(tmp_path):
    path = tmp_path / "service.jsonl"
    path.write_text('{"request": ' + "{}" + '}\n{"requ')
    with pytest.raises(
        Exception,
        match=r"service.jsonl, line 1: not a line of a service study \(.*field `level` - at `\$.request`\)",
    ):
        read_levels(path)
