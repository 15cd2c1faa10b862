import re
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qcal_plugin.dataset.prepared import SampleEntry
from qcal_plugin.studies.selection import (
    Shard,
    in_shard,
    parse_modes,
    parse_questions,
    parse_shard,
    select,
    stratified,
)
from scoring.questions import Mode, Question

BOTH = (Mode.ZEROSHOT, Mode.ICL)


def entry(sample_id, family="rabi", modes=BOTH):
    return SampleEntry(sample_id=sample_id, family=family, scenario_type=f"{family}_success", modes=modes)


def benchmark():
    """As many samples and ICL rows as the full benchmark: 243 and 236, of 22 families."""
    return [
        entry(f"sample-{number}", f"family-{number % 22}", BOTH if number < 236 else (Mode.ZEROSHOT,))
        for number in range(243)
    ]


def ids(items):
    return list(dict.fromkeys(item.key.sample_id for item in items))


def test_the_full_benchmark_has_1458_and_708_items():
    assert {Mode.ZEROSHOT: 1458, Mode.ICL: 708} == Counter(item.key.mode for item in select(benchmark()))


def test_items_come_by_mode_then_sample_then_question():
    items = select([entry("b"), entry("a", "drag")], questions=(Question.Q6, Question.Q1, Question.Q3))
    assert [
        ("b", "Q1", "zeroshot"),
        ("b", "Q3", "zeroshot"),
        ("b", "Q6", "zeroshot"),
        ("a", "Q1", "zeroshot"),
        ("a", "Q3", "zeroshot"),
        ("a", "Q6", "zeroshot"),
        ("b", "Q3", "icl"),
        ("b", "Q6", "icl"),
        ("a", "Q3", "icl"),
        ("a", "Q6", "icl"),
    ] == [item.key[:3] for item in items]
    assert ("drag", "drag_success") == (items[-1].family, items[-1].scenario_type)


def test_a_limit_keeps_the_first_samples_and_may_exceed_their_number():
    assert ["sample-0", "sample-1"] == ids(select(benchmark(), limit=2))
    assert 243 == len(ids(select(benchmark(), limit=1000)))


def test_a_stratified_sample_gives_each_family_its_share():
    families = ["large"] * 60 + ["medium"] * 30 + ["small"] * 10
    samples = [entry(f"s{number}", family) for number, family in enumerate(families)]
    chosen = stratified(samples, 10, seed=1)
    assert {"large": 6, "medium": 3, "small": 1} == Counter(sample.family for sample in chosen)
    shares = [Counter(sample.family for sample in stratified(samples, 4, seed=seed)) for seed in range(20)]
    assert {"large": 3, "medium": 1} in shares  # 2.4, 1.2, 0.4: the seed decides which 0.4 is rounded up
    assert {"large": 2, "medium": 1, "small": 1} in shares


def test_a_stratified_sample_is_the_same_again_and_differs_by_seed():
    samples = benchmark()
    assert stratified(samples, 40, seed=3) == stratified(samples, 40, seed=3)
    assert stratified(samples, 40, seed=3) != stratified(samples, 40, seed=4)
    assert ["sample-0", "sample-34", "sample-161"] == [
        sample.sample_id for sample in stratified(samples, 3, seed=0)
    ]


def test_a_stratified_sample_does_not_depend_on_the_order_of_rows():
    samples = benchmark()
    backwards = {sample.sample_id for sample in stratified(samples[::-1], 40, seed=3)}
    assert {sample.sample_id for sample in stratified(samples, 40, seed=3)} == backwards


@given(
    st.lists(st.sampled_from("abcd"), min_size=1, max_size=60),
    st.integers(min_value=1, max_value=70),
    st.integers(min_value=0, max_value=5),
)
def test_shares_are_within_one_of_proportional(families, count, seed):
    samples = [entry(f"s{number}", family) for number, family in enumerate(families)]
    chosen = stratified(samples, count, seed=seed)
    assert min(count, len(samples)) == len(chosen)
    assert [sample for sample in samples if sample in chosen] == chosen
    sizes, got = Counter(families), Counter(sample.family for sample in chosen)
    for family, size in sizes.items():
        assert abs(got[family] - size * len(chosen) / len(samples)) < 1


def test_shards_part_the_samples_and_keep_their_items_together():
    samples = benchmark()
    shards = [select(samples, shard=Shard(part, 5)) for part in range(1, 6)]
    assert sorted(ids(select(samples))) == sorted(sample_id for shard in shards for sample_id in ids(shard))
    assert len(select(samples)) == sum(map(len, shards))


def test_a_sample_stays_in_its_shard():
    assert [2, 2, 1, 1] == [1 if in_shard(f"sample-{number}", Shard(1, 2)) else 2 for number in range(4)]


def test_shards_part_a_limited_selection_too():
    shards = [select(benchmark(), limit=20, shard=Shard(part, 2)) for part in (1, 2)]
    assert sorted(ids(select(benchmark(), limit=20))) == sorted(ids(shards[0]) + ids(shards[1]))


def test_names_are_read_in_any_case_and_put_in_order():
    assert (Question.Q1, Question.Q6) == parse_questions("q6, Q1,q1")
    assert (Mode.ZEROSHOT, Mode.ICL) == parse_modes("ICL,zeroshot")
    assert Shard(2, 5) == parse_shard("2/5")


@pytest.mark.parametrize(
    ("parse", "text", "message"),
    [
        (parse_questions, "Q1,Q7", "unknown question 'q7': choose from Q1,Q2,Q3,Q4,Q5,Q6"),
        (parse_questions, " , ", "no question given: choose from Q1,Q2,Q3,Q4,Q5,Q6"),
        (parse_modes, "fewshot", "unknown mode 'fewshot': choose from zeroshot,icl"),
        (parse_shard, "6/5", "shard '6/5': expected i/n with 1 <= i <= n, such as 2/5"),
        (parse_shard, "0/5", "shard '0/5': expected i/n with 1 <= i <= n, such as 2/5"),
        (parse_shard, "2", "shard '2': expected i/n with 1 <= i <= n, such as 2/5"),
        (parse_shard, "-1/5", "shard '-1/5': expected i/n with 1 <= i <= n, such as 2/5"),
    ],
)
def test_a_name_that_is_unknown_is_answered_with_those_that_are_known(parse, text, message):
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        parse(text)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"limit": 0}, "limit 0: expected a number of samples, at least 1"),
        ({"sample": -1}, "sample -1: expected a number of samples, at least 1"),
        ({"limit": 2, "sample": 2}, "limit 2 and sample 2: give one of the two"),
        (
            {"modes": (Mode.ICL,), "questions": (Question.Q1, Question.Q2)},
            "nothing to ask: 243 samples have no item for modes icl and questions Q1,Q2 (icl asks only Q3,Q5,Q6)",
        ),
        (
            {"limit": 1, "shard": Shard(1, 2)},
            "nothing to ask: shard 1/2 has none of 1 selected samples",
        ),
    ],
)
def test_an_empty_selection_says_why(options, message):
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        select(benchmark(), **options)
