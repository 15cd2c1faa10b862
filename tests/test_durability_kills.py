"""SIGKILL at random moments and --resume: nothing is lost, doubled or invented (tests/kill_and_resume.py does 50)."""

import random

from tests.kill_and_resume import (
    CONCURRENCY,
    ITEMS,
    JUDGE_CONCURRENCY,
    REQUESTS,
    Victim,
    comparable_report,
    options,
    script,
)

pytest_plugins = ["pytester"]


def test_a_run_that_is_killed_and_resumed_ends_as_one_that_was_not(
    inner, quick, endpoint, tiny_folder, workers, tmp_path
):
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    inner.environment["TMPDIR"] = str(temporary)
    endpoint.script, endpoint.models = script(), ("model-a", "judge-a")
    arguments = [*options(endpoint, tiny_folder), *workers]
    undisturbed = quick.run(*options(endpoint, tiny_folder), run_dir="undisturbed")
    asked = len(endpoint.requests)

    victim = Victim(inner=inner, endpoint=endpoint, arguments=arguments)
    result, kills = victim.kill_and_resume(random.Random(3), times=1 if workers else 2)

    assert REQUESTS == asked
    assert 0 == result.exit_status, result.out
    assert kills.number >= 1
    assert max(kills.lost) <= CONCURRENCY + JUDGE_CONCURRENCY
    assert REQUESTS + sum(kills.lost) == len(endpoint.requests) - asked
    assert ITEMS == len(result.records)
    assert undisturbed.comparable_records() == result.comparable_records()
    assert comparable_report(undisturbed) == comparable_report(result)
    assert 0 == kills.orphans
    assert [] == list(temporary.glob("qcal-*"))
