"""Records for other tools: CSV and Parquet, the command line, Inspect's log."""

import csv
import importlib.util
import json

import pandas as pd
import pytest

from reports.__main__ import main
from reports.records.records import Answer, Run
from tests.run_factory import failed, manifest, planned_item, scored, write_run


@pytest.fixture
def run_dir(tmp_path):
    good, bad = planned_item("a", "Q6"), planned_item("b", "Q6")
    hostile = Answer(text="=cmd()\x1b[31m", finish_reason="stop", completion_tokens=7)
    run = Run(
        manifest=manifest([good, bad]), records=(scored(good, 0.25, extracted="SUCCESS", answer=hostile), failed(bad))
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


@pytest.mark.skipif(importlib.util.find_spec("inspect_ai") is not None, reason="inspect_ai is installed")
def test_inspect_without_its_package_says_what_to_install(run_dir, capsys):
    assert 2 == main(["export", str(run_dir), "--format", "inspect", "--out", str(run_dir / "log.eval")])
    assert "pip install 'qcaleval-pytest[inspect]'" in capsys.readouterr().err
