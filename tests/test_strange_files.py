"""Run directories from strangers: links, pipes, devices and names that are paths open nothing and change nothing."""

import json
import os
from pathlib import Path

import pytest

from qcal_plugin.engine.journal import AnswerJournal, Journal, JournalError
from reports.__main__ import main as reports
from reports.records.files import open_file, open_to_append, read_file, read_if_there, write_file
from reports.records.illustrations import plot_files
from tests.endpoint import Reply
from tests.run_factory import run_of, write_run
from tests.scripts import always

pytest_plugins = ["pytester"]

SECRET = "what only the owner of this machine may read"
DIGEST = "ab" * 32


@pytest.fixture
def victim(tmp_path):
    """A file of the user's, outside the run."""
    file = tmp_path / "home" / "victim.txt"
    file.parent.mkdir()
    file.write_text(SECRET)
    return file


@pytest.fixture
def run(tmp_path):
    return write_run(run_of({("a", "Q6", "zeroshot"): 1.0, ("b", "Q6", "zeroshot"): 0.0}), tmp_path / "run")


def strange(kind, path, victim):
    """Put something of this kind in a file's place."""
    path.unlink(missing_ok=True)
    path.parent.mkdir(exist_ok=True)
    match kind:
        case "link":
            path.symlink_to(victim)
        case "device":
            path.symlink_to("/dev/zero")
        case "broken link":
            path.symlink_to("/no/such/file")
        case "pipe":
            os.mkfifo(path)
        case "folder":
            path.mkdir()


KINDS = ["link", "device", "broken link", "pipe", "folder"]


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_not_a_regular_file_is_neither_read_nor_written(tmp_path, victim, kind):
    path = tmp_path / "a"
    strange(kind, path, victim)
    for use in (open_file, read_file, read_if_there, open_to_append):
        with pytest.raises(OSError, match=r"regular file|Is a directory"):
            use(path)
    with pytest.raises(JournalError, match=r"cannot write .*a: "):
        Journal(path)
    assert SECRET == victim.read_text()


def test_a_file_with_a_second_name_is_not_appended_to(tmp_path, victim):
    (tmp_path / "answers.jsonl").hardlink_to(victim)
    with pytest.raises(JournalError, match="not a regular file"):
        AnswerJournal(tmp_path / "answers.jsonl")
    assert SECRET == victim.read_text()


@pytest.mark.parametrize("kind", ["link", "broken link", "pipe"])
def test_a_file_that_is_replaced_leaves_what_its_name_led_to(tmp_path, victim, kind):
    path = tmp_path / "report.json"
    strange(kind, path, victim)
    write_file(path, b"new")
    assert SECRET == victim.read_text()
    assert b"new" == path.read_bytes()
    assert not path.is_symlink()
    assert {"report.json", "home"} == {file.name for file in tmp_path.iterdir()}


NAMES = ["run.json", "records.jsonl", "canary.json", "deviations.json", "samples.jsonl"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", NAMES)
def test_reports_read_nothing_strange_in_a_run(run, victim, capsys, kind, name):
    strange(kind, run / name, victim)
    status = reports([str(run)])
    said = capsys.readouterr()
    assert "Traceback" not in said.err
    assert SECRET not in said.out + said.err
    if name != "samples.jsonl":  # without it the page is still shown, with a note
        assert 2 == status
        assert name in said.err
    page = run / "report.html"
    assert not page.exists() or SECRET not in page.read_text()


def test_linked_plots_are_neither_shown_nor_copied(run, tmp_path, victim, capsys):
    (run / "plots").mkdir()
    (run / "plots" / f"{DIGEST}.webp").symlink_to(victim)
    assert 2 == reports(["merge", str(run), "--out", str(tmp_path / "out")])
    assert "regular file" in capsys.readouterr().err
    assert not list((tmp_path / "out").rglob("*.webp"))
    reports([str(run)])
    assert not (run / "report.html").exists() or "data:image/webp" not in (run / "report.html").read_text()


def test_a_linked_folder_of_plots_is_ignored(run, tmp_path, victim):
    (victim.parent / f"{DIGEST}.webp").write_text(SECRET)
    (run / "plots").symlink_to(victim.parent)
    assert {} == plot_files(run)


def test_only_digests_name_plots(run):
    (run / "plots").mkdir()
    for name in (
        f"{DIGEST}.webp",
        f"{DIGEST}.png",
        f"{DIGEST}.svg",
        "photo.webp",
        f"{DIGEST}0.webp",
        "..webp",
    ):
        (run / "plots" / name).write_bytes(b"x")
    assert [DIGEST, DIGEST] == [file.stem for file in sorted((run / "plots").glob(f"{DIGEST}.[wp]*"))]
    assert {DIGEST} == set(plot_files(run))


def test_planted_names_of_temporary_files_overwrite_nothing(run, victim):
    names = ["report.json", "report.md", "summary.md", "report.html", "samples.jsonl"]
    for name in names:
        for guess in (f".{name}", f".{name}.{os.getpid()}", name):
            (run / guess).symlink_to(victim)
    assert 0 == reports([str(run)]) or (run / "samples.jsonl").is_symlink()
    assert SECRET == victim.read_text()
    assert json.loads((run / "report.json").read_text())
    assert not (run / "report.json").is_symlink()


@pytest.mark.parametrize("name", ["answers.jsonl", "records.jsonl", "run.json", "run.lock", "engine.json"])
@pytest.mark.parametrize("kind", ["link", "pipe"])
def test_resuming_a_strangers_run_changes_no_other_file(quick, endpoint, tiny_folder, victim, name, kind):
    endpoint.script = always(Reply("Status: SUCCESS"))
    asking = ["--model-url", endpoint.base_url, "--dataset", str(tiny_folder), "--questions=Q6", "--limit=2"]
    first = quick.run(*asking)
    strange(kind, first.run_dir / name, victim)
    result = quick.run(*asking, "--resume")
    assert "Traceback" not in result.out
    assert SECRET == victim.read_text()
    if name == "engine.json":
        assert 0 == result.exit_status
    else:
        assert 4 == result.exit_status
        assert "regular file" in result.out
    answers = quick.run(*asking, "--answers", str(first.run_dir), run_dir="other")
    assert "Traceback" not in answers.out
    assert SECRET == victim.read_text()


def test_nothing_of_a_run_is_changed_before_it_is_refused(quick, endpoint, tiny_folder):
    endpoint.script = always(Reply("Status: SUCCESS"))
    asking = ["--model-url", endpoint.base_url, "--dataset", str(tiny_folder), "--questions=Q6", "--limit=2"]
    first = quick.run(*asking)
    answers = first.run_dir / "answers.jsonl"
    answers.write_bytes(answers.read_bytes()[:-30])
    before = {file.name: file.read_bytes() for file in first.run_dir.iterdir() if file.is_file()}
    result = quick.run(*asking, "--resume", "--temperature=0.5")
    assert 4 == result.exit_status
    assert before == {file.name: file.read_bytes() for file in first.run_dir.iterdir() if file.is_file()}


def test_no_temporary_file_is_left(run):
    reports([str(run)])
    assert not [file for file in Path(run).iterdir() if file.name.startswith(".")]
