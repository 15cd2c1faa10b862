"""A run's mix of datasets (``--mix``): its parts and weights, as manifests and JUnit files state them.

The ids of a mix's samples are ``<part>/<id in the part's dataset>``, so that every record names its part.
Light to import: `records` imports this module, and so do xdist workers.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from reports.records.typed_json import convert, decode, encode
from scoring.reference import JSON

MIX_SETTING = "mix"
"""The setting of a run (`RunManifest.settings`) that describes its mix."""
LARGEST_WEIGHT = 1e9
SEPARATOR = "/"


@dataclass(frozen=True, slots=True, kw_only=True)
class MixPart:
    """One dataset, or a choice from it.

    Attributes:
        name: unique in the mix, without a slash.
        dataset: as in the mix's file.
        revision: commit hash of a Hub repository, or the digest of a folder's content.
        weight: as in the mix's file, above 0 and at most `LARGEST_WEIGHT`.
        source: the first part whose dataset shows some of the same plots, often the part itself. Samples that
            have the same id in parts of one source are one sample: their answers are not independent
            evidence.
    """

    name: str
    dataset: str
    revision: str
    weight: float
    source: str

    def __post_init__(self) -> None:
        """Raise ValueError if the weight is out of range."""
        if not is_weight(self.weight):
            raise ValueError(
                f"part {self.name!r} of a mix: weight is {self.weight:g}; expected a number above 0"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Mix:
    """The parts, in the order of the file."""

    title: str
    parts: tuple[MixPart, ...]

    def __post_init__(self) -> None:
        """Raise ValueError if there are no parts."""
        if not self.parts:
            raise ValueError("a mix without parts")

    def share(self, part: MixPart) -> float:
        """Return the part's weight as a fraction of all weights."""
        return part.weight / math.fsum(other.weight for other in self.parts)

    def sample(self, sample_id: str) -> str:
        """Return the sample as evidence: one name for what several parts hold of it (see `MixPart.source`)."""
        name, own = split(sample_id)
        source = next((part.source for part in self.parts if part.name == name), name)
        return in_mix(source, own)


def in_mix(part: str, name: str) -> str:
    """Return the name, in a mix, of what a part's dataset calls ``name``: a sample, an image, a row of the ICL file."""
    return f"{part}{SEPARATOR}{name}"


def split(name: str) -> tuple[str, str]:
    """Inverse of `in_mix`."""
    part, _, own = name.partition(SEPARATOR)
    return part, own


def mix_of(settings: Mapping[str, Any] | None) -> Mix | None:
    """Return the mix of a run with these settings; None if it has a single dataset.

    Raises as `mix_from_json` does.
    """
    return None if settings is None or MIX_SETTING not in settings else mix_from_json(settings[MIX_SETTING])


def mix_from_json(data: object) -> Mix:
    """Read a mix from a run's manifest; further fields are ignored. Raises DecodeError."""
    return convert(data, Mix)


def mix_from_text(text: str) -> Mix:
    """Inverse of `mix_to_text`. Raises DecodeError."""
    return decode(text, Mix)


def is_weight(value: object) -> bool:
    """Return whether a part can have this weight."""
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 < value <= LARGEST_WEIGHT


def mix_to_text(mix: Mix) -> str:
    """Return the mix as JSON on one line, for a test's properties."""
    return encode(mix).decode()


# --- differences of settings --------------------------------------------------------------------------------


class Difference(NamedTuple):
    """A field that differs between two runs. None if one of them has no such field."""

    name: str
    before: object
    now: object


def differing(before: Mapping[str, object], now: Mapping[str, object]) -> list[Difference]:
    """Return the fields that differ, sorted by name."""
    names = sorted(before.keys() | now.keys())
    differences = (Difference(name, before.get(name), now.get(name)) for name in names)
    return [difference for difference in differences if difference.before != difference.now]


def differing_settings(before: Mapping[str, JSON], now: Mapping[str, JSON]) -> list[Difference]:
    """Return the settings in which two runs differ; those of mixes by part and key, such as ``mix.fresh.weight``."""
    flat = _in_full if MIX_SETTING in before and MIX_SETTING in now else _in_short
    return differing(flat(before), flat(now))


def _in_short(settings: Mapping[str, Any]) -> dict[str, object]:
    return {name: value["title"] if name == MIX_SETTING else value for name, value in settings.items()}


def _in_full(settings: Mapping[str, Any]) -> dict[str, object]:
    flat: dict[str, object] = {name: value for name, value in settings.items() if name != MIX_SETTING}
    mix = settings[MIX_SETTING]
    flat |= {f"{MIX_SETTING}.{name}": value for name, value in mix.items() if name != "parts"}
    flat[f"{MIX_SETTING}.parts"] = [part["name"] for part in mix["parts"]]
    for part in mix["parts"]:
        flat |= {
            f"{MIX_SETTING}.{part['name']}.{name}": value for name, value in part.items() if name != "share"
        }
    return flat
