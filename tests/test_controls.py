"""Does the model look at the plot? The same items with a blank picture, another family's plot, a sibling's plot."""

import base64
import io

import pytest
from PIL import Image

from qcal_plugin.dataset.prepare import prepare
from qcal_plugin.studies.controls import (
    Control,
    can_be_controlled,
    controlled_case,
    stand_in_for,
    stand_in_score,
)
from reports.records.records import ItemKey
from scoring.dispatch import Scorer
from scoring.questions import Mode, Question
from tests.dataset_factory import fewshot_row, png, tiny_dataset
from tests.endpoint import Reply
from tests.scripts import always

pytest_plugins = ["pytester"]

SUCCESS, DAMPED = "Status: SUCCESS", "Status: DAMPED"


def picture(request):
    """The last picture of a request, decoded."""
    url = [part for part in request.body["messages"][0]["content"] if part["type"] == "image_url"][-1]
    return Image.open(io.BytesIO(base64.b64decode(url["image_url"]["url"].partition(",")[2])))


def options(endpoint, folder, *more):
    return [
        "--model-url",
        endpoint.base_url,
        "--dataset",
        str(folder),
        "--questions",
        "Q6",
        "--modes",
        "zeroshot",
        *more,
    ]


def test_a_model_that_looks_gains_from_the_plot_and_one_that_does_not_gains_nothing(
    quick, endpoint, tiny_folder
):
    """The tiny dataset's plots are not white: this model says SUCCESS if it sees one and is half right."""
    endpoint.script = lambda request: Reply(
        DAMPED if picture(request).getextrema()[0] == (255, 255) else SUCCESS
    )
    looking = quick.run(*options(endpoint, tiny_folder, "--control", "blank"), run_dir="looking")
    endpoint.script = always(Reply(SUCCESS))
    blind = quick.run(*options(endpoint, tiny_folder, "--control", "blank"), run_dir="blind")

    assert "Visual gain over a blank picture, zero-shot" in looking.out
    gained = next(line for line in looking.out.splitlines() if line.startswith("Q6 ") and "+" in line)
    assert ["Q6", "diagnosis", "25.0", "50.0", "+25.0"] == gained.split()[:5]
    (gain, _) = (entry for entry in looking.report["controls"] if entry["group"] in {"Q6", "Mean"})
    assert (0.25, 0.5, 0.25) == (gain["control_mean"], gain["mean"], gain["gain"])
    page = (looking.run_dir / "report.html").read_text()
    chart = page.partition("Gain over a blank picture, zero-shot")[2].partition("</figure>")[0]
    assert "<b>+25.0</b>" in chart
    assert "8; 6 of 8 moved" in chart
    nothing = next(line for line in blind.out.splitlines() if line.startswith("Q6 ") and "+0.0" in line)
    assert ["Q6", "diagnosis", "50.0", "50.0", "+0.0"] == nothing.split()[:5]


def test_the_control_changes_the_picture_and_nothing_else(quick, endpoint, tiny_folder):
    result = quick.run(*options(endpoint, tiny_folder, "--control", "blank,shuffled,sibling"))

    assert 8 * 4 == len(result.records) == len(endpoint.requests)
    by_variant = {}
    for record in result.records:
        by_variant.setdefault(record.get("variant", ""), {})[record["sample_id"]] = record["request_sha256"]
    assert {"", "blank", "shuffled", "sibling"} == set(by_variant)
    for sample in by_variant[""]:
        assert 4 == len({requests[sample] for requests in by_variant.values()})
    texts = {request.text for request in endpoint.requests}
    assert 8 == len(texts)
    sizes = {picture(request).size for request in endpoint.requests}
    assert {(8, 8)} == sizes
    assert {"RGBA"} == {picture(request).mode for request in endpoint.requests}


def test_demonstrations_keep_their_pictures(quick, endpoint, tiny_folder):
    """An ICL prompt of the tiny dataset shows image-0, then the sample's own."""
    given = options(endpoint, tiny_folder, "--control", "blank", "-k", "rabi_success_b")
    given[given.index("zeroshot")] = "icl"
    quick.run(*given)

    plain, blank = (request.images for request in endpoint.requests)
    assert plain[0] == blank[0]
    assert plain[1] != blank[1]


def test_controls_have_separate_node_ids_and_records(quick, endpoint, tiny_folder):
    result = quick.run(*options(endpoint, tiny_folder, "--control", "sibling", "--limit", "1", "-v"))

    assert "test_zeroshot[rabi-rabi_success_a-Q6-sibling] " in result.out


@pytest.mark.parametrize("text", ["upside-down", "blank,nothing", ","])
def test_an_unknown_control_is_one_line(quick, endpoint, tiny_folder, text):
    result = quick.run(*options(endpoint, tiny_folder, "--control", text))

    assert 4 == result.exit_status
    assert "choose from blank, shuffled, sibling" in result.out
    assert [] == endpoint.requests


