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
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

from qcal_plugin.cases import Case, ImagePart
from qcal_plugin.prepared import PreparedDataset, SampleEntry
from reports.records import ItemKey
from scoring.questions import Mode, Question

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
    """``blank,sibling``. Raises ValueError naming an unknown control."""
    names = [name.strip() for name in text.split(",") if name.strip()]
    unknown = [name for name in names if name not in set(Control)]
    if unknown or not names:
        raise ValueError(f"unknown control {', '.join(unknown) or text!r}: choose from {', '.join(Control)}")
    return tuple(control for control in Control if control in names)


def stand_in_for(sample: SampleEntry, samples: Sequence[SampleEntry], control: Control) -> SampleEntry | None:
    """The sample whose plot is shown instead; None for BLANK, and where the dataset has none that fits."""
    match control:
        case Control.BLANK:
            return None
        case Control.SHUFFLED:
            fitting = [other for other in samples if other.family != sample.family]
        case Control.SIBLING:
            fitting = [
                other
                for other in samples
                if other.family == sample.family and other.scenario_type != sample.scenario_type
            ]
    return min(fitting, key=lambda other: _rank(sample, other), default=None)


def can_be_controlled(sample: SampleEntry, samples: Sequence[SampleEntry], control: Control) -> bool:
    """Whether the dataset has something to show instead."""
    return control is Control.BLANK or stand_in_for(sample, samples, control) is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class ControlledDataset:
    """A dataset whose items may carry a control as their variant; `case` is what the engine asks."""

    dataset: PreparedDataset

    def case(self, key: ItemKey) -> Case:
        """The item as the dataset has it, or with other pictures. Raises KeyError if the dataset has no such item."""
        if key.variant not in set(Control):
            return self.dataset.case(key)
        case = self.dataset.case(key._replace(variant=""))
        replacements = self._replacements(key.sample_id, Control(key.variant))
        parts = [replacements.get(part.image_id, part) if isinstance(part, ImagePart) else part for part in case.prompt]
        return replace(case, key=key, prompt=tuple(parts))

    def _replacements(self, sample_id: str, control: Control) -> dict[str, ImagePart]:
        """Image id -> what is shown instead, for the sample's own images; those of the other sample in turn."""
        own = self._images(sample_id)
        if control is Control.BLANK:
            return {image.image_id: self._blank(image) for image in own}
        samples = {sample.sample_id: sample for sample in self.dataset.samples}
        other = stand_in_for(samples[sample_id], self.dataset.samples, control)
        if other is None:
            raise KeyError(f"{sample_id} has no {control} plot")
        shown = self._images(other.sample_id)
        return {image.image_id: shown[index % len(shown)] for index, image in enumerate(own)}

    def _images(self, sample_id: str) -> list[ImagePart]:
        prompt = self.dataset.case(ItemKey(sample_id, Question.Q1, Mode.ZEROSHOT)).prompt
        return [part for part in prompt if isinstance(part, ImagePart)]

    def _blank(self, image: ImagePart) -> ImagePart:
        """A white picture of the image's size, kept in the image cache."""
        from PIL import Image

        from qcal_plugin.images import store_image

        path = Path(image.base64_path)
        with path.open("rb") as file:
            header = base64.b64decode(file.read(PNG_HEADER_BASE64))
        size = struct.unpack(">II", header[PNG_HEADER_BYTES - 8 : PNG_HEADER_BYTES])
        white = io.BytesIO()
        Image.new("RGBA", size, "white").save(white, "PNG")
        stored = store_image(white.getvalue(), path.parent)
        return ImagePart(
            image_id=f"blank-{size[0]}x{size[1]}",
            sha256=stored.sha256,
            base64_path=str(path.parent / stored.file),
            size_bytes=stored.size_bytes,
        )


def _rank(sample: SampleEntry, other: SampleEntry) -> bytes:
    return hashlib.sha256(f"{sample.sample_id}/{other.sample_id}".encode()).digest()
