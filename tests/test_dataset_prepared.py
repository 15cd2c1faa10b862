import base64
import io
import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from qcal_plugin.dataset.cache import write_folder
from qcal_plugin.dataset.cases import ImagePart, TextPart
from qcal_plugin.dataset.layout import FILES, SAMPLES_FILE
from qcal_plugin.dataset.prepare import (
    DatasetError,
    DatasetNotFoundError,
    DatasetSource,
    prepare,
    prepared_directory,
    resolve,
)
from qcal_plugin.dataset.prepared import DatasetIdentity, content_sha256, open_prepared
from qcal_plugin.studies.controls import Control
from qcal_plugin.studies.selection import Selection, Shard, part_of
from reports.records.files import write_file
from reports.records.records import ItemKey
from scoring.dispatch import Scorer
from scoring.questions import Mode, Question
from tests.dataset_factory import RULES, large_dataset, png, tiny_dataset

HEAVY = {
    "httpx",
    "httpx2",
    "aiohttp",
    "datasets",
    "huggingface_hub",
    "pyarrow",
    "pandas",
    "PIL",
    "numpy",
    "matplotlib",
}
SAMPLE = Path(__file__).parents[2] / "shared" / "qcaleval-sample"


@pytest.fixture
def cache(tmp_path):
    return tmp_path / "cache"


@pytest.fixture
def dataset(tiny_folder, cache):
    return prepare(str(tiny_folder), cache=cache)


def key(question, mode, sample_id="rabi_success_b"):
    return ItemKey(sample_id, Question(question), Mode(mode))


def sent(part: ImagePart) -> bytes:
    return base64.b64decode(Path(part.base64_path).read_bytes(), validate=True)


def test_samples_are_those_of_the_test_split_in_its_order(dataset):
    assert [
        "rabi_success_a",
        "rabi_success_b",
        "rabi_failure_damped_a",
        "rabi_failure_damped_b",
        "drag_success_a",
        "drag_success_b",
        "drag_failure_no_signal_a",
        "drag_failure_no_signal_b",
    ] == [sample.sample_id for sample in dataset.samples]
    first = dataset.samples[0]
    assert ("rabi", "rabi_success", (Mode.ZEROSHOT, Mode.ICL)) == (
        first.family,
        first.scenario_type,
        first.modes,
    )
    assert () == dataset.warnings


def test_a_zeroshot_case_shows_the_images_and_the_prompt_unchanged(dataset):
    case = dataset.case(key("Q2", "zeroshot"))
    shown, asked = case.prompt
    assert "image-1" == shown.image_id
    assert TextPart(text="Question 2 about rabi 1: <image> what?") == asked
    assert ("rabi", "rabi_success") == (case.family, case.scenario_type)
    assert "Classification: Expected behavior" == case.reference.answer


def test_an_icl_case_puts_each_image_in_its_place(dataset):
    prompt = dataset.case(key("Q5", "icl")).prompt
    assert [
        TextPart(text="Example 5:"),
        dataset.images["image-0"],
        TextPart(text="Answer: fine.\n\nNow:"),
        dataset.images["image-1"],
        TextPart(text="what?"),
    ] == list(prompt)


def test_images_are_sent_as_rgba_pngs_and_known_by_their_digest(dataset):
    assert png(0) == sent(dataset.images["image-0"])
    converted = Image.open(io.BytesIO(sent(dataset.images["image-1"])))
    assert ("PNG", "RGBA") == (converted.format, converted.mode)
    assert Image.open(io.BytesIO(png(1, mode="RGB"))).convert("RGBA").tobytes() == converted.tobytes()
    for image in dataset.images.values():
        assert image.size_bytes == Path(image.base64_path).stat().st_size
    assert 8 == len({image.sha256 for image in dataset.images.values()})


def test_references_hold_what_each_question_is_scored_by(dataset):
    description = '{"plot_type": "scatter", "x_axis": {"scale": "linear"}, "y_axis": {"scale": "linear"}}'
    q1, q3, q5 = (dataset.reference(key(question, "zeroshot")) for question in ("Q1", "Q3", "Q5"))
    assert (description, ("scatter plot", "linear axes", "sample 1"), {}) == (
        q1.answer,
        q1.key_points,
        q1.field_rules,
    )
    assert ("significance", "of rabi", "number 1") == q3.key_points
    assert ('{"amplitude": 1.5, "visible": true}', ()) == (q5.answer, q5.key_points)
    assert {"type": "pct", "tol_full": 0.05, "tol_half": 0.15} == q5.field_rules["amplitude"]
    assert {description} == {reference.plot_description for reference in (q1, q3, q5)}
    assert "rabi_success" == q3.scenario_type


