"""A run in three lines: frames of records and tables, and what a notebook shows."""

import subprocess
import sys

import pandas as pd
import pytest

import reports
from reports import Results, load_run
from reports.records.floors import Floor
from reports.records.records import Run
from reports.records.run_files import RunMissingError
from tests.report_factory import HOSTILE, report_dir
from tests.run_factory import failed, manifest, planned_item, run_of, scored, write_run

VALUES = {(f"s{n}", question, "zeroshot"): n / 12 for n in range(12) for question in ("Q5", "Q6")}


@pytest.fixture
def results(tmp_path):
    return load_run(write_run(run_of(VALUES), tmp_path / "run"))


def test_records_are_a_frame_with_a_row_per_item(results):
    assert 24 == len(results.records)
    assert pytest.approx(5.5 / 12) == results.records.groupby("question")["score"].mean()["Q6"]
    assert {"run_id", "model", "sample_id", "family", "answer", "latency_s"} <= set(results.records.columns)


def test_frames_of_several_runs_can_be_put_together(tmp_path):
    frames = [
        load_run(write_run(run_of(VALUES, run_id=name, model=name), tmp_path / name)).records
        for name in ("a", "b")
    ]
    assert {"a": 24, "b": 24} == pd.concat(frames).groupby("model").size().to_dict()


def test_scores_have_intervals(results):
    row = results.scores.set_index(["mode", "question"]).loc["zeroshot", "mean"]
    assert row["low"] < row["mean"] < row["high"]
    assert 24 == row["measured"] == row["planned"]


def test_tables_keep_figures_as_fractions(results):
    table = results.tables["Zero-shot"]
    assert {"Mean", "95% interval low", "95% interval high"} <= set(table.columns)
    assert table["Mean"].max() <= 1


def test_the_rule_for_errors_is_chosen(tmp_path):
    items = [planned_item("a"), planned_item("b")]
    run = run_of({})
    folder = write_run(
        type(run)(manifest=manifest(items), records=(scored(items[0], 1.0), failed(items[1]))),
        tmp_path / "run",
    )
    means = [load_run(folder, errors=rule).scores["mean"].iloc[0] for rule in ("unmeasured", "zero")]
    assert [1.0, 0.5] == means
    with pytest.raises(ValueError, match="guess"):
        load_run(folder, errors="guess")


def test_it_shows_itself_as_html_and_as_text(results):
    assert "<table>" in results._repr_html_()
    assert "test-vlm" in repr(results)
    assert "Q6" in repr(results)


def test_hostile_text_is_shown_as_text(tmp_path):
    shown = load_run(report_dir(tmp_path, HOSTILE))._repr_html_()
    assert "<script" not in shown
    assert "<img" not in shown


def test_a_folder_without_a_run_is_reported(tmp_path):
    with pytest.raises(RunMissingError, match="name a run directory"):
        load_run(tmp_path)


def test_the_package_imports_nothing_until_it_is_asked():
    code = "import sys, reports; assert 'pandas' not in sys.modules; reports.load_run; assert 'pandas' in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
    assert reports.Results is Results
    with pytest.raises(AttributeError, match="nothing"):
        _ = reports.nothing


def test_floors_are_shown_on_request(tmp_path):
    items = [planned_item(letter) for letter in "ab"]
    records = tuple(scored(item, 1.0, floors={Floor.CONSTANT: 0.25}) for item in items)
    folder = write_run(Run(manifest=manifest(items), records=records), tmp_path / "run")
    assert 0.25 == load_run(folder).scores.set_index("question").loc["Q6", "floor"]
    assert "Floor" not in load_run(folder).tables["Zero-shot"].columns
    assert 0.25 == load_run(folder, floors=True).tables["Zero-shot"]["Floor"].iloc[0]
