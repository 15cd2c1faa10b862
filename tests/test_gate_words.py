"""Messages about verdicts in a log, a report, JSON and on GitHub, and the command that prints them."""

import json
import random
from dataclasses import replace
from pathlib import Path

import pytest

from reports.__main__ import main
from reports.gates.verdicts import judge_run
from reports.render import markdown as render_markdown
from reports.tables.gates import gate_section, gates_json, github_annotations, log_lines
from reports.tables.model import Document
from tests.gate_factory import gate, gate_file, q6, right, run_with
from tests.run_factory import write_run

BASE = Path("runs/base")
RUN = Path("runs/new")


def everything(**limits):
    """A file whose gates meet all verdicts, on a run with repeats and with two items missing."""
    source = random.Random(4)
    pairs = [tuple(float(source.random() < 0.9) for _ in range(2)) for _ in range(38)]
    run = run_with(
        {("Q6", "zeroshot"): [*pairs, (1.0, None), (None, 1.0)], ("Q2", "zeroshot"): right(10, of=40)}
    )
    base = run_with({("Q6", "zeroshot"): right(36, of=40), ("Q2", "zeroshot"): right(38, of=40)})
    gates = (
        gate(min=60),
        gate(min=86),
        gate(min=93, mode="point"),
        gate(min=60, family="f0"),
        gate("icl.mean.delta", min=0),
        gate("zeroshot.Q2", max_drop=2, baseline=BASE),
        gate("zeroshot.Q6", max_drop=2, baseline=BASE),
    )
    return judge_run(gate_file(Path("gates.toml"), *gates, **limits), run, {BASE: base})


def test_the_lines_of_a_log(snapshot):
    assert snapshot == "\n".join(log_lines(everything(), RUN))


def test_the_lines_of_a_log_with_an_obstacle(snapshot):
    assert snapshot == "\n".join(log_lines(everything(max_unmeasured=0), RUN))


def test_the_table_of_a_report(snapshot):
    document = Document(title="t", facts=(), warnings=(), sections=(gate_section(everything()),))
    assert snapshot == render_markdown.render(document)


def test_the_json_of_a_report(snapshot):
    assert snapshot == json.dumps(gates_json(everything()), indent=1, allow_nan=False)


def closing(run, *gates, **limits):
    report = judge_run(gate_file(Path("gates.toml"), *gates, **limits), run, {BASE: q6(*right(38, of=40))})
    return log_lines(report, RUN)[-1]


DROP = gate("zeroshot.Q6", max_drop=0, baseline=BASE)
LAST_LINES = [
    ([gate(min=55)], "PASS (exit status 0): every gate passes"),
    (
        [gate(min=55), gate(max=50)],
        "FAIL (exit status 1): 1 of 2 gates failed; next: see which items fail: {reports} --full",
    ),
    ([gate(max=50), DROP], "FAIL (exit status 1): 2 of 2 gates failed; next: see what broke: {compare}"),
    ([gate(min=70)], "INCONCLUSIVE (exit status 10): 1 of 1 gates undecided, none failed; next: {more}"),
    ([gate("icl.Q6", min=70)], "CANNOT BE GATED (exit status 11): 1 of 1 gates, none failed; next: {repair}"),
]
WORDS = {
    "reports": "python -m reports runs/new",
    "compare": "python -m reports compare runs/base runs/new",
    "more": "ask more samples or repeats, as noted with each gate, or let a person decide",
    "repair": "fix what is noted with each gate, then run: qcaleval gate runs/new --gate gates.toml",
}


@pytest.mark.parametrize(("gates", "expected"), LAST_LINES)
def test_the_last_line_says_what_to_do_next(gates, expected):
    assert f"gates.toml: {expected.format(**WORDS)}" == closing(q6(*right(30, of=40)), *gates)


def test_what_is_missing_is_to_be_measured_first():
    assert (
        "1 of 1 gates, none failed; next: measure what is missing (--lf what failed, --resume all), then: "
        "qcaleval gate runs/new --gate gates.toml"
    ) in closing(q6(*right(30, of=40), None), gate(min=60), max_unmeasured=0)


def test_annotations_are_errors_and_warnings_and_none_for_what_passes():
    lines = github_annotations(everything())
    kinds = [line.split(" title=")[0] for line in lines]
    assert ["::error", "::error", "::error", "::error", "::error"] == kinds
    assert "::error title=QCalEval gate%3A FAIL::zeroshot.Q2, max_drop 2 from runs/base: -70.0," in "\n".join(
        lines
    )


def test_an_annotation_cannot_contain_a_command():
    family = "100%\n::error::forged"
    report = judge_run(gate_file(Path("gates.toml"), gate(min=60, family=family)), q6(*right(9, of=10)), {})
    (line,) = github_annotations(report)
    assert "\n" not in line
    assert "100%25 ::error::forged" in line
    assert all("\n" not in text for text in log_lines(report, RUN)) is False, "escaped where it is printed"


