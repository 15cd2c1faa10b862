"""The paper's tables for one's own model: each definition, on records made for it."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.analysis.breakdown import break_down, hard_for_all
from reports.analysis.consistency import contradictions, legibility
from reports.analysis.labels import NOTHING, OTHER, bias_rates, confusion_matrix
from reports.analysis.parameters import FieldError, field_error, field_scores
from reports.records.outcomes import evaluation_of
from reports.records.records import Answer, Run
from reports.render import text as render_text
from reports.statistics.rates import rate
from reports.tables.full import full_report
from scoring.questions import Mode, Question
from tests.run_factory import failed, manifest, planned_item, run_of, scored

GOOD = {"Q2": "Expected behavior", "Q4": "Reliable", "Q6": "SUCCESS"}


def labelled(question, expected, extracted, *, sample="a", family="drag", **fields):
    """A measured record of a label question, right if the labels are equal."""
    item = planned_item(sample, question, family=family)
    return scored(item, float(expected == extracted), expected=expected, extracted=extracted, **fields)


def extraction(expected, extracted, components, *, sample="a", family="t1"):
    item = planned_item(sample, "Q5", family=family, scenario=f"{family}_success")
    value = sum(components.values()) / len(components)
    return scored(item, value, expected=expected, extracted=extracted, components=components)


def run_with(records, planned=()):
    items = [planned_item(*r.key[:3], family=r.family, scenario=r.scenario_type) for r in records]
    return Run(manifest=manifest([*items, *planned]), records=tuple(records))


# --- labels -------------------------------------------------------------------------------------------------


def test_a_confusion_matrix_counts_answers_by_what_was_expected():
    records = [
        labelled("Q4", "Reliable", "Reliable"),
        labelled("Q4", "Unreliable", "Reliable"),
        labelled("Q4", "Unreliable", "reliable"),
        labelled("Q4", "No fit", "Fine"),
        labelled("Q4", "No fit", None),
    ]
    matrix = confusion_matrix(records, planned=6, question=Question.Q4, mode=Mode.ZEROSHOT)
    expected = {"Reliable": {"Reliable": 1}, "Unreliable": {"Reliable": 2}, "No fit": {OTHER: 1, NOTHING: 1}}
    assert (expected, ("Reliable", OTHER, NOTHING)) == (matrix.counts, matrix.answered)
    assert (6, 5) == (matrix.planned, matrix.measured)


@given(
    st.lists(st.tuples(st.sampled_from(["SUCCESS", "NO_SIGNAL"]), st.none() | st.text() | st.just("DAMPED")))
)
def test_every_answer_is_in_the_matrix_once(pairs):
    records = [labelled("Q6", expected, extracted) for expected, extracted in pairs]
    matrix = confusion_matrix(
        records, planned=len(pairs), question=Question.Q6, mode=Mode.ZEROSHOT, family="drag"
    )
    assert len(pairs) == sum(sum(row.values()) for row in matrix.counts.values())


@pytest.mark.parametrize(
    ("name", "expected", "records"),
    [
        (
            "Optimism (Q6)",
            (1, 3),
            [
                ("Q6", "DAMPED", "SUCCESS"),
                ("Q6", "DAMPED", None),
                ("Q6", "SUCCESS", "DAMPED"),
                ("Q6", "DAMPED", "DAMPED"),
            ],
        ),
        (
            "Optimism (Q2)",
            (1, 2),
            [
                ("Q2", "Apparatus issue", "Expected behavior"),
                ("Q2", "Apparatus issue", "Anomalous behavior"),
                ("Q2", "Expected behavior", "Expected behavior"),
            ],
        ),
        (
            "False success (Q6)",
            (2, 4),
            [
                ("Q6", "NO_SIGNAL", "SUCCESS"),
                ("Q6", "TELEGRAPHIC", "STABLE"),
                ("Q6", "NO_SIGNAL", "DAMPED"),
                ("Q6", "NO_SIGNAL", None),
                ("Q6", "EVENT", "NO_EVENT"),
                ("Q6", "SUCCESS", "SUCCESS"),
            ],
        ),
        (
            "Suboptimal called expected (Q2)",
            (1, 2),
            [
                ("Q2", "Suboptimal parameters", "Expected behavior"),
                ("Q2", "Suboptimal parameters", "Suboptimal parameters"),
                ("Q2", "Apparatus issue", "Expected behavior"),
            ],
        ),
        (
            "False confidence (Q4)",
            (1, 3),
            [
                ("Q4", "Unreliable", "Reliable"),
                ("Q4", "Unreliable", "Unreliable"),
                ("Q4", "Unreliable", "No fit"),
                ("Q4", "No fit", "Reliable"),
            ],
        ),
        (
            "No-fit blindness (Q4)",
            (2, 4),
            [
                ("Q4", "No fit", "Reliable"),
                ("Q4", "No fit", "Unreliable"),
                ("Q4", "No fit", "No fit"),
                ("Q4", "No fit", None),
                ("Q4", "Reliable", "Reliable"),
            ],
        ),
    ],
)
def test_biases_are_shares_of_what_they_say(name, expected, records):
    rates = bias_rates(labelled(*record, sample=str(number)) for number, record in enumerate(records))
    assert expected == (rates[name].count, rates[name].of)
    assert pytest.approx(expected[0] / expected[1]) == rates[name].share


def test_a_bias_without_occasion_has_no_share():
    assert [None] * 6 == [rate.share for rate in bias_rates([]).values()]


def test_a_sample_that_was_asked_more_often_weighs_no_more():
    cases = [("a", True), ("a", True), ("a", True), ("b", False)]
    assert (0.5, 3, 4) == (rate(cases).share, rate(cases).count, rate(cases).of)


# --- parameters ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("expected", "answer", "reference", "credit"),
    [
        (FieldError.UNIT, 0.0251, 25.0, 0.0),
        (FieldError.UNIT, "25100", 25.0, 0.0),
        (FieldError.UNIT, 2.6e7, 25, 0.0),
        (FieldError.MAGNITUDE, 250.0, 25.0, 0.0),
        (FieldError.MAGNITUDE, -0.2, 25.0, 0.0),
        (FieldError.DECLINED, None, 25.0, 0.0),
        (FieldError.DECLINED, "Unreliable", 25.0, 0.0),
        (FieldError.INVENTED, 25.0, "Unreliable", 0.0),
        (FieldError.INVENTED, "wide", None, 0.0),
        (None, 30.0, 25.0, 0.0),
        (None, 0.0, 25.0, 0.0),
        (None, 25.0, 0.0, 0.0),
        (None, True, 25.0, 0.0),
        (None, "wide", 25.0, 0.0),
        (None, float("inf"), 25.0, 0.0),
        (None, [25000.0], [25.0], 0.0),
        (None, 250.0, 25.0, 0.5),
        (None, None, "Unreliable", 1.0),
    ],
)
def test_an_answer_without_credit_is_wrong_in_a_way_that_has_a_name(expected, answer, reference, credit):
    assert expected is field_error(answer, reference, credit)


@given(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    st.floats() | st.integers() | st.text(),
)
def test_no_value_is_too_odd_to_be_named(answer, reference):
    assert field_error(answer, reference, 0.0) in {None, *FieldError}


def test_fields_are_scored_one_by_one():
    records = [
        extraction(
            {"T1_us": 20.0, "decay": True}, {"T1_us": 0.02, "decay": True}, {"T1_us": 0.0, "decay": 1.0}
        ),
        extraction({"T1_us": 30.0}, {"T1_us": 30.0}, {"T1_us": 1.0}, sample="b"),
        extraction({"T1_us": 30.0}, None, {"T1_us": 0.0}, sample="c"),
    ]
    run = run_with(records, [planned_item("d", "Q5", family="t1")])
    t1, decay = sorted(field_scores(evaluation_of(run).outcomes, records), key=lambda score: score.field)
    assert ("T1_us", 3, pytest.approx(1 / 3), 0.75) == (t1.field, t1.items, t1.mean, t1.coverage.share)
    assert {"unit": 1, "magnitude": 0, "declined": 0, "invented": 0} == {
        k: r.count for k, r in t1.errors.items()
    }
    assert ("decay", 1, 1.0, None) == (decay.field, decay.items, decay.mean, decay.interval)


def test_a_field_that_a_readable_answer_lacks_is_declined():
    records = [extraction({"T1_us": 20.0}, {"T2_us": 20.0}, {"T1_us": 0.0})]
    (score,) = field_scores(evaluation_of(run_with(records)).outcomes, records)
    assert 1 == score.errors[FieldError.DECLINED].count


# --- answers ------------------------------------------------------------------------------------------------


def test_answers_that_were_cut_or_say_nothing_are_counted():
    cut = Answer(text="", finish_reason="length")
    records = [
        labelled("Q6", "SUCCESS", None, sample="a", answer=cut),
        labelled("Q6", "SUCCESS", "SUCCESS", sample="b"),
        failed(planned_item("c", "Q6")),
        labelled("Q2", "Expected behavior", "All is well", sample="a"),
    ]
    statuses, conclusions = legibility(records, Question.Q6), legibility(records, Question.Q2)
    assert (1, 2, 1, 2) == (
        statuses.truncated.count,
        statuses.truncated.of,
        statuses.unreadable.count,
        statuses.unreadable.of,
    )
    assert 1 == conclusions.unreadable.count


def test_free_text_is_never_unreadable():
    assert legibility([scored(planned_item("a", "Q3"), 1.0)], Question.Q3).unreadable is None


def statements(sample, references=GOOD, **answers):
    return [
        labelled(question, references.get(question), extracted, sample=sample)
        for question, extracted in answers.items()
    ]


def found(records):
    """Name -> count and base of each contradiction."""
    return {entry.name: (entry.answers.count, entry.answers.of) for entry in contradictions(records)}


def test_expected_behavior_that_fails_is_a_contradiction():
    records = [
        *statements("a", Q2="Expected behavior", Q6="NO_SIGNAL"),
        *statements("b", Q2="Expected behavior", Q6="NO_EVENT"),
        *statements("c", Q2="Apparatus issue", Q6="NO_SIGNAL"),
        *statements("d", Q2="All is well", Q6="NO_SIGNAL"),
        *statements("e", Q2="Expected behavior"),
    ]
    assert (1, 3) == found(records)["Q2 Expected behavior, Q6 failure"]


def test_success_of_what_is_not_expected_is_a_contradiction():
    records = [
        *statements("a", Q2="Apparatus issue", Q6="SUCCESS"),
        *statements("b", Q2="Expected behavior", Q6="SUCCESS"),
    ]
    assert (1, 2) == found(records)["Q6 SUCCESS, Q2 not Expected behavior"]


def test_numbers_from_a_fit_called_unreliable_are_a_contradiction():
    declined = extraction(
        {"T1_us": "Unreliable", "dips": 3}, {"T1_us": 3.0, "dips": 3}, {"T1_us": 0.0}, family="drag"
    )
    counted = extraction(
        {"T1_us": 3.0, "dips": 3}, {"T1_us": None, "dips": 3}, {"T1_us": 0.0}, sample="b", family="drag"
    )
    records = [declined, counted, *statements("a", Q4="Unreliable"), *statements("b", Q4="Unreliable")]
    assert (1, 2) == found(records)["Q4 Unreliable, Q5 numbers from the fit"]


def test_references_have_the_same_rate_next_to_them():
    references = {"Q2": "Expected behavior", "Q6": "NO_SIGNAL"}
    records = statements("a", references, Q2="Apparatus issue", Q6="NO_SIGNAL")
    entry = contradictions(records)[0]
    assert (0, 1) == (entry.answers.count, entry.references.count)


# --- families and scenario types ----------------------------------------------------------------------------


def scenario_run(scores):
    """A run of Q6 from {(family, scenario, sample): score}."""
    items = {key: planned_item(key[2], family=key[0], scenario=key[1]) for key in scores}
    records = [scored(items[key], score) for key, score in scores.items() if score is not None]
    return Run(manifest=manifest(items.values()), records=tuple(records))


SCENARIOS = {
    ("drag", "drag_success", "a"): 1.0,
    ("drag", "drag_success", "b"): 1.0,
    ("drag", "drag_far", "c"): 0.0,
    ("rabi", "rabi_noise", "d"): 0.0,
    ("rabi", "rabi_noise", "e"): 1.0,
    ("t1", "t1_flat", "f"): None,
}


def test_families_come_best_first_and_those_without_a_mean_last():
    run = scenario_run(SCENARIOS)
    families = break_down(evaluation_of(run), run)[Mode.ZEROSHOT].families
    assert [("drag", pytest.approx(2 / 3)), ("rabi", 0.5), ("t1", None)] == [
        (f.family, f.mean.mean) for f in families
    ]


def test_hard_scenario_types_are_those_below_ten_percent():
    run = scenario_run(SCENARIOS)
    hard = break_down(evaluation_of(run))[Mode.ZEROSHOT].hard_scenarios
    assert [("drag", "drag_far", 1)] == [(s.family, s.scenario_type, s.summary.samples) for s in hard]


def test_over_several_runs_what_is_hard_for_all_counts():
    other = scenario_run(SCENARIOS | {("rabi", "rabi_noise", "e"): 0.0})
    runs = [evaluation_of(other), evaluation_of(scenario_run(SCENARIOS))]
    assert [("drag", "drag_far", Question.Q6)] == hard_for_all(runs, Mode.ZEROSHOT)
    assert 2 == len(hard_for_all(runs[:1], Mode.ZEROSHOT))


def test_a_small_family_borrows_its_spread_from_all():
    values = {(f"{n}", "Q5", "zeroshot"): n / 10 for n in range(10)} | {("x", "Q5", "zeroshot"): 0.47}
    run = run_of(values | {("y", "Q5", "zeroshot"): 0.47})
    items = [
        replace(item, family="few" if item.key.sample_id in "xy" else "many") for item in run.manifest.planned
    ]
    run = replace(run, manifest=manifest(items))
    few = next(f for f in break_down(evaluation_of(run))[Mode.ZEROSHOT].families if f.family == "few")
    interval = few.questions[Question.Q5].mean_interval
    assert 0.2 < interval.high - interval.low < 0.7


def test_variants_of_a_study_are_left_out():
    item = planned_item("a", variant="blurred")
    run = Run(manifest=manifest([item]), records=(scored(item, 1.0),))
    assert {} == break_down(evaluation_of(run), run)


# --- the full report ----------------------------------------------------------------------------------------


def complete_run():
    """Two families, twelve samples, all questions; answers that are wrong in every way that is counted."""
    samples = [("rabi", "rabi_success"), ("rabi", "rabi_noise"), ("t1", "t1_success"), ("t1", "t1_short")] * 3
    records = []
    for number, (family, scenario) in enumerate(samples):
        good = scenario.endswith("success")
        labels = GOOD if good else {"Q2": "Suboptimal parameters", "Q4": "Unreliable", "Q6": "NO_SIGNAL"}
        for question, expected in labels.items():
            for mode in (Mode.ZEROSHOT, Mode.ICL) if question == "Q6" else (Mode.ZEROSHOT,):
                item = planned_item(str(number), question, mode, family=family, scenario=scenario)
                extracted = [expected, GOOD[question], "no idea"][number // 2 % 3]
                value = float(extracted == expected)
                records.append(scored(item, value, expected=expected, extracted=extracted))
        for mode in Mode:
            for question in ("Q1", "Q3") if mode is Mode.ZEROSHOT else ("Q3",):
                item = planned_item(str(number), question, mode, family=family, scenario=scenario)
                records.append(scored(item, number % 4 / 3, extracted={"plot_type": "line"}))
            item = planned_item(str(number), "Q5", mode, family=family, scenario=scenario)
            reference, answer = (
                (20.0 if good else "Unreliable"),
                [20.0, 20000.0, None, 200.0][number // 2 % 4],
            )
            credit = float(reference == answer or (not good and answer is None))
            records.append(
                scored(
                    item,
                    credit,
                    expected={"T_us": reference},
                    extracted={"T_us": answer},
                    components={"T_us": credit},
                )
            )
    return run_with(records[:-1], [planned_item("11", "Q5", "icl", family="t1", scenario="t1_short")])


def test_the_full_report(snapshot):
    run = complete_run()
    assert snapshot == render_text.render(full_report(evaluation_of(run), run), 80)


def test_without_records_the_full_report_is_what_scores_allow():
    titles = [section.title for section in full_report(evaluation_of(complete_run())).sections]
    assert [
        "Scores",
        "Behind the scores",
        "Published models",
        "New families",
        "Zero-shot: families",
        "ICL: families",
    ] == titles