def test_references_of_icl_are_the_samples_and_a_different_icl_file_is_reported_once(cache, tmp_path):
    data = tiny_dataset()
    data.fewshot[1]["q3_answer"] = "Its own."
    data.fewshot[1]["q5_answer"] = "{}"
    data.fewshot[4]["q6_answer"] = "Status: DAMPED"
    data.fewshot[5]["q6_answer"] += "\n"
    dataset = prepare(str(data.write(tmp_path / "data")), cache=cache)
    for question in ("Q3", "Q5"):
        assert dataset.reference(key(question, "zeroshot")) == dataset.reference(key(question, "icl"))
    assert "Significance of rabi 1." == dataset.reference(key("Q3", "icl")).answer
    assert (
        (
            "answers of the ICL file differ from the test split's, which count "
            "(2 rows: 'icl_rabi_success_b', 'icl_drag_success_a')"
        ),
    ) == dataset.warnings


def test_rules_of_q5_are_those_of_the_config_and_different_rows_are_reported_once(cache, tmp_path):
    data = tiny_dataset()
    rule = {"amplitude": {"type": "pct", "tol_full": 0.5, "tol_half": 0.6}}
    data.config["rabi"]["q5_scoring"] = rule
    del data.config["drag"]["q5_scoring"]
    dataset = prepare(str(data.write(tmp_path / "data")), cache=cache)
    for mode in Mode:
        assert rule == dataset.reference(key("Q5", mode)).field_rules
        assert RULES == dataset.reference(key("Q5", mode, "drag_success_a")).field_rules
    assert (
        (
            "column q5_scoring differs from experiment_config.json, whose rules count (4 rows: 'rabi_success_a', "
            "'rabi_success_b', 'rabi_failure_damped_a', 'rabi_failure_damped_b')"
        ),
        (
            "experiment_config.json has no q5_scoring for the family: the row's is used (4 rows: 'drag_success_a', "
            "'drag_success_b', 'drag_failure_no_signal_a', 'drag_failure_no_signal_b')"
        ),
    ) == dataset.warnings


def test_an_unknown_image_id_leaves_its_block_out_and_uses_up_its_turn(cache, tmp_path):
    data = tiny_dataset()
    data.fewshot[1]["image_ids"] = ["image-0", "image-1", "gone", "image-2", "image-3", "gone too"]
    dataset = prepare(str(data.write(tmp_path / "data")), cache=cache)
    shown = {
        question: [
            part.image_id for part in dataset.case(key(question, "icl")).prompt if isinstance(part, ImagePart)
        ]
        for question in ("Q3", "Q5", "Q6")
    }
    assert {"Q3": ["image-0", "image-1"], "Q5": ["image-2"], "Q6": ["image-3"]} == shown
    texts = [part.text for part in dataset.case(key("Q5", "icl")).prompt if isinstance(part, TextPart)]
    assert ["Example 5:", "Answer: fine.\n\nNow:", "what?"] == texts
    assert (
        "ICL prompts leave out images whose ids no row of the test split has (row 'icl_rabi_success_b')",
    ) == dataset.warnings


def test_a_sample_without_images_is_asked_with_its_prompt_alone(cache, tmp_path):
    data = tiny_dataset()
    data.samples[1]["images"] = None
    data.samples[2]["images"] = []
    data.samples[3]["images"] = [None, {"bytes": png(103), "path": None}, {"bytes": None, "path": None}]
    data.samples[3]["image_ids"] = ["no image", "image-3", "image-0"]
    dataset = prepare(str(data.write(tmp_path / "data")), cache=cache)
    for sample_id in ("rabi_success_b", "rabi_failure_damped_a"):
        (only,) = dataset.case(key("Q2", "zeroshot", sample_id)).prompt
        assert only.text.startswith("Question 2 about rabi")
    assert [png(103)] == [sent(image) for image in dataset.images_of("rabi_failure_damped_b")]
    assert [1, 0, 0, 1] == [sample.pictures for sample in dataset.samples[:4]]
    assert {
        "column images holds no image: asked without one (2 rows: 'rabi_success_b', 'rabi_failure_damped_a')",
        "column images holds nulls, which are left out (row 'rabi_failure_damped_b')",
    } < set(dataset.warnings)


