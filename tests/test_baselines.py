"""Baselines as models (nearest plot, last demonstration), with records, controls and gates like any model."""

import base64
import io

import httpx
import numpy as np
import pytest
from PIL import Image

from qcal_plugin.demo.blind_baseline import OPTIMISM
from qcal_plugin.demo.content import Picture, Shown, demonstrated, read_content, shown
from qcal_plugin.demo.copying_baseline import copied_answer
from qcal_plugin.demo.embedded import baseline_server
from qcal_plugin.demo.nearest_plot import NearestPlot, distance
from qcal_plugin.demo.picture_features import picture_features
from qcal_plugin.demo.plot_memory import RememberedPlot, memory_settings
from reports.records.floors import Floor
from scoring.questions import Question
from tests.dataset_factory import demonstrating_dataset

pytest_plugins = ["pytester"]

DRAG = "synthetic:seed=7,per-scenario=3,families=drag"


def drawn(*strokes, size=(160, 120), paper="white"):
    """A picture with black rectangles at these places, in shares of its size."""
    image = Image.new("RGB", size, paper)
    for left, top, right, bottom in strokes:
        place = (int(left * size[0]), int(top * size[1]), int(right * size[0]), int(bottom * size[1]))
        image.paste("black", place)
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


FLAT, STEEP = drawn((0.1, 0.45, 0.9, 0.5)), drawn((0.45, 0.1, 0.5, 0.9))
FLATTISH, STEEPISH = drawn((0.1, 0.5, 0.9, 0.55)), drawn((0.5, 0.1, 0.55, 0.9))


def url(content):
    return f"data:image/png;base64,{base64.b64encode(content).decode()}"


def picture(content):
    return Picture(url(content))


# --- what a message holds ---


def test_a_message_is_texts_and_pictures_in_order():
    content = [{"type": "text", "text": "a"}, {"type": "image_url", "image_url": {"url": url(FLAT)}}]
    text, seen = read_content(content)
    assert ("a", FLAT) == (text, seen.content())
    assert ("plain",) == read_content("plain")


@pytest.mark.parametrize("bad", ["no url", "data:image/png;base64,!!!"])
def test_an_unreadable_picture_is_reported(bad):
    nearest = NearestPlot(PLOTS)
    with pytest.raises(ValueError, match="a picture"):
        nearest(["Q?", Picture(bad)])


def test_pictures_belong_to_the_text_after_them():
    one, two = picture(FLAT), picture(STEEP)
    assert [Shown((one, two), "first\nmore"), Shown((one,), "last")] == shown(
        ["before", one, two, "first", "more", one, "last"]
    )
    assert [Shown((one,), "")] == shown([one])
    assert [] == shown(["text"])


def test_headings_after_an_answer_are_not_part_of_it():
    assert "Status: STABLE\nNotes: fine" == demonstrated("\nStatus: STABLE\nNotes: fine\n\nExample 2:\n")
    assert '{"a": 1}' == demonstrated('{"a": 1}\n\nNow the query plot:')
    assert "" == demonstrated("Example 1:")


# --- copying ---


def test_copying_repeats_the_last_demonstration():
    parts = [
        "Background.",
        picture(FLAT),
        "Status: DAMPED\n\nNow:",
        picture(STEEP),
        "Which of SUCCESS, DAMPED?",
    ]
    assert "Status: DAMPED" == copied_answer(parts)


def test_copying_without_demonstrations_answers_blindly():
    assert OPTIMISM == copied_answer([picture(FLAT), "What follows?"])
    assert OPTIMISM == copied_answer(["What follows?"])


def test_copying_as_a_model_scores_what_the_floor_says(quick, tmp_path):
    folder = demonstrating_dataset().write(tmp_path / "data")
    result = quick.run(
        "--baseline", "copy", "--dataset", str(folder), "--modes", "icl", "--questions", "Q5,Q6"
    )
    assert 0 == result.exit_status, result.out
    assert 16 == len(result.records)
    for record in result.records:
        assert record["floors"][Floor.COPY_LAST] == record["score"]["value"]
    assert ["model: copying baseline, repeats the last demonstration and sees no image"] == result.manifest[
        "stand_ins"
    ]
    assert "[stand-ins: model: copying baseline" in " ".join(result.out.split())
    assert "embedded" == result.manifest["base_url"]


