"""A run as an output folder of EvalScope: the fields of its schema and no others, and the run's own figures."""

import json
import math
from typing import Any

import msgspec
import pytest

from reports.__main__ import main
from reports.exchange.evalscope import METRIC
from reports.records.outcomes import evaluation_of
from reports.records.records import Run
from reports.statistics.aggregate import by_mode
from scoring.questions import Mode
from tests.report_factory import report_dir, report_run
from tests.run_factory import failed, manifest, planned_item, run_of, write_run

# --- the schema, as far as it is written: EvalScope 1.14 refuses unknown fields of a report and of a metric -


class Identity(msgspec.Struct, forbid_unknown_fields=True):
    name: str
    aggregation: str
    dimensions: dict[str, str]


class Semantics(msgspec.Struct, forbid_unknown_fields=True):
    semantic_id: str
    metric_name: str
    kind: str
    direction: str
    value_range: dict[str, float]
    display_kind: str
    display_multiplier: float
    display_unit: str
    display_precision: int


class Subset(msgspec.Struct, forbid_unknown_fields=True):
    name: str
    score: float
    num: int
    metadata: dict[str, Any]


class Category(msgspec.Struct, forbid_unknown_fields=True):
    name: list[str]
    subsets: list[Subset]


class Metric(msgspec.Struct, forbid_unknown_fields=True):
    identity: Identity
    semantics: Semantics
    num: int
    score: float
    categories: list[Category]


class Execution(msgspec.Struct, forbid_unknown_fields=True):
    requested: int
    succeeded: int
    errored: int
    incomplete: bool
    subsets: dict[str, dict[str, int]]


class Report(msgspec.Struct, forbid_unknown_fields=True):
    schema_version: int
    name: str
    dataset_name: str
    dataset_pretty_name: str
    dataset_description: str
    model_name: str
    metrics: list[Metric]
    primary_metric_identity: Identity
    judge_summary: dict[str, Any] | None
    execution_summary: Execution


class SampleScore(msgspec.Struct, forbid_unknown_fields=True):
    score: dict[str, Any]
    sample_id: int
    group_id: str
    generation_index: int
    sample_metadata: dict[str, Any]


class Review(msgspec.Struct, forbid_unknown_fields=True):
    index: int
    target: list[str] | None
    messages: list[dict[str, Any]]
    sample_score: SampleScore


@pytest.fixture(scope="module")
def outputs(tmp_path_factory):
    run = report_dir(tmp_path_factory.mktemp("run"))
    target = tmp_path_factory.mktemp("outputs")
    assert 0 == main(["export", str(run), "--format", "evalscope", "--out", str(target)])
    return target / "20260501_120000"


def report(outputs, mode):
    file = outputs / "reports" / "vlm_plain" / f"qcaleval_{mode}.json"
    return msgspec.json.decode(file.read_bytes(), type=Report)


def reviews(outputs, name):
    lines = (outputs / "reviews" / "vlm_plain" / f"{name}.jsonl").read_bytes().splitlines()
    return [msgspec.json.decode(line, type=Review) for line in lines]


@pytest.mark.parametrize("mode", Mode)
def test_a_mode_is_a_report_with_its_published_mean(outputs, mode):
    exported = report(outputs, mode)
    (metric,) = exported.metrics
    expected = by_mode(evaluation_of(report_run()).outcomes)[mode].mean
    assert math.isclose(expected, metric.score)
    assert exported.primary_metric_identity == metric.identity
    assert "+".join(mode.questions) == metric.identity.dimensions["questions"]
    assert [question.value for question in mode.questions] == [
        subset.name for subset in metric.categories[0].subsets
    ]
    counted = exported.execution_summary
    assert metric.num == counted.succeeded < counted.requested == counted.succeeded + counted.errored
    assert counted.incomplete
    assert ["gpt-5.4"] == exported.judge_summary["judge_models"]


def test_a_review_has_prompt_plot_answer_target_and_explanation(outputs):
    rows = reviews(outputs, "qcaleval_zeroshot_Q6")
    row = next(row for row in rows if row.sample_score.sample_metadata["sample"] == "rabi_success_b")
    image, text = row.messages[0]["content"]
    assert image["image"].startswith("data:image/webp;base64,")
    assert "What do you see? plain" == text["text"]
    assert row.messages[1]["content"][-1]["text"].startswith("plain answer of rabi_success_b")
    assert 1.5 == row.messages[1]["perf_metrics"]["latency"]
    assert ["SUCCESS"] == row.target
    assert {METRIC: 1.0} == row.sample_score.score["value"]
    assert "read: SUCCESS; expected: SUCCESS" == row.sample_score.score["explanation"]


def test_what_was_not_measured_has_no_score_and_is_not_zero(outputs):
    rows = reviews(outputs, "qcaleval_zeroshot_Q6")
    (missing,) = [row for row in rows if not row.sample_score.score["value"]]
    assert "transport_error" == missing.sample_score.score["status"]
    assert missing.sample_score.score["explanation"]


def test_a_mean_over_fewer_questions_says_over_which(tmp_path, capsys):
    run = write_run(run_of({("a", "Q2", "zeroshot"): 1.0, ("a", "Q6", "zeroshot"): 0.5}), tmp_path / "run")
    command = ["export", "--format", "evalscope", "--out", str(tmp_path / "out")]
    assert 0 == main([*command, str(run)])
    (file,) = (tmp_path / "out").glob("*/reports/*/*.json")
    (metric,) = json.loads(file.read_text())["metrics"]
    assert ({"questions": "Q2+Q6"}, 0.75) == (metric["identity"]["dimensions"], metric["score"])

    item = planned_item("a", "Q6")
    write_run(Run(manifest=manifest([item]), records=(failed(item),)), tmp_path / "none")
    assert 2 == main([*command, str(tmp_path / "none")])
    assert "nothing was measured, so EvalScope has nothing to show" in capsys.readouterr().err


def test_evalscope_itself_reads_it(outputs):
    frames = pytest.importorskip("evalscope.report.data_frames", reason="evalscope is not installed")
    (ref,) = frames.scan_report_refs(str(outputs.parent))
    loaded, names, config = frames.load_report_bundle(str(outputs.parent), ref)
    assert (["qcaleval_icl", "qcaleval_zeroshot"], "vlm plain") == (names, config["model"])
    for entry in loaded:
        for subset in entry.metrics[0].categories[0].subsets:
            rows = frames.get_model_prediction(str(outputs), ref.model_id, entry.dataset_name, subset.name)
            assert math.isclose(rows["NScore"].mean(), subset.score, abs_tol=1e-4)
