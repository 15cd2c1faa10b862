"""Make a dataset of noise with the benchmark's size and layout: python -m bench.make_dataset DIR [--copies 10].

243 samples with 309 different 640x480 pictures of 25-400 KB, 236 in-context rows of three demonstrations each: 2,166
items, bodies of about 260 KB on average. Every prompt names its sample, so that no two requests are equal.
"""

import argparse
import io
import json
import random
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image, ImageDraw

SAMPLES = 243
ICL_ROWS = 236
FAMILIES = 22
EVERY_FOURTH_HAS_TWO_IMAGES = 4
DEMONSTRATIONS = 3
MEDIAN_IMAGE_BYTES = 60_000
IMAGE_BYTES = (25_000, 400_000)
WIDTH, HEIGHT = 640, 480

TEXT, TEXTS = pa.string(), pa.list_(pa.string())
IMAGES = pa.list_(pa.struct([("bytes", pa.binary()), ("path", pa.string())]))
FEATURES = {
    TEXT: {"dtype": "string", "_type": "Value"},
    TEXTS: {"feature": {"dtype": "string", "_type": "Value"}, "_type": "List"},
    IMAGES: {"feature": {"_type": "Image"}, "_type": "List"},
}
RULES = {"amplitude": {"type": "pct", "tol_full": 0.05, "tol_half": 0.15}, "visible": {"type": "bool"}}
KEY_POINTS = ["The oscillation is visible", "Five periods fit into the window", "The contrast stays constant"]
BACKGROUND = (
    "Measurement {id}: a drive pulse is swept in amplitude and the excited population is read out. " * 4
)
QUESTIONS = {
    "q1": 'Describe the figure <image> in JSON format.\n\nRequired fields:\n{"plot_type": "scatter" | "line"}',
    "q2": "Classify <image>.\n\nOptions:\n- Expected behavior\n- Apparatus issue\n\nClassification: <your choice>",
    "q3": "What does this result <image> imply?\n\nProvide your assessment.",
    "q4": "Assess the fit in <image>.\n\nOptions:\n- Reliable\n- Unreliable\n- No fit\n\nAssessment: <your choice>",
    "q5": 'Extract from <image>.\n\nReport in JSON format:\n{"amplitude": float, "visible": true | false}',
    "q6": "Find the status of <image>.\n\nDECISION CRITERIA\n- SUCCESS: clear\n- NO_SIGNAL: flat\n\nStatus: <status>",
}
ANSWERS = {
    "q1": json.dumps({"plot_type": "scatter", "x_axis": {"scale": "linear"}, "y_axis": {"scale": "linear"}}),
    "q2": "Classification: Expected behavior",
    "q3": " ".join(KEY_POINTS),
    "q4": "Assessment: Reliable",
    "q5": json.dumps({"amplitude": 0.5, "visible": True}),
    "q6": "Status: SUCCESS",
}
ICL = ("q3", "q5", "q6")


