"""Verdicts compared with examples computed manually."""

import math
import random
import statistics
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import stdtrit

from reports.gates.check import check_samples
from reports.gates.file import GateFileError
from reports.gates.metrics import metric_values
from reports.gates.populations import Population
from reports.gates.verdicts import GateVerdict, judge_run
from reports.records.records import Answer, Run
from reports.statistics.holm import step_down
from reports.statistics.intervals import mean_interval
from tests.gate_factory import gate, gate_file, q6, renamed, right, run_with, verdict
from tests.run_factory import failed, manifest, planned_item, scored

BASE = Path("base")

# --- one gate ---


@pytest.mark.parametrize(
    ("expected", "condition"),
    [
        (GateVerdict.PASS, {"min": 80}),
        (GateVerdict.INCONCLUSIVE, {"min": 81}),
        (GateVerdict.FAIL, {"max": 80}),
        (GateVerdict.INCONCLUSIVE, {"max": 81}),
    ],
)
def test_the_bound_of_the_interval_decides(expected, condition):
    decision = verdict(q6(*right(45, of=50)), gate(**condition))
    # Wilson's interval, by its formula: (0.9 + z^2/100 -+ z sqrt(0.09/50 + z^2/10000)) / (1 + z^2/50), z =
    # 1.644854
    assert (expected, 0.9) == (decision.verdict, decision.figure)
    assert (pytest.approx(0.80846, abs=1e-5), pytest.approx(0.95047, abs=1e-5)) == (
        decision.interval.low,
        decision.interval.high,
    )


@pytest.mark.parametrize(
    ("expected", "condition"),
    [
        (GateVerdict.FAIL, {"min": 20}),
        (GateVerdict.INCONCLUSIVE, {"min": 19}),
        (GateVerdict.PASS, {"max": 20}),
    ],
)
def test_bounds_work_the_other_way_round_too(expected, condition):
    assert expected is verdict(q6(*right(5, of=50)), gate(**condition)).verdict  # 5.0 to 19.2


@pytest.mark.parametrize(
    ("expected", "condition"),
    [
        (GateVerdict.PASS, {"min": 70}),
        (GateVerdict.FAIL, {"min": 70.1}),
        (GateVerdict.PASS, {"max": 70}),
        (GateVerdict.FAIL, {"max": 69.9}),
    ],
)
def test_point_mode_compares_the_plain_figure(expected, condition):
    assert expected is verdict(q6(*right(7, of=10)), gate(**condition, mode="point")).verdict


def test_the_mean_is_that_of_the_questions():
    run = run_with({("Q2", "zeroshot"): right(15, of=20), ("Q6", "zeroshot"): right(5, of=20)})
    decision = verdict(run, gate("zeroshot.Q2+Q6", min=20))
    assert (pytest.approx(0.5), 20) == (decision.figure, decision.samples)


def test_a_mean_needs_all_its_questions():
    decision = verdict(q6(*right(9, of=10)), gate("zeroshot.mean", min=50))
    assert GateVerdict.CANNOT is decision.verdict
    assert "Q1, Q2, Q3, Q4, Q5 (zeroshot) not asked in this run" == decision.reason


def test_a_family_takes_its_own_samples_and_the_spread_of_all_families():
    values = [0.03, 0.97] * 5 + [0.59, 0.61] * 5
    decision = verdict(run_with({("Q5", "zeroshot"): values}), gate("zeroshot.Q5", min=20, family="f1"))
    assert (pytest.approx(0.6), 10) == (decision.figure, decision.samples)
    alone = mean_interval(values[10:])
    assert decision.interval.high - decision.interval.low > 1.1 * (alone.high - alone.low)


def test_an_unknown_family_is_not_asked():
    decision = verdict(q6(*right(9, of=10)), gate(min=50, family="rabbi"))
    assert GateVerdict.CANNOT is decision.verdict
    assert "no sample of family rabbi in this run, only of f0" == decision.reason


# --- too few samples ---


@pytest.mark.parametrize(
    ("samples", "condition", "needed"),
    [
        (4, {"min": 60}, 5),  # n / (n + z^2) >= 0.6
        (4, {"max": 40}, 5),
        (1, {"min": 1}, 2),
        (99, {"min": 99}, 268),
    ],
)
def test_too_few_samples_cannot_carry_a_verdict(samples, condition, needed):
    best = 1.0 if "min" in condition else 0.0
    decision = verdict(q6(*[best] * samples), gate(**condition))
    assert GateVerdict.CANNOT is decision.verdict
    assert (
        f"{samples} samples are too few to pass, however good the result; {needed} would be enough"
        == decision.reason
    )
    assert GateVerdict.CANNOT is not verdict(q6(*[best] * needed), gate(**condition)).verdict


