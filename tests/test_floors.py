"""Floors: the scores of answers that ignore the plot, from the dataset's rows to tables and pages."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qcal_plugin.baselines.constants import best_constant
from qcal_plugin.baselines.demonstrations import Demonstrations, demonstrations
from qcal_plugin.dataset.prepare import prepare
from qcal_plugin.dataset.prepared import INDEX_FILE
from reports.__main__ import main
from reports.analysis.breakdown import break_down
from reports.analysis.mix_scores import mix_json, mix_score
from reports.exchange.junit import load_junit
from reports.html.page import write_page
from reports.records.floors import Floor, ItemFloors, floors_from_json
from reports.records.outcomes import evaluation_of
from reports.records.records import ItemKey, Run
from reports.records.typed_json import DecodeError
from reports.render.text import render
from reports.statistics.floors import above_floor
from reports.tables.full import full_report
from reports.tables.model import Unit
from reports.tables.overview import overview
from scoring.dispatch import Scorer, score
from scoring.questions import Mode, Question
from scoring.reference import Reference
from tests.dataset_factory import demonstrating_dataset
from tests.endpoint import Reply
from tests.mix_factory import described, mix_run
from tests.run_factory import manifest, planned_item, scored, write_run

pytest_plugins = ["pytester"]


def reference(answer, **rules):
    return Reference(answer=answer, plot_description="", scenario_type="", field_rules=rules)


def labels(*codes):
    return [reference(f"Status: {code}") for code in codes]


@pytest.fixture(scope="module")
def shown_folder(tmp_path_factory):
    return demonstrating_dataset().write(tmp_path_factory.mktemp("shown"))


@pytest.fixture(scope="module")
def prepared(shown_folder, tmp_path_factory):
    return prepare(str(shown_folder), cache=tmp_path_factory.mktemp("cache"))


# --- which answers a prompt demonstrates ---


def shown(question, prompt, own=("image-9",), answers=None):
    return demonstrations(question, prompt, own, answers or {})


def test_a_demonstration_is_a_picture_followed_by_its_samples_reference_answer():
    prompt = [
        {"text": "Status: SUCCESS is a code."},
        {"image": "a"},
        {"text": "Status: DAMPED\nNotes: fading\n\nExample 2:"},
        {"image": "b"},
        {"text": "Status: NO_SIGNAL\n\nNow:"},
        {"image": "image-9"},
        {"text": "Which of SUCCESS and DAMPED?"},
    ]
    parsed = shown(
        Question.Q6, prompt, answers={"a": ["Status: DAMPED\nNotes:  fading"], "b": ["Status: NO_SIGNAL"]}
    )
    assert Demonstrations(answers=("Status: DAMPED\nNotes:  fading", "Status: NO_SIGNAL"), before=2) == parsed


def test_an_answer_of_an_unknown_picture_is_read_as_it_is():
    prompt = [
        {"image": "?"},
        {"text": '{"a": 1}\n\nNow:'},
        {"image": "image-9"},
        {"text": 'Answer: {"a": float}'},
    ]
    assert ('{"a": 1}\n\nNow:',) == shown(Question.Q5, prompt).answers
    assert () == shown(Question.Q3, prompt).answers
    assert (
        ()
        == shown(Question.Q6, [{"image": "?"}, {"text": "fine"}, {"image": "image-9"}, {"text": "?"}]).answers
    )


def test_a_demonstration_may_have_several_pictures_with_words_between_them():
    prompt = [
        {"image": "a"},
        {"text": "and"},
        {"image": "b"},
        {"text": "Status: STABLE"},
        {"image": "image-9"},
    ]
    parsed = shown(Question.Q6, prompt, answers={"a": ["Status: STABLE"], "b": ["Status: STABLE"]})
    assert ("Status: STABLE",) == parsed.answers


def test_the_questions_own_pictures_demonstrate_nothing():
    prompt = [
        {"image": "image-9"},
        {"text": "Status: SUCCESS?"},
        {"image": "image-9"},
        {"text": "Status: DAMPED?"},
    ]
    assert Demonstrations(answers=(), before=0) == shown(Question.Q6, prompt)


def test_a_prompt_without_demonstrations_has_nothing_to_copy():
    assert {} == Demonstrations(answers=(), before=0).copied(Question.Q6)


def test_the_nearest_demonstration_may_come_after_the_question():
    copied = Demonstrations(answers=("Status: DAMPED", "Status: STABLE"), before=0).copied(Question.Q6)
    assert "Status: DAMPED" == copied[Floor.COPY_NEAREST]
    assert "Status: STABLE" == copied[Floor.COPY_LAST]


def test_equal_readings_are_counted_together_and_ties_go_to_the_nearest():
    answers = ("Status: STABLE\nNotes: a", "Status: DAMPED", "Status: STABLE\nNotes: b", "Status: SUCCESS")
    frequent = Demonstrations(answers=answers, before=4).copied(Question.Q6)[Floor.COPY_FREQUENT]
    assert "Status: STABLE\nNotes: b" == frequent
    assert (
        "Status: SUCCESS"
        == Demonstrations(answers=answers[1:], before=3).copied(Question.Q6)[Floor.COPY_FREQUENT]
    )


# --- the best constant ---


def test_the_best_label_is_the_most_frequent_one():
    assert "Status: DAMPED" == best_constant(Question.Q6, labels("SUCCESS", "DAMPED", "DAMPED"))
    assert "Status: TOO_MANY_OSC" == best_constant(
        Question.Q6, labels("SUCCESS", "SUCCESS", "TOO_MANY_OSC", "SAMPLING_TOO_COARSE", "TOO_MANY_OSC")
    )


def test_one_sample_has_no_constant_and_no_sample_has_one_for_q3():
    assert best_constant(Question.Q6, labels("SUCCESS")) is None
    assert best_constant(Question.Q3, [reference("a"), reference("a")]) is None
    assert best_constant(Question.Q6, [reference("nothing"), reference("to read")]) is None


def test_parameters_are_chosen_field_by_field():
    rules = {
        "x": {"type": "pct", "tol_full": 0.1, "tol_half": 0.2},
        "rare": {"type": "pct", "tol_full": 0.1, "tol_half": 0.2},
        "seen": {"type": "bool"},
        "places": {"type": "coord_list", "tol_full": 1, "tol_half": 2},
    }
    rows = [
        {"x": 1.0, "rare": None, "seen": True, "places": [1, 9]},
        {"x": 1.15, "rare": "Unreliable", "seen": True, "places": [3, 7]},
        {"x": 1.2, "rare": 4.0, "seen": False, "places": [2, 8]},
    ]
    constant_answer = best_constant(Question.Q5, [reference(json.dumps(row), **rules) for row in rows])
    assert {"x": 1.15, "rare": None, "seen": True, "places": [2, 8]} == json.loads(constant_answer)


def test_an_array_reference_has_a_constant_that_scores_0_as_every_answer_does():
    rows = [reference('[{"x": 1}]', x={"type": "abs", "tol_full": 1}) for _ in range(2)]
    assert 0 == score(Question.Q5, best_constant(Question.Q5, rows), rows[0]).value


def test_the_description_has_the_most_frequent_type_and_scales_of_each_image():
    def described(*kinds):
        axes = {"x_axis": {"scale": "log"}, "y_axis": {"scale": "linear"}}
        images = [{"plot_type": kind, **axes} for kind in kinds]
        return reference(json.dumps(images if len(images) > 1 else images[0]))

    one = json.loads(best_constant(Question.Q1, [described("line"), described("line"), described("scatter")]))
    assert {"plot_type": "line", "x_axis": {"scale": "log"}, "y_axis": {"scale": "linear"}} == one
    two = json.loads(best_constant(Question.Q1, [described("line", "image"), described("line", "line")]))
    assert ["line", "image"] == [image["plot_type"] for image in two]


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3),
)


@given(st.lists(st.dictionaries(st.sampled_from("ab"), VALUES) | VALUES, min_size=2, max_size=4))
def test_any_references_have_a_constant_that_can_be_scored(rows):
    rules = {
        "a": {"type": "pct", "tol_full": 0.1, "tol_half": 0.2},
        "b": {"type": "array_float_match", "tol_full": 1},
    }
    references = [reference(json.dumps(row), **rules) for row in rows]
    for question in Question:
        text = best_constant(question, references)
        if text is not None and question is not Question.Q1:
            assert all(0 <= score(question, text, each).value <= 1 for each in references)


# --- floors of a dataset ---


def test_floors_equal_values_computed_manually(prepared):
    """rabi: success_a (amplitude 0.5, visible), success_b (1.5), damped_a (2.5, not visible), damped_b (3.5)."""
    assert {Floor.CONSTANT: 0.5} == of_item(prepared, "rabi_success_a", Question.Q1).scores
    # Q2, Q4: two labels, twice each; the first is taken. Q5: no amplitude is within 15% of another, two are
    # visible
    for question, good, bad in ((Question.Q2, 1, 0), (Question.Q4, 1, 0), (Question.Q6, 1, 0)):
        for sample, expected in (("rabi_success_b", good), ("rabi_failure_damped_a", bad)):
            assert {Floor.CONSTANT: expected} == of_item(prepared, sample, question).scores
    assert ItemFloors() == of_item(prepared, "rabi_success_a", Question.Q3, Mode.ICL)


def of_item(prepared, sample, question, mode=Mode.ZEROSHOT):
    return prepared.floors_of(ItemKey(sample, question, mode), Scorer.COMPATIBLE)


def test_q5_has_a_floor_for_each_field(prepared):
    """The prompt shows the next sample: visible is the same for success_a, and differs for success_b."""
    fields = of_item(prepared, "rabi_success_a", Question.Q5, Mode.ICL).fields
    assert {"amplitude": 0.0, "visible": 1.0} == fields[Floor.COPY_LAST]
    assert 1.0 == fields[Floor.CONSTANT]["visible"]
    assert {"amplitude": 0.0, "visible": 0.0} == of_item(
        prepared, "rabi_success_b", Question.Q5, Mode.ICL
    ).fields[Floor.COPY_LAST]
    assert {} == of_item(prepared, "rabi_success_a", Question.Q6).fields


@pytest.mark.parametrize("scorer", Scorer)
def test_copying_equals_values_computed_manually(prepared, scorer):
    def copying(sample, question):
        floors = prepared.floors_of(ItemKey(sample, question, Mode.ICL), scorer).scores
        return [floors[rule] for rule in (Floor.COPY_NEAREST, Floor.COPY_LAST, Floor.COPY_FREQUENT)]

    # Q5 shows the next sample: the field visible is right, the amplitude is not
    assert [0.5, 0.5, 0.5] == copying("rabi_success_a", Question.Q5)
    assert [0.0, 0.0, 0.0] == copying("rabi_success_b", Question.Q5)
    # Q6 shows the other three: SUCCESS, DAMPED, DAMPED to success_a; SUCCESS, SUCCESS, DAMPED to damped_b
    assert [0.0, 0.0, 0.0] == copying("rabi_success_a", Question.Q6)
    assert [1.0, 1.0, 0.0] == copying("rabi_failure_damped_b", Question.Q6)


def test_floors_are_not_part_of_the_revision_but_covered_by_digests(shown_folder, tmp_path):
    first = prepare(str(shown_folder), cache=tmp_path)
    index = json.loads((first.directory / INDEX_FILE).read_text())
    assert first.identity.revision.endswith(index["sha256"][:32])
    index["floors"]["spans"]["rabi_success_a"] = index["floors"]["spans"]["rabi_success_b"]
    (first.directory / INDEX_FILE).write_text(json.dumps(index))
    again = prepare(str(shown_folder), cache=tmp_path)
    assert again.identity == first.identity
    assert 1 == len(again.repairs)
    again.floors.path.write_bytes(b"{}\n")
    assert "floors-" in prepare(str(shown_folder), cache=tmp_path).repairs[0]


# --- runs ---


def test_a_run_records_the_floors_and_shows_icl_minus_copying(quick, endpoint, shown_folder, workers):
    asked = ["--model-url", endpoint.base_url, "--dataset", str(shown_folder), "--questions", "Q5,Q6"]
    result = quick.run(*asked, "--floors", "--junitxml=out.xml", *workers)
    assert 0 == result.exit_status
    fields = {
        (field["field"]): field["floor"]["floor"] for field in result.report["breakdown"]["icl"]["fields"]
    }
    assert {"amplitude": 0.0, "visible": 0.5} == fields
    assert (
        "Floor: what answers that ignore the plot score in the field: copy last."
        in (result.run_dir / "report.md").read_text()
    )
    by_item = {(r["sample_id"], r["question"], r["mode"]): r["floors"] for r in result.records}
    assert {"constant": 1.0, "copy_nearest": 0.0, "copy_last": 0.0, "copy_frequent": 0.0} == by_item[
        "rabi_success_a", "Q6", "icl"
    ]
    assert "Above copying (ICL minus a demonstration's answer)" in result.out
    assert "best constant (Q5-Q6)" in result.out
    (of_q6,) = (entry for entry in result.report["icl_deltas"] if entry["question"] == "Q6")
    assert ({"Q6": "copy_last"}, 0.5) == (of_q6["copying"]["rules"], of_q6["copying"]["floor"])
    assert 8 == of_q6["copying"]["above"]["samples"]
    of_junit = load_junit([quick.folder / "out.xml"])
    assert "Above copying" in render(overview(of_junit, floors=True))
    page = (result.run_dir / "report.html").read_text()
    assert "above copying" in page


def test_a_note_is_shown_if_only_some_samples_have_a_floor():
    run = run_with(
        floored("a", "Q6", "zeroshot", 1.0, constant=0.5),
        floored("b", "Q6", "zeroshot", 1.0),
        floored("a", "Q2", "zeroshot", 1.0, constant=0.5),
    )
    text = render(overview(evaluation_of(run), run, floors=True))
    assert "Floor and Above are over the samples that have a floor: Q6 1 of 2." in text


def test_judges_grade_what_repeating_a_demonstration_scores_in_q3(quick, endpoint, shown_folder):
    """The lexical judge finds "Significance of rabi" in the demonstration's answer, and another number."""
    asked = ["--baseline", "copy", "--dataset", str(shown_folder), "--questions", "Q3,Q6", "--modes", "icl"]
    result = quick.run("--demo", *asked, "--judge-baselines", "--repeats", "2", "--no-html")
    assert 0 == result.exit_status, result.out
    copies = [record for record in result.records if record.get("variant") == "copied"]
    assert {("Q3", "icl", "scored")} == {(each["question"], each["mode"], each["status"]) for each in copies}
    assert {"Significance of rabi 1."} == {
        each["answer"] for each in copies if each["sample_id"] == "rabi_success_a"
    }
    (of_q3,) = (entry for entry in result.report["questions"] if entry["question"] == "Q3")
    assert {"Q3": "copy_last"} == of_q3["floor"]["rules"]
    assert 0 == of_q3["floor"]["above"]["mean"]
    assert 0 < of_q3["floor"]["floor"] < 1
    assert "a study with variants of the benchmark" not in result.report["not_comparable_because"]
    again = quick.run("--answers", "run", "--dataset", str(shown_folder), "--no-html", run_dir="again")
    assert 0 == again.exit_status, again.out


