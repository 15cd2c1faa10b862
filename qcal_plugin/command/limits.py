"""Limits for images that ``qcaleval doctor`` reports: kinds, number in one request, size of a request.

The first probe of each limit has the size of the dataset's largest request. If the server refuses it, a
binary search finds the limit, and the items above it are counted.
"""

from __future__ import annotations

import base64
import io
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from qcal_plugin.command.probe import PROTOCOL_MAX_TOKENS, ProbeReply, Way, send
from qcal_plugin.dataset.cases import ImagePart
from qcal_plugin.engine.model import Sampling
from qcal_plugin.engine.targets import TargetOption
from reports.records.records import ItemKey

SMALLEST_STEP_BYTES = 100_000
SIZE_KINDS = ("PNG with transparency (RGBA)", "PNG (RGB)", "JPEG")


@dataclass(frozen=True, slots=True, kw_only=True)
class Needs:
    """The number of images and of bytes in a dataset's requests, one entry per item."""

    dataset: str
    images: Sequence[int]
    body_bytes: Sequence[int]

    def above(self, images: int, body_bytes: int) -> int:
        """Return how many items need more than this."""
        pairs = zip(self.images, self.body_bytes, strict=True)
        return sum(count > images or size > body_bytes for count, size in pairs)


def needs_of(name: str) -> Needs:
    """Return what the dataset's items need.

    Prepares the dataset if it is not in the cache. Raises DatasetError.
    """
    from qcal_plugin.dataset.prepare import prepare

    dataset = prepare(name)
    keys = [
        ItemKey(sample.sample_id, question, mode)
        for sample in dataset.own_samples
        for mode, question in sample.items()
    ]
    cases = [dataset.case(key) for key in keys]
    sampling = Sampling(model="", max_tokens=PROTOCOL_MAX_TOKENS, temperature=0.0)
    return Needs(
        dataset=name,
        images=[sum(isinstance(part, ImagePart) for part in case.prompt) for case in cases],
        body_bytes=[sampling.request(case).body().size_bytes for case in cases],
    )


def image_kinds(option: TargetOption, model: str, way: Way) -> tuple[str, str]:
    """Return a line about the kinds of image: accepted; or the refusal of the first kind, and the accepted others."""
    first, *others = (send(option, model, way, [url]) for url in _kinds())
    if first.way is not None:
        return "image kinds", f"{SIZE_KINDS[0]} accepted"
    taken = [kind for kind, reply in zip(SIZE_KINDS[1:], others, strict=True) if reply.way is not None]
    return "image kinds", f"{SIZE_KINDS[0]} refused: {first.refusal}; accepted: {', '.join(taken) or 'none'}"


def limit_lines(option: TargetOption, model: str, way: Way, needs: Needs) -> list[tuple[str, str]]:
    """Return one line each about the kinds of images, their number, and the size of a request."""
    most, largest = max(needs.images), max(needs.body_bytes)
    images, too_many = highest(most, lambda count: send(option, model, way, [small_picture()] * count))
    size, too_large = highest(
        largest, lambda count: send(option, model, way, [padded_picture(count)]), step=SMALLEST_STEP_BYTES
    )
    return [
        image_kinds(option, model, way),
        ("images a request", _limit_words(images, most, too_many, "", needs.above(images, largest), needs)),
        ("request size", _limit_words(size, largest, too_large, " bytes", needs.above(most, size), needs)),
    ]


def highest(wanted: int, ask: Callable[[int], ProbeReply], *, step: int = 1) -> tuple[int, str]:
    """Return the largest accepted number up to ``wanted``, to within ``step``, and the text of the last refusal."""
    reply = ask(wanted)
    if reply.way is not None:
        return wanted, ""
    accepted, refused, refusal = 0, wanted, reply.refusal or f"HTTP {reply.status}"
    while refused - accepted > step:
        middle = (accepted + refused) // 2
        reply = ask(middle)
        if reply.way is not None:
            accepted = middle
        else:
            refused, refusal = middle, reply.refusal or refusal
    return accepted, refusal


def small_picture() -> str:
    """Return a white square of 32 pixels as a data URL."""
    return _data_url("RGB", "PNG", 32)


def padded_picture(size: int) -> str:
    """Return a small PNG of about ``size`` bytes as base64.

    A comment pads it, so the model has little work.
    """
    png = base64.b64decode(small_picture().partition(",")[2])
    end = png.rindex(b"IEND") - 4
    text = b"Comment\0" + b"x" * max(0, size * 3 // 4 - len(png) - 20)
    chunk = len(text).to_bytes(4, "big") + b"tEXt" + text + zlib.crc32(b"tEXt" + text).to_bytes(4, "big")
    return f"data:image/png;base64,{base64.b64encode(png[:end] + chunk + png[end:]).decode()}"


def _kinds() -> tuple[str, ...]:
    return _data_url("RGBA", "PNG", 32), _data_url("RGB", "PNG", 32), _data_url("RGB", "JPEG", 32)


def _data_url(mode: str, kind: str, pixels: int) -> str:
    from PIL import Image

    file = io.BytesIO()
    Image.new(mode, (pixels, pixels), "white").save(file, kind)
    return f"data:image/{kind.lower()};base64,{base64.b64encode(file.getvalue()).decode()}"


def _limit_words(accepted: int, wanted: int, refusal: str, unit: str, above: int, needs: Needs) -> str:
    if not refusal:
        return f"{accepted:,}{unit} accepted, the most that {needs.dataset} needs"
    items = f"{above:,} of {len(needs.images):,} items need more"
    return f"{accepted:,}{unit} accepted, {wanted:,} refused: {refusal}; {items}"