@pytest.mark.parametrize(
    ("metric", "samples", "max_drop", "needed"),
    [
        ("zeroshot.Q6", 12, 5, 56),
        ("zeroshot.Q6", 9, 20, 16),
        ("zeroshot.mean", 12, 2, 25),
        ("zeroshot.Q6", 100, 2, 138),
    ],
)
def test_what_could_not_pass_even_if_nothing_changed_is_refused(metric, samples, max_drop, needed):
    """Nothing in n samples leaves h * t^2 / n possible, with h = 1 for a question and 1/6 for the mean."""
    gated = gate(metric, max_drop=max_drop, baseline=BASE)
    run = run_with({(question.value, "zeroshot"): [1.0] * samples for question in gated.metric.questions})
    expected = f"{samples} samples are too few to pass, even if nothing changed; {needed} would be enough"
    with pytest.raises(GateFileError, match=expected):
        check_samples(gate_file("gates.toml", gated), run.manifest, run.manifest.planned, {BASE: run})
    enough = run_with({(question.value, "zeroshot"): [1.0] * needed for question in gated.metric.questions})
    assert GateVerdict.PASS is verdict(enough, gated, baselines={BASE: renamed(enough)}).verdict


def flipping(repeats, questions=("Q6",)):
    """A run of 243 samples, of which 24% of the answers flip."""
    source = random.Random(1)
    chances = [0.9 if sample % 5 else 0.5 for sample in range(243)]
    return run_with(
        {
            (question, "zeroshot"): [
                tuple(float(source.random() < chance) for _ in range(repeats)) for chance in chances
            ]
            for question in questions
        }
    )


def said_beforehand(gated, *, repeats, baseline, looks=()):
    """Return the notes on a gate before a run of ``repeats``, with a baseline of ``baseline`` repeats."""
    questions = [question.value for question in gated.metric.questions]
    run = flipping(repeats, questions)
    baselines = {BASE: renamed(flipping(baseline, questions))}
    file = gate_file("gates.toml", gated)
    return check_samples(file, run.manifest, run.manifest.planned, baselines, looks=looks)


LOOKS = (1, 2, 3, 4)
FORECASTS = [
    (
        "zeroshot.Q6",
        1,
        4,
        8,
        LOOKS,
        ["4 repeats an unchanged model passes in about 10%", "allow a larger max_drop"],
    ),
    (
        "zeroshot.Q6",
        2,
        4,
        8,
        LOOKS,
        ["24% of the baseline's answers flip", "21 repeats in both runs make it 80%"],
    ),
    (
        "zeroshot.Q6",
        3,
        2,
        8,
        (),
        ["2 repeats an unchanged model passes in about 53%", "; --repeats 6 makes it 80%"],
    ),
    ("zeroshot.mean", 2, 4, 8, LOOKS, []),
    ("zeroshot.Q6", 1, 4, 2, LOOKS, ["allow a larger max_drop, or gate on more questions"]),
    ("zeroshot.mean", 2, 4, 1, LOOKS, ["base has one repeat", "make the baseline again with --repeats 8"]),
    (
        "zeroshot.mean",
        2,
        1,
        8,
        (),
        ["the interval is about plots like these", "--max-repeats 4 makes it about this benchmark"],
    ),
]


@pytest.mark.parametrize(("metric", "max_drop", "repeats", "baseline", "looks", "words"), FORECASTS)
def test_what_repeats_will_hardly_decide_is_said_beforehand(
    metric, max_drop, repeats, baseline, looks, words
):
    notes = said_beforehand(
        gate(metric, max_drop=max_drop, baseline=BASE), repeats=repeats, baseline=baseline, looks=looks
    )
    assert bool(words) == len(notes)
    assert [] == [word for word in words if word not in notes[0]]


def test_one_question_cannot_show_a_drop_of_a_point_with_one_repeat_on_a_side():
    """One answer in 243 is 0.4 points: nothing that differed leaves 1.1 possible."""
    gated = gate("zeroshot.Q6", max_drop=1, baseline=BASE)
    for repeats, baseline in ((1, 1), (1, 8), (4, 1)):
        with pytest.raises(
            GateFileError, match=r"243 samples .* 273 would be enough, or 2 repeats in both runs"
        ):
            said_beforehand(gated, repeats=repeats, baseline=baseline)