def test_stored_answers_get_judged_floors_too(quick, endpoint, shown_folder):
    asked = ["--demo", "--dataset", str(shown_folder), "--questions", "Q3", "--modes", "icl", "--no-html"]
    assert 8 == len(quick.run(*asked).records)
    url = ["--judge-url", endpoint.base_url, "--judge-baselines"]
    endpoint.script = lambda _: Reply("[1, 0.5, 0]")
    result = quick.run("--answers", "run", "--dataset", str(shown_folder), *url, "--no-html", run_dir="again")
    assert 0 == result.exit_status, result.out
    assert 8 == sum(record.get("variant") == "copied" for record in result.records)
    assert 0.5 == result.report["questions"][0]["floor"]["floor"]


def test_a_prompt_without_a_demonstration_has_nothing_to_judge(quick, tiny_folder, tmp_path):
    data = demonstrating_dataset()
    for row in data.fewshot:
        row["q3_prompt"] = "Now the query plot: <image>\nWhat is it?"
    folder = str(data.write(tmp_path / "bare"))
    asked = [
        "--demo",
        "--dataset",
        folder,
        "--questions",
        "Q3",
        "--modes",
        "icl",
        "--limit",
        "1",
        "--no-html",
    ]
    result = quick.run(*asked, "--judge-baselines")
    assert "the prompt has no demonstration to repeat" in result.out


