"""Resuming a run: what is asked again, what is not, what is refused; retries; stored answers."""

import json

import pytest

from qcal_plugin.session.directory import IDENTITY_FIELDS, RunDirectory, RunDirectoryError
from reports.records.records import JudgeIdentity
from tests.dataset_factory import large_dataset
from tests.endpoint import Reply
from tests.run_factory import manifest, planned_item
from tests.scripts import always, by_model, error, judge_reply

pytest_plugins = ["pytester"]

GOOD, BAD = Reply("Status: SUCCESS"), Reply("Status: DAMPED")
ITEM = planned_item()
OTHERWISE = {
    "model": "other-vlm",
    "judges": (JudgeIdentity(model="other-judge", base_url="http://localhost:8001/v1"),),
    "dataset_revision": "sha256:feed",
    "scorer": "strict",
    "scorer_version": "2",
    "settings": {"max_tokens": 4096, "temperature": 0.0},
}
WORDS = {
    "model": "model was test-vlm, is now other-vlm",
    "judges": "judges was gpt-5.4, is now other-judge",
    "dataset_revision": "dataset_revision was 0123456789abcdef0123456789abcdef01234567, is now sha256:feed",
    "scorer": "scorer was compatible, is now strict",
    "scorer_version": "scorer_version was 1, is now 2",
    "settings": "max_tokens was 16384, is now 4096",
}


@pytest.fixture
def asking(endpoint, tiny_folder):
    """Options of a run that asks Q6 of eight samples."""
    endpoint.script = always(GOOD)
    model = ["--model-url", endpoint.base_url, "--model", "model-a"]
    return [*model, "--dataset", str(tiny_folder), "--modes=zeroshot", "--questions=Q6"]


# --- identity -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("field", IDENTITY_FIELDS)
def test_a_run_of_another_kind_is_refused_naming_what_differs(tmp_path, field):
    first = RunDirectory.open(tmp_path, manifest(()), resume=False)
    first.plan([ITEM])
    first.close()

    with pytest.raises(RunDirectoryError) as refusal:
        RunDirectory.open(tmp_path, manifest((), **{field: OTHERWISE[field]}), resume=True)
    assert f"{tmp_path} is another run: {WORDS[field]}; choose another --run-dir" == str(refusal.value)
    RunDirectory.open(tmp_path, manifest(()), resume=True).close()  # the refusal left no lock


def test_all_differences_are_named(tmp_path):
    first = RunDirectory.open(tmp_path, manifest(()), resume=False)
    first.plan([ITEM])
    first.close()
    both = {name: OTHERWISE[name] for name in ("model", "settings")}
    with pytest.raises(RunDirectoryError, match=f"{WORDS['model']}; {WORDS['settings']}"):
        RunDirectory.open(tmp_path, manifest((), **both), resume=True)


def test_a_server_may_move(tmp_path):
    first = RunDirectory.open(tmp_path, manifest(()), resume=False)
    first.plan([ITEM])
    first.close()
    second = RunDirectory.open(
        tmp_path, manifest((), base_url="http://elsewhere/v1", run_id="new"), resume=True
    )
    assert ("http://elsewhere/v1", manifest(()).run_id) == (second.manifest.base_url, second.manifest.run_id)
    assert (ITEM,) == second.manifest.planned


@pytest.mark.parametrize(
    ("option", "words"),
    [
        ("--max-tokens=99", "max_tokens was 16384, is now 99"),
        ("--scoring=strict", "scorer was compatible, is now strict"),
        ("--model=model-b", "model was model-a, is now model-b"),
    ],
)
def test_resuming_with_other_options_is_refused_before_anything_is_asked(
    quick, endpoint, asking, option, words
):
    quick.run(*asking)
    refused = quick.run(*asking, option, "--resume")
    assert 4 == refused.exit_status
    assert f"ERROR: run is another run: {words}; choose another --run-dir" in refused.out
    assert 8 == len(endpoint.requests)