def test_too_few_samples_to_pass_are_enough_to_fail():
    decision = against(right(38, of=40), right(10, of=40), max_drop=2)
    assert GateVerdict.FAIL is decision.verdict
    unchanged = against(right(38, of=40), right(38, of=40), max_drop=2)
    assert (GateVerdict.CANNOT, True) == (unchanged.verdict, "138 would be enough" in unchanged.reason)


@pytest.mark.parametrize("metric", ["zeroshot.mean", "zeroshot.Q6"])
def test_a_run_against_itself_passes_any_drop_of_1_with_243_samples(metric):
    gated = gate(metric, max_drop=1, baseline=BASE)
    run = run_with({(question.value, "zeroshot"): right(120, of=243) for question in gated.metric.questions})
    decision = verdict(run, gated, baselines={BASE: run})
    assert (GateVerdict.PASS, 0.0) == (decision.verdict, decision.figure)


def test_the_same_answers_again_are_nearly_as_good():
    gated = gate("zeroshot.mean", max_drop=1, baseline=BASE)
    run = run_with({(question.value, "zeroshot"): right(120, of=243) for question in gated.metric.questions})
    decision = verdict(run, gated, baselines={BASE: renamed(run)})
    # a sixth of t^2 / n, t(242; 0.95) = 1.651175: what one item can do to the mean of its sample
    assert pytest.approx(-1 / 6 * 1.651175**2 / 243, abs=1e-6) == decision.interval.low


def test_a_plain_figure_needs_one_sample():
    assert GateVerdict.PASS is verdict(q6(1.0), gate(min=100, mode="point")).verdict


# --- differences ---


def against(before, after, **fields):
    return verdict(q6(*after), gate(baseline=BASE, **fields), baselines={BASE: renamed(q6(*before))})


def test_the_same_answers_pass_with_many_samples():
    answers = right(150, of=200)
    assert GateVerdict.PASS is against(answers, answers, max_drop=1.4).verdict  # t^2 / (n + t^2) = 1.35%
    assert GateVerdict.CANNOT is against(answers, answers, max_drop=1.3).verdict


def test_a_drop_is_later_minus_earlier():
    decision = against(right(180, of=200), right(160, of=200), max_drop=2)
    assert (GateVerdict.FAIL, pytest.approx(-0.1)) == (decision.verdict, decision.figure)
    assert GateVerdict.PASS is against(right(160, of=200), right(180, of=200), max_drop=2).verdict


def test_a_drop_that_is_allowed_but_not_shown_to_be_small_is_inconclusive():
    decision = against(right(100, of=200), [*right(95, of=100), *right(5, of=100)], max_drop=2)
    assert (GateVerdict.INCONCLUSIVE, 0.0) == (decision.verdict, decision.figure)


def test_only_what_both_runs_planned_is_compared():
    decision = against(right(15, of=15), right(25, of=40), max_drop=25)
    assert (15, 0.0) == (decision.samples, decision.figure)


def test_a_delta_is_icl_minus_zero_shot_on_shared_samples():
    run = run_with({("Q6", "zeroshot"): right(5, of=20), ("Q6", "icl"): right(12, of=15)})
    decision = verdict(run, gate("icl.Q6.delta", min=10))
    assert (15, pytest.approx(7 / 15)) == (decision.samples, decision.figure)
    assert GateVerdict.PASS is decision.verdict


def test_a_drop_of_a_delta_is_a_difference_of_differences():
    before = run_with({("Q6", "zeroshot"): [0.0] * 20, ("Q6", "icl"): [1.0] * 20})
    after = run_with({("Q6", "zeroshot"): [1.0] * 20, ("Q6", "icl"): [0.0] * 20})
    decision = verdict(after, gate("icl.Q6.delta", max_drop=20, baseline=BASE), baselines={BASE: before})
    assert (GateVerdict.FAIL, -2.0, -2.0) == (decision.verdict, decision.figure, decision.interval.low)


# --- rates ---


def labelled(*answers, question="Q6"):
    """A run of samples with (scenario, expected, answered); answered None was not measured."""
    items = [
        planned_item(f"s{number:03}", question, "zeroshot", scenario=scenario)
        for number, (scenario, _, _) in enumerate(answers)
    ]
    records = tuple(
        scored(item, float(expected == answered), expected=expected, extracted=answered)
        for item, (_, expected, answered) in zip(items, answers, strict=True)
        if answered is not None
    )
    return Run(manifest=manifest(items), records=records)