# --- features ---


def test_a_blank_picture_is_the_same_at_any_size_and_in_any_colour():
    blanks = [drawn(size=size, paper=paper) for size in ((20, 10), (640, 480)) for paper in ("white", "pink")]
    first, *others = map(picture_features, blanks)
    assert not first.any()
    assert all(np.array_equal(first, other) for other in others)


def test_similar_pictures_are_near_each_other_and_finite():
    flat, steep, flattish = (picture_features(content) for content in (FLAT, STEEP, FLATTISH))
    assert distance([flat], [flattish]) < distance([flat], [steep]) < (False, 3.0)
    assert np.isfinite(picture_features(drawn((0, 0, 1, 1), size=(1, 1)))).all()


def test_plots_with_as_many_pictures_come_first():
    flat, steep = picture_features(FLAT), picture_features(STEEP)
    assert distance([flat], [steep]) < distance([flat], [flat, flat])


# --- the nearest plot ---


def plot(family, content, **answers):
    prompts = dict.fromkeys(Question, f"This is about {family} frequencies.")
    return RememberedPlot(
        family=family,
        pictures=(picture_features(content),),
        prompts=prompts,
        answers={Question.Q6: "Status: STABLE", **{Question(name): text for name, text in answers.items()}},
    )


PLOTS = [
    plot(
        "rabi",
        FLAT,
        Q3="flat rabi",
        Q6="Status: NO_SIGNAL",
        Q1='[{"plot_type": "line"}, {"plot_type": "image"}]',
    ),
    plot("rabi", STEEP, Q3="steep rabi", Q6="Status: SUCCESS", Q1='{"plot_type": "scatter"}'),
    plot("drag", FLAT, Q3="flat drag", Q6="Status: DAMPED", Q1='{"plot_type": "heatmap"}'),
]


def test_the_most_similar_plot_of_the_family_named_answers():
    nearest = NearestPlot(PLOTS)
    assert "steep rabi" == nearest([picture(STEEPISH), "This is about rabi frequencies. What follows?"])
    assert "flat drag" == nearest([picture(STEEPISH), "This is about drag frequencies. What follows?"])


def test_a_status_that_the_prompt_does_not_offer_is_not_answered():
    asked = "This is about rabi frequencies.\n\nDECISION CRITERIA\n- SUCCESS: good\n- DAMPED: bad"
    assert "Status: SUCCESS" == NearestPlot(PLOTS)([picture(FLAT), asked])


def test_q1_is_answered_for_as_many_pictures_as_there_are():
    asked = 'Describe the plot.\n\nFields of each object:\n{"plot_type": "line" | "scatter"}'
    assert '{"plot_type": "line"}' == NearestPlot(PLOTS)([picture(FLATTISH), asked])


def test_demonstrations_are_what_it_compares_with_if_there_are_any():
    parts = ["Examples:", picture(STEEP), "steep one\n\nExample 2:", picture(FLAT), "flat one\n\nNow:"]
    nearest = NearestPlot(PLOTS)
    assert "steep one" == nearest([*parts, picture(STEEPISH), "What follows?"])
    assert "flat one" == nearest([*parts, picture(FLATTISH), "What follows?"])


def test_a_message_without_a_picture_has_an_answer_too():
    assert NearestPlot(PLOTS)(["What follows?"]) in {each.answers[Question.Q3] for each in PLOTS}


def test_its_server_refuses_an_unreadable_picture():
    content = [{"type": "image_url", "image_url": {"url": url(b"no picture")}}, {"type": "text", "text": "?"}]
    body = {"model": "nearest-baseline", "messages": [{"role": "user", "content": content}]}
    with baseline_server("nearest-baseline", NearestPlot(PLOTS)) as server:
        assert 400 == httpx.post(f"{server.base_url}/chat/completions", json=body).status_code


