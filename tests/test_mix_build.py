"""A mix as a prepared dataset: what each part brings, what is drawn, what is written."""

from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qcal_plugin.dataset.prepare import DatasetError, prepare
from qcal_plugin.dataset.prepared import open_prepared
from qcal_plugin.mix.build import share_out
from qcal_plugin.mix.file import read_mix_file
from qcal_plugin.mix.prepare import prepare_mix
from qcal_plugin.studies.selection import select
from reports.records.records import ItemKey
from scoring.questions import Mode, Question
from tests.dataset_factory import png, tiny_dataset
from tests.mix_factory import part, toml
from tests.refusals import refusal

FAMILY = 4  # samples of each family of the tiny dataset


def another_dataset(folder):
    """The tiny dataset's rows with other pictures, so that it is another source."""
    data = tiny_dataset()
    for number, row in enumerate(data.samples):
        row["images"] = [{"bytes": png(100 + number), "path": None}]
    return data.write(folder)


@pytest.fixture
def cache(tmp_path):
    return tmp_path / "cache"


@pytest.fixture
def mixed(tmp_path, tiny_folder, cache):
    """Prepares a mix of the tiny dataset (``data``) and another (``other``)."""
    tiny_folder.rename(tmp_path / "data")
    another_dataset(tmp_path / "other")

    def mixed(*parts, **keys):
        (tmp_path / "mix.toml").write_text(toml(*parts, **keys))
        return prepare_mix(read_mix_file(tmp_path / "mix.toml"), cache=cache)

    return mixed


def asked(dataset):
    """(sample, question, mode) of all items."""
    return [item.key[:3] for item in select(dataset.samples)]


def by_part(dataset):
    return Counter(sample.partition("/")[0] for sample, *_ in asked(dataset))


@pytest.fixture
def refused(mixed):
    """What is said of a mix that cannot be made."""
    return lambda *parts, **keys: refusal(lambda: mixed(*parts, **keys), DatasetError, "mix.toml")


def test_samples_of_several_datasets_get_distinct_names(mixed):
    dataset = mixed(part("a"), part("b", "other"))
    assert "mix:index" == dataset.identity.name
    assert Counter({"a": 72, "b": 72}) == by_part(dataset)
    assert ["a/rabi_success_a", "b/drag_failure_no_signal_b"] == [
        dataset.samples[i].sample_id for i in (0, -1)
    ]
    assert "b/icl_rabi_success_a" == dataset.icl_id("b/rabi_success_a")


def test_what_is_asked_is_what_the_parts_datasets_ask(mixed, tmp_path, cache):
    dataset, data, other = (
        mixed(part("a"), part("b", "other")),
        *(prepare(str(tmp_path / name), cache=cache) for name in ("data", "other")),
    )
    for name, source in (("a", data), ("b", other)):
        key = ItemKey("rabi_success_b", Question.Q5, Mode.ICL)
        mine, theirs = dataset.case(key._replace(sample_id=f"{name}/rabi_success_b")), source.case(key)
        assert theirs.reference == mine.reference
        assert [getattr(piece, "sha256", piece) for piece in theirs.prompt] == [
            getattr(piece, "sha256", piece) for piece in mine.prompt
        ]
        assert [image.sha256 for image in source.images_of("rabi_success_b")] == [
            image.sha256 for image in dataset.images_of(f"{name}/rabi_success_b")
        ]


def test_a_part_asks_its_families_questions_and_modes(mixed):
    dataset = mixed(
        part("a", families=["drag"], questions=["Q2", "Q6"], modes=["zeroshot"]), part("b", modes=["icl"])
    )
    first = [key for key in asked(dataset) if key[0].startswith("a/")]
    assert {
        ("a/drag_success_a", Question.Q2, Mode.ZEROSHOT),
        ("a/drag_success_a", Question.Q6, Mode.ZEROSHOT),
    } == {key for key in first if key[0] == "a/drag_success_a"}
    assert 2 * FAMILY == len(first)
    assert Counter({"b": 24, "a": 8}) == by_part(dataset)


def test_an_item_belongs_to_the_first_part_that_selects_it(mixed):
    dataset = mixed(part("q6", questions=["Q6"]), part("drag", families=["drag"]), part("rest"))
    assert 72 == len(asked(dataset))
    assert 72 == len({(sample.partition("/")[2], *item) for sample, *item in asked(dataset)})
    assert Counter({"q6": 16, "drag": FAMILY * 7, "rest": FAMILY * 7}) == by_part(dataset)
    assert ("part drag: 8 items that it selects belong to earlier parts") in dataset.warnings


