"""One question with increasing numbers of demonstrations: prompts, counts, effects of order and copying."""

import itertools
import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qcal_plugin.cli.options import read_config
from qcal_plugin.dataset.prepared import SampleEntry
from qcal_plugin.studies.shots import ShotPlan, conditions, demonstrations, queries
from reports.exchange.junit import load_junit
from reports.html.shots_chart import shots_chart, spread_labels
from reports.records.conditions import Shots, parse_shots
from reports.render.text import render
from reports.tables.overview import overview
from reports.tables.shots import published_shots
from scoring.questions import Mode
from synthetic.production import sample_keys
from synthetic.settings import parse_dataset_name
from tests.dataset_factory import png, tiny_dataset
from tests.endpoint import Reply
from tests.scripts import always, by_model, error
from tests.test_shards_and_budgets import figures, merge

pytest_plugins = ["pytester"]

SUCCESS = Reply("Status: SUCCESS")
ANSWER = re.compile(r"Status: \w+")


def options(endpoint, folder, *more, page=False):
    """Without the page, whose chart takes longer than all else."""
    short = [] if page else ["--no-html"]
    return [
        "--model-url",
        endpoint.base_url,
        "--dataset",
        str(folder),
        "--shot-families",
        "all",
        *short,
        *more,
    ]


def entries(types, each, family="drag"):
    return [
        SampleEntry(
            sample_id=f"{family}_{name}_{letter}", family=family, scenario_type=name, modes=tuple(Mode)
        )
        for name in types
        for letter in each
    ]


def answers_last_example(request):
    """A model that repeats the last demonstration; without any it says SUCCESS."""
    answers = ANSWER.findall(request.text)
    return Reply(answers[-1] if answers else "Status: SUCCESS")


# --- which demonstrations ---


@given(seed=st.integers(0, 50), types=st.integers(1, 7), each=st.integers(2, 3))
def test_demonstrations_are_other_samples_the_own_type_first_and_each_type_once_before_any_twice(
    seed, types, each
):
    samples = [*entries("abcdefg"[:types], "xyz"[:each]), *entries("q", "xy", family="rabi")]

    for query in samples:
        shown = demonstrations(query, samples, seed)
        family = [sample for sample in samples if sample.family == query.family]
        assert sorted(sample.sample_id for sample in family if sample is not query) == sorted(
            sample.sample_id for sample in shown
        )
        assert query.scenario_type == shown[0].scenario_type
        in_family = len({sample.scenario_type for sample in family})
        assert in_family == len({sample.scenario_type for sample in shown[:in_family]})


def test_another_seed_shows_other_samples():
    samples = entries("abcde", "xyz")

    shown = {
        tuple(entry.sample_id for entry in demonstrations(samples[0], samples, seed)) for seed in range(10)
    }

    assert 10 == len(shown)


def test_orders_are_as_many_as_there_are():
    pairs_asked = conditions(ShotPlan(counts=(0, 1, 2, 3), orders=4))

    # one order of 1, two of 2, four of the six of 3
    assert [(1, 1), (2, 1), (2, 2), (3, 1), (3, 2), (3, 3), (3, 4)] == pairs_asked


def test_by_default_families_with_five_scenario_types_are_asked_and_only_samples_with_a_sibling():
    five, four = entries("abcde", "xy"), entries("abcd", "xy", family="rabi")
    lonely = entries("f", "x", family="gmm")

    assert five == queries(ShotPlan(counts=(1,)), [*five, *four, *lonely])
    assert four == queries(ShotPlan(counts=(1,), families=("rabi",)), [*five, *four])
    assert [*five, *four] == queries(ShotPlan(counts=(1,), families=("all",)), [*five, *four, *lonely])


def test_families_too_small_for_the_largest_number_are_left_out_altogether():
    """The same queries with every number, so that a curve does not mix means of different samples."""
    large, small = entries("abc", "xy"), entries("ab", "xy", family="rabi")

    assert [*large, *small] == queries(ShotPlan(counts=(1, 3), families=("all",)), [*large, *small])
    assert large == queries(ShotPlan(counts=(1, 4), families=("all",)), [*large, *small])


