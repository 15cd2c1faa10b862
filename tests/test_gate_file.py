"""A gate file is read as written, or refused in one line with the place and the remedy."""

import subprocess
import sys
from pathlib import Path

import pytest

from reports.gates.file import Decision, GateFileError, RateName, parse_metric, read_gate_file
from scoring.questions import Mode, Question
from tests.inner_run import REPOSITORY
from tests.refusals import refusal


@pytest.fixture
def read(tmp_path):
    def read(text):
        file = tmp_path / "gates.toml"
        file.write_text(text)
        return read_gate_file(file)

    return read


def gate(**keys):
    return "[[gate]]\n" + "\n".join(f"{key} = {value}" for key, value in keys.items()) + "\n"


MEAN = '"zeroshot.mean"'

# --- what is understood ---


@pytest.mark.parametrize(
    ("name", "mode", "questions", "delta"),
    [
        ("zeroshot.mean", Mode.ZEROSHOT, "Q1 Q2 Q3 Q4 Q5 Q6", False),
        ("icl.mean", Mode.ICL, "Q3 Q5 Q6", False),
        ("zeroshot.Q6", Mode.ZEROSHOT, "Q6", False),
        ("zeroshot.Q2+Q4+Q6", Mode.ZEROSHOT, "Q2 Q4 Q6", False),
        ("icl.Q5", Mode.ICL, "Q5", False),
        ("icl.Q6.delta", Mode.ICL, "Q6", True),
        ("icl.Q5+Q6.delta", Mode.ICL, "Q5 Q6", True),
        ("icl.mean.delta", Mode.ICL, "Q3 Q5 Q6", True),
    ],
)
def test_scores_are_named_by_mode_and_questions(name, mode, questions, delta):
    metric = parse_metric(name)
    assert (name, mode, tuple(map(Question, questions.split())), delta, None) == (
        metric.name,
        metric.mode,
        metric.questions,
        metric.delta,
        metric.rate,
    )


def test_a_level_is_that_of_all_gates(read):
    file = read(f"level = 0.9\n{gate(metric=MEAN, min=1)}{gate(metric=MEAN, min=2)}")
    assert 0.9 == file.level
    assert [0.9, 0.9] == [entry.level for entry in file.gates]
    assert 0.95 == read(gate(metric=MEAN, min=1)).level


def test_an_anchor_is_a_second_gate(read):
    text = gate(metric=MEAN, baseline='"runs/last"', anchor='"baselines/2026-01"', max_drop=2)
    moving, fixed = read(text).gates
    assert (Path("runs/last"), False, Path("baselines/2026-01"), True) == (
        moving.baseline,
        moving.anchor,
        fixed.baseline,
        fixed.anchor,
    )
    assert moving.threshold == fixed.threshold
    assert "zeroshot.mean, max_drop 2 from anchor baselines/2026-01" == fixed.title


@pytest.mark.parametrize("rate", RateName)
def test_rates_are_those_of_zero_shot_answers(rate):
    metric = parse_metric(rate.value)
    assert (Mode.ZEROSHOT, (rate.question,), rate) == (metric.mode, metric.questions, metric.rate)


def test_rates_of_icl_answers_are_labelled():
    assert Mode.ICL is parse_metric("icl.q6.false_success").mode


@pytest.mark.parametrize(
    "name",
    [
        "zeroshot",
        "zeroshot.",
        "zeroshot.Q7",
        "zeroshot.q6",
        "zeroshot.Q6+Q2",
        "zeroshot.Q6+Q6",
        "zeroshot.Q6.delta",
        "icl.Q2",
        "icl.delta",
        "icl.q2.unreadable",
        "fewshot.mean",
        "q3.unreadable",
        "",
    ],
)
def test_an_unknown_metric_is_refused_with_those_that_there_are(name):
    with pytest.raises(
        ValueError, match=r"^unknown metric '.*'; choose from zeroshot.mean, .*q6.false_success"
    ):
        parse_metric(name)


def test_the_gates_of_the_example_in_full(read):
    file = read(
        gate(metric=MEAN, min=70)
        + gate(metric='"zeroshot.Q6"', min=60.5, family='"rabi"')
        + gate(metric='"icl.Q6.delta"', min=-10)
        + gate(metric=MEAN, baseline='"runs/2026-11-01-prod"', max_drop=2.0)
        + gate(metric='"q6.false_success"', max=15, mode='"point"')
        + "[coverage]\nmax_unmeasured = 0\nmax_truncated = 0.01\n[judges]\nmin_agreement = 0.7\n"
    )
    assert [
        "zeroshot.mean, min 70",
        "zeroshot.Q6 of rabi, min 60.5",
        "icl.Q6.delta, min -10",
        "zeroshot.mean, max_drop 2 from runs/2026-11-01-prod",
        "q6.false_success, max 15, plain figure",
    ] == [entry.title for entry in file.gates]
    assert [0.7, 0.605, -0.1, -0.02, 0.15] == [entry.threshold for entry in file.gates]
    assert [False, False, False, False, True] == [entry.at_most for entry in file.gates]
    assert [False, False, True, True, False] == [entry.differential for entry in file.gates]
    assert [Decision.INTERVAL] * 4 + [Decision.POINT] == [entry.decision for entry in file.gates]
    assert (0, 0.01, 0.7) == (file.max_unmeasured, file.max_truncated, file.min_agreement)
    assert (Path("runs/2026-11-01-prod"),) == file.baselines


