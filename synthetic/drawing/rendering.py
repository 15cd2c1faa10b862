"""Figures as images: RGBA PNGs without metadata."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image


def rendered(figure: Figure, *, jpeg_quality: int | None = None) -> bytes:
    """Render the figure as a PNG, after JPEG compression if a quality (1 to 95) is given."""
    canvas: Any = FigureCanvasAgg(figure)  # its methods are untyped
    canvas.draw()
    image = Image.fromarray(np.asarray(canvas.buffer_rgba()))
    if jpeg_quality is not None:
        image = _compressed(image, jpeg_quality)
    file = io.BytesIO()
    image.save(file, format="PNG")
    return file.getvalue()


def _compressed(image: Image.Image, quality: int) -> Image.Image:
    file = io.BytesIO()
    image.convert("RGB").save(file, format="JPEG", quality=quality)
    return Image.open(file).convert("RGBA")