def test_each_of_several_icl_rows_about_a_sample_is_asked_once_and_judged_by_the_sample(cache, tmp_path):
    data = tiny_dataset()
    taken = [{**data.fewshot[1], "id": name} for name in ("icl_more", "icl_more", "drag_success_a")]
    for number, row in enumerate(taken):
        row["q6_prompt"] = f"Another {number}: <image> {'and' if number else 'or'} <image>"
    data.fewshot += taken
    dataset = prepare(str(data.write(tmp_path / "data")), cache=cache)
    further = [sample for sample in dataset.samples if sample.source_id is not None]
    assert ["icl_more", "icl_more-2", "drag_success_a-2"] == [sample.sample_id for sample in further]
    assert {"rabi_success_b"} == {sample.source_id for sample in further}
    assert 8 == len(dataset.own_samples)
    for number, sample in enumerate(further):
        assert [(Mode.ICL, question) for question in ("Q3", "Q5", "Q6")] == list(sample.items())
        asked = dataset.case(key("Q6", "icl", sample.sample_id))
        assert f"Another {number}:" == asked.prompt[0].text
        assert dataset.reference(key("Q6", "icl")) == asked.reference
    assert (
        (
            "ICL rows about a sample that an earlier row asks about too: each counts "
            "(3 rows: 'icl_more', 'icl_more', 'drag_success_a')"
        ),
    ) == dataset.warnings


def test_one_id_may_name_one_picture_that_is_encoded_in_two_ways(cache, tmp_path):
    data = tiny_dataset()
    original = png(100)
    again = io.BytesIO()
    Image.open(io.BytesIO(original)).save(again, "PNG", compress_level=0)
    for row, content in zip(data.samples[:2], (original, again.getvalue()), strict=True):
        row["images"], row["image_ids"] = [{"bytes": content, "path": None}], ["image-0"]
    assert original != again.getvalue()
    dataset = prepare(str(data.write(tmp_path / "data")), cache=cache)
    first, second = (dataset.images_of(sample_id) for sample_id in ("rabi_success_a", "rabi_success_b"))
    assert first == second


def test_icl_items_go_by_the_samples_id_and_keep_their_own(dataset):
    assert "icl_rabi_success_b" == dataset.icl_id("rabi_success_b")


def test_a_sample_without_icl_row_is_asked_zeroshot_only(cache, tmp_path):
    data = tiny_dataset()
    del data.fewshot[1]
    dataset = prepare(str(data.write(tmp_path / "data")), cache=cache)
    assert (Mode.ZEROSHOT,) == dataset.samples[1].modes
    assert dataset.icl_id("rabi_success_b") is None
    with pytest.raises(KeyError, match="has no item rabi_success_b Q3 in mode icl"):
        dataset.case(key("Q3", "icl"))


def test_a_sample_with_several_images_shows_them_in_order(cache, tmp_path):
    data = tiny_dataset()
    data.samples[0]["images"] = [{"bytes": png(number), "path": "x.png"} for number in (100, 101)]
    data.samples[0]["image_ids"] = ["second", "image-0"]
    dataset = prepare(str(data.write(tmp_path / "data")), cache=cache)
    prompt = dataset.case(key("Q1", "zeroshot", "rabi_success_a")).prompt
    assert [png(100), png(101)] == [sent(part) for part in prompt if isinstance(part, ImagePart)]


@pytest.mark.parametrize("asked", [key("Q1", "icl"), key("Q1", "zeroshot", "nobody")])
def test_an_item_that_does_not_exist_is_a_key_error(dataset, asked):
    with pytest.raises(KeyError, match="has no item"):
        dataset.reference(asked)


def test_workers_open_the_same_without_the_name(dataset):
    opened = open_prepared(dataset.directory)
    assert dataset == opened
    assert dataset.case(key("Q3", "icl")) == opened.case(key("Q3", "icl"))


