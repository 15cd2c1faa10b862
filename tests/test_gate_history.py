"""Verdicts come with the number of times a run was gated and the number of runs its baseline was chosen from."""

import json
from pathlib import Path

import pytest

from reports.__main__ import main
from tests.gate_factory import q6, renamed, right
from tests.run_factory import write_run

GATES = '[[gate]]\nmetric = "zeroshot.Q6"\nbaseline = "base"\nmax_drop = 10\n'


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with a run, its baseline and a gate on the drop."""
    monkeypatch.chdir(tmp_path)
    write_run(q6(*right(180, of=243)), Path("run"))
    write_run(renamed(q6(*right(182, of=243))), Path("base"))
    Path("gates.toml").write_text(GATES)
    return tmp_path


def gated(capsys):
    status = main(["gate", "run", "--gate", "gates.toml"])
    captured = capsys.readouterr()
    return status, captured.out + captured.err


def test_attempts_are_counted_and_printed(folder, capsys):
    assert "attempt" not in gated(capsys)[1]
    status, out = gated(capsys)
    assert 0 == status
    assert "attempt 2 to gate this run" in out
    lines = [json.loads(line) for line in Path("run/gates.jsonl").read_text().splitlines()]
    assert ["PASS", "PASS"] == [line["verdict"] for line in lines]
    assert 2 == json.loads(Path("run/report.json").read_text())["gates"]["attempt"]


def test_a_baseline_that_was_the_best_of_several_is_labelled(folder, capsys):
    assert 0 == main(["baseline", "base", "--chosen-from", "5"])
    capsys.readouterr()
    assert "base was chosen from 5 runs: the best of several looks better than it is" in gated(capsys)[1]
    assert {"base": 5} == json.loads(Path("run/report.json").read_text())["gates"]["chosen_from"]


def test_a_note_that_cannot_be_read_is_named_with_what_to_do(folder, capsys):
    Path("base/baseline.json").write_text('{"chosen_from": "many"}')
    status, out = gated(capsys)
    assert 2 == status
    assert "baseline.json: not a note on a baseline" in out
    assert "delete it" in out


def test_a_note_needs_a_run(tmp_path, capsys):
    assert 2 == main(["baseline", str(tmp_path), "--chosen-from", "5"])
    assert "no run.json here" in capsys.readouterr().err
