"""The weighted score of a mix, compared with manual computation, and its places in reports."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.__main__ import main
from reports.analysis.comparability import comparability
from reports.analysis.comparison import UnlikeRunsError
from reports.analysis.mix_scores import mix_json, mix_score
from reports.exchange.junit import JUnitError, load_junit
from reports.gates.file import Gate, parse_metric
from reports.gates.metrics import metric_values
from reports.html.page import write_page
from reports.publish import publish
from reports.records.merge import MergeError, merge
from reports.records.outcomes import ErrorRule, counting_errors, evaluation_of
from reports.records.records import Run
from reports.render import text as render_text
from reports.statistics.aggregate import by_mode
from reports.statistics.intervals import cluster_values, mean_interval
from reports.tables.comparison import compare
from reports.tables.overview import overview
from scoring.questions import Mode
from tests.mix_factory import described, mix_run
from tests.rendering import as_markdown
from tests.run_factory import failed, run_of, scored, write_run
from tests.test_reports_junit import junit

# published: Q2 means 0.5, Q6 means 1; fresh: Q6 means 0 zero-shot, 0.25 ICL
VALUES = {
    ("published/a", "Q2", "zeroshot"): 0.0,
    ("published/b", "Q2", "zeroshot"): 1.0,
    ("published/b", "Q6", "zeroshot"): 1.0,
    ("fresh/a", "Q6", "zeroshot"): 0.0,
    ("fresh/c", "Q6", "zeroshot"): 0.0,
    ("fresh/a", "Q6", "icl"): 0.5,
    ("fresh/c", "Q6", "icl"): 0.0,
}
PARTS = (
    described("published", 3),
    described("fresh", 1, dataset="synthetic:seed=8,per-scenario=1", revision="sha256:2"),
)


def score_of(values, *parts, **fields):
    return mix_score(evaluation_of(mix_run(values, *parts, **fields)))


def test_the_headline_equals_the_value_computed_manually():
    score = score_of(VALUES, *PARTS)
    published, fresh = score.parts
    assert (0.75, 0.125) == (published.mean, fresh.mean)
    assert (3 * 0.75 + 1 * 0.125) / 4 == score.mean
    assert (0.75, 0.25) == (published.share, fresh.share)
    assert (3, 4, 7) == tuple(counts.coverage.planned for counts in (published, fresh, score))


def test_a_run_of_one_dataset_has_no_mix():
    evaluation = evaluation_of(run_of(VALUES))
    assert mix_score(evaluation) is None
    assert "Mix" not in dict(overview(evaluation).facts)


WEIGHTS = st.floats(0.01, 100)


@given(
    st.lists(st.tuples(WEIGHTS, st.lists(st.floats(0, 1), min_size=1, max_size=5)), min_size=1, max_size=5)
)
def test_the_headline_is_the_weighted_mean_whatever_the_sizes(parts):
    values = {
        (f"p{n}/{i}", "Q6", "zeroshot"): v
        for n, (_, scores) in enumerate(parts)
        for i, v in enumerate(scores)
    }
    score = score_of(values, *(described(f"p{n}", weight) for n, (weight, _) in enumerate(parts)))
    means = [sum(scores) / len(scores) for _, scores in parts]
    expected = sum(w * mean for (w, _), mean in zip(parts, means, strict=True)) / sum(w for w, _ in parts)
    assert pytest.approx(expected, abs=1e-9) == score.mean
    assert pytest.approx(1) == sum(part.share for part in score.parts)
    assert score.interval is None or score.interval.low - 1e-9 <= score.mean <= score.interval.high + 1e-9


@pytest.mark.parametrize(
    ("without", "note"),
    [
        (("published/b", "Q6", "zeroshot"), "nothing was measured in zero-shot Q6 of part published."),
        (("published/a", "Q2", "zeroshot"), None),
    ],
)
def test_nothing_is_averaged_over_less_than_was_planned(without, note):
    run = mix_run({**VALUES, without: None}, *PARTS)
    score = mix_score(evaluation_of(run))
    text = render_text.render(overview(evaluation_of(run)), 200)
    assert (note is None) == (score.mean is not None) == (score.parts[0].mean is not None)
    assert note is None or f"The weighted score is undefined: {note}" in text
    assert 0.125 == score.parts[1].mean
    assert 6 == score.coverage.measured


def test_a_part_of_which_nothing_was_planned_leaves_the_headline_undefined():
    values = {key: value for key, value in VALUES.items() if key[0].startswith("fresh")}
    run = mix_run(values, *PARTS)
    assert mix_score(evaluation_of(run)).mean is None
    assert "no item of part published was planned" in render_text.render(overview(evaluation_of(run)), 200)


def test_items_of_a_study_are_not_part_of_the_score():
    run = mix_run(VALUES, *PARTS)
    blank = [replace(item, key=item.key._replace(variant="blank")) for item in run.manifest.planned]
    records = (*run.records, *(scored(item, 1.0) for item in blank))
    study = Run(manifest=replace(run.manifest, planned=(*run.manifest.planned, *blank)), records=records)
    assert mix_score(evaluation_of(run)) == mix_score(evaluation_of(study))


def test_errors_count_as_zero_on_request():
    run = mix_run({**VALUES, ("published/b", "Q6", "zeroshot"): None}, *PARTS)
    item = next(i for i in run.manifest.planned if i.key[:2] == ("published/b", "Q6"))
    run = Run(manifest=run.manifest, records=(*run.records, failed(item)))
    evaluation = counting_errors(evaluation_of(run), ErrorRule.ZERO)
    assert 0.25 == mix_score(evaluation).parts[0].mean
    (table, *_) = overview(evaluation).tables()
    assert "1 item without an answer counts here, by the rule given as Errors at the head." in table.notes


# --- samples that parts share -------------------------------------------------------------------------------


def shared(source):
    """Twenty samples; part a asks Q2 of them, part b Q6, with the same result."""
    values = {}
    for n in range(20):
        values |= {(f"a/{n:02}", "Q2", "zeroshot"): n % 2.0, (f"b/{n:02}", "Q6", "zeroshot"): n % 2.0}
    return mix_run(values, described("a"), described("b", source=source))


def test_a_sample_that_two_parts_share_is_one_piece_of_evidence():
    once = mean_interval([n % 2.0 for n in range(20)])
    same, other = (mix_score(evaluation_of(shared(source))).interval for source in ("a", "b"))
    assert (pytest.approx(once.low), pytest.approx(once.high)) == (same.low, same.high)
    assert other.high - other.low < 0.8 * (once.high - once.low)


def test_the_tables_by_mode_and_gates_use_the_same_score():
    once = mean_interval([n % 2.0 for n in range(20)])
    run = shared("a")
    mean = by_mode(evaluation_of(run).outcomes)[Mode.ZEROSHOT]
    assert (pytest.approx(once.low), pytest.approx(once.high)) == (mean.interval.low, mean.interval.high)
    gate = Gate(metric=parse_metric("zeroshot.Q2+Q6"), threshold=0.1)
    assert [20, 40] == [metric_values(gate, shared(source)).samples for source in ("a", "b")]


def test_a_part_alone_has_the_interval_of_a_mean_of_questions():
    values = {("a/1", "Q2", "zeroshot"): 1.0, ("a/2", "Q2", "zeroshot"): 0.5, ("a/2", "Q6", "zeroshot"): 0.0}
    score = score_of(values, described("a"))
    expected = mean_interval(cluster_values([{"1": 1.0, "2": 0.5}, {"2": 0.0}]))
    assert (pytest.approx(expected.low), pytest.approx(expected.high)) == (
        score.interval.low,
        score.interval.high,
    )
    assert score.interval == score.parts[0].interval


# --- in reports ---------------------------------------------------------------------------------------------


@pytest.fixture
def run_dir(tmp_path):
    return write_run(
        mix_run(VALUES, *PARTS, title="bring-up | index", stand_ins=("dataset: synthetic",)), tmp_path / "r"
    )


def test_the_table(snapshot, run_dir):
    document = publish(run_dir)
    (section, *_) = document.sections
    assert snapshot == render_text.render(document, 100).partition("\nZero-shot")[0]
    assert snapshot == as_markdown(section.tables[0], document.label)


def test_it_is_in_every_report(run_dir):
    publish(run_dir)
    page = write_page(run_dir).read_text()
    for name in ("summary.md", "report.md"):
        assert "- **Mix**: published 75%, fresh 25%" in (run_dir / name).read_text()
        assert "### Mix: bring-up \\| index" in (run_dir / name).read_text()
    assert "<h3>Mix: bring-up | index</h3>" in page
    assert '<p class="headline">59.4</p>' in page
    assert "Weighted: published 75%, fresh 25%; 7 of 7 items measured" in page


def test_the_json_report_has_every_figure(run_dir):
    publish(run_dir)
    report = json.loads((run_dir / "report.json").read_text())
    assert "mix" not in report["identity"]
    assert (
        json.loads(json.dumps(mix_json(score_of(VALUES, *PARTS, title="bring-up | index")))) == report["mix"]
    )
    assert 0.59375 == report["mix"]["mean"]
    assert {
        "name": "published",
        "weight": 3,
        "share": 0.75,
        "mean": 0.75,
        "unmeasured": [],
    }.items() <= report["mix"]["parts"][0].items()


def test_a_mix_is_not_comparable_with_published_figures():
    reasons = comparability(evaluation_of(mix_run(VALUES, *PARTS)))
    assert "a mix of datasets (published, fresh), not nvidia/QCalEval" in reasons


def test_the_printed_command_prints_the_table(run_dir, capsys):
    assert 0 == main([str(run_dir), "--width", "120"])
    assert "Mix: bring-up | index" in capsys.readouterr().out


# --- JUnit files --------------------------------------------------------------------------------------------


def test_junit_files_alone_make_the_same_table(tmp_path):
    run = mix_run(VALUES, *PARTS)
    (tmp_path / "a.xml").write_text(junit(run))
    assert mix_score(evaluation_of(run)) == mix_score(load_junit([tmp_path / "a.xml"]))


def test_junit_files_of_unlike_mixes_are_refused(tmp_path):
    for name, weight in (("a", 1), ("b", 2)):
        run = mix_run(VALUES, described("published", weight), described("fresh"))
        (tmp_path / f"{name}.xml").write_text(junit(run))
    with pytest.raises(
        JUnitError, match=r"b.xml: mix is index of published \(weight 2\), fresh .*, but index of publis"
    ):
        load_junit([tmp_path / "a.xml", tmp_path / "b.xml"])


@pytest.mark.parametrize(
    "text", ["{", "3", '{"title": "x", "parts": []}', '{"title": "x", "parts": [{"name": 1}]}']
)
def test_a_property_that_is_not_a_mix_is_refused(tmp_path, text):
    stated = junit(mix_run(VALUES, *PARTS)).replace("qcal_mix", "x")
    file = tmp_path / "a.xml"
    escaped = text.replace('"', "&quot;")
    file.write_text(
        stated.replace("<properties>", f'<properties><property name="qcal_mix" value="{escaped}"/>')
    )
    with pytest.raises(JUnitError, match=r"a.xml: property qcal_mix is not a mix of datasets"):
        load_junit([file])


# --- differences --------------------------------------------------------------------------------------------


def unlike_mixes():
    """Runs of two mixes that differ in a weight, and so in their revision."""
    return [
        mix_run(
            VALUES, described("published", 3), described("fresh", weight), dataset_revision=f"sha256:{weight}"
        )
        for weight in (1, 2)
    ]


def test_merging_unlike_mixes_names_part_and_key():
    with pytest.raises(MergeError, match=r"setting mix.fresh.weight is 2, not 1 as in run"):
        merge(unlike_mixes())


def test_comparing_unlike_mixes_names_part_and_key():
    first, second = map(evaluation_of, unlike_mixes())
    with pytest.raises(UnlikeRunsError, match=r"mix.fresh.weight is 1 in one and 2 in the other"):
        compare(first, second)


def test_runs_of_one_mix_are_compared():
    first, second = (evaluation_of(mix_run(VALUES, *PARTS, model=name)) for name in ("a", "b"))
    assert () == compare(first, second).warnings


def test_comparing_a_mix_with_one_dataset_names_the_mix():
    first, second = mix_run(VALUES, *PARTS), run_of(VALUES)
    with pytest.raises(UnlikeRunsError, match=r"; mix is index in one and not set in the other"):
        compare(evaluation_of(first), evaluation_of(second))


def test_shards_of_a_mix_merge_into_the_whole():
    whole = mix_run(VALUES, *PARTS)
    keys = [*VALUES]
    shards = [
        mix_run({key: VALUES[key] for key in chosen}, *PARTS, run_id=f"r{n}")
        for n, chosen in enumerate((keys[::2], keys[1::2]))
    ]
    assert mix_score(evaluation_of(whole)) == mix_score(evaluation_of(merge(shards)))


def test_a_damaged_description_is_a_damaged_run(tmp_path, capsys):
    run = mix_run(VALUES, *PARTS)
    path = write_run(run, tmp_path / "run")
    manifest = json.loads((path / "run.json").read_text())
    manifest["settings"]["mix"]["parts"][0]["weight"] = 0
    (path / "run.json").write_text(json.dumps(manifest))
    assert 2 == main([str(path)])
    assert "part 'published' of a mix: weight is 0; expected a number above 0" in capsys.readouterr().err
