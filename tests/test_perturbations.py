"""Scores of the same synthetic samples drawn differently: asked, compared, counted."""

import json

import pytest

from qcal_plugin.cli.options import read_config
from qcal_plugin.dataset.prepare import prepare
from qcal_plugin.studies.controls import Control
from qcal_plugin.studies.perturbations import perturbed_name
from qcal_plugin.studies.studied import StudiedDataset, open_studied
from reports.records.records import ItemKey
from scoring.questions import Mode, Question
from synthetic.drawing.perturbation import Perturbation
from tests.endpoint import Reply
from tests.scripts import always, by_model, error, faithful_judge
from tests.test_shards_and_budgets import figures, merge

pytest_plugins = ["pytester"]

DATASET = "synthetic:seed=7,per-scenario=1,siblings=1,families=coupler_flux+microwave_ramsey"
MAPS = ["coupler_flux_failure_bad_fit_a", "coupler_flux_success_a"]
SIBLINGS = ["microwave_ramsey_success_a", "microwave_ramsey_success_b"]
SAMPLES = 6
LOOKED_AT = (Perturbation.COLORMAP, Perturbation.JPEG, Perturbation.AXIS_ORDER)
SUCCESS, DETUNED = "Status: SUCCESS", "Status: DETUNED"


@pytest.fixture(scope="module", autouse=True)
def datasets(prepared_cache):
    """The dataset as drawn (""), and under the perturbations looked at; made once for all inner sessions."""
    names = {"": DATASET, **{each.value: perturbed_name(DATASET, each) for each in LOOKED_AT}}
    return {variant: prepare(name, cache=prepared_cache) for variant, name in names.items()}


def options(endpoint, *more):
    target = ["--model-url", endpoint.base_url, "--model", "model-a", "--dataset", DATASET]
    return [*target, "--questions", "Q6", "--modes", "zeroshot", "--no-html", *more]


def keys(result):
    return [(r["sample_id"], r["question"], r["mode"], r.get("variant", "")) for r in result.records]


def pictures(dataset):
    return {part.sha256 for sample in dataset.samples for part in dataset.images_of(sample.sample_id)}


def looks(shown, otherwise):
    """A model that answers by whether it knows the picture."""
    return lambda request: Reply(SUCCESS if set(request.images) <= shown else otherwise)


# --- what is asked ------------------------------------------------------------------------------------------


def test_each_is_asked_once_and_only_if_its_picture_differs(quick, endpoint, workers):
    result = quick.run(*options(endpoint, "--perturb", "jpeg,axis-order", "-v", *workers))

    assert 0 == result.exit_status, result.out
    asked = keys(result)
    assert 2 * SAMPLES + 2 == len(asked) == len(set(asked)) == len(endpoint.requests)
    assert MAPS == sorted(sample for sample, *_, variant in asked if variant == "axis-order")
    assert 2 == len({request.text for request in endpoint.requests})  # one of each family
    assert 2 * SAMPLES + 2 == len({request.images for request in endpoint.requests})
    assert "test_zeroshot[coupler_flux-coupler_flux_success_a-Q6-axis-order]" in result.out


def test_demonstrations_are_drawn_the_same_way_and_the_text_is_unchanged(datasets):
    other = datasets["colormap"]
    assert SIBLINGS == sorted(sample.sample_id for sample in datasets[""].samples if Mode.ICL in sample.modes)
    for sample in SIBLINGS:
        key = ItemKey(sample, Question.Q6, Mode.ICL)
        before, after = datasets[""].case(key).prompt, other.case(key).prompt
        kept = [first == second for first, second in zip(before, after, strict=True)]
        assert [hasattr(part, "text") for part in before] == kept
        assert datasets[""].reference(key).answer == other.reference(key).answer


def test_a_worker_compares_with_the_plot_that_was_shown(datasets):
    turned = datasets["axis-order"]
    studied = open_studied(StudiedDataset(dataset=datasets[""], perturbed={"axis-order": turned}).place)
    key = ItemKey(MAPS[0], Question.Q1, Mode.ZEROSHOT)
    assert turned.reference(key) == studied.reference(key._replace(variant="axis-order"))
    assert turned.reference(key) == studied.case(key._replace(variant="axis-order")).reference
    assert datasets[""].reference(key) == studied.reference(key) != turned.reference(key)
    with pytest.raises(KeyError, match="items of the variant dpi need --perturb dpi"):
        studied.reference(key._replace(variant="dpi"))


def test_collection_shows_the_items_and_a_dry_run_counts_them(quick):
    given = ["--dataset", DATASET, "--questions=Q6", "--modes=zeroshot", "--perturb=colormap,axis-order"]
    listed = quick.run(*given, "--demo", "--collect-only", "-q", "-k", "colormap or axis-order")
    told = quick.run(*given, "--dry-run")

    assert SAMPLES + 2 == listed.out.count("test_zeroshot[")
    assert f"requests: {2 * SAMPLES + 2} to the model" in told.out


