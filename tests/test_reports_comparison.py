"""What a comparison of two runs says, and which runs it refuses."""

import random
from dataclasses import replace

import pytest

from reports.__main__ import main
from reports.analysis.comparison import UnlikeRunsError, item_scores, overall_row
from reports.analysis.standings import entrant
from reports.records.outcomes import evaluation_of
from reports.records.records import JudgeIdentity, Run
from reports.render import text as render_text
from reports.tables.comparison import compare
from reports.tables.several import Compared, compare_several
from scoring.questions import Mode, Question
from tests.run_factory import failed, manifest, planned_item, run_of, scored, write_run

ITEMS = [
    planned_item(f"{family}_{n}", question.value, mode.value, family=family, scenario=f"{family}_success")
    for family in ("drag", "rabi")
    for n in range(8)
    for mode in Mode
    for question in mode.questions
]


def a_run(seed, chance, **fields):
    """A run in which each item is right with this chance; its last item fails."""
    source = random.Random(seed)
    records = [scored(item, float(source.random() < chance)) for item in ITEMS[:-1]]
    return Run(manifest=manifest(ITEMS, **fields), records=(*records, failed(ITEMS[-1])))


def evaluation(run):
    return evaluation_of(run)


def table(document, title):
    return next(table for table in document.tables() if table.title == title)


def test_the_rendered_comparison(snapshot):
    document = compare(evaluation(a_run(1, 0.5)), evaluation(a_run(2, 0.8, model="newer-vlm")))
    assert snapshot == render_text.render(document, 100)


def test_questions_are_compared_on_what_both_measured():
    earlier = run_of(
        {("a", "Q5", "zeroshot"): 0.5, ("b", "Q5", "zeroshot"): 0.0, ("c", "Q5", "zeroshot"): 1.0}
    )
    later = run_of(
        {("a", "Q5", "zeroshot"): 1.0, ("b", "Q5", "zeroshot"): 0.25, ("c", "Q5", "zeroshot"): None}
    )
    document = compare(evaluation(earlier), evaluation(later))
    question = table(document, "Zero-shot by question").rows[0]
    assert ("Q5", 0.25, 0.625, 0.375) == question[:4]
    assert 2 == question[-1]
    assert ("Items", "2 measured in both, of 3 planned in either") in document.facts


def test_the_mean_is_that_of_questions_asked_in_both():
    earlier = run_of(
        {("a", "Q5", "zeroshot"): 0.5, ("a", "Q6", "zeroshot"): 1.0, ("a", "Q2", "zeroshot"): 0.0}
    )
    later = run_of({("a", "Q5", "zeroshot"): 1.0, ("a", "Q6", "zeroshot"): 1.0})
    row = overall_row(evaluation(earlier).outcomes, evaluation(later).outcomes, "Mean")
    assert (0.75, 1.0, 0.25) == (row.earlier_mean, row.later_mean, row.difference.mean)


def test_a_mean_with_a_question_that_nobody_measured_twice_is_undefined():
    earlier = run_of({("a", "Q5", "zeroshot"): 0.5, ("a", "Q6", "zeroshot"): None})
    later = run_of({("a", "Q5", "zeroshot"): 1.0, ("a", "Q6", "zeroshot"): 1.0})
    row = overall_row(evaluation(earlier).outcomes, evaluation(later).outcomes, "Mean")
    assert (None, None, None) == (row.earlier_mean, row.later_mean, row.difference.mean)


def repeated(*values):
    items = [planned_item("a", "Q6", repeat=number) for number in range(len(values))]
    records = tuple(
        scored(item, value) for item, value in zip(items, values, strict=True) if value is not None
    )
    return Run(manifest=manifest(items), records=records)


def test_repeats_are_averaged_before_runs_are_compared():
    earlier, later = evaluation(repeated(0.0)), evaluation(repeated(0.0, 1.0, 1.0, None))
    assert {("a", Question.Q6, Mode.ZEROSHOT): 2 / 3} == item_scores(later.outcomes)
    row = overall_row(earlier.outcomes, later.outcomes, "Q6")
    assert (0.0, pytest.approx(2 / 3)) == (row.earlier_mean, row.later_mean)


def test_flips_are_listed_fixed_before_broken_the_largest_first():
    earlier = run_of(
        {(s, "Q5", "zeroshot"): v for s, v in {"a": 1.0, "b": 0.0, "c": 0.5, "d": 0.5, "e": 0.4}.items()}
    )
    later = run_of(
        {(s, "Q5", "zeroshot"): v for s, v in {"a": 0.0, "b": 1.0, "c": 1.0, "d": 0.6, "e": 0.0}.items()}
    )
    flips = table(compare(evaluation(earlier), evaluation(later)), "Items fixed and broken")
    assert ["b Q5", "c Q5", "a Q5"] == [row[0] for row in flips.rows]
    assert ("2 fixed, 1 broken: scores that changed by at least 50.",) == flips.notes


