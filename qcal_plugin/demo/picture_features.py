"""Features of a picture for the nearest-plot baseline: the directions of its lines and the distribution of its ink.

The features are histograms of oriented gradients (N. Dalal, B. Triggs 2005, CVPR) of a small grey picture,
and profiles of its rows and columns. They do not depend on size or colour, so all blank pictures have the
same features.
"""

from __future__ import annotations

import io
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Features: TypeAlias = NDArray[np.float64]

SIZE_PX = (96, 72)
CELL_PX = 12
DIRECTIONS = 6
PROFILE_BINS = 24
PROFILE_WEIGHT = 0.5
_NOTHING = 1e-6


def picture_features(content: bytes) -> Features:
    """Return the features of an image file. Squared distances between two pictures' features are at most 3.

    Raises OSError or ValueError if it is not an image.
    """
    grey = Image.open(io.BytesIO(content)).convert("RGB").convert("L").resize(SIZE_PX, Image.Resampling.BOX)
    pixels = np.asarray(grey, dtype=float) / 255
    ink = np.abs(pixels - np.median(pixels))
    return np.concatenate([_unit(_directions(ink)), np.sqrt(PROFILE_WEIGHT) * _unit(_profiles(ink))])


def _directions(ink: Features) -> Features:
    """Return for each cell of the picture how much ink changes in each direction."""
    down, right = np.gradient(ink)
    strength = np.hypot(down, right)
    direction = np.minimum(DIRECTIONS * (np.arctan2(down, right) % np.pi) / np.pi, DIRECTIONS - 1).astype(int)
    rows, columns = (size // CELL_PX for size in ink.shape)
    row, column = np.indices(ink.shape) // CELL_PX
    place = (row * columns + column) * DIRECTIONS + direction
    histogram = np.bincount(place.ravel(), weights=strength.ravel(), minlength=rows * columns * DIRECTIONS)
    return histogram.astype(np.float64)


def _profiles(ink: Features) -> Features:
    """Return how much ink the rows and the columns hold, in `PROFILE_BINS` bins each."""
    return np.concatenate(
        [
            ink.mean(axis=1).reshape(PROFILE_BINS, -1).mean(axis=1),
            ink.mean(axis=0).reshape(PROFILE_BINS, -1).mean(axis=1),
        ]
    )


def _unit(values: Features) -> Features:
    """Scale to length 1; features that are nearly 0 become 0."""
    length = float(np.linalg.norm(values))
    return values / length if length > _NOTHING else np.zeros_like(values)
