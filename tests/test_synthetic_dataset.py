"""The data set that the generator writes: layout, schema, demonstrations, and the same bytes in any process."""

import hashlib
import io
import json
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import datasets
import matplotlib as mpl
import pyarrow.parquet as pq
import pytest
from matplotlib import font_manager
from PIL import Image

from synthetic.balance import published_facts
from synthetic.dataset import CONFIG_FILE, FEWSHOT_FILE, TEST_FILE, generate
from synthetic.drawing.style import LOOKS
from synthetic.production import produce, sample_keys
from synthetic.sample import SampleKey
from synthetic.settings import SettingsError, SyntheticSettings, checked_settings, parse_dataset_name

SAMPLE = Path(__file__).parents[2] / "shared" / "qcaleval-sample"
FACTS = SAMPLE.parent / "reference" / "families.json"
SMALL = {"seed": 3, "per_scenario": 2, "families": ("t1", "ramsey_freq_cal")}


def digests(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir())}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("small")
    generate(path, **SMALL)
    return path


@pytest.fixture(scope="module")
def rows(folder):
    return pq.read_table(folder / TEST_FILE).to_pylist()


@pytest.fixture(scope="module")
def icl(folder):
    return pq.read_table(folder / FEWSHOT_FILE).to_pylist()


def test_two_workers_make_the_same_samples_as_one_process(monkeypatch):
    """Workers are started if there are enough samples for them."""
    started = []

    class CountedPool(ProcessPoolExecutor):
        def __init__(self, processes, **options):
            started.append(processes)
            super().__init__(processes, **options)

    monkeypatch.setattr("synthetic.production.ProcessPoolExecutor", CountedPool)
    keys = sample_keys(checked_settings(seed=3, per_scenario=1, families=["t1"]))
    few = produce(keys, workers=2)
    assert [] == started
    monkeypatch.setattr("synthetic.production.SAMPLES_PER_PROCESS", 2)
    assert few == produce(keys, workers=2)
    assert [2] == started


def test_another_order_and_a_users_style_give_the_same_bytes(folder, tmp_path, monkeypatch):
    monkeypatch.setitem(mpl.rcParams, "lines.linewidth", 9.0)
    monkeypatch.setitem(mpl.rcParams, "axes.facecolor", "red")
    generate(tmp_path, seed=3, per_scenario=2, families=["ramsey_freq_cal", "t1"])
    assert digests(folder) == digests(tmp_path)


def test_a_sample_does_not_depend_on_what_else_is_made(rows, tmp_path):
    generate(tmp_path, seed=3, per_scenario=1, families=["t1"])
    alone = pq.read_table(tmp_path / TEST_FILE).to_pylist()
    assert alone == [row for row in rows if row["experiment_family"] == "t1" and row["id"].endswith("_a")]


def test_another_seed_gives_other_plots(rows, tmp_path):
    generate(tmp_path, seed=4, per_scenario=1, families=["t1"])
    others = {id_ for row in pq.read_table(tmp_path / TEST_FILE).to_pylist() for id_ in row["image_ids"]}
    assert not others & {id_ for row in rows for id_ in row["image_ids"]}


@pytest.mark.parametrize("file", [TEST_FILE, FEWSHOT_FILE])
def test_the_schema_is_that_of_the_real_data_set(folder, file):
    if not SAMPLE.is_dir():
        pytest.skip("the sample of the real data set (../shared/qcaleval-sample) is not here")
    assert pq.read_schema(SAMPLE / file).equals(pq.read_schema(folder / file), check_metadata=True)


def test_the_hub_library_reads_the_images_as_rgba(folder, tmp_path):
    split = datasets.load_dataset(str(folder), split="test", cache_dir=str(tmp_path))
    assert 16 == len(split)
    assert "RGBA" == split[0]["images"][0].mode


def test_ids_are_scenario_and_letter_and_image_ids_come_from_the_content(rows):
    assert [f"{row['experiment_type']}_{'ab'[k % 2]}" for k, row in enumerate(rows)] == [
        row["id"] for row in rows
    ]
    for row in rows:
        assert [hashlib.sha256(image["bytes"]).hexdigest()[:16] for image in row["images"]] == row[
            "image_ids"
        ]
    assert "rabi_success_aa" == SampleKey(seed=0, family="rabi", scenario="rabi_success", index=26).sample_id