def test_labels_are_counted_for_right_or_wrong_questions_alone():
    earlier = run_of({("a", "Q6", "icl"): 0.0, ("b", "Q6", "icl"): 1.0, ("a", "Q5", "icl"): 0.0})
    later = run_of({("a", "Q6", "icl"): 1.0, ("b", "Q6", "icl"): 1.0, ("a", "Q5", "icl"): 1.0})
    changes = table(compare(evaluation(earlier), evaluation(later)), "ICL: labels fixed and broken")
    assert (("Q6", 1, 0),) == changes.rows


# --- runs that are not alike ---

UNLIKE = [
    (
        {"dataset_revision": "fff"},
        "dataset revision is 0123456789abcdef0123456789abcdef01234567 in one and fff in",
    ),
    ({"scorer": "strict"}, "scorer is compatible in one and strict in the other"),
    ({"scorer_version": "2"}, "scorer version is 1 in one and 2 in the other"),
    ({"judges": (JudgeIdentity(model="j", base_url=""),)}, "judges is gpt-5.4 in one and j in the other"),
    ({"settings": {"max_tokens": 5, "temperature": 0.0}}, "max_tokens is 16384 in one and 5 in the other"),
    ({"settings": {"max_tokens": 16384}}, "temperature is 0.0 in one and not set in the other"),
]


@pytest.mark.parametrize(("change", "message"), UNLIKE)
def test_unlike_runs_are_refused_naming_the_field(change, message):
    with pytest.raises(UnlikeRunsError) as raised:
        compare(evaluation(a_run(1, 0.5)), evaluation(a_run(1, 0.5, **change)))
    assert str(raised.value).startswith(message)
    assert "--anyway" in str(raised.value)


def test_anyway_adds_a_note_to_every_table():
    document = compare(evaluation(a_run(1, 0.5)), evaluation(a_run(1, 0.5, scorer="strict")), anyway=True)
    text = render_text.render(document, 200)
    assert len(list(document.tables())) == text.count("[compared although unlike]") > 1
    assert "Unlike runs: scorer is compatible in one and strict in the other." in text


def test_another_model_or_server_is_not_a_reason_to_refuse():
    earlier = a_run(1, 0.5)
    later = replace(
        earlier, manifest=replace(earlier.manifest, model="other", base_url="http://elsewhere/v1")
    )
    assert "QCalEval: other against test-vlm" == compare(evaluation(earlier), evaluation(later)).title


def test_stand_ins_are_named_at_every_table():
    document = compare(
        evaluation(a_run(1, 0.5)), evaluation(a_run(2, 0.5, stand_ins=("model: blind baseline",)))
    )
    assert "stand-ins: model: blind baseline" == document.label


# --- several runs ---


def folders_of(tmp_path, count=3, chances=(0.3, 0.5, 0.9), **fields):
    return [
        write_run(a_run(seed, chances[seed % 3], run_id=f"run-{seed}", **fields), tmp_path / str(seed))
        for seed in range(count)
    ]


def test_several_runs_are_a_table_of_runs_by_questions_then_every_pair(tmp_path, snapshot, capsys):
    folders = folders_of(tmp_path)
    assert 0 == main(["compare", *map(str, folders), "--label", "base", "sft", "dpo", "--width", "100"])
    assert snapshot == capsys.readouterr().out


def test_each_pair_in_detail_is_shown_on_request(tmp_path, capsys):
    folders = [str(folder) for folder in folders_of(tmp_path)]
    assert 0 == main(["compare", *folders, "--label", "a", "b", "c", "--full"])
    out = capsys.readouterr().out
    assert all(f"{pair}: scores" in out for pair in ("b against a", "c against a", "c against b"))
    assert "Zero-shot, Q6: every pair" in out


def test_p_values_of_pairs_are_corrected_together(tmp_path):
    evaluations = [evaluation(a_run(seed, chance)) for seed, chance in ((1, 0.3), (2, 0.6), (3, 0.6))]
    runs = [
        Compared(entrant=entrant(a_run(1, 0.5), each, name=name), evaluation=each)
        for each, name in zip(evaluations, "abc", strict=True)
    ]
    document = compare_several(runs)
    alone = table(compare(evaluations[0], evaluations[1]), "Zero-shot by question").rows[-1]
    pair = table(document, "Zero-shot mean: every pair").rows[0]
    assert (alone[3], alone[4]) == (pair[2], pair[3])
    assert pair[4] >= alone[5]


def test_labels_name_two_runs_as_well(tmp_path, capsys):
    folders = [str(folder) for folder in folders_of(tmp_path, 2)]
    assert 0 == main(["compare", *folders, "--label", "before", "after"])
    assert "QCalEval: after against before" in capsys.readouterr().out


