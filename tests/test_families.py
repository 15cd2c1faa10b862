"""Reports on some of a run's families (``--families FILE``)."""

import json

import pytest

from reports.__main__ import main
from tests.report_factory import digest, report_dir, report_run
from tests.test_reports_junit import junit


@pytest.fixture
def trained(tmp_path):
    file = tmp_path / "trained on.txt"
    file.write_text("drag  # the paper's\n")
    return str(file)


def test_every_table_and_file_is_about_the_families(tmp_path, trained, capsys):
    folder = report_dir(tmp_path / "run")
    assert 0 == main([str(folder)])
    whole = {name: (folder / name).read_text() for name in ("report.html", "report.json", "report.md")}
    assert 0 == main([str(folder), "--full", "--families", trained, "--width", "120"])
    out = capsys.readouterr().out
    shown = out[out.index("Only 1 family of trained on.txt: drag.") :]
    assert "[1 family of trained on.txt]" in shown
    assert "rabi" not in shown
    assert whole == {name: (folder / name).read_text() for name in whole}
    report = json.loads((folder / "report-trained-on.json").read_text())
    assert ["drag"] == report["families"]
    assert {"drag"} == {one["family"] for one in report["breakdown"]["zeroshot"]["families"]}
    assert "rabi" not in (folder / "report-trained-on.md").read_text()
    assert "rabi" not in (folder / "summary-trained-on.md").read_text()
    page = (folder / "report-trained-on.html").read_text()
    assert "<small>1 family of trained on.txt</small>" in page
    assert "rabi_success_b" not in page
    assert digest(9) in page  # a plot of drag
    assert digest(1) not in page  # a plot of rabi that no prompt of drag shows


def test_junit_files_are_restricted_as_well(tmp_path, trained, capsys):
    (tmp_path / "a.xml").write_text(junit(report_run()))
    assert 0 == main([str(tmp_path / "a.xml"), "--full", "--families", trained])
    out = capsys.readouterr().out
    assert "Only 1 family of trained on.txt: drag." in out
    assert "rabi" not in out


def test_a_family_that_the_run_does_not_have_ends_in_one_line(tmp_path, capsys):
    (tmp_path / "odd.txt").write_text("qubits\n")
    assert 2 == main([str(report_dir(tmp_path / "run")), "--families", str(tmp_path / "odd.txt")])
    assert "odd.txt: no run has the family 'qubits'; known: drag, rabi" in capsys.readouterr().err


def test_load_tests_have_no_families(tmp_path, trained, capsys):
    (tmp_path / "service.jsonl").write_text("")
    assert 2 == main([str(tmp_path), "--families", trained])
    assert "a load test, which asks no families" in capsys.readouterr().err