def test_a_false_success_is_a_failure_called_good():
    answers = [("no_signal", "NO_SIGNAL", "SUCCESS")] * 3 + [("no_signal", "NO_SIGNAL", "DAMPED")] * 17
    good = [("success", "SUCCESS", "SUCCESS")] * 30
    decision = verdict(labelled(*answers, *good), gate("q6.false_success", max=40))
    assert (GateVerdict.PASS, 3 / 20, 20) == (
        decision.verdict,
        pytest.approx(decision.figure),
        decision.samples,
    )


def test_unmeasured_items_count_in_a_rate_unless_their_scenario_type_does_not():
    known = [("no_signal", "NO_SIGNAL", "NO_SIGNAL")] * 20 + [("success", "SUCCESS", "SUCCESS")]
    lost = [("no_signal", "NO_SIGNAL", None), ("success", "SUCCESS", None), ("unheard", "DAMPED", None)]
    decision = verdict(labelled(*known, *lost), gate("q6.false_success", max=40))
    assert (22, 2) == (decision.samples, decision.unmeasured)


@pytest.mark.parametrize(
    ("metric", "question", "expected", "wrong"),
    [
        ("q2.suboptimal_as_expected", "Q2", "Suboptimal parameters", "Expected behavior"),
        ("q4.false_confidence", "Q4", "Unreliable", "Reliable"),
        ("q4.no_fit_blindness", "Q4", "No fit", "Reliable"),
        ("q2.unreadable", "Q2", "Suboptimal parameters", "whatever"),
        ("q6.unreadable", "Q6", "SUCCESS", None),
    ],
)
def test_other_rates_are_those_of_the_reports(metric, question, expected, wrong):
    items = [planned_item(f"s{number}", question) for number in range(20)]
    records = [
        scored(item, 0.0, expected=expected, extracted=wrong if number < 5 else expected)
        for number, item in enumerate(items)
    ]
    decision = verdict(Run(manifest=manifest(items), records=tuple(records)), gate(metric, max=60))
    assert (GateVerdict.PASS, 0.25) == (decision.verdict, decision.figure)


# --- what was not measured ---


@pytest.mark.parametrize(
    ("expected", "measured", "lost", "minimum"),
    [
        (GateVerdict.PASS, right(98, of=98), 2, 80),  # passes even if both are wrong
        (GateVerdict.FAIL, right(20, of=98), 2, 80),  # fails even if both are right
        (GateVerdict.CANNOT, right(90, of=98), 2, 85),  # passes, but not if both are wrong
        (GateVerdict.CANNOT, right(60, of=98), 2, 69),  # fails, but not if both are right
        (GateVerdict.INCONCLUSIVE, right(80, of=98), 2, 80),  # undecided whatever they are
        (GateVerdict.CANNOT, [], 20, 80),
    ],
)
def test_what_was_not_measured_counts_as_wrong_and_as_right(expected, measured, lost, minimum):
    decision = verdict(q6(*measured, *[None] * lost), gate(min=minimum))
    assert (expected, lost, len(measured) + lost) == (decision.verdict, decision.unmeasured, decision.samples)
    if expected is GateVerdict.CANNOT:
        assert f"depends on {lost} items that were not measured" == decision.reason


def test_bounds_are_those_of_the_worst_and_the_best_case():
    decision = verdict(q6(*right(8, of=10), None, None), gate(min=50))
    assert pytest.approx(0.8) == decision.figure
    assert mean_interval(right(8, of=12), level=0.9).low == pytest.approx(decision.interval.low)
    assert mean_interval(right(10, of=12), level=0.9).high == pytest.approx(decision.interval.high)


def test_what_the_baseline_lacks_counts_the_other_way_round():
    before, after = [*right(20, of=20), None], [*right(20, of=20), 1.0]
    values = metric_values(gate(max_drop=2, baseline=BASE), q6(*after), q6(*before))
    assert (0.0, pytest.approx(1 / 21)) == tuple(
        statistics.fmean(values.sample_values(fill)) for fill in (0, 1)
    )


def test_a_plain_figure_that_what_is_missing_could_turn_cannot_be_gated():
    values = (*right(7, of=9), None)
    assert GateVerdict.CANNOT is verdict(q6(*values), gate(min=75, mode="point")).verdict
    assert GateVerdict.PASS is verdict(q6(*values), gate(min=70, mode="point")).verdict
    assert GateVerdict.FAIL is verdict(q6(*values), gate(min=85, mode="point")).verdict


