"""What a comparison of two runs says, and which runs it refuses."""

import random
from dataclasses import replace

import pytest

from reports.__main__ import main
from reports.analysis.comparison import UnlikeRunsError, item_scores, overall_row
from reports.records.outcomes import evaluation_of
from reports.records.records import JudgeIdentity, Run
from reports.render import text as render_text
from reports.tables.comparison import compare, joined
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
    earlier = run_of({("a", "Q5", "zeroshot"): 0.5, ("b", "Q5", "zeroshot"): 0.0, ("c", "Q5", "zeroshot"): 1.0})
    later = run_of({("a", "Q5", "zeroshot"): 1.0, ("b", "Q5", "zeroshot"): 0.25, ("c", "Q5", "zeroshot"): None})
    document = compare(evaluation(earlier), evaluation(later))
    question = table(document, "Zero-shot by question").rows[0]
    assert ("Q5", 0.25, 0.625, 0.375) == question[:4]
    assert 2 == question[-1]
    assert ("Items", "2 measured in both, of 3 planned in either") in document.facts


def test_the_mean_is_that_of_questions_asked_in_both():
    earlier = run_of({("a", "Q5", "zeroshot"): 0.5, ("a", "Q6", "zeroshot"): 1.0, ("a", "Q2", "zeroshot"): 0.0})
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
    records = tuple(scored(item, value) for item, value in zip(items, values, strict=True) if value is not None)
    return Run(manifest=manifest(items), records=records)


def test_repeats_are_averaged_before_runs_are_compared():
    earlier, later = evaluation(repeated(0.0)), evaluation(repeated(0.0, 1.0, 1.0, None))
    assert {("a", Question.Q6, Mode.ZEROSHOT): 2 / 3} == item_scores(later.outcomes)
    row = overall_row(earlier.outcomes, later.outcomes, "Q6")
    assert (0.0, pytest.approx(2 / 3)) == (row.earlier_mean, row.later_mean)


def test_flips_are_listed_fixed_before_broken_the_largest_first():
    earlier = run_of({(s, "Q5", "zeroshot"): v for s, v in {"a": 1.0, "b": 0.0, "c": 0.5, "d": 0.5, "e": 0.4}.items()})
    later = run_of({(s, "Q5", "zeroshot"): v for s, v in {"a": 0.0, "b": 1.0, "c": 1.0, "d": 0.6, "e": 0.0}.items()})
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
    ({"dataset_revision": "fff"}, "dataset revision is 0123456789abcdef0123456789abcdef01234567 in one and fff in"),
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


def test_anyway_says_so_in_every_table():
    document = compare(evaluation(a_run(1, 0.5)), evaluation(a_run(1, 0.5, scorer="strict")), anyway=True)
    text = render_text.render(document, 200)
    assert len(list(document.tables())) == text.count("[compared although unlike]") > 1
    assert "Unlike runs: scorer is compatible in one and strict in the other." in text


def test_another_model_or_server_is_no_reason_to_refuse():
    earlier = a_run(1, 0.5)
    later = replace(earlier, manifest=replace(earlier.manifest, model="other", base_url="http://elsewhere/v1"))
    assert "QCalEval: other against test-vlm" == compare(evaluation(earlier), evaluation(later)).title


def test_stand_ins_are_named_at_every_table():
    document = compare(evaluation(a_run(1, 0.5)), evaluation(a_run(2, 0.5, stand_ins=("model: blind baseline",))))
    assert "stand-ins: model: blind baseline" == document.label


def test_several_later_runs_are_one_document():
    runs = [evaluation(a_run(seed, 0.5, model=f"vlm-{seed}")) for seed in (1, 2, 3)]
    document = joined([compare(runs[0], later) for later in runs[1:]])
    titles = [section.title for section in document.sections]
    assert "QCalEval: vlm-2 against vlm-1: scores" == titles[0]
    assert "QCalEval: vlm-3 against vlm-1: changes" == titles[-1]
    with pytest.raises(UnlikeRunsError, match=r"^one run alone: name the earlier run and at least one"):
        joined([])


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
    assert "reports: one run alone" in capsys.readouterr().err