# --- the command ---


@pytest.fixture
def command(tmp_path, monkeypatch, capsys):
    """Runs ``reports gate`` in a folder with a run, a baseline and the gates given; returns status and output."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GITHUB_ACTIONS", raising=False)
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)
    write_run(q6(*right(30, of=40)), Path("run"))
    write_run(q6(*right(38, of=40)), Path("base"))

    def command(gates, *more):
        Path("gates.toml").write_text(gates)
        status = main(["gate", "run", "--gate", "gates.toml", *more])
        captured = capsys.readouterr()
        return status, captured.out, captured.err

    return command


@pytest.mark.parametrize(
    ("status", "gates"),
    [
        (0, '[[gate]]\nmetric = "zeroshot.Q6"\nmin = 50\n'),
        (1, '[[gate]]\nmetric = "zeroshot.Q6"\nmin = 95\nmode = "point"\n'),
        (1, '[[gate]]\nmetric = "zeroshot.Q6"\nbaseline = "base"\nmax_drop = 2\n'),
        (10, '[[gate]]\nmetric = "zeroshot.Q6"\nmin = 70\n'),
        (11, '[[gate]]\nmetric = "zeroshot.mean"\nmin = 70\n'),
    ],
)
def test_the_exit_status_is_the_verdict(command, status, gates):
    got, out, _ = command(gates)
    assert status == got
    assert f"(exit status {status})" in out.splitlines()[-1]


def test_verdicts_are_in_the_reports_of_the_run(command):
    Path("run/report.html").touch()
    command('[[gate]]\nmetric = "zeroshot.Q6"\nmin = 50\n')
    report = json.loads(Path("run/report.json").read_text())["gates"]
    assert ("PASS", 0, "zeroshot.Q6, min 50") == (
        report["verdict"],
        report["exit_status"],
        report["gates"][0]["title"],
    )
    for name in ("report.md", "summary.md"):
        assert "gates.toml: PASS, exit status 0." in Path("run", name).read_text()
    assert "gates.toml: PASS (exit status 0): every gate passes</p>" in Path("run/report.html").read_text()
    main(["run"])
    assert "gates" not in json.loads(Path("run/report.json").read_text()), "verdicts are on what was gated"


def test_a_summary_fits_a_comment(command):
    command('[[gate]]\nmetric = "zeroshot.Q6"\nmin = 50\n')
    assert len(Path("run/summary.md").read_text()) < 65_536


def test_github_gets_annotations_and_a_summary(command, monkeypatch):
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", "summary")
    Path("summary").write_text("earlier step\n")
    _, out, _ = command('[[gate]]\nmetric = "zeroshot.Q6"\nmin = 70\n')
    assert out.startswith("::warning title=QCalEval gate%3A INCONCLUSIVE::zeroshot.Q6, min 70: 75.0,")
    assert Path("summary").read_text().startswith("earlier step\n# QCalEval: test-vlm\n")
    assert "## Gates" in Path("summary").read_text()


def test_elsewhere_there_are_no_annotations(command):
    assert "::" not in command('[[gate]]\nmetric = "zeroshot.Q6"\nmin = 70\n')[1]


UNLIKE = '[[gate]]\nmetric = "zeroshot.Q6"\nbaseline = "other"\nmax_drop = 2\n'


@pytest.mark.parametrize(
    ("gates", "complaint"),
    [
        ("", "reports: gates.toml: no [[gate]] in it"),
        (
            UNLIKE.replace("other", "gone"),
            "reports: gates.toml: baseline gone: no run.json here; name a run directory",
        ),
        (
            UNLIKE,
            "reports: gates.toml: zeroshot.Q6, max_drop 2 from other: the baseline is another kind of run: scorer",
        ),
        (UNLIKE.replace("other", "empty"), "reports: gates.toml: baseline empty: nothing was measured in it"),
    ],
)
def test_a_mistake_is_one_line_and_status_2(command, gates, complaint):
    run = q6(*right(38, of=40))
    write_run(replace(run, manifest=replace(run.manifest, scorer="strict")), Path("other"))
    write_run(replace(run, records=()), Path("empty"))
    status, _, error = command(gates)
    assert 2 == status
    assert error.startswith(complaint)
    assert 1 == error.count("\n")


def test_other_judges_matter_if_judges_grade(command):
    run = run_with({("Q1", "zeroshot"): right(20, of=20), ("Q6", "zeroshot"): right(20, of=20)})
    write_run(replace(run, manifest=replace(run.manifest, judges=())), Path("unjudged"))
    write_run(run, Path("run"))
    unjudged = '[[gate]]\nmetric = "zeroshot.{}"\nbaseline = "unjudged"\nmax_drop = 50\n'
    assert 0 == command(unjudged.format("Q6"))[0]
    assert "judges is not set in one and gpt-5.4 in the other" in command(unjudged.format("Q1"))[2]