@pytest.mark.parametrize(
    ("options", "mistake"),
    [
        (
            ["--model-url", "http://localhost:1/v1"],
            "--judge-baselines without --judge-url: there is no judge",
        ),
        (["--demo", "--shots", "1"], "--shots and --judge-baselines: give one of them"),
    ],
)
def test_mistakes_with_judged_floors_are_reported(quick, options, mistake):
    assert mistake in quick.run("--judge-baselines", *options).out


def test_an_older_run_without_floors_shows_none():
    item = planned_item()
    run = Run(manifest=manifest([item]), records=(scored(item, 1.0),))
    text = render(overview(evaluation_of(run), run, floors=True))
    assert "Floor: not known" in text


def floored(sample, question, mode, value, **floors):
    item = planned_item(sample, question, mode)
    return item, scored(item, value, floors=floors_from_json(floors))


def run_with(*rows):
    items, records = zip(*rows, strict=True)
    return Run(manifest=manifest(items), records=records)


def test_the_rule_that_scores_most_is_the_floor_and_the_difference_is_paired():
    run = run_with(
        floored("a", "Q6", "icl", 1.0, copy_last=0.0, copy_nearest=0.0, copy_frequent=1.0),
        floored("b", "Q6", "icl", 1.0, copy_last=1.0, copy_nearest=0.0, copy_frequent=1.0),
        floored("c", "Q6", "icl", 0.0, copy_last=0.0, copy_nearest=0.0, copy_frequent=0.0),
    )
    comparison = above_floor(evaluation_of(run).outcomes)
    assert {Question.Q6: Floor.COPY_FREQUENT} == comparison.rules
    assert (2 / 3, 2 / 3, 0.0, 3) == (
        comparison.floor,
        comparison.mean,
        comparison.above.mean,
        comparison.above.samples,
    )


