"""Result files of the reference scripts: written, read back, and scored again."""

import json
import statistics
from pathlib import Path

import pytest

from reports.__main__ import main
from reports.exchange.official import inference_file, judged_file
from reports.exchange.official_input import OfficialFileError, read_judged
from reports.records.outcomes import ErrorRule
from reports.records.records import Run, Verdict
from reports.records.run_files import load_run
from reports.statistics.aggregate import by_mode, by_question, icl_deltas
from scoring.questions import Mode, Question
from scoring.reference import Reference
from scoring.unanswered import score_without_answer
from tests.dataset_factory import RULES, tiny_dataset
from tests.endpoint import Reply
from tests.run_factory import manifest, planned_item, run_of, scored
from tests.scripts import always, by_model, error, judge_reply

pytest_plugins = ["pytester"]

ANSWER = """Classification: Expected behavior
Assessment: Reliable
Status: SUCCESS
{"amplitude": 0.51, "visible": true}"""


@pytest.fixture
def run_options(endpoint, tiny_folder):
    endpoint.models = ("m", "j")
    endpoint.script = by_model({"m": lambda _: Reply(ANSWER), "j": lambda _: judge_reply((1.0, 0.5, 0.0))})
    model = ["--model-url", endpoint.base_url, "--model", "m"]
    return [
        *model,
        "--judge-url",
        endpoint.base_url,
        "--judge-model",
        "j",
        "--dataset",
        str(tiny_folder),
        "-q",
    ]


def test_a_judged_file_gives_its_aggregate_again(quick, run_options):
    run = load_run(quick.run(*run_options).run_dir)
    path = quick.folder / "judged.json"

    written = judged_file(run, Mode.ZEROSHOT)
    path.write_text(json.dumps(written))
    read = read_judged(path)

    assert 8 == written["total_entries"]
    entry = written["results"][0]
    assert {"id", "experiment_type", "scores"} == set(entry)
    assert {"score": 100.0, "correct": True, "gt_status": "SUCCESS", "model_status": "SUCCESS"} == entry[
        "scores"
    ]["Q6"]
    assert {"score": 50.0, "key_points_hit": [1.0, 0.5, 0.0], "key_points_total": 3} == entry["scores"]["Q3"]
    assert 1.0 == entry["scores"]["Q5"]["fields"]["visible"]
    overall = statistics.fmean(score["score"] for name, score in entry["scores"].items() if name != "overall")
    assert round(overall, 1) == entry["scores"]["overall"]
    summaries = by_question(read.outcomes)
    for question in Question:
        mean = written["aggregate"][question]["mean"]
        assert mean == pytest.approx(100 * summaries[Mode.ZEROSHOT, question].mean)
    assert written["overall_mean"] == pytest.approx(
        100 * by_mode(read.outcomes)[Mode.ZEROSHOT].mean, abs=0.05
    )


def test_each_item_is_rounded_to_a_tenth_then_each_samples_overall_score():
    scores = {
        "Q1": 1 / 3,
        "Q2": 1.0,
        "Q3": 2 / 3,
        "Q5": 0.12345,
    }  # rounded 33.3, 100.0, 66.7, 12.3: 212.3 / 4 = 53.075
    run = run_of({("a", question, "zeroshot"): value for question, value in scores.items()})
    written = judged_file(run, Mode.ZEROSHOT)["results"][0]["scores"]
    assert {"Q1": 33.3, "Q2": 100.0, "Q3": 66.7, "Q5": 12.3} == {
        name: written[name]["score"] for name in scores
    }
    assert 53.1 == written["overall"]