def test_the_same_question_is_the_same_item_in_every_dataset(mixed, tmp_path):
    """A copy that has one prompt changed: only that is asked again."""
    data = tiny_dataset()
    data.samples[0]["q2_prompt"] = "Changed: <image> what?"
    data.write(tmp_path / "copy")
    dataset = mixed(part("a"), part("b", "copy"))
    assert [("b/rabi_success_a", Question.Q2, Mode.ZEROSHOT)] == asked(dataset)[48:49]
    assert Counter({"a": 72, "b": 1}) == by_part(dataset)


def test_parts_of_one_source_are_known_by_their_plots(mixed, tmp_path):
    both = tiny_dataset()
    both.samples[0]["images"].append({"bytes": png(100), "path": None})
    both.samples[0]["image_ids"].append("more")
    both.write(tmp_path / "both")
    sources = [
        [entry["source"] for entry in mixed(*parts).mix["parts"]]
        for parts in (
            (part("a", questions=["Q2"]), part("b", "other"), part("c", questions=["Q6"])),
            (part("a", questions=["Q2"]), part("b", "other"), part("c", "both", questions=["Q6"])),
        )
    ]
    assert [["a", "b", "a"], ["a", "a", "a"]] == sources


def test_synthetic_samples_are_the_same_however_they_are_drawn(mixed):
    names = [
        f"synthetic:{settings},per-scenario=1,families=tweezer_array" for settings in ("seed=3", "seed=4")
    ]
    parts = [part("a", names[0]), part("b", f"{names[0]},perturb=jpeg"), part("c", names[1])]

    assert ["a", "a", "c"] == [entry["source"] for entry in mixed(*parts).mix["parts"]]


def test_samples_are_drawn_by_weight_and_family(mixed):
    dataset = mixed(part("a", weight=3), part("b", "other"), samples=8, seed=5)
    drawn = Counter((sample.sample_id[0], sample.family) for sample in dataset.samples)
    assert {("a", "rabi"): 3, ("a", "drag"): 3, ("b", "rabi"): 1, ("b", "drag"): 1} == drawn


def test_the_seed_decides_what_is_drawn(mixed):
    drawn = [
        {s.sample_id for s in mixed(part("a"), samples=4, seed=seed).samples} for seed in (0, 0, 1, 2, 3)
    ]
    assert drawn[0] == drawn[1]
    assert len({frozenset(ids) for ids in drawn}) > 1


def test_a_part_with_too_few_gives_all_and_the_others_take_the_rest(mixed):
    dataset = mixed(part("a", weight=9, families=["drag"]), part("b", "other"), samples=10)
    assert Counter({"b": 6, "a": 4}) == Counter(sample.sample_id[0] for sample in dataset.samples)


WEIGHTS = st.one_of(st.integers(1, 50), st.sampled_from([0.1, 0.25, 1.5, 1e-6, 1e9]))


@given(
    st.lists(st.tuples(WEIGHTS, st.integers(1, 60)), min_size=1, max_size=6),
    st.integers(1, 200),
    st.integers(0, 9),
)
def test_samples_are_shared_out_without_loss(parts, samples, seed):
    weights = {f"p{n}": weight for n, (weight, _) in enumerate(parts)}
    sizes = {f"p{n}": size for n, (_, size) in enumerate(parts)}
    counts = share_out(samples, weights, sizes, seed)

    assert min(samples, sum(sizes.values())) == sum(counts.values())
    assert all(0 <= counts[name] <= sizes[name] for name in sizes)
    short = [name for name in sizes if counts[name] < sizes[name]]
    for name in short:  # those that have enough get what their weights say, to a seat
        for other in short:
            per_weight = counts[other] / weights[other]
            assert counts[name] <= per_weight * weights[name] + 1 + weights[name] / weights[other] + 1e-6


@pytest.mark.parametrize(
    ("expected", "samples", "weights"),
    [
        ([90, 30], 120, [3, 1]),
        ([2, 1], 3, [0.2, 0.1]),
        ([34, 33, 33], 100, [1.001, 1, 1]),
        ([100, 20], 120, [9, 1]),
    ],
)
def test_samples_are_shared_out_as_computed_manually(expected, samples, weights):
    names = "abc"[: len(weights)]
    counts = share_out(samples, dict(zip(names, weights, strict=True)), dict.fromkeys(names, 100), 0)
    assert expected == [counts[name] for name in names]


# --- identity -----------------------------------------------------------------------------------------------


