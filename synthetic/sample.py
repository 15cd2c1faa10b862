"""One sample: its simulation, its images, and its questions with answers."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.random import Generator, SeedSequence

from scoring.questions import Question
from scoring.reference import FieldRules
from synthetic.drawing.perturbation import Perturbation
from synthetic.drawing.restyle import perturbed
from synthetic.drawing.style import style_from
from synthetic.families import load_family
from synthetic.family import Family, Scenario
from synthetic.prompts import reference_answers, zero_shot_prompt


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleKey:
    """The key of a sample: the ``index``-th (from 0) of a scenario type, in the data set of this seed.

    ``perturb`` changes only its drawing.
    """

    seed: int
    family: str
    scenario: str
    index: int
    perturb: Perturbation | None = None

    @property
    def sample_id(self) -> str:
        """The id in the data set: scenario type and a, b, ... z, aa, ab, ..."""
        return f"{self.scenario}_{_letters(self.index)}"

    def generators(self, count: int) -> list[Generator]:
        """Return independent random generators that depend only on the key without its perturbation."""
        name = f"{self.seed}/{self.family}/{self.scenario}/{self.index}"
        seeds = SeedSequence(int.from_bytes(hashlib.sha256(name.encode()).digest()))
        return [np.random.default_rng(seed) for seed in seeds.spawn(count)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """A row of the data set, before it is written.

    Attributes:
        images: PNGs, in order.
        prompts: zero-shot prompts.
        answers: reference answers.
        status: the expected status code of Q6.
    """

    key: SampleKey
    images: tuple[bytes, ...]
    background: str
    prompts: Mapping[Question, str]
    answers: Mapping[Question, str]
    q1_key_points: tuple[str, ...]
    q3_key_points: tuple[str, ...]
    field_rules: FieldRules
    status: str

    @property
    def image_ids(self) -> tuple[str, ...]:
        """The first 16 hex digits of each image's SHA-256."""
        return tuple(hashlib.sha256(png).hexdigest()[:16] for png in self.images)


def find_scenario(family: Family[Any], name: str) -> Scenario[Any]:
    """Return the scenario type of this name. Raises KeyError if the family has none."""
    return {scenario.name: scenario for scenario in family.scenarios}[name]


def truth_of(key: SampleKey) -> object:
    """Simulate the experiment of a sample without drawing it."""
    physics, _ = key.generators(2)
    return find_scenario(load_family(key.family), key.scenario).simulate(physics)


def make_sample(key: SampleKey) -> Sample:
    """Make the sample of this key. The same key and library versions give the same sample."""
    family = load_family(key.family)
    scenario = find_scenario(family, key.scenario)
    physics, looks = key.generators(2)
    truth = scenario.simulate(physics)
    style = style_from(looks)
    if key.perturb is not None:
        *_, changes = key.generators(4)  # the third chooses demonstrations
        style = perturbed(style, key.perturb, changes)
    with style.applied():
        drawings = family.draw(truth, style)
    return Sample(
        key=key,
        images=tuple(drawing.png for drawing in drawings),
        background=family.words.background,
        prompts={question: zero_shot_prompt(question, family, images=len(drawings)) for question in Question},
        answers=reference_answers(family, scenario, truth, drawings),
        q1_key_points=tuple(feature for drawing in drawings for feature in drawing.features),
        q3_key_points=family.words.readings[scenario.name].of(truth).significance,
        field_rules=family.field_rules,
        status=scenario.status,
    )


def _letters(index: int) -> str:
    last = chr(ord("a") + index % 26)
    return last if index < 26 else _letters(index // 26 - 1) + last
