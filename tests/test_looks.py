"""``--max-repeats``: everything is asked again only while the verdict is open; plain and with workers."""

import hashlib
import json
import random
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from reports.exchange.junit import load_junit
from synthetic.dataset import TEST_FILE, generate
from tests.endpoint import Reply
from tests.scripts import by_model, error

pytest_plugins = ["pytester"]

QUESTIONS = ("Q2", "Q4", "Q6")  # which need no judge
WRONG = {"Q2": "Classification: Something else", "Q4": "Assessment: maybe", "Q6": "Status: NO_SUCH_STATUS"}
ASKING = ("--modes=zeroshot", f"--questions={','.join(QUESTIONS)}", "--no-html", "--retries=0", "-q")
GATE = '[[gate]]\nmetric = "zeroshot.Q2+Q4+Q6"\nbaseline = "production"\nmax_drop = {max_drop}\n'
LOOKS = ("--gate=gates.toml", "--max-repeats=4")


@pytest.fixture(scope="module")
def plots(tmp_path_factory):
    """A folder of synthetic samples, and its rows."""
    folder = tmp_path_factory.mktemp("synthetic")
    generate(folder, seed=7, per_scenario=3, families=["drag", "t1"])
    return folder, pq.read_table(folder / TEST_FILE).to_pylist()


def model(rows, *, chance, drop=0.0, seed=""):
    """A model that is right with a probability per item, independently each time."""
    answers = {}
    for row in rows:
        image = hashlib.sha256(row["images"][-1]["bytes"]).hexdigest()
        for question in QUESTIONS:
            answers[image, row[f"{question.lower()}_prompt"]] = (
                question,
                row[f"{question.lower()}_answer"],
                row["id"],
            )

    def answer(request):
        question, right, sample = answers[request.images[-1], request.prompt[-1]]
        easy = random.Random(f"{sample} {question}").random() < 0.6
        mine = (chance if easy else 1 - chance) - drop
        is_right = random.Random(f"{seed} {sample} {question} {request.attempt}").random() < mine
        return Reply(right if is_right else WRONG[question])

    return answer


@pytest.fixture(scope="module")
def production_run(tmp_path_factory):
    return tmp_path_factory.mktemp("kept") / "production"


@pytest.fixture
def release(quick, endpoint, plots, production_run):
    """Runs a session of a model after the production model was asked four times."""
    folder, rows = plots
    endpoint.script = by_model(
        {
            "production": model(rows, chance=0.9, seed="p"),
            "same": model(rows, chance=0.9, seed="s"),
            "broken": model(rows, chance=0.5, drop=0.3),
        }
    )

    def run(name, *options, run_dir, max_drop=15):
        (quick.folder / "gates.toml").write_text(GATE.format(max_drop=max_drop))
        asking = ["--model-url", endpoint.base_url, "--model", name, "--dataset", str(folder), *ASKING]
        return quick.run(*asking, *options, run_dir=run_dir)

    if not production_run.exists():
        assert 0 == run("production", "--repeats=4", run_dir=str(production_run)).exit_status
    (quick.folder / "production").symlink_to(production_run)
    endpoint.requests.clear()
    return run


def asked(result):
    """How often everything was asked."""
    return 1 + max(item.get("repeat", 0) for item in result.manifest["planned"])


def test_a_clear_verdict_takes_one_repeat_and_the_others_are_skipped(release, endpoint):
    result = release("broken", *LOOKS, "--junitxml=out.xml", "-rs", run_dir="run")
    planned = len(result.manifest["planned"])
    assert 1 == result.exit_status, result.out
    assert (1, planned, planned) == (asked(result), len(endpoint.requests), len(result.records))
    assert f"{3 * planned} skipped" in result.out
    assert "not needed: FAIL after 1 repeat of at most 4" in result.out
    assert "qcal: looked after 1 of at most 4 repeats" in result.out
    outcomes = load_junit([result.run_dir.parent / "out.xml"]).outcomes
    assert planned == len(outcomes) == sum(outcome.measured for outcome in outcomes)


