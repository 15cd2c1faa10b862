"""Scenario types that no run answers, over several runs."""

from dataclasses import replace

from reports.__main__ import main
from tests.run_factory import run_of, scored, write_run


def with_blanks(run):
    """The run with every item asked again with a blank picture, all of them right."""
    blanks = [replace(item, key=item.key._replace(variant="blank")) for item in run.manifest.planned]
    manifest = replace(run.manifest, planned=(*run.manifest.planned, *blanks))
    return replace(run, manifest=manifest, records=(*run.records, *(scored(item, 1.0) for item in blanks)))


def test_what_every_run_gets_wrong_is_listed(tmp_path, capsys):
    """Items of studies, here with blank pictures, do not count."""
    hard, easy, mixed = ("a", "Q6", "zeroshot"), ("b", "Q2", "zeroshot"), ("c", "Q4", "zeroshot")
    write_run(with_blanks(run_of({hard: 0.0, easy: 1.0, mixed: 0.0})), tmp_path / "first")
    write_run(run_of({hard: 0.05, easy: 1.0, mixed: 1.0}), tmp_path / "second")

    assert 0 == main(["compare", str(tmp_path / "first"), str(tmp_path / "second"), "--width", "80"])

    table = capsys.readouterr().out.partition("Zero-shot: below 10 in each of 2 runs")[2]
    assert "Q6" in table
    assert "Q2" not in table
    assert "Q4" not in table