def test_another_dataset_is_refused(quick, endpoint, asking, tiny_folder):
    quick.run(*asking)
    config = json.loads((tiny_folder / "experiment_config.json").read_text())
    config["rabi"]["q5_scoring"]["amplitude"]["tol_full"] = 0.06
    (tiny_folder / "experiment_config.json").write_text(json.dumps(config))
    refused = quick.run(*asking, "--resume")
    assert 4 == refused.exit_status
    assert "run is another run: dataset_revision was sha256:" in refused.out


# --- resuming -----------------------------------------------------------------------------------------------


def test_resume_finds_the_last_run_and_asks_nothing_that_is_answered(quick, endpoint, asking, workers):
    first = quick.run(*asking, "-k", "rabi", *workers, run_dir=None)
    assert 4 == len(first.records)
    second = quick.run(*asking, "--resume", *workers, run_dir=None)
    assert 0 == second.exit_status, second.out
    assert first.run_dir == second.run_dir
    assert [] == endpoint.asked_twice()
    assert (8, 8) == (len(second.records), len(endpoint.requests))


def test_a_run_of_a_few_samples_goes_on_with_all_of_them(quick, endpoint, asking, tmp_path):
    """The first samples were prepared alone: the run takes the revision of the whole if they are still the same."""
    folder = large_dataset().write(tmp_path / "large")
    asking[asking.index("--dataset") + 1] = str(folder)
    first = quick.run(*asking, "--limit", "2")
    assert 0 == first.exit_status, first.out
    of_part = manifest_of(first)
    assert ["rabi_success_a", "rabi_success_b"] == of_part["dataset_part"]
    assert "only 2 of 48 samples were prepared" in first.out

    second = quick.run(*asking, "--resume")
    assert 0 == second.exit_status, second.out
    assert ([], 48) == (endpoint.asked_twice(), len(endpoint.requests))
    of_whole = manifest_of(second)
    assert [] == of_whole["dataset_part"] + of_whole["dataset_warnings"]
    assert of_part["dataset_revision"] != of_whole["dataset_revision"]

    third = quick.run(*asking, "--limit", "2", run_dir=tmp_path / "third")
    assert of_whole["dataset_revision"] == manifest_of(third)["dataset_revision"]


def test_a_run_of_a_few_samples_is_refused_if_one_of_them_has_changed(quick, asking, tmp_path):
    dataset = large_dataset()
    asking[asking.index("--dataset") + 1] = str(dataset.write(tmp_path / "large"))
    assert 0 == quick.run(*asking, "--limit", "2").exit_status
    dataset.samples[1]["q6_answer"] = "Status: DAMPED"
    dataset.write(tmp_path / "large")
    refused = quick.run(*asking, "--resume")
    assert (4, True) == (
        refused.exit_status,
        "run is another run: dataset_revision was sha256:" in refused.out,
    )


def manifest_of(result):
    return json.loads((result.run_dir / "run.json").read_text())


def test_resume_without_an_earlier_run_is_refused(quick, asking):
    result = quick.run(*asking, "--resume", run_dir=None)
    assert 4 == result.exit_status
    assert "ERROR: --resume: no earlier run is known here; name its folder with --run-dir" in result.out


def test_an_answer_to_another_request_is_not_used(quick, endpoint, asking):
    first = quick.run(*asking)
    expected = first.comparable_records()
    for name in ("answers.jsonl", "records.jsonl"):
        lines = [json.loads(line) for line in (first.run_dir / name).read_text().splitlines()]
        kept = [line for line in lines if name == "answers.jsonl" or line["sample_id"] != "rabi_success_a"]
        changed = [
            {**line, "request_sha256": "0" * 64} if "rabi_success_a" in line.values() else line
            for line in kept
        ]
        (first.run_dir / name).write_text("".join(json.dumps(line) + "\n" for line in changed))

    second = quick.run(*asking, "--resume")
    assert 0 == second.exit_status, second.out
    assert 9 == len(endpoint.requests)
    assert expected == second.comparable_records()


# --- asking again -------------------------------------------------------------------------------------------