def test_families_restrict_every_table_and_are_split(tmp_path, capsys):
    folders = [str(folder) for folder in folders_of(tmp_path)]
    families = tmp_path / "trained.txt"
    families.write_text("drag  # the paper's\n\n")
    assert 0 == main(["compare", *folders, "--families", str(families)])
    out = capsys.readouterr().out
    assert "[1 family of trained.txt]" in out
    assert "rabi" not in out
    assert 0 == main(
        ["compare", *folders, "--families", str(families), "--split", "--html", str(tmp_path / "c.html")]
    )
    out = capsys.readouterr().out
    assert "Scores: 1 family of trained.txt" in out
    assert "Scores: the other 1 family" in out
    assert "Scores at a glance: the other 1 family" in (tmp_path / "c.html").read_text()


def test_two_runs_on_some_families(tmp_path, capsys):
    folders = [str(folder) for folder in folders_of(tmp_path, 2)]
    (tmp_path / "families.txt").write_text("rabi")
    assert 0 == main(["compare", *folders, "--families", str(tmp_path / "families.txt")])
    out = capsys.readouterr().out
    assert "drag" not in out
    assert "1 family of families.txt" in out


def test_runs_of_one_name_are_numbered(tmp_path, capsys):
    folders = [str(folder) for folder in folders_of(tmp_path)]
    page = tmp_path / "page.html"
    assert 0 == main(["compare", *folders, "--label", "base", "tuned", "base", "--html", str(page)])
    out = capsys.readouterr().out
    assert "Run 1: base #1 (run-0)" in out
    assert "Run 2: tuned (run-1)" in out
    assert "Run 3: base #3 (run-2)" in out
    assert 0 == main(["compare", *folders[:2], "--html", str(page)])
    assert "test-vlm #2</span>" in page.read_text()


def test_a_difference_that_several_runs_share_is_named_once(tmp_path, capsys):
    (first,) = folders_of(tmp_path, 1)
    odd = [
        write_run(a_run(seed, 0.5, scorer="strict", model=f"odd-{seed}"), tmp_path / f"odd-{seed}")
        for seed in (7, 8)
    ]
    assert 0 == main(["compare", str(first), *map(str, odd), "--anyway", "--width", "200"])
    assert 1 == capsys.readouterr().out.count("scorer is compatible in one and strict in the other")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--label", "a"], "1 labels for 3 runs"),
        (["--split"], "--split needs --families"),
        (["--families", "nowhere.txt"], "nowhere.txt: No such file"),
        (["--families", "EMPTY"], "names no family"),
        (["--families", "ODD"], "no run has the family 'qubits'; known: drag, rabi"),
    ],
)
def test_mistakes_in_a_comparison_end_in_one_line(tmp_path, capsys, options, words):
    (tmp_path / "EMPTY").write_text("# nothing\n")
    (tmp_path / "ODD").write_text("qubits\n")
    given = [str(tmp_path / option) if option in {"EMPTY", "ODD"} else option for option in options]
    assert 2 == main(["compare", *map(str, folders_of(tmp_path)), *given])
    assert words in capsys.readouterr().err


def test_several_unlike_runs_are_refused_by_name(tmp_path, capsys):
    folders = [*folders_of(tmp_path, 2), write_run(a_run(7, 0.5, scorer="strict"), tmp_path / "odd")]
    names = ["--label", "a", "b", "odd"]
    assert 2 == main(["compare", *map(str, folders), *names])
    assert "odd and a: scorer is compatible in one and strict in the other" in capsys.readouterr().err
    assert 0 == main(["compare", *map(str, folders), *names, "--anyway"])
    assert "compared although unlike" in capsys.readouterr().out


# --- the command ---


def test_the_command_prints_the_comparison(tmp_path, capsys):
    folders = [write_run(a_run(seed, 0.5), tmp_path / str(seed)) for seed in (1, 2)]
    assert 0 == main(["compare", *map(str, folders), "--width", "120"])
    assert "Zero-shot by family" in capsys.readouterr().out


def test_the_command_refuses_unlike_runs_in_one_line_with_status_2(tmp_path, capsys):
    folders = [write_run(a_run(1, 0.5, scorer=name), tmp_path / name) for name in ("compatible", "strict")]
    assert 2 == main(["compare", *map(str, folders)])
    error = capsys.readouterr().err
    assert error.startswith(
        f"reports: {folders[0]} and {folders[1]} differ: scorer is compatible in one and strict in the other"
    )
    assert 1 == error.count("\n")
    assert 0 == main(["compare", *map(str, folders), "--anyway"])


def test_the_command_needs_two_runs(tmp_path, capsys):
    assert 2 == main(["compare", str(write_run(a_run(1, 0.5), tmp_path / "run"))])
    assert "reports: only one run" in capsys.readouterr().err