def make(
    folder: Path, *, samples: int = SAMPLES, icl_rows: int = ICL_ROWS, copies: int = 1, seed: int = 0
) -> None:
    """Write the three files. ``copies`` repeats all rows with other ids and prompts and the same pictures."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = random.Random(seed)
    images = [_images(index, rng) for index in range(samples)]
    rows = [_row(index, copy, images[index]) for copy in range(copies) for index in range(samples)]
    pool = [image_id for pair in images for image_id in pair]
    icl = [_icl_row(row, rng.sample(pool, DEMONSTRATIONS)) for row in rows if row["index"] < icl_rows]
    for row in rows:
        del row["index"]
    _write(folder / "test-00000-of-00001.parquet", rows)
    _write(folder / "fewshot-00000-of-00001.parquet", icl)
    config = {
        f"family{number:02}": {"q5_scoring": RULES, "q6_status_mapping": {}} for number in range(FAMILIES)
    }
    (folder / "experiment_config.json").write_text(json.dumps(config))


def picture(rng: random.Random) -> bytes:
    """A plot-like RGB PNG: axes, a curve, and a noisy map as large as the drawn file size needs."""
    size = min(max(rng.lognormvariate(0, 0.7) * MEDIAN_IMAGE_BYTES, IMAGE_BYTES[0]), IMAGE_BYTES[1])
    noise = np.random.default_rng(rng.getrandbits(32))
    pixels = np.full((HEIGHT, WIDTH, 3), 255, dtype=np.uint8)
    rows = int(min(size / WIDTH / 2.25, HEIGHT))  # such noise takes about 2.25 bytes a pixel
    pixels[:rows, :, 0] = noise.integers(0, 16, (rows, WIDTH)) * 16
    pixels[:rows, :, 1] = noise.integers(0, 256, (rows, WIDTH))
    pixels[:rows, :, 2] = pixels[:rows, :, 0]
    image = Image.fromarray(pixels)
    curve = [(x, 240 + 150 * np.sin(x / 40 + rng.random() / 10)) for x in range(60, 620, 4)]
    draw = ImageDraw.Draw(image)
    draw.rectangle((60, 30, 620, 440), outline="black", width=2)
    draw.line(curve, fill="blue", width=2)
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


def _images(index: int, rng: random.Random) -> dict[str, bytes]:
    """A quarter of the samples and a few more have a second picture: 309 in all."""
    count = 2 if index % EVERY_FOURTH_HAS_TWO_IMAGES == 0 or index < 7 else 1
    return {f"image{index:04}_{number}": picture(rng) for number in range(count)}


def _row(index: int, copy: int, images: dict[str, bytes]) -> dict[str, Any]:
    family = f"family{index % FAMILIES:02}"
    sample_id = f"{family}_success_{copy}_{index:03}"
    background = BACKGROUND.format(id=sample_id)
    prompts = {f"{name}_prompt": f"{background}\n\n{question}" for name, question in QUESTIONS.items()}
    return {
        "index": index,
        "id": sample_id,
        "experiment_type": f"{family}_success",
        "experiment_family": family,
        "images": [{"bytes": png, "path": None} for png in images.values()],
        "image_ids": list(images),
        "experiment_background": background,
        **prompts,
        **{f"{name}_answer": answer for name, answer in ANSWERS.items()},
        "q1_key_points": KEY_POINTS,
        "q3_key_points": KEY_POINTS,
        "q5_scoring": json.dumps(RULES),
        "q6_expected_status": "SUCCESS",
    }


def _icl_row(row: dict[str, Any], shown: list[str]) -> dict[str, Any]:
    demonstrations = "".join(
        f"\n\nExample {number}: <image>\n{{answer}}" for number in range(1, DEMONSTRATIONS + 1)
    )
    query = "\n\nNow the query plot: " + "<image> " * len(row["image_ids"])

    def prompt(name: str) -> str:
        question = QUESTIONS[name].replace("<image>", "")
        return (
            str(row["experiment_background"])
            + demonstrations.format(answer=ANSWERS[name])
            + query
            + "\n"
            + question
        )

    return {
        "id": f"icl_{row['id']}",
        "source_id": row["id"],
        "experiment_type": row["experiment_type"],
        **{f"{name}_prompt": prompt(name) for name in ICL},
        **{f"{name}_answer": ANSWERS[name] for name in ICL},
        "image_ids": [*shown, *row["image_ids"]] * len(ICL),
    }


def _write(path: Path, rows: list[dict[str, Any]]) -> None:
    columns = {name: _kind(value) for name, value in rows[0].items()}
    features = {"info": {"features": {name: FEATURES[kind] for name, kind in columns.items()}}}
    schema = pa.schema(list(columns.items()), metadata={"huggingface": json.dumps(features)})
    pq.write_table(pa.Table.from_pylist(rows, schema=schema), path, row_group_size=100)


def _kind(value: Any) -> pa.DataType:  # noqa: ANN401  a cell: text, texts or images
    if isinstance(value, str):
        return TEXT
    return IMAGES if isinstance(value[0], dict) else TEXTS


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--samples", type=int, default=SAMPLES)
    parser.add_argument("--icl-rows", type=int, default=ICL_ROWS)
    parser.add_argument("--copies", type=int, default=1)
    arguments = parser.parse_args()
    make(arguments.folder, samples=arguments.samples, icl_rows=arguments.icl_rows, copies=arguments.copies)