def test_images_are_rgba_without_metadata(rows):
    for row in rows:
        image = Image.open(io.BytesIO(row["images"][0]["bytes"]))
        assert ("RGBA", {}) == (image.mode, image.info)


def test_fonts_are_those_that_come_with_matplotlib():
    for look in LOOKS.values():
        assert Path(font_manager.findfont(look["font.family"])).is_relative_to(mpl.get_data_path())


def test_the_config_names_rules_and_statuses_of_each_family(folder, rows):
    config = json.loads((folder / CONFIG_FILE).read_text(encoding="utf-8"))
    assert {"t1", "ramsey_freq_cal"} == set(config)
    for row in rows:
        family = config[row["experiment_family"]]
        assert family["q5_scoring"] == json.loads(row["q5_scoring"])
        assert family["q6_status_mapping"][row["experiment_type"]] == row["q6_expected_status"]


def test_each_query_has_a_demonstration_of_each_scenario_type_and_never_itself(rows, icl):
    assert [row["id"] for row in rows] == [row["source_id"] for row in icl]
    of_image = {id_: row for row in rows for id_ in row["image_ids"]}
    for row in icl:
        query = next(r for r in rows if r["id"] == row["source_id"])
        types = {r["experiment_type"] for r in rows if r["experiment_family"] == query["experiment_family"]}
        images = iter(row["image_ids"])
        for question in ("q3", "q5", "q6"):
            used = [of_image[next(images)] for _ in range(row[f"{question}_prompt"].count("<image>"))]
            per_sample = len(query["images"])
            *shown, last = used[::per_sample]
            assert query["id"] == last["id"]
            assert query["id"] not in {r["id"] for r in shown}
            expected = [query["experiment_type"]] if question == "q5" else sorted(types)
            assert expected == sorted(r["experiment_type"] for r in shown)
            places = [row[f"{question}_prompt"].index(r[f"{question}_answer"]) for r in shown]
            assert sorted(places) == places
            assert query[f"{question}_answer"] == row[f"{question}_answer"]
        assert next(images, None) is None


def test_without_siblings_there_are_no_icl_rows_but_a_table(tmp_path):
    generate(tmp_path, seed=1, per_scenario=1, families=["t1"])
    table = pq.read_table(tmp_path / FEWSHOT_FILE)
    assert (0, 10) == (table.num_rows, table.num_columns)


def test_siblings_come_last_and_are_of_different_families():
    plain = sample_keys(checked_settings(seed=3, per_scenario=1))
    for seed in range(5):
        keys = sample_keys(checked_settings(seed=seed, per_scenario=1, siblings=4))
        more = keys[len(plain) :]
        assert [(key.family, key.scenario) for key in plain] == [
            (key.family, key.scenario) for key in keys[:-4]
        ]
        assert 4 == len({key.family for key in more})
        assert {1} == {key.index for key in more}


def test_another_seed_chooses_other_siblings():
    choices = {
        tuple(
            key.scenario for key in sample_keys(checked_settings(seed=seed, per_scenario=1, siblings=2))[-2:]
        )
        for seed in range(10)
    }
    assert len(choices) > 5


def test_only_scenario_types_with_a_sibling_are_icl_queries_and_single_samples_demonstrate(tmp_path):
    generate(tmp_path, seed=3, per_scenario=1, siblings=1, families=["t1"])
    rows = pq.read_table(tmp_path / TEST_FILE).to_pylist()
    icl = pq.read_table(tmp_path / FEWSHOT_FILE).to_pylist()
    doubled = rows[-1]
    family = [row for row in rows if row["experiment_family"] == doubled["experiment_family"]]
    assert doubled["id"] == f"{doubled['experiment_type']}_b"
    assert {f"{doubled['experiment_type']}_a", doubled["id"]} == {row["source_id"] for row in icl}
    for row in icl:
        shown = [other["id"] for other in family if other["q6_answer"] in row["q6_prompt"]]
        assert len(family) - 1 == len(shown)
        assert row["source_id"] not in shown
    assert "one more of 1 of them" in (tmp_path / "README.md").read_text(encoding="utf-8")