@given(st.lists(st.sampled_from([0.0, 0.5, 1.0]), min_size=12, max_size=30), st.data())
def test_losing_items_never_turns_one_verdict_into_the_other(values, data):
    lost = data.draw(st.sets(st.integers(0, len(values) - 1), max_size=8))
    minimum = data.draw(st.integers(1, 75))
    kept = [None if number in lost else value for number, value in enumerate(values)]
    full, partial = (verdict(q6(*each), gate(min=minimum)).verdict for each in (values, kept))
    assert {full, partial} != {GateVerdict.PASS, GateVerdict.FAIL}


# --- several gates ---


def test_holm_reads_the_strictest_claim_first():
    # three claims with p-values 0.01, 0.02, 0.04 (of an interval's two sides): 0.05 / 3, / 2, / 1
    tests = [lambda level, p=p: p <= 1 - level for p in (0.04, 0.01, 0.02)]
    assert [pytest.approx(1 - 0.05 / m) for m in (1, 3, 2)] == step_down(tests, 0.95)


def test_holm_stops_at_the_first_claim_that_is_not_shown():
    tests = [lambda level, p=p: p <= 1 - level for p in (0.03, 0.01, 0.04)]
    assert [pytest.approx(1 - 0.05 / m) for m in (2, 3, 2)] == step_down(tests, 0.95)
    assert [] == step_down([], 0.95)


def test_more_gates_make_it_harder_to_fail_and_no_harder_to_pass():
    """A file passes only if all of its gates pass; any of them can fail it."""
    run, close = q6(*right(45, of=50)), gate(min=80)
    alone, beside = verdict(run, close), verdict(run, close, gate(min=81))
    assert GateVerdict.PASS is alone.verdict is beside.verdict
    assert pytest.approx(0.80846, abs=1e-5) == alone.interval.low == beside.interval.low
    failing = gate(max=80)
    assert GateVerdict.FAIL is verdict(run, failing).verdict
    decision = verdict(run, failing, gate(max=81))
    assert (GateVerdict.INCONCLUSIVE, True) == (decision.verdict, decision.corrected)
    assert pytest.approx(0.78640, abs=1e-5) == decision.interval.low  # at 97.5%: z = 1.959964


def test_a_gate_that_clearly_fails_costs_the_others_nothing():
    decision = verdict(q6(*right(45, of=50)), gate(max=80), gate(max=30))
    assert (GateVerdict.FAIL, pytest.approx(0.80846, abs=1e-5)) == (decision.verdict, decision.interval.low)


def test_a_drop_that_is_shown_and_allowed_passes_with_a_warning():
    before, after = right(400, of=500), [*[0.0] * 12, *right(388, of=488)]
    decision = against(before, after, max_drop=5)
    assert (GateVerdict.WORSE, pytest.approx(-12 / 500)) == (decision.verdict, decision.figure)
    report = judge_run(
        gate_file("gates.toml", gate(max_drop=5, baseline=BASE)), q6(*after), {BASE: renamed(q6(*before))}
    )
    assert (GateVerdict.WORSE, 0) == (report.verdict, report.exit_status)
    assert GateVerdict.PASS is against(before, [*[0.0] * 3, *right(397, of=497)], max_drop=5).verdict


def test_a_level_of_the_file_decides_how_sure_a_verdict_is():
    run = q6(*right(45, of=50))
    for level, passing in ((0.975, 78), (0.95, 80), (0.8, 85)):
        assert GateVerdict.PASS is verdict(run, gate(min=passing, level=level), level=level).verdict
        assert GateVerdict.PASS is not verdict(run, gate(min=passing + 1, level=level), level=level).verdict


# --- this benchmark ---


def with_repeats(count, right_in, *, samples=243):
    """A run of Q6 with the number of right repeats of each sample."""
    return q6(
        *[tuple(float(repeat < right_in(number)) for repeat in range(count)) for number in range(samples)]
    )


def test_with_repeats_on_both_sides_only_answers_vary():
    base, run = with_repeats(4, lambda n: 4 * (n % 2)), with_repeats(2, lambda n: 2 * (n % 2))
    decision = verdict(run, gate(max_drop=2, baseline=BASE), baselines={BASE: renamed(base)})
    assert (GateVerdict.PASS, Population.BENCHMARK, 0.0) == (
        decision.verdict,
        decision.population,
        decision.flip_rate,
    )
    once = q6(*[float(n % 2) for n in range(243)])
    alone = verdict(once, gate(max_drop=2, baseline=BASE), baselines={BASE: renamed(base)})
    assert (Population.PLOTS, 0.0, (1, 4)) == (
        alone.population,
        alone.flip_rate,
        (alone.repeats, alone.baseline_repeats),
    )


