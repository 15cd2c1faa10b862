"""Baselines that a CI keeps, and comments on changes, through the APIs of GitHub and GitLab."""

import io
import json
import os
import zipfile
from pathlib import Path

import pytest

from qcal_plugin.ci.baselines import fetch, with_artifacts
from qcal_plugin.ci.client import CIError
from qcal_plugin.ci.forges import NoArtifactError
from qcal_plugin.command.main import main
from reports.gates.file import GateFileError, read_gate_file
from tests.ci_stand_in import TOKEN, CIStandIn, zipped
from tests.gate_factory import q6, renamed, right
from tests.run_factory import failed, manifest, planned_item, run_of, write_run

GATES = '[[gate]]\nmetric = "zeroshot.Q6"\nbaseline = "artifact:main"\nmax_drop = 10\n'
VARIABLES = ("GITHUB_", "GH_", "CI_", "GITLAB_", "QCAL_")


@pytest.fixture
def ci():
    with CIStandIn() as stand_in:
        yield stand_in


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with a run and a gate against the last run on main; no CI around it."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith(VARIABLES)]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("QCAL_CACHE_DIR", str(tmp_path / "cache"))
    write_run(q6(*right(180, of=243)), Path("run"))
    write_run(renamed(q6(*right(182, of=243)), "of-main"), Path("of-main"))
    Path("gates.toml").write_text(GATES)
    return tmp_path


def use(monkeypatch, environment):
    for name, value in environment.items():
        monkeypatch.setenv(name, value)


@pytest.fixture(params=["github", "gitlab"])
def forge(request, ci, folder, monkeypatch):
    """The stand-in, with the environment of a workflow of each kind."""
    use(monkeypatch, getattr(ci, request.param)())
    monkeypatch.setenv("QCAL_ARTIFACT_NAME", "left-by-the-workflow")
    return ci


NAME = "left-by-the-workflow"

# --- artifact:main ---


def test_a_gate_compares_with_what_the_workflow_left_on_the_branch(forge, folder, capsys):
    forge.leave(zipped(Path("run")), "main", NAME)
    forge.leave(zipped(Path("of-main")), "main", NAME)
    forge.leave(zipped(Path("run")), "other", NAME)

    assert 0 == main(["gate", "run", "--gate", "gates.toml"])

    out = capsys.readouterr().out
    assert "PASS             zeroshot.Q6, max_drop 10 from artifact:main: -0.8" in out
    report = json.loads(Path("run/report.json").read_text())
    assert "artifact:main" == report["gates"]["gates"][0]["baseline"]
    assert ["of-main"] == [
        json.loads(file.read_text())["run_id"] for file in Path("cache/baselines").glob("*/run.json")
    ]


def test_the_token_goes_to_the_api_and_never_to_its_storage(forge, caplog):
    caplog.set_level("INFO")
    forge.leave(zipped(Path("of-main")), "main", NAME)
    fetch("main")
    assert "/storage/1?[key]" in caplog.text, "a signed link is a credential too"
    assert any(request.path.startswith("/storage/") for request in forge.requests)
    assert [] == forge.tokens_sent_to_storage()


def test_a_branch_with_a_slash(forge, tmp_path):
    forge.leave(zipped(Path("of-main")), "release/1", NAME)
    assert 0 == main(["baseline", "fetch", "artifact:release/1", "--to", "kept"])
    assert (tmp_path / "kept" / "release" / "1" / "run.json").is_file()


def test_what_was_fetched_is_used_without_asking_again(forge, monkeypatch):
    forge.leave(zipped(Path("of-main")), "main", NAME)
    assert 0 == main(["baseline", "fetch", "--gate", "gates.toml", "--to", "kept"])
    asked = len(forge.requests)
    monkeypatch.setenv("QCAL_BASELINES", "kept")
    assert 0 == main(["gate", "run", "--gate", "gates.toml"])
    assert asked == len(forge.requests)


def test_a_missing_baseline_has_a_separate_exit_status(forge, capsys):
    assert 3 == main(["baseline", "fetch", "--gate", "gates.toml", "--to", "kept"])
    said = capsys.readouterr().err
    assert said.startswith("qcaleval baseline: baseline artifact:main: no artefact")
    assert "run on main first" in said
    assert 1 == said.count("\n")
    assert 2 == main(["gate", "run", "--gate", "gates.toml"])


def test_github_ignores_forks_and_says_what_has_expired(ci, folder, monkeypatch):
    use(monkeypatch, ci.github())
    ci.leave(zipped(Path("of-main")), "main", expired=True)
    ci.leave(zipped(Path("run")), "main", fork=True)
    with pytest.raises(
        NoArtifactError, match="qcaleval-baseline of branch main in lab/models; 1 have expired"
    ):
        fetch("main")


