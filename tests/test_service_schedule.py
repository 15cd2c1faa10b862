"""When requests are sent and in which order, when an open loop is given up, how the highest load is searched."""

import itertools
import math
import random
import statistics

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from qcal_plugin.cli.trace import read_trace
from qcal_plugin.service.load import load_order
from qcal_plugin.service.schedule import arrival_times, burstiness_of, highest_load, over_saturated
from scoring.errors import BadValueError
from tests.run_factory import planned_item

RATES = st.floats(0.1, 100)


@given(rate=RATES, number=st.integers(1, 200), burstiness=st.floats(0.1, 10), seed=st.integers())
def test_arrivals_ascend_from_zero_and_depend_on_the_seed_alone(rate, number, burstiness, seed):
    times = arrival_times(rate, number, burstiness=burstiness, seed=seed)
    assert number == len(times)
    assert 0.0 == times[0]
    assert times == sorted(times)
    assert times == arrival_times(rate, number, burstiness=burstiness, seed=seed)


@given(rate=RATES, number=st.integers(2, 200), burstiness=st.floats(0.1, 10), seed=st.integers())
def test_the_offered_rate_is_the_requested_one(rate, number, burstiness, seed):
    times = arrival_times(rate, number, burstiness=burstiness, seed=seed)
    assert rate == pytest.approx((number - 1) / times[-1])


@pytest.mark.parametrize("burstiness", [0.5, 1.0, 4.0])
@pytest.mark.parametrize("rate", [0.5, 20.0])
def test_gaps_have_the_mean_and_spread_of_their_distribution(rate, burstiness):
    gaps = [
        after - before
        for before, after in itertools.pairwise(arrival_times(rate, 40_000, burstiness=burstiness))
    ]
    assert 1 / rate == pytest.approx(statistics.fmean(gaps), rel=0.03)
    assert 1 / (rate * math.sqrt(burstiness)) == pytest.approx(statistics.stdev(gaps), rel=0.03)


def queue(arrivals, service_s, places):
    """First tokens and waits of a server that answers this many requests at once."""
    free, begun = [0.0] * places, []
    for at in arrivals:
        start = max(at, min(free))
        free[free.index(min(free))] = start + service_s
        begun.append((at, start + service_s))
    return begun


def noticed_after(rate, service_s, places, *, burstiness=1.0, seed=0, number=400):
    """After how many requests the loop is given up; None if it is not."""
    arrivals = arrival_times(rate, number, burstiness=burstiness, seed=seed)
    begun = queue(arrivals, service_s, places)
    for sent in range(1, number + 1):
        now = arrivals[sent - 1]
        over = [(at, end) for at, end in begun[:sent] if end <= now]
        waits = [end - at for at, end in over]
        if over_saturated(arrivals[:sent], sorted(end for _, end in over), waits, burstiness=burstiness):
            return sent
    return None


@pytest.mark.parametrize("burstiness", [0.5, 1.0])
@pytest.mark.parametrize("seed", range(10))
def test_a_server_that_keeps_up_is_left_alone(seed, burstiness):
    """At 70% of its capacity, even with a hundred in flight before the first answer."""
    assert noticed_after(7.0, 1.0, 10, seed=seed, burstiness=burstiness) is None
    assert noticed_after(20.0, 5.0, 200, seed=seed, burstiness=burstiness) is None


@pytest.mark.parametrize("seed", range(5))
def test_a_server_that_is_overrun_is_given_up(seed):
    """At twice its capacity."""
    assert noticed_after(20.0, 1.0, 10, seed=seed) <= 200


@given(highest=st.integers(0, 600), limit=st.integers(1, 512))
def test_search_finds_the_highest_load_and_tries_none_twice(highest, limit):
    tried = []

    def meets(load):
        tried.append(load)
        return load <= highest

    assert (min(highest, limit) or None) == highest_load(meets, limit)
    assert len(tried) == len(set(tried)) <= 2 * math.log2(limit) + 2
    assert all(1 <= load <= limit for load in tried)


@given(
    sizes=st.dictionaries(st.text(min_size=1, max_size=3), st.integers(1, 6), min_size=1, max_size=8),
    seed=st.integers(0, 99),
)
def test_every_item_is_sent_once_and_no_plot_again_before_all_others(sizes, seed):
    items = [planned_item(name, f"Q{n}") for name, size in sizes.items() for n in range(1, size + 1)]
    random.Random(seed).shuffle(items)
    by_question = sorted(items, key=lambda item: item.key)
    order = load_order(by_question, seed=seed)
    assert sorted(item.key for item in items) == sorted(item.key for item in order)
    assert len(sizes) == len({item.key.sample_id for item in order[: len(sizes)]})


@given(samples=st.integers(2, 30))
def test_the_first_round_asks_all_questions(samples):
    assume(samples >= 6)
    items = [planned_item(f"s{sample}", f"Q{n}") for sample in range(samples) for n in range(1, 7)]
    assert 6 == len({item.key.question for item in load_order(items)[:6]})


# --- traces ---


def test_a_trace_is_read_in_milliseconds_or_seconds_sorted_from_its_first_request(tmp_path):
    file = tmp_path / "trace.jsonl"
    file.write_text('{"timestamp": 1500, "input_length": 9}\n\n{"timestamp": 1000}\n{"timestamp": 3000}\n')
    assert (0.0, 0.5, 2.0) == read_trace(file)
    assert (0.0, 0.25, 1.0) == read_trace(file, speed=2.0)
    file.write_text("10\n12.5\n")
    assert (0.0, 2.5) == read_trace(file)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (
            '{"timestamp": 1}\n{"time": 2}\n',
            ", line 2: expected a number of seconds, or an object with timestamp",
        ),
        ('"soon"\n', ", line 1: expected a number of seconds"),
        ("NaN\n1\n", ", line 1: expected a number of seconds"),
        ("1\n1\n", ": expected requests at two different times or more"),
        ("", ": expected requests at two different times or more"),
    ],
)
def test_a_trace_that_cannot_be_used_is_one_line(tmp_path, content, said):
    file = tmp_path / "trace.jsonl"
    file.write_text(content)
    with pytest.raises(BadValueError) as caught:
        read_trace(file)
    assert str(caught.value).startswith(f"{file}{said}")


def test_burstiness_of_even_and_of_poisson_arrivals():
    assert math.inf == burstiness_of([0.0, 1.0, 2.0])
    assert pytest.approx(1.0, rel=0.15) == burstiness_of(arrival_times(5, 4000, seed=1))