def test_of_a_panel_each_key_points_hit_is_the_mean_of_the_judges():
    item = planned_item("a", "Q3")
    verdicts = tuple(
        Verdict(judge=name, reply="", grades=grades)
        for name, grades in {"j": (1.0, 0.5, 0.0), "k": (1.0, 1.0, 0.0)}.items()
    )
    run = Run(manifest=manifest([item]), records=(scored(item, 1.75 / 3, verdicts=verdicts),))
    entry = judged_file(run, Mode.ZEROSHOT)["results"][0]["scores"]["Q3"]
    assert {"score": 58.3, "key_points_hit": [1.0, 0.75, 0.0], "key_points_total": 3} == entry


@pytest.mark.parametrize(
    ("mode", "prefix", "more"),
    [(Mode.ZEROSHOT, "", ()), (Mode.ICL, "", ("-n2",)), (Mode.ICL, "icl_", ())],
    ids=["plain", "n2", "earlier version"],
)
def test_an_inference_file_scored_again_gives_the_same_scores_and_asks_no_model(
    quick, endpoint, run_options, mode, prefix, more
):
    first = quick.run(*run_options, run_dir="first")
    path = quick.folder / "results.json"
    file = inference_file(load_run(first.run_dir), mode)
    for entry in file["results"]:
        entry["id"] = prefix + entry["id"]
    path.write_text(json.dumps(file))
    asked = len(endpoint.requests)

    options = run_options[run_options.index("--judge-url") :]
    again = quick.run("--answers", str(path), *options, *more, run_dir="again")

    assert 0 == again.exit_status, again.out
    expected = {key: value for key, value in first.values().items() if key[2] == mode}
    assert expected == again.values()
    assert {"j"} == {request.model for request in endpoint.requests[asked:]}
    assert "m" == again.manifest["model"]


def test_entries_of_both_modes_are_what_the_references_judge_looks_for(quick, run_options):
    """It finds entries by the ids of test rows and answers by the questions' names (docs/protocol.md#result-files)."""
    run = load_run(quick.run(*run_options).run_dir)
    rows = {row["id"]: row for row in tiny_dataset().samples}

    for mode in Mode:
        file = inference_file(run, mode)
        assert (mode, "m", "m", 8) == (file["mode"], file["model"], file["model_id"], file["total_entries"])
        assert set(rows) == {entry["id"] for entry in file["results"]}
        for entry in file["results"]:
            assert {"id", "experiment_type", "error", "responses"} == set(entry)
            assert (rows[entry["id"]]["experiment_type"], None) == (entry["experiment_type"], entry["error"])
            assert {question.task for question in mode.questions} == set(entry["responses"])
            assert all(
                {"answer": ANSWER, "error": None} == response for response in entry["responses"].values()
            )
        judged = judged_file(run, mode)
        assert set(rows) == {entry["id"] for entry in judged["results"]}


def test_each_of_two_icl_rows_about_a_sample_has_an_entry_under_its_id(quick, endpoint, run_options):
    dataset = tiny_dataset()
    again = dataset.fewshot[0] | {"id": "icl_again", "q6_prompt": "Otherwise: <image> Now: <image>"}
    dataset.fewshot, dataset.samples = [dataset.fewshot[0], again], dataset.samples[:1]
    folder = str(dataset.write(quick.folder / "two"))
    options = [*run_options[: run_options.index("--dataset")], "--dataset", folder]
    endpoint.script = by_model(
        {
            "m": lambda request: Reply("Status: DAMPED" if "Otherwise" in request.text else ANSWER),
            "j": always(judge_reply([1])),
        }
    )
    result = quick.run(*options, "--modes", "icl", run_dir="first")
    warning = "ICL rows about a sample that an earlier row asks about too: each counts (row 'icl_again')"
    assert f"qcal: note: {warning}" in result.out
    assert [warning] == result.report["dataset_warnings"]
    assert f"Dataset: {warning}." in (result.run_dir / "report.md").read_text().replace("\\", "")

    file = inference_file(load_run(result.run_dir), Mode.ICL)
    assert ["rabi_success_a", "rabi_success_a"] == [entry["id"] for entry in file["results"]]
    judged = judged_file(load_run(result.run_dir), Mode.ICL)
    assert ["rabi_success_a", "rabi_success_a"] == [entry["id"] for entry in judged["results"]]
    assert 50.0 == judged["aggregate"]["Q6"]["mean"]

    path = write_json(quick.folder / "results.json", file)
    scored_again = quick.run(
        "--answers", str(path), *options[options.index("--judge-url") :], run_dir="again"
    )
    assert result.values() == scored_again.values()
    evaluation = read_judged(write_json(quick.folder / "judged.json", judged))
    assert 0.5 == by_question(evaluation.outcomes)[Mode.ICL, Question.Q6].mean


