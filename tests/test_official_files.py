"""Result files of the reference scripts: written, read back, and scored again."""

import json
import statistics

import pytest

from reports.exchange.official import OfficialFileError, inference_file, judged_file, read_judged
from reports.records.run_files import load_run
from reports.statistics.aggregate import by_mode, by_question
from scoring.questions import Mode, Question
from tests.endpoint import Reply
from tests.scripts import by_model, error, for_image, judge_reply

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
    return [*model, "--judge-url", endpoint.base_url, "--judge-model", "j", "--dataset", str(tiny_folder), "-q"]


def test_a_judged_file_gives_its_aggregate_again(quick, run_options):
    run = load_run(quick.run(*run_options).run_dir)
    path = quick.folder / "judged.json"

    written = judged_file(run, Mode.ZEROSHOT)
    path.write_text(json.dumps(written))
    read = read_judged(path)

    assert 8 == written["total_entries"]
    entry = written["results"][0]
    assert {"id", "experiment_type", "scores"} == set(entry)
    assert {"score": 100.0, "correct": True, "gt_status": "SUCCESS", "model_status": "SUCCESS"} == entry["scores"]["Q6"]
    assert {"score": 50.0, "key_points_hit": 1.5, "key_points_total": 3} == entry["scores"]["Q3"]
    assert 1.0 == entry["scores"]["Q5"]["fields"]["visible"]
    overall = statistics.fmean(score["score"] for name, score in entry["scores"].items() if name != "overall")
    assert overall == entry["scores"]["overall"]
    summaries = by_question(read.outcomes)
    for question in Question:
        mean = written["aggregate"][question]["mean"]
        assert mean == pytest.approx(100 * summaries[Mode.ZEROSHOT, question].mean)
    assert written["overall_mean"] == pytest.approx(100 * by_mode(read.outcomes)[Mode.ZEROSHOT].mean)


def test_scores_are_rounded_to_a_tenth_there_and_nowhere_else(quick, run_options):
    run = load_run(quick.run(*run_options, "--limit", "1").run_dir)
    unrounded = next(record.score.value for record in run.records if record.key.question is Question.Q1)

    assert round(100 * unrounded, 1) == judged_file(run, Mode.ZEROSHOT)["results"][0]["scores"]["Q1"]["score"]
    assert 0.25 == unrounded  # no JSON in the answer: key points only, (1 + 0.5 + 0) / 3 / 2


@pytest.mark.parametrize(("mode", "more"), [(Mode.ZEROSHOT, ()), (Mode.ICL, ("-n2",))], ids=["plain", "n2"])
def test_an_inference_file_scored_again_gives_the_same_scores_and_asks_no_model(
    quick, endpoint, run_options, mode, more
):
    first = quick.run(*run_options, run_dir="first")
    path = quick.folder / "results.json"
    path.write_text(json.dumps(inference_file(load_run(first.run_dir), mode)))
    asked = len(endpoint.requests)

    options = run_options[run_options.index("--judge-url") :]
    again = quick.run("--answers", str(path), *options, *more, run_dir="again")

    assert 0 == again.exit_status, again.out
    expected = {key: value for key, value in first.values().items() if key[2] == mode}
    assert expected == again.values()
    assert {"j"} == {request.model for request in endpoint.requests[asked:]}
    assert "m" == again.manifest["model"]


def test_icl_entries_are_named_after_rows_of_the_fewshot_file(quick, run_options):
    run = load_run(quick.run(*run_options, "--limit", "1").run_dir)

    assert ["icl_rabi_success_a"] == [entry["id"] for entry in inference_file(run, Mode.ICL)["results"]]
    assert ["rabi_success_a"] == [entry["id"] for entry in inference_file(run, Mode.ZEROSHOT)["results"]]


def test_what_was_not_answered_is_an_error_there_and_a_zero_only_on_demand(quick, endpoint, run_options):
    quick.run(*run_options, "--limit", "1", run_dir="probe")
    image = endpoint.requests[0].images[0]
    answering = endpoint.script
    endpoint.script = for_image(image, error(400, "cannot read this image"), answering)
    run = load_run(quick.run(*run_options, "--limit", "2", "--modes", "zeroshot").run_dir)

    responses = inference_file(run, Mode.ZEROSHOT)["results"][0]["responses"]
    assert {"answer": None, "error": "HTTP 400: cannot read this image"} == responses["calibration_diagnosis"]
    with pytest.raises(OfficialFileError, match=r"rabi_success_a Q1 \(zeroshot\) has no score.*--errors-as-zero"):
        judged_file(run, Mode.ZEROSHOT)
    zeroed = judged_file(run, Mode.ZEROSHOT, errors_as_zero=True)["results"][0]["scores"]
    assert 0.0 == zeroed["Q6"]["score"]


@pytest.mark.parametrize("text", ["[]", "{", '{"mode": "zeroshot"}', '{"mode": "both", "results": []}', "null"])
def test_another_file_is_refused_in_one_line(quick, tiny_folder, text):
    (quick.folder / "results.json").write_text(text)

    result = quick.run("--answers", "results.json", "--dataset", str(tiny_folder))

    assert 4 == result.exit_status
    assert "results.json" in result.out
    assert "Traceback" not in result.out