def test_the_variance_is_that_of_answers_over_repeats_and_samples():
    base, run = with_repeats(4, lambda _: 2), with_repeats(2, lambda _: 1)
    decision = verdict(run, gate(max_drop=20, baseline=BASE), baselines={BASE: renamed(base)})
    # s^2 = 1/3 of 2 in 4 right, 1/2 of 1 in 2: V = (1/3 / 4 + 1/2 / 2) / 243
    variance = (1 / 12 + 1 / 4) / 243
    freedom = variance**2 / ((1 / 12 / 243) ** 2 / 5 / 243 + (1 / 4 / 243) ** 2 / 3 / 243)
    reach = float(stdtrit(freedom, 0.95))
    assert pytest.approx(-reach * math.sqrt(variance), rel=1e-6) == decision.interval.low
    assert pytest.approx(2 / 3) == decision.flip_rate


def test_questions_of_a_sample_that_go_together_in_a_repeat_are_not_independent():
    together = {(q, "zeroshot"): [(1.0, 0.0)] * 40 for q in ("Q2", "Q6")}
    apart = {("Q2", "zeroshot"): [(1.0, 0.0)] * 40, ("Q6", "zeroshot"): [(0.0, 1.0)] * 40}
    gated = gate("zeroshot.Q2+Q6", max_drop=30, baseline=BASE)
    runs = [run_with(items) for items in (together, apart)]
    wide, narrow = (verdict(run, gated, baselines={BASE: renamed(run)}) for run in runs)
    assert wide.interval.high > 1.5 * narrow.interval.high


def test_an_anchor_is_decided_in_addition_to_the_baseline():
    anchored = gate(max_drop=5, baseline=Path("anchor"), anchor=True)
    run, base, anchor = (q6(*right(count, of=243)) for count in (180, 182, 230))
    report = judge_run(
        gate_file("gates.toml", gate(max_drop=5, baseline=BASE), anchored),
        run,
        {BASE: renamed(base), Path("anchor"): renamed(anchor)},
    )
    assert [GateVerdict.PASS, GateVerdict.FAIL] == [entry.verdict for entry in report.results]
    assert "zeroshot.Q6, max_drop 5 from anchor anchor" == report.results[1].gate.title


# --- looks ---


def test_each_look_is_read_at_a_higher_level():
    base, run = with_repeats(4, lambda n: n % 5), with_repeats(2, lambda n: n % 3)
    gates = gate_file("gates.toml", gate(max_drop=20, baseline=BASE))
    once = judge_run(gates, run, {BASE: renamed(base)})
    looked = judge_run(gates, replace(run, looks=(1, 2, 3, 4)), {BASE: renamed(base)})
    assert once.look is None
    assert (2, (1, 2, 3, 4)) == (looked.look.repeats, looked.look.planned)
    alone, together = once.results[0].interval, looked.results[0].interval
    assert together.low < alone.low < alone.high < together.high


def test_gates_that_test_nothing_cost_the_others_nothing():
    others = [gate(min=10, mode="point"), gate(min=60, family="f7"), gate("icl.Q6", min=60)]
    assert GateVerdict.FAIL is verdict(q6(*right(45, of=50)), gate(max=80), *others).verdict


@pytest.mark.parametrize(
    ("expected", "status", "gates"),
    [
        (GateVerdict.PASS, 0, [gate(min=50), gate(min=60)]),
        (GateVerdict.FAIL, 1, [gate(min=80), gate(max=50), gate("icl.Q6", min=50)]),
        (GateVerdict.INCONCLUSIVE, 10, [gate(min=50), gate(min=80)]),
        (GateVerdict.CANNOT, 11, [gate(min=50), gate(min=80), gate("icl.Q6", min=50)]),
    ],
)
def test_the_most_alarming_verdict_is_the_files(expected, status, gates):
    report = judge_run(gate_file("gates.toml", *gates), q6(*right(18, of=20)), {})
    assert (expected, status) == (report.verdict, report.exit_status)


# --- conditions on the whole run ---