def test_everything_is_asked_again_while_the_verdict_is_open(release, endpoint, workers):
    result = release("same", *LOOKS, "-v", *workers, run_dir="run", max_drop=5)
    assert "with 4 repeats an unchanged model passes in about" in result.out
    plan = json.loads((result.run_dir / "looks.json").read_text())
    repeats = asked(result)
    assert 2 <= repeats == plan["open"]
    assert ["INCONCLUSIVE"] * (repeats - 1) == plan["verdicts"][: repeats - 1]
    assert "look after 1 repeat: INCONCLUSIVE, asking everything once more" in result.out
    assert f"qcal: looked after {repeats} of at most 4 repeats" in result.out
    (entry,) = result.report["gates"]["gates"]
    assert (repeats, 4, "this benchmark") == (
        entry["repeats"],
        entry["baseline_repeats"],
        entry["population"],
    )
    assert len(endpoint.requests) == len(result.manifest["planned"]) == len(result.records)


def test_the_engine_does_not_run_ahead_over_a_look(release, endpoint):
    """With a limit that would hold all repeats at once, none of the second is asked before the first is decided."""
    result = release("broken", *LOOKS, "--concurrency=512", run_dir="run")
    assert len(endpoint.requests) == len(result.records)


def test_an_ended_run_is_resumed_where_it_stopped(release, endpoint, workers):
    ended = release("same", *LOOKS, "--budget-requests=60", *workers, run_dir="run", max_drop=6)
    assert 11 == ended.exit_status, ended.out
    result = release("same", *LOOKS, "--resume", *workers, run_dir="run", max_drop=6)
    assert result.exit_status in {0, 10}, result.out
    assert len(endpoint.requests) == len(result.manifest["planned"])
    assert "attempt 2 to gate this run" in result.out


def test_what_failed_is_asked_again_with_lf_and_then_gated(release, endpoint):
    script = endpoint.script
    endpoint.script = lambda request: (
        error(400, "no")(request) if len(endpoint.requests) == 7 else script(request)
    )
    first = release("broken", *LOOKS, run_dir="run")
    endpoint.script = script
    again = release("broken", *LOOKS, "--lf", run_dir="run")
    assert {1} == {asked(first), asked(again)}
    assert 1 == again.exit_status, again.out


def test_shards_are_looked_at_after_they_were_merged_and_go_on_as_one_run(release, quick, monkeypatch):
    from reports.__main__ import main

    for part in ("1", "2"):
        options = ("--repeats=2", "--max-repeats=4", f"--shard={part}/2")
        shard = release("same", *options, run_dir=f"s{part}", max_drop=5)
        assert 0 == shard.exit_status, shard.out
        assert 2 == asked(shard)
    monkeypatch.chdir(quick.folder)
    assert 0 == main(["merge", "s1", "s2", "--out", "all"])
    assert 10 == main(["gate", "all", "--gate", "gates.toml"])
    look = json.loads(Path("all", "report.json").read_text())["gates"]["look"]
    assert {"repeats": 2, "planned": [2, 3, 4]} == look

    merged = release("same", *LOOKS, "--repeats=2", "--resume", run_dir="all", max_drop=5)
    assert merged.exit_status in {0, 10}, merged.out
    assert 3 <= asked(merged) == merged.report["gates"]["look"]["repeats"]
    assert len(merged.records) == len(merged.manifest["planned"])


MISTAKES = [
    (("--max-repeats=4",), "--max-repeats without --gate: there is no verdict that could end the repeats"),
    (
        ("--gate=gates.toml", "--max-repeats=2", "--repeats=2"),
        "--max-repeats 2: expected more than --repeats 2",
    ),
    ((*LOOKS, "-n2", "--dist=worksteal"), "--dist=worksteal runs items out of order"),
]


@pytest.mark.parametrize(("options", "complaint"), MISTAKES, ids=[row[1][:30] for row in MISTAKES])
def test_what_cannot_work_is_refused(release, endpoint, options, complaint):
    result = release("same", *options, run_dir="run")
    assert 4 == result.exit_status
    assert complaint in result.out
    assert [] == endpoint.requests


def test_how_often_to_look_is_decided_before_looking(release):
    release("broken", *LOOKS, run_dir="run")
    result = release("broken", "--gate=gates.toml", "--max-repeats=6", "--resume", run_dir="run")
    assert 4 == result.exit_status
    assert "--max-repeats was 4, is now 6" in result.out
