"""``python -m synthetic audit``: text and style give nothing away about the status, and a leak would be noticed.

QCAL_SYNTHETIC_AUDIT=8 runs the audit itself, on all families with eight samples per scenario type and seed.
"""

import io
import os
from dataclasses import replace
from importlib.util import find_spec

import numpy as np
import pytest
from PIL import Image

from scoring.questions import Question
from synthetic.__main__ import main
from synthetic.audit.command import leaking
from synthetic.audit.copying import copy_score
from synthetic.audit.guesses import guesses
from synthetic.audit.observed import observe
from synthetic.drawing.style import style_from
from synthetic.families import family_names, load_family
from synthetic.prompts import zero_shot_prompt
from synthetic.sample import SampleKey

pytestmark = pytest.mark.skipif(  # not importorskip: every worker that collects would load it, for 3 s
    find_spec("sklearn") is None, reason="the audit's models come with the dev extra: pip install -e '.[dev]'"
)

SIZED_BY_CONTENT = ("tweezer_array", "rydberg_spectroscopy")  # by the numbers of traps and of sites
SCENARIOS = ("mot_loading_good", "mot_loading_no_signal", "mot_loading_tailed")


@pytest.fixture(scope="module")
def observed():
    keys = [
        SampleKey(seed=seed, family="mot_loading", scenario=scenario, index=index)
        for seed in (1, 2, 3)
        for scenario in SCENARIOS
        for index in (0, 1)
    ]
    return [observe(key) for key in keys]


def test_the_text_of_samples_gives_nothing_away(observed):
    row = guesses("mot_loading", observed)
    assert (18, 6) == (row.samples, row.majority)
    assert row.right["text"] <= row.majority


@pytest.mark.parametrize("family", family_names())
def test_prompts_and_look_are_the_same_for_all_scenario_types(family):
    """Exactly: with one and the same style, whatever was simulated."""
    looks = {look_of(family, scenario) for scenario in load_family(family).scenarios}
    assert 1 == len(looks)


def look_of(family, scenario):
    family = load_family(family)
    truth, style = scenario.simulate(np.random.default_rng(3)), style_from(np.random.default_rng(4))
    with style.applied():
        drawings = family.draw(truth, style)
    images = [Image.open(io.BytesIO(drawing.png)) for drawing in drawings]
    prompts = [zero_shot_prompt(question, family, images=len(images)) for question in Question]
    corners = [image.getpixel((1, 1)) for image in images]
    sizes = None if family.name in SIZED_BY_CONTENT else [image.size for image in images]
    return repr((prompts, corners, sizes))


@pytest.mark.skipif(
    "QCAL_SYNTHETIC_AUDIT" not in os.environ, reason="takes minutes: set QCAL_SYNTHETIC_AUDIT=8"
)
def test_text_and_style_are_within_two_points_of_the_majority():
    per_scenario = os.environ["QCAL_SYNTHETIC_AUDIT"]
    assert 0 == main(["audit", "--per-scenario", per_scenario, "--workers", str(os.cpu_count() or 1)])


@pytest.mark.parametrize("part", ["text", "style"])
def test_a_leak_is_noticed(observed, part):
    told = {
        "text": lambda each: replace(each, text=f"{each.text} {each.sample.status}"),
        "style": lambda each: replace(each, style={"status": each.sample.status}),
    }
    row = guesses("mot_loading", [told[part](each) for each in observed])
    assert 18 == row.right[part]
    assert part in leaking([row])


def test_thumbnails_distinguish_images_with_and_without_a_cloud(observed):
    assert guesses("mot_loading", observed).right["thumbnails"] > 6


def test_copying_an_equal_demonstration_scores_100(observed):
    nothing = [
        each.sample for each in observed if each.sample.key.seed == 1 and each.sample.status == "NO_SIGNAL"
    ]
    assert 1.0 == copy_score(nothing)
    assert copy_score(nothing[:1]) is None


def test_the_command_prints_a_table(capsys):
    status = main(
        ["audit", "--families", "tweezer_array", "--per-scenario", "2"]
    )  # 12 samples: it may be either
    out = capsys.readouterr().out
    assert "tweezer_array    12      50.0" in out
    assert "Repeating the demonstration's answer to Q5 scores" in out
    last = out.splitlines()[-1]
    assert (status == 0) == (last == "text and style give nothing away about the status")
    assert (status == 1) == ("better than the majority" in last)


def test_a_wrong_family_is_one_line(capsys):
    assert 2 == main(["audit", "--families", "rabbi"])
    assert "families=rabbi: unknown" in capsys.readouterr().err
