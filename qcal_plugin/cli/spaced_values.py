"""Lists of numbers on the command line as people type them: ``--parallel 1 2 5``."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import pytest

NUMBER = re.compile(r"\d+(\.\d+)?")


def take_spaced_values(config: pytest.Config, flags: Sequence[str]) -> dict[str, list[str]]:
    """The further numbers behind each of these flags; pytest takes all but the first for test paths, and no longer."""
    spaced: dict[str, list[str]] = {flag: [] for flag in flags}
    flag = previous = ""
    for argument in map(str, config.invocation_params.args):
        if argument.startswith("-"):
            flag = argument.partition("=")[0]
        elif previous.startswith("-") and "=" not in previous:
            pass  # the option's own value
        elif (
            flag in spaced
            and argument in config.args
            and NUMBER.fullmatch(argument)
            and not Path(argument).exists()
        ):
            spaced[flag].append(argument)
            config.args.remove(argument)
        previous = argument
    return spaced
