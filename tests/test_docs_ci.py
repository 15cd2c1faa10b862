"""docs/ci.md: the examples are valid YAML, do not expose secrets, and their commands do what they say."""

import json
import os
import random
import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
import yaml

from reports.__main__ import main
from reports.gates.file import RateName, parse_metric, read_gate_file
from reports.records.records import Run
from scoring.questions import Mode
from tests.composite_action import ACTION
from tests.endpoint import Reply
from tests.inner_run import REPOSITORY
from tests.run_factory import manifest, planned_item, scored, write_run
from tests.scripts import always, by_model, error, faithful_judge
from tests.test_ci_component import INPUTS

DOCUMENT = (REPOSITORY / "docs" / "ci.md").read_text()
SHORT, PARTS, COMPONENT, GITHUB, GITLAB = map(
    yaml.safe_load, re.findall(r"^```yaml\n(.*?)^```", DOCUMENT, re.DOTALL | re.MULTILINE)
)
(JENKINS,) = re.findall(r"^```groovy\n(.*?)^```", DOCUMENT, re.DOTALL | re.MULTILINE)
EXAMPLE = REPOSITORY / "examples" / "gates.toml"
MEASURE, AGAIN, MERGE, GATE = "Measure", "Ask again what could not be measured", "Merge", "Gate"
GATES = """
[[gate]]
metric = "zeroshot.Q2+Q6"
min = 20

[coverage]
max_unmeasured = 0

[judges]
min_agreement = 0.7
"""


def steps():
    return [step for job in GITHUB["jobs"].values() for step in job["steps"]]


def command(name):
    """The script of the step of this name."""
    (step,) = [step for step in steps() if step.get("name") == name]
    return step["run"]


# --- what the examples say ---


def test_no_expression_is_inside_a_script():
    """GitHub inserts expressions into scripts verbatim, so text from a pull request would be run."""
    assert not [step["run"] for step in steps() if "${{" in step.get("run", "")]


def test_secrets_are_given_to_the_steps_that_ask_models_and_to_no_other():
    asking = [step["name"] for step in steps() if "secrets." in str(step)]
    assert [MEASURE, AGAIN] == asking
    assert "secrets." not in str({key: value for key, value in GITHUB.items() if key != "jobs"})


def test_every_shard_is_measured_once_and_asked_again():
    shards = [str(number + 1) for number in range(int(GITHUB["env"]["SHARDS"]))]
    for job in ("measure", "again"):
        assert shards == GITHUB["jobs"][job]["strategy"]["matrix"]["shard"]
    assert GITLAB["measure"]["parallel"] == GITLAB["again"]["parallel"] == len(shards)


def test_gitlab_runs_the_commands_of_github():
    scripts = [line for job in ("measure", "again", "gate") for line in GITLAB[job]["script"]]
    for name in (MEASURE, AGAIN, MERGE):
        assert command(name).strip() in [line.strip() for line in scripts]


def test_an_inconclusive_gate_is_a_warning_and_no_failure_in_both():
    gate = "qcaleval gate runs/release --gate gates.toml"
    assert gate in GITLAB["gate"]["script"]
    assert [10] == GITLAB["gate"]["allow_failure"]["exit_codes"]
    for status, expected in ((0, 0), (1, 1), (10, 0), (11, 11)):
        script = command(GATE).replace(gate, f"(exit {status})")
        assert expected == subprocess.run(["bash", "-eo", "pipefail", "-c", script], check=False).returncode


def test_the_short_examples_use_inputs_that_exist():
    steps = [job["steps"][-1] for example in (SHORT, PARTS) for job in example["jobs"].values()]
    assert all(step["uses"] == "OWNER/qcaleval-pytest@main" for step in steps)
    assert {name for step in steps for name in step["with"]} <= set(ACTION["inputs"])
    (part,) = PARTS["jobs"]["part"]["strategy"]["matrix"].values()
    assert [f"{number + 1}/4" for number in range(4)] == part
    (included,) = COMPONENT["include"]
    assert included["component"].endswith("/gate@main")
    required = {name for name, entry in INPUTS.items() if "default" not in entry}
    assert required <= set(included["inputs"]) <= set(INPUTS)


def test_every_input_of_the_action_is_explained():
    table = DOCUMENT.partition("| input | meaning |")[2].partition("\n\n")[0]
    assert set(ACTION["inputs"]) == set(re.findall(r"`([\w-]+)`", table)) - {"pytest", "qcaleval"}


def test_the_options_in_the_jenkinsfile_exist():
    options = (REPOSITORY / "docs" / "options.md").read_text()
    given = set(re.findall(r"--[\w-]+", JENKINS.partition(".venv/bin/pytest")[2].partition("'''")[0]))
    assert {"--junitxml"} == {option for option in given if f"`{option}" not in options}
    assert JENKINS.count("{") == JENKINS.count("}")


def test_nightly_and_comments_and_artefacts_are_there():
    triggers = GITHUB[True]  # YAML reads "on" so
    assert {"schedule", "pull_request", "workflow_dispatch"} == set(triggers)
    assert "qcaleval comment runs/release" == command("Comment")
    assert '$CI_PIPELINE_SOURCE == "schedule"' in str(GITLAB["workflow"])


