"""A tiny dataset in the layout of the Hub repository: 2 families x 2 scenarios x 2 samples, each with an ICL row."""

import io
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from qcal_plugin.dataset.layout import CONFIG_FILE, FEWSHOT_FILE, SAMPLES_FILE

SCENARIOS = {
    "rabi": {"rabi_success": "SUCCESS", "rabi_failure_damped": "DAMPED"},
    "drag": {"drag_success": "SUCCESS", "drag_failure_no_signal": "NO_SIGNAL"},
}
RULES = {"amplitude": {"type": "pct", "tol_full": 0.05, "tol_half": 0.15}, "visible": {"type": "bool"}}

TEXT, TEXTS = pa.string(), pa.list_(pa.string())
IMAGES = pa.list_(pa.struct([("bytes", pa.binary()), ("path", pa.string())]))
TYPES = {"images": IMAGES, "image_ids": TEXTS, "q1_key_points": TEXTS, "q3_key_points": TEXTS}


def png(number: int = 0, *, mode: str = "RGBA", size: tuple[int, int] = (8, 8)) -> bytes:
    """Return a PNG whose pixels depend on the number."""
    image = Image.new("RGBA", size, (number % 256, 255 - number % 256, 7, 200))
    image.putpixel((0, 0), (1, 2, 3, 255))
    file = io.BytesIO()
    image.convert(mode).save(file, "PNG")
    return file.getvalue()


@dataclass
class DatasetFactory:
    """Rows that a test may change before `write`; ``types`` overrides a column's Arrow type."""

    samples: list[dict[str, Any]]
    fewshot: list[dict[str, Any]]
    config: Any
    types: dict[str, pa.DataType] = field(default_factory=dict)

    def write(self, folder: Path) -> Path:
        folder.mkdir(parents=True, exist_ok=True)
        self._write_table(folder / SAMPLES_FILE, self.samples)
        self._write_table(folder / FEWSHOT_FILE, self.fewshot)
        (folder / CONFIG_FILE).write_text(json.dumps(self.config))
        return folder

    def drop(self, rows: list[dict[str, Any]], column: str) -> None:
        for row in rows:
            del row[column]

    def _write_table(self, path: Path, rows: list[dict[str, Any]]) -> None:
        types = TYPES | self.types
        schema = pa.schema([(column, types.get(column, TEXT)) for column in rows[0]])
        pq.write_table(pa.Table.from_pylist(rows, schema=schema), path)


def tiny_dataset() -> DatasetFactory:
    """Return eight samples, such as ``rabi_success_a``, with one image each, ``image-0`` to ``image-7`` (odd: RGB)."""
    names = [
        (family, scenario, status, letter)
        for family, scenarios in SCENARIOS.items()
        for scenario, status in scenarios.items()
        for letter in "ab"
    ]
    samples = [sample_row(number, *name) for number, name in enumerate(names)]
    return DatasetFactory(
        samples=samples,
        fewshot=[fewshot_row(row) for row in samples],
        config={
            family: {"q5_scoring": RULES, "q6_status_mapping": scenarios}
            for family, scenarios in SCENARIOS.items()
        },
    )


def large_dataset() -> DatasetFactory:
    """The tiny dataset with 40 more samples, ``rabi_success_c0`` and so on, enough for parts to be prepared."""
    dataset = tiny_dataset()
    more = [sample_row(8 + number, "rabi", "rabi_success", "SUCCESS", f"c{number}") for number in range(40)]
    dataset.samples += more
    dataset.fewshot += [fewshot_row(row) for row in more]
    return dataset


def sample_row(number: int, family: str, scenario: str, status: str, letter: str) -> dict[str, Any]:
    good = status == "SUCCESS"
    return {
        "id": f"{scenario}_{letter}",
        "experiment_type": scenario,
        "experiment_family": family,
        "images": [{"bytes": png(number, mode="RGB" if number % 2 else "RGBA"), "path": None}],
        "image_ids": [f"image-{number}"],
        "experiment_background": f"This is a {family} experiment.",
        **{f"q{n}_prompt": f"Question {n} about {family} {number}: <image> what?" for n in range(1, 7)},
        "q1_answer": '{"plot_type": "scatter", "x_axis": {"scale": "linear"}, "y_axis": {"scale": "linear"}}',
        "q2_answer": f"Classification: {'Expected behavior' if good else 'Anomalous behavior'}",
        "q3_answer": f"Significance of {family} {number}.",
        "q4_answer": f"Assessment: {'Reliable' if good else 'Unreliable'}",
        "q5_answer": json.dumps({"amplitude": 0.5 + number, "visible": good}),
        "q6_answer": f"Status: {status}",
        "q1_key_points": ["scatter plot", "linear axes", f"sample {number}"],
        "q3_key_points": ["significance", f"of {family}", f"number {number}"],
        "q5_scoring": json.dumps(RULES),
        "q6_expected_status": status,
    }


def fewshot_row(sample: dict[str, Any]) -> dict[str, Any]:
    """Return an ICL row whose prompts show ``image-0`` as a demonstration, then the sample's image."""
    own = sample["image_ids"][0]
    return {
        "id": f"icl_{sample['id']}",
        "source_id": sample["id"],
        "experiment_type": sample["experiment_type"],
        **{f"q{n}_prompt": f"Example {n}: <image> Answer: fine.\n\nNow: <image> what?" for n in (3, 5, 6)},
        **{f"q{n}_answer": sample[f"q{n}_answer"] for n in (3, 5, 6)},
        "image_ids": ["image-0", own] * 3,
    }


def demonstrating_dataset():
    """Return the tiny dataset with prompts that demonstrate other samples of the family, as the benchmark's do.

    Q5 shows the next sample of the family, Q6 the other three in the order of the file.
    """
    data = tiny_dataset()
    for number, (row, fewshot) in enumerate(zip(data.samples, data.fewshot, strict=True)):
        first = number - number % 4
        others = [data.samples[first + (number + step) % 4] for step in (1, 2, 3)]
        shown = {3: others[:1], 5: others[:1], 6: sorted(others, key=data.samples.index)}
        fewshot["image_ids"] = []
        for question, examples in shown.items():
            text = "\n\n".join(
                f"Example {place}: <image>\n{example[f'q{question}_answer']}"
                for place, example in enumerate(examples, 1)
            )
            fewshot[f"q{question}_prompt"] = (
                f"Background.\n\n{text}\n\nNow the query plot: <image>\nWhat is it?"
            )
            fewshot["image_ids"] += [*(example["image_ids"][0] for example in examples), row["image_ids"][0]]
    return data
