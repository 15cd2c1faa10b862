"""Every fault in the data is one line that names file, row and column, before anything is asked."""

import io
import json
import zlib
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from qcal_plugin.dataset.layout import CONFIG_FILE, FEWSHOT_FILE, FILES, SAMPLES_FILE
from qcal_plugin.dataset.prepare import BadDataError, DatasetError, DatasetNotFoundError, prepare
from tests.dataset_factory import DatasetFactory, png, sample_row, tiny_dataset


def set_cell(rows, index, column, value):
    def spoil(data: DatasetFactory) -> None:
        getattr(data, rows)[index][column] = value

    return spoil


def set_image(image):
    return set_cell("samples", 3, "images", [{"bytes": image, "path": None}])


def set_type(column, kind, value):
    def spoil(data: DatasetFactory) -> None:
        data.types[column] = kind
        for row in data.samples:
            row[column] = value

    return spoil


def drop(rows, column):
    return lambda data: data.drop(getattr(data, rows), column)


def bomb() -> bytes:
    """A PNG of a few hundred bytes that claims to be 30,000 x 30,000 pixels."""
    content = bytearray(png())
    content[16:24] = (30_000).to_bytes(4) + (30_000).to_bytes(4)
    content[29:33] = zlib.crc32(content[12:29]).to_bytes(4)
    return bytes(content)


def large_bomb() -> bytes:
    """Just above our limit, below that of the imaging library."""
    file = io.BytesIO()
    Image.new("1", (8_000, 5_001)).save(file, "PNG")
    return file.getvalue()


def corrupt(content: bytes) -> bytes:
    """One byte of the pixels' data changed."""
    position = content.index(b"IDAT") + 8
    return content[:position] + bytes([content[position] ^ 255]) + content[position + 1 :]


def unpackable() -> bytes:
    """Every checksum is right, but the pixels' data cannot be decompressed."""
    data = b"\x78\x9c no zlib stream"
    chunk = b"IDAT" + data
    content = png()
    start, end = content.index(b"IDAT") - 4, content.index(b"IEND") - 4
    return content[:start] + len(data).to_bytes(4) + chunk + zlib.crc32(chunk).to_bytes(4) + content[end:]


ROW_3 = f"{SAMPLES_FILE}, row 3 (id 'rabi_failure_damped_b'), column"
ICL_ROW_2 = f"{FEWSHOT_FILE}, row 2 (id 'icl_rabi_failure_damped_a'), column"