def test_over_several_questions_only_those_with_a_floor_count():
    run = run_with(
        floored("a", "Q2", "zeroshot", 1.0, constant=0.0),
        floored("b", "Q2", "zeroshot", 0.0, constant=1.0),
        floored("a", "Q6", "zeroshot", 1.0, constant=0.5),
        floored("b", "Q6", "zeroshot", 1.0, constant=0.5),
        floored("a", "Q3", "zeroshot", 0.0),
    )
    comparison = above_floor(evaluation_of(run).outcomes)
    assert (0.5, 0.75, 0.25) == (comparison.floor, comparison.mean, comparison.above.mean)


@pytest.mark.parametrize("width", [80, 200])
def test_all_tables_with_scores_show_floors(snapshot, width):
    rows = [
        floored(f"{letter}", question, mode, (place + number) % 3 / 2, constant=0.5, copy_last=0.25)
        for place, (question, mode) in enumerate(
            [("Q2", "zeroshot"), ("Q6", "zeroshot"), ("Q5", "icl"), ("Q6", "icl")]
        )
        for number, letter in enumerate("abcdefghijkl")
    ]
    run = run_with(*rows)
    document = full_report(evaluation_of(run), run, floors=True)
    of_scores = [
        each for each in document.sections if each.title == "Scores" or each.title.endswith(": families")
    ]
    assert snapshot == render(replace(document, sections=tuple(of_scores), warnings=()), width)