# --- runs of the nearest plot ---


@pytest.fixture
def looking(quick):
    """Sessions about plots of one family; the first draws them, and those that are remembered."""

    def run(*options, **others):
        return quick.run("--baseline", "nearest", "--dataset", DRAG, *options, **others)

    return run


def test_remembered_samples_are_never_those_of_the_dataset(monkeypatch, prepared_cache, looking):
    from qcal_plugin.dataset.prepare import prepare

    monkeypatch.setenv("QCAL_CACHE_DIR", str(prepared_cache))
    dataset = prepare(DRAG)
    assert "synthetic:seed=1001,per-scenario=2,families=drag" == str(memory_settings(dataset))


def test_its_gain_is_real_and_vanishes_with_the_picture(looking):
    """A test of the whole instrument: no picture-blind way to a score may lead through a blank picture."""
    result = looking("--control", "blank", "--questions", "Q2,Q4,Q6", "--floors")
    assert 0 == result.exit_status, result.out
    rows = {entry["group"]: entry for entry in result.report["controls"] if entry["mode"] == "zeroshot"}
    assert rows["Mean"]["interval"]["low"] > 0
    assert rows["Mean"]["floor"]["above"]["mean"] > 0.1
    answers = {}
    for record in result.records:
        if record.get("variant") == "blank" and record["mode"] == "zeroshot":
            answers.setdefault(record["question"], set()).add(record["answer"])
    assert {"Q2": 1, "Q4": 1, "Q6": 1} == {question: len(texts) for question, texts in answers.items()}
    for row in (row for group, row in rows.items() if group in {"Q2", "Q4", "Q6"}):
        assert row["control_mean"] <= row["floor"]["floor"]
    blank = [
        entry
        for entry in result.report["means"]
        if (entry["variant"], entry["mode"]) == ("blank", "zeroshot")
    ]
    assert blank[0]["floor"]["above"]["mean"] <= 0
    assert {"stand-ins took part"} <= set(result.report["not_comparable_because"])


def test_it_works_with_workers_gates_and_resuming(looking, tmp_path, workers):
    gates = tmp_path / "gates.toml"
    gates.write_text('[[gate]]\nmetric = "zeroshot.Q6"\nmin = 40\nmode = "point"\n')
    asked = ["--questions", "Q6", "--modes", "zeroshot"]
    part = looking(*asked, *workers, "--budget-requests", "5", "--no-html")
    assert len(part.records) < 15
    whole = looking(*asked, *workers, "--resume", "--no-html", "--gate", str(gates))
    assert (0, "PASS") == (whole.exit_status, whole.report["gates"]["verdict"]), whole.out
    assert 15 == len({record["sample_id"] for record in whole.records if record["status"] == "scored"})
    again = looking(*asked, *workers, "--lf", "--no-html")
    assert 15 == len(again.records)
    assert "stand-ins: model: nearest-plot baseline" in " ".join(again.out.split())


@pytest.mark.parametrize(
    ("options", "mistake"),
    [
        (["--baseline", "nearest", "--model-url", "http://localhost:1/v1"], "give one of them"),
        (["--baseline", "blind", "--model", "x"], "--model goes with --model-url, not with --baseline"),
        (["--baseline", "clever"], "invalid choice: 'clever'"),
    ],
)
def test_mistakes_are_reported(quick, options, mistake):
    assert mistake in quick.run(*options).out


def test_the_demo_takes_another_baseline(quick, tmp_path):
    folder = demonstrating_dataset().write(tmp_path / "data")
    result = quick.run("--demo", "--baseline", "copy", "--dataset", str(folder), "--limit", "1", "--no-html")
    assert [
        "model: copying baseline, repeats the last demonstration and sees no image",
        "judge: lexical overlap",
    ] == (result.manifest["stand_ins"])
    assert "copy-baseline" == result.manifest["model"]