def test_variants_are_read_back():
    for shots in (Shots(1), Shots(3), Shots(12, 3)):
        assert shots == parse_shots(shots.variant)
    assert None is parse_shots("blank")
    assert "3-shot-order2" == Shots(3, 2).variant


# --- what is asked ---


def test_the_prompt_holds_background_examples_with_answers_and_the_query_with_its_plot(
    quick, endpoint, tiny_folder
):
    result = quick.run(*options(endpoint, tiny_folder, "--shots", "0", "1", "-k", "rabi_success_a"))

    assert 0 == result.exit_status, result.out
    zeroshot, one = sorted((request.prompt for request in endpoint.requests), key=len)
    assert "Question 6 about rabi 0: <image> what?" == zeroshot[-1]
    own = zeroshot[0]
    head, example, middle, query, tail = one
    assert (
        "Here are labelled examples:\n\nExample 1:" == head
    )  # the tiny dataset's prompts lack their background
    assert "Status: SUCCESS\n\nNow the query plot:\n\nQuestion 6 about rabi 0:" == middle
    assert "what?" == tail
    assert own == query
    assert own != example


def test_the_background_comes_before_the_examples(quick, endpoint, tmp_path):
    dataset = tiny_dataset()
    for row in dataset.samples:
        row["q6_prompt"] = f"{row['experiment_background']}\n\n{row['q6_prompt']}"
    folder = dataset.write(tmp_path / "dataset")

    quick.run(*options(endpoint, folder, "--shots", "1", "-k", "drag_success_a"))

    (request,) = endpoint.requests
    assert "This is a drag experiment.\n\nHere are labelled examples:\n\nExample 1:" == request.prompt[0]
    assert 1 == request.text.count("This is a drag experiment.")


def test_a_query_of_two_plots_keeps_both_and_their_places(quick, endpoint, tmp_path):
    dataset = tiny_dataset()
    row = dataset.samples[0]
    row["images"].append({"bytes": png(99), "path": None})
    row["image_ids"].append("image-99")
    row["q6_prompt"] = "First <image>, then <image>: what?"
    folder = dataset.write(tmp_path / "dataset")

    quick.run(*options(endpoint, folder, "--shots", "0,1", "-k", "rabi_success_a"))

    zeroshot, one = sorted((request.prompt for request in endpoint.requests), key=len)
    first, second, _ = zeroshot
    assert (first, ", then", second, ": what?") == one[-4:]
    assert one[-5].endswith("Now the query plot:\n\nFirst")


def test_each_is_asked_once_and_the_zeroshot_item_is_the_benchmarks_own(quick, endpoint, tiny_folder):
    result = quick.run(*options(endpoint, tiny_folder, "--shots", "0", "1", "2", "--shot-orders", "2"))

    # 8 samples: one zero-shot item, one of 1 demonstration, two orders of 2
    assert 8 * 4 == len(result.records) == len(endpoint.requests)
    assert 8 * 4 == len({request.body_sha256 for request in endpoint.requests})
    assert {"", "1-shot", "2-shot", "2-shot-order2"} == {
        record.get("variant", "") for record in result.records
    }
    assert {"Q6"} == {record["question"] for record in result.records}
    assert {"zeroshot"} == {record["mode"] for record in result.records if not record.get("variant")}


def test_node_ids_say_how_many(quick, endpoint, tiny_folder):
    result = quick.run(
        *options(endpoint, tiny_folder, "--shots", "2", "--limit", "1", "-v", "--questions", "Q2")
    )

    assert "test_icl.py::test_icl[rabi-rabi_success_a-Q2-2-shot] " in result.out


# --- what is counted ---