def test_no_table_of_scores_is_without_floors():
    asked = [
        ("Q2", "zeroshot", ""),
        ("Q2", "zeroshot", "blank"),
        ("Q2", "zeroshot", "dpi"),
        ("Q2", "icl", ""),
    ]
    rows = []
    for question, mode, variant in asked:
        for letter in "abcdefgh":
            item = planned_item(letter, question, mode, variant=variant)
            rows.append(
                (item, scored(item, 0.0, floors=floors_from_json({"constant": 0.5, "copy_last": 0.5})))
            )
    run = run_with(*rows, with_fields("a", {"x": 1.0}, copy_last={"x": 1.0}))
    tables = [*full_report(evaluation_of(run), run, floors=True).tables()]
    of_scores = [each for each in tables if any(column.unit is Unit.SCORE for column in each.columns)]
    bare = {
        each.title for each in of_scores if not {"Floor", "Above"} & {column.name for column in each.columns}
    }
    with_last_row = {
        each.title for each in of_scores if each.rows and "floor of this run's items" in each.rows[-1]
    }
    assert bare - with_last_row == {
        "Effect of demonstrations (ICL minus zero-shot)"  # "Above copying" follows it
    }
    assert len(of_scores) > 10


def test_the_page_shows_floors(tmp_path):
    run = run_with(
        *(floored(letter, "Q6", "zeroshot", 1.0, constant=0.25) for letter in "abc"),
        *(floored(letter, "Q6", "icl", 1.0, copy_last=0.5) for letter in "abc"),
    )
    page = write_page(write_run(run, tmp_path / "run")).read_text()
    assert "floor 25.0: +75.0" in page
    assert "above copying +50.0" in page