def test_a_warm_start_and_collection_import_no_heavy_library(dataset, tiny_folder, cache):
    script = """
import sys
from pathlib import Path
from qcal_plugin.dataset.prepare import prepare
from qcal_plugin.dataset.prepared import open_prepared
from qcal_plugin.studies.selection import select
dataset = prepare(sys.argv[1], cache=Path(sys.argv[2]))
items = select(open_prepared(dataset.directory).samples)
for item in items:
    dataset.case(item.key)
print(len(items), *sys.modules)
"""
    run = subprocess.run(
        [sys.executable, "-c", script, tiny_folder, cache],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    count, *modules = run.stdout.split()
    assert "72" == count
    assert set() == HEAVY & set(modules)


def test_the_revision_follows_the_content(tiny_folder, cache):
    before = resolve(str(tiny_folder), cache=cache).revision
    assert before == resolve(str(tiny_folder) + os.sep, cache=cache).revision
    assert len("sha256:") + 64 == len(before)
    with (tiny_folder / SAMPLES_FILE).open("ab") as file:
        file.write(b" ")
    assert before != resolve(str(tiny_folder), cache=cache).revision


def test_a_folder_can_be_pinned_to_its_content(tiny_folder, cache):
    digest = resolve(str(tiny_folder), cache=cache).revision
    assert digest == resolve(str(tiny_folder), digest, cache=cache).revision
    with pytest.raises(
        DatasetNotFoundError, match=r"its content is sha256:.*, but the requested revision is v1"
    ):
        resolve(str(tiny_folder), "v1", cache=cache)


def test_what_is_prepared_is_not_prepared_again(dataset, tiny_folder, cache, monkeypatch):
    monkeypatch.setattr("qcal_plugin.dataset.build.build", None)
    assert dataset == prepare(str(tiny_folder), cache=cache)


def test_a_changed_folder_is_prepared_again(dataset, tiny_folder, cache):
    data = tiny_dataset()
    data.samples[1]["q2_prompt"] = "Changed"
    changed = prepare(str(data.write(tiny_folder)), cache=cache)
    assert TextPart(text="Changed") == changed.case(key("Q2", "zeroshot")).prompt[-1]
    assert (
        TextPart(text="Question 2 about rabi 1: <image> what?")
        == dataset.case(key("Q2", "zeroshot")).prompt[-1]
    )


def image_path(dataset):
    return Path(dataset.images["image-0"].base64_path)


def cut_image(dataset):
    image_path(dataset).write_bytes(b"AAAA")


def cut(path):
    path.write_bytes(path.read_bytes()[:-7])


def flip_bit(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def make_unreadable(path):
    """By a link to itself, which stops root too."""
    path.unlink()
    path.symlink_to(path.name)


def make_link(path):
    """The right content, but from a file that another user may change."""
    moved = path.with_name("moved")
    path.rename(moved)
    path.symlink_to(moved.name)


def make_pipe(path):
    path.unlink()
    os.mkfifo(path)


DAMAGES = {
    "cut": cut,
    "empty": lambda path: path.write_bytes(b""),
    "flipped bit": flip_bit,
    "missing": lambda path: path.unlink(),
    "unreadable": make_unreadable,
    "a link": make_link,
    "a pipe": make_pipe,
}
FILES_MADE = ("index.json", "references-*.jsonl", "prompts-*.jsonl", "../../images/*.b64")


def snapshot_of(cache):
    return {
        path.relative_to(cache): path.read_bytes()
        for path in cache.rglob("*")
        if path.name != "moved" and path.is_file()
    }


def is_rebuilt(dataset, folder, cache, before, damaged):
    """Return whether the next start reports the damage in one line and restores every file."""
    again = prepare(str(folder), cache=cache)
    (line,) = again.warnings
    assert line.startswith(f"dataset {folder}: damaged in the cache and rebuilt from the source: {damaged} (")
    assert (line,) == again.repairs
    assert replace(dataset, warnings=again.warnings) == again
    assert dataset.identity.revision == again.identity.revision
    assert before == snapshot_of(cache)
    assert () == prepare(str(folder), cache=cache).warnings
    return True


@pytest.mark.parametrize("pattern", FILES_MADE)
@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_whatever_is_damaged_in_the_cache_is_rebuilt(dataset, tiny_folder, cache, pattern, damage):
    before = snapshot_of(cache)
    path = min(dataset.directory.glob(pattern))
    damage(path)
    assert is_rebuilt(dataset, tiny_folder, cache, before, path.name)


def test_a_truncated_image_is_rebuilt(dataset, tiny_folder, cache):
    before = snapshot_of(cache)
    cut_image(dataset)
    assert is_rebuilt(dataset, tiny_folder, cache, before, image_path(dataset).name)
    assert png(0) == sent(dataset.images["image-0"])


def test_another_images_bytes_are_not_taken(dataset, tiny_folder, cache):
    before = snapshot_of(cache)
    image_path(dataset).write_bytes(Path(dataset.images["image-2"].base64_path).read_bytes())
    assert is_rebuilt(dataset, tiny_folder, cache, before, image_path(dataset).name)


def test_other_references_of_equal_length_are_not_taken(dataset, tiny_folder, cache):
    before = snapshot_of(cache)
    path = dataset.references.path
    path.write_bytes(path.read_bytes().replace(b"Expected behavior", b"Apparatus issue!!"))
    assert is_rebuilt(dataset, tiny_folder, cache, before, path.name)


def test_an_index_of_fewer_samples_is_not_taken(dataset, tiny_folder, cache):
    before = snapshot_of(cache)
    path = dataset.directory / "index.json"
    index = json.loads(path.read_text())
    index["content"]["samples"] = index["content"]["samples"][:3]
    path.write_text(json.dumps(index))
    assert is_rebuilt(dataset, tiny_folder, cache, before, "index.json")


def test_a_cache_that_was_forged_as_a_whole_has_another_revision(dataset, tiny_folder, cache):
    """It cannot be distinguished from the real one without rebuilding it, but every report names its other digest."""
    path = dataset.directory / "index.json"
    index = json.loads(path.read_text())
    index["content"]["samples"] = index["content"]["samples"][:3]
    index["sha256"] = content_sha256(index["content"])
    path.write_text(json.dumps(index))
    forged = prepare(str(tiny_folder), cache=cache)
    assert dataset.identity.revision != forged.identity.revision
    with pytest.raises(
        DatasetNotFoundError, match=r"its prepared revision is .*, but the requested revision is"
    ):
        prepare(str(tiny_folder), dataset.identity.revision, cache=cache)
    with pytest.raises(ValueError, match="expected"):
        open_prepared(forged.directory, dataset.identity.revision)


def test_a_dataset_can_be_pinned_to_what_is_prepared_from_it(dataset, tiny_folder, cache):
    assert dataset == prepare(str(tiny_folder), dataset.identity.revision, cache=cache)
    source, mark, digest = dataset.identity.revision.partition("+")
    assert (resolve(str(tiny_folder), cache=cache).revision, "+", 32) == (source, mark, len(digest))


def test_the_revision_does_not_depend_on_where_the_cache_is(dataset, tiny_folder, tmp_path):
    assert dataset.identity == prepare(str(tiny_folder), cache=tmp_path / "another").identity


def test_of_the_same_commit_what_was_really_read_decides(dataset, tiny_folder):
    """A mirror of the Hub may serve other files under the same name and commit."""
    identity = DatasetIdentity(name="nvidia/QCalEval", revision="0" * 40)
    sources = [DatasetSource(identity=identity, digest=digest) for digest in ("sha256:1", "sha256:2")]
    assert 2 == len({prepared_directory(source, tiny_folder) for source in sources})


def test_another_format_is_rebuilt_without_a_message(dataset, tiny_folder, cache):
    index = json.loads((dataset.directory / "index.json").read_text())
    (dataset.directory / "index.json").write_text(json.dumps(index | {"format": 0}))
    assert dataset == prepare(str(tiny_folder), cache=cache)


@pytest.mark.parametrize("file", FILES)
def test_generated_samples_are_rebuilt_if_their_files_are_damaged(cache, file):
    name = "synthetic:seed=7,per-scenario=1,families=t1"
    made = prepare(name, cache=cache)
    (path,) = (cache / "synthetic").glob(f"*/{file}")
    flip_bit(path)
    again = prepare(name, cache=cache)
    assert (f"dataset {name}: damaged in the cache and drawn again",) == again.warnings
    assert made.identity.revision == again.identity.revision
    assert () == prepare(name, cache=cache).warnings


# --- a part of it -------------------------------------------------------------------------------------------


@pytest.fixture
def large_folder(tmp_path):
    return large_dataset().write(tmp_path / "large")


def prepare_first(count, folder, cache, **more):
    return prepare(str(folder), part=part_of(Selection(limit=count)), cache=cache, **more)


def test_a_part_has_the_images_that_its_samples_show_and_is_not_taken_for_the_whole(large_folder, cache):
    told = []
    part = prepare_first(3, large_folder, cache, progress=lambda _what, *counts: told.append(counts))
    names = tuple(sample.sample_id for sample in part.samples)
    assert (48, names[:3]) == (len(names), part.part)
    assert {"image-0", "image-1", "image-2"} == set(part.images)  # image-0 is every sample's demonstration
    assert [(1, 3), (2, 3), (3, 3)] == told
    assert 3 == len(list((cache / "images").iterdir()))
    assert (
        "only 3 of 48 samples were prepared (--limit, --sample); the revision is of these",
    ) == part.warnings
    assert part == prepare_first(3, large_folder, cache)
    with pytest.raises(KeyError, match="not among the samples that were prepared"):
        part.case(key("Q1", "zeroshot", names[3]))

    whole = prepare(str(large_folder), cache=cache)
    assert (48, (), ()) == (len(whole.images), whole.part, whole.warnings)
    for question, mode in (("Q1", "zeroshot"), ("Q5", "icl")):
        item = key(question, mode, names[1])
        assert whole.case(item) == part.case(item)
        assert whole.floors_of(item, Scorer.STRICT) == part.floors_of(item, Scorer.STRICT)
    assert whole.identity.revision != part.identity.revision
    assert part.identity.revision == whole.revision_of_part(part.part)
    assert part.identity.revision != whole.revision_of_part(names[:2])
    assert whole.revision_of_part(("of another dataset",)) is None
    assert whole == prepare_first(3, large_folder, cache)


def test_a_part_that_was_damaged_is_made_again(large_folder, cache):
    part = prepare_first(2, large_folder, cache)
    cut_image(part)
    again = prepare_first(2, large_folder, cache)
    assert part.identity.revision == again.identity.revision
    assert ("damaged in the cache" in again.warnings[0], 1) == (True, len(again.repairs))
    again.verify()


def test_a_part_leaves_out_images_and_no_check_of_rows(cache, tmp_path):
    broken_image, broken_row = large_dataset(), large_dataset()
    broken_image.samples[40]["images"][0]["bytes"] = b"not an image"
    broken_row.samples[40]["q5_scoring"] = "{"
    folder = broken_image.write(tmp_path / "image")
    assert 2 == len(prepare_first(2, folder, cache).part)
    with pytest.raises(DatasetError, match="not a readable image"):
        prepare(str(folder), cache=cache)
    with pytest.raises(DatasetError, match="row 40"):
        prepare_first(2, broken_row.write(tmp_path / "row"), cache)


def test_all_is_prepared_for_many_samples_for_a_small_dataset_and_for_images_to_compare(
    large_folder, tiny_folder, cache, tmp_path
):
    recoded = large_dataset()
    recoded.samples[41]["image_ids"] = ["image-0"]
    recoded.samples[41]["images"] = [{"bytes": recoded_png(png(0)), "path": None}]
    recoded.write(tmp_path / "recoded")
    for count, folder in ((13, large_folder), (1, tiny_folder), (1, tmp_path / "recoded")):
        assert () == prepare_first(count, folder, cache).part


def recoded_png(original: bytes) -> bytes:
    """The same pixels in other bytes."""
    file = io.BytesIO()
    with Image.open(io.BytesIO(original)) as image:
        image.save(file, "PNG", compress_level=0)
    return file.getvalue()


@pytest.mark.parametrize(
    ("more", "is_part"),
    [({"repeats": 3}, True), ({"shard": Shard(1, 2)}, False), ({"controls": (Control.SIBLING,)}, False)],
)
def test_what_shows_other_samples_or_is_merged_needs_the_whole(more, is_part):
    assert is_part == (part_of(Selection(limit=2, **more)) is not None)
    assert part_of(Selection(**more)) is None


def test_progress_counts_the_images(tiny_folder, cache):
    told = []
    prepare(str(tiny_folder), cache=cache, progress=lambda _what, done, total: told.append((done, total)))
    assert [(done, 8) for done in range(1, 9)] == told


def test_several_at_once_agree(tiny_folder, cache):
    with ThreadPoolExecutor(4) as pool:
        datasets = list(pool.map(lambda _: prepare(str(tiny_folder), cache=cache), range(4)))
    assert [datasets[0]] * 4 == datasets
    assert [datasets[0].directory] == list((cache / "prepared").iterdir())
    assert 8 == len(list((cache / "images").iterdir()))


def test_the_cache_is_where_the_variable_says(tiny_folder, tmp_path, monkeypatch):
    monkeypatch.setenv("QCAL_CACHE_DIR", str(tmp_path / "elsewhere"))
    assert tmp_path / "elsewhere" / "prepared" == prepare(str(tiny_folder)).directory.parent


def test_a_cache_that_cannot_be_written_is_reported(tiny_folder, tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(
        DatasetError, match=r"Not a directory.*file.*Is the cache .*file writable\? QCAL_CACHE_DIR names"
    ):
        prepare(str(tiny_folder), cache=tmp_path / "file")


def test_a_synthetic_dataset_is_made_once_and_named_by_its_settings(cache, monkeypatch):
    made = prepare("synthetic:per-scenario=1,families=t1", cache=cache)
    assert "synthetic:seed=7,per-scenario=1,families=t1" == made.identity.name
    assert {"t1"} == {sample.family for sample in made.samples}
    monkeypatch.setattr("synthetic.dataset.generate", None)
    assert made == prepare("synthetic:seed=7,per-scenario=1,families=t1", cache=cache)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("synthetic:seed=x", "dataset synthetic:seed=x: seed=x: must be an integer"),
        ("synthetic:families=nothing", "families=nothing: unknown; there are "),
        (
            "~/no/such/folder",
            "dataset ~/no/such/folder: no such folder. Give a folder, a Hub id such as nvidia/QCalEval",
        ),
    ],
)
def test_an_unknown_name_is_reported(cache, name, text):
    with pytest.raises(DatasetNotFoundError) as caught:
        prepare(name, cache=cache)
    assert text in str(caught.value)


@pytest.mark.skipif(not SAMPLE.is_dir(), reason="../shared/qcaleval-sample is not there")
def test_real_rows_make_the_cases_of_the_protocol(cache):
    dataset = prepare(str(SAMPLE), cache=cache)
    assert (26, 6) == (len(dataset.samples), sum(Mode.ICL in sample.modes for sample in dataset.samples))
    case = dataset.case(ItemKey("drag_success_b", Question.Q3, Mode.ICL))
    shown = [part.image_id for part in case.prompt if isinstance(part, ImagePart)]
    assert ["e1e93e18c44bebab", "205999a50b41800f", "e51264415a2dd2c4"] == shown
    for part in case.prompt:
        if isinstance(part, TextPart):
            assert "<image>" not in part.text
            assert part.text == part.text.strip()


def test_order_and_width_of_columns_do_not_matter(tiny_folder, cache):
    path = tiny_folder / SAMPLES_FILE
    expected = prepare(str(tiny_folder), cache=cache).samples
    table = pq.read_table(path)
    table = table.select(table.column_names[::-1]).append_column("more", [["x"] * len(table)])
    wide = {"q1_prompt": pa.large_string(), "image_ids": pa.large_list(pa.large_string())}
    schema = pa.schema([(column.name, wide.get(column.name, column.type)) for column in table.schema])
    pq.write_table(table.cast(schema), path)
    assert expected == prepare(str(tiny_folder), cache=cache).samples


def test_what_a_file_says_about_its_columns_is_not_followed(tiny_folder, cache):
    path = tiny_folder / SAMPLES_FILE
    expected = prepare(str(tiny_folder), cache=cache)
    for features in (
        {"id": {"_type": "Nonsense"}},
        {"images": {"feature": {"_type": "Image"}, "_type": "List"}},
    ):
        metadata = {"huggingface": json.dumps({"info": {"features": features}})}
        pq.write_table(pq.read_table(path).replace_schema_metadata(metadata), path)
        assert expected.images == prepare(str(tiny_folder), cache=cache).images


def test_a_write_that_fails_leaves_nothing_behind(tmp_path):
    (tmp_path / "folder").mkdir()
    with pytest.raises(OSError, match="folder"):
        write_file(tmp_path / "folder", b"content")
    with pytest.raises(KeyError):
        write_folder(tmp_path / "new", lambda path: {}[path])
    assert [tmp_path / "folder"] == list(tmp_path.iterdir())


def test_of_two_folders_written_at_once_the_first_stays(tmp_path):
    def fill_slowly(path):
        write_folder(tmp_path / "new", lambda rival: (rival / "file").write_text("first"))
        (path / "file").write_text("second")

    write_folder(tmp_path / "new", fill_slowly)
    assert "first" == (tmp_path / "new" / "file").read_text()
    assert [tmp_path / "new"] == list(tmp_path.iterdir())
