"""Parts of a run: shards that merge into the whole, budgets that stop it cleanly, and a look at it beforehand."""

import json
import subprocess
import sys

import pytest

from tests.endpoint import Reply
from tests.inner_run import REPOSITORY
from tests.scripts import always

pytest_plugins = ["pytester"]

ITEMS = 72  # the tiny dataset's: 8 samples, six questions zero-shot, three with demonstrations
WITHOUT_TIME = ("run_id", "started_at", "findings")


def options(endpoint, folder):
    return ["--model-url", endpoint.base_url, "--dataset", str(folder), "-q"]


def figures(run_dir):
    report = json.loads((run_dir / "report.json").read_text())
    return {name: value for name, value in report.items() if name not in WITHOUT_TIME}


def merge(folder, *runs, out="merged"):
    command = [sys.executable, "-m", "reports", "merge", *runs, "--out", out]
    environment = {"PYTHONPATH": str(REPOSITORY), "PATH": ""}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def test_merged_shards_equal_the_unsharded_run(quick, endpoint, tiny_folder):
    whole = quick.run(*options(endpoint, tiny_folder), run_dir="whole")
    parts = [
        quick.run(*options(endpoint, tiny_folder), "--shard", f"{part}/2", run_dir=f"part{part}")
        for part in (1, 2)
    ]

    done = merge(quick.folder, "part1", "part2")

    assert 0 == done.returncode, done.stderr
    samples = [{key[0] for key in part.statuses()} for part in parts]
    assert all(samples)
    assert set() == samples[0] & samples[1]
    assert ITEMS == len(parts[0].records) + len(parts[1].records)
    assert figures(whole.run_dir) == figures(quick.folder / "merged")


def test_shards_of_unlike_runs_are_refused_by_name(quick, endpoint, tiny_folder):
    quick.run(*options(endpoint, tiny_folder), "--shard", "1/2", run_dir="part1")
    quick.run(*options(endpoint, tiny_folder), "--shard", "2/2", "--max-tokens", "100", run_dir="part2")

    done = merge(quick.folder, "part1", "part2")

    assert 2 == done.returncode
    assert "max_tokens" in done.stderr
    assert 1 == len(done.stderr.splitlines())


@pytest.mark.parametrize("more", [(), ("-n2",)], ids=["plain", "n2"])
def test_a_budget_of_requests_is_kept_exactly_and_resume_continues(quick, endpoint, tiny_folder, more):
    stopped = quick.run(*options(endpoint, tiny_folder), "--budget-requests", "20", *more)

    assert 20 == len(endpoint.requests)
    assert 2 == stopped.exit_status, stopped.out
    assert "--budget-requests 20 is used up; continue with --resume" in stopped.out
    answered = (stopped.run_dir / "answers.jsonl").read_text().splitlines()
    assert 20 == len(answered)

    resumed = quick.run(*options(endpoint, tiny_folder), "--resume", *more)
    assert 0 == resumed.exit_status, resumed.out
    assert ITEMS == len(endpoint.requests)
    assert [] == endpoint.asked_twice()
    assert ITEMS == len(resumed.records)


def test_a_budget_of_tokens_counts_what_replies_say_they_used(quick, endpoint, tiny_folder):
    endpoint.script = always(Reply("Status: SUCCESS", prompt_tokens=90, completion_tokens=10))

    stopped = quick.run(*options(endpoint, tiny_folder), "--budget-tokens", "1000", "--concurrency", "1")

    assert 10 == len(endpoint.requests)
    assert "--budget-tokens 1000 is used up" in stopped.out


def test_a_dry_run_shows_what_would_be_asked_and_asks_nothing(quick, endpoint, tiny_folder):
    prices = quick.folder / "prices.toml"
    prices.write_text(
        "image_tokens = 100\nanswer_tokens = 10\nmodel_input_price = 0\nmodel_output_price = 1e6\n"
    )

    told = quick.run(*options(endpoint, tiny_folder), "--dry-run", "--prices", str(prices), "--limit", "2")

    assert 0 == told.exit_status, told.out
    assert 0 == len(endpoint.requests) + endpoint.model_list_requests
    assert not told.run_dir.exists()
    assert "items: 18 (" in told.out
    assert "requests: 18 to the model, 0 to 0 judge(s)" in told.out
    assert "images: 24 sent, 2 distinct" in told.out
    assert "180 out" in told.out
    assert "cost about 180.00" in told.out


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("dollars = 3", "unknown key 'dollars'"),
        ("image_tokens = -1", "image_tokens is -1; expected a number of at least 0"),
        ("image_tokens = 'many'", "image_tokens is 'many'"),
        ("image_tokens =", "prices.toml"),
    ],
)
def test_a_file_of_prices_that_makes_no_sense_is_one_line(quick, tiny_folder, text, complaint):
    (quick.folder / "prices.toml").write_text(text)

    told = quick.run("--dataset", str(tiny_folder), "--dry-run", "--prices", "prices.toml")

    assert 4 == told.exit_status
    assert complaint in told.out
    assert "Traceback" not in told.out