def test_what_is_left_out_is_not_limited(read):
    file = read(gate(metric=MEAN, min=70))
    assert (None, None, None) == (file.max_unmeasured, file.max_truncated, file.min_agreement)


# --- what is refused ---

GOOD = gate(metric=MEAN, min=70)
MISTAKES = [
    ("", "no [[gate]] in it"),
    ("gate = 3", "no [[gate]] in it"),
    ("gate = [3]", "gate 1 is 3; expected a table"),
    ("[[gate]", "not TOML ("),
    (
        GOOD + "[covrage]\nmax_unmeasured = 0",
        "the file: unknown key 'covrage'; known: coverage, gate, judges, level",
    ),
    (
        gate(metric=MEAN, mni=70),
        "gate 1: unknown key 'mni'; known: anchor, baseline, family, max, max_drop, metric, min, mode",
    ),
    (gate(min=70), "gate 1: no metric; choose from zeroshot.mean, "),
    (gate(metric=3, min=70), "gate 1: metric is 3; expected a text"),
    (gate(metric='"zeroshot.Q9"', min=70), "gate 1: unknown metric 'zeroshot.Q9'; choose from"),
    (GOOD + gate(metric='"icl.mean"'), "gate 2: no condition; give one of min, max, max_drop"),
    (gate(metric=MEAN, min=70, max=80), "gate 1: min and max; give one of min, max, max_drop"),
    (gate(metric=MEAN, min=70, max_drop=2, baseline='"a"'), "gate 1: min and max_drop; give one of"),
    (gate(metric=MEAN, max_drop=2), "gate 1: baseline and max_drop go together"),
    (gate(metric=MEAN, min=70, baseline='"a"'), "gate 1: baseline and max_drop go together"),
    (gate(metric=MEAN, max_drop=2, baseline='""'), "gate 1: baseline is ''; expected a text"),
    (
        gate(metric='"q6.false_success"', max_drop=2, baseline='"a"'),
        "gate 1: q6.false_success is a rate of errors",
    ),
    (gate(metric=MEAN, min=101), "gate 1: min is 101; expected a number from 0 to 100"),
    (gate(metric=MEAN, min=-1), "gate 1: min is -1; expected a number from 0 to 100"),
    (gate(metric='"icl.Q6.delta"', min=-101), "gate 1: min is -101; expected a number from -100 to 100"),
    (gate(metric=MEAN, min="nan"), "gate 1: min is nan; expected a number from 0 to 100"),
    (gate(metric=MEAN, min="true"), "gate 1: min is True; expected a number from 0 to 100"),
    (gate(metric=MEAN, min='"70"'), "gate 1: min is '70'; expected a number from 0 to 100"),
    (
        gate(metric=MEAN, max_drop=-1, baseline='"a"'),
        "gate 1: max_drop is -1; expected a number from 0 to 100",
    ),
    (
        gate(metric=MEAN, min=100),
        'gate 1: no interval can show min = 100; mode = "point" takes the plain figure',
    ),
    (gate(metric='"q1.unreadable"', max=0), "gate 1: no interval can show max = 0;"),
    (gate(metric=MEAN, min=70, mode='"mean"'), "gate 1: mode is 'mean'; choose from interval, point"),
    (gate(metric=MEAN, min=70, family='""'), "gate 1: family is ''; expected a text"),
    (GOOD + GOOD, "gate 2 repeats gate 1: zeroshot.mean, min 70"),
    (
        GOOD + "[coverage]\nmax_unmeasured = -1",
        "[coverage]: max_unmeasured is -1; expected a number of items, 0 or more",
    ),
    (
        GOOD + "[coverage]\nmax_unmeasured = 0.5",
        "[coverage]: max_unmeasured is 0.5; expected a number of items",
    ),
    (GOOD + "[coverage]\nmax_truncated = 2", "[coverage]: max_truncated is 2; expected a number from 0 to 1"),
    (GOOD + "[judges]\nmin_agreement = 70", "[judges]: min_agreement is 70; expected a number from 0 to 1"),
    (GOOD + "[judges]\nagreement = 0.7", "[judges]: unknown key 'agreement'; known: min_agreement"),
    (f"judges = 3\n{GOOD}", "[judges] is 3; expected a table"),
]


@pytest.mark.parametrize(("text", "complaint"), MISTAKES, ids=[complaint[:50] for _, complaint in MISTAKES])
def test_a_mistake_is_named_in_one_line(read, text, complaint):
    assert refusal(lambda: read(text), GateFileError, "gates.toml").startswith(complaint)


@pytest.mark.parametrize("name", ["absent.toml", "."])
def test_a_file_that_cannot_be_read_is_named(tmp_path, name):
    with pytest.raises(GateFileError, match=r": (No such file or directory|Is a directory)$"):
        read_gate_file(tmp_path / name)


def test_bytes_that_are_not_text_are_named(tmp_path):
    file = tmp_path / "gates.toml"
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(GateFileError, match="not TOML"):
        read_gate_file(file)


def test_perfect_figures_can_be_required_in_point_mode(read):
    assert 1.0 == read(gate(metric=MEAN, min=100, mode='"point"')).gates[0].threshold


def test_reading_gates_loads_nothing_heavy():
    """Sessions read the file before anything else; workers do too."""
    code = "import sys, reports.gates.file; print(sorted({'numpy', 'scipy', 'pandas', 'jinja2'} & set(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, check=True
    )
    assert "[]" == done.stdout.strip()
