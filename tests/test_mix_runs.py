"""Sessions with ``--mix``: the items asked, resuming, and the reports; plain and with workers."""

import json
import subprocess
import sys

import pytest

from reports.analysis.mix_scores import mix_json, mix_score
from reports.exchange.junit import load_junit
from tests.dataset_factory import tiny_dataset
from tests.endpoint import Reply
from tests.inner_run import REPOSITORY
from tests.mix_factory import part, toml
from tests.scripts import error, from_request
from tests.test_footprint import HEAVY, LEAVE_TRACES, packages
from tests.test_mix_build import another_dataset
from tests.test_shards_and_budgets import figures, merge

pytest_plugins = ["pytester"]

USAGE_ERROR = 4
SUCCESS = "Status: SUCCESS\nClassification: Expected behavior"
RABI = part("rabi", weight=3, families=["rabi"], questions=["Q6"])
REST = part("rest", questions=["Q2", "Q6"], modes=["zeroshot"])
ITEMS = 4 * 2 + (4 + 8)  # rabi's Q6 in both modes; the rest: drag's Q6, and Q2 of both families


def quality(request):
    """Right about every drag plot's status (numbers 6 and 7 of the tiny dataset show no signal), else says SUCCESS."""
    if "Question 6 about drag 6" in request.text or "Question 6 about drag 7" in request.text:
        return Reply("Status: NO_SIGNAL")
    return Reply(SUCCESS)


SCORES = {"rabi": 0.5, "rest": (1.0 + 0.5) / 2}
HEADLINE = (3 * SCORES["rabi"] + 1 * SCORES["rest"]) / 4


@pytest.fixture
def mixing(quick, endpoint, tiny_folder):
    """Runs a session on a mix of the tiny dataset (``data``) and another (``other``)."""
    return _mixing(quick, endpoint, tiny_folder)


@pytest.fixture
def mixing_apart(inner, endpoint, tiny_folder):
    """The same in separate processes."""
    return _mixing(inner, endpoint, tiny_folder)


def _mixing(runner, endpoint, tiny_folder):
    tiny_folder.rename(runner.folder / "data")
    another_dataset(runner.folder / "other")
    endpoint.script = quality

    def run(*options, parts=(RABI, REST), keys=None, asking=True, mixed=True, **more):
        (runner.folder / "mix.toml").write_text(toml(*parts, **(keys or {})))
        asked = ["--model-url", endpoint.base_url, "--retries=0"] if asking else []
        return runner.run(*asked, *(["--mix=mix.toml"] if mixed else []), "--no-html", *options, **more)

    run.folder = runner.folder
    return run


def test_the_weighted_score_of_a_session(mixing, endpoint, workers):
    result = mixing("--junitxml=out.xml", *workers)
    assert 0 == result.exit_status, result.out
    assert ITEMS == len(endpoint.requests) == len(result.records)
    assert [] == endpoint.asked_twice()
    mix = result.report["mix"]
    assert (HEADLINE, SCORES) == (mix["mean"], {entry["name"]: entry["mean"] for entry in mix["parts"]})
    row = next(line for line in result.out.splitlines() if line.startswith("Weighted"))
    assert ["Weighted", "100.0", "20", "20", "100.0", "56.2"] == row.split()[:6]
    assert "Mix: rabi 75%, rest 25%" in result.out
    assert json.loads(json.dumps(mix_json(mix_score(load_junit([mixing.folder / "out.xml"]))))) == mix


def test_the_run_says_exactly_what_it_is(mixing):
    manifest = mixing("--questions=Q6").manifest
    assert "mix:index" == manifest["dataset"]
    rabi, rest = manifest["settings"]["mix"]["parts"]
    assert (3, 0.75, "rabi", ["rabi"]) == tuple(
        rabi[name] for name in ("weight", "share", "source", "families")
    )
    assert (1, 0.25, "rabi", None) == tuple(rest[name] for name in ("weight", "share", "source", "families"))
    assert rabi["revision"] == rest["revision"]
    assert [] == manifest["stand_ins"]


