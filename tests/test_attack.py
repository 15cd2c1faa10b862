"""A part of `python -m tests.attack`: cuts, mutated fields, links and injections, with quick commands."""

import random

import pytest

from tests.attack import HOSTILE, RAW, Bench, cuts, injections, links, mutations, places

QUICK = (
    ("compare", "RUN", "WHOLE"),
    ("gate", "RUN", "--gate", "GATE"),
    ("export", "RUN", "--format=csv", "--out", "FILE"),
)


@pytest.fixture
def bench(tmp_path):
    return Bench(tmp_path / "bench")


@pytest.mark.parametrize("seed", [1, 2])
def test_nothing_gets_through(bench, seed):
    rng = random.Random(seed)
    counts = cuts(bench, rng, 60)
    assert counts["told"] > 20
    counts = mutations(bench, rng, 15, QUICK)
    assert counts["refused"] > 5
    injections(bench, rng, 60)
    assert [] == bench.findings


def test_no_link_gets_through(bench):
    counts = links(bench, QUICK[:1])
    assert counts["refused"] > 20
    assert [] == bench.findings


def test_fields_of_all_kinds_are_mutated():
    assert [("a",), ("a", 0), ("a", 0, "b")] == list(places({"a": [{"b": 1}]}))
    assert len(HOSTILE) + len(RAW) > 30
