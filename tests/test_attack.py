"""A part of `python -m tests.attack`: cuts, mutated fields, links and injections, with quick commands."""

import json
import random

import pytest

from tests.attack import (
    COMMANDS,
    HOSTILE,
    RAW,
    Bench,
    Sessions,
    cuts,
    injections,
    links,
    mutations,
    places,
    resumes,
    session_options,
)
from tests.kill_and_resume import script

pytest_plugins = ["pytester"]

QUICK = (
    ("leaderboard", "RUN", "--out", "SITE"),
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
    counts = links(bench, QUICK[:2])
    assert counts["refused"] > 20
    assert [] == bench.findings


def test_a_damaged_run_is_resumed_or_refused(bench, quick, endpoint, tiny_folder):
    endpoint.script, endpoint.models = script(), ("model-a", "judge-a")
    session = Sessions(quick, session_options(endpoint, tiny_folder))
    counts = resumes(bench, session, random.Random(3), 6)
    assert 6 == counts["resumed"]
    assert [] == bench.findings


def test_fields_of_all_kinds_are_mutated():
    assert [("a",), ("a", 0), ("a", 0, "b")] == list(places({"a": [{"b": 1}]}))
    assert len(HOSTILE) + len(RAW) > 30


@pytest.mark.parametrize(
    ("name", "change", "commands"),
    [
        ("canary.json", lambda data: data["answers"][0].update(known=1), QUICK[-1:]),
        ("run.json", lambda data: data.update(started_at="soon"), (COMMANDS[0], *COMMANDS[-2:])),
    ],
)
def test_fields_that_caused_a_traceback_are_read_or_refused(bench, name, change, commands):
    run = bench.copy()
    data = json.loads((run / name).read_text())
    change(data)
    (run / name).write_text(json.dumps(data))
    for words in commands:
        bench.judged(run, words, name)
    assert [] == bench.findings