@pytest.mark.parametrize("more", [(), ("-n2",)], ids=["plain", "n2"])
def test_what_was_not_answered_counts_as_the_rule_for_errors_says(quick, endpoint, run_options, more):
    """One sample whose Q5 has one value of two, and no answer: half of it is right, as the reference counts."""
    dataset = tiny_dataset()
    dataset.samples = dataset.samples[:1]
    dataset.samples[0]["q5_answer"] = '{"amplitude": null, "visible": true}'
    dataset.fewshot = dataset.fewshot[:1]
    dataset.fewshot[0]["image_ids"] = ["image-0"] * 6
    folder = str(dataset.write(quick.folder / "half"))
    options = [*run_options[: run_options.index("--dataset")], "--dataset", folder, "--modes", "zeroshot"]
    endpoint.script = by_model(
        {"m": always(error(400, "cannot read this image")), "j": always(judge_reply([1]))}
    )

    result = quick.run(*options, "--errors", "as-reference", *more)
    run = load_run(result.run_dir)

    means = {row["question"]: row["mean"] for row in result.report["questions"]}
    assert {"Q1": 0, "Q2": 0, "Q3": 0, "Q4": 0, "Q5": 0.5, "Q6": 0} == means
    assert "as-reference: items without an answer count as in the reference scripts" in " ".join(
        result.out.split()
    )
    assert not [request for request in endpoint.requests if request.model == "j"]

    responses = inference_file(run, Mode.ZEROSHOT)["results"][0]["responses"]
    assert {"answer": None, "error": "HTTP 400: cannot read this image"} == responses["calibration_diagnosis"]
    with pytest.raises(
        OfficialFileError, match=r"rabi_success_a Q1 \(zeroshot\) has no score.*--errors as-reference"
    ):
        judged_file(run, Mode.ZEROSHOT)
    scores = {
        rule: judged_file(run, Mode.ZEROSHOT, errors=rule)["results"][0]["scores"]
        for rule in (ErrorRule.AS_REFERENCE, ErrorRule.ZERO)
    }
    for rule, q5 in {ErrorRule.AS_REFERENCE: 50.0, ErrorRule.ZERO: 0.0}.items():
        assert [0.0, q5, 0.0] == [scores[rule][question]["score"] for question in ("Q1", "Q5", "Q6")]
        assert round(q5 / 6, 1) == scores[rule]["overall"]
    assert {"amplitude": 1.0, "visible": 0.0} == scores[ErrorRule.AS_REFERENCE]["Q5"]["fields"]


def test_a_filtered_answer_is_scored_by_its_text_if_errors_count_as_in_the_reference(
    quick, endpoint, run_options
):
    filtered = Reply("Classification: Expected behavior", finish_reason="content_filter")
    endpoint.script = by_model({"m": always(filtered), "j": always(judge_reply([1]))})
    result = quick.run(
        *run_options, "--limit=1", "--modes=zeroshot", "--questions=Q1,Q2,Q6", "--errors=as-reference"
    )
    assert {"filtered"} == set(result.statuses().values()), result.out
    assert {"Q1": 0, "Q2": 1, "Q6": 0} == {row["question"]: row["mean"] for row in result.report["questions"]}