def test_a_model_that_repeats_the_last_demonstration_copies_and_depends_on_the_order(
    quick, endpoint, tiny_folder
):
    """With 1 the last is of the query's type: right. With 2 it is so in one order and not in the other."""
    endpoint.script = answers_last_example
    result = quick.run(*options(endpoint, tiny_folder, "--shots", "0", "1", "2", "--shot-orders", "2"))

    none, one, two = result.report["shots"]
    assert (0, 0.5) == (none["shots"], none["mean"])
    assert (1, 1.0, 0) == (one["shots"], one["mean"], one["copied"]["count"])
    assert 0.5 == one["change"]["mean"]
    assert (2, 0.5, 8, 16) == (two["shots"], two["mean"], two["copied"]["count"], two["copied"]["of"])
    assert two["copied"] == two["copied_last"]
    order = two["order"]
    assert (2, 8) == (order["orders"], order["samples"])
    assert 0.5**0.5 == pytest.approx(order["deviation"])  # of 0 and 1
    assert 1.0 == order["sensitive"]["share"]
    assert order["lowest"] + order["highest"] == pytest.approx(1.0)
    assert "answers that repeat a demonstration" in result.out
    assert None is none["copied"]


def test_another_wrong_answer_is_not_a_copy(quick, endpoint, tiny_folder):
    endpoint.script = always(Reply("Status: RANDOM_WALK"))
    result = quick.run(*options(endpoint, tiny_folder, "--shots", "2"))

    (two,) = result.report["shots"]
    assert (0.0, 0, 1.0) == (two["mean"], two["copied"]["count"], two["wrong"]["share"])


def test_text_questions_are_copied_to_the_letter(quick, endpoint, tiny_folder):
    """Q3 has no label: only the same text is the same answer."""

    def first_example(request):
        return Reply(request.text.partition("Example 1:\n")[2].partition("\n\nNow")[0])

    judge = ["--judge-url", endpoint.base_url, "--judge-model", "judge"]
    endpoint.script = by_model({"judge": always(Reply("[1, 1, 1]")), "model": first_example})
    more = ("--shots", "1", "--questions", "Q3", "--model", "model", *judge)
    result = quick.run(*options(endpoint, tiny_folder, *more))

    assert {("copies_demonstration", "copies_last_demonstration")} == {
        tuple(r["flags"]) for r in result.records
    }


def test_stored_answers_are_scored_again_with_their_own_demonstrations(quick, endpoint, tiny_folder):
    endpoint.script = answers_last_example
    seed = ("--shots", "0", "2", "--seed", "5")
    first = quick.run(*options(endpoint, tiny_folder, *seed), run_dir="first")
    stored = ("--answers", str(first.run_dir), "--dataset", str(tiny_folder))
    again = quick.run(*stored, run_dir="again")
    named = quick.run(*stored, "--shots", "0", "2", "--shot-families", "all", run_dir="named")

    for result in (again, named):
        assert first.report["shots"] == result.report["shots"]
        assert {"2-shot", ""} == {record.get("variant", "") for record in result.records}
        assert 5 == result.manifest["settings"]["demonstrations_seed"]


def test_modes_choose_among_stored_items_as_among_asked_ones(quick, endpoint, tiny_folder):
    first = quick.run(*options(endpoint, tiny_folder, "--shots", "0", "1"), run_dir="first")
    stored = ("--answers", str(first.run_dir), "--dataset", str(tiny_folder))
    for mode, variant in (("zeroshot", ""), ("icl", "1-shot")):
        result = quick.run(*stored, "--modes", mode, run_dir=mode)
        assert [(mode, variant)] * 8 == [
            (record["mode"], record.get("variant", "")) for record in result.records
        ]


def test_a_run_resumes_only_with_the_same_demonstrations(quick, endpoint, tiny_folder):
    given = options(endpoint, tiny_folder, "--shots", "1")
    quick.run(*given, "--limit", "3")
    asked = len(endpoint.requests)
    other = quick.run(*given, "--seed", "1", "--resume")
    result = quick.run(*given, "--resume")

    assert 4 == other.exit_status
    assert "demonstrations_seed was 0, is now 1" in other.out
    assert 3 == asked
    assert 8 == len(endpoint.requests) == len(result.records)