# --- Q5 by field --------------------------------------------------------------------------------------------


def with_fields(sample, parts, **field_floors):
    item = planned_item(sample, "Q5", "icl")
    return item, scored(item, sum(parts.values()) / len(parts), components=parts, field_floors=field_floors)


def test_each_field_of_q5_has_its_own_floor():
    run = run_with(
        with_fields(
            "a", {"x": 1.0, "y": 1.0}, copy_last={"x": 1.0, "y": 0.0}, copy_nearest={"x": 0.0, "y": 0.5}
        ),
        with_fields(
            "b", {"x": 0.0, "y": 1.0}, copy_last={"x": 0.0, "y": 0.0}, copy_nearest={"x": 0.0, "y": 0.5}
        ),
        with_fields("c", {"z": 1.0}),
    )
    x, y, z = break_down(evaluation_of(run), run)[Mode.ICL].fields
    assert ({Question.Q5: Floor.COPY_LAST}, 0.5, 0.0) == (x.floor.rules, x.floor.floor, x.floor.above.mean)
    assert ({Question.Q5: Floor.COPY_NEAREST}, 0.5, 0.5) == (y.floor.rules, y.floor.floor, y.floor.above.mean)
    assert z.floor is None
    text = render(full_report(evaluation_of(run), run, floors=True), 200)
    assert "score in the field: copy nearest, copy last." in text
    assert "Fields without a floor" in text


def test_fields_of_an_older_run_say_that_their_floor_is_not_known():
    run = run_with(with_fields("a", {"x": 1.0}), with_fields("b", {"x": 0.0}))
    text = render(full_report(evaluation_of(run), run, floors=True), 200)
    assert "Floor: not known" in text.partition("Q5 by field")[2]


# --- a mix --------------------------------------------------------------------------------------------------


def floored_mix(**floors):
    """Two samples of each part, Q2 and Q6; part b's items have ``floors`` only if they are given."""
    values = {
        (f"{part}/{letter}", question, "zeroshot"): float(letter == "x" or question == "Q6")
        for part in "ab"
        for letter in "xy"
        for question in ("Q2", "Q3", "Q6")
    }
    run = mix_run(values, described("a", 3), described("b", 1))
    records = [
        record
        if record.key.question is Question.Q3
        else replace(
            record, floors=floors_from_json({"constant": 0.25} if record.key.sample_id[0] == "a" else floors)
        )
        for record in run.records
    ]
    return replace(run, records=tuple(records))


def test_the_headline_of_a_mix_has_its_floor(tmp_path, capsys):
    score = mix_score(evaluation_of(floored_mix(constant=0.75)))
    assert [(0.25, 0.75, 0.5), (0.75, 0.75, 0.0)] == [
        (part.floor.floor, part.floor.mean, part.floor.above.mean) for part in score.parts
    ]
    assert (0.375, 0.75, 0.375) == (score.floor.floor, score.floor.mean, score.floor.above.mean)
    assert score.floor.above.interval.low < 0.375 < score.floor.above.interval.high
    assert 4 == score.floor.above.samples
    assert {"Q2": "constant", "Q6": "constant"} == mix_json(score)["parts"][0]["floor"]["rules"]["zeroshot"]
    folder = write_run(floored_mix(constant=0.75), tmp_path / "run")
    assert 0 == main([str(folder), "--floors", "--width", "200"])
    table = capsys.readouterr().out.partition("Mix: index")[2].partition("Zero-shot")[0]
    assert "37.5  +37.5" in table
    assert "Floor: zero-shot: best constant (Q2, Q6)." in table
    assert "+37.5 above the floor" in (folder / "report.html").read_text()


