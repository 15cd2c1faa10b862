"""Read ``--mix FILE``, before anything is asked, and refuse options that contradict it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from qcal_plugin.mix.file import MixFile, MixFileError, read_mix_file

EXCLUDED = {
    "dataset": "the mix names its datasets",
    "dataset_revision": "each part of the mix has its revision",
    "sample": "samples = N in the mix's file sets the number",
    "seed": "seed = S in the mix's file sets it",
    "shots": "demonstrations are drawn from one dataset",
    "perturb": "only a synthetic dataset can be redrawn",
}
"""Options that a mix replaces, or that need a single dataset, with the reason."""


def read_mix(option: Callable[[str], Any]) -> MixFile | None:
    """Return the mix in the file; None without a file. Raises pytest.UsageError."""
    given = option("mix")
    if not given:
        return None
    for name, reason in EXCLUDED.items():
        if option(name):
            raise pytest.UsageError(f"--{name.replace('_', '-')} and --mix: give one of them; {reason}")
    try:
        return read_mix_file(Path(given))
    except MixFileError as error:
        raise pytest.UsageError(f"--mix {error}") from error
