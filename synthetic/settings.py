"""What makes a synthetic data set, and its name: ``synthetic:seed=7,per-scenario=3``. Imports nothing heavy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from synthetic.families import family_names

SYNTHETIC_VERSION = "1"
"""Raised whenever the same settings give other samples; part of any cache key."""

PREFIX = "synthetic"


class SettingsError(ValueError):
    """Settings that cannot be used; the text is for the user."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SyntheticSettings:
    """A synthetic data set.

    Attributes:
        seed: 0 or more.
        per_scenario: samples per scenario type, 1 or more. With 1 there are no ICL rows.
        families: in alphabetical order, each once.
    """

    seed: int = 7
    per_scenario: int = 3
    families: tuple[str, ...] = ()

    def __str__(self) -> str:
        """The name that :func:`parse_dataset_name` reads; equal settings have equal names."""
        families = "" if self.families == family_names() else f",families={'+'.join(self.families)}"
        return f"{PREFIX}:seed={self.seed},per-scenario={self.per_scenario}{families}"


def checked_settings(*, seed: int, per_scenario: int, families: Sequence[str] | None = None) -> SyntheticSettings:
    """Settings in canonical form; all families where none are named.

    Raises:
        SettingsError: a number below its range, or a family that cannot be simulated.
    """
    known = family_names()
    chosen = known if families is None else tuple(sorted(set(families)))
    if seed < 0:
        raise SettingsError(f"seed={seed}: must be 0 or more")
    if per_scenario < 1:
        raise SettingsError(f"per-scenario={per_scenario}: must be 1 or more")
    unknown = [name for name in chosen if name not in known]
    if unknown or not chosen:
        raise SettingsError(f"families={'+'.join(unknown)}: unknown; there are {', '.join(known)}")
    return SyntheticSettings(seed=seed, per_scenario=per_scenario, families=chosen)


def parse_dataset_name(name: str) -> SyntheticSettings:
    """The settings in a name such as ``synthetic:seed=7,per-scenario=3,families=drag+rabi``.

    What is left out keeps its default: seed 7, 3 samples per scenario type, all families.

    Raises:
        SettingsError: another prefix, an unknown or repeated setting, a value that cannot be used.
    """
    prefix, _, text = name.partition(":")
    if prefix != PREFIX:
        raise SettingsError(
            f"{name!r}: a synthetic data set is named {PREFIX}:seed=7,per-scenario=3,families=drag+rabi"
        )
    given: dict[str, str] = {}
    for part in filter(None, text.split(",")):
        key, _, value = part.partition("=")
        if key not in {"seed", "per-scenario", "families"} or key in given:
            raise SettingsError(
                f"{name!r}: {key!r} is unknown or repeated; settings are seed=, per-scenario= and families="
            )
        given[key] = value
    return checked_settings(
        seed=_integer(given.get("seed", "7"), "seed"),
        per_scenario=_integer(given.get("per-scenario", "3"), "per-scenario"),
        families=given["families"].split("+") if "families" in given else None,
    )


def _integer(text: str, key: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise SettingsError(f"{key}={text}: must be an integer") from None
