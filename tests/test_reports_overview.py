"""The content of a run's standard report, in every format."""

import json
import random

import pytest

from reports.publish import publish
from reports.records.outcomes import ErrorRule, evaluation_of
from reports.records.records import Answer, Run
from reports.render import markdown as render_markdown
from reports.render import text as render_text
from reports.tables.overview import overview
from scoring.questions import Mode
from scoring.score import Score
from tests.run_factory import failed, judge_failed, manifest, planned_item, scored, unjudged, write_run


def a_run():
    """Twelve samples in two families, all questions and modes, with one of everything that can go wrong."""
    random.seed(5)
    items = [
        planned_item(f"{family}_{n}", question.value, mode.value, family=family, scenario=f"{family}_success")
        for family in ("drag", "rabi")
        for n in range(6)
        for mode in Mode
        for question in mode.questions
    ]
    records = [scored(item, random.choice([0.0, 0.0, 1.0, 1.0, 1.0])) for item in items[:-2]]
    cut = Answer(text="cut", finish_reason="length")
    records[0] = scored(items[0], 1 / 3, answer=cut, flags=("truncated", "thought"))
    records[1] = failed(items[1], "http_400", "the prompt has 40000 tokens, the model takes 32768 (HTTP 400)")
    records[2] = unjudged(items[2])
    records[3] = judge_failed(items[3])
    records[4] = scored(items[4], 1.0, other_score=Score(value=0.0, extracted=None, expected="SUCCESS"))
    return Run(manifest=manifest(items), records=tuple(records), torn_lines=1)


@pytest.fixture
def run_dir(tmp_path):
    return write_run(a_run(), tmp_path / "run")


def test_the_text_report(snapshot, run_dir):
    assert snapshot == render_text.render(publish(run_dir), 80)


def test_the_markdown_report(snapshot, run_dir):
    document = publish(run_dir)
    assert snapshot == render_markdown.render(document)
    complete = (run_dir / "report.md").read_text()
    assert all(f"## {section.title}" in complete for section in document.sections)
    assert "### Q2 answers (zero-shot)" in complete


def test_the_json_report(snapshot, run_dir):
    publish(run_dir)
    report = json.loads((run_dir / "report.json").read_text())
    breakdown = report.pop("breakdown")
    assert ["zeroshot", "icl"] == list(breakdown)
    assert snapshot == json.dumps(report, indent=1)


@pytest.mark.parametrize("rule", ErrorRule)
def test_the_rule_for_errors_is_stated_in_the_header_and_at_every_table_that_it_may_change(run_dir, rule):
    document = publish(run_dir, errors=rule)
    text = render_text.render(document, 200)
    counts = rule is not ErrorRule.UNMEASURED
    assert f"{rule}: items without an answer count" in text
    assert counts == (
        "1 item without an answer counts here, by the rule given as Errors at the head." in text
    )
    assert text.count(f"[errors: {rule}]") == (len(list(document.tables())) if counts else 0)
    assert rule == json.loads((run_dir / "report.json").read_text())["errors"]


def test_stand_ins_are_named_at_every_table():
    run = Run(manifest=manifest(a_run().manifest.planned, stand_ins=("judge: lexical overlap",)), records=())
    document = overview(evaluation_of(run), run)
    text = render_text.render(document, 200)
    assert len(list(document.tables())) == text.count("[stand-ins: judge: lexical overlap]") > 1


def test_a_run_that_measured_nothing_has_tables_without_figures():
    run = Run(manifest=manifest([planned_item("a", "Q6")]), records=())
    text = render_text.render(overview(evaluation_of(run), run))
    assert "Q6 diagnosis        1         0  0.0     -" in text
    assert "nothing was measured in Q6" in text


def test_publishing_twice_gives_the_same_files(run_dir):
    publish(run_dir)
    first = [(run_dir / name).read_bytes() for name in ("report.json", "report.md")]
    publish(run_dir)
    assert first == [(run_dir / name).read_bytes() for name in ("report.json", "report.md")]


def test_variants_of_a_study_are_not_mixed():
    items = [planned_item("a", variant=variant) for variant in ("", "blurred")]
    run = Run(manifest=manifest(items), records=(scored(items[0], 1.0), scored(items[1], 0.0)))
    titles = [table.title for table in overview(evaluation_of(run), run).tables()]
    assert ["Zero-shot", "Zero-shot, variant blurred"] == titles
