"""Training data: each format is read back as its trainer reads it, and says the same."""

import io
import json
from collections import Counter

import datasets
import pytest
from PIL import Image

from scoring.questions import Mode
from synthetic.__main__ import main
from synthetic.production import produce, sample_keys
from synthetic.settings import checked_settings
from synthetic.sft.conversations import Format, conversations
from synthetic.sft.write import write_sft

SETTINGS = checked_settings(seed=5, per_scenario=2, families=["ramsey_freq_cal", "t1"])
MODES = tuple(Mode)
QUESTIONS = {Mode.ZEROSHOT: 6, Mode.ICL: 3}


@pytest.fixture(scope="module")
def samples():
    return produce(sample_keys(SETTINGS))


@pytest.fixture(scope="module")
def folder(samples, tmp_path_factory):
    """A folder for each format."""
    root = tmp_path_factory.mktemp("sft")
    for form in Format:
        write_sft(root / form, SETTINGS, samples, MODES, form)
    return root


@pytest.fixture
def offline(tmp_path, monkeypatch):
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", tmp_path / "cache")


def text_of(conversation):
    return "\n".join(part if isinstance(part, str) else "<image>" for part in conversation.prompt)


def test_a_conversation_shows_each_image_once_and_no_text_holds_a_tag(samples):
    shown = [conversation for mode in MODES for conversation in conversations(samples, mode)]
    assert len(samples) * 9 == len(shown) == len({conversation.conversation_id for conversation in shown})
    for conversation in shown:
        assert not any("<image>" in part for part in conversation.prompt if isinstance(part, str))
        assert "<image>" not in conversation.answer
    two_plots = next(conversation for conversation in shown if conversation.key.family == "ramsey_freq_cal")
    sample = samples[0]
    assert (*sample.image_ids,) == two_plots.image_ids
    assert "Describe the plots as JSON." in two_plots.prompt[-1]
    in_context = next(conversations(samples, Mode.ICL))
    assert sample.image_ids == in_context.image_ids[-2:]
    assert 2 < len(in_context.image_ids)


@pytest.mark.parametrize("mode", MODES)
def test_trl_finds_decoded_images_and_as_many_places_for_them(folder, samples, offline, mode):
    rows = datasets.load_dataset(str(folder / "trl"), mode.value, split="train")
    expected = list(conversations(samples, mode))
    pngs = {
        image_id: png
        for sample in samples
        for image_id, png in zip(sample.image_ids, sample.images, strict=True)
    }
    assert len(expected) == len(rows)
    for row, conversation in zip(rows, expected, strict=True):
        (user,), (assistant,) = row["prompt"], row["completion"]
        assert ("user", "assistant") == (user["role"], assistant["role"])
        assert len(row["images"]) == sum(part["type"] == "image" for part in user["content"])
        assert {"type", "text"} == set(user["content"][0])
        assert [{"type": "text", "text": conversation.answer}] == assistant["content"]
        assert conversation.key.family == row["family"]
    first = expected[-1].image_ids[0]
    assert Image.open(io.BytesIO(pngs[first])).tobytes() == rows[-1]["images"][0].tobytes()


def test_an_image_that_many_rows_show_is_stored_once(folder):
    images = sum(path.stat().st_size for path in (folder / "swift" / "images").iterdir())
    assert (folder / "trl" / "zeroshot.parquet").stat().st_size < 1.3 * images


@pytest.mark.parametrize("mode", MODES)
def test_swift_has_one_tag_for_each_image(folder, samples, offline, mode):
    rows = datasets.load_dataset(str(folder / "swift"), mode.value, split="train")
    for row, conversation in zip(rows, conversations(samples, mode), strict=True):
        user, assistant = row["messages"]
        assert {"role": "user", "content": text_of(conversation)} == user
        assert {"role": "assistant", "content": conversation.answer} == assistant
        assert user["content"].count("<image>") == len(row["images"])
        assert all((folder / "swift" / image).is_file() for image in row["images"])


@pytest.mark.parametrize("mode", MODES)
def test_llama_factory_is_told_how_to_read_the_files(folder, samples, mode):
    """By ``dataset_info.json``: the columns that it names exist, turns alternate, and tags match images."""
    info = json.loads((folder / "sharegpt" / "dataset_info.json").read_text("utf-8"))
    description = info[f"qcal_synthetic_{mode}"]
    rows = json.loads((folder / "sharegpt" / description["file_name"]).read_text("utf-8"))
    assert "sharegpt" == description["formatting"]
    columns = description["columns"]
    for row, conversation in zip(rows, conversations(samples, mode), strict=True):
        human, gpt = row[columns["messages"]]
        assert {"from": "human", "value": text_of(conversation)} == human
        assert {"from": "gpt", "value": conversation.answer} == gpt
        assert human["value"].count("<image>") == len(row[columns["images"]])
        assert all((folder / "sharegpt" / image).is_file() for image in row[columns["images"]])


@pytest.mark.parametrize("mode", MODES)
def test_llava_has_unique_ids_and_a_path_or_several(folder, mode):
    rows = json.loads((folder / "llava" / f"{mode}.json").read_text("utf-8"))
    assert len(rows) == len({row["id"] for row in rows})
    for row in rows:
        images = [row["image"]] if isinstance(row["image"], str) else row["image"]
        human, gpt = row["conversations"]
        assert ("human", "gpt") == (human["from"], gpt["from"])
        assert len(images) == human["value"].count("<image>")
        assert isinstance(row["image"], str) == (len(images) == 1)
        assert all((folder / "llava" / image).is_file() for image in images)


@pytest.mark.parametrize("form", Format)
def test_the_card_says_what_is_in_the_folder(folder, form):
    card = (folder / form / "README.md").read_text("utf-8")
    assert "Not the QCalEval benchmark" in card
    assert str(SETTINGS) in card
    assert "Families: ramsey_freq_cal, t1." in card
    assert str(folder) not in card


def test_the_command_takes_a_file_of_families_one_mode_and_a_format(tmp_path):
    (tmp_path / "train.txt").write_text("t1  # trained on\n\n# drag\npingpong\n", encoding="utf-8")
    arguments = ["--sft", str(tmp_path / "sft"), "--format", "swift", "--modes", "zeroshot"]
    chosen = ["--families", str(tmp_path / "train.txt"), "--per-scenario", "1"]
    assert 0 == main([*arguments, *chosen])
    assert {"README.md", "images", "zeroshot.jsonl"} == {path.name for path in (tmp_path / "sft").iterdir()}
    lines = (tmp_path / "sft" / "zeroshot.jsonl").read_text("utf-8").splitlines()
    families = Counter(json.loads(line)["family"] for line in lines)
    assert {"t1", "pingpong"} == set(families)
    assert {0} == {count % 6 for count in families.values()}


def test_siblings_are_enough_for_in_context_conversations(tmp_path):
    arguments = ["--sft", str(tmp_path), "--format", "swift", "--per-scenario", "1", "--siblings", "1"]
    assert 0 == main([*arguments, "--families", "pingpong"])
    assert 2 * 3 == len((tmp_path / "icl.jsonl").read_text(encoding="utf-8").splitlines())


def test_a_file_without_families_is_one_line(tmp_path, capsys):
    (tmp_path / "none.txt").write_text("# none\n", encoding="utf-8")
    assert 2 == main(["--sft", str(tmp_path / "x"), "--families", str(tmp_path / "none.txt")])
    assert f"{tmp_path / 'none.txt'} names no family; expected one a line" in capsys.readouterr().err
