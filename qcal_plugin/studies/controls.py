"""``--control``: the same items with another picture, to see how much of a score comes from the plot.

A control replaces the images of the sample itself; demonstrations keep theirs. What is shown instead depends on the
sample's id and the dataset only, so that every run shows the same.
"""

from __future__ import annotations

import base64
import hashlib
import io
import struct
from collections.abc import Sequence
from dataclasses import replace
from enum import StrEnum
from pathlib import Path

from qcal_plugin.dataset.cache import read_verified
from qcal_plugin.dataset.cases import Case, ImagePart
from qcal_plugin.dataset.prepared import PreparedDataset, SampleEntry, image_file
from reports.records.records import ItemKey
from scoring.errors import BadValueError

PNG_HEADER_BYTES = 24
PNG_HEADER_BASE64 = 32  # the same in base64 characters


class Control(StrEnum):
    """What is shown in the place of the plot; also the variant of such items."""

    BLANK = "blank"
    """A white picture of the same size."""
    SHUFFLED = "shuffled"
    """A plot of another experiment family."""
    SIBLING = "sibling"
    """A plot of another scenario type of the same family."""


def parse_controls(text: str) -> tuple[Control, ...]:
    """``blank,sibling``. Raises BadValueError naming an unknown control."""
    names = [name.strip() for name in text.split(",") if name.strip()]
    unknown = [name for name in names if name not in set(Control)]
    if unknown or not names:
        raise BadValueError(
            f"unknown control {', '.join(unknown) or text!r}: choose from {', '.join(Control)}"
        )
    return tuple(control for control in Control if control in names)


def stand_in_for(sample: SampleEntry, samples: Sequence[SampleEntry], control: Control) -> SampleEntry | None:
    """The sample whose plot is shown instead; None for BLANK, and where the dataset has none that fits."""
    pictured = [other for other in samples if other.pictures]
    match control:
        case Control.BLANK:
            return None
        case Control.SHUFFLED:
            fitting = [other for other in pictured if other.family != sample.family]
        case Control.SIBLING:
            fitting = [
                other
                for other in pictured
                if other.family == sample.family and other.scenario_type != sample.scenario_type
            ]
    return min(fitting, key=lambda other: _rank(sample, other), default=None)


def can_be_controlled(sample: SampleEntry, samples: Sequence[SampleEntry], control: Control) -> bool:
    """Whether the sample has a plot, and the dataset something to show instead."""
    return sample.pictures > 0 and (
        control is Control.BLANK or stand_in_for(sample, samples, control) is not None
    )


def controlled_case(dataset: PreparedDataset, key: ItemKey) -> Case:
    """The item with other pictures, as its variant (a `Control`) says. Raises KeyError if there is no such item."""
    case = dataset.case(key._replace(variant=""))
    shown = _replacements(dataset, key.sample_id, Control(key.variant))
    parts = [shown.get(part.image_id, part) if isinstance(part, ImagePart) else part for part in case.prompt]
    return replace(case, key=key, prompt=tuple(parts))


def _replacements(dataset: PreparedDataset, sample_id: str, control: Control) -> dict[str, ImagePart]:
    """Image id -> what is shown instead, for the sample's own images; those of the other sample in turn."""
    own = dataset.images_of(sample_id)
    if control is Control.BLANK:
        return {image.image_id: _blank(image) for image in own}
    samples = {sample.sample_id: sample for sample in dataset.samples}
    other = stand_in_for(samples[sample_id], dataset.own_samples, control)
    if other is None:
        raise KeyError(f"{sample_id} has no {control} plot")
    shown = dataset.images_of(other.sample_id)
    return {image.image_id: shown[index % len(shown)] for index, image in enumerate(own)}


def _blank(image: ImagePart) -> ImagePart:
    """A white picture of the image's size, kept in the image cache."""
    from PIL import Image

    from qcal_plugin.dataset.images import store_image

    path = Path(image.base64_path)
    header = base64.b64decode(read_verified(path, image.base64_sha256)[:PNG_HEADER_BASE64])
    size = struct.unpack(">II", header[PNG_HEADER_BYTES - 8 : PNG_HEADER_BYTES])
    white = io.BytesIO()
    Image.new("RGBA", size, "white").save(white, "PNG")
    stored = store_image(white.getvalue(), path.parent)
    return ImagePart(
        image_id=f"blank-{size[0]}x{size[1]}",
        sha256=stored.sha256,
        base64_path=str(path.parent / image_file(stored.sha256)),
        base64_sha256=stored.base64_sha256,
        size_bytes=stored.size_bytes,
    )


def _rank(sample: SampleEntry, other: SampleEntry) -> bytes:
    return hashlib.sha256(f"{sample.sample_id}/{other.sample_id}".encode()).digest()
