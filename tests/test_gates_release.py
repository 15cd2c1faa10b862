"""Releases gated on synthetic plots: the blind baseline and models of known quality get the verdicts they deserve."""

import hashlib
import random
import shutil

import pyarrow.parquet as pq
import pytest

from qcal_plugin.demo.blind_baseline import blind_answer
from synthetic.dataset import TEST_FILE, generate
from tests.endpoint import Reply
from tests.scripts import by_model, error, for_image

pytest_plugins = ["pytester"]

QUESTIONS = ("Q2", "Q4", "Q5", "Q6")  # which need no judge
ASKING = ("--modes=zeroshot", f"--questions={','.join(QUESTIONS)}", "--no-html", "--retries=0", "-q")
WRONG = {
    "Q2": "Classification: Something else",
    "Q4": "Assessment: maybe",
    "Q5": '{"unasked": 1}',
    "Q6": "Status: NO_SUCH_STATUS",
}
GATES = """
[[gate]]
metric = "zeroshot.Q2+Q4+Q5+Q6"
min = 60

[[gate]]
metric = "zeroshot.Q2+Q4+Q5+Q6"
baseline = "production"
max_drop = 2

[[gate]]
metric = "q6.false_success"
max = 30

[coverage]
max_unmeasured = 0
"""


@pytest.fixture(scope="module")
def plots(tmp_path_factory):
    """A folder of synthetic samples, and its rows."""
    folder = tmp_path_factory.mktemp("synthetic")
    generate(folder, seed=7, per_scenario=4, families=["drag", "t1"])
    return folder, pq.read_table(folder / TEST_FILE).to_pylist()


def model_of_quality(share, rows):
    """A model that answers this share of the items correctly and the others wrongly."""
    answers = {}
    for row in rows:
        image = hashlib.sha256(row["images"][-1]["bytes"]).hexdigest()
        for question in QUESTIONS:
            right = random.Random(f"{share} {row['id']} {question}").random() < share
            answer = row[f"{question.lower()}_answer"] if right else WRONG[question]
            answers[image, row[f"{question.lower()}_prompt"]] = answer
    return lambda request: Reply(answers[request.images[-1], request.prompt[-1]])


@pytest.fixture(scope="module")
def production_run(tmp_path_factory):
    """The folder of the production model's run, once there is one."""
    return tmp_path_factory.mktemp("kept") / "production"


@pytest.fixture
def release(quick, endpoint, plots, production_run):
    """Runs a session of a model with the gates, after the production model's run."""
    folder, rows = plots
    production, good = model_of_quality(0.8, rows), model_of_quality(0.97, rows)
    unlucky = hashlib.sha256(rows[0]["images"][-1]["bytes"]).hexdigest()
    endpoint.script = by_model(
        {
            "production": production,
            "good": good,
            "much-the-same": model_of_quality(0.81, rows),
            "blind-baseline": lambda request: Reply(blind_answer(request.text)),
            "good-but-unlucky": for_image(unlucky, error(400, "cannot decode the image"), otherwise=good),
        }
    )
    (quick.folder / "gates.toml").write_text(GATES)

    def run(model, *options, run_dir):
        asking = ["--model-url", endpoint.base_url, "--model", model, "--dataset", str(folder), *ASKING]
        return quick.run(*asking, *options, run_dir=run_dir)

    if not production_run.exists():
        assert 0 == run("production", run_dir=str(production_run)).exit_status
    shutil.copytree(production_run, quick.folder / "production")
    return run


VERDICTS = [
    ("good", 0, ["PASS", "PASS", "PASS"], "every gate passes"),
    (
        "blind-baseline",
        1,
        ["FAIL", "FAIL", "FAIL"],
        "see what broke: python -m reports compare production",
    ),
    (
        "much-the-same",
        10,
        ["PASS", "INCONCLUSIVE", "PASS"],
        "ask more samples or repeats, as noted with each gate, or let a person decide",
    ),
    (
        "good-but-unlucky",
        11,
        ["CANNOT BE GATED"] * 3,
        "measure what is missing (--lf what failed, --resume all)",
    ),
]


@pytest.mark.parametrize(
    ("model", "status", "verdicts", "next_step"), VERDICTS, ids=[row[0] for row in VERDICTS]
)
def test_every_model_gets_the_verdict_it_deserves(release, model, status, verdicts, next_step):
    result = release(model, "--gate=gates.toml", run_dir="plain")

    last_ten_lines = result.out.strip().splitlines()[-10:]
    assert status == result.exit_status, result.out
    assert verdicts == [entry["verdict"] for entry in result.report["gates"]["gates"]]
    assert next_step in last_ten_lines[-1]
    assert 3 == sum(any(f"qcal: {verdict}" in line for verdict in verdicts) for line in last_ten_lines)


def test_workers_change_no_verdict(release):
    """Three kinds of items: right, wrong, and one that was never measured."""
    plain, parallel = (
        release("good-but-unlucky", "--gate=gates.toml", *workers, run_dir=run_dir)
        for run_dir, workers in (("plain", ()), ("n2", ("-n2",)))
    )
    assert 11 == plain.exit_status == parallel.exit_status
    assert plain.report["gates"]["gates"] == parallel.report["gates"]["gates"]
