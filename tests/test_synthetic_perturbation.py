"""Harmless changes of the looks of synthetic plots: only the drawing and the answer to Q1 differ."""

import io
import json
import re
from dataclasses import replace

import numpy as np
import pyarrow.parquet as pq
import pytest
from matplotlib.collections import LineCollection, QuadMesh
from PIL import Image

from scoring.questions import Question
from synthetic.dataset import FEWSHOT_FILE, TEST_FILE, generate
from synthetic.drawing.heatmap import OVERLAY_INKS, map_colours
from synthetic.drawing.perturbation import Perturbation
from synthetic.drawing.restyle import perturbed
from synthetic.drawing.style import COLORMAPS, Style, style_from
from synthetic.families import family_names, load_family
from synthetic.sample import SampleKey, make_sample
from synthetic.settings import SettingsError, parse_dataset_name

MAPS = (
    "coupler_flux",
    "qubit_flux_spectroscopy",
    "qubit_spectroscopy_power_frequency",
    "ramsey_charge_tomography",
)
SCENARIOS = [
    (family, scenario.name) for family in family_names() for scenario in load_family(family).scenarios
]
ON_MAPS = [(family, scenario) for family, scenario in SCENARIOS if family in MAPS]
SUCCESS = SampleKey(
    seed=3, family="qubit_flux_spectroscopy", scenario="qubit_flux_spectroscopy_success", index=0
)
DIRECTIONS = r"horizontal|vertical|above|below|upper|upwards|downwards|sideways|bottom|columns?|rows?"


@pytest.fixture
def figures(monkeypatch):
    """The figures that are drawn, in the place of images."""
    drawn = []
    monkeypatch.setattr("synthetic.drawing.style.rendered", lambda figure, **_: drawn.append(figure) or b"")
    return drawn


def key(family, scenario, perturb=None):
    return SampleKey(seed=0, family=family, scenario=scenario, index=0, perturb=perturb)


def image(sample, number=0):
    return Image.open(io.BytesIO(sample.images[number]))


def described(sample):
    return sample.answers[Question.Q1], sample.q1_key_points


def without_description(sample):
    answers = {question: answer for question, answer in sample.answers.items() if question is not Question.Q1}
    return replace(sample, key=replace(sample.key, perturb=None), answers=answers, q1_key_points=())


def style(seed):
    return style_from(np.random.default_rng(seed))


def changed(seed, perturbation):
    return perturbed(style(seed), perturbation, np.random.default_rng(seed))


@pytest.mark.parametrize(
    ("family", "scenario"), [*ON_MAPS, *{family: (family, name) for family, name in SCENARIOS}.values()]
)
def test_all_but_the_drawing_stays(family, scenario, figures):
    """All maps, and one scenario type of each family.

    Compression is not visible, because nothing is rendered.
    """
    plain = make_sample(key(family, scenario))
    for perturbation in (
        Perturbation.COLORMAP,
        Perturbation.DPI,
        *[Perturbation.AXIS_ORDER] * (family in MAPS),
    ):
        other = make_sample(key(family, scenario, perturbation))
        assert plain.key.sample_id == other.key.sample_id
        assert without_description(plain) == without_description(other)
        if perturbation is Perturbation.DPI:
            assert described(plain) == described(other)


def test_the_same_change_gives_the_same_bytes_and_an_unperturbed_sample_is_left_alone():
    plain = make_sample(SUCCESS)
    recoloured = make_sample(replace(SUCCESS, perturb=Perturbation.COLORMAP))
    assert plain == make_sample(SUCCESS)
    assert recoloured == make_sample(replace(SUCCESS, perturb=Perturbation.COLORMAP))
    assert plain.images != recoloured.images


# --- colours ------------------------------------------------------------------------------------------------


def test_no_ink_of_a_style_is_used_again():
    for seed in range(300):
        before, after = style(seed), changed(seed, Perturbation.COLORMAP)
        inks = {after.data, after.second, after.fit}
        assert 3 == len(inks)
        assert inks.isdisjoint({before.data, before.second, before.fit})


@pytest.mark.parametrize("usual", [*COLORMAPS, "Greens_r"])
def test_a_recoloured_map_has_another_colour_map_and_no_ink_in_its_place(usual):
    assert (usual, OVERLAY_INKS[usual]) == map_colours(style(0), usual)
    colormaps = set()
    for seed in range(20):
        colormap, inks = map_colours(changed(seed, Perturbation.COLORMAP), usual)
        colormaps.add(colormap)
        assert OVERLAY_INKS[colormap] == inks
        assert all(ink != before for ink, before in zip(inks, OVERLAY_INKS[usual], strict=True))
    assert usual not in colormaps
    assert len(colormaps) > 1


def test_key_points_name_the_new_colours():
    for seed in range(5):
        first = replace(key("t1", "t1_success"), seed=seed)
        plain, other = make_sample(first), make_sample(replace(first, perturb=Perturbation.COLORMAP))
        (before, after) = (
            re.search(r"shown as ([a-z ]+) \w+ against", s.q1_key_points[0])[1] for s in (plain, other)
        )
        assert before != after
        assert after in json.loads(other.answers[Question.Q1])["main_features"]


def test_marks_on_a_camera_image_are_not_white_any_more():
    good = key("mot_loading", "mot_loading_good", Perturbation.COLORMAP)
    points = make_sample(good).q1_key_points
    assert not any("white" in point.lower() for point in points)
    assert any(re.search("(Magenta|Cyan|Orange) ellipses", point) for point in points)


# --- resolution and compression -----------------------------------------------------------------------------