def test_more_unmeasured_items_than_allowed_are_an_obstacle_to_every_gate():
    """Only items of the benchmark count: unmeasured items of a study do not block a release."""
    run = q6(*[1.0] * 50, None, None)
    blanks = [replace(item, key=item.key._replace(variant="blank")) for item in run.manifest.planned]
    run = replace(run, manifest=replace(run.manifest, planned=(*run.manifest.planned, *blanks)))
    assert GateVerdict.PASS is verdict(run, gate(min=50), max_unmeasured=2).verdict
    decision = verdict(run, gate(min=50), max_unmeasured=1)
    assert (GateVerdict.CANNOT, "2 of 52 items not measured (max_unmeasured 1)") == (
        decision.verdict,
        decision.reason,
    )
    assert decision.interval is not None


def test_more_cut_answers_than_allowed_are_an_obstacle():
    items = [planned_item(f"s{number}") for number in range(21)]
    cut = Answer(text="cut", finish_reason="length")
    records = (
        scored(items[0], 1.0, answer=cut),
        *(scored(item, 1.0) for item in items[1:20]),
        failed(items[20]),
    )
    run = Run(manifest=manifest(items), records=records)
    assert GateVerdict.PASS is verdict(run, gate(min=50), max_truncated=0.05).verdict
    decision = verdict(run, gate(min=50), max_truncated=0.048)
    assert (GateVerdict.CANNOT, "1 of 20 answers cut at max_tokens (max_truncated 0.048)") == (
        decision.verdict,
        decision.reason,
    )


@pytest.mark.parametrize(
    ("agreed", "reason"),
    [
        (56, ""),
        (47, ""),  # Wilson's lower bound at 90% is 74.1
        (
            44,
            (
                "44 of 56 known grades of the canary (79%), which does not show min_agreement 0.7; "
                "45 of 56 would be enough"
            ),
        ),
        (
            30,
            "30 of 56 known grades of the canary (54%), which is below min_agreement 0.7; 45 of 56 would be enough",
        ),
    ],
)
def test_a_judge_must_be_shown_to_agree(agreed, reason):
    run = replace(q6(*[1.0] * 20), judge_agreement={"judge-a": 1.0, "judge-b": agreed / 56}, judge_points=56)
    decision = verdict(run, gate(min=50), min_agreement=0.7)
    assert (GateVerdict.CANNOT if reason else GateVerdict.PASS) is decision.verdict
    assert (f"judge judge-b agrees with {reason}" if reason else "") == decision.reason


def test_an_agreement_that_the_canary_cannot_show_is_refused_before_anything_is_asked():
    file = gate_file("gates.toml", gate(min=50), min_agreement=0.97)
    run = q6(*[1.0] * 20)
    with pytest.raises(
        GateFileError, match=r"cannot be shown with the canary's 56 known grades; give at most 0\.95"
    ):
        check_samples(file, run.manifest, run.manifest.planned, {})


def test_judges_that_were_not_tried_are_an_obstacle():
    decision = verdict(q6(*[1.0] * 20), gate(min=50), min_agreement=0.7)
    assert "judges not checked (min_agreement 0.7): run with --judge-canary" == decision.reason


def test_an_interrupted_run_cannot_be_gated():
    report = judge_run(
        gate_file("gates.toml", gate(min=50)), q6(*[1.0] * 20), {}, interrupted="stopped by Ctrl-C"
    )
    assert (GateVerdict.CANNOT, ("stopped by Ctrl-C",)) == (report.verdict, report.obstacles)


# --- what would decide ---


def test_the_detectable_difference_is_counted_from_the_threshold():
    # right-or-wrong scores: sqrt(0.4 * 0.6 / 100) * (z(95%) + z(80%)), wherever the figure lies
    expected = math.sqrt(0.4 * 0.6 / 100) * (1.644854 + 0.841621)
    for count in (40, 70, 100):
        assert (
            pytest.approx(expected, rel=1e-5) == verdict(q6(*right(count, of=100)), gate(min=40)).detectable
        )


def test_the_detectable_difference_of_a_drop_is_that_of_the_differences():
    # differences of 0.2 and -0.3: s = 0.25 * sqrt(100 / 99)
    decision = against([0.0, 0.5] * 50, [0.2, 0.2] * 50, max_drop=3)
    assert pytest.approx(0.25 / math.sqrt(99) * (1.660391 + 0.841621), rel=1e-5) == decision.detectable


def test_the_samples_that_would_decide_make_the_difference_detectable():
    decision = verdict(q6(*right(70, of=100)), gate(min=65))
    assert GateVerdict.INCONCLUSIVE is decision.verdict
    assert math.ceil(100 * (decision.detectable / 0.05) ** 2) == decision.outlook.samples
    assert decision.outlook.repeats is None