def test_shards_join_to_the_whole(quick, endpoint, tiny_folder):
    given = options(endpoint, tiny_folder, "--shots", "0", "1")
    parts = [quick.run(*given, "--shard", f"{part}/2", run_dir=f"part{part}") for part in (1, 2)]

    assert 16 == sum(len(part.records) for part in parts) == len(endpoint.requests)
    whole = quick.run(*given, run_dir="whole")
    done = merge(quick.folder, "part1", "part2")

    assert 0 == done.returncode, done.stderr
    assert figures(whole.run_dir)["shots"] == figures(quick.folder / "merged")["shots"]


def test_errors_counted_as_zero_enter_means_and_nothing_that_is_paired(quick, endpoint, tiny_folder):
    fault = error(400, "too long")
    endpoint.script = lambda request: (
        fault if "Example" in request.text and "rabi" in request.text else SUCCESS
    )
    result = quick.run(*options(endpoint, tiny_folder, "--shots", "0", "1", "--errors-as-zero"))

    _, one = result.report["shots"]
    assert 4 == one["coverage"]["counted_errors"]
    assert (0.25, 4, 0.0) == (one["mean"], one["change"]["samples"], one["change"]["mean"])
    assert "4 items without an answer count here" in result.out


def test_a_strict_score_and_its_copies_read_the_same_text(quick, endpoint, tiny_folder):
    """A thought that was cut before its answer names the demonstration's status; strict scoring reads nothing in it."""
    cut = {
        "content": None,
        "finish_reason": "length",
        "reasoning": "It may be Status: DAMPED or Status: NO_SIGNAL",
    }
    endpoint.script = lambda request: Reply(
        cut["content"], finish_reason="length", reasoning=cut["reasoning"]
    )
    result = quick.run(*options(endpoint, tiny_folder, "--shots", "2", "--scoring", "strict"))

    (two,) = result.report["shots"]
    assert (8, 0) == (two["copied"]["of"], two["copied"]["count"])


# --- what is shown ---


def test_the_tables(quick, endpoint, tiny_folder, snapshot):
    endpoint.script = answers_last_example
    result = quick.run(*options(endpoint, tiny_folder, "--shots", "0", "1", "2", "--shot-orders", "2"))

    text = result.out.partition("How many demonstrations?")[2].partition("Behind the scores")[0]
    assert snapshot == text


def test_page_and_markdown_show_the_published_curves_next_to_the_run(quick, endpoint, tiny_folder):
    result = quick.run(*options(endpoint, tiny_folder, "--shots", "0", "1", page=True))

    page, markdown = ((result.run_dir / name).read_text() for name in ("report.html", "report.md"))
    assert 'alt="Q6 score by number of demonstrations: 50.0 with 0, 50.0 with 1."' in page
    assert "data:image/svg+xml;base64," in page
    assert "Q6 by number of demonstrations, with the published models" in markdown
    assert "| Claude Opus 4.6 | 55.6 | 85.7 | 77.8 | 76.2 | 78.3 | 82.5 |" in markdown


def test_published_shots_agree_with_the_reference_figures():
    rows = {row.model: row.scores for row in published_shots()}

    assert 17 == len(rows)
    assert (0.444, 0.82, 0.794, 0.778, 0.852, 0.847) == rows["Gemini-3.1-Pro"]


def test_a_models_name_is_not_a_formula_in_the_chart(quick, endpoint, tiny_folder):
    result = quick.run(
        *options(endpoint, tiny_folder, "--shots", "1", "--model", r"a$\bad$ <name>", page=True)
    )

    assert 0 == result.exit_status, result.out
    assert "HTML report" in result.out


def test_a_chart_of_nothing_measured_is_drawn(quick, endpoint, tiny_folder):
    endpoint.script = always(Reply(None))
    result = quick.run(*options(endpoint, tiny_folder, "--shots", "1", page=True))

    (one,) = result.report["shots"]
    assert None is one["mean"]
    assert "HTML report" in result.out