def test_items_are_chosen_as_ever(mixing, endpoint):
    collected = mixing("--collect-only", "-q", asking=False)
    assert 20 == sum("::" in line for line in collected.out.splitlines())
    assert "test_zeroshot[rabi-rabi/rabi_success_a-Q6]" in collected.out
    told = mixing("--dry-run", "-k", "rest/ and Q2", asking=False)
    assert "items: 8 (" in told.out
    assert [] == endpoint.requests
    marked = mixing("-m", "qcal(family='drag', question='Q6')", run_dir="marked")
    assert {("rest", "Q6")} == {(record["sample_id"][:4], record["question"]) for record in marked.records}
    limited = mixing("--limit=2", run_dir="limited")
    assert {"rabi/rabi_success_a", "rabi/rabi_success_b"} == {
        record["sample_id"] for record in limited.records
    }
    assert limited.report["mix"]["mean"] is None
    assert "The weighted score is undefined: no item of part rest was planned." in " ".join(
        limited.out.split()
    )


def test_controls_show_other_pictures_of_the_mix(mixing, endpoint):
    result = mixing("--control=shuffled", "--modes=zeroshot", "--questions=Q6")
    assert 16 == len(result.records) == len({request.body_sha256 for request in endpoint.requests})
    assert HEADLINE != result.report["mix"]["mean"]
    assert 8 == result.report["mix"]["coverage"]["planned"]