def test_a_figure_on_the_threshold_is_never_decided():
    assert verdict(q6(*right(70, of=100)), gate(min=70)).outlook.samples is None


def test_equal_models_are_what_a_baseline_gate_plans_for():
    before, after = right(100, of=200), [*[0.0] * 6, *right(98, of=194)]
    decision = against(before, after, max_drop=2)
    assert (GateVerdict.INCONCLUSIVE, pytest.approx(-0.01)) == (decision.verdict, decision.figure)
    assert math.ceil(200 * (decision.detectable / 0.02) ** 2) == decision.outlook.samples
    assert (None, None) == (decision.flip_rate, decision.outlook.repeats)


def test_repeats_of_the_baseline_say_how_many_of_a_run_would_decide():
    base = renamed(with_repeats(4, lambda n: n % 5))
    once = q6(*[float(n % 5 > n % 4) for n in range(243)])
    decision = verdict(once, gate(max_drop=4, baseline=BASE), baselines={BASE: base})
    assert GateVerdict.INCONCLUSIVE is decision.verdict
    assert pytest.approx(1 / 3, abs=0.01) == decision.flip_rate
    assert 2 <= decision.outlook.repeats < 20
    assert not decision.outlook.both


def test_variance_is_split_into_samples_and_repeats():
    values = metric_values(gate(min=50), q6((0.0, 1.0), (1.0, 1.0)))
    # s^2 = (0.5 + 0) / 2; (s^2 / 2 + s^2 / 2) / 2^2
    assert pytest.approx(0.0625) == values.variance_of_repeats()
    assert metric_values(gate(min=50), q6(0.0, 1.0)).variance_of_repeats() is None


def test_a_repeat_that_was_not_measured_is_left_out_of_the_variance():
    values = metric_values(gate(min=50), q6((0.0, 1.0), (1.0, None)))
    assert pytest.approx(0.5 * (1 / 2 + 1) / 4) == values.variance_of_repeats()


@pytest.mark.parametrize("side", ["run", "baseline"])
def test_one_side_with_repeats_gives_the_split_for_both(side):
    """2 samples, s^2 = 0.25: over 2 repeats on one side and 1 on the other."""
    repeated, once = q6((0.0, 1.0), (1.0, 1.0)), renamed(q6(0.0, 1.0))
    run, base = (repeated, once) if side == "run" else (once, repeated)
    values = metric_values(gate(max_drop=5, baseline=BASE), run, base)
    assert pytest.approx(0.25 * (1 / 2 + 1) / 2) == values.variance_of_repeats()


def test_of_a_delta_each_mode_borrows_from_its_own():
    delta = {("Q6", "icl"): [(0.0, 1.0), (1.0, 1.0)], ("Q6", "zeroshot"): [(1.0, 1.0), (1.0, 1.0)]}
    once = renamed(run_with({key: [values[0] for values in samples] for key, samples in delta.items()}))
    values = metric_values(gate("icl.Q6.delta", max_drop=5, baseline=BASE), once, run_with(delta))
    assert pytest.approx(0.25 * (1 / 2 + 1) / 2) == values.variance_of_repeats()


def test_one_side_with_repeats_makes_a_smaller_difference_detectable():
    """The models differ from sample to sample; asked again each answers nearly as before."""
    before = [float(n % 3 > 0) for n in range(243)]
    after = q6(*[1 - value if n % 10 == 0 else value for n, value in enumerate(before)])
    once, twice = (
        verdict(after, gate(max_drop=3, baseline=BASE), baselines={BASE: renamed(q6(*base))})
        for base in (before, [(value, float(n % 50 > 0) * value) for n, value in enumerate(before)])
    )
    assert once.repeats_share is None
    assert 0 < twice.repeats_share < 0.5
    assert twice.detectable < 0.85 * once.detectable


def test_repeats_decide_if_their_variance_dominates():
    noisy = q6(*[(1.0, 0.0)] * 16, *[(1.0, 1.0)] * 16, *[(0.0, 0.0)] * 8)
    decision = verdict(noisy, gate(min=50))
    assert (GateVerdict.INCONCLUSIVE, 2) == (decision.verdict, decision.repeats)
    assert 0.5 < decision.repeats_share < 0.9
    assert 2 < decision.outlook.repeats < 20


def test_no_number_of_repeats_decides_if_samples_differ():
    decision = verdict(q6(*[(1.0, 1.0)] * 28, *[(0.0, 0.0)] * 11, (0.0, 1.0)), gate(min=65))
    assert decision.repeats_share < 0.1
    assert decision.outlook.repeats is None
