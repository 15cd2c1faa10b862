"""Q1: compare three fields of the JSON; judges grade the key points (docs/protocol.md#q1-technical-description)."""

from __future__ import annotations

from scoring.excerpt import MAX_ITEMS, excerpt
from scoring.reference import JSON

FIELDS = ("plot_type", "x_scale", "y_scale")


def read_images(value: JSON) -> list[dict[str, str | None]]:
    """Read the `FIELDS` of each image that an answer describes; None for what is missing or null.

    A single object, or anything else that is not an array, counts as an array of one.
    """
    images = value if isinstance(value, list) else [value]
    return [_read_image(image) for image in images]


def compare_images(
    answer: list[dict[str, str | None]], reference: list[dict[str, str | None]]
) -> dict[str, float]:
    """Return for each of `FIELDS` the share of images on which it agrees, 0..1; 0 for two empty lists.

    The share is of the longer list. A field that the reference lacks agrees with nothing, so such a reference
    does not score 1 against itself.
    """
    n_images = max(len(answer), len(reference), 1)
    pairs = list(zip(answer, reference, strict=False))
    return {
        name: sum(a[name] is not None and a[name] == r[name] for a, r in pairs) / n_images for name in FIELDS
    }


def show_images(value: JSON) -> JSON:
    """Return what `read_images` reads, for display: one object, or a list of them; None without JSON."""
    if value is None:
        return None
    images: list[JSON] = [excerpt(dict(image)) for image in read_images(value)[:MAX_ITEMS]]
    return images if isinstance(value, list) else images[0]


def _read_image(image: JSON) -> dict[str, str | None]:
    if not isinstance(image, dict):
        return dict.fromkeys(FIELDS)
    return {
        "plot_type": _normalised(image.get("plot_type")),
        "x_scale": _read_scale(image.get("x_axis")),
        "y_scale": _read_scale(image.get("y_axis")),
    }


def _read_scale(axis: JSON) -> str | None:
    return _normalised(axis.get("scale")) if isinstance(axis, dict) else None


def _normalised(value: JSON) -> str | None:
    """Return the value as Python's ``str()`` writes it, in lower case and stripped; None for null.

    The reference compares texts, so 5 equals "5", and true equals "True".
    """
    if value is None:
        return None
    try:
        return str(value).lower().strip()
    except RecursionError:  # lists nested almost as deeply as the JSON reader allows
        return None
