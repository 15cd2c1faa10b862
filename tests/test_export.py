"""Records for other tools: CSV and Parquet, the command line, Inspect's log."""

import csv
import importlib.util
import json

import pandas as pd
import pytest

from reports.__main__ import main
from reports.records.floors import Floor
from reports.records.records import Answer, Run
from tests.run_factory import failed, manifest, planned_item, scored, write_run


@pytest.fixture
def run_dir(tmp_path):
    good, bad = planned_item("a", "Q6"), planned_item("b", "Q6")
    hostile = Answer(text="=cmd()\x1b[31m", finish_reason="stop", completion_tokens=7)
    run = Run(
        manifest=manifest([good, bad]),
        records=(scored(good, 0.25, extracted="SUCCESS", answer=hostile), failed(bad)),
    )
    write_run(run, tmp_path / "run")
    return tmp_path / "run"


def export(run_dir, kind, name):
    target = run_dir.parent / name
    assert 0 == main(["export", str(run_dir), "--format", kind, "--out", str(target)])
    return target


def test_csv_holds_one_harmless_row_per_item(run_dir):
    with export(run_dir, "csv", "records.csv").open(newline="", encoding="utf-8") as stream:
        first, second = csv.DictReader(stream)

    assert ("a", "Q6", "scored", "0.25", '"SUCCESS"') == tuple(
        first[name] for name in ("sample_id", "question", "status", "score", "extracted")
    )
    assert first["answer"].startswith("'=cmd()")
    assert "\x1b" not in first["answer"]
    assert ("request_failed", "", "timeout") == (second["status"], second["score"], second["error_kind"])


@pytest.mark.parametrize("floors", [({}, {Floor.CONSTANT: 0.5}), ({Floor.CONSTANT: 0.5}, {})])
def test_csv_has_the_same_columns_whichever_item_has_floors(tmp_path, floors):
    items = planned_item("a", "Q5"), planned_item("b", "Q5")
    records = [
        scored(item, 1.0, floors=stated, field_floors={rule: {"t1": 0.25} for rule in stated})
        for item, stated in zip(items, floors, strict=True)
    ]
    write_run(Run(manifest=manifest(items), records=tuple(records)), tmp_path / "run")
    with export(tmp_path / "run", "csv", "records.csv").open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    assert [json.dumps(dict(stated)) if stated else "" for stated in floors] == [
        row["floors"] for row in rows
    ]
    assert {"", '{"constant": {"t1": 0.25}}'} == {row["field_floors"] for row in rows}


def test_parquet_keeps_numbers_and_missing_ones(run_dir):
    frame = pd.read_parquet(export(run_dir, "parquet", "records.parquet"))

    assert [0.25] == frame["score"].dropna().tolist()
    assert 2 == len(frame)
    assert frame["answer"][0] == "=cmd()\x1b[31m"


def test_the_command_line_writes_and_reads_the_references_files(run_dir, capsys):
    inference = json.loads(export(run_dir, "inference", "results.json").read_text())
    assert ["a", "b"] == [entry["id"] for entry in inference["results"]]

    judged = run_dir.parent / "judged.json"
    options = ["--format", "judged", "--out", str(judged)]
    assert 2 == main(["export", str(run_dir), *options])
    assert "b Q6 (zeroshot) has no score" in capsys.readouterr().err
    assert 0 == main(["export", str(run_dir), *options, "--errors-as-zero"])
    assert 0 == main(["import", str(judged), "--width", "80"])
    assert "12.5" in capsys.readouterr().out


@pytest.fixture
def repeated(tmp_path):
    """Q6 of two samples asked twice, and once with another picture.

    The first sample is right in the second repeat.
    """
    items = [planned_item(sample, "Q6", repeat=repeat) for repeat in (0, 1) for sample in ("a", "b")]
    study = planned_item("a", "Q6", variant="blank")
    records = [scored(item, value) for item, value in zip(items, (0.0, 1.0, 1.0, 1.0), strict=True)]
    write_run(
        Run(manifest=manifest([*items, study]), records=(*records, scored(study, 0.0))), tmp_path / "run"
    )
    return tmp_path / "run"


def test_judged_scores_of_a_run_with_repeats_are_means_and_omissions_are_reported(repeated, capsys):
    judged = json.loads(export(repeated, "judged", "judged.json").read_text())
    assert [50.0, 100.0] == [entry["scores"]["Q6"]["score"] for entry in judged["results"]]
    assert ([0.0, 100.0], 75.0) == (judged["results"][0]["scores"]["Q6"]["repeats"], judged["overall_mean"])
    assert "left out: 1 items of studies" in capsys.readouterr().out


@pytest.mark.parametrize(("repeat", "mean"), [("1", 50.0), ("2", 100.0)])
def test_a_repeat_can_be_exported_alone(repeated, repeat, mean):
    options = ["--format", "judged", "--repeat", repeat, "--out", str(repeated / "judged.json")]
    assert 0 == main(["export", str(repeated), *options])
    judged = json.loads((repeated / "judged.json").read_text())
    assert (mean, True) == (judged["overall_mean"], "correct" in judged["results"][0]["scores"]["Q6"])


def test_one_answer_of_several_has_to_be_chosen(repeated, capsys):
    options = ["--format", "inference", "--out", str(repeated / "answers.json")]
    assert 2 == main(["export", str(repeated), *options])
    assert "choose the repeat with --repeat 1 to --repeat 2" in capsys.readouterr().err
    assert 0 == main(["export", str(repeated), *options, "--repeat", "2"])
    assert 2 == main(["export", str(repeated), *options, "--repeat", "3"])
    assert "no items in mode zeroshot in repeat 3" in capsys.readouterr().err


@pytest.mark.skipif(importlib.util.find_spec("inspect_ai") is not None, reason="inspect_ai is installed")
def test_inspect_without_its_package_says_what_to_install(run_dir, capsys):
    assert 2 == main(["export", str(run_dir), "--format", "inspect", "--out", str(run_dir / "log.eval")])
    assert "pip install 'qcaleval-pytest[inspect]'" in capsys.readouterr().err
