"""``--control``: ask the same items with another picture, to measure how much of a score comes from the plot.

A control replaces the images of the sample; demonstrations keep theirs. What is shown instead depends only on
the item and the dataset, so every run shows the same.
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
from scoring.dispatch import Scorer, score
from scoring.errors import BadValueError
from scoring.questions import Mode
from scoring.reference import Reference

COMPARED = 24
"""How many samples are searched for an answer that differs from the item's."""

PNG_HEADER_BYTES = 24
PNG_HEADER_BASE64 = 32  # the same in base64 characters


class Control(StrEnum):
    """What is shown in place of the plot. The value is the variant of such items."""

    BLANK = "blank"
    """A white picture of the same size."""
    SHUFFLED = "shuffled"
    """A plot of another experiment family."""
    SIBLING = "sibling"
    """A plot of another scenario type of the same family."""


def parse_controls(text: str) -> tuple[Control, ...]:
    """Read ``blank,sibling``. Raises BadValueError naming an unknown control."""
    names = [name.strip() for name in text.split(",") if name.strip()]
    unknown = [name for name in names if name not in set(Control)]
    if unknown or not names:
        raise BadValueError(
            f"unknown control {', '.join(unknown) or text!r}: choose from {', '.join(Control)}"
        )
    return tuple(control for control in Control if control in names)


def stand_in_for(dataset: PreparedDataset, key: ItemKey) -> SampleEntry | None:
    """Return the sample whose plot is shown instead, under the control that is the item's variant.

    Its right answer differs from the item's, if the dataset has such a sample, so that whoever reads the plot
    that is shown loses the item. Of the first `COMPARED` samples by a hash of the ids, the one whose answer
    scores least on the item is taken; for Q1 and Q3, which only judges grade, the first. None for BLANK, and
    if no sample fits.
    """
    control = Control(key.variant)
    samples = {sample.sample_id: sample for sample in dataset.samples}
    candidates = _candidates(samples[key.sample_id], dataset.own_samples, control)
    if key.question.needs_judge or not candidates:
        return candidates[0] if candidates else None
    reference = _reference(dataset, key, key.sample_id)
    least, chosen = float("inf"), candidates[0]
    for candidate in candidates[:COMPARED]:
        value = score(key.question, _reference(dataset, key, candidate.sample_id).answer, reference).value
        if value < least:
            least, chosen = value, candidate
        if least == 0:
            break
    return chosen


def stand_in_score(dataset: PreparedDataset, key: ItemKey, scorer: Scorer) -> float | None:
    """Return what the right answer about the plot that is shown scores on the item, 0..1.

    None for BLANK, for questions that only judges grade, and if no sample fits.
    """
    if key.question.needs_judge or (other := stand_in_for(dataset, key)) is None:
        return None
    answer = _reference(dataset, key, other.sample_id).answer
    return score(key.question, answer, _reference(dataset, key, key.sample_id), scorer=scorer).value


def can_be_controlled(sample: SampleEntry, samples: Sequence[SampleEntry], control: Control) -> bool:
    """Return whether the sample has a plot, and the dataset something to show instead."""
    return sample.pictures > 0 and (
        control is Control.BLANK or any(_fits(sample, other, control) for other in samples)
    )


def _candidates(sample: SampleEntry, samples: Sequence[SampleEntry], control: Control) -> list[SampleEntry]:
    """Return the samples whose plots can be shown instead, ranked by a hash of the ids."""
    fitting = (other for other in samples if _fits(sample, other, control))
    return sorted(fitting, key=lambda other: _rank(sample, other))


def _fits(sample: SampleEntry, other: SampleEntry, control: Control) -> bool:
    match control:
        case Control.BLANK:
            return False
        case Control.SHUFFLED:
            return other.pictures > 0 and other.family != sample.family
        case Control.SIBLING:
            same = other.family == sample.family
            return other.pictures > 0 and same and other.scenario_type != sample.scenario_type


def _reference(dataset: PreparedDataset, key: ItemKey, sample_id: str) -> Reference:
    return dataset.reference(ItemKey(sample_id, key.question, Mode.ZEROSHOT))


def controlled_case(dataset: PreparedDataset, key: ItemKey) -> Case:
    """Return the item with the pictures of its variant, a `Control`.

    Raises KeyError if there is no such item.
    """
    case = dataset.case(key._replace(variant=""))
    shown = _replacements(dataset, key)
    parts = [shown.get(part.image_id, part) if isinstance(part, ImagePart) else part for part in case.prompt]
    return replace(case, key=key, prompt=tuple(parts))


def _replacements(dataset: PreparedDataset, key: ItemKey) -> dict[str, ImagePart]:
    """Map each of the sample's own images to what is shown instead; those of the other sample in turn."""
    own = dataset.images_of(key.sample_id)
    if Control(key.variant) is Control.BLANK:
        return {image.image_id: _blank(image) for image in own}
    other = stand_in_for(dataset, key)
    if other is None:
        raise KeyError(f"{key.sample_id} has no {key.variant} plot")
    shown = dataset.images_of(other.sample_id)
    return {image.image_id: shown[index % len(shown)] for index, image in enumerate(own)}


def _blank(image: ImagePart) -> ImagePart:
    """Return a white picture of the image's size, which is kept in the image cache."""
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