def test_the_newest_is_found_among_many(ci, folder, monkeypatch):
    use(monkeypatch, ci.github())
    ci.leave(zipped(Path("of-main")), "main")
    for _ in range(120):
        ci.leave(b"", "another")
    assert "of-main" == json.loads((fetch("main") / "run.json").read_text())["run_id"]


@pytest.mark.parametrize("status", [401, 403, 500])
def test_an_error_names_the_request_and_the_remedy_and_not_the_token(forge, status, capsys):
    forge.failing = status, json.dumps({"message": f"no: {TOKEN}"}).encode()
    assert 2 == main(["baseline", "fetch", "artifact:main", "--to", "kept"])
    said = capsys.readouterr().err
    assert f"HTTP {status}: no: [key]" in said
    assert TOKEN not in said
    assert ("pull-requests: write" in said or "scope api" in said) == (status in {401, 403})
    assert 1 == said.count("\n")


def test_a_token_that_is_missing_is_named(ci, folder, monkeypatch):
    use(monkeypatch, {**ci.github(), "GITHUB_TOKEN": ""})
    with pytest.raises(CIError, match=r"HTTP 401.*GITHUB_TOKEN is not set"):
        fetch("main")


def test_a_server_that_is_not_there(ci, folder, monkeypatch):
    use(monkeypatch, {**ci.github(), "GITHUB_API_URL": "http://127.0.0.1:9"})
    with pytest.raises(CIError, match=r"^baseline artifact:main: http://127.0.0.1:9: no complete reply: "):
        fetch("main")


def test_outside_a_ci_the_message_says_what_to_do(folder):
    with pytest.raises(
        CIError, match=r"this is neither GitHub .* put the run into FOLDER/main and set QCAL_BASELINES"
    ):
        with_artifacts(read_gate_file(Path("gates.toml")))


def test_the_reports_alone_download_nothing(folder, capsys):
    from reports.__main__ import main as reports

    assert 2 == reports(["gate", "run", "--gate", "gates.toml"])
    assert "artifact:main is kept by a CI; `qcaleval gate` and" in capsys.readouterr().err


@pytest.mark.parametrize("branch", ["../up", "/etc", "a/../b", "a\\b"])
def test_a_branch_cannot_lead_out_of_the_folder(folder, branch):
    with pytest.raises(CIError, match="not the name of a branch"):
        fetch(branch)


def test_an_anchor_stays_where_it_is(folder):
    Path("gates.toml").write_text(GATES + 'anchor = "artifact:main"\n')
    with pytest.raises(GateFileError, match="anchor artifact:main moves with its branch"):
        read_gate_file(Path("gates.toml"))
    Path("gates.toml").write_text(GATES.replace("artifact:main", "artifact:"))
    with pytest.raises(GateFileError, match="names no branch"):
        read_gate_file(Path("gates.toml"))


# --- what is in the archive ---


def test_of_several_runs_the_baseline_counts_and_nothing_else_is_unpacked(forge):
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name in ("runs/release", "out/qcaleval-baseline"):
            archive.write("of-main/run.json", f"{name}/run.json")
            archive.write("of-main/records.jsonl", f"{name}/records.jsonl")
        archive.writestr("out/qcaleval-baseline/../../../evil", "x")
        archive.writestr("out/qcaleval-baseline/report.html", "x" * 1000)
    forge.leave(content.getvalue(), "main", NAME)
    assert {"run.json", "records.jsonl"} == {file.name for file in fetch("main").iterdir()}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"no archive", "not a ZIP archive that can be read"),
        (zipped(Path(__file__).parent / "__snapshots__"), "holds no run; expected one folder with run.json"),
    ],
)
def test_an_archive_without_a_run_is_refused_and_leaves_nothing(forge, content, said):
    forge.leave(content, "main", NAME)
    with pytest.raises(CIError, match=said):
        fetch("main")
    assert not list(Path("cache/baselines").glob("*"))


def test_two_runs_in_an_archive_are_refused(forge):
    forge.leave(zipped(Path(), prefix="all/"), "main", NAME)
    with pytest.raises(CIError, match="holds 2 runs"):
        fetch("main")


# --- promote ---


def test_a_run_is_promoted_without_answers_and_reports(folder, capsys):
    Path("run/report.html").write_text("x")
    Path("run/answers.jsonl").write_text("")
    assert 0 == main(["baseline", "promote", "run", "--chosen-from", "3"])
    assert capsys.readouterr().out == (
        "run -> baselines/production: test-vlm, 243 of 243 items measured, each sample asked once\n"
        'in the gate file: baseline = "baselines/production"\n'
    )
    kept = {file.name for file in Path("baselines/production").iterdir()}
    assert {"run.json", "records.jsonl", "baseline.json"} == kept
    Path("gates.toml").write_text(GATES.replace("artifact:main", "baselines/production"))
    assert 0 == main(["gate", "of-main", "--gate", "gates.toml"])
    assert "baselines/production was chosen from 3 runs" in capsys.readouterr().out