@pytest.mark.parametrize(
    ("question", "answer", "value"),
    [
        ("Q1", '{"plot_type": "scatter"}', 0.0),
        ("Q2", "Classification: Expected behavior", 0.0),
        ("Q3", "Significance.", 0.0),
        ("Q4", "Assessment: Reliable", 0.0),
        ("Q5", '{"amplitude": "Unreliable", "visible": null}', 1.0),
        ("Q5", '{"amplitude": null, "visible": true}', 0.5),
        ("Q5", '{"amplitude": 0.5, "visible": true}', 0.0),
        ("Q5", "[]", 0.0),
        ("Q6", "Status: SUCCESS", 0.0),
        ("Q6", "no code", 0.0),
    ],
)
@pytest.mark.parametrize("key_points", [(), ("one", "two")])
def test_what_the_reference_gives_no_answer(question, answer, value, key_points):
    reference = Reference(
        answer=answer, plot_description="", scenario_type="", key_points=key_points, field_rules=RULES
    )
    assert value == score_without_answer(Question(question), reference).value


def test_both_modes_are_imported_together_with_deltas(tmp_path, capsys):
    run = run_of(
        {("a", "Q6", "zeroshot"): 0.0, ("b", "Q6", "zeroshot"): 0.0, ("c", "Q6", "zeroshot"): 1.0}
        | {("a", "Q6", "icl"): 1.0, ("b", "Q6", "icl"): 0.0}
    )
    files = {mode: judged_file(run, mode) for mode in Mode}
    paths = [str(write_json(tmp_path / f"{mode}.json", file)) for mode, file in files.items()]

    assert 0 == main(["import", *paths, "--width", "100"])
    out = capsys.readouterr().out
    assert "Effect of demonstrations (ICL minus zero-shot)" in out
    row = next(line for line in out.splitlines() if "+16.7" in line)
    assert ["Q6", "diagnosis", "50.0", "+16.7"] == row.split()[:4]
    assert "Errors" in out
    assert "not stated: as the file's writer counted them" in out

    for entry in files[Mode.ICL]["results"]:  # as earlier versions named them
        entry["id"] = f"icl_{entry['id']}"
    write_json(tmp_path / "icl.json", files[Mode.ICL])
    assert 0 == main(["import", *paths, "--width", "100"])
    assert out == capsys.readouterr().out
    evaluation = read_judged(*map(Path, paths))
    assert (0.5, 2) == (icl_deltas(evaluation.outcomes)[Question.Q6].paired_delta, 2)


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"mode": "zeroshot"}, "icl.json: a second file of mode zeroshot; give one file for each mode"),
        (
            {"tested_model": "other"},
            "icl.json: model and judge are other and gpt-5.4, but test-vlm and gpt-5.4 in",
        ),
        ({"judge_model": ""}, "icl.json: model and judge are test-vlm and none, but test-vlm and gpt-5.4 in"),
    ],
)
def test_files_that_do_not_belong_together_are_refused(tmp_path, capsys, changes, complaint):
    run = run_of({("a", "Q6", "zeroshot"): 0.0, ("a", "Q6", "icl"): 1.0})
    first = write_json(tmp_path / "zeroshot.json", judged_file(run, Mode.ZEROSHOT))
    second = write_json(tmp_path / "icl.json", judged_file(run, Mode.ICL) | changes)
    assert 2 == main(["import", str(first), str(second)])
    assert complaint in capsys.readouterr().err


def write_json(path, data):
    path.write_text(json.dumps(data))
    return path


@pytest.mark.parametrize(
    "text", ["[]", "{", '{"mode": "zeroshot"}', '{"mode": "both", "results": []}', "null"]
)
def test_another_file_is_refused_in_one_line(quick, tiny_folder, text):
    (quick.folder / "results.json").write_text(text)

    result = quick.run("--answers", "results.json", "--dataset", str(tiny_folder))

    assert 4 == result.exit_status
    assert "results.json" in result.out
    assert "Traceback" not in result.out
