"""Contact sheets: captioned tiles with plots."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from synthetic.sample import Sample

TILE_PX = (420, 300)
CAPTION_PX = 18
COLUMNS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """A captioned part of a sheet; several images share its width."""

    caption: str
    images: tuple[bytes, ...]


def sample_tile(sample: Sample) -> Tile:
    """Return a tile with the images of a sample under its id and status."""
    return Tile(caption=f"{sample.key.sample_id}: {sample.status}", images=sample.images)


def write_sheet(path: Path, samples: Sequence[Sample], *, columns: int = COLUMNS) -> None:
    """Write a PNG with a captioned tile for each sample; the images of one sample share its tile.

    Raises:
        OSError: the file cannot be written.
    """
    write_tiles(path, [sample_tile(sample) for sample in samples], columns=columns)


def write_tiles(path: Path, tiles: Sequence[Tile], *, columns: int) -> None:
    """Write a PNG with these tiles, row by row.

    Raises:
        OSError: the file cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    width, height = TILE_PX
    rows = -(-len(tiles) // columns)
    sheet = Image.new("RGB", (width * columns, height * rows), "white")
    for number, tile in enumerate(tiles):
        sheet.paste(_drawn(tile), (number % columns * width, number // columns * height))
    sheet.save(path, format="PNG")


def _drawn(tile: Tile) -> Image.Image:
    drawn = Image.new("RGB", TILE_PX, "white")
    ImageDraw.Draw(drawn).text((4, 2), tile.caption, fill="black", font=ImageFont.load_default(size=12))
    share = TILE_PX[0] // max(len(tile.images), 1)
    for number, encoded in enumerate(tile.images):
        image = Image.open(io.BytesIO(encoded)).convert("RGB")
        image.thumbnail((share - 4, TILE_PX[1] - CAPTION_PX - 4), Image.Resampling.LANCZOS)
        drawn.paste(image, (number * share + 2, CAPTION_PX))
    return drawn