def test_the_demos_dataset_can_be_redrawn(quick):
    """By its name: to draw it takes longer than all else here."""
    config = quick.pytester.parseconfig("--demo", "--perturb=jpeg")

    assert (Perturbation.JPEG,) == read_config(config).perturbations


def test_all_shards_together_ask_what_the_whole_run_asks(quick, endpoint):
    given = options(endpoint, "--perturb", "dpi,axis-order", "-q")
    whole = quick.run(*given, run_dir="whole")
    for part in ("1", "2"):
        quick.run(*given, "--shard", f"{part}/2", run_dir=f"part{part}")
    done = merge(quick.folder, "part1", "part2")

    assert 0 == done.returncode, done.stderr
    assert figures(whole.run_dir) == figures(quick.folder / "merged")


# --- going on -----------------------------------------------------------------------------------------------


def test_a_resumed_run_asks_what_is_missing(quick, endpoint):
    quick.run(*options(endpoint, "--perturb", "jpeg", "-k", "not jpeg"))
    result = quick.run(*options(endpoint, "--perturb", "jpeg", "--resume"))

    assert 2 * SAMPLES == len(set(keys(result))) == len(endpoint.requests)
    assert {"scored"} == {record["status"] for record in result.records}


def test_a_run_resumed_without_its_perturbation_keeps_what_is_known_of_it(quick, endpoint):
    given = options(endpoint, "--limit", "1")
    given.remove("--no-html")
    quick.run(*given, "--perturb", "jpeg")
    before = (quick.folder / "run" / "samples.jsonl").read_text()
    result = quick.run(*given, "--resume")

    assert 0 == result.exit_status
    assert "items of the variant jpeg need --perturb jpeg" in result.out
    assert before == (quick.folder / "run" / "samples.jsonl").read_text()
    assert {"jpeg"} == {entry["variant"] for entry in result.report["perturbations"]}


def test_what_failed_is_asked_again(quick, endpoint, datasets):
    known = pictures(datasets[""])
    refusal = error(400, "no such picture")
    endpoint.script = lambda request: Reply(SUCCESS) if set(request.images) <= known else refusal
    first = quick.run(*options(endpoint, "--perturb", "jpeg"))
    endpoint.script = always(Reply(SUCCESS))
    second = quick.run(*options(endpoint, "--perturb", "jpeg", "--lf"))

    assert (1, 0) == (first.exit_status, second.exit_status)
    assert 3 * SAMPLES == len(endpoint.requests)
    assert {"jpeg"} == {variant for *_, variant in keys(second)[2 * SAMPLES :]}


def test_answers_are_compared_with_the_plot_that_was_shown(quick, endpoint, datasets):
    """This also holds if a command that names no perturbation scores them again."""
    endpoint.script = by_model({"model-a": always(Reply("{}")), "judge-a": faithful_judge()})
    judges = ["--judge-url", endpoint.base_url, "--judge-model", "judge-a"]
    given = options(endpoint, "--perturb", "colormap")
    given[given.index("Q6")] = "Q1"
    first = quick.run(*given, *judges)
    asked = len(endpoint.requests)
    second = quick.run("--answers=run", "--questions=Q1", *judges, "--no-html", run_dir="again")

    assert (0, 0) == (first.exit_status, second.exit_status), second.out
    assert sorted(keys(first)) == sorted(keys(second))
    expected = {
        point
        for dataset in (datasets[""], datasets["colormap"])
        for sample in dataset.samples
        for point in dataset.reference(ItemKey(sample.sample_id, Question.Q1, Mode.ZEROSHOT)).key_points
    }
    for requests in (endpoint.requests[:asked], endpoint.requests[asked:]):
        graded = [request.text for request in requests if request.model == "judge-a"]
        assert 2 * SAMPLES == len(graded)
        assert expected == {point for point in expected if any(point in text for text in graded)}
    assert {"model-a"} == {request.model for request in endpoint.requests[:asked]} - {"judge-a"}
    assert {"judge-a"} == {request.model for request in endpoint.requests[asked:]}


# --- what is counted ----------------------------------------------------------------------------------------