def test_the_revision_follows_whatever_changes_the_mix(mixed, tmp_path):
    mixes = [
        mixed(part("a", weight=3), part("b", "other")),
        mixed(part("a", weight=2), part("b", "other")),
        mixed(part("b", "other"), part("a", weight=3)),
        mixed(part("a", weight=3, questions=["Q2"]), part("b", "other")),
        mixed(part("a", weight=3), part("b", "other"), samples=8),
        mixed(part("a", weight=3), part("b", "other"), samples=8, seed=1),
    ]
    assert len(mixes) == len({dataset.identity.revision for dataset in mixes})
    assert all(dataset.identity.revision.startswith("sha256:") for dataset in mixes)
    changed = tiny_dataset()
    changed.samples[0]["q2_prompt"] = "Changed: <image> what?"
    changed.write(tmp_path / "data")
    assert mixes[0].identity.revision != mixed(part("a", weight=3), part("b", "other")).identity.revision


def test_what_identifies_a_mix_is_stored_in_it(mixed):
    dataset = mixed(part("a", weight=3, families=["rabi", "drag"]), part("fresh", "synthetic:families=t1"))
    first, second = dataset.mix["parts"]
    assert ("a", "data", 3, 0.75, ["drag", "rabi"]) == tuple(
        first[name] for name in ("name", "dataset", "weight", "share", "families")
    )
    assert ("synthetic:seed=7,per-scenario=3,families=t1", 1, 0.25, None) == tuple(
        second[name] for name in ("dataset", "weight", "share", "families")
    )
    assert ("dataset: synthetic samples (part fresh)",) == dataset.stand_ins


def test_a_mix_is_made_once_and_opened_by_workers_from_its_folder(mixed, monkeypatch):
    dataset = mixed(part("a"), part("b", "other"))
    monkeypatch.setattr("qcal_plugin.mix.build.build_mix", None)
    assert dataset == mixed(part("a"), part("b", "other"))
    assert dataset == open_prepared(dataset.directory)


def test_a_damaged_mix_is_rebuilt(mixed):
    dataset = mixed(part("a"))
    (dataset.directory / "index.json").write_text("{}")
    again = mixed(part("a"))
    line = "dataset mix:index: damaged in the cache and rebuilt from the source: index.json (KeyError)"
    assert (line,) == again.warnings
    assert dataset == replace(again, warnings=dataset.warnings)


def test_warnings_of_the_parts_say_whose_they_are(mixed, tmp_path):
    data = tiny_dataset()
    data.samples[0]["q3_key_points"] = []
    data.write(tmp_path / "odd")
    dataset = mixed(part("a", "other"), part("b", "odd", families=["drag"]))
    assert (
        "part b: column q3_key_points is empty: nothing to judge (row 'rabi_success_a')",
    ) == dataset.warnings[:1]


def test_ordinary_datasets_ask_everything(tmp_path, tiny_folder, cache):
    sample = prepare(str(tiny_folder), cache=cache).samples[0]
    assert sample.asked is None
    assert 9 == len(sample.items()) == len(replace(sample, asked=frozenset(sample.items())).items())


# --- what is refused ----------------------------------------------------------------------------------------


def test_an_unknown_family_is_named_with_those_that_there_are(refused):
    said = refused(part("a", families=["drag", "darg"]))
    assert "part a: families: no sample of 'darg' in data; known: drag, rabi" == said


def test_a_part_that_selects_nothing_is_refused(refused):
    said = refused(part("a", questions=["Q2"], modes=["icl"]))
    assert "part a: its families, questions and modes select no item (icl asks only Q3, Q5, Q6)" == said


def test_a_part_whose_items_all_belong_to_earlier_ones_is_refused(refused):
    said = refused(part("all"), part("drag", families=["drag"]))
    assert "part drag: all 36 items that it selects belong to earlier parts; move it before them" == said


def test_a_part_that_gets_no_sample_is_refused(refused):
    said = refused(part("a", weight=100), part("b", "other"), samples=3)
    assert "samples is 3, and part b would get none; increase samples" == said


@pytest.mark.parametrize(
    ("dataset", "more", "complaint"),
    [
        ("./absent", {}, "absent: no such folder. Give a folder, a Hub id such as nvidia/QCalEval"),
        ("synthetic:seed=x", {}, "part a: dataset synthetic:seed=x: seed=x: must be an integer"),
        ("data", {"revision": "v1"}, "but the requested revision is v1"),
        ("mix:other", {}, "a mix of datasets is given by its file: --mix FILE"),
    ],
)
def test_a_part_without_its_dataset_is_refused(refused, dataset, more, complaint):
    assert complaint in refused(part("a", dataset, **more))
