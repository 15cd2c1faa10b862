import json
from dataclasses import replace

import pytest

from reports.records.lines import sealed
from reports.records.records import Run
from reports.records.run_files import RunFileError, RunMissingError, RunTooNewError, load_run
from scoring.score import Score
from tests.run_factory import manifest, planned_item, run_of, scored, write_run

VALUES = {("a", "Q2", "zeroshot"): 1.0, ("a", "Q6", "icl"): 0.0, ("b", "Q2", "zeroshot"): None}


@pytest.fixture
def directory(tmp_path):
    return write_run(run_of(VALUES), tmp_path / "run")


def test_a_run_comes_back_as_it_was_written(directory):
    assert run_of(VALUES) == load_run(directory)


def test_a_run_that_has_no_records_yet_has_measured_nothing(directory):
    (directory / "records.jsonl").unlink()
    run = load_run(directory)
    assert (3, 0) == (len(run.manifest.planned), len(run.records))


@pytest.mark.parametrize("cut", [2, 20, 200])
def test_a_torn_last_line_is_left_out_and_counted(directory, cut):
    file = directory / "records.jsonl"
    file.write_bytes(file.read_bytes()[:-cut])
    run = load_run(directory)
    assert (1, 1) == (len(run.records), run.torn_lines)


def test_a_last_line_cut_inside_a_character_is_torn(directory):
    with (directory / "records.jsonl").open("ab") as stream:
        stream.write('{"sample_id": "µ'.encode()[:-1])
    assert (2, 1) == (len(load_run(directory).records), load_run(directory).torn_lines)


def test_a_last_line_that_lacks_only_its_line_end_is_a_record(directory):
    file = directory / "records.jsonl"
    file.write_bytes(file.read_bytes().rstrip(b"\n"))
    run = load_run(directory)
    assert (2, 0) == (len(run.records), run.torn_lines)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"status": "great"}, r"Invalid enum value 'great' - at `\$.status`"),
        ({"question": "Q7"}, r"Invalid enum value 'Q7' - at `\$.question`"),
        ({"score": 3}, r"Expected `object.*got `int` - at `\$.score`"),
        (
            {"score": {"value": 1.5, "extracted": 1, "expected": 1}},
            r"score 1.5 is not in 0..1 - at `\$.score`",
        ),
        ({"attempts": "3"}, r"Expected `int \| null`, got `str` - at `\$.attempts`"),
        ({"latency_s": [1]}, r"Expected `float \| null`, got `array` - at `\$.latency_s`"),
        ({"sample_id": None}, r"Expected `str`, got `null` - at `\$.sample_id`"),
    ],
)
def test_a_line_with_an_impossible_field_is_an_error(directory, change, reason):
    file = directory / "records.jsonl"
    record = json.loads(file.read_text().splitlines()[0])
    file.write_text(json.dumps(record | change) + "\n")
    with pytest.raises(RunFileError, match=f"line 1: not a record.*{reason}"):
        load_run(directory)


def test_a_missing_field_is_named(directory):
    file = directory / "records.jsonl"
    record = json.loads(file.read_text().splitlines()[0])
    del record["family"]
    file.write_text(json.dumps(record) + "\n")
    with pytest.raises(RunFileError, match="missing required field `family`"):
        load_run(directory)


def test_a_folder_that_is_not_a_run_is_an_error(tmp_path):
    with pytest.raises(RunMissingError, match=r"no run\.json here; name a run directory"):
        load_run(tmp_path)


def test_a_run_of_a_later_version_is_refused(directory):
    file = directory / "run.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"schema_version": 99}))
    with pytest.raises(RunTooNewError, match="schema version 99, this version reads up to 1; update"):
        load_run(directory)


def test_a_garbled_manifest_is_named(directory):
    (directory / "run.json").write_text("[1, 2]")
    with pytest.raises(RunFileError, match=r"run\.json: not a run's manifest"):
        load_run(directory)


def test_texts_can_be_left_out(directory):
    answers = {record.answer.text for record in load_run(directory, texts=False).records}
    assert {""} == answers


def test_so_can_what_no_figure_rests_on(tmp_path):
    item = planned_item("a", "Q6")
    other = Score(value=0.5, extracted="read", expected="SUCCESS", components={"part": 0.5})
    record = scored(
        item, 1.0, other_score=other, request_sha256="0" * 64, finished_at="2026-04-28T00:00:00+00:00"
    )
    folder = write_run(Run(manifest=manifest([item]), records=(record,)), tmp_path / "run")
    (loaded,) = load_run(folder, texts=False).records
    assert (None, None) == (loaded.request_sha256, loaded.finished_at)
    assert Score(value=0.5, extracted=None, expected=None) == loaded.other_score
    assert record.score == loaded.score


@pytest.mark.parametrize(
    "line",
    [
        b'{"a": 1e999}',
        b"[" * 100_000,
        b'{"a": "\xff"}',
        b"null",
        b"[]",
        b'{"a": NaN}',
        b'{"a": "\\ud800"}',
        b"\0" * 512,
    ],
)
def test_a_line_that_is_not_json_is_damaged(directory, line):
    file = directory / "records.jsonl"
    expected = load_run(directory)
    file.write_bytes(line + b"\n" + file.read_bytes())
    assert replace(expected, damaged_lines=1) == load_run(directory)


def test_a_line_that_is_json_but_not_what_was_written_is_damaged(directory):
    file = directory / "records.jsonl"
    first, second = (sealed(json.loads(line)) for line in file.read_bytes().splitlines())
    file.write_bytes(first.replace(b"scored", b"Scored") + second)
    run = load_run(directory)
    assert (1, 1) == (run.damaged_lines, len(run.records))