def test_the_card_says_what_it_is(folder):
    card = (folder / "README.md").read_text(encoding="utf-8")
    for fact in ("Not the QCalEval benchmark", "seed=3", "matplotlib", "Apache-2.0", "16 samples"):
        assert fact in card


def test_each_sample_is_counted(tmp_path):
    count = []
    generate(tmp_path, seed=1, per_scenario=1, families=["t1"], on_sample=lambda: count.append(1))
    assert 4 == len(count)


def test_a_data_set_name_is_read():
    settings = parse_dataset_name("synthetic:seed=11,per-scenario=2,families=t1+drag")
    assert SyntheticSettings(seed=11, per_scenario=2, families=("drag", "t1")) == settings
    assert settings == parse_dataset_name(str(settings))
    assert parse_dataset_name("synthetic") == parse_dataset_name("synthetic:seed=7,per-scenario=3")
    with_siblings = "synthetic:seed=7,per-scenario=1,siblings=6"
    assert with_siblings == str(parse_dataset_name(with_siblings))
    balanced = "synthetic:seed=7,balance=benchmark,perturb=dpi"
    assert balanced == str(parse_dataset_name(balanced))


def test_the_balance_of_the_benchmark_is_243_samples():
    keys = sample_keys(parse_dataset_name("synthetic:seed=7,balance=benchmark"))
    assert 243 == len(keys) == len(set(keys))
    families, scenarios = Counter(key.family for key in keys), Counter(key.scenario for key in keys)
    assert (15, 2, 11) == (families["drag"], families["tweezer_array"], families["rabi_hw"])
    assert (87, {1, 2, 3}) == (len(scenarios), set(scenarios.values()))
    assert 3 == scenarios["rabi_hw_success"]


def test_the_balance_holds_for_chosen_families(tmp_path):
    generate(tmp_path, seed=7, balance="benchmark", families=["rydberg_ramsey"])
    assert 5 == pq.read_metadata(tmp_path / TEST_FILE).num_rows
    assert "as many of each family as QCalEval has" in (tmp_path / "README.md").read_text(encoding="utf-8")


def test_the_sample_counts_are_the_published_ones():
    if not FACTS.is_file():
        pytest.skip(
            "the facts about the benchmark's families (../shared/reference/families.json) are not here"
        )
    facts = json.loads(FACTS.read_text(encoding="utf-8"))
    assert {family: facts["samples"] for family, facts in published_facts().items()} == {
        family: entry["samples"] for family, entry in facts.items()
    }


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("synthetic:seed=x", "seed=x: must be an integer"),
        ("synthetic:seed=-1", "seed=-1: must be 0 or more"),
        ("synthetic:per-scenario=0", "per-scenario=0: must be 1 or more"),
        ("synthetic:families=rabbi", "families=rabbi: unknown; there are "),
        (
            "synthetic:sed=1",
            "'sed' is unknown or repeated; settings are seed=, per-scenario=, balance=, siblings=",
        ),
        ("synthetic:siblings=-1,families=t1", "siblings=-1: must be 0 to 1, at most one for each family"),
        ("synthetic:siblings=3,families=t1+drag", "siblings=3: must be 0 to 2, at most one for each family"),
        ("synthetic:siblings=two", "siblings=two: must be an integer"),
        ("synthetic:seed=1,seed=2", "'seed' is unknown or repeated"),
        ("synthetic:balance=even", "balance=even: unknown; there is benchmark"),
        (
            "synthetic:balance=benchmark,per-scenario=2",
            "balance=benchmark sets the number of samples: leave",
        ),
        (
            "nvidia/QCalEval",
            "a synthetic data set is named synthetic:seed=7,per-scenario=3,families=drag+rabi",
        ),
    ],
)
def test_a_wrong_data_set_name_is_explained(name, message):
    with pytest.raises(SettingsError) as error:
        parse_dataset_name(name)
    assert message in str(error.value)
