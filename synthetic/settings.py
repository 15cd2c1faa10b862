"""The settings of a synthetic data set, and its name: ``synthetic:seed=7,per-scenario=3``.

Imports nothing heavy.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from scoring.errors import BadValueError
from synthetic.drawing.perturbation import Perturbation
from synthetic.families import family_names

SYNTHETIC_VERSION = "5"
"""Raise it with each change that gives the same settings other samples; it is part of every cache key."""

PREFIX = "synthetic"
SETTINGS = ("seed", "per-scenario", "balance", "siblings", "families", "perturb")
PER_SCENARIO = 3


class SettingsError(BadValueError):
    """Settings cannot be used; the message is for the user."""


class Balance(StrEnum):
    """Ways to choose the numbers of samples other than the same number for each scenario type."""

    BENCHMARK = "benchmark"
    """The benchmark's numbers (``synthetic/balance.py``)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SyntheticSettings:
    """A synthetic data set.

    Attributes:
        seed: 0 or more.
        per_scenario: samples per scenario type, 1 or more. With 1 and no siblings there are no ICL rows.
        balance: if given, it determines the numbers of samples instead of ``per_scenario`` and ``siblings``.
        siblings: the number of scenario types, each of another family, with one more sample; the seed chooses
            them.
        families: in alphabetical order, each once.
        perturb: a change of the looks of the same samples; None for no change.
    """

    seed: int = 7
    per_scenario: int = PER_SCENARIO
    balance: Balance | None = None
    siblings: int = 0
    families: tuple[str, ...] = ()
    perturb: Perturbation | None = None

    def __str__(self) -> str:
        """The name that :func:`parse_dataset_name` reads; equal settings have equal names."""
        siblings = f",siblings={self.siblings}" if self.siblings else ""
        families = "" if self.families == family_names() else f",families={'+'.join(self.families)}"
        perturb = f",perturb={self.perturb}" if self.perturb else ""
        count = f"balance={self.balance}" if self.balance else f"per-scenario={self.per_scenario}"
        return f"{PREFIX}:seed={self.seed},{count}{siblings}{families}{perturb}"


def checked_settings(
    *,
    seed: int,
    per_scenario: int | None = None,
    balance: str | None = None,
    siblings: int = 0,
    families: Sequence[str] | None = None,
    perturb: str | None = None,
) -> SyntheticSettings:
    """Return the settings in canonical form: all families by default, and 3 samples per scenario type.

    Raises:
        SettingsError: a number is out of its range, a family cannot be simulated, a balance or perturbation
            is unknown, or a balance is combined with a number of samples or siblings.
    """
    known = family_names()
    chosen = known if families is None else tuple(sorted(set(families)))
    if seed < 0:
        raise SettingsError(f"seed={seed}: must be 0 or more")
    if per_scenario is not None and per_scenario < 1:
        raise SettingsError(f"per-scenario={per_scenario}: must be 1 or more")
    if balance is not None and (per_scenario is not None or siblings):
        raise SettingsError(
            f"balance={balance} sets the number of samples: leave per-scenario and siblings out"
        )
    unknown = [name for name in chosen if name not in known]
    if unknown or not chosen:
        raise SettingsError(f"families={'+'.join(unknown)}: unknown; there are {', '.join(known)}")
    if not 0 <= siblings <= len(chosen):
        raise SettingsError(f"siblings={siblings}: must be 0 to {len(chosen)}, at most one for each family")
    return SyntheticSettings(
        seed=seed,
        per_scenario=PER_SCENARIO if per_scenario is None else per_scenario,
        balance=None if balance is None else _balance(balance),
        siblings=siblings,
        families=chosen,
        perturb=None if perturb is None else _perturbation(perturb),
    )


def parse_dataset_name(name: str) -> SyntheticSettings:
    """Parse the settings in a name such as ``synthetic:seed=7,per-scenario=1,siblings=2,families=drag+rabi``.

    ``synthetic:seed=7,balance=benchmark`` has the benchmark's number of samples of each family. Settings that
    are left out have their defaults: seed 7, 3 samples per scenario type, no siblings, all families, no
    perturbation.

    Raises:
        SettingsError: the prefix is another, a setting is unknown or repeated, or a value cannot be used.
    """
    prefix, _, text = name.partition(":")
    if prefix != PREFIX:
        raise SettingsError(
            f"{name!r}: a synthetic data set is named {PREFIX}:seed=7,per-scenario=3,families=drag+rabi"
        )
    given: dict[str, str] = {}
    for part in filter(None, text.split(",")):
        key, _, value = part.partition("=")
        if key not in SETTINGS or key in given:
            known = ", ".join(f"{setting}=" for setting in SETTINGS)
            raise SettingsError(f"{name!r}: {key!r} is unknown or repeated; settings are {known}")
        given[key] = value
    return checked_settings(
        seed=_integer(given.get("seed", "7"), "seed"),
        per_scenario=_integer(given["per-scenario"], "per-scenario") if "per-scenario" in given else None,
        balance=given.get("balance"),
        siblings=_integer(given.get("siblings", "0"), "siblings"),
        families=given["families"].split("+") if "families" in given else None,
        perturb=given.get("perturb"),
    )


def _integer(text: str, key: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise SettingsError(f"{key}={text}: must be an integer") from None


def _balance(name: str) -> Balance:
    try:
        return Balance(name)
    except ValueError:
        raise SettingsError(f"balance={name}: unknown; there is {', '.join(Balance)}") from None


def _perturbation(name: str) -> Perturbation:
    try:
        return Perturbation(name)
    except ValueError:
        raise SettingsError(f"perturb={name}: unknown; there are {', '.join(Perturbation)}") from None