def test_a_part_without_a_floor_leaves_that_of_the_mix_undefined():
    score = mix_score(evaluation_of(floored_mix()))
    assert (0.25, None, None) == (score.parts[0].floor.floor, score.parts[1].floor, score.floor)
    text = render(overview(evaluation_of(floored_mix()), floors=True), 200)
    assert "Floor of a: zero-shot: best constant (Q2, Q6)." in text
    assert "Floor of b: none is known." in text


# --- compare ------------------------------------------------------------------------------------------------


def compared_run(folder, name, right):
    """Eight samples, Q6 in both modes, with the given numbers right; sample h has no floor."""
    rows = [
        floored(letter, "Q6", mode, float(place < right), **({} if letter == "h" else {rule: 0.25}))
        for mode, rule in (("zeroshot", "constant"), ("icl", "copy_last"))
        for place, letter in enumerate("abcdefgh")
    ]
    run = run_with(*rows)
    return str(write_run(replace(run, manifest=replace(run.manifest, model=name)), folder / name))


def test_two_runs_are_compared_with_their_floors(tmp_path, capsys):
    folders = [compared_run(tmp_path, "old", 2), compared_run(tmp_path, "new", 8)]
    page = tmp_path / "page.html"
    assert 0 == main(["compare", *folders, "--floors", "--width", "250", "--html", str(page)])
    shown = capsys.readouterr().out
    # above: 2 of 7 right and 7 of 7 right, each minus 25
    assert shown.count("25.0           +3.6") == 6  # question, mean and family, in both modes
    assert "Floor: what answers that ignore the plot score: best constant (Q6)." in shown
    assert "Floor: what answers that ignore the plot score: copy last (Q6)." in shown
    items = shown.partition("Items fixed and broken")[2]
    assert "c Q6  zero-shot      0.0  100.0   25.0" in items
    assert "h Q6  zero-shot      0.0  100.0      -" in items
    assert 0 == main(["compare", *folders, "--html", str(page)])
    assert "Floor" not in capsys.readouterr().out
    assert "Later above" in page.read_text()
    assert "floor 25.0: +75.0" in page.read_text()


def test_several_runs_are_compared_with_their_floors(tmp_path, capsys):
    folders = [compared_run(tmp_path, name, right) for name, right in (("a", 2), ("b", 4), ("c", 8))]
    assert 0 == main(["compare", *folders, "--floors", "--width", "250"])
    shown = capsys.readouterr().out
    assert "Zero-shot: above the floor" in shown
    assert "ICL: above the floor" in shown
    (row,) = (line.split() for line in shown.splitlines() if line.startswith("floor of"))
    assert ["25.0", "25.0"] == [cell for cell in row[4:] if cell != "-"]
    assert "+75.0" in shown.partition("Zero-shot: above the floor")[2]


def test_compared_runs_without_floors_get_a_note(tmp_path, capsys):
    def older(name):
        items = [planned_item(letter, "Q6") for letter in "ab"]
        run = Run(
            manifest=replace(manifest(items), model=name), records=tuple(scored(item, 1.0) for item in items)
        )
        return str(write_run(run, tmp_path / name))

    folders = [older(name) for name in "abc"]
    for asked in (folders, folders[:2]):
        assert 0 == main(["compare", *asked, "--floors", "--width", "200"])
        assert "Floor: not known" in capsys.readouterr().out


def test_a_floor_out_of_range_is_not_a_record():
    with pytest.raises(DecodeError, match="Expected `float` <= 1"):
        floors_from_json({"constant": 2.0})
    assert {} == floors_from_json({"of another version": 2.0})