def test_the_page_shows_the_score_and_every_item(mixing):
    given = mixing(run_dir="plain")
    done = subprocess.run(
        [sys.executable, "-m", "reports", "plain"],
        cwd=mixing.folder,
        env={"PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "Mix: index" in done.stdout
    page = (given.run_dir / "report.html").read_text()
    assert "<h3>Mix: index</h3>" in page
    assert '"sample":"rest/drag_success_a"' in page


def test_lf_and_resume_complete_the_run_and_ask_nothing_twice(mixing, endpoint):
    endpoint.script = from_request(15, error(400, "too long"), before=quality)
    first = mixing()
    assert first.report["mix"]["mean"] is None
    asked = len(endpoint.requests)
    endpoint.script = quality
    second = mixing("--lf")
    assert 0 == second.exit_status, second.out
    assert (ITEMS, ITEMS - 15) == (asked, len(endpoint.requests) - asked)
    assert HEADLINE == second.report["mix"]["mean"]


def test_resume_refuses_another_mix_and_names_what_differs(mixing, endpoint):
    mixing("--limit=1")
    asked = len(endpoint.requests)
    other = mixing("--resume", parts=(RABI, {**REST, "weight": 2}))
    assert USAGE_ERROR == other.exit_status
    assert "mix.rest.weight was 1, is now 2" in other.out
    single = mixing("--resume", parts=(RABI,), keys={"title": "index"})
    assert "mix.parts was rabi, rest, is now rabi" in single.out
    assert asked == len(endpoint.requests)


def test_merged_shards_equal_the_unsharded_run(mixing):
    whole = mixing("-q", run_dir="whole")
    for number in (1, 2, 3):
        mixing("-q", f"--shard={number}/3", run_dir=f"part{number}")
    done = merge(mixing.folder, "part1", "part2", "part3")
    assert 0 == done.returncode, done.stderr
    assert figures(whole.run_dir) == figures(mixing.folder / "merged")
    assert HEADLINE == figures(mixing.folder / "merged")["mix"]["mean"]


def test_unlike_mixes_do_not_merge(mixing):
    mixing("-q", "--shard=1/2", run_dir="part1")
    mixing("-q", "--shard=2/2", run_dir="part2", keys={"seed": 1})
    done = merge(mixing.folder, "part1", "part2")
    assert 2 == done.returncode
    assert "setting mix.seed is 1, not 0 as in run" in done.stderr


def test_stored_answers_are_scored_again_with_other_weights(mixing, endpoint):
    mixing()
    asked = len(endpoint.requests)
    weighed = (RABI, {**REST, "weight": 9})
    again = mixing("--answers", "run", parts=weighed, asking=False, run_dir="again")
    assert 0 == again.exit_status, again.out
    assert pytest.approx((3 * 0.5 + 9 * 0.75) / 12) == again.report["mix"]["mean"]
    assert asked == len(endpoint.requests)


def test_a_finished_run_of_one_dataset_is_split_into_parts(mixing, endpoint):
    """Families trained on and the others, after the fact.

    A part of another dataset has none of the answers.
    """
    plain = mixing("--dataset=data", "--questions=Q2,Q6", mixed=False)
    asked = len(endpoint.requests)
    seen, unseen = part("seen", families=["rabi"]), part("unseen")
    again = mixing("--answers", "run", parts=(seen, unseen), asking=False, run_dir="again")
    assert 0 == again.exit_status, again.out
    scores = {entry["name"]: entry["mean"] for entry in again.report["mix"]["parts"]}
    by_family = {"seen": "rabi", "unseen": "drag"}
    for name, family in by_family.items():
        rows = [record for record in plain.records if record["family"] == family and record["score"]]
        items = {(record["mode"], record["question"]) for record in rows}
        means = [
            [record["score"]["value"] for record in rows if (record["mode"], record["question"]) == item]
            for item in items
        ]
        assert pytest.approx(scores[name]) == sum(sum(mean) / len(mean) for mean in means) / len(means)
    assert len(plain.records) == len(again.records)
    assert asked == len(endpoint.requests)

    half = mixing("--answers", "run", parts=(unseen | {"families": ["drag"]},), asking=False, run_dir="half")
    assert 0 == half.exit_status, half.out
    assert {"drag"} == {record["family"] for record in half.records}
    other = mixing("--answers", "run", parts=(part("x", dataset="other"),), asking=False, run_dir="other-run")
    assert USAGE_ERROR == other.exit_status
    assert "--answers run: no part of the mix has its dataset, data at sha256:" in " ".join(other.out.split())


def test_a_result_file_of_a_mix_is_scored_again(mixing):
    first = mixing("--modes=icl")
    command = [
        sys.executable,
        "-m",
        "reports",
        "export",
        "run",
        "--format=inference",
        "--mode=icl",
        "--out=a.json",
    ]
    subprocess.run(command, cwd=mixing.folder, env={"PYTHONPATH": str(REPOSITORY)}, check=True)
    again = mixing("--answers", "a.json", asking=False, run_dir="again")
    assert first.values() == again.values()
    assert 4 == len(again.values())


def test_stored_answers_of_a_mix_need_its_file(mixing):
    mixing("--limit=1")
    again = mixing("--answers", "run", asking=False, mixed=False, run_dir="again")
    assert USAGE_ERROR == again.exit_status
    assert "dataset mix:index: a mix of datasets is given by its file: --mix FILE" in again.out


def test_gates_decide_on_a_mix(mixing):
    gates = '[[gate]]\nmetric = "zeroshot.Q6"\nmin = 40\nmode = "point"\n[coverage]\nmax_unmeasured = 0\n'
    (mixing.folder / "gates.toml").write_text(gates)
    assert 0 == mixing("--gate=gates.toml").exit_status
    (mixing.folder / "drop.toml").write_text(
        '[[gate]]\nmetric = "zeroshot.Q6"\nbaseline = "run"\nmax_drop = 2\nmode = "point"\n'
    )
    other = mixing("--gate=drop.toml", parts=(RABI, {**REST, "weight": 2}), run_dir="other")
    assert USAGE_ERROR == other.exit_status
    assert "mix.rest.weight is 1 in one and 2 in the other" in other.out


def test_a_worker_of_a_mix_loads_nothing_heavy(mixing_apart):
    (mixing_apart.folder / "conftest.py").write_text(LEAVE_TRACES)
    result = mixing_apart("-n1")
    assert 0 == result.exit_status, result.out
    assert ITEMS == len(result.records)
    modules = json.loads((mixing_apart.folder / "modules.json").read_text())
    assert set() == packages(modules) & HEAVY
    assert {"qcal_plugin.mix.build", "qcal_plugin.mix.prepare"}.isdisjoint(modules)


def test_synthetic_parts_are_labelled_wherever_numbers_show(mixing):
    fresh = part("fresh", "synthetic:seed=8,per-scenario=1,families=t1", questions=["Q6"])
    result = mixing("--demo", parts=(part("data", questions=["Q6"]), fresh), asking=False)
    assert 0 == result.exit_status, result.out
    assert "dataset: synthetic samples (part fresh)" in result.manifest["stand_ins"]
    titles = [
        line for line in (result.run_dir / "summary.md").read_text().splitlines() if line.startswith("### ")
    ]
    assert titles
    assert all("dataset: synthetic samples (part fresh)" in title for title in titles)
    assert not result.report["comparable"]
    assert "a mix of datasets (data, fresh), not nvidia/QCalEval" in result.report["not_comparable_because"]


def test_a_hub_part_is_pinned_and_the_example_runs(inner, hub, tmp_path):
    commit = hub.publish("nvidia/QCalEval", tiny_dataset().write(tmp_path / "hub"))
    inner.environment |= hub.environment(tmp_path)
    result = inner.run(
        "--demo", "--mix", str(REPOSITORY / "examples" / "mix.toml"), "--no-html", timeout_s=240
    )
    assert 0 == result.exit_status, result.out
    diagnosis, published, fresh = result.manifest["settings"]["mix"]["parts"]
    revisions = {part["revision"].partition("+")[0] for part in (diagnosis, published)}
    assert ({commit}, "diagnosis") == (revisions, published["source"])
    assert ("fresh", 0.25) == (fresh["source"], fresh["share"])
    planned = {entry["name"]: entry["coverage"]["planned"] for entry in result.report["mix"]["parts"]}
    assert (16, 72 - 16) == (planned["diagnosis"], planned["published"])
    assert result.report["mix"]["mean"] is not None


# --- what is refused ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (["--dataset", "data"], "--dataset and --mix: give one of them; the mix names its datasets"),
        (
            ["--dataset-revision", "v1"],
            "--dataset-revision and --mix: give one of them; each part of the mix has its r",
        ),
        (
            ["--sample", "3"],
            "--sample and --mix: give one of them; samples = N in the mix's file sets the number",
        ),
        (["--seed", "3"], "--seed and --mix: give one of them; seed = S in the mix's file sets it"),
        (["--shots", "1"], "--shots and --mix: give one of them; demonstrations are drawn from one dataset"),
        (
            ["--perturb", "dpi"],
            "--perturb and --mix: give one of them; only a synthetic dataset can be redrawn",
        ),
    ],
)
def test_what_a_mix_takes_the_place_of_is_refused(mixing, endpoint, options, complaint):
    result = mixing(*options)
    assert USAGE_ERROR == result.exit_status
    assert complaint in result.out
    assert [] == endpoint.requests


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        ((), "mix.toml: no [[part]] in it: without one there is nothing to mix"),
        ((part(weight=0),), "mix.toml: part all: weight is 0; expected a number above 0"),
        (
            (part(families=["x"]),),
            "mix.toml: part all: families: no sample of 'x' in data; known: drag, rabi",
        ),
        ((part(dataset="./no"),), "no: no such folder. Give a folder, a Hub id such as nvidia/QCalEval"),
    ],
)
@pytest.mark.parametrize(
    "look", [(), ("--dry-run",), ("--collect-only",)], ids=["run", "dry-run", "collect-only"]
)
def test_a_mistake_in_the_file_is_one_line(mixing, endpoint, given, complaint, look):
    result = mixing(*look, parts=given, asking=not look)
    assert result.exit_status in {USAGE_ERROR, pytest.ExitCode.INTERRUPTED}  # the second, at collection
    assert complaint in result.out
    assert "Traceback" not in result.out
    assert [] == endpoint.requests


def test_a_load_takes_one_dataset(mixing, endpoint):
    result = mixing("--parallel=1", "test_qcaleval/test_service.py")
    assert USAGE_ERROR == result.exit_status
    assert (
        "--parallel: a load takes its requests from one dataset: use --dataset instead of --mix" in result.out
    )
    assert [] == endpoint.requests