def test_a_baseline_is_replaced_only_if_that_is_said(folder, capsys):
    assert 0 == main(["baseline", "promote", "run"])
    assert 0 == main(["baseline", "promote", "run"]), "the same run again"
    assert 2 == main(["baseline", "promote", "of-main"])
    assert "--replace puts this run in its place" in capsys.readouterr().err
    assert 0 == main(["baseline", "promote", "of-main", "--replace"])
    assert "of-main" == json.loads(Path("baselines/production/run.json").read_text())["run_id"]


def test_a_run_without_scores_is_not_a_baseline_and_missing_items_are_counted(folder, capsys):
    items = [planned_item("a", "Q6"), planned_item("b", "Q6")]
    write_run(run_of({("a", "Q6", "zeroshot"): 1.0}), Path("half"))
    write_run(type(q6())(manifest=manifest(items), records=tuple(map(failed, items))), Path("none"))
    assert 2 == main(["baseline", "promote", "none"])
    assert "nothing was measured in this run" in capsys.readouterr().err
    assert 2 == main(["baseline", "promote", "nowhere"])
    assert "no run.json here" in capsys.readouterr().err


# --- comments ---


@pytest.fixture
def gated(forge):
    """A run that was gated against main; the change has comments of others."""
    forge.leave(zipped(Path("of-main")), "main", NAME)
    assert 0 == main(["gate", "run", "--gate", "gates.toml"])
    forge.comments.update({number: f"comment {number}" for number in range(1, 130)})
    return forge


def test_a_comment_is_added_once_and_then_updated(gated, capsys):
    assert 0 == main(["comment", "run", "--report-url", "https://example/report"])
    assert 0 == main(["comment", "run"])
    assert 0 == main(["comment", "run", "--name", "Model B"])
    assert 131 == len(gated.comments)
    first, second = gated.comments[130], gated.comments[131]
    assert first.startswith("<!-- qcaleval: QCalEval -->\n# QCalEval: PASS\n\n- **Model**: test-vlm")
    assert "zeroshot.Q6, max\\_drop 10 from artifact:main | PASS | -0.8 | -2.5 to 0.1 |" in first
    assert "[Workflow run](https://" in first
    assert "# Model B: PASS" in second
    assert ["added", "updated", "added"] == [
        line.split(":")[0] for line in capsys.readouterr().out.splitlines() if "ed: " in line[:9]
    ]


def test_the_comment_links_the_report(gated):
    assert 0 == main(["comment", "run", "--report-url", "https://example/report"])
    assert "[Report with every item](https://example/report) · [Workflow run](" in gated.comments[130]


def test_a_comment_that_somebody_else_wrote_is_left_alone(gated):
    gated.comments[5] = "<!-- qcaleval: QCalEval -->\nquoted"
    gated.locked.add(5)
    assert 0 == main(["comment", "run"])
    assert gated.comments[5].endswith("quoted")
    assert "PASS" in gated.comments[130]


def test_a_long_summary_is_cut_at_a_line(gated):
    Path("run/summary.md").write_text("line of a table\n" * 10_000)
    assert 0 == main(["comment", "run"])
    assert len(gated.comments[130]) < 65_536
    assert "line of a table\n\nThe report has the rest." in gated.comments[130]


def test_what_keeps_a_comment_from_being_written_is_said(forge, monkeypatch, capsys):
    assert 2 == main(["comment", "run"])
    assert "run: no summary.md" in capsys.readouterr().err
    Path("run/summary.md").write_text("x")
    assert 2 == main(["comment", "run", "--name", "a-->b"])
    assert "--name 'a-->b': expected letters" in capsys.readouterr().err
    for name in ("GITHUB_REF", "CI_MERGE_REQUEST_IID"):
        monkeypatch.delenv(name, raising=False)
    assert 2 == main(["comment", "run"])
    assert "request to comment on: this" in capsys.readouterr().err


def test_the_number_of_a_pull_request_can_come_from_the_event(ci, folder, monkeypatch):
    Path("event.json").write_text('{"pull_request": {"number": 12}}')
    Path("run/summary.md").write_text("x")
    use(monkeypatch, {**ci.github(), "GITHUB_REF": "refs/heads/x", "GITHUB_EVENT_PATH": "event.json"})
    assert 0 == main(["comment", "run"])
    assert 1 == len(ci.comments)


def test_the_verdict_is_an_output_of_the_step(folder, monkeypatch, tmp_path):
    monkeypatch.setenv("GITHUB_OUTPUT", str(tmp_path / "output"))
    Path("gates.toml").write_text(GATES.replace("artifact:main", "of-main"))
    assert 0 == main(["gate", "run", "--gate", "gates.toml"])
    assert "verdict=PASS\n" == (tmp_path / "output").read_text()