@pytest.mark.parametrize("name", sorted(set(re.findall(r"`((?:icl\.|zeroshot\.|q\d\.)[\w.+]+)`", DOCUMENT))))
def test_a_metric_of_the_document_exists(name):
    if not name.endswith("."):
        assert name == parse_metric(name).name


def test_every_rate_is_in_the_document():
    assert all(rate.value in DOCUMENT or rate.value.endswith("unreadable") for rate in RateName)


# --- the commands, run ---


@pytest.fixture
def shell(inner, hub, endpoint, tiny_folder, tmp_path):
    """Runs a step's script as a CI does: bash, in the checkout, with the job's variables."""
    environment = {
        **inner.environment,
        **hub.environment(tmp_path / "home"),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(REPOSITORY),
        "MODEL_URL": endpoint.base_url,
        "MODEL": "my-vlm",
        "JUDGE_URL": endpoint.base_url,
        "JUDGE": "judge-a",
        "QCAL_MODEL_KEY": "sk-of-the-model",
        "QCAL_JUDGE_KEY": "sk-of-the-judge",
        "REVISION": hub.publish("nvidia/QCalEval", tiny_folder),
        "SHARDS": "2",
    }
    endpoint.models = ("my-vlm", "judge-a")
    (inner.folder / "gates.toml").write_text(GATES)

    def shell(script, **variables):
        return subprocess.run(
            ["bash", "-eo", "pipefail", "-c", script],
            cwd=inner.folder,
            env=environment | variables,
            capture_output=True,
            text=True,
            check=False,
        )

    return shell


def test_the_jobs_measure_ask_again_merge_and_gate(shell, inner, endpoint):
    answers = always(Reply("Classification: Expected behavior\nStatus: SUCCESS"))
    fails = error(400, "cannot decode the image")
    endpoint.script = by_model(
        {
            "my-vlm": lambda request: fails if "rabi 0" in request.text else answers(request),
            "judge-a": faithful_judge(),
        }
    )
    for shard in ("1", "2"):
        measured = shell(command(MEASURE), SHARD=shard)
        assert 0 == measured.returncode, measured.stdout + measured.stderr
    asked = [request.text for request in endpoint.requests if request.model == "my-vlm"]
    endpoint.script = by_model({"my-vlm": answers, "judge-a": faithful_judge()})
    again = [shell(command(AGAIN), SHARD=shard) for shard in ("1", "2")]
    assert [0, 0] == [done.returncode for done in again], again
    asked_again = [request.text for request in endpoint.requests if request.model == "my-vlm"][len(asked) :]
    assert sorted(text for text in asked if "rabi 0" in text) == sorted(asked_again), "and nothing else"

    merged = shell(command(MERGE))
    assert 0 == merged.returncode, merged.stderr
    gated = shell(command(GATE))
    assert 0 == gated.returncode, gated.stdout + gated.stderr
    assert "gates.toml: PASS (exit status 0): every gate passes" in gated.stdout

    release = inner.folder / "runs" / "release"
    assert {"report.html", "report.json", "summary.md"} <= {file.name for file in release.iterdir()}
    assert "gates.toml: PASS" in (release / "summary.md").read_text()
    cases = ET.parse(inner.folder / "runs" / "junit-1.xml").iter("testcase")
    children = {child.tag for case in cases for child in case}
    assert {"properties"} == children - {"skipped", "error", "failure", "system-out", "system-err"}, (
        "what Jenkins' xUnit refuses, as docs/ci.md says"
    )
    keys = {(request.model, request.bearer) for request in endpoint.requests}
    assert {("my-vlm", "sk-of-the-model"), ("judge-a", "sk-of-the-judge")} == keys


# --- the example of gates ---


def a_release(folder, chance):
    """A run of all questions about 120 samples, half of them of the family rabi, each right with this chance."""
    source = random.Random(chance)
    items = [
        planned_item(
            f"s{n:03}", question.value, mode.value, family="rabi" if n % 2 else "drag", scenario="failed"
        )
        for n in range(120)
        for mode in Mode
        for question in mode.questions
    ]
    records = [
        scored(item, float(right), expected="DAMPED", extracted="DAMPED" if right else "SUCCESS")
        for item in items
        for right in [source.random() < chance]
    ]
    write_run(Run(manifest=manifest(items), records=tuple(records)), folder)
    judges = [{"judge": "judge-a", "agreement": 0.9, "grades": []}]
    (folder / "canary.json").write_text(json.dumps({"schema_version": 1, "answers": [], "judges": judges}))


def test_the_example_parses_and_gates_a_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    file = read_gate_file(EXAMPLE)
    assert (6, 0, 0.01, 0.7) == (len(file.gates), file.max_unmeasured, file.max_truncated, file.min_agreement)
    a_release(Path("runs/production"), chance=0.8)
    a_release(Path("runs/release"), chance=0.9)
    assert 0 == main(["gate", "runs/release", "--gate", str(EXAMPLE)])
    a_release(Path("runs/worse"), chance=0.6)
    assert 1 == main(["gate", "runs/worse", "--gate", str(EXAMPLE)])
    verdicts = [
        entry["verdict"] for entry in json.loads(Path("runs/worse/report.json").read_text())["gates"]["gates"]
    ]
    assert ["INCONCLUSIVE", "FAIL", "PASS", "PASS", "INCONCLUSIVE", "PASS"] == verdicts
