"""Every report of a run shows how reliable its judges are."""

import json

import pytest

from reports.__main__ import main
from reports.records.outcomes import evaluation_of
from reports.records.run_files import RunGarbledError, load_run
from reports.tables.overview import overview
from tests.run_factory import run_of, write_run


def write_canary(folder, **agreements):
    judges = [{"judge": judge, "agreement": value, "grades": []} for judge, value in agreements.items()]
    (folder / "canary.json").write_text(json.dumps({"schema_version": 1, "answers": [], "judges": judges}))
    return folder


@pytest.fixture
def shard(tmp_path):
    """Writes the run of one sample, with a canary."""

    def write(sample, **agreements):
        run = run_of({(sample, "Q1", "zeroshot"): 0.5}, run_id=f"shard-{sample}")
        return write_canary(write_run(run, tmp_path / sample), **agreements)

    return write


def test_agreement_is_in_the_head_of_the_report_and_in_its_json(shard):
    folder = shard("a", judge_a=0.9, judge_b=0.625)
    run = load_run(folder)
    facts = dict(overview(evaluation_of(run), run).facts)
    assert (
        "judge_a agrees with 90% of known grades; judge_b agrees with 62% of known grades"
        == facts["Judge canary"]
    )
    assert 0 == main([str(folder)])
    assert {"judge_a": 0.9, "judge_b": 0.625} == json.loads((folder / "report.json").read_text())[
        "judge_agreement"
    ]


def test_without_a_canary_nothing_is_said(tmp_path):
    run = load_run(write_run(run_of({("a", "Q1", "zeroshot"): 0.5}), tmp_path / "run"))
    assert {} == run.judge_agreement
    assert "Judge canary" not in dict(overview(evaluation_of(run), run).facts)


def test_of_merged_shards_the_lowest_agreement_counts(shard, tmp_path):
    shards = [shard("a", judge_a=0.9), shard("b", judge_a=0.7)]
    assert 0 == main(["merge", *map(str, shards), "--out", str(tmp_path / "all")])
    assert {"judge_a": 0.7} == load_run(tmp_path / "all").judge_agreement


@pytest.mark.parametrize(
    "text", ["{", "{}", '{"judges": [{"judge": "a"}]}', '{"judges": [{"judge": "a", "agreement": "x"}]}']
)
def test_a_garbled_canary_is_named_with_what_to_do(shard, text):
    folder = shard("a")
    (folder / "canary.json").write_text(text)
    with pytest.raises(RunGarbledError, match=r"canary\.json: not a judge canary's result \(.*\); delete it"):
        load_run(folder)