FAULTS = {
    "missing column": (drop("samples", "q4_answer"), f"{SAMPLES_FILE}, column q4_answer: missing column."),
    "missing ICL column": (
        drop("fewshot", "source_id"),
        f"{FEWSHOT_FILE}, column source_id: missing column.",
    ),
    "numbers for text": (
        set_type("q2_prompt", pa.int64(), 5),
        f"{SAMPLES_FILE}, column q2_prompt: expected string, got int64",
    ),
    "text for lists": (
        set_type("q1_key_points", pa.string(), "one"),
        f"{SAMPLES_FILE}, column q1_key_points: expected list<item: string>, got string",
    ),
    "text for images": (
        set_type("images", pa.list_(pa.string()), ["a.png"]),
        f"{SAMPLES_FILE}, column images: expected list<item: struct<bytes: binary, path: string>>",
    ),
    "null prompt": (
        set_cell("samples", 3, "q2_prompt", None),
        f"{ROW_3} q2_prompt: is null; expected a string",
    ),
    "null id": (set_cell("samples", 3, "id", None), f"{SAMPLES_FILE}, row 3, column id: is null;"),
    "empty family": (
        set_cell("samples", 3, "experiment_family", " "),
        f"{ROW_3} experiment_family: is empty; expected a name",
    ),
    "null key points": (
        set_cell("samples", 3, "q3_key_points", None),
        f"{ROW_3} q3_key_points: is null or has a null in it;",
    ),
    "null key point": (
        set_cell("samples", 3, "q1_key_points", ["a", None]),
        f"{ROW_3} q1_key_points: is null or has a null in it;",
    ),
    "duplicate id": (
        set_cell("samples", 5, "id", "rabi_success_b"),
        f"{SAMPLES_FILE}, row 5 (id 'rabi_success_b'), column id: duplicate: row 1 has the same id.",
    ),
    "q5_scoring is not JSON": (
        set_cell("samples", 3, "q5_scoring", "{'amplitude': 1}"),
        f"{ROW_3} q5_scoring: unreadable JSON (Expecting property name",
    ),
    "q5_scoring nested too deep": (
        set_cell("samples", 3, "q5_scoring", "[" * 100_000),
        f"{ROW_3} q5_scoring: unreadable JSON (",
    ),
    "q5_scoring is a list": (
        set_cell("samples", 3, "q5_scoring", "[1]"),
        f"{ROW_3} q5_scoring: expected a JSON object, field by field, got list",
    ),
    "a rule is a number": (
        set_cell("samples", 3, "q5_scoring", '{"amplitude": 0.05}'),
        f"{ROW_3} q5_scoring: field 'amplitude': expected an object with type and tolerances, got float",
    ),
    "image ids not parallel": (
        set_cell("samples", 3, "image_ids", ["image-3", "image-4"]),
        f"{ROW_3} image_ids: 2 ids for 1 images; expected one id for each image",
    ),
    "an image elsewhere": (
        set_cell("samples", 3, "images", [{"bytes": None, "path": "/etc/passwd"}]),
        f"{ROW_3} images: image 0 has a path and no bytes; the bytes must be in the file",
    ),
    "one id for two pictures": (
        set_cell("samples", 3, "image_ids", ["image-0"]),
        f"{ROW_3} image_ids: 'image-0' is another picture in sample 'rabi_success_a'. Each picture",
    ),
    "not an image": (
        set_image(b"GIF89a, or so it says"),
        f"{ROW_3} images: image 0 ('image-3'): not a readable image (PNG, JPEG, WEBP)",
    ),
    "broken PNG": (
        set_image(corrupt(png())),
        f"{ROW_3} images: image 0 ('image-3'): broken or truncated image (",
    ),
    "truncated PNG": (
        set_image(png()[:-30]),
        f"{ROW_3} images: image 0 ('image-3'): broken or truncated image (",
    ),
    "PNG without its end": (
        set_image(png()[:-12]),
        f"{ROW_3} images: image 0 ('image-3'): broken or truncated image (",
    ),
    "pixels that cannot be decompressed": (
        set_image(unpackable()),
        f"{ROW_3} images: image 0 ('image-3'): broken or truncated image (",
    ),
    "decompression bomb": (set_image(bomb()), f"{ROW_3} images: image 0 ('image-3'): decompression bomb: "),
    "too many pixels": (
        set_image(large_bomb()),
        f"{ROW_3} images: image 0 ('image-3'): its header says 8000 x 5001 pixels, more than 40,000,000",
    ),
    "unknown source id": (
        set_cell("fewshot", 2, "source_id", "rabi_gone"),
        f"{ICL_ROW_2} source_id: 'rabi_gone' is not a sample of the test split",
    ),
    "config is a list": (
        lambda data: setattr(data, "config", []),
        f"{CONFIG_FILE}: expected a JSON object, family by family, got list",
    ),
    "rules of a family are a list": (
        lambda data: data.config["rabi"].update(q5_scoring=[]),
        f"{CONFIG_FILE}: family 'rabi', q5_scoring: expected a JSON object, field by field, got list",
    ),
    "a rule of a family is a number": (
        lambda data: data.config["rabi"].update(q5_scoring={"amplitude": 0.05}),
        f"{CONFIG_FILE}: family 'rabi', q5_scoring: field 'amplitude': expected an object with type and tolerances",
    ),
    "config of a family is null": (
        lambda data: data.config.update(rabi=None),
        f"{CONFIG_FILE}: family 'rabi': expected a JSON object, got null",
    ),
}


@pytest.fixture
def prepared(tmp_path):
    """Prepare a dataset in a fresh cache, and check that a fault leaves no prepared dataset."""

    def prepare_in_fresh_cache(folder: Path):
        cache = tmp_path / "cache"
        try:
            return prepare(str(folder), cache=cache)
        except DatasetError:
            assert [] == list(cache.glob("prepared/*"))
            raise

    return prepare_in_fresh_cache


@pytest.mark.parametrize(("spoil", "text"), FAULTS.values(), ids=FAULTS)
def test_a_fault_is_named_with_file_row_and_column(prepared, tmp_path, spoil, text):
    data = tiny_dataset()
    spoil(data)
    with pytest.raises(BadDataError) as caught:
        prepared(data.write(tmp_path / "data"))
    assert text in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_first_fault_is_reported(prepared, tmp_path):
    data = tiny_dataset()
    for row in (6, 4, 5):
        data.samples[row]["images"][0]["bytes"] = b"nothing"
    with pytest.raises(BadDataError, match="row 4") as caught:
        prepared(data.write(tmp_path / "data"))
    assert (SAMPLES_FILE, 4, "images") == (caught.value.file, caught.value.row, caught.value.column)


@pytest.mark.parametrize("file", [SAMPLES_FILE, FEWSHOT_FILE])
@pytest.mark.parametrize("content", [b"", b"PAR1 nonsense PAR1", "cut"], ids=["empty", "nonsense", "cut"])
def test_unreadable_parquet_is_named(prepared, tiny_folder, file, content):
    path = tiny_folder / file
    path.write_bytes(path.read_bytes()[:-100] if content == "cut" else content)
    with pytest.raises(BadDataError, match=f"^{file}: unreadable Parquet \\(.*\\). Download the file again$"):
        prepared(tiny_folder)


