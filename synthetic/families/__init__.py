"""The experiment families, a Python module and a TOML file each; synthetic/family.py states the contract."""

from __future__ import annotations

import importlib
import pkgutil
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from synthetic.family import Family


def family_names() -> tuple[str, ...]:
    """Return the names of all families that can be simulated, in alphabetical order, without importing any."""
    return tuple(sorted(module.name for module in pkgutil.iter_modules(__path__)))


def load_family(name: str) -> Family[Any]:
    """Import and return the family of this name, which must be one of :func:`family_names`."""
    family: Family[Any] = importlib.import_module(f"{__name__}.{name}").FAMILY
    return family