def test_lf_asks_what_failed_and_completes_the_run(quick, endpoint, asking):
    endpoint.script = lambda request: error(400, "too long") if "rabi 1:" in request.text else GOOD
    first = quick.run(*asking)
    assert 1 == first.exit_status

    endpoint.script = always(GOOD)
    second = quick.run(*asking, "--lf")
    assert 0 == second.exit_status, second.out
    assert 9 == len(endpoint.requests)
    assert "8 of 8 measured" in second.out
    assert {"scored"} == set(second.statuses().values())


def test_a_later_attempt_never_replaces_a_measured_score(quick, endpoint, asking):
    endpoint.script = always(BAD)  # two of eight are DAMPED
    first = quick.run(*asking, "--pass-mark=50")
    assert 1 == first.exit_status
    assert "below --pass-mark 50" in first.out
    questions = first.report["questions"]

    endpoint.script = always(GOOD)
    second = quick.run(*asking, "--pass-mark=50", "--lf")
    assert 8 + 6 == len(endpoint.requests)
    assert 8 + 6 == len(second.records)
    assert questions == second.report["questions"]
    (again,) = second.report["further_attempts"]
    assert ("Q6", 6, 4, 6) == (
        again["question"],
        again["items"],
        again["flips"]["count"],
        again["flips"]["of"],
    )
    assert "Asked again" in second.out


def test_resume_does_not_ask_low_scores_again(quick, endpoint, asking):
    endpoint.script = always(BAD)
    quick.run(*asking, "--pass-mark=50")
    again = quick.run(*asking, "--pass-mark=50", "--resume")
    assert 8 == len(endpoint.requests)
    assert 8 == len(again.records)


# --- stored answers -----------------------------------------------------------------------------------------


def test_stored_answers_are_judged_and_scored_again_without_asking_the_model(quick, endpoint, tiny_folder):
    judge = always(judge_reply([1, 0.5, 0]))
    endpoint.script = by_model({"model-a": always(GOOD), "judge-a": judge})
    model = [
        "--model-url",
        endpoint.base_url,
        "--model=model-a",
        "--dataset",
        str(tiny_folder),
        "--modes=zeroshot",
    ]
    first = quick.run(*model, "--questions=Q3,Q6")
    assert {"unjudged", "scored"} == set(first.statuses().values())

    judges = ["--judge-url", endpoint.base_url, "--judge-model=judge-a"]
    second = quick.run("--answers=run", *judges, run_dir="judged")
    assert 0 == second.exit_status, second.out
    asked = [request.model for request in endpoint.requests]
    assert (16, 8) == (asked.count("model-a"), asked.count("judge-a"))
    assert {0.5} == {value for (_, question, _), value in second.values().items() if question == "Q3"}
    assert [r["answer"] for r in first.comparable_records()] == [
        r["answer"] for r in second.comparable_records()
    ]
    assert first.manifest["model"] == second.manifest["model"]


def test_stored_answers_to_another_dataset_are_not_taken_for_answers(quick, endpoint, asking, tiny_folder):
    quick.run(*asking)
    lines = [json.loads(line) for line in (quick.folder / "run" / "answers.jsonl").read_text().splitlines()]
    changed = [replace_sha(line) if line["sample_id"] == "rabi_success_a" else line for line in lines]
    (quick.folder / "run" / "answers.jsonl").write_text("".join(json.dumps(line) + "\n" for line in changed))
    second = quick.run("--answers=run", run_dir="again")
    assert 1 == second.exit_status
    assert (
        "no answer: run has an answer to another request (different prompt, images or parameters)"
        in second.out
    )
    assert ["no_stored_answer"] == [record["error"]["kind"] for record in second.records if record["error"]]


def replace_sha(line):
    return {**line, "request_sha256": "0" * 64}


def test_a_folder_without_a_run_has_no_answers(quick, tmp_path):
    result = quick.run(f"--answers={tmp_path}")
    assert 4 == result.exit_status
    assert "no run there (no run.json)" in result.out
