"""The main task on real samples: each item is asked once and scored by docs/protocol.md, with any number of workers."""

import base64
import hashlib
import io
import json
import re

import pyarrow.parquet as pq
import pytest
from PIL import Image

from qcal_plugin.dataset.layout import FEWSHOT_FILE, SAMPLES_FILE
from tests.endpoint import Reply
from tests.hub_stand_in import HubStandIn
from tests.inner_run import SAMPLE_FOLDER
from tests.scripts import by_model, judge_reply

GRADES = {"judge-a": (1.0, 0.5, 0.0), "judge-b": (1.0, 1.0, 1.0)}
ARRAY_FAMILY = "rydberg_spectroscopy"  # Q5 answered with an array: 0 by the protocol
NOTHING_TO_READ = "I see a plot."
WRONG = {
    2: "Classification: Something else",
    4: "Assessment: maybe",
    5: '{"unasked": 1}',
    6: "Status: FAILED_SOMEHOW",
}


class ScriptedModel:
    """Answers a third of the items with the reference answer, a third wrongly, a third with nothing to read.

    ``expected`` holds each item's score by docs/protocol.md#scoring, worked out here and not by the scorer.
    """

    def __init__(self, folder):
        samples = {row["id"]: row for row in pq.read_table(folder / SAMPLES_FILE).to_pylist()}
        self.answers, self.expected, self._image_ids = {}, {}, {}
        self._ids_by_pixels = {
            pixels(image["bytes"]): image_id
            for row in samples.values()
            for image_id, image in zip(row["image_ids"], row["images"], strict=True)
        }
        for number, row in enumerate(samples.values()):
            for n in range(1, 7):
                self._script(row, n, "zeroshot", row[f"q{n}_prompt"], number + n)
        for number, icl_row in enumerate(pq.read_table(folder / FEWSHOT_FILE).to_pylist()):
            for n in (3, 5, 6):
                last_text = re.split("<image>", icl_row[f"q{n}_prompt"])[-1].strip()
                self._script(samples[icl_row["source_id"]], n, "icl", last_text, number + n)

    def __call__(self, request):
        texts = [part for part in request.prompt if not part.startswith("sha256:")]
        mode = "zeroshot" if len(texts) == 1 else "icl"
        return Reply(self.answers[texts[-1], self._last_image(request), mode])

    def _script(self, row, n, mode, last_text, choice):
        answer, value = self._answer_and_value(row, n, choice % 3)
        self.answers[last_text, row["image_ids"][-1], mode] = f"{answer}\n({mode})" if n == 3 else answer
        self.expected[row["id"], f"Q{n}", mode] = value

    def _answer_and_value(self, row, n, choice):
        reference = row[f"q{n}_answer"]
        if n == 3:
            return reference, mean_grade(row["q3_key_points"])
        grade = 0.5 * mean_grade(row["q1_key_points"]) if n == 1 else 0.0
        if choice != 0:
            declined = share_without_value(row) if n == 5 else 0.0
            return (NOTHING_TO_READ if choice == 1 else WRONG.get(n, NOTHING_TO_READ)), grade + declined
        if n == 5 and row["experiment_family"] == ARRAY_FAMILY:
            return reference, 0.0
        return reference, 0.5 * share_of_named_fields(row) + grade if n == 1 else 1.0

    def _last_image(self, request):
        sha256 = request.images[-1]
        if sha256 not in self._image_ids:
            url = [part for part in request.body["messages"][0]["content"] if part["type"] == "image_url"][-1]
            sent = base64.b64decode(url["image_url"]["url"].partition(",")[2])
            assert Image.open(io.BytesIO(sent)).mode == "RGBA"
            self._image_ids[sha256] = self._ids_by_pixels[pixels(sent)]
        return self._image_ids[sha256]


def pixels(png):
    image = Image.open(io.BytesIO(png)).convert("RGBA")
    return hashlib.sha256(repr(image.size).encode() + image.tobytes()).hexdigest()


def share_of_named_fields(row):
    """A field of Q1 that the reference lacks never matches, not even the reference itself."""
    images = reference_json(row["q1_answer"])
    images = images if isinstance(images, list) else [images]
    fields = [
        value
        for image in images
        for value in (
            image.get("plot_type"),
            *((image.get(axis) or {}).get("scale") for axis in ("x_axis", "y_axis")),
        )
    ]
    return sum(value is not None for value in fields) / len(fields)


def share_without_value(row):
    """An answer without a field counts as null there, which is right if the reference has no value either."""
    reference = reference_json(row["q5_answer"])
    if not isinstance(reference, dict):
        return 0.0
    scored = [reference[name] for name in json.loads(row["q5_scoring"]) if name in reference]
    return sum(value in {None, "Unreliable"} for value in scored if not isinstance(value, list)) / len(scored)


def reference_json(answer):
    """Some reference answers are in a fenced block."""
    return json.loads(answer.removeprefix("```json").removesuffix("```"))


def mean_grade(key_points):
    """The mean over both judges; a missing grade is 0 (docs/protocol.md#the-judge)."""
    padded = [(*grades, 0.0, 0.0)[: len(key_points)] for grades in GRADES.values()]
    return sum(sum(grades) / len(key_points) for grades in padded) / len(padded)


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    """The environment of processes that find the real samples on a Hub, and the commit there."""
    if not SAMPLE_FOLDER.is_dir():
        pytest.skip("the sibling folder shared/qcaleval-sample is absent")
    with HubStandIn() as hub:
        commit = hub.publish("nvidia/QCalEval", SAMPLE_FOLDER)
        yield hub.environment(tmp_path_factory.mktemp("hub-home")), commit


@pytest.fixture(scope="module")
def first_records():
    """Where the first of the sessions below leaves its records, for the other to be compared with."""
    return []


@pytest.mark.parametrize("options", [(), ("-n4",)], ids=["plain", "n4"])
def test_real_samples_from_the_hub_are_asked_once_and_scored_by_the_protocol(
    published, first_records, inner, endpoint, sample_folder, options
):
    environment, commit = published
    inner.environment |= environment
    model = ScriptedModel(sample_folder)
    endpoint.models = ("my-vlm", *GRADES)
    judges = {name: (lambda _, grades=grades: judge_reply(grades)) for name, grades in GRADES.items()}
    endpoint.script = by_model({"my-vlm": model, **judges})

    judge_options = ["--judge-url", endpoint.base_url, "--judge-model", "judge-a", "--judge-model", "judge-b"]
    result = inner.run("--model-url", endpoint.base_url, "--model", "my-vlm", *judge_options, *options)

    assert 0 == result.exit_status, result.out
    assert model.expected == pytest.approx(result.values(), abs=1e-12)
    assert [] == endpoint.asked_twice()
    judged = sum(question in {"Q1", "Q3"} for _, question, _ in model.expected)
    assert len(model.expected) + 2 * judged == len(endpoint.requests)
    assert "nvidia/QCalEval" == result.manifest["dataset"]
    assert result.manifest["dataset_revision"].startswith(
        f"{commit}+"
    )  # then the digest of what was prepared
    assert (first_records or result.comparable_records()) == result.comparable_records()
    first_records[:] = result.comparable_records()
