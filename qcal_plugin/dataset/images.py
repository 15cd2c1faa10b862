"""Images as they are sent: RGBA PNGs, as base64 text in a content-addressed folder (docs/protocol.md#requests)."""

from __future__ import annotations

import base64
import hashlib
import io
import struct
import zlib
from pathlib import Path
from typing import NamedTuple

import PIL
from PIL import ExifTags, Image, ImageOps

from qcal_plugin.dataset.cache import read_verified
from qcal_plugin.dataset.prepared import image_file
from reports.records.files import write_file

MAX_PIXELS = 40_000_000
"""Larger pictures are rejected from their header, before they are decoded (160 MB as RGBA)."""

FORMATS = ("PNG", "JPEG", "WEBP")
_RGBA_8_BIT = (8, 6)  # bit depth and colour type of a PNG header
_UNREADABLE = (OSError, SyntaxError, ValueError, EOFError, struct.error, zlib.error)


class ImageError(ValueError):
    """An image that cannot be sent. The message is for the user."""


class StoredImage(NamedTuple):
    """An image in the cache.

    Attributes:
        sha256: hex digest of the PNG bytes that are sent, which is the name of the file with their base64
            text.
        base64_sha256: hex digest of that text.
        size_bytes: length of that text.
    """

    sha256: str
    base64_sha256: str
    size_bytes: int


def store_image(original: bytes, folder: Path) -> StoredImage:
    """Check an image and store it in ``folder`` as base64 text, unless the same text is there.

    Raises ImageError.

    The result depends on the original alone, not on files in the folder. Safe to call from several threads
    and processes at once.
    """
    png = to_rgba_png(original)
    text = base64.b64encode(png)
    stored = StoredImage(hashlib.sha256(png).hexdigest(), hashlib.sha256(text).hexdigest(), len(text))
    path = folder / image_file(stored.sha256)
    try:
        read_verified(path, stored.base64_sha256)
    except OSError:
        write_file(path, text)
    return stored


def stored_png(image: StoredImage, folder: Path) -> bytes:
    """Return the PNG bytes of an image in ``folder``. Raises OSError if they are not what was stored."""
    return base64.b64decode(read_verified(folder / image_file(image.sha256), image.base64_sha256))


def to_rgba_png(original: bytes) -> bytes:
    """Return the image as an RGBA PNG. Raises ImageError.

    An upright RGBA PNG with 8 bits is returned unchanged; other images are converted. Every pixel is decoded
    and every checksum compared, so that other programs can read the result too.
    """
    try:
        with _opened(original) as unread:
            _check_size(unread)
            unread.verify()
        with _opened(original) as image:
            image.load()
            if _is_final(image, original):
                return original
            return _encode(image)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise ImageError(f"decompression bomb: {error}") from error
    except PIL.UnidentifiedImageError as error:
        raise ImageError(f"not a readable image ({', '.join(FORMATS)})") from error
    except _UNREADABLE as error:
        if isinstance(error, ImageError):
            raise
        raise ImageError(f"broken or truncated image ({error})") from error


def same_picture(one: bytes, other: bytes) -> bool:
    """Whether two images have the same pixels as RGBA, however they are encoded.

    False if one is unreadable.
    """
    try:
        first, second = (_opened(to_rgba_png(original)) for original in (one, other))
    except ImageError:
        return False
    with first, second:
        return first.size == second.size and first.tobytes() == second.tobytes()


def _opened(original: bytes) -> Image.Image:
    return Image.open(io.BytesIO(original), formats=FORMATS)


def _check_size(image: Image.Image) -> None:
    width, height = image.size
    if width * height > MAX_PIXELS:
        raise ImageError(
            f"its header says {width} x {height} pixels, more than {MAX_PIXELS:,} (decompression bomb?)"
        )


def _is_final(image: Image.Image, original: bytes) -> bool:
    if image.format != "PNG" or image.getexif().get(ExifTags.Base.Orientation, 1) != 1:
        return False
    return struct.unpack_from(">BB", original, 24) == _RGBA_8_BIT


def _encode(image: Image.Image) -> bytes:
    file = io.BytesIO()
    ImageOps.exif_transpose(image).convert("RGBA").save(file, "PNG")
    return file.getvalue()
