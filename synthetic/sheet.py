"""A contact sheet: one tile per sample, to look at."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from synthetic.sample import Sample

TILE_PX = (420, 300)
CAPTION_PX = 18
COLUMNS = 5


def write_sheet(path: Path, samples: Sequence[Sample], *, columns: int = COLUMNS) -> None:
    """Write a PNG with a captioned tile for each sample; the images of one sample share its tile.

    Raises:
        OSError: the file cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    width, height = TILE_PX
    rows = -(-len(samples) // columns)
    sheet = Image.new("RGB", (width * columns, height * rows), "white")
    for number, sample in enumerate(samples):
        sheet.paste(_tile(sample), (number % columns * width, number // columns * height))
    sheet.save(path, format="PNG")


def _tile(sample: Sample) -> Image.Image:
    tile = Image.new("RGB", TILE_PX, "white")
    caption = f"{sample.key.sample_id}: {sample.status}"
    ImageDraw.Draw(tile).text((4, 2), caption, fill="black", font=ImageFont.load_default(size=12))
    share = TILE_PX[0] // len(sample.images)
    for number, png in enumerate(sample.images):
        image = Image.open(io.BytesIO(png)).convert("RGB")
        image.thumbnail((share - 4, TILE_PX[1] - CAPTION_PX - 4), Image.Resampling.LANCZOS)
        tile.paste(image, (number * share + 2, CAPTION_PX))
    return tile
