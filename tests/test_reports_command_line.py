import json
from dataclasses import replace

import pytest

from reports.__main__ import main
from reports.publish import figures_json
from reports.records.merge import MergeError, merge
from reports.records.outcomes import evaluation_of
from reports.records.records import JudgeIdentity, item_properties
from reports.records.stored import final_records
from tests.run_factory import planned_item, run_of, write_run

VALUES = {
    (sample, question, mode): float(len(sample) % 2) if question == "Q6" else ord(sample[0]) / 128
    for sample in ("a", "bb", "ccc", "dddd", *"efghijklm")
    for question, mode in (("Q5", "zeroshot"), ("Q6", "zeroshot"), ("Q6", "icl"))
}


@pytest.fixture
def run_dir(tmp_path):
    return write_run(run_of(VALUES), tmp_path / "run")


def shards(tmp_path):
    """The run's samples in two runs, the second begun first."""
    parts = [
        {key: VALUES[key] for key in VALUES if (key[0] in {"a", "ccc", "f", "i", "k"}) == first}
        for first in (True, False)
    ]
    return [
        write_run(
            run_of(part, run_id=f"shard-{n}", started_at=f"2026-05-0{9 - n}T00:00:00Z"),
            tmp_path / f"shard-{n}",
        )
        for n, part in enumerate(parts)
    ]


def test_a_runs_tables_are_printed_and_its_reports_written(run_dir, capsys):
    assert 0 == main([str(run_dir), "--width", "80"])
    assert "Q6 diagnosis 13 13 100.0 84.6" in " ".join(capsys.readouterr().out.split())
    assert {"report.json", "report.md"} <= {file.name for file in run_dir.iterdir()}


def test_one_junit_file_gives_the_tables(tmp_path, capsys):
    pairs = [*item_properties(planned_item("a")), ("qcal_status", "scored"), ("qcal_score", "0.5")]
    properties = "".join(f'<property name="{name}" value="{value}"/>' for name, value in pairs)
    file = tmp_path / "a.xml"
    file.write_text(f"<testsuite><testcase><properties>{properties}</properties></testcase></testsuite>")
    assert 0 == main([str(file)])
    assert "Q6 diagnosis        1         1  100.0  50.0" in capsys.readouterr().out


def test_the_merged_shards_equal_the_run(tmp_path, capsys):
    sources = shards(tmp_path)
    assert 0 == main(["merge", *map(str, sources), "--out", str(tmp_path / "all")])
    report = json.loads((tmp_path / "all" / "report.json").read_text())
    assert json.loads(json.dumps(figures_json(evaluation_of(run_of(VALUES))))) == {
        name: report[name] for name in ("questions", "means", "icl_deltas")
    }
    assert "all" == report["run_id"]


def test_stored_answers_are_merged_but_for_a_torn_line(tmp_path):
    sources = shards(tmp_path)
    (sources[0] / "answers.jsonl").write_bytes(b'{"a": 1}\n{"b": 2}\n{"torn')
    (sources[1] / "answers.jsonl").write_bytes(b'{"c": 3}\n')
    main(["merge", *map(str, sources), "--out", str(tmp_path / "all")])
    assert b'{"a": 1}\n{"b": 2}\n{"c": 3}\n' == (tmp_path / "all" / "answers.jsonl").read_bytes()


def test_an_item_in_several_runs_keeps_its_first_measurement():
    key = ("a", "Q6", "zeroshot")
    runs = [run_of({key: value}, run_id=str(n)) for n, value in enumerate([None, 0.0, 1.0])]
    merged = merge(runs)
    assert [0.0] == [record.score.value for record in final_records(merged).values()]
    assert 1 == len(merged.manifest.planned)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"model": "other"}, "run b: model is other, not test-vlm as in run a"),
        ({"dataset_revision": "fff"}, "dataset revision is fff"),
        ({"scorer": "strict"}, "scorer is strict, not compatible"),
        ({"judges": (JudgeIdentity(model="j", base_url=""),)}, "judges is j, not gpt-5.4"),
        ({"settings": {"max_tokens": 5, "temperature": 0.0}}, "setting max_tokens is 5, not 16384"),
    ],
)
def test_unlike_runs_are_not_merged(change, message):
    runs = [run_of(VALUES, run_id="a"), run_of(VALUES, run_id="b", **change)]
    with pytest.raises(MergeError, match=message):
        merge(runs)


def test_the_server_may_differ_between_shards():
    run = run_of(VALUES)
    other = replace(run, manifest=replace(run.manifest, base_url="http://elsewhere/v1", run_id="other"))
    assert len(VALUES) == len(merge([run, other]).manifest.planned)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere"], "reports: nowhere: no run.json here; name a run directory"),
        (["gone.xml", "gone2.xml"], "reports: gone.xml: cannot be read (No such file or directory)"),
        (["merge", "nowhere", "--out", "x"], "reports: nowhere: no run.json here"),
    ],
)
def test_a_users_mistake_is_one_line_and_status_2(tmp_path, monkeypatch, capsys, arguments, message):
    monkeypatch.chdir(tmp_path)
    assert 2 == main(arguments)
    error = capsys.readouterr().err
    assert error.startswith(message)
    assert 1 == error.count("\n")


def test_runs_and_junit_files_do_not_mix(run_dir, tmp_path, capsys):
    assert 2 == main([str(run_dir), str(tmp_path / "a.xml")])
    assert "a directory among several paths; give one run, or only JUnit files" in capsys.readouterr().err


def test_merging_into_a_run_is_refused(run_dir, tmp_path, capsys):
    assert 2 == main(["merge", str(run_dir), "--out", str(run_dir)])
    assert "holds a run already; name a new directory with --out" in capsys.readouterr().err


def test_help_names_every_command(capsys):
    with pytest.raises(SystemExit, match="0"):
        main(["--help"])
    out = capsys.readouterr().out
    assert all(f"python -m reports {words}" in out for words in ("RUN", "a.xml b.xml", "merge RUN"))