def test_damaged_pages_are_named(prepared, tiny_folder):
    path = tiny_folder / FEWSHOT_FILE
    content = bytearray(path.read_bytes())
    content[4:200] = bytes(196)
    path.write_bytes(content)
    with pytest.raises(BadDataError, match=f"^{FEWSHOT_FILE}: unreadable Parquet"):
        prepared(tiny_folder)


def test_text_that_is_not_utf_8_is_named(prepared, tiny_folder):
    path = tiny_folder / FEWSHOT_FILE
    pq.write_table(pq.read_table(path), path, compression="none")
    path.write_bytes(path.read_bytes().replace(b"icl_drag_success_a", b"icl_drag_\xff\xfe\xffcess_a"))
    with pytest.raises(BadDataError, match=f"^{FEWSHOT_FILE}, column id: damaged \\(Invalid.* UTF8"):
        prepared(tiny_folder)


def test_an_empty_test_split_is_refused(prepared, tiny_folder):
    path = tiny_folder / SAMPLES_FILE
    pq.write_table(pq.read_table(path).slice(0, 0), path)
    with pytest.raises(BadDataError, match=f"^{SAMPLES_FILE}: no rows: there is nothing to ask$"):
        prepared(tiny_folder)


@pytest.mark.parametrize("content", ["{", "\xff"], ids=["cut", "no UTF-8"])
def test_an_unreadable_config_is_named(prepared, tiny_folder, content):
    (tiny_folder / CONFIG_FILE).write_bytes(content.encode("latin-1"))
    with pytest.raises(BadDataError, match=f"^{CONFIG_FILE}: unreadable JSON \\("):
        prepared(tiny_folder)


@pytest.mark.parametrize("file", FILES)
def test_a_missing_file_is_named(prepared, tiny_folder, file):
    (tiny_folder / file).unlink()
    with pytest.raises(
        DatasetNotFoundError, match=f"{file} is missing. A dataset's folder has the files test-00000"
    ):
        prepared(tiny_folder)


def test_image_ids_are_data_and_never_file_names(prepared, tmp_path):
    data = tiny_dataset()
    data.samples[0]["image_ids"] = ["../../../escaped"]
    data.drop(data.fewshot, "image_ids")
    for row, sample in zip(data.fewshot, data.samples, strict=True):
        row["image_ids"] = ["../../../escaped", *sample["image_ids"]] * 3
    dataset = prepared(data.write(tmp_path / "data"))
    assert "../../../escaped" in dataset.images
    assert not list(tmp_path.rglob("*escaped*"))


def test_odd_rules_and_answers_are_warnings_on_each_start(prepared, tmp_path):
    data = tiny_dataset()
    data.config["rabi"]["q5_scoring"] = {"amplitude": {"type": "fuzzy"}, "visible": {"type": "bool"}}
    del data.config["drag"]
    data.samples[6]["q5_scoring"] = json.dumps({"amplitude": {"type": "pct", "tol_full": 0.1}})
    for row in data.samples[:4]:
        row["q5_scoring"] = json.dumps(data.config["rabi"]["q5_scoring"])
    data.samples[0]["q5_answer"] = data.fewshot[0]["q5_answer"] = "about a half"
    data.samples[1]["q1_key_points"] = []
    data.fewshot[1]["image_ids"] = ["image-0"]
    folder = data.write(tmp_path / "data")
    rows = "'rabi_success_a', 'rabi_success_b', 'rabi_failure_damped_a', 'rabi_failure_damped_b'"
    others = "'drag_success_a', 'drag_success_b', 'drag_failure_no_signal_a', 'drag_failure_no_signal_b'"
    expected = {
        "column q5_answer holds no JSON: every answer to Q5 scores 0 (row 'rabi_success_a')",
        "column q1_key_points is empty: nothing to judge (row 'rabi_success_b')",
        f"{CONFIG_FILE}, field 'amplitude': unknown type 'fuzzy': every answer scores 0 (4 rows: {rows})",
        f"{CONFIG_FILE} has no q5_scoring for the family: the row's is used (4 rows: {others})",
        "column q5_scoring, field 'amplitude': tol_half is not a number (row 'drag_failure_no_signal_a')",
        "ICL prompts have another number of <image> tags than image_ids (row 'icl_rabi_success_b')",
    }
    assert expected == set(prepared(folder).warnings)
    assert expected == set(prepared(folder).warnings)


def test_of_many_rows_with_one_finding_the_first_ten_are_named(prepared, tmp_path):
    data = tiny_dataset()
    data.samples += [sample_row(number, "rabi", f"more_{number}", "SUCCESS", "a") for number in range(8, 20)]
    for row in data.samples:
        row["q1_key_points"] = []
    (warning,) = prepared(data.write(tmp_path / "data")).warnings
    assert warning.startswith("column q1_key_points is empty: nothing to judge (20 rows: 'rabi_success_a', ")
    assert warning.endswith("'more_8_a', 'more_9_a', ...)")