@given(places=st.lists(st.floats(0, 100), max_size=30))
def test_labels_keep_their_order_and_distance(places):
    heights = spread_labels(places, 3.0)

    order = sorted(range(len(places)), key=lambda index: places[index])
    ascending = [heights[index] for index in order]
    assert all(after - before >= 3.0 - 1e-9 for before, after in itertools.pairwise(ascending))
    assert sum(heights) == pytest.approx(sum(places))


def test_the_same_figures_give_the_same_chart(quick, endpoint, tiny_folder):
    from reports.analysis.shots import shot_figures
    from reports.records.outcomes import counted_records, evaluation_of
    from reports.records.run_files import load_run

    run = load_run(quick.run(*options(endpoint, tiny_folder, "--shots", "0", "1")).run_dir)
    figures = shot_figures(evaluation_of(run).outcomes, counted_records(run))
    first, second = (shots_chart("model", next(iter(figures.values())), published_shots()) for _ in range(2))

    assert first == second
    assert "GPT-5.4-Mini" in first


# --- mistakes ---


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--shots", "many"), "--shots: 'many': expected whole numbers"),
        (("--shots", "1", "--control", "blank"), "--shots and --control: give one of them"),
        (
            ("--shots", "1", "--shot-families", "five"),
            "--shots: of families with five scenario types, the dataset has no sample",
        ),
        (
            ("--shots", "1", "--shot-families", "paper"),
            "the dataset has no ramsey_t2star, t1; it has drag, rabi",
        ),
        (("--shots", "1", "--shot-orders", "0"), "--shot-orders 0: expected a number, at least 1"),
        (("--shots", "1", "--modes", "zeroshot"), "nothing to ask: --shots 1 with --modes zeroshot"),
        (("--shots", "0", "9"), "--shots 9: the largest of these families has 3 other samples to show"),
    ],
)
def test_a_mistake_is_one_line_and_nothing_is_asked(quick, endpoint, tiny_folder, arguments, words):
    given = options(endpoint, tiny_folder, *arguments)

    result = quick.run(*given)

    assert 4 == result.exit_status, result.out
    assert words in result.out
    assert [] == endpoint.requests


def test_dry_run_counts_what_would_be_asked(quick, endpoint, tiny_folder):
    result = quick.run(*options(endpoint, tiny_folder, "--shots", "0", "2", "--dry-run"))

    assert "qcal: items: 16 (zeroshot Q6: 8, icl Q6: 8)" in result.out
    assert "qcal: images: 32 sent" in result.out  # one, and three
    assert [] == endpoint.requests


def test_properties_name_the_condition(quick, endpoint, tiny_folder):
    result = quick.run(
        *options(endpoint, tiny_folder, "--shots", "1", "--limit", "1", "--junitxml", "out.xml")
    )

    xml = quick.folder / "out.xml"
    assert 'name="qcal_variant" value="1-shot"' in xml.read_text()
    assert "Q6 diagnosis by number of demonstrations" in render(overview(load_junit([xml])))
    assert json.loads((result.run_dir / "run.json").read_text())["settings"]["demonstrations_seed"] == 0


def test_the_demo_has_something_to_demonstrate(quick):
    """Its samples by name: to draw them takes longer than all else here."""
    config = read_config(quick.pytester.parseconfig("test_qcaleval", "--demo", "--shots", "1"))
    keys = sample_keys(parse_dataset_name(config.dataset))
    samples = [
        SampleEntry(sample_id=key.sample_id, family=key.family, scenario_type=key.scenario, modes=tuple(Mode))
        for key in keys
    ]

    assert 50 == len(
        queries(config.selection.shots, samples)
    )  # five families of five scenario types, two samples each
    assert queries(ShotPlan(counts=(5,), families=("paper",)), samples)


def test_a_marker_chooses_the_condition(quick, endpoint, tiny_folder):
    given = options(endpoint, tiny_folder, "--shots", "0", "1", "2")
    quick.run(*given, "-m", "qcal(variant='1-shot')", run_dir="one")
    assert [1 + 1] * 8 == [len(request.images) for request in endpoint.requests]

    quick.run(*given, "-m", "qcal(variant='')", run_dir="own")
    assert [1] * 8 == [len(request.images) for request in endpoint.requests[8:]]