def test_another_resolution_scales_the_whole_picture():
    factors = set()
    for seed in range(5):
        usual = replace(key("t1", "t1_success"), seed=seed)
        before, after = (
            image(make_sample(usual)),
            image(make_sample(replace(usual, perturb=Perturbation.DPI))),
        )
        factor = round(after.width / before.width, 1)
        factors.add(factor)
        assert before.height * factor == pytest.approx(after.height, abs=1)
    assert {0.7, 1.6} == factors


def test_compression_leaves_its_traces_and_is_sent_as_png():
    plain, other = (image(make_sample(replace(SUCCESS, perturb=p))) for p in (None, Perturbation.JPEG))
    assert ("PNG", "RGBA", {}, plain.size) == (other.format, other.mode, other.info, other.size)
    difference = np.abs(np.asarray(plain, dtype=int) - np.asarray(other, dtype=int))
    assert 0.5 < difference.mean() < 20.0
    assert 0 == difference[..., 3].max()


# --- order of axes ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("family", "scenario"), ON_MAPS)
def test_everything_on_a_map_changes_its_place(family, scenario, figures):
    answers = [
        make_sample(key(family, scenario, p)).answers[Question.Q1] for p in (None, Perturbation.AXIS_ORDER)
    ]
    for plain, other in zip(*map(each_image, answers), strict=True):
        assert (plain["x_axis"], plain["y_axis"]) == (other["y_axis"], other["x_axis"])
        assert plain["main_features"] == other["main_features"]
    half = len(figures) // 2
    for before, after in zip(figures[:half], figures[half:], strict=True):
        _assert_axes_exchanged(before, after)


def each_image(answer):
    described = json.loads(answer)
    return described if isinstance(described, list) else [described]


def _assert_axes_exchanged(before, after):
    for first, second in zip(before.axes, after.axes, strict=True):
        if first.get_label() == "<colorbar>":
            assert first.get_ylabel() == second.get_ylabel()
            continue
        assert (first.get_xlim(), first.get_ylim()) == (second.get_ylim(), second.get_xlim())
        assert (first.get_xlabel(), first.get_ylabel()) == (second.get_ylabel(), second.get_xlabel())
        assert first.get_title() == second.get_title()
        assert len(first.get_children()) == len(second.get_children())
        assert 0 == len(first.texts) == len(first.patches)  # which this test could not follow
        for line, turned in zip(first.lines, second.lines, strict=True):
            np.testing.assert_array_equal(
                np.array(line.get_data(), float), np.array(turned.get_data()[::-1], float)
            )
        for one, turned in zip(first.collections, second.collections, strict=True):
            _assert_exchanged(one, turned)


def _assert_exchanged(before, after):
    if isinstance(before, QuadMesh):
        np.testing.assert_array_equal(before.get_array().T, after.get_array())
        np.testing.assert_array_equal(
            before.get_coordinates().transpose(1, 0, 2)[..., ::-1], after.get_coordinates()
        )
        return
    assert isinstance(before, LineCollection)
    for bar, turned in zip(before.get_segments(), after.get_segments(), strict=True):
        np.testing.assert_array_equal(bar[:, ::-1], turned)


@pytest.mark.parametrize("family", sorted(set(family_names()) - set(MAPS)))
def test_other_plots_keep_the_order_that_everybody_reads(family):
    scenario = load_family(family).scenarios[0].name
    assert (
        make_sample(key(family, scenario)).images
        == make_sample(key(family, scenario, Perturbation.AXIS_ORDER)).images
    )


@pytest.mark.parametrize(("family", "scenario"), ON_MAPS)
def test_nothing_said_about_a_map_depends_on_the_order_of_its_axes(family, scenario, figures):
    sample = make_sample(key(family, scenario))
    texts = [*sample.prompts.values(), *sample.answers.values(), sample.background]
    assert [] == [
        word for text in texts for word in re.findall(rf"\b(?:{DIRECTIONS})\b", text, re.IGNORECASE)
    ]


# --- the dataset --------------------------------------------------------------------------------------------


def test_a_perturbed_data_set_asks_the_same_about_other_pictures(tmp_path):
    for name, perturb in (("plain", None), ("jpeg", "jpeg")):
        generate(tmp_path / name, seed=3, per_scenario=2, families=["t1"], perturb=perturb)
    for file, of_images in ((TEST_FILE, ("images", "image_ids")), (FEWSHOT_FILE, ("image_ids",))):
        plain, other = (pq.read_table(tmp_path / name / file) for name in ("plain", "jpeg"))
        assert plain.drop_columns(of_images) == other.drop_columns(of_images)
        assert plain["image_ids"] != other["image_ids"]
    assert "perturb=jpeg`" in (tmp_path / "jpeg" / "README.md").read_text(encoding="utf-8")


def test_the_name_of_a_data_set_says_how_it_is_drawn():
    name = "synthetic:seed=7,per-scenario=3,families=drag,perturb=axis-order"
    assert name == str(parse_dataset_name("synthetic:perturb=axis-order,families=drag"))
    assert "synthetic:seed=7,per-scenario=3" == str(parse_dataset_name("synthetic"))
    with pytest.raises(
        SettingsError, match="perturb=blur: unknown; there are colormap, dpi, jpeg, axis-order"
    ):
        parse_dataset_name("synthetic:perturb=blur")


def test_a_style_is_unperturbed_unless_it_is_perturbed():
    fields = ("dpi", "jpeg_quality", "recolouring", "axes_exchanged")
    assert (100, None, None, False) == tuple(getattr(style(0), field) for field in fields)
    assert isinstance(changed(0, Perturbation.DPI), Style)