def with_pictures(data, index, numbers):
    data.samples[index]["images"] = [{"bytes": png(number), "path": None} for number in numbers]
    data.samples[index]["image_ids"] = [f"image-{number}" for number in numbers]


@pytest.mark.parametrize(
    ("own", "others", "shown"),
    [
        ((100, 101), (200, 201), (200, 201)),
        ((100, 101, 102), (200, 201), (200, 201, 200)),
        ((100,), (200, 201), (200,)),
    ],
)
def test_several_pictures_give_way_to_the_other_samples_in_turn(tmp_path, own, others, shown):
    data = tiny_dataset()
    data.samples, data.fewshot = [data.samples[0], data.samples[2]], data.fewshot[:0]
    with_pictures(data, 0, own)
    with_pictures(data, 1, others)
    data.fewshot = [fewshot_row(data.samples[0])]
    dataset = prepare(str(data.write(tmp_path / "data")), cache=tmp_path / "cache")
    key = ItemKey("rabi_success_a", Question.Q6, Mode.ZEROSHOT, variant=Control.SIBLING)

    *images, text = controlled_case(dataset, key).prompt
    assert [dataset.images[f"image-{number}"] for number in shown] == images
    assert text == dataset.case(key._replace(variant="")).prompt[-1]


def test_a_sample_without_a_picture_has_no_control(tmp_path):
    data = tiny_dataset()
    data.samples[0]["images"] = None
    for number in (2, 3):
        data.samples[number]["images"] = None
    dataset = prepare(str(data.write(tmp_path / "data")), cache=tmp_path / "cache")
    blind, seeing = dataset.samples[0], dataset.samples[1]
    assert not any(can_be_controlled(blind, dataset.samples, control) for control in Control)
    assert not can_be_controlled(seeing, dataset.samples, Control.SIBLING)  # all of its siblings are without
    shuffled = ItemKey(seeing.sample_id, Question.Q1, Mode.ZEROSHOT, variant=Control.SHUFFLED)
    assert stand_in_for(dataset, shuffled).family == "drag"


def test_the_plot_shown_has_another_right_answer_if_there_is_one_and_the_ceiling_is_printed(
    quick, endpoint, tmp_path
):
    """Both scenario types of rabi are reliable: there, a perfect reader gains nothing in Q4 over a sibling."""
    data = tiny_dataset()
    for row in data.samples[:4]:
        row["q4_answer"] = "Assessment: Reliable"
    folder = data.write(tmp_path / "data")

    def read(request):
        seen = data.samples[picture(request).convert("RGB").getpixel((1, 1))[0]]
        return Reply(seen["q4_answer" if "Question 4" in request.text else "q6_answer"])

    endpoint.script = read
    given = options(endpoint, folder, "--control", "shuffled,sibling", "--no-html")
    given[given.index("Q6")] = "Q4,Q6"
    result = quick.run(*given)

    assert 0 == result.exit_status, result.out
    rows = {(row["variant"], row["group"]): row for row in result.report["controls"]}
    ceilings = {
        variant: [rows[variant, group]["ceiling"] for group in ("Q4", "Q6", "rabi", "drag")]
        for variant in ("shuffled", "sibling")
    }
    assert {"shuffled": [0.75, 1.0, 1.0, 0.75], "sibling": [0.5, 1.0, 0.5, 1.0]} == ceilings
    assert all((row["ceiling"], 1.0) == (row["gain"], row["share"]) for row in rows.values())
    headings = [line for line in result.out.splitlines() if line.startswith("Visual gain")]
    assert ["Visual gain, zero-shot", "Visual gain over another family's plot, zero-shot"] == headings[:2]
    assert "always right about the plot shown: +87.5 over shuffled, +75.0 over sibling" in " ".join(
        result.out.split()
    )


def test_without_another_right_answer_the_first_sample_is_shown_and_nothing_can_be_gained(tmp_path):
    data = tiny_dataset()
    for row in data.samples:
        row["q4_answer"] = "Assessment: Reliable"
    dataset = prepare(str(data.write(tmp_path / "data")), cache=tmp_path / "cache")
    key = ItemKey("rabi_success_a", Question.Q4, Mode.ZEROSHOT, variant=Control.SIBLING)
    assert stand_in_for(dataset, key) == stand_in_for(dataset, key._replace(question=Question.Q1))
    assert 1.0 == stand_in_score(dataset, key, Scorer.COMPATIBLE)
    assert 0.0 == stand_in_score(dataset, key._replace(question=Question.Q6), Scorer.STRICT)
    assert stand_in_score(dataset, key._replace(question=Question.Q1), Scorer.COMPATIBLE) is None
    assert stand_in_score(dataset, key._replace(variant=Control.BLANK), Scorer.COMPATIBLE) is None
