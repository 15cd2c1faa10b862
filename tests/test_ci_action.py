"""action.yml, run step by step: a first run on main, a pull request compared with it, shards, and slips."""

import re
import subprocess
import sys

import pytest
import yaml

from tests.ci_stand_in import CIStandIn
from tests.composite_action import ACTION, Runner
from tests.endpoint import Reply
from tests.inner_run import REPOSITORY
from tests.scripts import always, by_model, error, faithful_judge

GATES = '[[gate]]\nmetric = "zeroshot.Q2+Q6"\nbaseline = "artifact:main"\nmax_drop = 15\nmode = "point"\n'
STEPS = ACTION["runs"]["steps"]


def test_the_file_fits_the_schema_of_actions():
    done = subprocess.run(
        [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.github-actions", "action.yml"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    assert 0 == done.returncode, done.stdout


def test_no_expression_is_inside_a_script_and_only_one_step_sees_the_keys():
    """GitHub inserts expressions into scripts verbatim, so text from a pull request would be run."""
    assert not [step["name"] for step in STEPS if "${{" in step.get("run", "")]
    assert ["Measure"] == [step["name"] for step in STEPS if "-key" in str(step.get("env"))]
    assert all(step.get("shell") == "bash" for step in STEPS if "run" in step)


def test_every_input_is_used_and_every_used_one_exists():
    used = set(re.findall(r"inputs\.([\w-]+)", yaml.safe_dump(ACTION)))
    assert set(ACTION["inputs"]) == used
    assert all(entry["description"] for entry in (*ACTION["inputs"].values(), *ACTION["outputs"].values()))


@pytest.fixture
def ci():
    with CIStandIn() as stand_in:
        yield stand_in


@pytest.fixture
def runner(inner, ci, endpoint, hub, tiny_folder, tmp_path):
    """A checkout of a project that is being released; the benchmark is the tiny dataset."""
    workspace = tmp_path / "workspace"
    workspace.mkdir()
    (workspace / "gates.toml").write_text(GATES)
    hub.publish("nvidia/QCalEval", tiny_folder)
    environment = {
        **inner.environment,
        **hub.environment(tmp_path / "home"),
        **{name: value for name, value in ci.github().items() if name != "GITHUB_TOKEN"},
        "PYTHONPATH": str(REPOSITORY),
    }
    endpoint.models = ("my-vlm", "judge-a")
    return Runner(workspace, ci, environment)


def answers(text="Classification: Expected behavior\nStatus: SUCCESS", *, failing=None):
    model = always(Reply(text))
    fails = error(400, "cannot decode the image")
    return by_model(
        {
            "my-vlm": lambda request: fails if failing and failing in request.text else model(request),
            "judge-a": faithful_judge(),
        }
    )


def inputs(endpoint, **others):
    judged = {"judge_url": endpoint.base_url, "judge": "judge-a", "judge_key": "sk-of-the-judge"}
    return {
        "model_url": endpoint.base_url,
        "model": "my-vlm",
        "model_key": "sk-of-the-model",
        "comment": "true",
        **judged,
        **others,
    }


def test_main_leaves_the_baseline_with_which_pull_requests_are_compared(runner, endpoint, ci):
    """On main in two parts, one of which asks again what failed; in a pull request whole, and as those parts."""
    given = inputs(endpoint, gate="gates.toml", arguments="-k 'Q2 or Q6'")
    decide = {"gate": "gates.toml", "shards": "2", "comment": "true", "run_dir": "whole"}
    pull = {"event": "pull_request", "branch": "12/merge"}
    early = runner.run(**pull, **given)
    assert 3 == early.exit_status, "before main has run nothing can be compared, and nothing is asked"
    assert "let the workflow run on main first" in early.log
    assert [] == endpoint.requests

    endpoint.script = answers(failing="rabi 0")
    part = runner.run(**given, shard="2/2", run_dir="two")
    assert 0 == part.exit_status, part.log
    assert "asking once more what could not be measured" in part.log
    half = runner.run(**decide)
    assert 2 == half.exit_status
    assert "1 of 2 parts were left by earlier jobs" in half.log
    endpoint.script = answers()
    parts = [part, half, runner.run(**given, shard="1/2", run_dir="one")]
    first = runner.run(**decide)
    assert (0, "", "0") == (first.exit_status, first.outputs["verdict"], first.outputs["exit-status"]), (
        first.log
    )
    assert "this run is not gated, and becomes the first baseline" in first.log
    assert "qcaleval-baseline" in {entry["name"] for entry in ci.artifacts}
    assert {} == ci.comments

    endpoint.script = answers("Classification: Suboptimal parameters\nStatus: DAMPED")
    bad = runner.run(**pull, **given, run_dir="bad")
    assert (1, "FAIL") == (bad.exit_status, bad.outputs["verdict"]), bad.log
    assert "gates.toml: FAIL, exit status 1." in bad.summary
    assert "bad/report.html" == bad.outputs["report"]
    assert (runner.workspace / "bad" / "report.html").is_file()
    assert ci.comments[1].startswith("<!-- qcaleval: QCalEval -->\n# QCalEval: FAIL\n")
    assert f"[Report with every item]({bad.outputs['report-url']})" in ci.comments[1]

    (runner.workspace / "whole").rename(runner.workspace / "of-main")
    good = runner.run(**pull, **decide)
    assert (0, "PASS") == (good.exit_status, good.outputs["verdict"]), good.log
    assert [1] == list(ci.comments), "the comment is replaced"
    assert "# QCalEval: PASS" in ci.comments[1]

    keys = {(request.model, request.bearer) for request in endpoint.requests}
    assert {("my-vlm", "sk-of-the-model"), ("judge-a", "sk-of-the-judge")} == keys
    secrets = ("sk-of-the-model", "sk-of-the-judge", ci.github()["GITHUB_TOKEN"])
    texts = [*(job.log for job in (early, first, *parts, good, bad)), ci.comments[1]]
    assert not [secret for secret in secrets for text in texts if secret in text]


@pytest.mark.parametrize(
    ("given", "status", "said"),
    [
        ({"gate": "gates.toml", "baseline": "runs/x"}, 2, "give gate or baseline, not both"),
        ({"gate": "missing.toml"}, 2, "missing.toml"),
        (
            {"baseline": "artifact:main", "max_drop": "a lot"},
            2,
            "max-drop is a lot; expected points, such as 2",
        ),
        ({"arguments": "'no end"}, 1, "unmatched single quote"),
        ({"arguments": "--no-such-option"}, 4, "unrecognized arguments: --no-such-option"),
    ],
)
def test_a_slip_ends_the_job_in_a_line_before_anything_is_asked(runner, endpoint, given, status, said):
    job = runner.run(**inputs(endpoint, **given))
    assert status == job.exit_status, job.log
    assert said in job.log
    assert "Traceback" not in job.log
    assert [] == endpoint.requests
