"""templates/gate.yml, the GitLab component: the scripts of its jobs under bash, against a stand-in of GitLab's API."""

import json
import re
import subprocess
import sys

import pytest
import yaml

from tests.ci_stand_in import CIStandIn, zipped
from tests.composite_action import INSTALLED
from tests.endpoint import Reply
from tests.inner_run import REPOSITORY
from tests.scripts import always, by_model, faithful_judge

SPEC, BODY = (REPOSITORY / "templates" / "gate.yml").read_text().split("\n---\n")
INPUTS = yaml.safe_load(SPEC)["spec"]["inputs"]
INSTALL = "python -m venv .qcaleval/python"


def component(**given):
    """The jobs that the component brings, with these inputs."""
    values = {
        name: str(entry.get("default", "")).lower()
        if entry.get("type") == "boolean"
        else str(entry.get("default", ""))
        for name, entry in INPUTS.items()
    } | {name.replace("_", "-"): value for name, value in given.items()}
    return yaml.safe_load(re.sub(r"\$\[\[ inputs\.([\w-]+) \]\]", lambda match: values[match[1]], BODY))


def test_the_jobs_fit_the_schema_of_gitlab(tmp_path):
    file = tmp_path / "jobs.yml"
    file.write_text(json.dumps(component(package="x", shards="2", model_url="http://localhost:8000/v1")))
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.gitlab-ci", str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert 0 == done.returncode, done.stdout


def test_every_input_is_used_and_explained():
    assert set(INPUTS) == set(re.findall(r"\$\[\[ inputs\.([\w-]+) \]\]", BODY))
    assert all(entry["description"] for entry in INPUTS.values())
    assert {"package", "model-url"} == {name for name, entry in INPUTS.items() if "default" not in entry}


def test_one_job_measures_unless_there_are_parts():
    part, whole = component(shards="4")["qcaleval-part"], component()["qcaleval"]
    assert (4, [{"if": '"4" != "1"'}]) == (part["parallel"], part["rules"])
    assert [{"job": "qcaleval-part", "optional": True}] == whole["needs"]
    assert [10] == whole["allow_failure"]["exit_codes"]


@pytest.fixture
def ci():
    with CIStandIn() as stand_in:
        yield stand_in


@pytest.fixture
def run_job(inner, hub, endpoint, tiny_folder, tmp_path, ci):
    """Runs a job of the component as GitLab does: both scripts in one shell, in a checkout."""
    hub.publish("nvidia/QCalEval", tiny_folder)
    endpoint.models = ("my-vlm",)
    workspace = tmp_path / "workspace"
    (workspace / ".qcaleval").mkdir(parents=True)
    environment = {
        **inner.environment,
        **hub.environment(tmp_path / "home"),
        **ci.gitlab(),
        "CI_PROJECT_DIR": str(workspace),
        "CI_DEFAULT_BRANCH": "main",
        "PYTHONPATH": str(REPOSITORY),
        "QCAL_MODEL_KEY": "sk-of-the-model",
    }

    def run(name, branch="", node="", **inputs):
        jobs = component(package="x", model_url=endpoint.base_url, arguments="-k 'Q2 or Q6'", **inputs)
        job, base = jobs[name], jobs[".qcaleval"]
        own = {
            name: str(value).replace("$CI_PROJECT_DIR", str(workspace))
            for name, value in base["variables"].items()
        }
        lines = [
            INSTALLED.format(folder=".qcaleval/python/bin") if INSTALL in line else line
            for line in (*base["before_script"], *job["script"])
        ]
        index, _, total = node.partition("/")
        return subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", "\n".join(lines)],
            cwd=workspace,
            env={
                **environment,
                **own,
                "CI_COMMIT_BRANCH": branch,
                "CI_MERGE_REQUEST_IID": "" if branch else "12",
                "CI_NODE_INDEX": index,
                "CI_NODE_TOTAL": total,
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )

    run.workspace = workspace
    return run


def test_main_leaves_the_baseline_with_which_merge_requests_are_compared(run_job, endpoint, ci):
    """Two parts are measured; the deciding job sees them once on main and once in a merge request."""
    endpoint.script = by_model(
        {
            "my-vlm": always(Reply("Classification: Expected behavior\nStatus: SUCCESS")),
            "judge-a": faithful_judge(),
        }
    )
    folder = run_job.workspace
    (folder / "gates.toml").write_text(
        '[[gate]]\nmetric = "zeroshot.Q2+Q6"\nbaseline = "artifact:main"\nmax_drop = 20\nmode = "point"\n'
    )
    shared = {"gate": "gates.toml", "shards": "2", "comment": "true"}
    early = run_job("qcaleval", **shared)
    assert 3 == early.returncode, early.stdout
    assert "let the pipeline run on main first" in early.stdout
    for node in ("1/2", "2/2"):
        part = run_job("qcaleval-part", node=node, **shared)
        assert 0 == part.returncode, part.stdout
    first = run_job("qcaleval", branch="main", **shared)
    assert 0 == first.returncode, first.stdout
    assert "this run is not gated, and becomes the first baseline" in first.stdout
    assert {} == ci.comments

    artifact = folder.parent / "artifact"
    artifact.mkdir()
    for name in ("qcaleval-run", "qcaleval-baseline"):
        (folder / name).rename(artifact / name)
    ci.leave(zipped(artifact), "main", "qcaleval")
    decided = run_job("qcaleval", **shared)
    assert 0 == decided.returncode, decided.stdout
    assert "gates.toml: PASS (exit status 0)" in decided.stdout
    assert ci.comments[1].startswith("<!-- qcaleval: QCalEval -->\n# QCalEval: PASS\n")
    assert "(https://gitlab.example/job/9/artifacts/browse)" in ci.comments[1]
    assert {"sk-of-the-model"} == {request.bearer for request in endpoint.requests}
    said = "".join(job.stdout for job in (early, first, part, decided))
    assert not [secret for secret in ("sk-of-the-model", ci.gitlab()["GITLAB_TOKEN"]) if secret in said]