def test_items_that_flip_both_ways_are_counted(quick, endpoint, datasets):
    """Of six samples three are SUCCESS, one is DETUNED: three are right as drawn only, one under the change only."""
    endpoint.script = looks(pictures(datasets[""]), DETUNED)
    result = quick.run(*options(endpoint, "--perturb", "dpi"))

    assert "Do harmless changes of style move it?" in result.out
    assert "With another resolution, zero-shot" in result.out
    rows = {entry["group"]: entry for entry in result.report["perturbations"]}
    assert ["Q6", "Mean", "coupler_flux", "microwave_ramsey"] == list(rows)
    assert {("dpi", "zeroshot")} == {(entry["variant"], entry["mode"]) for entry in rows.values()}
    assert (1 / 2, 1 / 6, -1 / 3) == pytest.approx(
        [rows["Q6"][name] for name in ("mean", "changed_mean", "change")]
    )
    assert (6, 6, 4, 4) == tuple(rows["Q6"][name] for name in ("samples", "items", "moved", "flipped"))
    assert (0.5, 0.25, -0.25) == tuple(
        rows["microwave_ramsey"][name] for name in ("mean", "changed_mean", "change")
    )
    assert (4, 3) == tuple(rows["microwave_ramsey"][name] for name in ("items", "moved"))


def test_a_model_that_does_not_look_does_not_move(quick, endpoint):
    result = quick.run(*options(endpoint, "--perturb", "colormap,dpi,jpeg,axis-order"))

    entries = result.report["perturbations"]
    assert [*Perturbation] == list(dict.fromkeys(entry["variant"] for entry in entries))
    assert {(0.0, 0)} == {(entry["change"], entry["moved"]) for entry in entries}


# --- what is shown ------------------------------------------------------------------------------------------


def test_the_page_shows_the_reference_of_the_plot_that_was_shown(quick, endpoint, datasets):
    given = options(endpoint, "--perturb", "dpi,axis-order", "-k", "coupler_flux_success")
    given[given.index("Q6")] = "Q1,Q6"
    given.remove("--no-html")
    result = quick.run(*given)

    (line,) = (result.run_dir / "samples.jsonl").read_text().splitlines()
    sheet = json.loads(line)
    key = ItemKey("coupler_flux_success_a", Question.Q1, Mode.ZEROSHOT)
    assert datasets[""].reference(key).answer == sheet["answers"]["zeroshot"]["Q1"]
    turned = datasets["axis-order"].reference(key)
    assert turned.answer != datasets[""].reference(key).answer
    own = {"answers": {"zeroshot": {"Q1": turned.answer}}, "key_points": {"Q1": list(turned.key_points)}}
    assert {"axis-order": own} == sheet["variant_references"]
    assert {"dpi", "axis-order"} == set(sheet["variants"])
    assert json.dumps(turned.answer, ensure_ascii=False)[1:-1] in (result.run_dir / "report.html").read_text()


# --- mistakes -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["blur", "jpeg,blur", "blank"])
def test_an_unknown_perturbation_is_one_line(quick, endpoint, text):
    result = quick.run(*options(endpoint, "--perturb", text))

    assert 4 == result.exit_status
    assert "choose from colormap,dpi,jpeg,axis-order" in result.out
    assert [] == endpoint.requests


def test_given_pictures_cannot_be_redrawn(quick, endpoint, tiny_folder):
    for more in ([], ["--collect-only"], ["--dry-run"]):
        given = ["--model-url", endpoint.base_url, "--dataset", str(tiny_folder), "--perturb", "jpeg", *more]
        result = quick.run(*given)
        assert 4 == result.exit_status
        assert (
            f"--perturb: only synthetic plots can be redrawn, and {tiny_folder} is not: add --dataset"
            in result.out
        )
    hub = quick.run("--model-url", endpoint.base_url, "--perturb", "jpeg")
    assert "and nvidia/QCalEval is not: add --dataset synthetic:seed=7,per-scenario=3, or --demo" in hub.out


def test_stored_answers_about_given_pictures_cannot_be_redrawn(quick, endpoint, tiny_folder):
    model = ["--model-url", endpoint.base_url, "--dataset", str(tiny_folder), "--no-html"]
    quick.run(*model, "--questions", "Q6", "--modes", "zeroshot", "--limit", "1")
    result = quick.run("--answers=run", "--perturb=jpeg", run_dir="again")

    assert 4 == result.exit_status
    assert "only synthetic plots can be redrawn" in result.out


def test_a_dataset_is_redrawn_once(quick, endpoint):
    given = options(endpoint, "--perturb", "dpi")
    given[given.index(DATASET)] = f"{DATASET},perturb=jpeg"
    result = quick.run(*given)

    assert 4 == result.exit_status
    assert "is perturbed already: leave perturb=jpeg out of --dataset" in result.out


def test_shots_and_perturbations_are_separate_studies(quick, endpoint):
    result = quick.run(*options(endpoint, "--perturb", "dpi", "--shots", "1"))

    assert 4 == result.exit_status
    assert "--shots and --perturb: give one of them" in result.out


def test_conditions_have_distinct_names():
    assert set() == set(Control) & set(Perturbation)
