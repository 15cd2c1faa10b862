"""The parts of a sample that a small model sees, one at a time."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass

import numpy as np
from PIL import Image

from scoring.questions import Question
from synthetic.drawing.style import Style, style_from
from synthetic.sample import Sample, SampleKey, make_sample, truth_of

THUMBNAIL_PX = (32, 24)
NOT_LOOKS = {"rng", "recolouring"}

Features = Mapping[str, float | str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """A sample and its parts.

    Attributes:
        text: the six prompts.
        style: size, background and look of the images.
        axes: labels, scales and limits of the axes, and how many points there are.
        thumbnails: the grey values of small images, one image after the other, 0 to 1.
    """

    sample: Sample
    text: str
    style: Features
    axes: Features
    thumbnails: tuple[float, ...]


def observe(key: SampleKey) -> Observed:
    """Make a sample and return its parts."""
    sample = make_sample(key)
    images = [Image.open(io.BytesIO(png)).convert("RGB") for png in sample.images]
    return Observed(
        sample=sample,
        text="\n".join(sample.prompts[question] for question in Question),
        style=_style(style_from(key.generators(2)[1]), images),
        axes=_axes(sample) | _point_counts(truth_of(key)),
        thumbnails=tuple(value for image in images for value in _thumbnail(image)),
    )


def _style(style: Style, images: list[Image.Image]) -> dict[str, float | str]:
    """Return the drawn style and measures of the images, because a family may have its own look."""
    drawn: dict[str, float | str] = {
        field.name: value if isinstance(value, float) else str(value)
        for field in fields(style)
        if field.name not in NOT_LOOKS
        for value in [getattr(style, field.name)]
    }
    for number, image in enumerate(images):
        corner = image.getpixel((1, 1))
        drawn |= {f"width {number}": float(image.width), f"height {number}": float(image.height)}
        drawn[f"background {number}"] = str(corner)
    return drawn


def _axes(sample: Sample) -> dict[str, float | str]:
    answer = json.loads(sample.answers[Question.Q1])
    seen: dict[str, float | str] = {}
    for number, image in enumerate(answer if isinstance(answer, list) else [answer]):
        for name in ("x_axis", "y_axis"):
            axis, place = image[name], f"{name} {number}"
            low, high = axis["range"]
            seen |= {f"{place} label": axis["label"], f"{place} scale": axis["scale"]}
            seen |= {
                f"{place} low": float(low),
                f"{place} high": float(high),
                f"{place} span": float(high - low),
            }
    return seen


def _point_counts(truth: object) -> dict[str, float | str]:
    """Return the lengths of the arrays that a simulated experiment consists of."""
    assert is_dataclass(truth)  # noqa: S101 - the contract of synthetic/family.py
    values = {field.name: getattr(truth, field.name) for field in fields(truth)}
    arrays = {name: value for name, value in values.items() if isinstance(value, np.ndarray)}
    return {
        f"{name}[{axis}]": float(size)
        for name, array in arrays.items()
        for axis, size in enumerate(array.shape)
    }


def _thumbnail(image: Image.Image) -> list[float]:
    small = image.convert("L").resize(THUMBNAIL_PX, Image.Resampling.BOX)
    return [float(value) / 255.0 for value in np.asarray(small).ravel()]
