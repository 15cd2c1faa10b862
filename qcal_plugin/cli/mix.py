"""``--mix FILE``, read before anything else happens, and what it cannot be given with."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from qcal_plugin.mix.file import MixFile, MixFileError, read_mix_file

EXCLUDED = {
    "dataset": "the mix names its datasets",
    "dataset_revision": "a part of the mix has a revision of its own",
    "sample": "samples = N in the mix's file draws them",
    "seed": "seed = S stands in the mix's file",
    "shots": "demonstrations are drawn from one dataset",
    "perturb": "only a synthetic dataset is drawn anew",
}
"""Options that a mix takes the place of, or that go with one dataset only, and why."""


def read_mix(option: Callable[[str], Any]) -> MixFile | None:
    """The mix in the file; None without one. Raises pytest.UsageError."""
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
